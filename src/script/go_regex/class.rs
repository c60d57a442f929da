//! Character classes: brackets, `\d` and its kin, POSIX and Unicode names.
//!
//! Every class is written out as ranges of code points, as Go means them: nothing in one can be
//! taken for a nested class or a set operator. It must not know what is done with a class.

use super::error::{GoRegexError, Kind};
use super::escape::{NOTHING, Rune, before, escape, next, plain};
use super::names::named;

/// A class, and the pattern after it.
pub(super) type Found<'a> = Option<(String, &'a [u8])>;

const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

/// `\d`, `\s`, `\w` and their opposites, which are ASCII in Go.
pub(super) fn perl(text: &[u8]) -> Found<'_> {
    let [b'\\', letter, rest @ ..] = text else {
        return None;
    };
    let class = match letter {
        b'd' => r"[0-9]",
        b'D' => r"[^0-9]",
        b's' => r"[\t\n\f\r\x{20}]",
        b'S' => r"[^\t\n\f\r\x{20}]",
        b'w' => r"[0-9A-Za-z_]",
        b'W' => r"[^0-9A-Za-z_]",
        _ => return None,
    };
    Some((class.into(), rest))
}

/// `\pL`, `\p{Greek}`, `\P{^Greek}`.
pub(super) fn unicode(text: &[u8]) -> Result<Found<'_>, GoRegexError> {
    let [b'\\', letter @ (b'p' | b'P'), after @ ..] = text else {
        return Ok(None);
    };
    let (name, rest) = match next(after)? {
        Some(('{', inner)) => {
            let Some(end) = inner.iter().position(|&byte| byte == b'}') else {
                checked(text)?;
                return Err(GoRegexError::new(Kind::CharRange, text));
            };
            (checked(&inner[..end])?, &inner[end + 1..])
        }
        Some((_, rest)) => (checked(before(after, rest))?, rest),
        None => ("", after),
    };
    let (name, flipped) = match name.strip_prefix('^') {
        Some(name) => (name, true),
        None => (name, false),
    };
    let Some(class) = named(name) else {
        return Err(GoRegexError::new(Kind::CharRange, before(text, rest)));
    };
    let negated = (*letter == b'P') != flipped;
    let class = if negated {
        format!("[^{class}]")
    } else {
        format!("[{class}]")
    };
    Ok(Some((class, rest)))
}

/// The text as valid UTF-8, or Go's error with the whole of it.
pub(super) fn checked(text: &[u8]) -> Result<&str, GoRegexError> {
    std::str::from_utf8(text)
        .map_err(|error| GoRegexError::new(Kind::Utf8, &text[error.valid_up_to()..]))
}

/// `[[:alpha:]]` and `[[:^alpha:]]`, from the inner bracket.
fn posix(text: &[u8]) -> Result<Found<'_>, GoRegexError> {
    let Some(inner) = text.strip_prefix(b"[:") else {
        return Ok(None);
    };
    let Some(end) = inner.windows(2).position(|pair| pair == b":]") else {
        return Ok(None);
    };
    let (name, rest) = (&inner[..end], &inner[end + 2..]);
    let bare = name.strip_prefix(b"^").unwrap_or(name);
    if !POSIX.iter().any(|known| known.as_bytes() == bare) {
        return Err(GoRegexError::new(Kind::CharRange, before(text, rest)));
    }
    Ok(Some((
        String::from_utf8_lossy(before(text, rest)).into_owned(),
        rest,
    )))
}

/// A class in brackets; `text` begins with the bracket.
pub(super) fn bracket(text: &[u8]) -> Result<(String, &[u8]), GoRegexError> {
    let (negated, mut rest) = match text {
        [b'[', b'^', rest @ ..] => (true, rest),
        _ => (false, &text[1..]),
    };
    let mut items = String::new();
    let mut first = true;
    // A bracket that closes is a plain character in the first place.
    while first || rest.first() != Some(&b']') {
        first = false;
        let class = match (posix(rest)?, unicode(rest)?) {
            (Some(found), _) | (None, Some(found)) => Some(found),
            (None, None) => perl(rest),
        };
        if let Some((class, after)) = class {
            items.push_str(&class);
            rest = after;
            continue;
        }
        let (low, high, after) = range(rest, text)?;
        items.push_str(&written(low, high));
        rest = after;
    }
    let class = match (items.is_empty(), negated) {
        (true, true) => r"[\x{0}-\x{10FFFF}]".into(),
        (true, false) => NOTHING.into(),
        (false, true) => format!("[^{items}]"),
        (false, false) => format!("[{items}]"),
    };
    Ok((class, &rest[1..]))
}

/// One character or a range of them.
fn range<'a>(text: &'a [u8], whole: &[u8]) -> Result<(Rune, Rune, &'a [u8]), GoRegexError> {
    let (low, rest) = member(text, whole)?;
    // In `[a-]` the dash is a plain character.
    let [b'-', after @ ..] = rest else {
        return Ok((low, low, rest));
    };
    if matches!(after, [] | [b']', ..]) {
        return Ok((low, low, rest));
    }
    let (high, rest) = member(after, whole)?;
    if high < low {
        return Err(GoRegexError::new(Kind::CharRange, before(text, rest)));
    }
    Ok((low, high, rest))
}

/// One character of a class.
fn member<'a>(text: &'a [u8], whole: &[u8]) -> Result<(Rune, &'a [u8]), GoRegexError> {
    if text.first() == Some(&b'\\') {
        return escape(text);
    }
    match next(text)? {
        Some((found, rest)) => Ok((found.into(), rest)),
        None => Err(GoRegexError::new(Kind::MissingBracket, whole)),
    }
}

/// A range for the `regex` crate, which has no surrogates; empty when there is nothing else in it.
fn written(low: Rune, high: Rune) -> String {
    let surrogates = 0xD800..=0xDFFF;
    let low = if surrogates.contains(&low) {
        0xE000
    } else {
        low
    };
    let high = if surrogates.contains(&high) {
        0xD7FF
    } else {
        high
    };
    match (plain(low), plain(high)) {
        (Some(one), _) if low == high => one,
        (Some(from), Some(to)) if low < high => format!("{from}-{to}"),
        _ => String::new(),
    }
}
