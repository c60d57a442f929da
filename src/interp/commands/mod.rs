//! The commands of the language: one table, one function each. A command knows its session and
//! nothing of the loop that runs lines.

mod compare;
pub(super) mod custom;
mod exec;
mod external;
mod files;
pub(super) mod flow;
pub(super) mod jobs;
mod links;
mod manual;
mod nested;
mod ours;
mod patterns;
mod rewrite;
pub(super) mod state;

use std::path::Path;

#[cfg(test)]
pub(super) use manual::variables;
pub use manual::{explain, facts, names, reference};

use super::gotext;
use super::halt::{Step, mistake};
use super::registry::{self, Expect};
use super::session::Session;
use crate::script::check::Form;
use crate::script::{Dialect, did_you_mean, suggest};

/// A command and its manual line.
struct Command {
    name: &'static str,
    /// What follows `usage: `.
    usage: &'static str,
    /// For people who ask what there is.
    summary: &'static str,
    /// What the summary leaves out: a few sentences.
    details: &'static str,
    /// A line that calls it.
    example: &'static str,
    /// Whether `!` makes sense.
    negatable: bool,
    /// Its words, for those who look at a script before it runs.
    form: Form,
    run: fn(&mut Session<'_>, Expect, &[Vec<u8>]) -> Step,
}

impl Command {
    /// The failure of a call that is not as the usage says.
    fn misused<T>(&self) -> Step<T> {
        mistake(format!("usage: {}", self.usage))
    }

    /// The failure of a `!` that makes no sense.
    fn not_negatable<T>(&self) -> Step<T> {
        let hint = nested::hint(self);
        mistake(format!("unsupported: ! {}{hint}", self.name))
    }
}

/// Those of testscript, sorted by name.
static COMMANDS: &[Command] = &[
    files::CD,
    links::CHMOD,
    compare::CMP,
    compare::CMPENV,
    files::CP,
    state::ENV,
    exec::EXEC,
    files::EXISTS,
    patterns::GREP,
    jobs::KILL,
    files::MKDIR,
    links::MV,
    files::RM,
    flow::SKIP,
    patterns::STDERR,
    state::STDIN,
    patterns::STDOUT,
    flow::STOP,
    links::SYMLINK,
    state::TTYIN,
    patterns::TTYOUT,
    rewrite::UNIX2DOS,
    rewrite::UNQUOTE,
    jobs::WAIT,
];

/// Ours, sorted by name; testscript knows nothing of them.
static ADDITIONS: &[Command] = &[
    ours::CAPTURE,
    nested::DEFER,
    ours::SLEEP,
    ours::STATUS,
    nested::UNTIL,
];

fn listed(table: &'static [Command], name: &str) -> Option<&'static Command> {
    let at = table.binary_search_by(|command| command.name.cmp(name));
    table.get(at.ok()?)
}

/// Who answers to a command's name.
enum Found<'r> {
    /// A program that is called without `exec`.
    Program,
    /// A row of one of the tables.
    Ours(&'static Command),
    /// A command of the user's.
    Theirs(&'r str, &'r registry::Command),
    /// An executable of the configuration's.
    External(&'r str, &'r Path),
}

/// Programs of the user's come before testscript's commands, and those before the user's; additions are last.
fn find<'r>(session: &Session<'r>, word: &[u8]) -> Step<Found<'r>> {
    let Ok(name) = str::from_utf8(word) else {
        let quoted = gotext::quote(word);
        return mistake(format!("unknown command {quoted}"));
    };
    let registry = session.registry;
    if registry.is_program(name) {
        if session.setup.demands.explicit_exec {
            return mistake(format!(
                "use 'exec {name}' rather than '{name}' (because RequireExplicitExec is enabled)"
            ));
        }
        return Ok(Found::Program);
    }
    if let Some(command) = listed(COMMANDS, name) {
        return Ok(Found::Ours(command));
    }
    if let Some((name, command)) = registry.find_command(name) {
        return Ok(Found::Theirs(name, command));
    }
    if let Some((name, path)) = registry.find_external(name) {
        return Ok(Found::External(name, path));
    }
    match listed(additions(session), name) {
        Some(command) => Ok(Found::Ours(command)),
        None => unknown(session, name),
    }
}

/// What the script's language has beyond testscript's.
fn additions(session: &Session<'_>) -> &'static [Command] {
    match session.script.dialect {
        Dialect::Shakedown => ADDITIONS,
        Dialect::Testscript => &[],
    }
}

/// These refuse a `!` themselves, after words that are wrong.
const LOOK_AT_WORDS_FIRST: [&str; 3] = ["kill", "skip", "wait"];

/// Runs the command that the first word names.
pub(super) fn run(session: &mut Session<'_>, expect: Expect, words: &[Vec<u8>]) -> Step {
    let [word, arguments @ ..] = words else {
        return Ok(());
    };
    match find(session, word)? {
        Found::Program => exec::program(session, expect, words),
        Found::Ours(command)
            if expect == Expect::Failure
                && !command.negatable
                && !LOOK_AT_WORDS_FIRST.contains(&command.name) =>
        {
            command.not_negatable()
        }
        Found::Ours(command) => (command.run)(session, expect, arguments),
        Found::Theirs(name, command) => custom::run(session, name, command, expect, arguments),
        Found::External(name, path) => external::run(session, name, path, expect, arguments),
    }
}

fn unknown<T>(session: &Session<'_>, name: &str) -> Step<T> {
    let ours = COMMANDS.iter().chain(additions(session));
    let ours = ours.map(|command| command.name);
    let suggestions = suggest(name.as_bytes(), ours.chain(session.registry.names()));
    let quoted = gotext::quote(name.as_bytes());
    let suggestion = did_you_mean(&suggestions);
    mistake(format!("unknown command {quoted}{suggestion}"))
}

/// A word for a message.
fn text(word: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted_and_share_no_name() {
        assert!(COMMANDS.is_sorted_by(|a, b| a.name < b.name));
        assert!(ADDITIONS.is_sorted_by(|a, b| a.name < b.name));
        for command in ADDITIONS {
            assert!(listed(COMMANDS, command.name).is_none(), "{}", command.name);
        }
    }
}
