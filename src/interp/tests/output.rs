//! Patterns, counts, standard input.

use crate::interp::testing::{Trial, fails, passes};

#[test]
fn patterns_are_matched_line_by_line() {
    passes(
        "exec printf 'a\\nb\\n'\nstdout ^b$\n! stdout ^c\nstdout 'a\\nb'\nstdout -count=2 '^.'\n",
    );
    fails(
        "exec echo a\nstdout b",
        "2: no match for `b` found in stdout",
    );
    fails(
        "exec echo abc\n! stdout b.",
        "2: unexpected match for `b.` found in stdout: bc",
    );
    fails(
        "exec echo aXa\nstdout -count=1 a",
        "2: have 2 matches for `a`, want 1",
    );
    fails("stderr 'a`b'", "1: no match for \"a`b\" found in stderr");
}

#[test]
fn counts_are_positive_and_come_first() {
    fails(
        "stdout -count=x a",
        "1: bad -count=: strconv.Atoi: parsing \"x\": invalid syntax",
    );
    fails(
        "stdout -count= a",
        "1: bad -count=: strconv.Atoi: parsing \"\": invalid syntax",
    );
    fails(
        "stdout -count=99999999999999999999 a",
        "1: bad -count=: strconv.Atoi: parsing \"99999999999999999999\": value out of range",
    );
    fails("stdout -count=0 a", "1: bad -count=: must be at least 1");
    fails("stdout -count=-1 a", "1: bad -count=: must be at least 1");
    fails(
        "! stdout -count=1 a",
        "1: cannot use -count= with negated match",
    );
    fails("stdout a -count=1", "1: usage: stdout [-count=N] 'pattern'");
}

#[test]
fn a_bad_pattern_fails_even_when_negated() {
    fails(
        "! stdout (",
        "1: error parsing regexp: missing closing ): `(?m)(`",
    );
    fails(
        "grep a** nosuch",
        "1: error parsing regexp: invalid nested repetition operator: `**`",
    );
}

#[test]
fn grep_looks_into_real_files() {
    passes("grep ^b a\n! grep c a\ngrep -count=2 . a\n-- a --\na\nb\n");
    fails(
        "exec echo x\ngrep x stdout",
        "2: open $WORK/stdout: no such file or directory",
    );
    fails("! grep x a", "1: open $WORK/a: no such file or directory");
    Trial::default().check(
        "grep x a\n-- a --\na\nb\n",
        "failed at 1: no match for `x` found in a",
        "
        > grep x a
        [a]
        a
        b

        FAIL: x.txtar:1: no match for `x` found in a
        ",
    );
}

#[test]
fn standard_input_is_for_one_program() {
    passes(
        "
        stdin a
        exec cat
        stdout ^x$
        exec cat
        ! stdout .
        exec echo y
        stdin stdout
        exec cat
        stdout ^y$
        -- a --
        x
        ",
    );
    fails("stdin a", "1: open $WORK/a: no such file or directory");
}

#[test]
fn variables_can_be_quoted_for_patterns() {
    passes("env X=a.b\nexec echo axb\n! stdout ${X@R}\nstdout $X\n");
}
