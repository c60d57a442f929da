//! Why a line did not simply succeed. Knows nothing of commands.

use super::Interrupted;

/// What ends a line early. Only a failure leaves a chance to the next line.
#[derive(Debug)]
pub(super) enum Halt {
    /// The line failed, in these words. Names and outputs in them stand as they are, UTF-8 or not.
    Fail(Vec<u8>),
    /// The line failed, in these words, and would do so however often it were tried.
    Mistake(Vec<u8>),
    /// `stop`.
    Stop,
    /// `skip`, with its message.
    Skip(String),
    /// The world ended the script.
    Interrupted(Interrupted),
}

/// The result of a line or of a part of it.
pub(super) type Step<T = ()> = Result<T, Halt>;

/// A failure in these words.
pub(super) fn fail<T>(message: impl Into<Vec<u8>>) -> Step<T> {
    Err(Halt::Fail(message.into()))
}

/// A failure in these words, which no repetition mends.
pub(super) fn mistake<T>(message: impl Into<Vec<u8>>) -> Step<T> {
    Err(Halt::Mistake(message.into()))
}

impl From<Interrupted> for Halt {
    fn from(interrupted: Interrupted) -> Self {
        Halt::Interrupted(interrupted)
    }
}
