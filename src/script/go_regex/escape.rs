//! Single characters: read from the pattern, escaped or not, and written for the `regex` crate.
//!
//! It must not know what may stand around a character.

use super::error::{GoRegexError, Kind};

/// A code point as Go counts them: surrogates can be written, though no text holds one.
pub(super) type Rune = u32;

/// A pattern that matches nothing, not even the empty text.
pub(super) const NOTHING: &str = r"[^\x{0}-\x{10FFFF}]";

const MAX_RUNE: Rune = 0x10_FFFF;

/// The first character of `text` and what follows it; `None` at the end.
pub(super) fn next(text: &[u8]) -> Result<Option<(char, &[u8])>, GoRegexError> {
    // No character is longer; the rest of a long pattern is not looked at for each of them.
    let first = text.get(..4).unwrap_or(text);
    let Some(chunk) = first.utf8_chunks().next() else {
        return Ok(None);
    };
    match chunk.valid().chars().next() {
        Some(found) => Ok(Some((found, &text[found.len_utf8()..]))),
        None => Err(GoRegexError::new(Kind::Utf8, text)),
    }
}

/// The part of `from` before `rest`, which is its end.
pub(super) fn before<'a>(from: &'a [u8], rest: &[u8]) -> &'a [u8] {
    &from[..from.len() - rest.len()]
}

/// Writes one character so that it is a plain one wherever it stands.
pub(super) fn plain(rune: Rune) -> Option<String> {
    let found = char::from_u32(rune)?;
    Some(if found.is_ascii_alphanumeric() {
        found.to_string()
    } else {
        format!(r"\x{{{rune:X}}}")
    })
}

/// Reads an escape sequence of one character; `text` begins with the backslash.
pub(super) fn escape(text: &[u8]) -> Result<(Rune, &[u8]), GoRegexError> {
    let Some((found, rest)) = next(&text[1..])? else {
        return Err(GoRegexError::new(Kind::TrailingBackslash, b""));
    };
    let control = match found {
        'a' => 0x07,
        'f' => 0x0C,
        'n' => 0x0A,
        'r' => 0x0D,
        't' => 0x09,
        'v' => 0x0B,
        'x' => return hex(text, rest),
        '0' => return Ok(octal(&text[1..])),
        // One digit alone would be a back-reference, which Go does not have.
        '1'..='7' if rest.first().copied().is_some_and(is_octal) => return Ok(octal(&text[1..])),
        _ if found.is_ascii() && !found.is_ascii_alphanumeric() => Rune::from(found),
        _ => return Err(GoRegexError::new(Kind::Escape, before(text, rest))),
    };
    Ok((control, rest))
}

fn is_octal(byte: u8) -> bool {
    (b'0'..=b'7').contains(&byte)
}

/// Up to three octal digits.
fn octal(text: &[u8]) -> (Rune, &[u8]) {
    let digits = text.iter().take(3).take_while(|byte| is_octal(**byte));
    let (value, length) = digits.fold((0, 0), |(value, length), digit| {
        (value * 8 + Rune::from(digit - b'0'), length + 1)
    });
    (value, &text[length..])
}

/// `\x` and two digits, or any number of them in braces; `rest` follows the x.
fn hex<'a>(text: &'a [u8], rest: &'a [u8]) -> Result<(Rune, &'a [u8]), GoRegexError> {
    let bad = |rest| Err(GoRegexError::new(Kind::Escape, before(text, rest)));
    let Some((first, mut rest)) = next(rest)? else {
        return bad(rest);
    };
    if first != '{' {
        let Some((second, rest)) = next(rest)? else {
            return bad(rest);
        };
        return match (first.to_digit(16), second.to_digit(16)) {
            (Some(high), Some(low)) => Ok((high * 16 + low, rest)),
            _ => bad(rest),
        };
    }
    let mut value = None;
    loop {
        let Some((found, after)) = next(rest)? else {
            return bad(rest);
        };
        rest = after;
        if found == '}' {
            return value.map_or_else(|| bad(rest), |value| Ok((value, rest)));
        }
        let Some(digit) = found.to_digit(16) else {
            return bad(rest);
        };
        let grown = value.unwrap_or(0) * 16 + digit;
        if grown > MAX_RUNE {
            return bad(rest);
        }
        value = Some(grown);
    }
}
