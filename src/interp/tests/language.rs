//! Words, variables, look-up, unpacking, the initial variables.

use crate::interp::testing::{Trial, fails, passes};
use crate::interp::{DuplicateNames, InitialValues, initial_environment};
use crate::script::Dialect;

#[test]
fn an_empty_script_passes() {
    Trial::default().check("", "passed", "PASS\n");
    passes("\n\n  # nothing\n");
}

#[test]
fn words_are_expanded_and_passed_as_they_are() {
    passes(
        "
        env X='a b'
        exec printf '%s|' $X $UNSET 'it''s' ${X}c
        stdout '^a b\\|\\|it''s\\|a bc\\|$'
        ",
    );
}

#[test]
fn quoted_words_are_syntax_too() {
    passes("'!' exec false\n'[linux]' exec true\nenv C=exec\n$C true\n");
    passes("exec sleep 10 '&'\n");
}

#[test]
fn text_that_is_never_reached_may_be_malformed() {
    passes("stop\nexec 'unclosed\n");
    Trial::default().check(
        "exec 'unclosed\n",
        "failed at 1: unterminated quoted argument",
        "FAIL: x.txtar:1: unterminated quoted argument\n",
    );
}

#[test]
fn unknown_commands_are_told_with_what_may_have_been_meant() {
    fails("nosuch", "1: unknown command \"nosuch\"");
    fails(
        "exce true",
        "1: unknown command \"exce\" (did you mean \"exec\"?)",
    );
    fails(
        "c a",
        "1: unknown command \"c\" (did you mean one of [\"cd\" \"cp\"]?)",
    );
    fails(
        "!exec true",
        "1: unknown command \"!exec\" (did you mean \"! exec\"?)",
    );
    fails("! ! exec true", "1: unknown command \"!\"");
    fails("''", "1: unknown command \"\"");
    fails("[ linux ] exec true", "1: unknown command \"[\"");
    fails("! [linux] exec true", "1: unknown command \"[linux]\"");
    fails("? exec true", "1: unknown command \"?\"");
    fails("ttyin x", "1: unknown command \"ttyin\"");
}

#[test]
fn a_negation_needs_a_command_that_allows_it() {
    fails("!", "1: ! on line by itself");
    for name in [
        "cd", "chmod", "cp", "env", "kill", "mkdir", "mv", "rm", "skip", "stdin", "stop",
        "symlink", "unix2dos", "unquote", "wait",
    ] {
        fails(&format!("! {name} x"), &format!("1: unsupported: ! {name}"));
    }
}

#[test]
fn words_that_make_no_sense_are_answered_with_the_usage() {
    for (line, usage) in [
        ("cd", "cd dir"),
        ("cd a b", "cd dir"),
        ("chmod 644", "chmod perm paths..."),
        ("cmp a", "cmp file1 file2"),
        ("cmpenv a b c", "cmpenv file1 file2"),
        ("cp a", "cp src... dst"),
        ("exec", "exec program [args...] [&]"),
        ("exec &", "exec program [args...] [&]"),
        ("exec &n&", "exec program [args...] [&]"),
        ("exists", "exists [-readonly] file..."),
        ("exists -readonly", "exists [-readonly] file..."),
        ("grep a", "grep [-count=N] 'pattern' file"),
        ("kill -INT a b", "kill [-SIGNAL] [name]"),
        ("mkdir", "mkdir dir..."),
        ("mv a", "mv old new"),
        ("rm", "rm file..."),
        ("skip not today", "skip [msg]"),
        ("stderr", "stderr [-count=N] 'pattern'"),
        ("stdin", "stdin filename"),
        ("stdout -count=1", "stdout [-count=N] 'pattern'"),
        ("stop a b", "stop [msg]"),
        ("symlink a b", "symlink file -> target"),
        ("symlink a x b", "symlink file -> target"),
        ("unix2dos", "unix2dos paths..."),
        ("wait a b", "wait [name]"),
    ] {
        fails(line, &format!("1: usage: {usage}"));
    }
}

#[test]
fn files_are_unpacked_with_their_directories() {
    passes(
        "
        cmp a/b/c want
        exists .tmp a/b $WORK/in-work
        -- a/b/c --
        text
        -- want --
        text
        -- $WORK/in-work --
        -- a/../want2 --
        ",
    );
}

#[test]
fn the_later_of_two_files_wins_unless_names_must_be_unique() {
    let script = "grep second a\n-- a --\nfirst\n-- a --\nsecond\n";
    passes(script);
    let mut trial = Trial {
        adjust: |setup| setup.duplicate_names = DuplicateNames::Refused,
        ..Trial::default()
    };
    let message = "a would overwrite $WORK/a (because RequireUniqueNames is enabled)";
    trial.check(
        script,
        &format!("failed at 0: {message}"),
        &format!("FAIL: x.txtar:0: {message}\n"),
    );
}

#[test]
fn files_outside_the_work_directory_are_refused_where_they_are_named() {
    fails(
        "exec true\n-- ../x --\n",
        "2: file \"../x\" is outside working directory",
    );
    fails("-- /x --\n", "1: file \"/x\" is outside working directory");
    fails(
        "-- a/../../x --\n",
        "1: file \"a/../../x\" is outside working directory",
    );
    fails(
        "-- ${WORK}x --\n",
        "1: file \"${WORK}x\" is outside working directory",
    );
    fails("-- a --\n-- a/b --\n", "0: mkdir $WORK/a: not a directory");
    fails("-- . --\n", "0: open $WORK: is a directory");
}

#[test]
fn the_initial_variables_are_shown_in_their_order() {
    let values = InitialValues {
        work_dir: "/w".into(),
        path: b"/bin".to_vec(),
        gorace: b"x".to_vec(),
        engine: Some(b"podman".to_vec()),
        tag: b"t".to_vec(),
        run_id: b"r".to_vec(),
        ..InitialValues::default()
    };
    let shown = |dialect| {
        let list = initial_environment(&values, dialect);
        let text = |(name, value): &(Vec<u8>, Vec<u8>)| {
            format!("{}={}", name.escape_ascii(), value.escape_ascii())
        };
        list.iter().map(text).collect::<Vec<_>>().join(" ")
    };
    let go = "WORK=/w PATH=/bin GOTRACEBACK=system HOME=/no-home TMPDIR=/w/.tmp devnull=/dev/null /=/ :=: $=$ GORACE=x exe=";
    assert_eq!(shown(Dialect::Testscript), go);
    assert_eq!(
        shown(Dialect::Shakedown),
        format!("{go} ENGINE=podman TAG=t RUN_ID=r")
    );
}

#[test]
fn programs_get_the_variables_and_the_directory_and_nothing_else() {
    passes(
        "
        mkdir d
        cd d
        env B=2 A=1 A=3
        exec env
        stdout '^WORK='
        stdout '^/=/$'
        stdout '^\\$=\\$$'
        stdout '^A=3$'
        ! stdout '^A=1$'
        stdout '^PWD=.*/d$'
        stdout '^HOME=/no-home$'
        ! stdout '^CARGO'
        ",
    );
}

#[test]
fn bytes_that_are_no_text_survive() {
    let mut trial = Trial::default();
    let executed = trial.run(
        b"exec printf %s \xff\xfe\nstdout ^..$\ncmp stdout \xff\n-- \xff --\n\xff\xfe\n".as_slice(),
    );
    let log = String::from_utf8_lossy(&executed.log).into_owned();
    assert!(
        log.contains("FAIL: x.txtar:3: stdout and \u{fffd} differ"),
        "{log}"
    );
    assert!(executed.log.windows(4).any(|bytes| bytes == b"-\xff\xfe\n"));
}
