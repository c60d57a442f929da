//! Durations as people write them: `500ms`, `30s`, `3m`, `1h`, `1m30s`. The one place that reads them,
//! for harness.toml, script headers, script commands and flags alike.

use std::time::Duration;

/// What is expected of a duration, for messages.
pub const EXPECTED: &str = "a duration such as `500ms`, `30s`, `3m`, `1m30s`";

const UNITS: [(&str, u64); 4] = [
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Reads a duration. The error is a lowercase fragment: what was expected and what was found.
///
/// ```
/// use std::time::Duration;
/// assert_eq!(shakedown::model::duration::parse("1m30s"), Ok(Duration::from_secs(90)));
/// assert!(shakedown::model::duration::parse("90").is_err());
/// ```
pub fn parse(text: &str) -> Result<Duration, String> {
    let error = || format!("expected {EXPECTED}, found `{text}`");
    let mut rest = text;
    let mut total = Duration::ZERO;
    if rest == "0" {
        return Ok(total);
    }
    if rest.is_empty() {
        return Err(error());
    }
    while !rest.is_empty() {
        let (number, after) = split(rest, |c| !c.is_ascii_digit() && c != '.');
        let (unit, after) = split(after, |c| c.is_ascii_digit() || c == '.');
        let part = quantity(number, unit).ok_or_else(error)?;
        total = total.checked_add(part).ok_or_else(error)?;
        rest = after;
    }
    Ok(total)
}

/// Splits before the first character that ends the first part.
fn split(text: &str, ends: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

fn quantity(number: &str, unit: &str) -> Option<Duration> {
    let (_, nanos) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let whole = whole.parse::<u64>().ok()?.checked_mul(nanos)?;
    let digits = u32::try_from(fraction.len())
        .ok()
        .filter(|digits| *digits <= 9)?;
    let scale = 10_u128.pow(digits);
    let fraction = fraction.parse::<u128>().ok()? * u128::from(nanos) / scale;
    Some(Duration::from_nanos(whole) + Duration::from_nanos(u64::try_from(fraction).ok()?))
}

/// Writes a duration so that [`parse`] reads it back, to the millisecond: `1m30s`, `200ms`, `0s`.
pub fn format(duration: Duration) -> String {
    let mut rest = duration.as_millis();
    let mut text = String::new();
    for (unit, millis) in [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)] {
        if rest >= millis {
            text += &(rest / millis).to_string();
            text += unit;
            rest %= millis;
        }
    }
    if text.is_empty() {
        "0s".to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, millis: u64) {
        assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        check("500ms", 500);
        check("30s", 30_000);
        check("3m", 180_000);
        check("1h", 3_600_000);
        check("1m30s", 90_000);
        check("1.5s", 1500);
        check("0.25s", 250);
        check("0", 0);
        check("0s", 0);
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "",
            "1",
            "s",
            "1x",
            "-1s",
            "1 s",
            "1.s",
            ".5s",
            "1..5s",
            "1e3s",
            "1s1",
            "１s",
            "99999999999999999999s",
            "9999999999h",
            "1.0000000001s",
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.contains(&format!("found `{text}`")), "{error}");
        }
    }

    proptest! {
        #[test]
        fn a_written_duration_is_read_back(millis in 0_u64..10_000_000_000) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse(&format(duration)), Ok(duration));
        }

        #[test]
        fn any_text_is_answered(text: String) {
            // Only that it answers at all: no panic, no endless loop.
            prop_assert!(parse(&text).is_ok() || parse(&text).is_err());
        }
    }
}
