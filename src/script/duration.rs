//! Durations as people write them: `30s`, `1m30s`, `500ms`, `1.5h`. Knows no clock.

use std::time::Duration;

const UNITS: [(&str, f64); 7] = [
    ("ns", 1e-9),
    ("us", 1e-6),
    ("µs", 1e-6),
    ("ms", 1e-3),
    ("s", 1.0),
    ("m", 60.0),
    ("h", 3600.0),
];

/// Reads a duration: numbers with units, from large to small or not, without blanks. `0` needs no
/// unit.
pub fn parse(text: &str) -> Result<Duration, String> {
    seconds(text)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| format!("expected a duration such as `30s`, found `{text}`"))
}

fn seconds(text: &str) -> Option<f64> {
    if text == "0" {
        return Some(0.0);
    }
    let mut total = 0.0;
    let mut rest = text;
    loop {
        let in_number = |c: char| c.is_ascii_digit() || c == '.';
        let (number, after) = rest.split_at(rest.find(|c| !in_number(c))?);
        let end = after.find(in_number).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let (_, scale) = UNITS.iter().find(|(name, _)| *name == unit)?;
        total += number.parse::<f64>().ok()? * scale;
        if after.is_empty() {
            return Some(total);
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<f64>) {
        assert_eq!(
            parse(text).ok().map(|d| d.as_secs_f64()),
            expected,
            "{text}"
        );
    }

    #[test]
    fn durations_are_numbers_with_units() {
        check("30s", Some(30.0));
        check("1m30s", Some(90.0));
        check("500ms", Some(0.5));
        check("1.5h", Some(5400.0));
        check("0", Some(0.0));
        check("2µs", Some(2e-6));
    }

    #[test]
    fn everything_else_is_refused() {
        for text in ["", "30", "s", "30 s", "-1s", "1x", "1s2", "1..2s", ".s"] {
            check(text, None);
        }
    }
}
