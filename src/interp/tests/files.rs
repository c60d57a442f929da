//! Commands about files.

use crate::interp::testing::{Trial, fails, passes};

#[test]
fn a_mode_is_octal_and_for_every_file() {
    passes(
        "chmod 400 a b\nexists -readonly a b\nchmod 644 a\n! exec test -x a\n-- a --\n-- b --\n",
    );
    fails("chmod 1777 a", "1: invalid mode: 1777");
    fails("chmod 0o644 a", "1: invalid mode: 0o644");
    fails("chmod u+x a", "1: invalid mode: u+x");
    fails("chmod '' a", "1: invalid mode: ");
    fails("chmod 644 a", "1: chmod $WORK/a: no such file or directory");
}

#[test]
fn equal_files_compare_equal() {
    passes("cmp a b\n! cmp a c\n-- a --\nx\n-- b --\nx\n-- c --\ny\n");
    fails(
        "! cmp a b\n-- a --\nx\n-- b --\nx\n",
        "1: a and b do not differ",
    );
    fails(
        "cmp a a\n-- a --\n",
        "1: cmp: cannot compare a file against itself",
    );
    fails(
        "cmp a b\n-- a --\n",
        "1: open $WORK/b: no such file or directory",
    );
    fails(
        "! cmp b a\n-- a --\n",
        "1: open $WORK/b: no such file or directory",
    );
    fails("cmp a .\n-- a --\n", "1: read $WORK: is a directory");
}

#[test]
fn different_files_are_shown_with_their_difference() {
    Trial::default().check(
        "cmp a b\n-- a --\n1\n2\n-- b --\n1\n3\n",
        "failed at 1: a and b differ",
        "
        > cmp a b
        diff a b
        --- a
        +++ b
        @@ -1,2 +1,2 @@
         1
        -2
        +3

        FAIL: x.txtar:1: a and b differ
        ",
    );
}

#[test]
fn outputs_can_stand_first_in_a_comparison_but_not_second() {
    passes("exec echo x\ncmp stdout a\nexec sh -c 'echo x >&2'\ncmp stderr a\n-- a --\nx\n");
    fails(
        "exec echo x\ncmp a stdout\n-- a --\nx\n",
        "2: open $WORK/stdout: no such file or directory",
    );
}

#[test]
fn cmpenv_expands_the_second_file() {
    passes(
        "env X=1\nexec echo 1 '$'\ncmpenv stdout a\n! cmp stdout a\n! cmpenv a b\n-- a --\n$X $$\n-- b --\n2\n",
    );
}

#[test]
fn files_are_copied_with_their_mode() {
    passes(
        "
        chmod 500 a
        cp a new
        exec test -x new
        cp a old
        ! exec test -x old
        mkdir d
        cp a b d
        cmp d/a a
        cmp d/b b
        exec echo out
        cp stdout d
        cp stderr e
        exec cat d/stdout
        stdout out
        exists e
        -- a --
        a
        -- b --
        b
        -- old --
        ",
    );
    fails(
        "cp a b c\n-- a --\n-- b --\n",
        "1: cp: destination $WORK/c is not a directory",
    );
    fails("cp a b", "1: stat $WORK/a: no such file or directory");
    fails("mkdir d\ncp d e", "2: read $WORK/d: is a directory");
    fails(
        "cp a x/b\n-- a --\n",
        "1: open $WORK/x/b: no such file or directory",
    );
}

#[test]
fn existence_can_be_asked_both_ways() {
    passes("exists a d\n! exists b c\nsymlink l -> nowhere\n! exists l\n-- a --\n-- d/x --\n");
    fails("exists a", "1: $WORK/a does not exist");
    fails(
        "! exists a\n-- a --\n",
        "1: file $WORK/a unexpectedly exists",
    );
    fails(
        "! exists d\n-- d/a --\n",
        "1: directory $WORK/d unexpectedly exists",
    );
    fails(
        "exists -readonly a\n-- a --\n",
        "1: $WORK/a exists but is writable",
    );
}

#[test]
fn directories_are_made_with_their_parents() {
    passes("mkdir a/b/c d\nmkdir a\nexists a/b/c d\n");
    fails("mkdir a\n-- a --\n", "1: mkdir $WORK/a: not a directory");
    fails(
        "mkdir a/b/c\n-- a --\n",
        "1: mkdir $WORK/a: not a directory",
    );
}

#[test]
fn renaming_never_moves_into_a_directory() {
    passes("mv a b\n! exists a\nexists b\nmv d e\nexists e/x\nmv b e/x\n-- a --\n-- d/x --\n");
    fails(
        "mv a d\n-- a --\n-- d/x --\n",
        "1: rename $WORK/a $WORK/d: file exists",
    );
    fails(
        "mv a b",
        "1: rename $WORK/a $WORK/b: no such file or directory",
    );
    fails(
        "mv a d\n-- d/x --\n",
        "1: rename $WORK/a $WORK/d: no such file or directory",
    );
}

#[test]
fn removing_forces_its_way_and_nothing_is_fine() {
    passes("rm nothing\nchmod 0 d/e\nchmod 400 d\nrm d a\n! exists d a\n-- d/e/f --\n-- a --\n");
    passes("symlink l -> d\nrm l\nexists d/x\n-- d/x --\n");
    fails(
        "rm a/b\n-- a --\n",
        "1: unlinkat $WORK/a/b: not a directory",
    );
}

#[test]
fn links_are_stored_as_written() {
    passes(
        "symlink d/l -> ../a\ncmp d/l a2\nexec readlink d/l\nstdout '^\\.\\./a$'\n-- a --\nx\n-- a2 --\nx\n-- d/x --\n",
    );
    fails(
        "symlink a -> b\n-- a --\n",
        "1: symlink b $WORK/a: file exists",
    );
}

#[test]
fn quotes_are_taken_off_in_place() {
    passes("unquote a\ncmp a b\nunquote\n-- a --\n>x\n>>y\n-- b --\nx\n>y\n");
    passes("unquote empty\n-- empty --\n");
    fails(
        "unquote a\n-- a --\nx\n",
        "1: data does not appear to be quoted",
    );
}

#[test]
fn lines_get_dos_ends() {
    passes(
        "unix2dos a\nunix2dos a\nexec od -c -An a\nstdout ' a  \\\\r  \\\\n  \\\\r  \\\\n   b  \\\\r  \\\\n'\n-- a --\na\n\nb\n",
    );
    passes(
        "exec printf 'x'\ncp stdout a\nunix2dos a empty\ngrep '^x\\r\\n\\z' a\n! grep . empty\n-- empty --\n",
    );
}
