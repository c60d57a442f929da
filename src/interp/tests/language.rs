//! The commands that we add: `capture`, `defer`, `sleep`, `status`, `until`.

use std::io::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use proptest::prelude::*;

use super::{Case, case, each_fails, logs, passes};
use crate::interp::{
    AfterFailure, CommandError, Detail, Expect, Interrupted, Registry, ScriptEnding,
};
use crate::script::Dialect;

const NAMES: [&str; 5] = ["capture", "defer", "sleep", "status", "until"];

#[test]
fn testscript_knows_none_of_them() {
    for name in NAMES {
        let mut case = case();
        case.dialect = Dialect::Testscript;
        let message = format!("unknown command \"{name}\"");
        case.fails(&format!("{name} x"), &message);
    }
}

#[test]
fn what_the_user_registers_goes_before_them() {
    for name in NAMES {
        let mut case = case();
        case.registry = Registry::default().command(name, |_, _, _| Err("mine".into()));
        case.fails(&format!("{name} x"), "mine");
        case.registry = Registry::default().program(name);
        case.fails(&format!("{name} x"), "unexpected command failure");
    }
}

#[test]
fn the_last_status_is_compared() {
    passes("exec true\nstatus 0\n! status 1\n! exec sh -c 'exit 3'\nstatus 3\n! status 0\n");
    passes("! exec sh -c 'kill -TERM $$'\nstatus 143\n");
    passes("! exec sh -c 'exit 4' &\nwait\nstatus 4\n");
    passes("! exec sh -c 'exit 5' &a&\nexec true\nwait a\nstatus 5\n");
    let none = "status: there is none: no program has ended yet, or the last one did not start";
    each_fails(&[
        (
            "! exec sh -c 'exit 3'\nstatus 2",
            "last exit status is 3, want 2",
        ),
        (
            "! exec sh -c 'exit 3'\n! status 3",
            "last exit status is 3, unexpectedly",
        ),
        (
            "! exec sh -c 'kill -TERM $$'\nstatus 0",
            "last exit status is 143 (signal: terminated), want 0",
        ),
        ("status 0", none),
        ("exec true\nexec true &\nstatus 0", none),
        ("exec true\n! exec nosuch\nstatus 0", none),
        ("status", "usage: status code"),
        (
            "status x",
            "status: expected a number from 0 to 255, found \"x\"",
        ),
        (
            "status 256",
            "status: expected a number from 0 to 255, found \"256\"",
        ),
        (
            "status -1",
            "status: expected a number from 0 to 255, found \"-1\"",
        ),
    ]);
}

#[test]
fn the_last_output_becomes_a_variable() {
    passes("exec echo one\ncapture A\nexec printf %s $A\ncmp stdout want\n-- want --\none\n");
    passes(
        "exec printf 'a b \\n\\t\\n'\ncapture A -trim\nexec printf %s'|' $A\nstdout '^a b\\|$'\n",
    );
    passes("exec echo x\ncapture -trim A_1\nexec echo ${A_1}y\nstdout ^xy$\n");
    passes("env A=1\ncapture A\nexec printf '<%s>' $A\nstdout ^<>$\n");
    let name = |found: &str| {
        format!("capture: expected a name of letters, digits and `_`, found \"{found}\"")
    };
    each_fails(&[
        ("capture", "usage: capture name [-trim]"),
        ("capture A B", "usage: capture name [-trim]"),
        ("capture -trim", &name("-trim")),
        ("capture A=B", &name("A=B")),
        ("capture 1A", &name("1A")),
        ("capture ''", &name("")),
        ("! capture A", "unsupported: ! capture"),
        (
            "exec printf 'a\\000b'\ncapture A",
            "capture: stdout has a zero byte, which no variable can hold",
        ),
    ]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_was_captured_is_expanded_to_itself(text in prop::collection::vec(1..=255_u8, 0..40)) {
        let mut case = case();
        let said = text.clone();
        case.registry = Registry::default()
            .command("say", move |context, _, _| Ok(context.stdout().write_all(&said)?))
            .command("same", move |_, _, words| match words {
                [word] if *word == text => Ok(()),
                _ => Err(format!("{words:?} is not {text:?}").into()),
            });
        let (ending, log) = case.run("say\ncapture A\nsame $A\nsame ${A}''\n");
        prop_assert_eq!(ending, ScriptEnding::Passed, "{}", log);
    }
}

#[test]
fn sleep_is_the_worlds() {
    let mut case = case();
    case.logs("# p\nsleep 1m30s\n", "# p (90.001s)\nPASS\n");
    case.fails("sleep", "usage: sleep duration");
    case.fails("! sleep 1s", "unsupported: ! sleep");
    let message = "sleep: expected a duration such as `500ms`, `30s`, `3m`, `1m30s`, found `5`";
    case.fails("sleep 5", message);
    case.machine.interrupt = Some(Interrupted::Deadline);
    let ending = case.run("sleep 1h\n").0;
    assert_eq!(ending, ScriptEnding::Interrupted(Interrupted::Deadline));
}

/// With a command `ready N` that fails until its N-th call, with some output.
fn with_ready() -> Case {
    let mut case = case();
    let calls = AtomicU32::new(0);
    case.registry = Registry::default().command("ready", move |context, expect, words| {
        let word = String::from_utf8_lossy(&words[0]).into_owned();
        let wanted: u32 = word.parse().map_err(|_| "no number")?;
        let now = calls.fetch_add(1, Ordering::Relaxed) + 1;
        writeln!(context.stdout(), "try {now}")?;
        match (now >= wanted, expect) {
            (true, Expect::Success) | (false, Expect::Failure) => Ok(()),
            _ => Err(CommandError::from("not now")),
        }
    });
    case
}

#[test]
fn until_tries_again_and_shows_the_last_try() {
    let mut case = with_ready();
    case.setup.detail = Detail::Whole;
    let (ending, log) = case.run("until ready 5\nstdout '^try 5$'\n");
    assert_eq!(ending, ScriptEnding::Passed, "{log}");
    // 100, 200, 400, 800 ms, and a millisecond for each look at the clock.
    let end =
        "> until ready 5\n[stdout]\ntry 5\n\n[until: 5 tries, 1.506s]\n> stdout '^try 5$'\nPASS\n";
    assert!(log.ends_with(end), "{log}");
    let (_, log) = with_ready_whole().run("until -every=50ms ready 3\n");
    assert!(
        log.ends_with("try 3\n\n[until: 3 tries, 0.104s]\nPASS\n"),
        "{log}"
    );
    let (_, log) = with_ready_whole().run("until ready 1\n");
    assert!(
        log.ends_with("try 1\n\n[until: 1 try, 0.002s]\nPASS\n"),
        "{log}"
    );
}

fn with_ready_whole() -> Case {
    let mut case = with_ready();
    case.setup.detail = Detail::Whole;
    case
}

#[test]
fn until_gives_up_with_the_last_failure() {
    with_ready().logs(
        "until -timeout=1s ready 100\n",
        "> until -timeout=1s ready 100\n[stdout]\ntry 5\n\n[until: 5 tries, 0.855s]\n\
         FAIL: a.txtar:1: until: gave up after 1s and 5 tries: not now\n",
    );
    case().fails(
        "until -timeout=2s -every=5s exec false",
        "until: gave up after 2s and 2 tries: unexpected command failure",
    );
}

#[test]
fn until_takes_any_command_with_its_negation() {
    let count = "exec sh -c 'echo x >>n; cat n'";
    passes(&format!("until {count}\n"));
    passes(
        "until ! exec test -e f\nexists f\n-- f --\n"
            .replace("! exec test -e f", "exists f")
            .as_str(),
    );
    passes(
        "until ! exists nothing\nuntil ! stdout x\nuntil grep a f\nuntil cmp f f2\n-- f --\na\n-- f2 --\na\n",
    );
    passes("until exec sh -c 'echo x >>n; test $(wc -l <n) = 3'\ngrep -count=3 x n\n");
    passes("until ! exec sh -c 'echo x >>n; test $(wc -l <n) != 3'\n");
    passes(
        "stdin f\nuntil exec sh -c 'echo x >>n; cat; test $(wc -l <n) = 3'\ncmp stdout f\n-- f --\na\n",
    );
    let mut case = case();
    case.registry = Registry::default().program("test");
    case.fails(
        "until -timeout=2s -every=5s test -e f",
        "until: gave up after 2s and 2 tries: unexpected command failure",
    );
}

#[test]
fn until_ends_a_program_that_hangs() {
    let text = "until -timeout=100ms exec sh -c 'echo on; exec sleep 600'\n";
    let (ending, log) = case().run(text);
    let ScriptEnding::Failed(failure) = ending else {
        panic!("{log}");
    };
    let message = "until: gave up after 100ms and 1 try: the command did not end";
    assert_eq!(failure.message.lossy(), message);
    assert!(
        log.contains("[stdout]\non\n[signal: killed]\n[until: 1 try, "),
        "{log}"
    );
    // Its end is not the failure that was waited for.
    case().fails("until -timeout=100ms ! exec sleep 600", message);
    passes("! until exec true\n".strip_prefix("! ").unwrap());
}

#[test]
fn until_does_not_repeat_a_mistake() {
    let usage = "usage: until [-timeout=D] [-every=D] [!] command...";
    let cases = [
        ("until", usage),
        ("until !", usage),
        ("until -timeout=1s", usage),
        ("until -often exec true", usage),
        (
            "! until exec true",
            "unsupported: ! until; write until ! COMMAND",
        ),
        ("until ! mkdir d", "unsupported: ! mkdir"),
        ("until no-such", "unknown command \"no-such\""),
        ("until skip", "unsupported: until skip"),
        ("until stop", "unsupported: until stop"),
        ("until defer exec true", "unsupported: until defer"),
        ("until until exec true", "unsupported: until until"),
        (
            "until exec sleep 5 &",
            "until: a program in the background cannot be tried",
        ),
        (
            "until -timeout=0s exec true",
            "until: -timeout: expected more than 0",
        ),
        (
            "until -every=x exec true",
            "until: -every: expected a duration such as `500ms`, `30s`, `3m`, `1m30s`, found `x`",
        ),
        ("until mkdir", "usage: mkdir dir..."),
        (
            "until stdout a**",
            "error parsing regexp: invalid nested repetition operator: `**`",
        ),
    ];
    for (text, wanted) in cases {
        let mut case = case();
        case.fails(text, wanted);
        let (_, log) = case.run(text);
        assert!(!log.contains("[until"), "{log}");
    }
}

#[test]
fn until_leaves_the_deadline_to_the_script() {
    let mut case = with_ready_whole();
    case.machine.interrupt = Some(Interrupted::Deadline);
    let (ending, log) = case.run("until ready 5\n");
    assert_eq!(ending, ScriptEnding::Interrupted(Interrupted::Deadline));
    let end = "try 1\n\n[until: 1 try, 0.103s]\n[deadline exceeded]\n\
               FAIL: a.txtar:1: test timed out while running command\n";
    assert!(log.ends_with(end), "{log}");
}

#[test]
fn what_is_deferred_runs_last_and_backwards() {
    let text =
        "env A=1\ndefer exec echo first $A\ndefer exec echo second\nenv A=2\n# body\nexec true\n";
    let mut whole = case();
    whole.setup.detail = Detail::Whole;
    let (ending, log) = whole.run(text);
    assert_eq!(ending, ScriptEnding::Passed, "{log}");
    let end = "> exec true\n# deferred (0.004s)\n> defer exec echo second\n[stdout]\nsecond\n\
               > defer exec echo first $A\n[stdout]\nfirst 1\nPASS\n";
    assert!(log.ends_with(end), "{log}");
    assert_eq!(whole.machine.lines, [1, 2, 3, 4, 6, 3, 2]);
    assert_eq!(whole.machine.limits, [Duration::from_secs(30); 2]);
    logs(text, "# body (0.001s)\n# deferred (0.004s)\nPASS\n");
}

#[test]
fn a_deferred_command_runs_where_it_was_said() {
    passes("mkdir d\ncd d\ndefer exists f\ncd ..\nexec touch d/f\n");
    passes("defer exec cat\nstdin f\n-- f --\nx\n");
    passes("exec sh -c 'exit 3'\n".replace("exec", "! exec").as_str());
}

#[test]
fn deferred_commands_run_whatever_the_end() {
    let deferred = "defer mkdir ran\n[linux] defer ! exec false\n";
    let at_end = |case: &mut Case, text: &str| {
        let (ending, log) = case.run(&format!("{deferred}{text}"));
        assert!(case.setup.work_dir.join("ran").is_dir(), "{text}\n{log}");
        (ending, log)
    };
    let (ending, _) = at_end(&mut case(), "stop\nexec false\n");
    assert_eq!(ending, ScriptEnding::Stopped);
    let (ending, log) = at_end(&mut case(), "skip 'not now'\n");
    let reason = "not now".to_owned();
    assert_eq!(ending, ScriptEnding::Skipped { reason });
    assert!(log.contains("> skip 'not now'\n# deferred ("), "{log}");
    let (ending, log) = at_end(&mut case(), "# p\nexec false\n");
    assert!(matches!(ending, ScriptEnding::Failed(_)));
    let end = "FAIL: a.txtar:4: unexpected command failure\n# deferred (0.004s)\n";
    assert!(log.ends_with(end), "{log}");
    let mut hung = case();
    hung.machine.interrupt = Some(Interrupted::Deadline);
    let (ending, log) = at_end(&mut hung, "exec true\n");
    assert_eq!(
        ending,
        ScriptEnding::Interrupted(Interrupted::Deadline),
        "{log}"
    );
    assert!(log.contains("[deadline exceeded]\n"), "{log}");
    let mut going_on = case();
    going_on.setup.after_failure = AfterFailure::GoOn;
    let (ending, _) = at_end(&mut going_on, "exec false\nexec true\n");
    assert!(matches!(ending, ScriptEnding::Failed(_)));
}

#[test]
fn nothing_deferred_runs_when_nobody_waits() {
    let mut case = case();
    case.machine.interrupt = Some(Interrupted::Cancelled);
    let (ending, log) = case.run("defer mkdir ran\nexec true\n");
    assert_eq!(ending, ScriptEnding::Interrupted(Interrupted::Cancelled));
    assert!(log.ends_with("[nothing deferred is run]\n"), "{log}");
    assert!(!case.setup.work_dir.join("ran").exists());
}

#[test]
fn a_deferred_failure_fails_a_script_that_was_well_and_hides_nothing() {
    logs(
        "# p\ndefer mkdir d\ndefer exec false\nexec true\n",
        "# p (0.001s)\n# deferred (0.004s)\n> defer exec false\n[exit status 1]\n\
         FAIL: a.txtar:3: deferred: unexpected command failure\n> defer mkdir d\n",
    );
    each_fails(&[
        ("defer exec false", "deferred: unexpected command failure"),
        (
            "defer exec false\nstop",
            "deferred: unexpected command failure",
        ),
        (
            "defer exec false\nskip",
            "deferred: unexpected command failure",
        ),
        ("defer exec false\ncd gone", "directory gone does not exist"),
        (
            "defer cd gone\ndefer exec false",
            "deferred: unexpected command failure",
        ),
    ]);
    let mut case = case();
    case.machine.interrupt = Some(Interrupted::Deadline);
    let (ending, log) = case.run("defer exec false\nexec true\n");
    assert_eq!(ending, ScriptEnding::Interrupted(Interrupted::Deadline));
    assert!(
        log.contains("deferred: unexpected command failure\n"),
        "{log}"
    );
}

#[test]
fn a_deferred_command_has_limits_of_its_own() {
    let mut case = case();
    case.machine.deferred_interrupt = Some(Interrupted::Deadline);
    case.fails(
        "defer mkdir d\ndefer exec true\n",
        "deferred: gave up after 30s",
    );
    assert!(case.setup.work_dir.join("d").is_dir());
    case.machine.limits.clear();
    let (ending, log) =
        case.run("defer exec true\ndefer sleep 29s\ndefer sleep 25s\ndefer sleep 20s\n");
    assert!(matches!(ending, ScriptEnding::Failed(_)), "{log}");
    assert!(
        log.contains("> defer exec true\nFAIL: a.txtar:1: deferred: not run, the others took 1m\n")
    );
    let limits: Vec<u64> = case.machine.limits.iter().map(Duration::as_secs).collect();
    assert_eq!(limits, [30, 30, 14]);
    case.machine.deferred_interrupt = Some(Interrupted::Cancelled);
    let (ending, log) = case.run("defer exec false\ndefer exec true\n");
    assert_eq!(
        ending,
        ScriptEnding::Interrupted(Interrupted::Cancelled),
        "{log}"
    );
}

#[test]
fn what_cannot_be_meant_is_refused_where_it_is_said() {
    let cases = [
        ("defer", "usage: defer [!] command..."),
        ("defer !", "usage: defer [!] command..."),
        (
            "! defer exec true",
            "unsupported: ! defer; write defer ! COMMAND",
        ),
        ("defer ! mkdir d", "unsupported: ! mkdir"),
        ("defer no-such", "unknown command \"no-such\""),
        ("defer defer exec true", "unsupported: defer defer"),
        ("defer skip", "unsupported: defer skip"),
        ("defer stop", "unsupported: defer stop"),
    ];
    each_fails(&cases);
    passes("defer exec sleep 600 &\n");
    passes("defer until ! exec false\n");
}

/// `fixtures/language` is executed on real slots too; what the manual shows is a part of it.
#[test]
fn the_manual_shows_nothing_that_is_not_in_a_fixture() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let manual = std::fs::read_to_string(root.join("docs/script.md")).unwrap();
    let folder = std::fs::read_dir(root.join("fixtures/language")).unwrap();
    let fixtures: Vec<String> = folder
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    let examples: Vec<&str> = manual.split("```text\n").skip(1).collect();
    assert!(examples.len() > NAMES.len(), "{}", examples.len());
    for example in examples {
        let (example, _) = example.split_once("```").unwrap();
        let shown = fixtures.iter().any(|fixture| fixture.contains(example));
        assert!(shown, "{example}");
    }
}

#[test]
fn the_manual_shows_every_addition_with_a_part_of_its_fixture() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let manual = std::fs::read_to_string(root.join("docs/script.md")).unwrap();
    for name in NAMES {
        let usage = crate::interp::command_facts().find(|command| command.name == name);
        let heading = format!("\n### `{}`\n", usage.unwrap().usage);
        let (_, section) = manual.split_once(&heading).expect(&heading);
        let (example, _) = section
            .split_once("```text\n")
            .and_then(|(_, rest)| rest.split_once("```"))
            .unwrap();
        let file = root.join(format!("fixtures/language/{name}.txtar"));
        let fixture = std::fs::read_to_string(file).unwrap();
        assert!(fixture.contains(example), "{name}: {example}");
        let mut case = case();
        case.setup.detail = Detail::Whole;
        if !["sleep", "until"].contains(&name) {
            case.passes(&fixture);
        }
    }
}
