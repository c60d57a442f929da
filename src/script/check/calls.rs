//! One call of a command: its name, its negation, its words, and what it leaves behind.

use crate::script::{Dialect, go_regex, is_background, suggest};

use super::facts::{CommandFacts, Flag, Role};
use super::lines::Walk;
use super::paths::{Below, resolve};
use super::words::{WORK, Word, contains};
use super::{nested, shown};

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
    let Some(name) = first.known().and_then(|name| str::from_utf8(name).ok()) else {
        return unknowable(walk, words);
    };
    if walk.vocabulary.programs.contains(name) {
        if walk.vocabulary.explicit_exec {
            let message = format!("`{name}` is called without `exec`");
            walk.mistake(
                first.col,
                message,
                "`require-explicit-exec` is set in harness.toml",
            );
        }
        return program(walk, words);
    }
    if let Some(command) = language(walk, name) {
        built_in(walk, &command, arguments, negated);
        if let Some(outer) = command.form.outer {
            return nested::check(walk, &command, outer, arguments);
        }
        leave(walk, &command, first, arguments, conditional);
    } else if walk.vocabulary.externals.contains(name) {
        if let Some(last) = arguments.last().filter(|word| is_background(&word.text)) {
            let message = format!("`{name}` cannot be left in the background");
            walk.mistake(last.col, message, "only `exec` and programs can");
        }
        unknowable(walk, words);
    } else if walk.vocabulary.customs.contains(name) {
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
    if let (Some(flag), [first, rest @ ..]) = (command.form.option, arguments) {
        if first.is_unknown() {
            // It may be the flag or the first word: nothing behind it has a known place.
            walk.seen.unclear = true;
            return;
        }
        if flag.is(&first.text) {
            arguments = rest;
            option(walk, flag, first, negated);
        }
    }
    let form = command.form;
    let literal = |(at, word): (usize, &Word)| match form.role(at) {
        Role::Literal(wanted) => word.is_unknown() || word.text == wanted.as_bytes(),
        Role::Pattern | Role::Read | Role::Wanted | Role::Enters | Role::Other => true,
    };
    if !form.takes(arguments.len()) || !arguments.iter().enumerate().all(literal) {
        let found = match arguments.len() {
            1 => "1 word".to_owned(),
            number => format!("{number} words"),
        };
        let col = arguments.first().map_or(1, |word| word.col);
        let hint = if form.ends {
            "the message is one word: put it in quotes".to_owned()
        } else {
            format!("`shakedown help {name}`")
        };
        return walk.mistake(
            col,
            format!("expected `{}`, found {found}", command.usage),
            hint,
        );
    }
    for (at, word) in arguments.iter().enumerate() {
        match form.role(at) {
            Role::Pattern => pattern(walk, word),
            Role::Wanted => wanted(walk, word, arguments),
            Role::Read | Role::Enters | Role::Literal(_) | Role::Other => {}
        }
    }
}

fn option(walk: &mut Walk<'_, '_>, flag: Flag, word: &Word, negated: Option<u32>) {
    match flag {
        Flag::Beginning("-count=") => count(walk, word, negated),
        Flag::Beginning("-") => signal(walk, word),
        Flag::Beginning(_) | Flag::Whole(_) => {}
    }
}

/// `kill` knows two signals.
fn signal(walk: &mut Walk<'_, '_>, word: &Word) {
    if let Some(text) = word.known()
        && !matches!(text, b"-KILL" | b"-INT")
    {
        let hint = "`-KILL`, which it is without a word, or `-INT`";
        walk.mistake(word.col, format!("unknown signal `{}`", shown(text)), hint);
    }
}

/// `-count=N` wants a number above zero, and no `!`.
fn count(walk: &mut Walk<'_, '_>, word: &Word, negated: Option<u32>) {
    if negated.is_some() {
        let hint = "`!` wants no match at all";
        walk.mistake(word.col, "`-count=` cannot be negated", hint);
    }
    let Some(text) = word.known() else { return };
    let number = text.strip_prefix(b"-count=").unwrap_or(text);
    let number_text = str::from_utf8(number).unwrap_or_default();
    if !number_text.parse::<i64>().is_ok_and(|number| number > 0) {
        let found = shown(number);
        walk.mistake(
            word.col,
            format!("expected a number above zero after `-count=`, found `{found}`"),
            "",
        );
    }
}

fn pattern(walk: &mut Walk<'_, '_>, word: &Word) {
    if let Some(Err(error)) = word.known().map(go_regex::compile) {
        walk.mistake(
            word.col,
            error.to_string(),
            "patterns have Go's syntax (RE2)",
        );
    }
}

/// A file that something is compared with comes with the script, or some line makes it.
fn wanted(walk: &mut Walk<'_, '_>, word: &Word, arguments: &[Word]) {
    let directory = walk.seen.directory.as_deref();
    let path = directory.and_then(|directory| resolve(directory, &word.text));
    let known = walk.files.known && !walk.seen.unclear && !walk.kept;
    let Some(path) = path.filter(|_| known) else {
        return;
    };
    let is_folder = |known: &Below| known.starts_with(&path);
    if walk.files.lines.keys().any(is_folder) || may_have_made(walk, &path, arguments) {
        return;
    }
    let name = shown(&path.join(&b'/'));
    let files = walk.files.lines.keys().map(|path| shown(&path.join(&b'/')));
    let near = files
        .map(|file| (strsim::damerau_levenshtein(&file, &name), file))
        .filter(|(distance, file)| *distance <= 2 && *distance < file.len())
        .min();
    let hint = match near {
        Some((_, file)) => format!("did you mean `{file}`?"),
        None => format!("`-- {name} --` below the lines brings it"),
    };
    let message = format!("there is no file `{name}` in the archive, and no line before makes one");
    walk.mistake(word.col, message, hint);
}

/// Whether a line before may have made the file: one that names it or a folder above it does, and so may a
/// program that is not told to, unless its output is what is compared.
fn may_have_made(walk: &Walk<'_, '_>, path: &Below, arguments: &[Word]) -> bool {
    let named = |text: &[u8]| path.iter().any(|part| contains(text, part));
    let output = |word: &Word| matches!(word.text.as_slice(), b"stdout" | b"stderr" | b"ttyout");
    let above = path.split_last().map_or(&[][..], |(_, above)| above);
    let new_folder =
        !above.is_empty() && !walk.files.lines.keys().any(|file| file.starts_with(above));
    let by_itself = walk.seen.ran && (new_folder || !arguments.first().is_some_and(output));
    by_itself
        || walk.seen.made.iter().any(|text| named(text))
        || walk
            .script
            .archive
            .files
            .iter()
            .any(|file| named(&file.data))
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
