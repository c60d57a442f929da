//! The table of commands as text and as facts. Executes nothing.

use std::fmt::Write;

use super::{ADDITIONS, COMMANDS, Command, listed};
use crate::script::check::CommandFacts;
use crate::script::conditions;

/// The names of the commands.
pub fn names() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().chain(ADDITIONS).map(|command| command.name)
}

/// What is known of the commands without running one.
pub fn facts() -> impl Iterator<Item = CommandFacts> {
    let facts = |command: &Command, addition| CommandFacts {
        name: command.name,
        usage: command.usage,
        negatable: command.negatable,
        addition,
        form: command.form,
    };
    let standard = COMMANDS.iter().map(move |command| facts(command, false));
    standard.chain(ADDITIONS.iter().map(move |command| facts(command, true)))
}

/// The manual of one command; `None` when there is none of this name.
pub fn explain(name: &str) -> Option<String> {
    let command = listed(COMMANDS, name).or_else(|| listed(ADDITIONS, name))?;
    let negation = if command.negatable {
        "`!` before it expects it to fail."
    } else {
        "It cannot be negated."
    };
    let mut text = format!("{}\n\n  {}\n", command.usage, command.summary);
    for line in wrap(&format!("{} {negation}", command.details)) {
        write!(text, "\n{line}").expect("writing to a string cannot fail");
    }
    Some(format!("{text}\n\nExample:\n\n  {}\n", command.example))
}

/// The variables that a script begins with, in their order.
const VARIABLES: &[(&str, &str, bool)] = &[
    ("WORK", "the work directory", false),
    (
        "PATH",
        "stand-ins and programs, then the harness's own PATH",
        false,
    ),
    ("GOTRACEBACK", "system", false),
    ("HOME", "/no-home", false),
    ("TMPDIR", "$WORK/.tmp", false),
    ("devnull", "/dev/null", false),
    ("/", "/", false),
    (":", ":", false),
    ("$", "$", false),
    ("GOCOVERDIR", "that of the harness, if there is one", false),
    ("GORACE", "that of the harness, if there is one", false),
    ("exe", "nothing", false),
    ("ENGINE", "the engine's command, docker or podman", true),
    (
        "TAG",
        "a name that no other script, attempt or run has",
        true,
    ),
    ("RUN_ID", "the run's id", true),
    (
        "COMPOSE_PROJECT_NAME",
        "the same as `TAG`, where the settings give no other; so projects of two scripts never mix",
        true,
    ),
];

/// Those that only scripts of the container lane begin with, where the engine has a unix socket.
const SOCKET_VARIABLES: &[(&str, &str, bool)] = &[
    (
        "DOCKER_HOST",
        "in the container lane: a stand-in for the engine's socket",
        true,
    ),
    (
        "CONTAINER_HOST",
        "the same, where Podman serves the socket",
        true,
    ),
];

/// The names of the variables that a script begins with, with ours or without.
#[cfg(test)]
pub(in crate::interp) fn variables(additions: bool) -> impl Iterator<Item = &'static str> {
    let listed = VARIABLES
        .iter()
        .filter(move |(_, _, addition)| additions || !addition);
    listed.map(|(name, _, _)| *name)
}

/// The commands, conditions and variables of the language.
pub fn reference() -> String {
    let mut text = String::from(
        "The commands of scripts. `!` before one that allows it expects it to fail.\n\n",
    );
    list(COMMANDS, &mut text);
    text += "\nNot in testscript, and off under `--dialect testscript`:\n\n";
    list(ADDITIONS, &mut text);
    text += "\nConditions, as `[NAME] COMMAND` and `[!NAME] COMMAND`:\n\n";
    let conditions = conditions().map(|one| (one.name, one.about, one.addition));
    pairs(conditions, &mut text);
    text += "\nVariables of every script, as `$NAME` and `${NAME}`:\n\n";
    pairs(VARIABLES.iter().copied(), &mut text);
    pairs(SOCKET_VARIABLES.iter().copied(), &mut text);
    text += "\n+ is not in testscript, and off under `--dialect testscript`.\n";
    text += "\n`shakedown help COMMAND` says more of each.\n";
    text
}

fn list(table: &[Command], text: &mut String) {
    for command in table {
        let mark = if command.negatable { "!" } else { " " };
        writeln!(text, "  {mark} {:<36} {}", command.usage, command.summary)
            .expect("writing to a string cannot fail");
    }
}

fn pairs(rows: impl Iterator<Item = (&'static str, &'static str, bool)>, text: &mut String) {
    for (name, about, addition) in rows {
        let mark = if addition { "+" } else { " " };
        writeln!(text, "  {mark} {name:<36} {about}").expect("writing to a string cannot fail");
    }
}

/// Lines of at most eighty columns.
fn wrap(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is a line");
        if line.is_empty() {
            line.push_str(word);
        } else if line.len() + word.len() < 80 {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}
