//! Reports: told the events of a run, asked nothing. Each is a fold that writes as it goes, so that a
//! replayed record gives the same text as the run did.
//!
//! Knows the model alone: no clock, no terminal, no file. What stdout says is libtest's, byte for byte;
//! everything else goes to stderr by [`Talk`].

mod board;
mod cause;
mod json;
mod libtest;
mod list;
mod paint;
mod pretty;
mod talk;
mod terse;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::time::Duration;

use crate::model::Event;

pub use json::Json;
pub use libtest::{Libtest, Look, Passing};
pub use list::{ListForm, list};
pub use pretty::Pretty;
pub use talk::{Talk, TalkLook, Volume};
pub use terse::Terse;

/// Something that is told a run as it happens.
pub trait Report {
    /// One event; `at` is the time since the run began. An error is the output's, never the event's.
    fn event(&mut self, at: Duration, event: &Event, out: &mut dyn Write) -> io::Result<()>;
}

/// Tells a recorded run again. The same events give the same text.
pub fn replay<'a>(
    events: impl IntoIterator<Item = &'a (Duration, Event)>,
    report: &mut dyn Report,
    out: &mut dyn Write,
) -> io::Result<()> {
    for (at, event) in events {
        report.event(*at, event, out)?;
    }
    out.flush()
}
