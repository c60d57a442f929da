//! The archive's files, and the commands that work on files.

use super::{case, each_fails, fails, passes};
use crate::interp::{Interrupted, ScriptEnding};

#[test]
fn files_are_there_before_the_first_line() {
    passes(
        "exists .tmp a d/e/b c\ncmp a d/e/b\n-- a --\nx\n-- d/e/b --\nx\n-- $WORK/c --\n-- d/../f --\n",
    );
    passes(
        "exists dd/f\n-- $/dd/f --\n-- dd/./f --\n"
            .replace("-- $/dd/f --\n", "")
            .as_str(),
    );
}

#[test]
fn files_outside_the_work_directory_are_refused_at_their_line() {
    for name in ["/etc/x", "../x", "a/../../x", "$HOME/x"] {
        let (ending, log) = case().run(&format!("exec true\n-- ok --\n-- {name} --\n"));
        let ScriptEnding::Failed(failure) = ending else {
            panic!("{name}: {log}");
        };
        assert_eq!(failure.place.line, 3, "{name}");
        assert!(
            failure
                .message
                .lossy()
                .ends_with("is outside working directory"),
            "{log}"
        );
        assert!(!log.contains("> exec"), "{log}");
    }
    fails("-- a --\n-- a/b --\n", "mkdir $WORK/a: not a directory");
    fails(
        "-- d/a --\n-- d/a/b/c --\n",
        "mkdir $WORK/d/a: not a directory",
    );
    fails("-- d/e/f --\n-- d --\n", "open $WORK/d: is a directory");
    fails("-- . --\n", "open $WORK: is a directory");
}

#[test]
fn files_go_where_their_names_say_in_any_order() {
    let text = "cmp a/b/c 1\ncmp a/b/d/e 1\ncmp a/c 1\ncmp b/b/c 1\ncmp f 1\n\
        -- a/b/c --\n1\n-- a/b/d/e --\n1\n-- a/c --\n1\n-- b/b/c --\n1\n-- b/../f --\n1\n-- 1 --\n1\n";
    passes(text);
    let deep = format!(
        "exists {0}/f\n-- {0}/f --\n",
        "d/".repeat(1500).trim_end_matches('/')
    );
    passes(&deep);
}

/// So many files that they are written by several threads, in directories that take turns and in a single one.
fn many_files() -> String {
    let files = (0..1200).map(|number| {
        let directory = ["", "one/", "one/below/", "two/"][number % 4];
        format!("-- {directory}file{number} --\nhello {number}\n")
    });
    files.collect()
}

#[test]
fn many_files_are_all_there_before_the_first_line() {
    let mut case = case();
    let (ending, log) = case.run(&many_files());
    assert_eq!(ending, ScriptEnding::Passed, "{log}");
    for number in 0..1200 {
        let directory = ["", "one/", "one/below/", "two/"][number % 4];
        let path = case.setup.work_dir.join(format!("{directory}file{number}"));
        let content = std::fs::read_to_string(path).unwrap();
        assert_eq!(content, format!("hello {number}\n"));
    }
}

#[test]
fn of_many_files_the_first_that_cannot_be_written_is_named() {
    let long = "x".repeat(300);
    let many = many_files();
    // The second error is in a share of its own, and mostly found before the first.
    let text = format!("{many}-- zz/{long} --\n-- aa/{long} --\n");
    let (ending, log) = case().run(&text);
    let ScriptEnding::Failed(failure) = ending else {
        panic!("{log}");
    };
    assert_eq!(failure.place.line, 2401);
    let message = format!("open $WORK/zz/{long}: file name too long");
    assert_eq!(failure.message.lossy(), message);
    let text = format!("{many}-- zz/{long}/x --\n-- aa/{long} --\n");
    fails(&text, &format!("mkdir $WORK/zz/{long}: file name too long"));
}

#[test]
fn many_files_whose_order_counts_are_written_in_their_order() {
    let many = many_files();
    passes(&format!(
        "cmp file0 new\n{many}-- file0 --\n2\n-- new --\n2\n"
    ));
    fails(
        &format!("{many}-- ../x --\n"),
        "file \"../x\" is outside working directory",
    );
    fails(
        &format!("{many}-- file0/x --\n"),
        "mkdir $WORK/file0: not a directory",
    );
    fails(
        &format!("{many}-- one/file1/x/y --\n"),
        "mkdir $WORK/one/file1: not a directory",
    );
    fails(
        &format!("{many}-- one/below --\n"),
        "open $WORK/one/below: is a directory",
    );
    fails(&format!("{many}-- . --\n"), "open $WORK: is a directory");
    fails(
        &format!("-- two --\n{many}"),
        "mkdir $WORK/two: not a directory",
    );
    let mut case = case();
    case.setup.demands.unique_names = true;
    case.fails(
        &format!("{many}-- ./file0 --\n"),
        "./file0 would overwrite $WORK/file0 (because RequireUniqueNames is enabled)",
    );
}

#[test]
fn a_link_in_the_work_directory_is_not_followed() {
    let mut case = case();
    std::os::unix::fs::symlink("/tmp", case.setup.work_dir.join(".tmp")).unwrap();
    case.fails(
        "-- .tmp/shakedown-escape --\n",
        "file \".tmp/shakedown-escape\" is outside working directory",
    );
    case.fails(
        &format!("{}-- .tmp/shakedown-escape --\n", many_files()),
        "file \".tmp/shakedown-escape\" is outside working directory",
    );
}

#[test]
fn cd_goes_where_it_is_told() {
    passes("mkdir a/b\ncd a/b\nexists ../../f\ncd ..\nexists b\ncd $WORK\nexists a\n-- f --\n");
    each_fails(&[
        ("cd nowhere", "directory nowhere does not exist"),
        ("cd f\n-- f --\n", "$WORK/f is not a directory"),
        ("cd", "usage: cd dir"),
        ("! cd .tmp", "unsupported: ! cd"),
    ]);
}

#[test]
fn cp_copies_files_and_outputs() {
    passes("exec echo x\ncp stdout a\ncmp stdout a\nmkdir d\ncp a stdout d\ncmp d/a d/stdout\n");
    passes("exec cp /bin/true t\ncp t u\nexec ./u\ncp f u\nexec test -x u\n-- f --\n");
    each_fails(&[
        ("cp a", "usage: cp src... dst"),
        ("cp a b", "stat $WORK/a: no such file or directory"),
        (
            "cp a b c\n-- a --\n-- b --\n",
            "cp: destination $WORK/c is not a directory",
        ),
        ("cp .tmp x", "read $WORK/.tmp: is a directory"),
        (
            "cp a no/b\n-- a --\n",
            "open $WORK/no/b: no such file or directory",
        ),
    ]);
}

#[test]
fn exists_looks_at_each_file() {
    passes("exists a .tmp\n! exists b c\nexec chmod 444 a\nexists -readonly a\n-- a --\n");
    each_fails(&[
        ("exists", "usage: exists [-readonly] file..."),
        ("exists x", "$WORK/x does not exist"),
        ("! exists a\n-- a --\n", "file $WORK/a unexpectedly exists"),
        ("! exists .tmp", "directory $WORK/.tmp unexpectedly exists"),
        (
            "exists -readonly a\n-- a --\n",
            "$WORK/a exists but is writable",
        ),
    ]);
}

#[test]
fn mkdir_and_rm_do_all_of_it_or_say_why_not() {
    passes(
        "mkdir a/b c\nmkdir a/b\nexec chmod 555 a\nrm a c missing x/y f\n! exists a c f\n-- f --\n",
    );
    each_fails(&[
        ("mkdir", "usage: mkdir dir..."),
        ("mkdir f\n-- f --\n", "mkdir $WORK/f: not a directory"),
        ("mkdir f/g\n-- f --\n", "mkdir $WORK/f: not a directory"),
        ("rm", "usage: rm file..."),
        ("rm f/x\n-- f --\n", "unlinkat $WORK/f/x: not a directory"),
    ]);
}

#[test]
fn chmod_sets_the_mode_of_each_file() {
    passes(
        "chmod 444 a b\nexists -readonly a b\nchmod 0755 a\nexec ./a\n-- a --\n#!/bin/sh\n-- b --\n",
    );
    each_fails(&[
        ("chmod 444", "usage: chmod perm paths..."),
        ("chmod 1777 a", "invalid mode: 1777"),
        ("chmod u+x a", "invalid mode: u+x"),
        ("chmod +7 a", "invalid mode: +7"),
        ("chmod 7 a", "chmod $WORK/a: no such file or directory"),
    ]);
}

#[test]
fn mv_renames_and_never_moves_into_a_directory() {
    passes(
        "mv a b\n! exists a\nmv b c\nexec cat c\nstdout ^x$\nmkdir d\nmv d e\nexists e\n-- a --\nx\n-- c --\ny\n",
    );
    each_fails(&[
        ("mv a", "usage: mv old new"),
        (
            "mv a b",
            "rename $WORK/a $WORK/b: no such file or directory",
        ),
        (
            "mv a .tmp\n-- a --\n",
            "rename $WORK/a $WORK/.tmp: file exists",
        ),
    ]);
}

#[test]
fn symlink_keeps_its_target_as_written() {
    passes("symlink l -> a\ncmp l b\nexec readlink l\nstdout ^a$\n-- a --\nx\n-- b --\nx\n");
    each_fails(&[
        ("symlink a b", "usage: symlink file -> target"),
        ("symlink a b c", "usage: symlink file -> target"),
        (
            "symlink a -> b\n-- a --\n",
            "symlink b $WORK/a: file exists",
        ),
    ]);
}

#[test]
fn unquote_and_unix2dos_rewrite_files_in_place() {
    passes("unquote\nunquote a e\ngrep '^-- x --$' a\n! grep . e\n-- a --\n>-- x --\n-- e --\n");
    passes(
        "unix2dos a e\nexec wc -c a e\nstdout ' *6 a'\nunix2dos a\nexec wc -c a\nstdout ^6\n-- a --\nx\ny\n-- e --\n",
    );
    each_fails(&[
        (
            "unquote a\n-- a --\nx\n",
            "data does not appear to be quoted",
        ),
        ("unquote a", "open $WORK/a: no such file or directory"),
        ("unix2dos", "usage: unix2dos paths..."),
    ]);
}

#[test]
fn what_cannot_be_made_or_written_is_named_as_go_names_it() {
    each_fails(&[
        (
            "symlink l -> nowhere\nmkdir l",
            "mkdir $WORK/l: file exists",
        ),
        (
            "symlink l -> nowhere\nmkdir l/x",
            "mkdir $WORK/l: file exists",
        ),
        ("symlink l -> l\nmkdir l/x/y", "mkdir $WORK/l: file exists"),
        (
            "mkdir a/b/c\n-- a/b --\n",
            "mkdir $WORK/a/b: not a directory",
        ),
        (
            "grep . /proc/self/mem",
            "read /proc/self/mem: input/output error",
        ),
    ]);
    let (ending, log) = case().run("cd a\0b");
    assert!(
        log.contains("FAIL: a.txtar:1: stat $WORK/a\0b: invalid argument"),
        "{ending:?} {log}"
    );
}

#[test]
fn what_a_pipe_brings_is_waited_for() {
    for lines in [
        "exec sh -c 'cat want >f' &\ncmp f want",
        "exec sh -c 'cat want >f' &\ngrep ^y f",
        "exec sh -c 'cat want >f' &\nstdin f\nexec cat\ncmp stdout want",
        "exec sh -c 'cat want >f' &\ncp f copy\ncmp copy want",
        "exec cat f &reader&\ncp want f\nwait reader\ncmp stdout want",
        "exec cat f &reader&\nexec cat want\ncp stdout f\nwait reader\ncmp stdout want",
        // Nothing is something, too: a writer came and went.
        "exec sh -c ': >f' &\n! grep . f",
    ] {
        passes(&format!("exec mkfifo f\n{lines}\n-- want --\nx\ny\n"));
    }
}

#[test]
fn a_pipe_that_nobody_opens_is_waited_for_until_the_deadline() {
    for (line, does, which) in [
        ("cmp f a", "reads", "writing"),
        ("grep x f", "reads", "writing"),
        ("stdin f", "reads", "writing"),
        ("cp f b", "reads", "writing"),
        ("cp a f", "writes to", "reading"),
        ("unquote f", "reads", "writing"),
    ] {
        let mut case = case();
        case.machine.pauses = Some((3, Interrupted::Deadline));
        let (ending, log) = case.run(&format!("exec mkfifo f\n{line}\n-- a --\n"));
        let wanted = ScriptEnding::Interrupted(Interrupted::Deadline);
        assert_eq!(ending, wanted, "{line}\n{log}");
        let pipe = case.setup.work_dir.join("f");
        let why = format!(
            "the script {does} the named pipe {}, which nobody has open for {which}",
            pipe.display()
        );
        assert_eq!(case.machine.waits.last(), Some(&why), "{line}");
    }
}

#[test]
fn what_has_no_end_is_not_read_for_ever() {
    fails(
        "cp /dev/zero a",
        "read /dev/zero: expected an end within 64 MB",
    );
    passes("cp /dev/null a\n! grep . a\ncp a /dev/null\n");
    fails(
        "cp a /dev/full\n-- a --\nx\n",
        "write /dev/full: no space left on device",
    );
}
