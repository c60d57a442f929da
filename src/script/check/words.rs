//! Words of a line as far as they are known before it runs.

use crate::script::expand;
use crate::script::lex::{self, UnterminatedQuote};

/// Stands in a word for a value that only the run knows.
pub(super) const UNKNOWN: &str = "\u{1}";

/// Stands in a word for the work directory. No path has a zero byte, so nothing else looks like it.
pub(super) const WORK: &str = "/\0";

/// A word, with stand-ins for what is not known.
#[derive(Debug, Clone)]
pub(super) struct Word {
    /// From 1, in bytes.
    pub(super) col: u32,
    pub(super) text: Vec<u8>,
}

impl Word {
    /// The word, when nothing in it depends on the run.
    pub(super) fn known(&self) -> Option<&[u8]> {
        let stands_in = |byte: &u8| *byte == 0 || *byte == 1;
        (!self.text.iter().any(stands_in)).then_some(&self.text)
    }

    pub(super) fn is_unknown(&self) -> bool {
        has_unknown(&self.text)
    }
}

pub(super) fn has_unknown(text: &[u8]) -> bool {
    text.contains(&1)
}

pub(super) fn contains(text: &[u8], part: &[u8]) -> bool {
    !part.is_empty() && text.windows(part.len()).any(|window| window == part)
}

/// The words of a line.
pub(super) fn words(line: &[u8]) -> Result<Vec<Word>, UnterminatedQuote> {
    let written = lex::written(line)?;
    let word = |word: &lex::Written<'_>| Word {
        col: u32::try_from(word.start + 1).unwrap_or(u32::MAX),
        text: word.expanded(&|name| Some(value(name))),
    };
    Ok(written.iter().map(word).collect())
}

/// A name of the archive.
pub(super) fn name(text: &[u8]) -> Vec<u8> {
    expand(text, &|name| Some(value(name)))
}

/// The variables that are the same in every script.
fn value(name: &[u8]) -> Vec<u8> {
    match name {
        b"WORK" => WORK,
        b"/" => "/",
        b":" => ":",
        b"$" => "$",
        b"exe" => "",
        b"devnull" => "/dev/null",
        _ => UNKNOWN,
    }
    .into()
}
