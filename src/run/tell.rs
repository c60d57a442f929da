//! Tells every report, and the record, what happened.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::history::{Recorder, Summary};
use crate::host::clock;
use crate::model::Event;
use crate::report::Report;

/// A report and where it writes.
struct Told {
    report: Box<dyn Report>,
    out: Box<dyn Write>,
    failed: bool,
}

/// All who are told.
pub struct Teller {
    begun: Instant,
    recorder: Option<Recorder>,
    summary: Summary,
    told: Vec<Told>,
}

impl std::fmt::Debug for Teller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Teller")
            .field("recorder", &self.recorder)
            .field("reports", &self.told.len())
            .finish_non_exhaustive()
    }
}

impl Teller {
    /// Nobody yet; the run began at this moment.
    pub fn new(begun: Instant, recorder: Option<Recorder>) -> Self {
        Teller {
            begun,
            recorder,
            summary: Summary::default(),
            told: Vec::new(),
        }
    }

    /// One more who is told.
    pub fn add(&mut self, report: Box<dyn Report>, out: Box<dyn Write>) {
        self.told.push(Told {
            report,
            out,
            failed: false,
        });
    }

    /// Time since the run began.
    pub fn elapsed(&self) -> Duration {
        clock::now() - self.begun
    }

    /// Tells everybody. What cannot be written never breaks the run. The record has it after [`Teller::write`].
    pub fn tell(&mut self, event: &Event) {
        let at = self.elapsed();
        if let Some(recorder) = &mut self.recorder {
            recorder.append(at, event);
        }
        self.summary.hear(event);
        self.show(at, event);
    }

    /// What was told, as far as later runs want to know it.
    pub fn into_summary(self) -> Summary {
        self.summary
    }

    /// Writes the record as far as it was told.
    pub fn write(&mut self) {
        let warning = self.recorder.as_mut().and_then(Recorder::write);
        if let Some(message) = warning {
            self.show(self.elapsed(), &Event::Warning { message });
        }
    }

    fn show(&mut self, at: Duration, event: &Event) {
        for told in self.told.iter_mut().filter(|told| !told.failed) {
            told.failed = told.report.hide(&mut told.out).is_err();
        }
        for told in self.told.iter_mut().filter(|told| !told.failed) {
            let written = told
                .report
                .event(at, event, &mut told.out)
                .and_then(|()| told.out.flush());
            // A closed pipe stays closed: one failure is enough.
            told.failed = written.is_err();
        }
    }
}
