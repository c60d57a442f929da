//! Directories, variables, the ends of a script.

use crate::interp::OnFailure;
use crate::interp::testing::{Trial, fails, passes};

#[test]
fn cd_logs_where_it_went() {
    Trial::default().check(
        "cd d\nexists x\ncd ..\ncd $WORK/d\nexec false\n-- d/x --\n",
        "failed at 5: unexpected command failure",
        "
        > cd d
        $WORK/d
        > exists x
        > cd ..
        $WORK
        > cd $WORK/d
        $WORK/d
        > exec false
        [exit status 1]
        FAIL: x.txtar:5: unexpected command failure
        ",
    );
    fails("cd nosuch", "1: directory nosuch does not exist");
    fails("cd a\n-- a --\n", "1: $WORK/a is not a directory");
    fails("cd a/b\n-- a --\n", "1: stat $WORK/a/b: not a directory");
}

#[test]
fn variables_are_set_and_shown() {
    Trial::default().check(
        "env A=1 B=x=y\nenv A B NOSUCH\nenv A=\nenv A\nexec false\n",
        "failed at 5: unexpected command failure",
        "
        > env A=1 B=x=y
        > env A B NOSUCH
        A=1
        B=x=y
        NOSUCH=
        > env A=
        > env A
        A=
        > exec false
        [exit status 1]
        FAIL: x.txtar:5: unexpected command failure
        ",
    );
    passes("env\n! stdout .\n");
}

#[test]
fn stop_passes_without_saying_so() {
    Trial::default().check("# a\nstop\nexec false\n", "passed", "# a (0.000s)\n");
    Trial::default().check("stop enough\n", "passed", "");
}

#[test]
fn skip_tells_why() {
    Trial::default().check("skip\n", "skipped: ", "> skip\n");
    Trial::default().check(
        "skip 'no engine'\nexec false\n",
        "skipped: no engine",
        "> skip 'no engine'\n",
    );
}

#[test]
fn a_job_that_ends_badly_turns_a_skip_into_a_failure() {
    fails("exec sleep 100 &\nskip", "2: unexpected command failure");
    let mut trial = Trial::default();
    let executed = trial.run("! exec sleep 100 &\nskip\n");
    assert_eq!(crate::interp::testing::shown(&executed.ending), "skipped: ");
}

#[test]
fn failures_can_be_passed_over() {
    let mut trial = Trial {
        adjust: |setup| setup.on_failure = OnFailure::Continue,
        ..Trial::default()
    };
    trial.check(
        "# a\nexec true\n# b\nexec false\nexec true\n# c\nexec true\nnosuch\n# d\nexec true\n",
        "failed at 4: unexpected command failure",
        "
        # a (0.000s)
        # b (0.000s)
        > exec false
        [exit status 1]
        FAIL: x.txtar:4: unexpected command failure
        > exec true
        # c (0.000s)
        > exec true
        > nosuch
        FAIL: x.txtar:8: unknown command \"nosuch\"
        # d (0.000s)
        ",
    );
    let executed = trial.run("exec false\nnosuch\n");
    assert_eq!(executed.failures.len(), 2);
}

#[test]
fn neither_skip_nor_stop_hides_a_failure() {
    let mut trial = Trial {
        adjust: |setup| setup.on_failure = OnFailure::Continue,
        ..Trial::default()
    };
    trial.check(
        "nosuch\nskip\nexec true\n",
        "failed at 1: unknown command \"nosuch\"",
        "> nosuch\nFAIL: x.txtar:1: unknown command \"nosuch\"\n> skip\n",
    );
    trial.check(
        "nosuch\nstop\n",
        "failed at 1: unknown command \"nosuch\"",
        "> nosuch\nFAIL: x.txtar:1: unknown command \"nosuch\"\n> stop\nstop\n",
    );
    trial.check(
        "exec true\n-- ../x --\n",
        "failed at 2: file \"../x\" is outside working directory",
        "FAIL: x.txtar:2: file \"../x\" is outside working directory\n",
    );
}
