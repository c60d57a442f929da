//! Regular expressions in Go's syntax, translated to the syntax of the `regex` crate.
//!
//! It must not know what is searched nor why; an error says what Go's own compiler says.

mod class;
mod error;
mod escape;
mod group;
#[cfg(test)]
mod meaning;
mod names;
mod parse;
mod repeat;
#[cfg(test)]
mod tests;
mod tree;

use std::borrow::Cow;
use std::iter::{once, repeat_n};
use std::ops::Range;

use regex::bytes::{Match, Regex, RegexBuilder};

pub use error::GoRegexError;
use error::Kind;

/// The most that a compiled pattern may take: Go's own limit is of this order.
const SIZE_LIMIT: usize = 128 << 20;

/// Enough for a table of the states of a large pattern, so that the search stays fast.
const TABLE_LIMIT: usize = 16 << 20;

/// Deeper than Go allows (1000), as the translation adds levels of its own.
const NEST_LIMIT: u32 = 4000;

/// Compiles `pattern` as testscript does: Go's syntax, with `(?m)` in front.
///
/// Go reads an invalid byte of the searched text as U+FFFD; [`decoded`] prepares a text so.
pub fn compile(pattern: &[u8]) -> Result<Regex, GoRegexError> {
    let whole = [b"(?m)", pattern].concat();
    let translated = parse::translate(&whole)?;
    RegexBuilder::new(&translated)
        .size_limit(SIZE_LIMIT)
        .dfa_size_limit(TABLE_LIMIT)
        .nest_limit(NEST_LIMIT)
        .build()
        .map_err(|_| GoRegexError::new(Kind::TooLarge, &whole))
}

/// The text as Go's matcher reads it: each byte that is not part of a valid character is U+FFFD.
pub fn decoded(text: &[u8]) -> Cow<'_, [u8]> {
    if std::str::from_utf8(text).is_ok() {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len() * 2);
    out.extend(decoded_pieces(text).flatten());
    Cow::Owned(out)
}

/// The pieces of the [`decoded`] text, for one that is too long to be kept twice.
pub fn decoded_pieces(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.utf8_chunks().flat_map(|chunk| {
        let invalid = repeat_n("\u{FFFD}".as_bytes(), chunk.invalid().len());
        once(chunk.valid().as_bytes()).chain(invalid)
    })
}

/// Whether there is a match that has none of the invalid bytes in it; nothing is decoded for that.
pub fn matches_as_is(regex: &Regex, text: &[u8]) -> bool {
    matches(regex, text).next().is_some()
}

/// Where Go finds the first match in `text`, in bytes.
pub fn find(regex: &Regex, text: &[u8]) -> Option<Range<usize>> {
    find_decoded(regex, text, &decoded(text))
}

/// As [`find`], for a text that was decoded before.
pub fn find_decoded(regex: &Regex, text: &[u8], decoded: &[u8]) -> Option<Range<usize>> {
    let found = matches(regex, decoded).next()?.range();
    // Of a text that is valid it is the same, and of others longer.
    if text.len() == decoded.len() {
        return Some(found);
    }
    Some(undecoded(text, found.start)..undecoded(text, found.end))
}

/// Where a place of the [`decoded`] text is in the text itself.
fn undecoded(text: &[u8], place: usize) -> usize {
    let (mut read, mut written) = (0, 0);
    for chunk in text.utf8_chunks() {
        let valid = chunk.valid().len();
        if place <= written + valid {
            return read + (place - written);
        }
        (read, written) = (read + valid, written + valid);
        for _ in chunk.invalid() {
            if place <= written {
                return read;
            }
            (read, written) = (read + 1, written + char::REPLACEMENT_CHARACTER.len_utf8());
        }
    }
    read
}

/// How many matches Go finds in `text`: they do not overlap, and empty ones count.
pub fn count(regex: &Regex, text: &[u8]) -> usize {
    count_decoded(regex, &decoded(text))
}

/// As [`count`], for a text that was decoded before.
pub fn count_decoded(regex: &Regex, decoded: &[u8]) -> usize {
    matches(regex, decoded).count()
}

/// All matches but those inside a character: an empty one may be there, and Go, which steps over characters, never
/// sees it.
fn matches<'t>(regex: &Regex, text: &'t [u8]) -> impl Iterator<Item = Match<'t>> {
    let inside = |at: usize| text.get(at).is_some_and(|byte| byte & 0xC0 == 0x80);
    regex
        .find_iter(text)
        .filter(move |found| !(found.is_empty() && inside(found.start())))
}
