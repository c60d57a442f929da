//! Lines that look like the marker of a file and are none.

use std::collections::BTreeSet;

use crate::script::Script;
use crate::script::txtar::File;

use super::{Findings, Vocabulary, shown, words};

/// What the writer probably meant.
pub(super) struct LookAlike<'a> {
    pub(super) name: &'a [u8],
    /// Blanks stand before it.
    indented: bool,
    /// Neither dashes have a blank beside them.
    tight: bool,
}

/// Reads a line that is no marker. Rulers and armour (`-----BEGIN …-----`) look like none.
pub(super) fn look_alike(line: &[u8]) -> Option<LookAlike<'_>> {
    let text = line.trim_ascii();
    let inner = text.strip_prefix(b"--")?.strip_suffix(b"--")?;
    let name = inner.trim_ascii();
    let is_name = name.iter().any(u8::is_ascii_alphanumeric)
        && !name.iter().any(u8::is_ascii_whitespace)
        && !name.starts_with(b"-")
        && !name.ends_with(b"-");
    is_name.then_some(LookAlike {
        name,
        indented: line.first().is_some_and(u8::is_ascii_whitespace),
        tight: inner.len() == name.len(),
    })
}

fn message(found: &LookAlike<'_>) -> (String, String) {
    let name = shown(found.name);
    (
        format!("this looks like the marker of a file `{name}`, and is none"),
        format!("a marker is the whole line, from its first byte: `-- {name} --`"),
    )
}

/// In the script: no command is called so.
pub(super) fn in_the_script(line: u32, found: &LookAlike<'_>, findings: &mut Findings<'_>) {
    let (message, hint) = message(found);
    findings.mistake((line, 1), message, hint);
}

/// The words of the script's lines that are neither its files nor commands: what looks like the marker of one of
/// these is meant to be one.
pub(super) fn missing(script: &Script, vocabulary: &Vocabulary) -> BTreeSet<Vec<u8>> {
    let lines = script.archive.comment.split(|byte| *byte == b'\n');
    let words = lines.filter_map(|line| words::words(line).ok()).flatten();
    let mut missing: BTreeSet<Vec<u8>> = words.map(|word| word.text).collect();
    for file in &script.archive.files {
        missing.remove(&file.name);
    }
    for command in &vocabulary.commands {
        missing.remove(command.name.as_bytes());
    }
    missing
}

/// In a file: what may belong to it is a note, and so is nearly a marker, unless some line needs such a file.
pub(super) fn in_a_file(file: &File, missing: &BTreeSet<Vec<u8>>, findings: &mut Findings<'_>) {
    let lines = || file.data.split(|byte| *byte == b'\n');
    for (text, number) in lines().zip(file.line.saturating_add(1)..) {
        let Some(found) = look_alike(text) else {
            continue;
        };
        let opening = [b"--", found.name].concat();
        let (message, hint) = message(&found);
        if !found.indented && !found.tight && missing.contains(found.name) {
            findings.mistake((number, 1), message, hint);
        // The end of a MIME body is written like this, and its parts begin so.
        } else if found.indented || !lines().any(|line| line.trim_ascii() == opening) {
            findings.note((number, 1), message, hint);
        }
    }
}
