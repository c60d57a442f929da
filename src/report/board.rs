//! What libtest's reports need of the events: which trial settled how, with what text, and the counts.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use super::cause::cause;
use crate::model::{AttemptReport, Counts, Event, Outcome, TrialFacts, Verdict};

/// A moment that a report in libtest's form prints something at.
#[derive(Debug)]
pub(super) enum Moment {
    /// All trials are known: so many.
    Begins(usize),
    /// A trial was judged.
    Settled(Settled),
    /// The run is over.
    Ends(Totals),
}

/// A trial that was judged.
#[derive(Debug, Clone)]
pub(super) struct Settled {
    pub(super) name: String,
    pub(super) verdict: Verdict,
    /// Why it was ignored; empty otherwise.
    pub(super) reason: String,
    /// What a failing trial shows, or a passing one that was asked to; ends with a line end if not empty.
    pub(super) text: String,
    /// Over all attempts.
    pub(super) took: Duration,
}

/// The counts of the closing line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Totals {
    pub(super) counts: Counts,
    pub(super) filtered_out: usize,
    pub(super) duration: Duration,
}

/// The fold.
#[derive(Debug, Default)]
pub(super) struct Board {
    filtered_out: usize,
    begun: bool,
    names: BTreeMap<u32, String>,
    open: BTreeMap<u32, Open>,
    verdicts: Vec<Verdict>,
    /// Texts of passing trials are wanted.
    passing: bool,
}

/// A trial between its first attempt and its verdict.
#[derive(Debug, Default)]
struct Open {
    /// One line for each attempt but the last.
    earlier: Vec<String>,
    last: Option<(Outcome, String)>,
    took: Duration,
}

impl Board {
    pub(super) fn new(passing: bool) -> Board {
        Board {
            passing,
            ..Board::default()
        }
    }

    pub(super) fn fold(&mut self, event: &Event) -> Vec<Moment> {
        let mut moments = Vec::new();
        match event {
            Event::RunStarted(facts) => self.filtered_out = facts.filtered_out,
            Event::TrialPlanned(TrialFacts { trial, name, .. }) => {
                self.names.insert(*trial, name.clone());
            }
            Event::AttemptStarted(_) => self.begin(&mut moments),
            Event::AttemptEnded { attempt, report } => {
                self.open
                    .entry(attempt.trial)
                    .or_default()
                    .add(report, self.passing);
            }
            Event::TrialSettled {
                trial,
                verdict,
                reason,
            } => {
                self.begin(&mut moments);
                moments.push(Moment::Settled(self.settle(*trial, *verdict, reason)));
            }
            Event::RunEnded { duration, .. } => {
                self.begin(&mut moments);
                moments.push(Moment::Ends(self.totals(*duration)));
            }
            Event::Engine(_)
            | Event::Programs { .. }
            | Event::AttemptHeld { .. }
            | Event::AttemptAdmitted { .. }
            | Event::GatePassed { .. }
            | Event::AttemptSeen { .. }
            | Event::AttemptHung { .. }
            | Event::Heartbeat { .. }
            | Event::SlotReplaced { .. }
            | Event::Cancelled { .. }
            | Event::Reaped(_)
            | Event::Warning { .. } => {}
        }
        moments
    }

    /// All trials are planned before the first attempt: the first event past the plan begins the run.
    fn begin(&mut self, moments: &mut Vec<Moment>) {
        if !self.begun {
            self.begun = true;
            moments.push(Moment::Begins(self.names.len()));
        }
    }

    fn settle(&mut self, trial: u32, verdict: Verdict, reason: &str) -> Settled {
        self.verdicts.push(verdict);
        let name = self.names.get(&trial);
        let open = self.open.remove(&trial).unwrap_or_default();
        let took = open.took;
        let wanted = match verdict.libtest() {
            "FAILED" => true,
            "ok" => self.passing,
            _ => false,
        };
        Settled {
            name: name.map_or_else(|| format!("trial {trial}"), Clone::clone),
            verdict,
            reason: reason.to_owned(),
            text: if wanted {
                open.text(verdict, reason)
            } else {
                String::new()
            },
            took,
        }
    }

    fn totals(&self, duration: Duration) -> Totals {
        Totals {
            counts: self.verdicts.iter().copied().collect(),
            filtered_out: self.filtered_out,
            duration,
        }
    }
}

impl Open {
    fn add(&mut self, report: &AttemptReport, passing: bool) {
        if let Some((outcome, _)) = self.last.take() {
            self.earlier.push(cause(&outcome));
        }
        self.took += report.timings.script;
        let passed = matches!(report.outcome, Outcome::Passed);
        let text = if passed && !passing {
            String::new()
        } else {
            log(report)
        };
        self.last = Some((report.outcome.clone(), text));
    }

    fn text(self, verdict: Verdict, reason: &str) -> String {
        let mut text = String::new();
        let line = |text: &mut String, line: &str| {
            writeln!(text, "{line}").expect("writing to a string cannot fail");
        };
        for (number, earlier) in self.earlier.iter().enumerate() {
            line(&mut text, &format!("attempt {}: {earlier}", number + 1));
        }
        match self.last {
            Some((outcome, log)) => {
                text += &log;
                // A failure's log ends with its cause; what was done to a script is not in its log.
                if !matches!(
                    outcome,
                    Outcome::Passed | Outcome::Skipped { .. } | Outcome::Failed(_)
                ) {
                    line(&mut text, &cause(&outcome));
                }
                if let Outcome::Faulted(fault) = &outcome
                    && !fault.detail.0.is_empty()
                {
                    line(&mut text, fault.detail.lossy().trim_end());
                }
            }
            None if reason.is_empty() => line(&mut text, verdict.word()),
            None => line(&mut text, &format!("{verdict}: {reason}")),
        }
        text
    }
}

fn log(report: &AttemptReport) -> String {
    let mut log = report.log.lossy();
    if !log.is_empty() && !log.ends_with('\n') {
        log.push('\n');
    }
    if !report.log_file.is_empty() {
        writeln!(log, "the whole log: {}", report.log_file)
            .expect("writing to a string cannot fail");
    }
    if !report.work_dir.is_empty() {
        writeln!(log, "the work directory: {}", report.work_dir)
            .expect("writing to a string cannot fail");
    }
    log
}
