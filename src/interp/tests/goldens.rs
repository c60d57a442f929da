//! `cmp` under `--update`: what becomes of the script's own files.

use super::{Golden, case};
use crate::interp::ScriptEnding;

/// Runs the script under `--update`, and gives what it becomes.
#[track_caller]
fn updated(text: &str) -> (ScriptEnding, String, String) {
    let mut case = case();
    case.setup.golden = Golden::Update;
    let (ending, log) = case.run(text);
    (ending, String::from_utf8(case.updated).unwrap(), log)
}

#[track_caller]
fn becomes(before: &str, after: &str) {
    let (ending, text, log) = updated(before);
    assert_eq!(ending, ScriptEnding::Passed, "{before}\n{log}");
    assert_eq!(text, after, "{before}");
}

#[track_caller]
fn fails(text: &str, wanted: &str) {
    match updated(text) {
        (ScriptEnding::Failed(failure), _, log) => {
            assert_eq!(failure.message.lossy(), wanted, "{log}");
        }
        (ending, _, log) => panic!("{ending:?}\n{log}"),
    }
}

#[test]
fn a_file_that_differs_gets_what_was_found() {
    for (lines, before, after) in [
        ("exec echo new\ncmp stdout want\n", "old\n", "new\n"),
        ("exec echo new\ncmp stdout $WORK/./want\n", "old\n", "new\n"),
        (
            "mkdir d\ncd d\nexec echo new\ncmp stdout ../want\n",
            "old\n",
            "new\n",
        ),
        ("exec true\ncmp stdout want\n", "old\n", ""),
        ("exec echo same\ncmp stdout want\n", "same\n", "same\n"),
        // The last one wins.
        (
            "exec echo 1\ncmp stdout want\nexec echo 2\ncmp stdout want\n",
            "old\n",
            "2\n",
        ),
        (
            "exec echo -- x --\ncmp stdout want\n",
            "old\n",
            ">-- x --\n",
        ),
        (
            "unquote want\nexec echo new\ncmp stdout want\n",
            ">old\n",
            ">new\n",
        ),
        (
            "unquote want\nexec echo same\ncmp stdout want\n",
            ">same\n",
            ">same\n",
        ),
        // The file is the same, whatever it is called meanwhile.
        (
            "symlink l -> want\nunquote l\nexec echo new\ncmp stdout want\n",
            ">old\n",
            ">new\n",
        ),
        (
            "mv want b\nunquote b\nmv b want\nexec echo new\ncmp stdout want\n",
            ">old\n",
            ">new\n",
        ),
        (
            "unquote want\nunquote want\nexec echo new\ncmp stdout want\n",
            ">>old\n",
            ">>new\n",
        ),
        ("! cmp a want\n", "old\n", "old\n"),
    ] {
        let script = |data: &str| format!("{lines}--  a  --\r\na\n-- want --\n{data}-- b --\nb");
        becomes(&script(before), &script(after));
    }
}

#[test]
fn every_entry_of_the_path_gets_it() {
    becomes(
        "exec echo n\ncmp stdout f\n-- f --\n1\n-- g --\n2\n-- ./f --\n3\n",
        "exec echo n\ncmp stdout f\n-- f --\nn\n-- g --\n2\n-- ./f --\nn\n",
    );
}

#[test]
fn what_cannot_be_put_into_the_script_fails() {
    for (lines, wanted) in [
        (
            "exec printf new\ncmp stdout want",
            "cannot update script file \"want\": data has no final newline",
        ),
        (
            "unquote q\nexec printf '\\377\\n'\ncmp stdout q",
            "cannot update script file \"q\": data contains non-UTF-8 characters",
        ),
        (
            "cp want made\nexec echo x\ncmp stdout made",
            "stdout and made differ",
        ),
        ("exec echo x\ncmpenv stdout want", "stdout and want differ"),
        ("! cmp same want", "same and want do not differ"),
    ] {
        let files = "\n-- want --\nold\n-- same --\nold\n-- q --\n>q\n";
        fails(&format!("{lines}{files}"), wanted);
    }
}

#[test]
fn a_file_that_must_be_quoted_is_told() {
    let mut case = case();
    case.setup.golden = Golden::Update;
    let (_, log) = case.run("exec echo -- x --\ncmp stdout w\nexec false\n-- w --\n");
    let told = "> cmp stdout w\n[w is quoted from now on: add `unquote w` to the script]\n";
    assert!(log.contains(told), "{log}");
    assert_eq!(case.quoted, ["w"]);
    case.run("unquote w\nexec echo -- x --\ncmp stdout w\n-- w --\n>old\n");
    assert_eq!(case.quoted, [""; 0]);
}

#[test]
fn without_the_flag_nothing_is_taken() {
    let mut case = case();
    let text = "exec echo x\n! cmp stdout want\n-- want --\nold\n";
    case.passes(text);
    assert_eq!(case.updated, text.as_bytes());
}

#[test]
fn what_is_tried_again_is_not_taken_for_wanted() {
    let text = "until -timeout=1s cmp f want\n-- f --\nnew\n-- want --\nold\n";
    fails(
        text,
        "until: gave up after 1s and 5 tries: f and want differ",
    );
}
