//! One call of a command: its name, its negation, the number of its words, and what it leaves behind.

use crate::script::{Dialect, is_background, suggest};

use super::facts::{CommandFacts, Flag, Form, Role};
use super::lines::Walk;
use super::paths::resolve;
use super::words::{WORK, Word};
use super::{jobs, meaning, nested, shown};

/// Programs that read nothing but what they are told to, and make nothing.
const OBEDIENT: &[&str] = &[
    "cat", "cut", "echo", "expr", "false", "head", "printf", "seq", "sleep", "sort", "tail",
    "test", "tr", "true", "uniq", "wc",
];

/// Looks at a command with its words; `negated` is the column of its `!`.
pub(super) fn check(
    walk: &mut Walk<'_, '_>,
    words: &[Word],
    negated: Option<u32>,
    conditional: bool,
) {
    let Some((first, arguments)) = words.split_first() else {
        return;
    };
    if first.is_unknown() {
        walk.jobs.doubt();
        return unknowable(walk, words);
    }
    // A command below the work directory has no name of UTF-8 either: nobody registers it.
    let name = first.known().and_then(|name| str::from_utf8(name).ok());
    let Some(name) = name else {
        unknown(walk, first, negated);
        return unknowable(walk, words);
    };
    let sure = negated.is_none() && !conditional;
    if walk.vocabulary.programs.contains(name) {
        if walk.vocabulary.explicit_exec {
            let message = format!("`{name}` is called without `exec`");
            walk.mistake(
                first.col,
                message,
                "`require-explicit-exec` is set in harness.toml",
            );
        }
        jobs::started(walk, words, sure);
        return program(walk, words);
    }
    if let Some(command) = language(walk, name) {
        built_in(walk, &command, arguments, negated);
        if let Some(outer) = command.form.outer {
            return nested::check(walk, &command, outer, arguments);
        }
        if command.form.program {
            jobs::started(walk, arguments, sure);
        }
        if command.form.role(0) == Role::Awaited {
            jobs::awaited(walk, arguments, sure);
        }
        leave(walk, &command, first, arguments, conditional);
    } else if walk.vocabulary.externals.contains(name) {
        if let Some(last) = arguments.last().filter(|word| is_background(&word.text)) {
            let message = format!("`{name}` cannot be left in the background");
            walk.mistake(last.col, message, "only `exec` and programs can");
        }
        unknowable(walk, words);
    } else if walk.vocabulary.customs.contains(name) {
        // `[check]` of harness.toml does not tell programs from commands.
        walk.jobs.perhaps(arguments);
        unknowable(walk, words);
    } else {
        unknown(walk, first, negated);
        unknowable(walk, words);
    }
}

/// The command of the script's dialect. What is registered under the same name goes before an addition.
pub(super) fn language(walk: &Walk<'_, '_>, name: &str) -> Option<CommandFacts> {
    let vocabulary = walk.vocabulary;
    let mut commands = vocabulary.commands.iter().copied();
    let registered = vocabulary.externals.contains(name) || vocabulary.customs.contains(name);
    let without = registered || walk.script.dialect == Dialect::Testscript;
    commands.find(|command| command.name == name && !(command.addition && without))
}

fn unknown(walk: &mut Walk<'_, '_>, word: &Word, negated: Option<u32>) {
    walk.jobs.doubt();
    let name = shown(&word.text);
    let vocabulary = walk.vocabulary;
    let mut commands = vocabulary.commands.iter();
    if commands.any(|command| command.name == name) {
        let message = format!("unknown command `{name}`");
        return walk.mistake(word.col, message, "it is one of the dialect `shakedown`");
    }
    let own = vocabulary.programs.iter().chain(&vocabulary.customs);
    let own = own.chain(&vocabulary.externals);
    let known = vocabulary.commands.iter().map(|command| command.name);
    let near = suggest(&word.text, known.chain(own.map(String::as_str)));
    let hint = match near.as_slice() {
        [one] => format!("did you mean `{one}`?"),
        [_, _, ..] if near.len() <= 4 => format!("did you mean one of `{}`?", near.join("`, `")),
        _ if negated.is_some() && name == "!" => "one `!` is enough".to_owned(),
        _ if negated.is_some() && name.starts_with('[') => {
            format!("a condition comes before the `!`: `{name} ! …`")
        }
        _ if name == "[" => "a condition has no blanks at its brackets: `[linux]`".to_owned(),
        _ if name.starts_with("--") => "a file begins with a line `-- NAME --`".to_owned(),
        _ => format!(
            "`exec {name}` runs a program; what a test target registers is named in `[check]` of harness.toml"
        ),
    };
    walk.mistake(word.col, format!("unknown command `{name}`"), hint);
}

/// Anything may have happened.
fn unknowable(walk: &mut Walk<'_, '_>, words: &[Word]) {
    walk.seen.ran = true;
    walk.seen.directory = walk.seen.directory.take().filter(|_| {
        // Commands of the user's cannot change the directory; a word that is not known may be `cd`.
        words.first().is_some_and(|word| !word.is_unknown())
    });
    program(walk, words);
}

fn program(walk: &mut Walk<'_, '_>, words: &[Word]) {
    let name = words.first().and_then(Word::known);
    let base = name.map(|name| name.rsplit(|byte| *byte == b'/').next().unwrap_or(name));
    let obedient = base.is_some_and(|base| OBEDIENT.iter().any(|known| known.as_bytes() == base));
    walk.seen.ran |= !obedient;
    walk.seen.unclear |= obedient && words.iter().any(Word::is_unknown);
    made(walk, words);
}

fn made(walk: &mut Walk<'_, '_>, words: &[Word]) {
    let texts = words.iter().map(|word| word.text.clone());
    walk.seen.made.extend(texts);
}

fn built_in(
    walk: &mut Walk<'_, '_>,
    command: &CommandFacts,
    arguments: &[Word],
    negated: Option<u32>,
) {
    let name = command.name;
    if let Some(col) = negated.filter(|_| !command.negatable) {
        let hint = match command.form.outer {
            Some(_) => format!("`{name} ! COMMAND` expects the command to fail"),
            None => String::new(),
        };
        walk.mistake(col, format!("`{name}` cannot be negated"), hint);
    }
    let mut arguments = arguments;
    if command.form.program
        && let [before @ .., last] = arguments
        && is_background(&last.text)
    {
        arguments = before;
    }
    if let (Some(flag), [first, ..]) = (command.form.option, arguments) {
        if first.is_unknown() {
            // It may be the flag or the first word: nothing behind it has a known place.
            walk.seen.unclear = true;
            return;
        }
        if let Some((word, rest)) = without(flag, arguments) {
            arguments = rest;
            meaning::option(walk, flag, word, negated);
        }
    }
    if fits(command.form, arguments) {
        meaning::check(walk, command.form, arguments);
    } else {
        misused(walk, command, arguments);
    }
}

/// The flag, where it is, and the other words.
fn without(flag: Flag, arguments: &[Word]) -> Option<(&Word, &[Word])> {
    match arguments {
        [first, rest @ ..] if flag.is(&first.text) => Some((first, rest)),
        [rest @ .., last] if flag.trails() && flag.is(&last.text) => Some((last, rest)),
        _ => None,
    }
}

fn fits(form: Form, arguments: &[Word]) -> bool {
    let literal = |(at, word): (usize, &Word)| {
        let Role::Literal(wanted) = form.role(at) else {
            return true;
        };
        word.is_unknown() || word.text == wanted.as_bytes()
    };
    form.takes(arguments.len()) && arguments.iter().enumerate().all(literal)
}

fn misused(walk: &mut Walk<'_, '_>, command: &CommandFacts, arguments: &[Word]) {
    let found = match arguments.len() {
        1 => "1 word".to_owned(),
        number => format!("{number} words"),
    };
    let col = arguments.first().map_or(1, |word| word.col);
    let hint = if command.form.ends {
        "the message is one word: put it in quotes".to_owned()
    } else {
        format!("`shakedown help {}`", command.name)
    };
    let message = format!("expected `{}`, found {found}", command.usage);
    walk.mistake(col, message, hint);
}

/// What the command leaves to the lines after it.
fn leave(
    walk: &mut Walk<'_, '_>,
    command: &CommandFacts,
    name: &Word,
    arguments: &[Word],
    conditional: bool,
) {
    let form = command.form;
    if form.ends && !conditional {
        walk.ended = Some((walk.line, shown(&name.text)));
    }
    if form.program {
        return program(walk, arguments);
    }
    if !form.only_looks() {
        made(walk, arguments);
        return;
    }
    walk.seen.unclear |=
        arguments.iter().any(Word::is_unknown) && form.roles.contains(&Role::Wanted);
    if let (Role::Enters, [word]) = (form.role(0), arguments) {
        let directory = walk.seen.directory.as_deref().filter(|_| !conditional);
        // From elsewhere even an unknown place may be reached again by `$WORK`.
        let base = directory.unwrap_or_default();
        let new = resolve(base, &word.text).filter(|_| !conditional);
        let absolute = word.text.starts_with(WORK.as_bytes());
        walk.seen.directory = new.filter(|_| directory.is_some() || absolute);
    }
}
