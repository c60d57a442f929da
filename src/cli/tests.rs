//! What may be typed, what comes of it, and what is said about the rest.

use std::num::NonZeroU32;
use std::time::Duration;

use super::*;
use crate::config::{CleanupWhen, Dialect, EngineChoice, Origin};
use crate::model::{EngineKind, Golden, Lane, Policy};
use crate::run::Kept;

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

fn environment(pairs: &[(&str, &str)]) -> Environment {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(own).collect()
}

fn typed(line: &str, pairs: &[(&str, &str)]) -> Result<Typed, Misuse> {
    options(&words(line), &environment(pairs), Door::Target)
}

#[track_caller]
fn good_with(line: &str, pairs: &[(&str, &str)]) -> Options {
    match typed(line, pairs).unwrap() {
        Typed::Options(options) => *options,
        Typed::Help => panic!("help was not asked for: {line}"),
    }
}

#[track_caller]
fn good(line: &str) -> Options {
    good_with(line, &[])
}

#[track_caller]
fn check_wrong(line: &str, pairs: &[(&str, &str)], expected: &str) {
    assert_eq!(typed(line, pairs).expect_err(line).to_string(), expected);
}

#[test]
fn nothing_typed_runs_everything_as_libtest_does() {
    assert_eq!(good(""), Options::new(Runner::Cargo));
}

#[test]
fn the_lines_that_nextest_types_are_understood() {
    let nextest = [("NEXTEST", "1")];
    let list = good_with("--list --format terse", &nextest);
    assert_eq!(
        (list.action, list.output.format),
        (Action::List, Format::Terse)
    );
    assert_eq!(list.runner, Runner::Nextest);
    let ignored = good_with("--list --format terse --ignored", &nextest);
    assert_eq!(ignored.selection.ignoring, Ignoring::Unmarked);
    let run = good_with("--exact container_exit --nocapture --ignored", &nextest);
    assert!(run.selection.exact && run.selection.selects("container_exit"));
    assert_eq!(run.selection.choose("container_exit", true), Chosen::Runs);
}

#[test]
fn libtest_flags_that_libtest_mimic_lacks_are_taken_too() {
    let options =
        good("a --no-capture b --skip c --skip=d -Z unstable-options -Zother --report-time -q -q");
    assert_eq!(options.selection.filters, ["a", "b"]);
    assert_eq!(options.selection.skip, ["c", "d"]);
    assert!(options.output.times);
    assert_eq!(options.output.format, Format::Terse);
    assert_eq!(
        good("--force-run-in-process --exclude-should-panic"),
        good("")
    );
    assert_eq!(good("-q --format pretty").output.format, Format::Pretty);
    assert_eq!(
        good("--bench").selection.choose("a", false),
        Chosen::Ignored
    );
    assert_eq!(good("-- --list -x").selection.filters, ["--list", "-x"]);
}

#[test]
fn threads_are_never_zero() {
    let seven = NonZeroU32::new(7);
    assert_eq!(good("--test-threads=7").overrides.width, seven);
    assert_eq!(
        good_with("", &[("RUST_TEST_THREADS", "7")]).overrides.width,
        seven
    );
    let both = good_with("--test-threads 7", &[("RUST_TEST_THREADS", "0")]);
    assert_eq!(both.overrides.width, seven);
    check_wrong(
        "--test-threads=0",
        &[],
        "error: --test-threads: expected a number above zero, found `0`",
    );
    check_wrong(
        "",
        &[("RUST_TEST_THREADS", "0")],
        "error: RUST_TEST_THREADS: expected a number above zero, found `0`",
    );
    check_wrong(
        "--test-threads=-1",
        &[],
        "error: --test-threads: expected a number above zero, found `-1`",
    );
}

#[test]
fn variables_are_set_or_copied_and_may_be_many() {
    let pair = |name: &str, value: Option<&str>| (name.to_owned(), value.map(str::to_owned));
    let expected = [pair("A", Some("1=2")), pair("B", None), pair("C", Some(""))];
    assert_eq!(good("-e A=1=2 --env B -eC=").variables, expected);
    let twin = [("SHAKEDOWN_ENV", "\nA=1=2\n\nB\nC=\n")];
    assert_eq!(good_with("", &twin).variables, expected);
    assert_eq!(good_with("-e D", &twin).variables, [pair("D", None)]);
    for word in ["-eWORK=x", "--env=WORK"] {
        check_wrong(word, &[], "error: --env: cannot override WORK variable");
    }
    check_wrong(
        "-e =x",
        &[],
        "error: --env: expected VAR or VAR=VALUE, found `=x`",
    );
}

#[test]
fn work_directories_alone_may_be_kept_and_keep_means_more() {
    for (line, kept) in [
        ("", Kept::AsConfigured),
        ("--work", Kept::Work),
        ("--work --keep", Kept::Everything),
        ("--keep --work", Kept::Everything),
    ] {
        assert_eq!(good(line).kept, kept, "{line}");
    }
}

#[test]
fn the_flags_of_the_original_are_taken_with_one_dash() {
    assert_eq!(
        good("-continue -work -v -u -e A"),
        good("--continue --work -v -u -e A")
    );
    assert_eq!(good("-- -work").selection.filters, ["-work"]);
}

#[test]
fn standard_input_alone_cannot_be_updated() {
    let read = |line: &str| options(&words(line), &environment(&[]), Door::Program);
    assert_eq!(
        read("-u -").unwrap_err().to_string(),
        "error: cannot use -u when only reading from stdin"
    );
    for line in ["-", "-u a -", "-u"] {
        assert!(read(line).is_ok(), "{line}");
    }
}

#[test]
fn an_update_has_one_lap() {
    let expected = "error: `--update` rewrites what ran: expected one lap, found `--count`, `--until-fail` or `--for`";
    for line in ["-u --count 3", "-u --until-fail", "-u --for 5s --count 2"] {
        check_wrong(line, &[], expected);
    }
    check_wrong("-u", &[("SHAKEDOWN_COUNT", "2")], expected);
    for line in [
        "-u --count 1",
        "-u --until-fail --count 1",
        "-u --max-fail 2",
    ] {
        assert_eq!(good(line).golden, Golden::Update, "{line}");
    }
}

#[test]
fn our_flags_are_set_and_know_who_said_it() {
    let options = good(
        "--engine podman --policy=gated --lane plain --deadline 1m30s --config c.toml --state-dir d \
         --dialect testscript --require-engine --strict --keep --continue -v",
    );
    let overrides = &options.overrides;
    let engine = overrides.engine.as_ref().unwrap();
    assert_eq!(engine.value, EngineChoice::Only(EngineKind::Podman));
    assert_eq!(engine.origin, Origin::Flag("--engine"));
    assert_eq!(overrides.policy.as_ref().unwrap().value, Policy::Gated);
    assert_eq!(
        overrides.deadline.as_ref().unwrap().value,
        Duration::from_secs(90)
    );
    assert_eq!(overrides.dialect, Some(Dialect::Testscript));
    assert_eq!(overrides.state_dir.as_deref(), Some("d"));
    assert_eq!(overrides.cleanup, Some(CleanupWhen::Never));
    assert!(overrides.require_engine && overrides.strict && options.go_on);
    assert_eq!(options.kept, Kept::Everything);
    assert_eq!(options.lane, Some(Lane::Plain));
    assert_eq!(options.config.unwrap().value, "c.toml");
    assert_eq!(options.output.passing, PassingLogs::Whole);
    assert_eq!(good("--show-output").output.passing, PassingLogs::Shown);
    assert_eq!(good("--show-output -v").output.passing, PassingLogs::Whole);
    assert_eq!(good("-u").golden, Golden::Update);
    let twin = [("SHAKEDOWN_UPDATE", "1")];
    assert_eq!(good_with("", &twin).golden, Golden::Update);
    assert_eq!(good("-vq").output, good("-q --verbose").output);
}

#[test]
fn every_flag_of_ours_has_a_twin_and_the_flag_goes_before_it() {
    for flag in flags() {
        let value = match flag.name {
            "--engine" => "docker",
            "--policy" => "serial",
            "--lane" => "container",
            "--deadline" | "--for" => "5s",
            "--dialect" => "testscript",
            "--on-hang" => "hold",
            "--leak" | "--flaky-result" => "fail",
            "--shard" => "2/3",
            _ => "1",
        };
        let by_twin = good_with("", &[(flag.twin, value)]);
        assert_ne!(by_twin, good(""), "{} does nothing", flag.twin);
        assert_eq!(
            good_with("", &[(flag.twin, "")]),
            good(""),
            "an empty twin is none"
        );
    }
    let both = good_with("--engine docker", &[("SHAKEDOWN_ENGINE", "rubbish")]);
    assert_eq!(
        both.overrides.engine.unwrap().origin,
        Origin::Flag("--engine")
    );
    assert_eq!(good_with("", &[("SHAKEDOWN_STRICT", "0")]), good(""));
    check_wrong(
        "",
        &[("SHAKEDOWN_STRICT", "perhaps")],
        "error: SHAKEDOWN_STRICT: expected `1` or `0`, found `perhaps`",
    );
    check_wrong(
        "",
        &[("SHAKEDOWN_DEADLINE", "0s")],
        "error: SHAKEDOWN_DEADLINE: expected a deadline above zero, found `0s`",
    );
}

#[test]
fn a_twin_that_is_misspelt_is_spoken_of() {
    let options = good_with(
        "",
        &[
            ("SHAKEDOWN_ENGIN", "docker"),
            ("SHAKEDOWN_SLOT_SOCKET", "3"),
        ],
    );
    assert_eq!(
        options.warnings,
        ["the variable `SHAKEDOWN_ENGIN` is not known; did you mean `SHAKEDOWN_ENGINE`?"]
    );
}

#[test]
fn mistakes_are_told_together_with_what_was_probably_meant() {
    check_wrong(
        "--engin docker --deadline --format xml --strict=yes --engine dokcer --shuffle=x -x",
        &[],
        "error: unknown flag `--engin`\n  hint: did you mean `--engine`?\n\
         error: expected a value after `--deadline`: TIME\n\
         error: --format: expected one of pretty, terse, json, found `xml`\n\
         error: `--strict` takes no value\n\
         error: --engine: expected one of auto, docker, podman, found `dokcer` (did you mean `docker`?)\n\
         error: --shuffle: expected a number as seed, found `x`\n\
         error: unknown flag `-x`",
    );
    check_wrong(
        "--ignored --include-ignored",
        &[],
        "error: `--ignored` and `--include-ignored` exclude each other",
    );
    check_wrong(
        "--engine docker --engine podman",
        &[],
        "error: `--engine` is given twice",
    );
    check_wrong(
        "--config=",
        &[],
        "error: expected a value after `--config`, found nothing",
    );
    check_wrong(
        "--count -1",
        &[],
        "error: --count: expected a number above zero, found `-1`",
    );
    check_wrong(
        "--color purple",
        &[],
        "error: --color: expected one of auto, always, never, found `purple`",
    );
    check_wrong(
        "--policy paralel",
        &[],
        "error: --policy: expected `serial`, `gated` or `parallel`, found `paralel`",
    );
}

#[test]
fn colours_follow_the_flag_then_the_environment_then_the_terminal() {
    let color = |line, pairs: &[(&str, &str)]| good_with(line, pairs).output.color;
    assert_eq!(color("", &[]), Color::Auto);
    assert_eq!(color("", &[("NO_COLOR", "1")]), Color::Never);
    assert_eq!(color("", &[("CLICOLOR_FORCE", "1")]), Color::Always);
    assert_eq!(color("--color always", &[("NO_COLOR", "1")]), Color::Always);
    assert!(Color::Auto.paints(true) && !Color::Auto.paints(false));
}

/// Whatever is typed, it is answered: `Arguments` would end the process.
#[test]
fn any_two_flags_together_are_answered() {
    let mut all: Vec<String> = flags().map(|flag| flag.name.to_owned()).collect();
    all.extend(libtest::TABLE.iter().map(|flag| flag.name.to_owned()));
    all.extend(
        [
            "--",
            "x",
            "-",
            "--=",
            "-q",
            "--format=json",
            "--test-threads=2",
            "--list",
        ]
        .map(str::to_owned),
    );
    for one in &all {
        for two in &all {
            let line = [one.clone(), two.clone(), "1".to_owned()];
            for door in [Door::Target, Door::Program] {
                let answered = options(&line, &Environment::new(), door);
                assert!(answered.is_ok() || answered.is_err());
            }
        }
    }
}

#[track_caller]
fn asked(line: &str) -> Command {
    command(&words(line), &Environment::new()).unwrap()
}

#[track_caller]
fn check_command(line: &str, expected: &str) {
    let misuse = command(&words(line), &Environment::new()).expect_err(line);
    assert_eq!(misuse.to_string(), expected);
}

#[test]
fn run_takes_paths_and_filters_after_two_dashes() {
    let Command::Run(options) = asked("run --engine docker fixtures more.txtar -- exit env") else {
        panic!("it is a run");
    };
    assert_eq!(options.paths, ["fixtures", "more.txtar"]);
    assert_eq!(options.selection.filters, ["exit", "env"]);
    assert_eq!(options.runner, Runner::Shakedown);
    let Command::List(options) = asked("list fixtures") else {
        panic!("it is a list");
    };
    assert_eq!(options.action, Action::List);
}

#[test]
fn an_empty_word_is_no_path() {
    for line in ["run  a", "list ", "check ", "report "] {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let misuse = command(&words, &Environment::new()).expect_err(line);
        assert_eq!(
            misuse.to_string(),
            "error: expected a path or a run, found an empty word\n  \
             hint: a variable that is not set leaves one behind in quotes"
        );
    }
}

#[test]
fn a_report_is_of_one_run() {
    let Command::Report { run, options } = asked("report --format json toui5c-3mvz") else {
        panic!("it is a report");
    };
    assert_eq!(run, WhichRun::Id("toui5c-3mvz".parse().unwrap()));
    assert_eq!(
        (options.output.format, options.paths.len()),
        (Format::Json, 0)
    );
    let Command::Report { run, .. } = asked("report latest") else {
        panic!("it is a report");
    };
    assert_eq!(run, WhichRun::Latest);
    check_command(
        "report",
        "error: expected a run: an id, or `latest`\n  hint: `shakedown report latest`",
    );
    check_command("report a b", "error: expected one run, found also `b`");
    check_command(
        "report A/B",
        "error: expected `latest` or a run id (a-z, 0-9, -), found `A/B`",
    );
}

#[test]
fn reaping_and_ledgers_take_little() {
    assert_eq!(asked("reap"), Command::Reap { dry_run: false });
    assert_eq!(asked("reap --dry-run"), Command::Reap { dry_run: true });
    assert_eq!(asked("ledger"), Command::Ledger(None));
    assert_eq!(
        asked("ledger latest"),
        Command::Ledger(Some(WhichRun::Latest))
    );
    check_command(
        "reap --dryrun",
        "error: expected nothing but `--dry-run`, found `--dryrun`\n  hint: did you mean `--dry-run`?",
    );
    check_command("ledger a b", "error: expected one run, found also `b`");
}

#[test]
fn help_is_found_under_every_door() {
    let name = |command| match command {
        Command::Help(topic) => topic.name.to_owned(),
        Command::HelpOn(name) => format!("the command {name}"),
        other @ (Command::Run(_)
        | Command::List(_)
        | Command::Check(_)
        | Command::Report { .. }
        | Command::Reap { .. }
        | Command::Ledger(_)
        | Command::Version) => {
            panic!("help was asked for: {other:?}")
        }
    };
    assert_eq!(name(asked("")), "help");
    assert_eq!(name(asked("--help")), "help");
    assert_eq!(name(asked("run --help")), "run");
    assert_eq!(name(asked("help report")), "report");
    assert_eq!(name(asked("help settings")), "settings");
    assert_eq!(name(asked("help grep")), "the command grep");
    assert_eq!(asked("--version"), Command::Version);
    assert_eq!(typed("a -h", &[]).unwrap(), Typed::Help);
    check_command(
        "help settigns",
        "error: unknown topic `settigns`: expected a command of scripts, or one of help, run, list, check, report, reap, ledger, version, flags, settings, exit-codes, language\n  hint: did you mean `settings`?",
    );
}

#[test]
fn the_help_on_the_language_has_every_variable_of_the_manual() {
    let (_, table) = include_str!("../../docs/script.md")
        .split_once("\n| variable | value |\n|---|---|\n")
        .unwrap();
    let help = crate::interp::reference();
    let (_, help) = help.split_once("\nVariables of ").unwrap();
    let listed = |name| {
        let mut firsts = help.lines().map(|line| line.trim_start_matches([' ', '+']));
        firsts.any(|line| line.split(' ').next() == Some(name))
    };
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let names = rows.filter_map(|row| row.split('|').nth(1));
    let names: Vec<&str> = names
        .flat_map(|names| names.split('`').skip(1).step_by(2))
        .collect();
    assert!(names.len() > 15, "{names:?}");
    for name in names {
        assert!(listed(name), "{name}\n{help}");
    }
}

#[test]
fn a_command_that_is_none_is_told_with_the_nearest() {
    let known = "expected one of help, run, list, check, report, reap, ledger, version";
    check_command(
        "rum",
        &format!("error: unknown command `rum`: {known}\n  hint: did you mean `run`?"),
    );
    check_command(
        "a/b",
        &format!(
            "error: unknown command `a/b`: {known}\n  hint: did you mean `shakedown run a/b`?"
        ),
    );
    check_command(
        "--engine",
        &format!(
            "error: unknown command `--engine`: {known}\n  hint: flags follow a command: `shakedown run …`"
        ),
    );
    check_command(
        "version 2",
        "error: expected nothing after `version`, found `2`",
    );
}

#[test]
fn the_help_has_every_flag() {
    insta::assert_snapshot!(help("scripts [FLAGS] [FILTER...]", Door::Target), @r#"
    Usage: scripts [FLAGS] [FILTER...]

    Flags of the test harness, as libtest has them:
          --include-ignored    Run ignored and not ignored trials
          --ignored            Run only ignored trials
          --test               Run tests and not benchmarks
          --bench              Run benchmarks; there are none
          --list               List all trials
          --fail-fast          Begin nothing more after a failure, as --max-fail 1
      -h, --help               Display this message
          --logfile PATH       Write to this file in place of stdout
          --no-capture         No effect: scripts never write to the terminal
          --test-threads N     Trials at once [RUST_TEST_THREADS]
          --skip FILTER        Skip trials whose names contain FILTER (can be repeated)
      -q, --quiet              One character per trial, as --format=terse
          --exact              Filters are whole names
          --color WHEN         Paint: auto, always or never
          --format FORMAT      The form of stdout: pretty, terse or json
          --show-output        Show the logs of passing trials too
          --report-time        Show the time of each trial
          --shuffle-seed SEED  As --shuffle=SEED

    Flags of shakedown; the environment variable behind each says the same:
          --engine NAME        The engine of the container lane: docker, podman or auto [SHAKEDOWN_ENGINE]
          --require-engine     Without a usable engine the container lane is a fault, not ignored [SHAKEDOWN_REQUIRE_ENGINE]
          --policy POLICY      How container trials share the engine: serial, gated or parallel [SHAKEDOWN_POLICY]
          --lane LANE          Only the trials of this lane: container or plain [SHAKEDOWN_LANE]
          --shard M/N          Only the trials of part M of N; auto, auto/N: as the CI system numbers this machine [SHAKEDOWN_SHARD]
          --deadline TIME      How long a script may take, whatever it says itself: 90s, 3m [SHAKEDOWN_DEADLINE]
          --on-hang WORD       What happens at a deadline: end, or hold (keeps all alive and says how to attach) [SHAKEDOWN_ON_HANG]
          --leak WORD          What an output left open means, whatever the script says: warn or fail [SHAKEDOWN_LEAK]
          --retries NUMBER     How often a script that does not pass is tried again, whatever it says itself [SHAKEDOWN_RETRIES]
          --flaky-result WORD  What a script means that passes on another try: pass or fail [SHAKEDOWN_FLAKY_RESULT]
          --count NUMBER       Run every trial so often: one queue, and each trial keeps one line [SHAKEDOWN_COUNT]
          --until-fail         Run all trials again and again until one fails, or as often as --count says [SHAKEDOWN_UNTIL_FAIL]
          --for TIME           Run all trials again and again for so long; what has begun then is finished [SHAKEDOWN_FOR]
          --max-fail NUMBER    Begin nothing more after so many failures [SHAKEDOWN_MAX_FAIL]
          --shuffle[=SEED]     Begin in random order, in every lap anew; a seed repeats one [SHAKEDOWN_SHUFFLE]
          --order RUN          Begin in the order of a recorded run: latest, its id, or its record's file [SHAKEDOWN_ORDER]
          --durations FILE     The durations.json that says what is long, for the order and for shards [SHAKEDOWN_DURATIONS]
          --config FILE        The harness.toml to read [SHAKEDOWN_CONFIG]
          --state-dir DIR      Where records and history live [SHAKEDOWN_DIR]
          --dialect NAME       The language of the scripts: shakedown or testscript [SHAKEDOWN_DIALECT]
          --strict             Leftovers and leaked pipes fail the run [SHAKEDOWN_STRICT]
          --keep               Keep work directories, containers and the rest for a look [SHAKEDOWN_KEEP]
          --work               Keep work directories, and say where they are [SHAKEDOWN_WORK]
      -e, --env VAR[=VALUE]    Set a variable for scripts, or copy it from here; may be repeated [SHAKEDOWN_ENV]
          --continue           Go on after a line that fails [SHAKEDOWN_CONTINUE]
          --short              Scripts leave out what takes long: `[short]` holds, and `[net]` does not [SHAKEDOWN_SHORT]
          --check              Tell what looks wrong in the scripts, and run nothing [SHAKEDOWN_CHECK]
      -u, --update             Rewrite scripts that pass, so that `cmp` finds what their files should hold [SHAKEDOWN_UPDATE]
      -v, --verbose            Whole logs, and those of passing scripts too [SHAKEDOWN_VERBOSE]

    A trial runs when its name contains one of the filters, or when there is none.
    "#);
}
