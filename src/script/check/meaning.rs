//! The words of a call, each by what it means to its command.

use crate::script::go_regex;
use crate::script::value::Value;

use super::facts::{Flag, Form, Role};
use super::lines::Walk;
use super::paths::{Below, resolve};
use super::words::{Word, contains};
use super::{jobs, shown};

/// Looks at words that are as many as they should be.
pub(super) fn check(walk: &mut Walk<'_, '_>, form: Form, arguments: &[Word]) {
    for (at, word) in arguments.iter().enumerate() {
        match form.role(at) {
            Role::Pattern => pattern(walk, word),
            Role::Wanted => wanted(walk, word, arguments),
            Role::Value(kind) => value(walk, kind, word),
            Role::Job | Role::Awaited => jobs::known(walk, word),
            Role::Read | Role::Enters | Role::Literal(_) | Role::Other => {}
        }
    }
}

fn value(walk: &mut Walk<'_, '_>, kind: Value, word: &Word) {
    if let Some(text) = word.known().filter(|text| !kind.is(text)) {
        let (expected, found) = (kind.expected(), shown(text));
        walk.mistake(
            word.col,
            format!("expected {expected}, found `{found}`"),
            "",
        );
    }
}

/// A flag that came with the words.
pub(super) fn option(walk: &mut Walk<'_, '_>, flag: Flag, word: &Word, negated: Option<u32>) {
    match flag {
        Flag::Beginning("-count=") => count(walk, word, negated),
        Flag::Beginning("-") => signal(walk, word),
        Flag::Beginning(_) | Flag::Whole(_) | Flag::Around(_) => {}
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
    let itself = |other: &Word| other.col != word.col && other.text == word.text;
    if !word.is_unknown() && arguments.iter().any(itself) {
        return walk.mistake(word.col, "cannot compare a file against itself", "");
    }
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
