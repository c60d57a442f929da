//! What the table says of commands, held against what they do.

use super::{ScriptEnding, case};
use crate::interp::{command_facts, command_names, explain};
use crate::script::check::{CommandFacts, Flag, Role};

/// What stands around the words.
#[derive(Clone, Copy, PartialEq)]
enum Extra {
    Nothing,
    Flag,
    Background,
}

/// A call with so many words, each as the table wants it.
fn call(command: &CommandFacts, words: usize, extra: Extra) -> String {
    let mut line = command.name.to_owned();
    match command.form.option.filter(|_| extra == Extra::Flag) {
        Some(Flag::Whole(flag) | Flag::Around(flag)) => line = format!("{line} {flag}"),
        Some(Flag::Beginning("-count=")) => line += " -count=1",
        Some(Flag::Beginning(_)) => line += " -INT",
        None => {}
    }
    for at in 0..words {
        let word = match command.form.role(at) {
            Role::Literal(word) => word,
            Role::Pattern
            | Role::Read
            | Role::Wanted
            | Role::Enters
            | Role::Value(_)
            | Role::Job
            | Role::Awaited
            | Role::Other => "x",
        };
        line = format!("{line} {word}");
    }
    if extra == Extra::Background {
        line += " &";
    }
    line
}

fn message(line: &str) -> String {
    match case().run(line).0 {
        ScriptEnding::Failed(failure) => failure.message.lossy(),
        ScriptEnding::Passed
        | ScriptEnding::Stopped
        | ScriptEnding::Skipped { .. }
        | ScriptEnding::Interrupted(_) => String::new(),
    }
}

#[test]
fn a_command_takes_as_many_words_as_the_table_says() {
    for command in command_facts() {
        for words in 0..6 {
            for extra in [Extra::Nothing, Extra::Flag, Extra::Background] {
                if extra == Extra::Background && !command.form.program {
                    continue;
                }
                let line = call(&command, words, extra);
                // Alone, a flag is taken for a name; and a word behind a name is ignored, which a check had
                // better say.
                if ["capture -trim", "ttyin -stdin", "kill x x"].contains(&line.as_str()) {
                    continue;
                }
                let refused = message(&line) == format!("usage: {}", command.usage);
                assert_eq!(refused, !command.form.takes(words), "{line}");
            }
        }
    }
}

#[test]
fn a_command_is_negated_where_the_table_says_so() {
    for command in command_facts() {
        let line = format!("! {}", call(&command, command.form.least, Extra::Nothing));
        let refused = message(&line).starts_with("unsupported: ! ");
        assert_eq!(refused, !command.negatable, "{line}");
    }
}

#[test]
fn a_script_ends_where_the_table_says_so() {
    for command in command_facts() {
        let line = call(&command, command.form.least, Extra::Nothing);
        let (ending, _) = case().run(&line);
        let ends = matches!(ending, ScriptEnding::Stopped | ScriptEnding::Skipped { .. });
        assert_eq!(ends, command.form.ends, "{line}");
    }
}

#[test]
fn a_pattern_is_where_the_table_says_so() {
    for command in command_facts() {
        for (at, role) in command.form.roles.iter().enumerate() {
            let mut words = vec!["x"; command.form.least];
            let Some(word) = words.get_mut(at) else {
                continue;
            };
            *word = "'a**'";
            let line = format!("{} {}", command.name, words.join(" "));
            let compiled = message(&line).starts_with("error parsing regexp");
            assert_eq!(compiled, *role == Role::Pattern, "{line}");
        }
    }
}

#[test]
fn a_value_is_where_the_table_says_so() {
    for command in command_facts() {
        for (at, role) in command.form.roles.iter().enumerate() {
            let mut words = vec!["7"; command.form.least.max(1)];
            let Some(word) = words.get_mut(at) else {
                continue;
            };
            *word = "9:-)";
            let line = format!("{} {}", command.name, words.join(" "));
            let message = message(&line);
            let refused = message.contains(": expected ") || message.starts_with("invalid mode: ");
            assert_eq!(refused, matches!(role, Role::Value(_)), "{line}: {message}");
            let unknown = message.starts_with("unknown background process ");
            let names = matches!(role, Role::Job | Role::Awaited);
            assert_eq!(unknown, names, "{line}: {message}");
        }
    }
}

#[test]
fn a_flag_comes_last_where_the_table_says_so() {
    for command in command_facts() {
        let Some(Flag::Whole(flag) | Flag::Around(flag)) = command.form.option else {
            continue;
        };
        let least = call(&command, command.form.least, Extra::Nothing);
        let trails = matches!(command.form.option, Some(Flag::Around(_)));
        let line = format!("exec true\n{least} {flag}\n");
        if command.form.most.is_some() {
            let refused = message(&line).starts_with("usage: ");
            assert_eq!(refused, !trails, "{line}");
        }
    }
}

#[test]
fn every_command_is_explained_with_a_line_that_calls_it() {
    for name in command_names() {
        let text = explain(name).unwrap();
        let example = text.trim_end().lines().next_back().unwrap();
        assert!(example.split([' ', ']']).any(|word| word == name), "{text}");
        assert!(text.lines().all(|line| line.len() <= 82), "{text}");
    }
    assert_eq!(explain("nothing"), None);
    let text = explain("symlink").unwrap();
    let wanted = "symlink file -> target\n\n  make a symbolic link; its target is kept as written\n\n\
                  The word `->` is part of the command. It cannot be negated.\n\n\
                  Example:\n\n  symlink latest -> v2/notes.txt\n";
    assert_eq!(text, wanted);
}
