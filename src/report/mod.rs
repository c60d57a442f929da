//! Reports: told the events of a run, asked nothing. Each is a fold that writes as it goes, so that a
//! replayed record gives the same text as the run did.
//!
//! Knows the model alone: no clock, no terminal, no file. What stdout says is libtest's, byte for byte;
//! everything else goes to stderr by [`Talk`].

mod attempts;
mod board;
mod cause;
mod json;
mod laps;
mod libtest;
mod list;
mod paint;
mod pretty;
mod talk;
mod terse;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::time::Duration;

use crate::model::{Conclusion, Event, Verdict};

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

    /// Takes away what stands there for the moment only, for another report is about to write to the same terminal.
    fn hide(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

/// Tells a recorded run again. The same events give the same text; a record without an end gets one,
/// so that what is known of a killed run is told too.
pub fn replay(
    events: &[(Duration, Event)],
    report: &mut dyn Report,
    out: &mut dyn Write,
) -> io::Result<()> {
    for (at, event) in events {
        report.event(*at, event, out)?;
    }
    for (at, event) in missing_end(events) {
        report.event(at, &event, out)?;
    }
    out.flush()
}

/// What a run that was killed could not say any more.
fn missing_end(events: &[(Duration, Event)]) -> Vec<(Duration, Event)> {
    let at = match events.last() {
        Some((_, Event::RunEnded { .. })) | None => return Vec::new(),
        Some((at, _)) => *at,
    };
    let (mut open, mut running) = (BTreeSet::new(), BTreeSet::new());
    for (_, event) in events {
        if let Event::TrialPlanned(facts) = event {
            open.insert(facts.trial);
        } else if let Event::AttemptStarted(start) = event {
            running.insert(start.attempt.trial);
        } else if let Event::AttemptEnded { attempt, .. } = event {
            running.remove(&attempt.trial);
        } else if let Event::TrialSettled { trial, .. } = event {
            open.remove(trial);
        }
    }
    let message = "the record has no end: the run was killed, or is still going on".to_owned();
    let mut end = vec![Event::Warning { message }];
    end.extend(open.into_iter().map(|trial| {
        let when = if running.contains(&trial) {
            "while it ran"
        } else {
            "before it ran"
        };
        Event::settled(trial, Verdict::NotRun, format!("the record ends {when}"))
    }));
    end.push(Event::RunEnded {
        conclusion: Conclusion::Interrupted { signal: KILL },
        duration: at,
    });
    end.into_iter().map(|event| (at, event)).collect()
}

/// The signal that leaves no time for last words.
const KILL: i32 = 9;
