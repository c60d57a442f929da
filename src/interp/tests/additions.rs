//! What users add, and what we add.

use std::io::Write as _;

use super::{case, fails};
use crate::interp::{CommandError, Expect, Registry, ScriptEnding};
use crate::model::EngineKind;
use crate::script::Dialect;

#[test]
fn a_command_of_the_users_reads_writes_and_sets() {
    let mut case = case();
    case.registry = Registry::default().command("shout", |context, expect, arguments| {
        assert_eq!((context.name(), expect), ("shout", Expect::Success));
        let text = context.read_file(str::from_utf8(&arguments[0]).unwrap())?;
        context.stdout().write_all(&text.to_ascii_uppercase())?;
        let place = context.make_absolute("../x");
        context.set_variable("PLACE", place.into_os_string().into_encoded_bytes());
        Ok(())
    });
    case.passes("mkdir d\ncd d\nexec echo a\nshout stdout\nstdout ^A$\nexec echo $PLACE\nstdout ^${WORK@R}/x$\n");
    case.fails("shout gone", "open $WORK/gone: no such file or directory");
}

#[test]
fn a_failing_or_panicking_command_fails_the_line_and_keeps_its_output() {
    let mut case = case();
    case.registry = Registry::default()
        .command("bad", |context, _, _| {
            context.log("on my way");
            context.stderr().write_all(b"oops\n")?;
            Err(CommandError::from("too bad"))
        })
        .command("worse", |_, _, _| panic!("no {}", "way"))
        .command("pass", |_, _, _| {
            Err(CommandError::Skipped("later".to_owned()))
        });
    case.logs(
        "bad\n",
        "> bad\non my way\n[stderr]\noops\n\nFAIL: a.txtar:1: too bad\n",
    );
    case.fails("worse", "panicked: no way");
    let reason = "later".to_owned();
    assert_eq!(case.run("pass\n").0, ScriptEnding::Skipped { reason });
}

#[test]
fn what_a_command_wrote_is_followed_by_a_line_end_in_the_log_and_replaces_both_outputs() {
    let mut case = case();
    case.registry = Registry::default()
        .command("say", |context, _, words| {
            Ok(context.stdout().write_all(&words[0])?)
        })
        .command("warn", |context, _, words| {
            Ok(context.stderr().write_all(&words[0])?)
        })
        .command("quiet", |_, _, _| Ok(()));
    // testscript's own words for it: `Logf("[stdout]\n%s", …)`, which ends the line whether it had ended or not.
    case.logs(
        "say a\nwarn b\n! stdout .\nquiet\nstderr b\nsay ''\n! stderr .\nexec false\n",
        "> say a\n[stdout]\na\n> warn b\n[stderr]\nb\n> ! stdout .\n> quiet\n> stderr b\n> say ''\n> ! stderr .\n\
         > exec false\n[exit status 1]\nFAIL: a.txtar:8: unexpected command failure\n",
    );
}

#[test]
fn an_external_command_decides_itself_whether_the_expectation_was_met() {
    let mut case = case();
    let sh = || std::path::PathBuf::from("/bin/sh");
    case.registry = Registry::default()
        .external("outside", sh())
        .external("cd", sh())
        .external("gone", "/no/such".into());
    case.passes(
        "outside -c 'echo $SHAKEDOWN_EXPECT $0 $1' x 'two words'\nstdout '^success x two words$'\n",
    );
    case.passes("! outside -c 'echo $SHAKEDOWN_EXPECT'\nstdout '^failure$'\nexec sh -c 'test -z \"$SHAKEDOWN_EXPECT\"'\n");
    case.passes(
        "mkdir d\ncd d\nenv A=b\nstdin ../in\noutside -c 'cat; pwd; echo $A >&2'\n\
         stdout ^text$\nstdout /d$\nstderr ^b$\n-- in --\ntext\n",
    );
    case.logs(
        "! outside -c 'echo so; exit 3'\n",
        "> ! outside -c 'echo so; exit 3'\n[stdout]\nso\nFAIL: a.txtar:1: outside: exit status 3\n",
    );
    case.fails("outside -c 'kill -9 $$'", "outside: signal: killed");
    case.fails(
        "outside -c true &",
        "unsupported: outside in the background",
    );
    case.fails(
        "gone",
        "gone: fork/exec /no/such: no such file or directory",
    );
    case.fails(
        "outsid",
        "unknown command \"outsid\" (did you mean \"outside\"?)",
    );
    case.machine.interrupt = Some(crate::interp::Interrupted::Deadline);
    let deadline = ScriptEnding::Interrupted(crate::interp::Interrupted::Deadline);
    assert_eq!(case.run("outside -c true\n").0, deadline);
}

#[test]
fn a_built_in_wins_over_a_command_and_loses_to_a_program() {
    let mut case = case();
    case.registry = Registry::default()
        .command("mkdir", |_, _, _| Err("not me".into()))
        .program("env");
    case.passes("mkdir d\nexists d\nenv A=1 true\nexec echo $A\n! stdout 1\n");
}

#[test]
fn conditions_of_the_users_take_a_suffix_and_may_be_wrong() {
    let mut case = case();
    case.registry = Registry::default()
        .condition("is", |suffix| match suffix {
            "" => Err("is what?".to_owned()),
            word => Ok(word == "so"),
        })
        .condition("torn", |_| panic!("no idea"))
        .condition("docker", |_| Ok(true));
    case.passes("[is:so] exec true\n[is:not] exec false\n[!docker] exec false\n");
    case.fails("[is] exec true", "bad condition \"is\": is what?");
    let message = "bad condition \"torn:x\": panicked: no idea";
    case.fails("[torn:x] exec true", message);
}

#[test]
fn conditions_about_the_engine_are_ours_alone() {
    let mut case = case();
    case.setup.engine = Some(EngineKind::Podman);
    case.passes(
        "[docker] exec false\n[!podman] exec false\n[!engine] exec false\n[rootless] exec false\n",
    );
    case.passes("exec echo $ENGINE $TAG $RUN_ID\nstdout '^podman sd-1 run1$'\n");
    case.dialect = Dialect::Testscript;
    case.fails("[docker] exec true", "unknown condition \"docker\"");
}

#[test]
fn preparations_run_when_the_files_are_there() {
    let mut case = case();
    case.registry = Registry::default().prepare(|preparation| {
        assert!(preparation.work_dir().join("f").exists());
        preparation.set_variable("HOME", "/h");
        preparation.write_file("made/here", "x\n")?;
        preparation.set_directory("made");
        Ok(())
    });
    case.passes("cmp here ../f\nexec echo $HOME\nstdout ^/h$\n-- f --\nx\n");
    case.registry = Registry::default().prepare(|_| Err("no luck".to_owned()));
    case.logs("exec true\n", "FAIL: a.txtar:0: no luck\n");
    fails("[is] exec true", "unknown condition \"is\"");
}

#[test]
fn a_typed_variable_wins_over_settings_ours_and_preparations() {
    let mut case = case();
    let pair = |name: &str, value: &str| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
    case.setup.variables = vec![pair("A", "settings")];
    case.setup.typed = vec![pair("A", "typed"), pair("TAG", "typed"), pair("B", "typed")];
    case.registry = Registry::default().prepare(|script| {
        script.set_variable("B", "prepared");
        Ok(())
    });
    case.passes("exec echo $A $TAG $B\nstdout '^typed typed typed$'\n");
}
