//! Files of the archive that nothing seems to use.
//!
//! A program may read what no line names, so there is a note only where that is unlikely.

use crate::script::Script;
use crate::script::is_phase;

use super::Findings;
use super::archive::Files;
use super::lines::Seen;
use super::paths::Below;
use super::shown;
use super::words::{WORK, contains};

/// What names of files that hold an expected output begin with, or end in.
const WANTED: &[&str] = &["want", "expect", "golden", "stdout", "stderr"];

pub(super) fn check(script: &Script, files: &Files, seen: &Seen, findings: &mut Findings<'_>) {
    if seen.unclear || seen.made.is_empty() || seen.made.iter().any(|word| is_wide(word)) {
        return;
    }
    for (path, line) in &files.lines {
        let likely = is_wanted(path) || !seen.ran;
        if likely && !is_named(script, path, *line) {
            let name = shown(&path.join(&b'/'));
            findings.note((*line, 4), format!("no line names the file `{name}`"), "");
        }
    }
}

/// Whether a word is a whole folder, or any file at all: `.`, `..`, `$WORK`, `folder/`, `./...`, anything with a `*`.
fn is_wide(text: &[u8]) -> bool {
    matches!(text, b"." | b"..")
        || text.ends_with(b"/")
        || text.ends_with(b"/.")
        || contains(text, b"...")
        || contains(text, b"*")
        || contains(text, WORK.as_bytes())
}

fn is_wanted(path: &Below) -> bool {
    let name = path.last().map(|name| name.to_ascii_lowercase());
    let name = name.unwrap_or_default();
    let is = |word: &&str| name.starts_with(word.as_bytes()) || name.ends_with(word.as_bytes());
    WANTED.iter().any(is)
}

/// Whether a line, or another file, has the file's name in it, or that of a folder above it, or the name
/// without what follows its first dot.
fn is_named(script: &Script, path: &Below, line: u32) -> bool {
    let (name, folders) = match path.as_slice() {
        [folders @ .., name] => (name.as_slice(), folders),
        [] => return true,
    };
    let stem = name.split(|byte| *byte == b'.').next().unwrap_or(name);
    let in_a_line = |text: &[u8]| {
        contains(text, name)
            || (stem.len() > 2 && contains(text, stem))
            || folders.iter().any(|folder| contains(text, folder))
    };
    let lines = script.archive.comment.split(|byte| *byte == b'\n');
    let others = script.archive.files.iter().filter(|file| file.line != line);
    lines.filter(|line| !is_phase(line)).any(in_a_line)
        || others.into_iter().any(|file| contains(&file.data, name))
        || stem.is_empty()
}
