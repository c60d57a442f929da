//! Programs in the foreground and in the background.

use std::time::{Duration, Instant};

use crate::interp::BarePrograms;
use crate::interp::testing::{Trial, fails, passes};

#[test]
fn the_status_must_be_as_expected() {
    passes("exec true\n! exec false\n! exec nosuch\n! exec sh -c 'kill -9 $$'\n");
    Trial::default().check(
        "exec sh -c 'echo out; echo err >&2; exit 3'\n",
        "failed at 1: unexpected command failure",
        "
        > exec sh -c 'echo out; echo err >&2; exit 3'
        [stdout]
        out
        [stderr]
        err
        [exit status 3]
        FAIL: x.txtar:1: unexpected command failure
        ",
    );
    fails("! exec true", "1: unexpected command success");
}

#[test]
fn a_last_line_without_newline_is_not_completed() {
    Trial::default().check(
        "exec sh -c 'printf out; kill -TERM $$'\n",
        "failed at 1: unexpected command failure",
        "
        > exec sh -c 'printf out; kill -TERM $$'
        [stdout]
        out[signal: terminated]
        FAIL: x.txtar:1: unexpected command failure
        ",
    );
}

#[test]
fn a_program_that_cannot_start_is_told_in_go_words() {
    let check = |line: &str, error: &str| {
        let log = format!("> {line}\n[{error}]\nFAIL: x.txtar:1: unexpected command failure\n");
        let script = format!("{line}\n-- a --\nno program\n-- d/x --\n");
        Trial::default().check(&script, "failed at 1: unexpected command failure", &log);
    };
    check(
        "exec nosuch",
        "exec: \"nosuch\": executable file not found in $PATH",
    );
    check("exec .", "exec: \".\": executable file not found in $PATH");
    check("exec ''", "exec: no command");
    check("exec ./a", "fork/exec ./a: permission denied");
    check("exec d/x/y", "fork/exec d/x/y: not a directory");
    check("exec ./d", "fork/exec ./d: permission denied");
    check(
        "exec ./nosuch",
        "fork/exec ./nosuch: no such file or directory",
    );
    check(
        "exec nosuch &",
        "exec: \"nosuch\": executable file not found in $PATH",
    );
}

#[test]
fn a_program_that_cannot_start_empties_the_outputs() {
    passes("exec echo x\n! exec nosuch\n! stdout .\n");
    passes("exec echo x\n! exec nosuch &\n! stdout .\nwait\n");
    fails(
        "mkdir d\ncd d\nrm $WORK/d\nexec true",
        "4: unexpected command failure",
    );
}

#[test]
fn programs_are_found_by_the_path_of_the_script_or_below_its_directory() {
    passes(
        "chmod 755 bin/prog\nenv PATH=$WORK/bin:$PATH\nexec prog\nstdout hi\ncd bin\nexec ./prog\n-- bin/prog --\n#!/bin/sh\necho hi\n",
    );
    passes("env PATH=\n! exec true\nenv PATH=/bin\nexec true\n");
}

#[test]
fn registered_programs_are_called_bare() {
    let mut trial = Trial::default();
    trial.registry.program("echo").program("grep");
    trial.check(
        "echo a\nstdout a\n! grep\necho b &\nwait\nstdout b\n",
        "passed",
        "PASS\n",
    );
    trial.adjust = |setup| setup.bare_programs = BarePrograms::Refused;
    let message = "use 'exec echo' rather than 'echo' (because RequireExplicitExec is enabled)";
    trial.check(
        "echo a\n",
        &format!("failed at 1: {message}"),
        &format!("> echo a\nFAIL: x.txtar:1: {message}\n"),
    );
    trial.check(
        "ecko a\n",
        "failed at 1: unknown command \"ecko\" (did you mean \"echo\"?)",
        "> ecko a\nFAIL: x.txtar:1: unknown command \"ecko\" (did you mean \"echo\"?)\n",
    );
}

#[test]
fn wait_collects_the_outputs_in_the_order_of_the_start() {
    passes(
        "exec sh -c 'sleep 0.1; echo one' &\nexec echo two &\n! stdout .\nwait\nstdout '\\Aone\\ntwo\\n\\z'\nwait\n! stdout .\n",
    );
    Trial::default().check(
        "! exec sh -c 'echo x; exit 2' &\nexec false &n&\nwait\n",
        "failed at 3: unexpected command failure",
        "
        > ! exec sh -c 'echo x; exit 2' &
        > exec false &n&
        > wait
        [background] sh -c echo x; exit 2: exit status 2
        [stdout]
        x
        [background] false: exit status 1
        FAIL: x.txtar:3: unexpected command failure
        [background] sh -c echo x; exit 2: exit status 2
        [stdout]
        x
        [background] false: exit status 1
        ",
    );
    fails("! exec true &\nwait", "2: unexpected command success");
}

#[test]
fn one_job_can_be_waited_for_by_name() {
    passes(
        "exec echo one &a&\nexec echo two &b&\nwait b\nstdout '\\Atwo\\n\\z'\nwait a\nstdout one\n",
    );
    fails("wait a", "1: unknown background process \"a\"");
    fails(
        "exec true &a&\nexec true &a&",
        "2: duplicate background process name \"a\"",
    );
    passes("exec echo &x-y&\nstdout '&x-y&'\n");
    passes("exec true &\nexec true &\nwait\n");
}

#[test]
fn what_nobody_waits_for_does_not_count() {
    passes("exec false &\n");
    passes("exec sleep 100 &\n");
    passes("exec sleep 100 &\nstop\n");
}

#[test]
fn jobs_can_be_killed() {
    Trial::default().check(
        "! exec sleep 100 &a&\n! exec sleep 200 &\nkill -INT a\nkill\nwait\nexec false\n",
        "failed at 6: unexpected command failure",
        "
        > ! exec sleep 100 &a&
        > ! exec sleep 200 &
        > kill -INT a
        > kill
        > wait
        [background] sleep 100: signal: interrupt
        [background] sleep 200: signal: killed
        > exec false
        [exit status 1]
        FAIL: x.txtar:6: unexpected command failure
        ",
    );
    passes("kill\nkill -KILL\n");
    fails("kill -TERM", "1: unknown signal: TERM");
    fails("kill a", "1: unknown background process \"a\"");
    fails(
        "exec true &a&\nexec sleep 0.2\nkill a",
        "3: unexpected error terminating background command \"a\": os: process already finished",
    );
}

#[test]
fn a_deadline_is_never_a_pass() {
    for (bang, command) in [("", "exec"), ("! ", "exec")] {
        let mut trial = Trial::default();
        trial.world.deadline = Some(soon());
        let line = format!("{bang}{command} sh -c 'echo out; sleep 100'");
        trial.check(
            &format!("{line}\nexec true\n"),
            "Deadline at 1",
            &format!("> {line}\n[stdout]\nout\n[context deadline exceeded]\nFAIL: x.txtar:1: test timed out while running command\n"),
        );
    }
}

#[test]
fn a_deadline_can_pass_in_wait_and_behind_the_last_line() {
    let mut trial = Trial::default();
    trial.world.deadline = Some(soon());
    trial.check(
        "exec sleep 100 &\n! exec sleep 200 &\nwait\n",
        "Deadline at 3",
        "
        > exec sleep 100 &
        > ! exec sleep 200 &
        > wait
        [background] sleep 100: signal: killed
        FAIL: x.txtar:3: test timed out while running command
        [background] sleep 100: signal: killed
        [background] sleep 200: signal: killed
        ",
    );
    trial.world.deadline = Some(soon());
    trial.check(
        "exec sh -c 'trap \"\" INT; while :; do sleep 1; done' &\nexec sleep 0.05\n",
        "Deadline at 1",
        "
        > exec sh -c 'trap \"\" INT; while :; do sleep 1; done' &
        > exec sleep 0.05
        [background] sh -c trap \"\" INT; while :; do sleep 1; done: signal: killed
        FAIL: x.txtar:1: test timed out while waiting for background command
        ",
    );
}

fn soon() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "a test's own clock")]
    let now = Instant::now();
    now + Duration::from_millis(200)
}
