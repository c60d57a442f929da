//! Why a line ends early, and messages that are bytes: paths and output need not be text.

use super::world::Interrupted;

/// A line did not simply succeed.
#[derive(Debug)]
pub(super) enum Halt {
    /// The message behind `FAIL: file:line: `.
    Failed(Vec<u8>),
    /// The script skips itself.
    Skipped(Vec<u8>),
    /// The script is over, and passed if nothing failed before.
    Stopped,
    /// The world ended the script.
    Interrupted(Interrupted),
}

impl Halt {
    pub(super) fn failed(message: impl Into<Vec<u8>>) -> Halt {
        Halt::Failed(message.into())
    }
}

impl From<Interrupted> for Halt {
    fn from(interrupted: Interrupted) -> Halt {
        Halt::Interrupted(interrupted)
    }
}

/// Joins text and bytes to bytes.
macro_rules! text {
    ($($part:expr),+ $(,)?) => {{
        let mut text: Vec<u8> = Vec::new();
        $(text.extend_from_slice(AsRef::<[u8]>::as_ref(&$part));)+
        text
    }};
}

/// `Err` with a failure whose message is joined from text and bytes.
macro_rules! fail {
    ($($part:expr),+ $(,)?) => {
        Err($crate::interp::halt::Halt::Failed($crate::interp::halt::text!($($part),+)))
    };
}

pub(super) use fail;
pub(super) use text;
