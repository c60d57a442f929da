//! A pattern as it is read, and escapes that stand for one character.

use super::PatternError;

/// What is left to read. A copy marks a place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'p> {
    rest: &'p str,
}

impl<'p> Source<'p> {
    pub(super) fn new(pattern: &'p str) -> Self {
        Source { rest: pattern }
    }

    pub(super) fn rest(&self) -> &'p str {
        self.rest
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let next = characters.next();
        self.rest = characters.as_str();
        next
    }

    /// Passes over so many bytes, which must end at a character.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    /// What was read since that place.
    pub(super) fn since(&self, start: &Source<'p>) -> &'p str {
        let read = start.rest.len() - self.rest.len();
        start.rest.get(..read).unwrap_or_default()
    }
}

/// Reads an escape, backslash included, that stands for one character. Its code may be that of a
/// surrogate, which is no character and matches nothing.
pub(super) fn character(source: &mut Source<'_>) -> Result<u32, PatternError> {
    let start = *source;
    source.next();
    let Some(first) = source.next() else {
        let what = "trailing backslash at end of expression";
        return Err(PatternError::new(what, ""));
    };
    let code = match first {
        '0' => Some(octal(source, 0)),
        '1'..='7' if source.peek().is_some_and(|c| c.is_digit(8)) => {
            Some(octal(source, u32::from(first) - u32::from('0')))
        }
        'x' => hexadecimal(source),
        'a' => Some(0x07),
        'f' => Some(0x0c),
        'n' => Some(0x0a),
        'r' => Some(0x0d),
        't' => Some(0x09),
        'v' => Some(0x0b),
        other if other.is_ascii() && !other.is_ascii_alphanumeric() => Some(u32::from(other)),
        _ => None,
    };
    code.ok_or_else(|| PatternError::new("invalid escape sequence", source.since(&start)))
}

/// Up to three digits, of which one is read.
fn octal(source: &mut Source<'_>, first: u32) -> u32 {
    let mut code = first;
    for _ in 1..3 {
        let Some(digit) = source.peek().and_then(|c| c.to_digit(8)) else {
            break;
        };
        source.next();
        code = code * 8 + digit;
    }
    code
}

/// Two digits, or any number of them in braces.
fn hexadecimal(source: &mut Source<'_>) -> Option<u32> {
    let first = source.next()?;
    if first != '{' {
        let second = source.next();
        return Some(first.to_digit(16)? * 16 + second?.to_digit(16)?);
    }
    let mut code = None;
    loop {
        let character = source.next()?;
        if character == '}' {
            return code;
        }
        let value = code.unwrap_or(0) * 16 + character.to_digit(16)?;
        if value > u32::from(char::MAX) {
            return None;
        }
        code = Some(value);
    }
}
