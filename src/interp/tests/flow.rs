//! Phases, endings, conditions, the log.

use super::{case, each_fails, fails, logs, passes};
use crate::interp::{AfterFailure, Detail, ScriptEnding};

#[test]
fn phases_that_passed_shrink_to_their_line() {
    logs("exec true\n", "PASS\n");
    logs("", "PASS\n");
    logs(
        "# one\n# two\nexec true\n  # no phase\n# three\nexec true\n",
        "# one\n# two (0.001s)\n# three (0.001s)\nPASS\n",
    );
    logs(
        "exec true\n# one\nexec true\n# two\nexec true\nexec false\n",
        "# one (0.001s)\n# two (0.001s)\n> exec true\n> exec false\n[exit status 1]\n\
         FAIL: a.txtar:6: unexpected command failure\n",
    );
}

#[test]
fn a_whole_log_begins_with_the_environment() {
    let mut case = case();
    case.setup.detail = Detail::Whole;
    let (_, log) = case.run("# p\nexec echo hi\n");
    assert!(log.starts_with("WORK=$WORK\nPATH="), "{log}");
    let end = "ENGINE=\nTAG=sd-1\nRUN_ID=run1\nCOMPOSE_PROJECT_NAME=sd-1\n\n# p (0.001s)\n> exec echo hi\n[stdout]\nhi\nPASS\n";
    assert!(log.ends_with(end), "{log}");
}

#[test]
fn lines_are_parsed_only_when_they_are_reached() {
    let (ending, log) = case().run("stop 'enough said'\nexec 'unfinished\n");
    assert_eq!((ending, log.as_str()), (ScriptEnding::Stopped, ""));
    logs(
        "exec 'unfinished\n",
        "FAIL: a.txtar:1: unterminated quoted argument\n",
    );
}

#[test]
fn skip_ends_the_script_with_its_reason() {
    let skipped = |reason: &str| ScriptEnding::Skipped {
        reason: reason.to_owned(),
    };
    assert_eq!(
        case().run("skip 'not today'\nexec false").0,
        skipped("not today")
    );
    assert_eq!(case().run("skip\n").0, skipped(""));
    assert_eq!(case().run("! exec sleep 600 &\nskip\n").0, skipped(""));
    each_fails(&[
        ("skip not today", "usage: skip [msg]"),
        ("exec sleep 600 &\nskip", "unexpected command failure"),
        ("stop a b", "usage: stop [msg]"),
        ("! stop", "unsupported: ! stop"),
    ]);
}

#[test]
fn going_on_after_a_failure_keeps_the_phases_that_failed() {
    let mut case = case();
    case.setup.after_failure = AfterFailure::GoOn;
    case.logs(
        "# good\nexec true\n# bad\nexec false\nexec true\n# fine\nexec true\n",
        "# good (0.001s)\n# bad (0.001s)\n> exec false\n[exit status 1]\n\
         FAIL: a.txtar:4: unexpected command failure\n> exec true\n# fine (0.001s)\n",
    );
}

#[test]
fn neither_skip_nor_stop_hides_a_failure() {
    for end in ["skip", "stop", "exec true"] {
        let mut case = case();
        case.setup.after_failure = AfterFailure::GoOn;
        let text = format!("exec false\n{end}\ngrep x\n");
        case.fails(&text, "unexpected command failure");
    }
}

#[test]
fn conditions_decide_whether_a_line_runs() {
    passes("[linux] exec true\n[!linux] exec false\n[windows] [nonsense] exec false\n");
    passes("[exec:sh] exec true\n[!exec:sh] exec false\n[exec:no-such-thing] exec false\n");
    passes("[exec:/bin/sh] exec true\n[exec:bin/nope] exec false\n[linux] ! exec false\n");
    each_fails(&[
        ("[nonsense] exec true", "unknown condition \"nonsense\""),
        ("[linux]", "missing command after condition"),
        ("!", "! on line by itself"),
        ("! [linux] exec true", "unknown command \"[linux]\""),
    ]);
}

#[test]
fn unknown_commands_are_told_with_what_was_meant() {
    each_fails(&[
        (
            "exce true",
            "unknown command \"exce\" (did you mean \"exec\"?)",
        ),
        (
            "!exec true",
            "unknown command \"!exec\" (did you mean \"! exec\"?)",
        ),
        ("nothing-like-it", "unknown command \"nothing-like-it\""),
    ]);
}

#[test]
fn env_sets_and_shows_variables() {
    passes("env A=b=c D=\nexec echo $A$D\nstdout ^b=c$\nenv A=x\nexec echo $A\nstdout ^x$\n");
    let mut case = case();
    case.setup.detail = Detail::Whole;
    let (_, log) = case.run("env A=1\nenv A NONE\n");
    assert!(log.ends_with("> env A NONE\nA=1\nNONE=\nPASS\n"), "{log}");
}

#[test]
fn the_work_directory_is_shortened_everywhere() {
    logs(
        "exec echo $WORK/x\nexec false\n",
        "> exec echo $WORK/x\n[stdout]\n$WORK/x\n> exec false\n[exit status 1]\n\
         FAIL: a.txtar:2: unexpected command failure\n",
    );
    fails(
        "stdin nofile",
        "open $WORK/nofile: no such file or directory",
    );
}
