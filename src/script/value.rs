//! Words that commands read as values, and what each has to look like. The interpreter reads them with
//! these functions, and the checker asks the same ones. Knows no command.

use std::time::Duration;

use crate::model::duration;

/// A kind of value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// How long something takes.
    Duration,
    /// How a program ended.
    ExitStatus,
    /// Who may do what with a file.
    Permissions,
    /// The name of a variable.
    Variable,
}

impl Value {
    /// What such a word looks like.
    pub fn expected(self) -> &'static str {
        match self {
            Self::Duration => duration::EXPECTED,
            Self::ExitStatus => "a number from 0 to 255",
            Self::Permissions => "octal digits up to 777",
            Self::Variable => "a name of letters, digits and `_`",
        }
    }

    /// Whether the word is such a value.
    pub fn is(self, word: &[u8]) -> bool {
        match self {
            Self::Duration => read_duration(word).is_ok(),
            Self::ExitStatus => exit_status(word).is_some(),
            Self::Permissions => permissions(word).is_some(),
            Self::Variable => is_variable(word),
        }
    }
}

/// A duration; the error says what was expected and what was found.
pub fn read_duration(word: &[u8]) -> Result<Duration, String> {
    duration::parse(&String::from_utf8_lossy(word))
}

/// A duration in which something can happen.
pub fn some_time(word: &[u8]) -> Result<Duration, String> {
    match read_duration(word) {
        Ok(Duration::ZERO) => Err("expected more than 0".to_owned()),
        other => other,
    }
}

/// An exit status, as shells count them.
pub fn exit_status(word: &[u8]) -> Option<i32> {
    let number = str::from_utf8(word).ok()?.parse().ok()?;
    (0..=255).contains(&number).then_some(number)
}

/// The permission bits of a file.
pub fn permissions(word: &[u8]) -> Option<u32> {
    let digits = word.iter().all(u8::is_ascii_digit);
    let mode = u32::from_str_radix(str::from_utf8(word).ok()?, 8).ok()?;
    (digits && mode <= 0o777).then_some(mode)
}

/// Whether `$NAME` finds a variable of this name.
pub fn is_variable(word: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let begins = word.first().is_some_and(|byte| !byte.is_ascii_digit());
    begins && word.iter().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: Value, good: &[&str], bad: &[&str]) {
        for word in good {
            assert!(value.is(word.as_bytes()), "{word}");
        }
        for word in bad {
            assert!(!value.is(word.as_bytes()), "{word}");
        }
    }

    #[test]
    fn each_kind_has_its_form() {
        check(Value::Duration, &["0", "10ms", "1m30s"], &["", "1", "abc"]);
        check(Value::ExitStatus, &["0", "255"], &["", "x", "-1", "256"]);
        check(
            Value::Permissions,
            &["0", "755", "0644"],
            &["", "999", "u+x", "+644", "1777"],
        );
        check(
            Value::Variable,
            &["ID", "_1", "a_B"],
            &["", "1a", "a-b", "é"],
        );
        assert!(!Value::Variable.is(b"\xff"));
    }

    #[test]
    fn some_time_is_more_than_none() {
        assert_eq!(some_time(b"1s"), Ok(Duration::from_secs(1)));
        assert_eq!(some_time(b"0s"), Err("expected more than 0".to_owned()));
        assert!(some_time(b"").is_err());
    }
}
