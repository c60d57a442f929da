//! Counted repetition: `{3}`, `{3,}`, `{3,5}`.
//!
//! It must not know what is repeated.

use super::error::{GoRegexError, Kind};
use super::escape::before;

/// The highest count that Go allows, also for counts within counts.
pub(super) const MOST: u32 = 1000;

/// How often something is repeated; without `max`, there is no end to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    pub(super) min: u32,
    pub(super) max: Option<u32>,
}

/// Reads a repetition; `None` when the brace is a plain character.
pub(super) fn counts(text: &[u8]) -> Result<Option<(Counts, &[u8])>, GoRegexError> {
    let Some((min, rest)) = text.get(1..).and_then(number) else {
        return Ok(None);
    };
    let (max, rest) = match rest {
        [b',', b'}', ..] => (None, &rest[1..]),
        [b',', after @ ..] => match number(after) {
            Some((max, rest)) => (Some(max), rest),
            None => return Ok(None),
        },
        _ => (Some(min), rest),
    };
    let [b'}', rest @ ..] = rest else {
        return Ok(None);
    };
    if min > MOST || max.is_some_and(|max| max > MOST || min > max) {
        return Err(GoRegexError::new(Kind::RepeatSize, before(text, rest)));
    }
    Ok(Some((Counts { min, max }, rest)))
}

/// A number without leading zeros.
fn number(text: &[u8]) -> Option<(u32, &[u8])> {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(length);
    if digits.is_empty() || (length > 1 && digits[0] == b'0') {
        return None;
    }
    // However large a number is, it is no more than too large.
    let value = digits.iter().fold(0_u32, |value, digit| {
        value
            .saturating_mul(10)
            .saturating_add(u32::from(digit - b'0'))
    });
    Some((value, rest))
}

/// The cost of repeating something that costs `inner`: the product of the counts along a branch.
pub(super) fn cost(counts: Counts, inner: u32) -> u32 {
    match counts.max.unwrap_or(counts.min) {
        0 if counts.max.is_some() => 0,
        0 => inner,
        times => times.saturating_mul(inner.max(1)),
    }
}
