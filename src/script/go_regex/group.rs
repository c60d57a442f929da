//! What follows `(?`: flags, groups that capture nothing, and named ones.
//!
//! It must not know what is in a group.

use std::collections::BTreeSet;

use super::class::checked;
use super::error::{GoRegexError, Kind};
use super::escape::{before, next};

/// What a `(?` begins, and whether its flags turn `U` on or off.
///
/// `U` is not written out: it counts where an operator stands, not where its operand does.
#[derive(Debug)]
pub(super) enum Opening {
    /// Flags for the rest of the group around them.
    Flags(String, Option<bool>),
    /// A group, with the text that opens it.
    Group(String, Option<bool>),
}

/// Reads what `(?` begins; `text` starts with the parenthesis.
pub(super) fn opening<'a>(
    text: &'a [u8],
    names: &mut BTreeSet<String>,
) -> Result<(Opening, &'a [u8]), GoRegexError> {
    let start = match text {
        [_, _, b'P', b'<', _, ..] => 4,
        [_, _, b'<', _, ..] => 3,
        _ => return flags(text),
    };
    let Some(end) = text.iter().position(|&byte| byte == b'>') else {
        checked(text)?;
        return Err(GoRegexError::new(Kind::NamedCapture, text));
    };
    let (capture, rest) = text.split_at(end + 1);
    let bad = || GoRegexError::new(Kind::NamedCapture, capture);
    let name = checked(text.get(start..end).ok_or_else(bad)?)?;
    let is_word = |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric();
    if name.is_empty() || !name.bytes().all(is_word) {
        return Err(bad());
    }
    // The `regex` crate takes no name that begins with a digit, and none twice.
    let usable = !name.starts_with(|first: char| first.is_ascii_digit());
    let opened = if usable && names.insert(name.to_owned()) {
        format!("(?P<{name}>")
    } else {
        "(".to_owned()
    };
    Ok((Opening::Group(opened, None), rest))
}

/// `(?i)`, `(?i-s:`, `(?:`.
fn flags(text: &[u8]) -> Result<(Opening, &[u8]), GoRegexError> {
    let mut rest = &text[2..];
    let (mut on, mut off) = (BTreeSet::new(), BTreeSet::new());
    let (mut minus, mut bare_minus) = (false, false);
    while let Some((found, after)) = next(rest)? {
        rest = after;
        match found {
            'i' | 'm' | 's' | 'U' if minus => {
                on.remove(&found);
                off.insert(found);
                bare_minus = false;
            }
            'i' | 'm' | 's' | 'U' => {
                on.insert(found);
            }
            '-' if !minus => (minus, bare_minus) = (true, true),
            ':' | ')' if !bare_minus => return Ok((written(found, &on, &off), rest)),
            _ => break,
        }
    }
    Err(GoRegexError::new(Kind::PerlOp, before(text, rest)))
}

/// Flags for the `regex` crate, which takes none of them twice.
fn written(end: char, on: &BTreeSet<char>, off: &BTreeSet<char>) -> Opening {
    let lazy = match (on.contains(&'U'), off.contains(&'U')) {
        (true, _) => Some(true),
        (false, true) => Some(false),
        (false, false) => None,
    };
    let is_written = |flag: &&char| **flag != 'U';
    let mut out: String = on.iter().filter(is_written).collect();
    let off: String = off.iter().filter(is_written).collect();
    if !off.is_empty() {
        out.push('-');
        out.push_str(&off);
    }
    match (end, out.is_empty()) {
        (':', _) => Opening::Group(format!("(?{out}:"), lazy),
        (_, true) => Opening::Flags(out, lazy),
        (_, false) => Opening::Flags(format!("(?{out})"), lazy),
    }
}
