//! Commands of the user's.

use crate::interp::testing::Trial;
use crate::interp::{CommandContext, CommandError, Registry};

/// `say [-fail] WORDS…`: writes its words to both outputs.
fn say(
    context: &mut CommandContext<'_>,
    negated: bool,
    arguments: &[Vec<u8>],
) -> Result<(), CommandError> {
    let words = arguments.join(&b' ');
    context.log(format!("negated: {negated}"));
    context
        .stdout()
        .extend_from_slice(&[&words, b"\n".as_slice()].concat());
    context.stderr().extend_from_slice(b"err");
    if words.starts_with(b"-fail") {
        return Err("told to fail".into());
    }
    Ok(())
}

/// `look`: checks and changes what a command can reach.
fn look(
    context: &mut CommandContext<'_>,
    _negated: bool,
    _arguments: &[Vec<u8>],
) -> Result<(), CommandError> {
    assert_eq!(context.getenv("A"), Some(b"1".as_slice()));
    context.setenv("B", "2");
    assert_eq!(context.read_file("stdout")?, b"out\n");
    assert_eq!(context.read_file("f")?, b"text\n");
    assert_eq!(context.absolute("f"), context.work_dir().join("f"));
    context.change_directory("d")?;
    assert_eq!(context.directory(), context.work_dir().join("d"));
    context.read_file("nosuch")?;
    Ok(())
}

fn trial() -> Trial {
    let mut registry = Registry::default();
    registry
        .command("say", Box::new(say))
        .command("look", Box::new(look))
        .command("panics", Box::new(|_, _, _| panic!("went {}", "wrong")))
        .command("cp", Box::new(|_, _, _| Err("not reached".into())));
    Trial {
        registry,
        ..Trial::default()
    }
}

#[test]
fn outputs_of_a_command_are_logged_and_kept() {
    trial().check(
        "say a b\nstdout ^a.b$\nstderr ^err$\n! say -fail\n",
        "failed at 4: told to fail",
        "
        > say a b
        negated: false
        [stdout]
        a b

        [stderr]
        err
        > stdout ^a.b$
        > stderr ^err$
        > ! say -fail
        negated: true
        [stdout]
        -fail

        [stderr]
        err
        FAIL: x.txtar:4: told to fail
        ",
    );
}

#[test]
fn a_command_reaches_the_state_of_the_script() {
    trial().check(
        "env A=1\nexec echo out\nlook\n-- f --\ntext\n-- d/x --\n",
        "failed at 3: $WORK/d/nosuch: no such file or directory",
        "
        > env A=1
        > exec echo out
        [stdout]
        out
        > look
        FAIL: x.txtar:3: $WORK/d/nosuch: no such file or directory
        ",
    );
}

#[test]
fn a_panic_is_a_failure() {
    trial().check(
        "panics\n",
        "failed at 1: panicked: went wrong",
        "> panics\nFAIL: x.txtar:1: panicked: went wrong\n",
    );
}

#[test]
fn a_command_of_go_cannot_be_replaced() {
    trial().check("cp a b\n-- a --\n", "passed", "PASS\n");
    trial().check(
        "saz\n",
        "failed at 1: unknown command \"saz\" (did you mean \"say\"?)",
        "> saz\nFAIL: x.txtar:1: unknown command \"saz\" (did you mean \"say\"?)\n",
    );
}
