//! What libtest's reports need of the events: which trial settled how, with what text, and the counts.

use std::collections::BTreeMap;
use std::time::Duration;

use super::attempts::Attempts;
use super::laps;
use super::paint::one_line;
use crate::model::{Bearing, Counts, Effect, Event, Tally, TrialFacts, Verdict};

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
    pub(super) effect: Effect,
    /// Why it was ignored; empty otherwise.
    pub(super) reason: String,
    /// What its laps came to; empty when there was one.
    pub(super) laps: String,
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
    open: BTreeMap<u32, Attempts>,
    effects: Vec<Effect>,
    /// Texts of passing trials are wanted.
    passing: bool,
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
            Event::AttemptEnded {
                attempt,
                report,
                judgement,
            } => {
                let open = self.open.entry(attempt.trial).or_default();
                open.add(*attempt, report, judgement.as_deref(), self.passing);
            }
            Event::TrialSettled {
                trial,
                verdict,
                reason,
                bearing,
                tally,
            } => {
                self.begin(&mut moments);
                let effect = verdict.effect(bearing);
                let reason = &quarantined(*verdict, reason, bearing);
                let settled = self.settle(*trial, (*verdict, effect), reason, tally.as_deref());
                moments.push(Moment::Settled(settled));
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
            | Event::CleanedAtLast { .. }
            | Event::AttemptSeen { .. }
            | Event::AttemptHung { .. }
            | Event::Heartbeat { .. }
            | Event::SlotReplaced { .. }
            | Event::Cancelled { .. }
            | Event::Reaped(_)
            | Event::Note { .. }
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

    fn settle(
        &mut self,
        trial: u32,
        (verdict, effect): (Verdict, Effect),
        reason: &str,
        tally: Option<&Tally>,
    ) -> Settled {
        self.effects.push(effect);
        let name = self.names.get(&trial);
        let open = self.open.remove(&trial).unwrap_or_default();
        let took = open.took;
        let wanted = match effect {
            Effect::Failed | Effect::Faulted => true,
            Effect::Ok => self.passing,
            Effect::Ignored => false,
        };
        Settled {
            name: name.map_or_else(|| format!("trial {trial}"), Clone::clone),
            effect,
            reason: reason.to_owned(),
            laps: tally.map_or_else(String::new, laps::summary),
            text: if wanted {
                open.text(verdict, reason, tally)
            } else {
                String::new()
            },
            took,
        }
    }

    fn totals(&self, duration: Duration) -> Totals {
        Totals {
            counts: self.effects.iter().copied().collect(),
            filtered_out: self.filtered_out,
            duration,
        }
    }
}

/// In quarantine the verdict itself is the reason: `failed (quarantined until 2026-12-31: flaky DNS, ISSUE)`.
fn quarantined(verdict: Verdict, reason: &str, bearing: &Bearing) -> String {
    match bearing {
        Bearing::AsUsual | Bearing::Fails => reason.to_owned(),
        Bearing::Quarantined(quarantined) => format!(
            "{verdict} (quarantined until {}: {}, {})",
            quarantined.until,
            one_line(&quarantined.reason),
            one_line(&quarantined.issue)
        ),
    }
}
