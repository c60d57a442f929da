//! `ttyin` and `ttyout`: a program that has a terminal.

use super::{each_fails, fails, logs, passes};

#[test]
fn a_program_reads_its_terminal_to_the_end_and_writes_to_it() {
    // The terminal shows what is typed, and ends its lines in CR LF.
    passes(
        "ttyin in\nexec sh -c 'stty -echo </dev/tty; cat </dev/tty; echo shown >/dev/tty; echo out'\n\
         stdout ^out$\nttyout ^typed\nttyout -count=1 ^shown\n! ttyout out\n-- in --\ntyped\n",
    );
    passes("ttyin -stdin in\nexec cat\nstdout '^a\\nb$'\nttyout a\n-- in --\na\nb\n");
    passes("ttyin -stdin in\nexec tty\nstdout ^/dev/pts/\n-- in --\nx\n");
    passes("ttyin in\n! exec tty\nstdout '^not a tty$'\n-- in --\nx\n");
}

#[test]
fn a_terminal_is_for_one_program_and_its_output_stays_until_the_next() {
    passes("ttyin in\nexec true\n! exec sh -c ': </dev/tty'\nttyout x\n-- in --\nx\n");
    // It waits for a program that is there.
    passes("ttyin in\n! exec nosuch\nexec sh -c ': </dev/tty'\n-- in --\nx\n");
    passes("ttyin -stdin in\n! exec nosuch\nttyin in\nexec tty\n-- in --\nx\n");
}

#[test]
fn what_came_out_of_a_terminal_is_compared_copied_and_read() {
    let script = "ttyin in\nexec sh -c 'stty -echo -opost </dev/tty; printf \"a\\n\" >/dev/tty'\n";
    for rest in [
        "! cmp ttyout none\n",
        "cp ttyout f\nexec sh -c 'tail -1 f'\ncmp stdout want\n",
        "stdin ttyout\nexec tail -1\ncmp stdout want\n",
    ] {
        passes(&format!(
            "{script}{rest}-- in --\nx\n-- want --\na\n-- none --\n"
        ));
    }
}

#[test]
fn the_log_shows_the_terminal_last() {
    logs(
        "ttyin in\nexec sh -c 'cat </dev/tty; echo o; exit 3'\n-- in --\nx\n",
        "> ttyin in\n> exec sh -c 'cat </dev/tty; echo o; exit 3'\n[stdout]\nx\no\n[ttyout]\nx\r\n[exit status 3]\n\
         FAIL: a.txtar:2: unexpected command failure\n",
    );
}

#[test]
fn a_terminal_that_cannot_be_is_refused() {
    let files = "\n-- in --\nx\n-- empty --\n";
    for (lines, wanted) in [
        ("ttyin", "usage: ttyin [-stdin] filename"),
        (
            "ttyin -stdin",
            "open $WORK/-stdin: no such file or directory",
        ),
        ("ttyin -x in", "usage: ttyin [-stdin] filename"),
        ("ttyin -stdin in in", "usage: ttyin [-stdin] filename"),
        ("! ttyin in", "unsupported: ! ttyin"),
        ("ttyin empty", "tty input file is empty"),
        ("ttyin no", "open $WORK/no: no such file or directory"),
        (
            "stdin in\nttyin -stdin in",
            "conflicting use of 'stdin' and 'ttyin -stdin'",
        ),
        (
            "ttyin -stdin in\nstdin in",
            "conflicting use of 'stdin' and 'ttyin -stdin'",
        ),
        ("ttyin in\nexec cat &", "unexpected command failure"),
    ] {
        fails(&format!("{lines}{files}"), wanted);
    }
    passes("stdin in\nttyin in\nexec cat\nstdout x\n-- in --\nx\n");
    passes("ttyin in\n! exec cat &\nwait\nexec true\nttyout x\n-- in --\nx\n");
    logs(
        "ttyin in\nexec cat &\n-- in --\nx\n",
        "> ttyin in\n> exec cat &\n[ttyin is not supported by background commands]\n\
         FAIL: a.txtar:2: unexpected command failure\n",
    );
}

#[test]
fn ttyout_is_a_pattern_command() {
    each_fails(&[
        ("ttyout", "usage: ttyout [-count=N] 'pattern'"),
        ("ttyout x", "no match for `x` found in ttyout"),
        (
            "ttyin in\nexec true\n! ttyout x\n-- in --\nx\n",
            "unexpected match for `x` found in ttyout: x",
        ),
        (
            "ttyin in\nexec true\nttyout -count=2 x\n-- in --\nx\n",
            "have 1 matches for `x`, want 2",
        ),
    ]);
}
