//! `cmp`, `stdout`, `stderr`, `grep`.

use super::{each_fails, fails, logs, passes};

#[test]
fn cmp_compares_bytes() {
    passes("exec cat a\ncmp stdout a\ncmp a b\n! cmp a c\n-- a --\nx\n-- b --\nx\n-- c --\ny\n");
    let files = "\n-- a --\nx\n-- b --\nx\n";
    each_fails(&[
        (&format!("! cmp a b{files}"), "a and b do not differ"),
        (
            &format!("cmp a a{files}"),
            "cmp: cannot compare a file against itself",
        ),
        (&format!("cmp a{files}"), "usage: cmp file1 file2"),
        (
            &format!("! cmp a z{files}"),
            "open $WORK/z: no such file or directory",
        ),
        (
            &format!("cmp stdout stdout1{files}"),
            "open $WORK/stdout1: no such file or directory",
        ),
        (
            &format!("cmp a stdout{files}"),
            "open $WORK/stdout: no such file or directory",
        ),
        (
            &format!("cmp .tmp a{files}"),
            "read $WORK/.tmp: is a directory",
        ),
    ]);
}

#[test]
fn cmp_shows_the_difference() {
    logs(
        "cmp a b\n-- a --\nx\n-- b --\ny\n",
        "> cmp a b\ndiff a b\n--- a\n+++ b\n@@ -1,1 +1,1 @@\n-x\n+y\n\nFAIL: a.txtar:1: a and b differ\n",
    );
}

#[test]
fn patterns_match_lines_of_the_outputs() {
    passes("exec printf 'a\\nb\\n'\nstdout ^b$\nstdout -count=2 '^.$'\n! stdout c\n! stderr .\n");
    passes("exec sh -c 'echo e >&2'\nstderr e\n! stdout .\n");
    let echo = |line: &str| format!("exec echo aba\n{line}\n");
    each_fails(&[
        (&echo("stdout x"), "no match for `x` found in stdout"),
        (
            &echo("! stdout a"),
            "unexpected match for `a` found in stdout: a",
        ),
        (&echo("stdout -count=3 a"), "have 2 matches for `a`, want 3"),
        (
            &echo("stdout -count=0 a"),
            "bad -count=: must be at least 1",
        ),
        (
            &echo("stdout -count=x a"),
            "bad -count=: strconv.Atoi: parsing \"x\": invalid syntax",
        ),
        (
            &echo("stdout -count=99999999999999999999 a"),
            "bad -count=: strconv.Atoi: parsing \"99999999999999999999\": value out of range",
        ),
        (
            &echo("! stdout -count=1 a"),
            "cannot use -count= with negated match",
        ),
        (&echo("stdout"), "usage: stdout [-count=N] 'pattern'"),
        (&echo("stderr a b"), "usage: stderr [-count=N] 'pattern'"),
        (&echo("grep a"), "usage: grep [-count=N] 'pattern' file"),
        (
            &echo("! stdout '('"),
            "error parsing regexp: missing closing ): `(?m)(`",
        ),
    ]);
}

#[test]
fn grep_reads_files_only_and_shows_them() {
    passes("grep ^x$ a\n! grep z a\n-- a --\nx\n");
    logs(
        "grep z a\n-- a --\nx\n",
        "> grep z a\n[a]\nx\n\nFAIL: a.txtar:1: no match for `z` found in a\n",
    );
    each_fails(&[(
        "! grep x stdout",
        "open $WORK/stdout: no such file or directory",
    )]);
}

#[test]
fn cmpenv_expands_the_second_file_only() {
    passes("env A=1\ncmpenv a b\n! cmp a b\n! cmpenv b a\n-- a --\n1 $\n-- b --\n$A $$\n");
    each_fails(&[
        ("cmpenv a", "usage: cmpenv file1 file2"),
        ("cmpenv a b\n-- a --\nx\n-- b --\n${A}y\n", "a and b differ"),
    ]);
}

#[test]
fn large_output_that_is_not_utf_8_is_searched_as_a_small_one() {
    // Read as Go reads it, it is more than is kept in memory.
    let long = r#"exec sh -c 'printf "a\377b\n"; head -c 400000 /dev/zero | tr "\0" "\377"; printf "\nend\n"'"#;
    passes(&format!(
        "{long}\nstdout ^end$\nstdout ^a.b$\n! stdout ^a..b$\nstdout -count=400001 [^a-z\\n]\nstdout '(?s)^a.{{3}}'\n"
    ));
    fails(
        &format!("{long}\n! stdout '(?s)\\n.nd'\n"),
        "unexpected match for `(?s)\\n.nd` found in stdout: \nend",
    );
}
