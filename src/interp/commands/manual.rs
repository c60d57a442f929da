//! The table of commands as text and as facts. Executes nothing.

use std::fmt::Write;

use super::{COMMANDS, built_in};
use crate::script::check::CommandFacts;

/// The names of the commands, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().map(|command| command.name)
}

/// What is known of the commands without running one.
pub fn facts() -> impl Iterator<Item = CommandFacts> {
    COMMANDS.iter().map(|command| CommandFacts {
        name: command.name,
        usage: command.usage,
        negatable: command.negatable,
        form: command.form,
    })
}

/// The manual of one command; `None` when there is none of this name.
pub fn explain(name: &str) -> Option<String> {
    let command = built_in(name)?;
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

/// The commands and conditions of the language.
pub fn reference() -> String {
    let mut text = String::from(
        "The commands of scripts. `!` before one that allows it expects it to fail.\n\n",
    );
    for command in COMMANDS {
        let mark = if command.negatable { "!" } else { " " };
        writeln!(text, "  {mark} {:<36} {}", command.usage, command.summary)
            .expect("writing to a string cannot fail");
    }
    text += "\n`shakedown help COMMAND` says more of each.\n";
    text
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
