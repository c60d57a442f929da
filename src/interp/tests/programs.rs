//! `exec`, `wait`, and programs called bare.

use super::{case, each_fails, fails, logs, passes};
use crate::interp::{Interrupted, ScriptEnding};

#[test]
fn a_program_succeeds_or_fails_as_the_line_expects() {
    passes("exec true\n! exec false\n! exec no-such-program\n! exec ./missing\n");
    each_fails(&[
        ("exec false", "unexpected command failure"),
        ("! exec true", "unexpected command success"),
        ("exec", "usage: exec program [args...] [&]"),
        ("exec &", "usage: exec program [args...] [&]"),
        ("exec &n&", "usage: exec program [args...] [&]"),
        (
            "exec sleep 5 &n&\nexec sleep 5 &n&",
            "duplicate background process name \"n\"",
        ),
    ]);
}

#[test]
fn a_failure_shows_what_the_program_said_and_how_it_ended() {
    logs(
        "exec sh -c 'echo out; printf err >&2; exit 3'\n",
        "> exec sh -c 'echo out; printf err >&2; exit 3'\n[stdout]\nout\n[stderr]\nerr[exit status 3]\n\
         FAIL: a.txtar:1: unexpected command failure\n",
    );
    logs(
        "exec sh -c 'kill -9 $$'\n",
        "> exec sh -c 'kill -9 $$'\n[signal: killed]\nFAIL: a.txtar:1: unexpected command failure\n",
    );
}

#[test]
fn a_program_that_cannot_start_is_named_in_the_words_of_go() {
    logs(
        "exec nosuch\n",
        "> exec nosuch\n[exec: \"nosuch\": executable file not found in $PATH]\n\
         FAIL: a.txtar:1: unexpected command failure\n",
    );
    logs(
        "exec ./a\n-- a --\n",
        "> exec ./a\n[fork/exec ./a: permission denied]\nFAIL: a.txtar:1: unexpected command failure\n",
    );
    logs(
        "exec ./b\n",
        "> exec ./b\n[fork/exec ./b: no such file or directory]\n\
         FAIL: a.txtar:1: unexpected command failure\n",
    );
}

#[test]
fn a_program_gets_the_variables_the_directory_and_the_input() {
    passes(
        "env X=1\nmkdir d\ncd d\nexec sh -c 'echo $X $HOME $PWD'\nstdout '^1 /no-home '${WORK@R}/d$\n\
         cd ..\nstdin in\nexec cat\ncmp stdout in\nexec cat\n! stdout .\n-- in --\nhello\n",
    );
    passes("exec env\n! stdout CARGO\nstdout '^PWD='${WORK@R}'$'\nstdout '^\\$=\\$$'\n");
}

#[test]
fn a_program_is_looked_up_in_the_path_of_the_script() {
    passes("env PATH=$WORK/bin:$PATH\nmkdir bin\nexec cp /bin/true bin/my-own\nexec my-own\n");
    fails("env PATH=\nexec true", "unexpected command failure");
}

#[test]
fn a_registered_program_is_called_bare() {
    let mut case = case();
    case.registry = std::mem::take(&mut case.registry)
        .program("echo")
        .program("sh");
    case.passes("echo hi\nstdout ^hi$\necho there &e&\nwait e\nstdout there\n! sh -c 'exit 1'\n");
}

#[test]
fn wait_collects_all_jobs_in_the_order_of_their_start() {
    logs(
        "exec sh -c 'echo one' &\n! exec sh -c 'echo two; exit 2' &x&\nwait\nstdout 'one\\ntwo'\nexec false\n",
        "> exec sh -c 'echo one' &\n> ! exec sh -c 'echo two; exit 2' &x&\n> wait\n\
         [background] sh -c echo one: exit status 0\n[stdout]\none\n\
         [background] sh -c echo two; exit 2: exit status 2\n[stdout]\ntwo\n\
         > stdout 'one\\ntwo'\n> exec false\n[exit status 1]\n\
         FAIL: a.txtar:5: unexpected command failure\n",
    );
}

#[test]
fn wait_for_one_job_takes_it_off_the_list() {
    passes(
        "exec echo a &a&\nexec echo b &b&\nwait b\nstdout ^b$\nwait\nstdout ^a$\nwait\n! stdout .\n",
    );
    each_fails(&[
        ("wait n", "unknown background process \"n\""),
        ("wait a b", "usage: wait [name]"),
        ("exec false &a&\nwait a", "unexpected command failure"),
        ("! exec true &\nwait", "unexpected command success"),
    ]);
}

#[test]
fn the_first_bad_job_ends_the_wait_and_is_shown_again_at_the_end() {
    logs(
        "exec false &\nwait\n",
        "> exec false &\n> wait\n[background] false: exit status 1\n\
         FAIL: a.txtar:2: unexpected command failure\n[background] false: exit status 1\n",
    );
}

#[test]
fn a_job_that_nobody_waits_for_is_interrupted_and_its_failure_ignored() {
    passes("exec sleep 600 &\nexec false &\n");
    logs(
        "exec sleep 600 &\nexec false\n",
        "> exec sleep 600 &\n> exec false\n[exit status 1]\n\
         FAIL: a.txtar:2: unexpected command failure\n[background] sleep 600: signal: interrupt\n",
    );
}

#[test]
fn a_background_start_empties_the_outputs_and_takes_the_input() {
    passes(
        "exec echo x\nexec true &\n! stdout .\nstdin f\nexec cat &c&\nwait c\nstdout f\n-- f --\nf\n",
    );
    passes("! exec nosuch &\nwait\n");
    passes("exec echo &x-y&\nstdout '^&x-y&$'\n");
}

#[test]
fn a_deadline_never_passes_even_where_failure_is_expected() {
    let mut case = case();
    case.machine.interrupt = Some(Interrupted::Deadline);
    let (ending, log) = case.run("# p\n! exec sh -c 'echo hi; exit 1'\nexec true\n");
    assert_eq!(ending, ScriptEnding::Interrupted(Interrupted::Deadline));
    assert_eq!(
        log,
        "# p (0.001s)\n> ! exec sh -c 'echo hi; exit 1'\n[stdout]\nhi\n[deadline exceeded]\n\
         FAIL: a.txtar:2: test timed out while running command\n"
    );
    assert_eq!(case.machine.lines, [2]);
}

#[test]
fn what_the_jobs_wrote_is_shown_when_the_world_ends_the_script() {
    let mut case = case();
    case.machine.interrupt = Some(Interrupted::Deadline);
    case.logs(
        "exec echo served &\nexec true\n",
        "> exec echo served &\n> exec true\n[deadline exceeded]\n\
         FAIL: a.txtar:2: test timed out while running command\n\
         [background] echo served: exit status 0\n[stdout]\nserved\n",
    );
}

#[test]
fn nothing_is_found_in_an_empty_path() {
    let not_found = "[exec: \"true\": executable file not found in $PATH]";
    logs(
        "env PATH=\nexec true\n",
        &format!(
            "> env PATH=\n> exec true\n{not_found}\nFAIL: a.txtar:2: unexpected command failure\n"
        ),
    );
    logs(
        "exec ''\n",
        "> exec ''\n[exec: no command]\nFAIL: a.txtar:1: unexpected command failure\n",
    );
}

#[test]
fn kill_signals_jobs_and_leaves_them_on_the_list() {
    passes("! exec sleep 600 &a&\n! exec sleep 600 &\nkill -INT a\nkill\nwait\nkill\n");
    each_fails(&[
        ("kill -HUP", "unknown signal: HUP"),
        ("kill -INT a b", "usage: kill [-SIGNAL] [name]"),
        ("kill x", "unknown background process \"x\""),
        (
            "! exec false &a&\nexec true &\n wait a\nexec sleep 9 &n&\nkill n\nwait n",
            "unexpected command failure",
        ),
        ("exec false &n&\nskip", "unexpected command failure"),
    ]);
}
