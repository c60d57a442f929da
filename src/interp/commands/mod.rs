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
mod patterns;
mod rewrite;
pub(super) mod state;

pub use manual::{explain, facts, names, reference};

use super::gotext;
use super::halt::{Step, fail};
use super::registry::Expect;
use super::session::Session;
use crate::script::check::Form;
use crate::script::{did_you_mean, suggest};

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
        fail(format!("usage: {}", self.usage))
    }
}

/// Sorted by name.
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

fn built_in(name: &str) -> Option<&'static Command> {
    let at = COMMANDS.binary_search_by(|command| command.name.cmp(name));
    COMMANDS.get(at.ok()?)
}

/// Runs the command that the first word names.
pub(super) fn run(session: &mut Session<'_>, expect: Expect, words: &[Vec<u8>]) -> Step {
    let [word, arguments @ ..] = words else {
        return Ok(());
    };
    let Ok(name) = str::from_utf8(word) else {
        return fail(format!("unknown command {}", gotext::quote(word)));
    };
    if session.registry.is_program(name) {
        return exec::program(session, expect, words);
    }
    if let Some(command) = built_in(name) {
        if expect == Expect::Failure && !command.negatable {
            return fail(format!("unsupported: ! {name}"));
        }
        return (command.run)(session, expect, arguments);
    }
    if let Some(command) = session.registry.find_command(name) {
        return custom::run(session, name, command, expect, arguments);
    }
    if let Some(path) = session.registry.find_external(name) {
        return external::run(session, name, path, expect, arguments);
    }
    unknown(session, name)
}

fn unknown(session: &Session<'_>, name: &str) -> Step {
    let built_in = COMMANDS.iter().map(|command| command.name);
    let suggestions = suggest(name.as_bytes(), built_in.chain(session.registry.names()));
    let quoted = gotext::quote(name.as_bytes());
    let suggestion = did_you_mean(&suggestions);
    fail(format!("unknown command {quoted}{suggestion}"))
}

/// A word for a message.
fn text(word: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(COMMANDS.is_sorted_by(|a, b| a.name < b.name));
    }
}
