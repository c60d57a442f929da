//! Sizes as people write them: `64MB`, `1GB`; `MiB` and `GiB` for powers of two.

/// What is expected of a size, for messages.
pub const EXPECTED: &str = "a size such as `64MB` or `1GB`";

const UNITS: [(&str, u64); 8] = [
    ("B", 1),
    ("kB", 1000),
    ("KB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// Reads a size in bytes. The error is a lowercase fragment: what was expected and what was found.
pub fn parse(text: &str) -> Result<u64, String> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let size = UNITS
        .into_iter()
        .find(|(name, _)| *name == unit)
        .and_then(|(_, bytes)| number.parse::<u64>().ok()?.checked_mul(bytes));
    size.ok_or_else(|| format!("expected {EXPECTED}, found `{text}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, bytes: u64) {
        assert_eq!(parse(text), Ok(bytes), "{text}");
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        check("64MB", 64_000_000);
        check("1GB", 1_000_000_000);
        check("2MiB", 2_097_152);
        check("0B", 0);
        check("3kB", 3000);
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in [
            "",
            "1",
            "MB",
            "1 MB",
            "-1MB",
            "1.5GB",
            "1TBs",
            "99999999999999999999B",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
