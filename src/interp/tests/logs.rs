//! Sections, details, the dump of the variables.

use crate::interp::Detail;
use crate::interp::testing::Trial;

#[test]
fn sections_that_passed_are_one_line() {
    Trial::default().check(
        "exec echo before\n# one\n# two\nexec echo x\n\n# three\nexec echo y\nexec false\n",
        "failed at 8: unexpected command failure",
        "
        # one
        # two (0.000s)
        # three (0.000s)
        > exec echo y
        [stdout]
        y
        > exec false
        [exit status 1]
        FAIL: x.txtar:8: unexpected command failure
        ",
    );
    Trial::default().check(
        "exec true\n# one\nexec true\n# two\n",
        "passed",
        "# one (0.000s)\n# two (0.000s)\nPASS\n",
    );
}

#[test]
fn a_line_that_a_condition_skips_is_logged_like_any_other() {
    Trial::default().check(
        "[windows] exec true\nexec false\n",
        "failed at 2: unexpected command failure",
        "
        > [windows] exec true
        > exec false
        [exit status 1]
        FAIL: x.txtar:2: unexpected command failure
        ",
    );
}

#[test]
fn everything_is_kept_when_asked_for() {
    let mut trial = Trial {
        adjust: |setup| {
            setup.detail = Detail::Everything;
            setup.environment = vec![
                (b"A".to_vec(), b"1".to_vec()),
                (b"A".to_vec(), b"2".to_vec()),
            ];
        },
        ..Trial::default()
    };
    trial.check(
        "# one\n[linux] cd .\n# two\nstop done\n",
        "passed",
        "
        A=2

        # one (0.000s)
        > [linux] cd .
        $WORK
        # two (0.000s)
        > stop done
        stop: done
        ",
    );
}

#[test]
fn background_jobs_are_shown_before_the_pass() {
    let mut trial = Trial {
        adjust: |setup| {
            setup.detail = Detail::Everything;
            setup.environment.truncate(2);
        },
        ..Trial::default()
    };
    trial.check(
        "exec sleep 100 &\n",
        "passed",
        "
        WORK=$WORK
        PATH=/usr/local/bin:/usr/bin:/bin

        > exec sleep 100 &
        [background] sleep 100: signal: interrupt
        PASS
        ",
    );
}

#[test]
fn the_work_directory_can_be_told() {
    let mut trial = Trial {
        adjust: |setup| {
            setup.show_work_dir = true;
            setup.environment.truncate(1);
        },
        ..Trial::default()
    };
    let executed = trial.run("cd .\nnosuch\n");
    let log = String::from_utf8(executed.log).unwrap();
    let (first, rest) = log.split_once('\n').unwrap();
    assert!(
        first.starts_with("WORK=/") && first.ends_with("/work"),
        "{log}"
    );
    assert_eq!(
        rest,
        "\n> cd .\n$WORK\n> nosuch\nFAIL: x.txtar:2: unknown command \"nosuch\"\n"
    );
}
