//! The ids of a run, a slot and an attempt. All are safe in file names, labels and container names.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One invocation: lower-case letters, digits and `-`, unique on the machine, sorted by start time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

/// An id that is not one.
#[derive(Debug, thiserror::Error)]
#[error("expected {expected}, found `{found}`")]
pub struct ParseIdError {
    expected: &'static str,
    found: String,
}

impl RunId {
    /// The moment since 1970 sorts it, runs of one second too; the process id makes it unique. Base 36 keeps
    /// it short.
    pub fn new(unix_seconds: u64, micros: u32, pid: u32) -> Self {
        RunId(format!(
            "{}-{:0>4}{}",
            base36(unix_seconds),
            base36(u64::from(micros % 1_000_000)),
            base36(u64::from(pid)),
        ))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    loop {
        let digit = u32::try_from(number % 36).expect("a remainder of 36 fits");
        digits.push(char::from_digit(digit, 36).expect("a digit of base 36"));
        number /= 36;
        if number == 0 {
            return digits.iter().rev().collect();
        }
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RunId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let good = !text.is_empty() && text.len() <= 64 && text.chars().all(plain);
        let error = || ParseIdError {
            expected: "a run id (a-z, 0-9, -)",
            found: text.to_owned(),
        };
        if good {
            Ok(RunId(text.to_owned()))
        } else {
            Err(error())
        }
    }
}

impl TryFrom<String> for RunId {
    type Error = ParseIdError;

    fn try_from(text: String) -> Result<Self, ParseIdError> {
        text.parse()
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> String {
        id.0
    }
}

/// A worker's place: small, reused, unique among those alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SlotId(pub u32);

impl fmt::Display for SlotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// One execution of a trial within a run: trial number in the plan, lap, attempt, each from 1.
///
/// Written `T.L.A`, such as `12.1.1`. The trial's number is its place in the plan, so that the id stays
/// short enough for a container name; the record tells which name stands behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AttemptId {
    /// The trial's place in the plan, from 1.
    pub trial: u32,
    /// The lap of `--count`, from 1.
    pub lap: u32,
    /// The attempt within the lap, from 1.
    pub attempt: u32,
}

impl AttemptId {
    /// The value of `$TAG`: unique to run, trial and attempt, safe in every engine's names.
    pub fn tag(&self, run: &RunId) -> String {
        format!("sd-{run}-{}-{}-{}", self.trial, self.lap, self.attempt)
    }

    /// The name of its work directory, Go's, made unique for a repetition: `script-NAME`, `script-NAME.2.1`.
    pub fn work_name(&self, trial: &str) -> String {
        let name = trial.replace('/', "-");
        match (self.lap, self.attempt) {
            (1, 1) => format!("script-{name}"),
            (lap, attempt) => format!("script-{name}.{lap}.{attempt}"),
        }
    }
}

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.trial, self.lap, self.attempt)
    }
}

impl FromStr for AttemptId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let error = || ParseIdError {
            expected: "an attempt id such as `12.1.1`",
            found: text.to_owned(),
        };
        let numbers: Vec<u32> = text
            .split('.')
            .map(|part| {
                part.parse()
                    .ok()
                    .filter(|number: &u32| *number > 0 && number.to_string() == part)
            })
            .collect::<Option<_>>()
            .ok_or_else(error)?;
        match numbers[..] {
            [trial, lap, attempt] => Ok(AttemptId {
                trial,
                lap,
                attempt,
            }),
            _ => Err(error()),
        }
    }
}

impl TryFrom<String> for AttemptId {
    type Error = ParseIdError;

    fn try_from(text: String) -> Result<Self, ParseIdError> {
        text.parse()
    }
}

impl From<AttemptId> for String {
    fn from(id: AttemptId) -> String {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ids_are_read_back_as_they_were_written(seconds: u64, micros: u32, pid: u32, trial in 1u32.., lap in 1u32.., attempt in 1u32..) {
            let run = RunId::new(seconds, micros, pid);
            prop_assert_eq!(run.as_str().parse::<RunId>().unwrap(), run);
            let id = AttemptId { trial, lap, attempt };
            prop_assert_eq!(id.to_string().parse::<AttemptId>().unwrap(), id);
        }
    }

    #[test]
    fn ids_sort_by_the_moment_whatever_the_process() {
        let ids = [
            RunId::new(1_795_219_200, 35, 99_999),
            RunId::new(1_795_219_200, 36, 7),
            RunId::new(1_795_219_200, 999_999, 4711),
            RunId::new(1_795_219_201, 0, 1),
        ];
        assert!(ids.is_sorted(), "{ids:?}");
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in ["", "A", "a/b", "a b", "é"] {
            assert!(text.parse::<RunId>().is_err(), "{text}");
        }
        for text in [
            "", "1", "1.2", "1.2.3.4", "0.1.1", "01.1.1", "a.b.c", "1.1.-1", "+1.1.1",
        ] {
            assert!(text.parse::<AttemptId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_tag_is_safe_in_container_and_image_names() {
        let run = RunId::new(1_795_219_200, 35, 4711);
        let tag = AttemptId {
            trial: 3,
            lap: 1,
            attempt: 2,
        }
        .tag(&run);
        assert_eq!(tag, "sd-tots00-000z3mv-3-1-2");
    }
}
