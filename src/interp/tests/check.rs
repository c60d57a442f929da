//! What the checker finds in scripts, and what it must not find. Here and not beside it, since it is the
//! interpreter's table that it goes by.

use std::collections::BTreeSet;

use crate::interp::{command_facts, command_names, explain};
use crate::model::Length;
use crate::script::check::{Vocabulary, check};
use crate::script::{Dialect, Facts, Script};

fn vocabulary() -> Vocabulary {
    let names = |names: &[&str]| -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    };
    Vocabulary {
        commands: command_facts().collect(),
        programs: names(&["tool"]),
        externals: names(&["outside"]),
        customs: names(&["custom"]),
        conditions: names(&["own"]),
        machine: Facts {
            os: "linux",
            arch: "amd64",
            length: Length::Whole,
        },
        explicit_exec: false,
    }
}

fn found_in(text: &str, dialect: Dialect) -> Vec<String> {
    let (script, _) = Script::parse("a", text.as_bytes(), dialect);
    let findings = check(&script, &vocabulary());
    findings.iter().map(ToString::to_string).collect()
}

/// One text each, and what is found in it, hints left out.
#[track_caller]
fn each_has(cases: &[(&str, &[&str])]) {
    for (text, wanted) in cases {
        let found = found_in(text, Dialect::Shakedown);
        let short = |text: &String| text.split('\n').next().unwrap_or_default().to_owned();
        let found: Vec<String> = found.iter().map(short).collect();
        assert_eq!(found, *wanted, "{text}");
    }
}

#[track_caller]
fn each_is_clean(texts: &[&str]) {
    for text in texts {
        assert_eq!(found_in(text, Dialect::Shakedown), [""; 0], "{text}");
    }
}

#[track_caller]
fn hints(text: &str, wanted: &str) {
    let found = found_in(text, Dialect::Shakedown).join("\n");
    let hint = found.split_once("\n  hint: ").map_or("", |(_, hint)| hint);
    assert_eq!(hint, wanted, "{text}");
}

#[test]
fn a_program_without_exec_is_found_where_exec_is_demanded() {
    let (script, _) = Script::parse("a", b"tool x\nexec tool x\n", Dialect::Shakedown);
    let vocabulary = Vocabulary {
        explicit_exec: true,
        ..vocabulary()
    };
    let found = check(&script, &vocabulary);
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    let wanted = "a:1:1: `tool` is called without `exec`\n  hint: `require-explicit-exec` is set in harness.toml";
    assert_eq!(found, [wanted]);
}

#[test]
fn a_command_that_is_none_is_found() {
    each_has(&[
        ("exce true", &["a:1:1: unknown command `exce`"]),
        ("[linux] !exec true", &["a:1:9: unknown command `!exec`"]),
        ("! ! exec true", &["a:1:3: unknown command `!`"]),
        ("! [linux] exec true", &["a:1:3: unknown command `[linux]`"]),
        ("[ linux ] exec true", &["a:1:1: unknown command `[`"]),
        (
            "ech a\nech b",
            &[
                "a:1:1: unknown command `ech`",
                "a:2:1: unknown command `ech`",
            ],
        ),
    ]);
    hints("exce true", "did you mean `exec`?");
    hints("!exec true", "did you mean `! exec`?");
    hints("toool", "did you mean `tool`?");
    hints("! ! exec true", "one `!` is enough");
    hints(
        "! [linux] cd x",
        "a condition comes before the `!`: `[linux] ! …`",
    );
    each_is_clean(&[
        "tool a b &",
        "custom a b",
        "! outside a b",
        "! tool",
        "$CMD a b",
        "exec whatever",
        "'exec' true",
        "# exce",
        "exec true # exce",
        "\r\nexec true\r\n",
    ]);
}

#[test]
fn a_line_without_its_command_and_an_open_quote_are_found() {
    each_has(&[
        ("exec 'a b", &["a:1:6: this quote is not closed"]),
        ("!", &["a:1:1: ! on line by itself"]),
        ("[linux]", &["a:1:1: missing command after condition"]),
        (
            "[linux] [!net]",
            &["a:1:9: missing command after condition"],
        ),
        ("[linux] !", &["a:1:9: ! on line by itself"]),
    ]);
}

#[test]
fn a_condition_that_is_unknown_is_a_note() {
    each_has(&[
        (
            "[linus] exec true",
            &["a:1:1: note: unknown condition `linus`"],
        ),
        (
            "[linux] [!GOOS:linux] exec true",
            &["a:1:9: note: unknown condition `GOOS:linux`"],
        ),
        (
            "[engine:5] exec true",
            &["a:1:1: note: unknown condition `engine:5`"],
        ),
        (
            "[a][b] exec true",
            &["a:1:1: note: unknown condition `a][b`"],
        ),
    ]);
    hints("[linus] exec true", "did you mean `[linux]`?");
    hints("[GOOS:linux] exec true", "here it is `[linux]`");
    each_is_clean(&[
        "[own] [!own:suffix] exec true",
        "[exec:git] [go1.20] [!short] exec true",
        "[docker] [engine:>=5.0] [rootless] exec true",
        "[$COND] exec true",
        "[windows] [no-such] exec true",
        "[!linux] [no-such] exec true",
    ]);
    let found = found_in("[docker] exec true", Dialect::Testscript);
    assert!(
        found[0].starts_with("a:1:1: note: unknown condition"),
        "{found:?}"
    );
}

#[test]
fn a_call_that_cannot_be_is_found() {
    each_has(&[
        ("! cd x", &["a:1:1: `cd` cannot be negated"]),
        ("cd", &["a:1:1: expected `cd dir`, found 0 words"]),
        ("cd a b", &["a:1:4: expected `cd dir`, found 2 words"]),
        (
            "exec",
            &["a:1:1: expected `exec program [args...] [&]`, found 0 words"],
        ),
        (
            "exec &",
            &["a:1:1: expected `exec program [args...] [&]`, found 0 words"],
        ),
        (
            "symlink a to b",
            &["a:1:9: expected `symlink file -> target`, found 3 words"],
        ),
        (
            "skip not today",
            &["a:1:6: expected `skip [msg]`, found 2 words"],
        ),
        (
            "exists -readonly",
            &["a:1:1: expected `exists [-readonly] file...`, found 0 words"],
        ),
        (
            "stdout -count=0 a",
            &["a:1:8: expected a number above zero after `-count=`, found `0`"],
        ),
        (
            "! stdout -count=2 a",
            &["a:1:10: `-count=` cannot be negated"],
        ),
        ("kill -TERM", &["a:1:6: unknown signal `-TERM`"]),
        (
            "grep a**  f",
            &["a:1:6: error parsing regexp: invalid nested repetition operator: `**`"],
        ),
    ]);
    each_has(&[(
        "outside a &",
        &["a:1:11: `outside` cannot be left in the background"],
    )]);
    hints(
        "skip not today",
        "the message is one word: put it in quotes",
    );
    each_is_clean(&[
        "exec a b &name&",
        "cd $A$B",
        "cp $A $B",
        "stdout $A $B",
        "stdout ^$",
        "stdout ${X}**",
        "stdout ^${WORK@R}$",
        "stdout -count=$N a",
        "kill -INT",
        "kill $SIGNAL",
        "env\nenv A=1 B=2",
        "symlink a $ARROW b",
    ]);
}

#[test]
fn a_flag_may_stand_where_the_command_takes_it() {
    each_is_clean(&[
        "capture A -trim",
        "capture -trim A",
        "capture A",
        "grep -count=1 a f",
        "exists -readonly f",
        "ttyin -stdin f",
        "until -$FLAG exec true",
    ]);
    each_has(&[
        (
            "capture -trim",
            &["a:1:1: expected `capture name [-trim]`, found 0 words"],
        ),
        (
            "capture -trim A -trim",
            &["a:1:15: expected `capture name [-trim]`, found 2 words"],
        ),
        (
            "grep a -count=1 f",
            &["a:1:6: expected `grep [-count=N] 'pattern' file`, found 3 words"],
        ),
    ]);
}

#[test]
fn a_value_that_is_none_is_found() {
    let duration = "expected a duration such as `500ms`, `30s`, `3m`, `1m30s`, found";
    let status = "expected a number from 0 to 255, found";
    let name = "expected a name of letters, digits and `_`, found";
    let mode = "expected octal digits up to 777, found";
    for (text, wanted) in [
        ("sleep 1", format!("a:1:7: {duration} `1`")),
        ("[net] sleep abc", format!("a:1:13: {duration} `abc`")),
        ("status x", format!("a:1:8: {status} `x`")),
        ("! status 999", format!("a:1:10: {status} `999`")),
        ("status -1", format!("a:1:8: {status} `-1`")),
        ("capture 1-a", format!("a:1:9: {name} `1-a`")),
        ("capture -trim 1", format!("a:1:15: {name} `1`")),
        ("chmod 999 f", format!("a:1:7: {mode} `999`")),
        ("defer chmod u+x f", format!("a:1:13: {mode} `u+x`")),
    ] {
        each_has(&[(text, &[&wanted])]);
    }
    each_is_clean(&[
        "sleep 1s\nsleep $T\nsleep ${T}s",
        "status 0\nstatus $CODE",
        "capture A1\ncapture _\ncapture $NAME",
        "chmod 755 f\nchmod 0644 f\nchmod $MODE f",
    ]);
}

#[test]
fn a_file_that_is_compared_with_itself_is_found() {
    let itself = "cannot compare a file against itself";
    each_has(&[
        ("cmp a a\n-- a --\n", &[&format!("a:1:7: {itself}")]),
        ("! cmp a a\n-- a --\n", &[&format!("a:1:9: {itself}")]),
        (
            "exec x\ncmpenv stdout stdout",
            &[&format!("a:2:15: {itself}")],
        ),
        (
            "cmp $WORK/a $WORK/a\n-- a --\n",
            &[&format!("a:1:13: {itself}")],
        ),
    ]);
    each_is_clean(&["cmp $A $B", "cmp a$A a$A", "cmp a ./a\n-- a --\n"]);
}

#[test]
fn a_name_in_the_background_that_is_taken_is_found() {
    let taken = "duplicate background process name `a`";
    each_has(&[
        ("exec x &a&\nexec y &a&", &[&format!("a:2:8: {taken}")]),
        (
            "tool &a&\n[net] ! tool 1 &a&",
            &[&format!("a:2:16: {taken}")],
        ),
        (
            "exec x &b&\nexec x &a&\nwait b\nkill a\nexec y &a&",
            &[&format!("a:5:8: {taken}")],
        ),
    ]);
    hints(
        "exec x &a&\nexec y &a&",
        "line 1 started the first, and no `wait` came since",
    );
    each_is_clean(&[
        "exec x &a&\nwait a\nexec x &a&",
        "exec x &a&\nwait\nexec x &a&",
        "exec x &a&\n[net] wait\nexec x &a&",
        "exec x &a&\nwait $NAME\nexec x &a&",
        "exec x &a&\n$CMD\nexec x &a&",
        "[net] exec x &a&\n[!net] exec y &a&",
        "! exec x &a&\nexec x &a&",
        "exec x &\nexec x &",
        "exec x &a&\nexec x &b&",
        "exec x &a&\ndefer exec x &a&",
        "exec x '&' a &a&\ncustom &a&",
    ]);
}

#[test]
fn a_name_that_nothing_in_the_background_has_is_found() {
    let unknown = |name: &str, at: &str| format!("a:{at}: unknown background process `{name}`");
    each_has(&[
        ("wait b", &[&unknown("b", "1:6")]),
        ("[net] kill c", &[&unknown("c", "1:12")]),
        ("exec x &b&\nkill -INT c", &[&unknown("c", "2:11")]),
        ("exec x &b&\nwait b\nwait b", &[&unknown("b", "3:6")]),
        (
            "exec x &b&\nexec x &c&\nwait\nkill b",
            &[&unknown("b", "4:6")],
        ),
        ("until wait b", &[&unknown("b", "1:12")]),
        ("kill -FOO", &["a:1:6: unknown signal `-FOO`"]),
    ]);
    hints("wait b", "`exec PROGRAM &b&` before it starts it");
    hints("exec x &server&\nwait servr", "did you mean `server`?");
    each_is_clean(&[
        "exec x &b&\nkill b\nwait b",
        "[net] exec x &b&\nwait b",
        "! exec x &b&\nwait b",
        "tool &b&\n[net] wait b\nwait b",
        "exec x &b&\n[net] wait\nkill b",
        "exec x &$NAME&\nwait b",
        "exec x $LAST\nwait b",
        "custom x &b&\nwait b",
        "$CMD\nwait b",
        "wait\nkill\nkill -INT\nkill ''",
        "defer wait b\nexec true",
        "exec x 'a'$B &b&\nwait b",
    ]);
    // What such a line would have done is not known.
    for line in ["exce x &b&", "exec 'x &b&"] {
        let found = found_in(&format!("{line}\nwait b\n"), Dialect::Shakedown);
        assert_eq!(found.len(), 1, "{found:?}");
    }
}

#[test]
fn a_command_whose_name_is_no_text_is_found() {
    let (script, _) = Script::parse("a", b"\xff\xfe x\n$WORK/tool\n", Dialect::Shakedown);
    let found = check(&script, &vocabulary());
    let found: Vec<String> = found
        .iter()
        .map(|found| found.diagnostic.message.clone())
        .collect();
    assert_eq!(
        found,
        [
            "unknown command `\u{fffd}\u{fffd}`",
            "unknown command `$WORK/tool`"
        ]
    );
    hints(
        "$WORK/tool",
        "`exec $WORK/tool` runs a program; what a test target registers is named in `[check]` of harness.toml",
    );
}

#[test]
fn what_looks_like_a_marker_is_found() {
    let message = "looks like the marker of a file `f`, and is none";
    let at = |place: &str| format!("a:{place}: this {message}");
    let note = |place: &str| format!("a:{place}: note: this {message}");
    each_has(&[
        ("exec true\n--f--\nx y z\n", &[&at("2:1")]),
        (" -- f --\nx\n", &[&at("1:1")]),
        ("exec cat f g\n-- g --\nx\n-- f--\ny\n", &[&at("4:1")]),
        ("exec cat '' g\n-- g --\nx\n-- f--\ny\n", &[&note("4:1")]),
        ("exec cat g\n-- g --\nx\n--f --\ny\n", &[&note("4:1")]),
        ("exec cat g\n-- g --\nx\n-- f -- \ny\n", &[&note("4:1")]),
        (
            "exec cat f g\n-- g --\nx\n-- f -- \n-- f --\n",
            &[&note("4:1")],
        ),
        (
            "exec cat g\n-- g --\n-- exec--\n",
            &["a:3:1: note: this looks like the marker of a file `exec`, and is none"],
        ),
        ("exec cat f g\n-- g --\nx\n-- f -- \ny\n", &[&at("4:1")]),
        ("exec cat f g\n-- g --\nx\n  -- f --\ny\n", &[&note("4:1")]),
        ("exec cat f g\n-- g --\nx\n--f--\ny\n", &[&note("4:1")]),
    ]);
    each_is_clean(&[
        "exec cat g\n-- g --\n-----BEGIN KEY-----\n-- a comment of two words--\n-- --\n------\n",
        "exec cat g\n-- g --\n--part\n\n--part--\n",
        "exec cat g\n-- g --\n>-- f --\n-- a comment\n",
    ]);
}

#[test]
fn names_of_files_that_are_taken_or_lead_away_are_found() {
    let outside = "leads out of the work directory";
    let uses = "exec ls .\n";
    for (name, wanted) in [
        ("../x", format!("a:2:4: the file name `../x` {outside}")),
        (
            "a/../../x",
            format!("a:2:4: the file name `a/../../x` {outside}"),
        ),
        ("/etc/x", format!("a:2:4: the file name `/etc/x` {outside}")),
    ] {
        each_has(&[(&format!("{uses}-- {name} --\n"), &[&wanted])]);
    }
    each_has(&[
        (
            "exec ls .\n-- x --\n-- ./x --\n",
            &["a:3:4: the file `./x` is in the archive a second time"],
        ),
        (
            "exec ls .\n-- x/y --\n-- x --\n",
            &["a:2:4: `x` is a file of the archive and cannot be a folder"],
        ),
    ]);
    each_is_clean(&[
        "exec ls .\n-- $WORK/x --\n-- a/../y --\n-- $A --\n-- $B --\n",
        "exec ls .\n-- x --\n-- $A/x --\n",
    ]);
}

#[test]
fn a_comparison_with_a_file_that_cannot_be_there_is_found() {
    let missing = |name: &str, place: &str| {
        format!("a:{place}: there is no file `{name}` in the archive, and no line before makes one")
    };
    each_has(&[
        (
            "exec tool\ncmp stdout want.txt\n",
            &[&missing("want.txt", "2:12")],
        ),
        (
            "tool\n! cmp stderr want.txt\n",
            &[&missing("want.txt", "2:14")],
        ),
        ("cmp a want.txt\n-- a --\n", &[&missing("want.txt", "1:7")]),
        (
            "cd d\nexec x\ncmpenv stdout w\n-- w --\n-- d/f --\n",
            &[&missing("d/w", "3:15")],
        ),
    ]);
    hints(
        "exec x\ncmp stdout want.tx\n-- want.txt --\n",
        "did you mean `want.txt`?",
    );
    each_is_clean(&[
        "exec x\ncmp stdout want\n-- want --\n",
        "exec x\ncmp stdout $WORK/want\n-- want --\n",
        "cd d\nexec x\ncmp stdout ../want\n-- want --\n-- d/x --\n",
        "exec x\ncmp a want\n-- a --\n",
        "exec sh -c 'echo >want'\ncmp stdout want\n",
        "cp stdout want\ncmp stdout want\n",
        "exec sh a.sh\ncmp stdout want\n-- a.sh --\necho >want\n",
        "exec x\ncmp stdout out/want\n",
        "exec x\ncmp stdout $WANT\n",
        "env A=1\ncd $A\nexec x\ncmp stdout want\n",
        "[own] cd d\nexec x\ncmp stdout want\n-- d/want --\n",
        "exec x\ncmp stdout want\n-- $NAME --\n",
    ]);
}

#[test]
fn a_line_that_cannot_be_read_hides_nothing_that_it_does_not_name() {
    let quote = "a:1:6: this quote is not closed";
    let missing = "there is no file `want` in the archive, and no line before makes one";
    let unused = "note: no line names the file `f`";
    each_has(&[
        (
            "exec 'a\nexec true\ncmp stdout want\n",
            &[quote, &format!("a:3:12: {missing}")],
        ),
        (
            "exec 'a\nexec true\n-- f --\n",
            &[quote, &format!("a:3:4: {unused}")],
        ),
        ("exec 'a >want\nexec true\ncmp stdout want\n", &[quote]),
        ("exec 'f\nexec true\n-- f --\n", &[quote]),
        ("exec 'a/*\nexec true\n-- f --\n", &[quote]),
        ("exec '$A\nexec true\n-- f --\n", &[quote]),
        ("exec 'a .\nexec true\n-- f --\n", &[quote]),
        (
            "[x] cd 'a\nexec true\ncmp stdout want\n-- a/want --\n",
            &["a:1:8: this quote is not closed"],
        ),
    ]);
    // A pattern makes no file; a command that nobody knows may be a test target's, and make any.
    each_has(&[
        (
            "exec true\nstdout 'a**'\ncmp stdout want\n-- f --\n",
            &[
                "a:2:8: error parsing regexp: invalid nested repetition operator: `**`",
                &format!("a:3:12: {missing}"),
                &format!("a:4:4: {unused}"),
            ],
        ),
        (
            "exec true\nmakes x\ncmp a want\n-- a --\n-- f --\n",
            &["a:2:1: unknown command `makes`"],
        ),
        (
            "exec true\nmakes x\ncmp stdout want\n-- a --\n-- want2 --\n",
            &[
                "a:2:1: unknown command `makes`",
                &format!("a:3:12: {missing}"),
                "a:5:4: note: no line names the file `want2`",
            ],
        ),
    ]);
}

#[test]
fn a_file_that_no_line_names_is_a_note() {
    let unused =
        |name: &str, place: &str| format!("a:{place}: note: no line names the file `{name}`");
    each_has(&[
        (
            "exec x\nstdout a\n-- want.txt --\n",
            &[&unused("want.txt", "3:4")],
        ),
        (
            "exec cat b\n-- first --\n-- b --\n",
            &[&unused("first", "2:4")],
        ),
    ]);
    each_is_clean(&[
        "exec x\n-- config.toml --\n",
        "exec ls .\n-- want.txt --\n",
        "exec sh -c 'cat *'\n-- want.txt --\n",
        "exec x $WORK\n-- want.txt --\n",
        "exec x data\n-- data/want.txt --\n",
        "cmp stdout $F\n-- want.txt --\n",
        "exec sh a.sh\n-- a.sh --\ncat want.txt\n-- want.txt --\n",
    ]);
}

#[test]
fn lines_that_are_never_reached_and_headers_that_come_too_late_are_notes() {
    let never = "note: this line and those below it are never reached";
    each_has(&[
        (
            "stop\n\n# text\nexec 'a\nno such\n",
            &[&format!("a:4:1: {never}")],
        ),
        (
            "exec true\nskip 'no'\nexec true\n",
            &[&format!("a:3:1: {never}")],
        ),
        (
            "exec true\n#: cpus = 2\n",
            &["a:2:1: note: `cpus` counts for nothing here"],
        ),
    ]);
    each_is_clean(&[
        "[windows] stop\nexec true\n",
        "stop\n\n# nothing but this\n",
        "#: cpus = 2\nexec true\n#: see below\n",
    ]);
    assert_eq!(
        found_in("exec true\n#: cpus = 2\n", Dialect::Testscript),
        [""; 0]
    );
}

#[test]
fn every_example_of_the_manual_is_clean() {
    for name in command_names() {
        let text = explain(name).unwrap();
        let example = text.trim_end().lines().next_back().unwrap();
        let files = "-- wanted.txt --\n-- stay --\n";
        let script = format!("exec ls . &server&\n{}\n{files}", example.trim());
        each_is_clean(&[&script]);
    }
}

#[test]
fn a_command_within_another_is_looked_at_as_any() {
    each_has(&[
        ("until exce true", &["a:1:7: unknown command `exce`"]),
        (
            "until -every=1s ! stdout '(a'",
            &["a:1:26: error parsing regexp: missing closing ): `(?m)(a`"],
        ),
        ("defer ! cd x", &["a:1:7: `cd` cannot be negated"]),
        (
            "defer skip a b",
            &[
                "a:1:7: `defer` cannot take `skip`",
                "a:1:12: expected `skip [msg]`, found 2 words",
            ],
        ),
        ("until stop", &["a:1:7: `until` cannot take `stop`"]),
        ("defer defer rm a", &["a:1:7: `defer` cannot take `defer`"]),
        (
            "until until exists a",
            &["a:1:7: `until` cannot take `until`"],
        ),
        (
            "until exec true &",
            &["a:1:17: a program in the background cannot be tried"],
        ),
        (
            "until tool '&a&'",
            &["a:1:12: a program in the background cannot be tried"],
        ),
        (
            "until",
            &["a:1:1: expected `until [-timeout=D] [-every=D] [!] command...`, found 0 words"],
        ),
        (
            "until -every=1s",
            &["a:1:7: expected `until [-timeout=D] [-every=D] [!] command...`, found no command"],
        ),
        (
            "until -tries=3 exec true",
            &["a:1:7: unknown flag `-tries=3`"],
        ),
        (
            "until -timeout=3 exec true",
            &["a:1:7: expected a duration such as `500ms`, `30s`, `3m`, `1m30s`, found `3`"],
        ),
        (
            "until -timeout=0s exec true",
            &["a:1:7: expected more than 0"],
        ),
        ("! until exec true", &["a:1:1: `until` cannot be negated"]),
        (
            "until cmp stdout wanted",
            &["a:1:18: there is no file `wanted` in the archive, and no line before makes one"],
        ),
    ]);
}

#[test]
fn a_command_within_another_has_hints_and_raises_no_alarm() {
    hints(
        "! until exec true",
        "`until ! COMMAND` expects the command to fail",
    );
    hints(
        "until -tries=3 exec true",
        "known: `-timeout=TIME`, `-every=TIME`",
    );
    each_is_clean(&[
        "until -timeout=1m30s -every=10ms ! exec test -e draft\nexec true",
        "until -timeout=$T grep ready state",
        "defer until exec true",
        "defer exec true &",
        "until custom a &",
        // What is kept may be compared with a file that is yet to come, and ends nothing.
        "defer cmp a b\nexec sh -c 'echo >a; echo >b'\nexec true",
        // The directory stays where it was.
        "defer cd sub\ncmp stdout a\n-- a --\n-- sub/b --\n",
        "defer rm a\n-- a --\n",
    ]);
}
