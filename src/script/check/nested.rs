//! Commands that take another: the flags before it, its negation, and what it must not be.

use crate::script::{is_background, value};

use super::calls::{self, language};
use super::facts::{CommandFacts, Outer};
use super::lines::Walk;
use super::words::Word;

/// Looks at the words of such a command, and at the command within.
pub(super) fn check(
    walk: &mut Walk<'_, '_>,
    command: &CommandFacts,
    outer: Outer,
    arguments: &[Word],
) {
    // Whoever counted the words has told of a call without any.
    let Some(words) = flags(walk, outer, arguments).filter(|_| !arguments.is_empty()) else {
        return;
    };
    let (negated, words) = match words {
        [first, words @ ..] if first.text == b"!" => (Some(first.col), words),
        words => (None, words),
    };
    let [first, ..] = words else {
        let col = arguments.first().map_or(1, |word| word.col);
        let message = format!("expected `{}`, found no command", command.usage);
        return walk.mistake(col, message, format!("`shakedown help {}`", command.name));
    };
    if let Some(inner) = first.known().and_then(|name| str::from_utf8(name).ok()) {
        refuse(walk, command, outer, inner, words);
    }
    let before = walk.kept;
    walk.kept |= outer == Outer::Keeps;
    let directory = walk.seen.directory.clone();
    // Whatever it is, the lines behind it are reached.
    calls::check(walk, words, negated, true);
    walk.kept = before;
    if outer == Outer::Keeps {
        walk.seen.directory = directory;
    }
}

/// What follows the flags; `None` when that cannot be told, or is wrong.
fn flags<'w>(walk: &mut Walk<'_, '_>, outer: Outer, words: &'w [Word]) -> Option<&'w [Word]> {
    let Outer::Tries(known) = outer else {
        return Some(words);
    };
    let mut words = words;
    while let [first, rest @ ..] = words
        && first.text.starts_with(b"-")
    {
        let value = known
            .iter()
            .find_map(|flag| first.text.strip_prefix(flag.as_bytes()));
        let Some(value) = value else {
            if first.is_unknown() {
                walk.seen.unclear = true;
                walk.jobs.doubt();
                return None;
            }
            let known: Vec<String> = known.iter().map(|flag| format!("`{flag}TIME`")).collect();
            let message = format!("unknown flag `{}`", super::shown(&first.text));
            walk.mistake(first.col, message, format!("known: {}", known.join(", ")));
            return None;
        };
        if let Err(error) = value::some_time(value)
            && !first.is_unknown()
        {
            walk.mistake(first.col, error, "");
        }
        words = rest;
    }
    Some(words)
}

/// The interpreter takes no command that ends the script there, and none around none.
fn refuse(
    walk: &mut Walk<'_, '_>,
    command: &CommandFacts,
    outer: Outer,
    name: &str,
    words: &[Word],
) {
    let (Some(first), Some(last)) = (words.first(), words.last()) else {
        return;
    };
    let program = walk.vocabulary.programs.contains(name);
    let inner = language(walk, name).filter(|_| !program);
    let tries = matches!(outer, Outer::Tries(_));
    let refused = inner.is_some_and(|inner| {
        inner.form.ends
            || inner.form.outer == Some(Outer::Keeps)
            || (tries && inner.form.outer.is_some())
    });
    if refused {
        let message = format!("`{}` cannot take `{name}`", command.name);
        walk.mistake(first.col, message, "");
    } else if tries
        && (program || inner.is_some_and(|inner| inner.form.program))
        && is_background(&last.text)
    {
        let message = "a program in the background cannot be tried";
        walk.mistake(
            last.col,
            message,
            "it always starts; try what it brings about",
        );
    }
}
