//! From what came of attempts to the verdict that a trial is settled with: keeps what `classify` needs, and asks
//! it. Decides no verdict itself.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use super::artefacts::{self, Firsts};
use super::driver::Driver;
use super::quarantine;
use crate::classify::{self, Budget, Catalogue, Next, RetryRules, Tried};
use crate::config::{Quarantine, Settings};
use crate::model::{
    AttemptId, AttemptReport, EngineFacts, Event, FlakyResult, Judgement, LeakRule, Quarantined,
    Verdict,
};
use crate::schedule::{Ending, Laps, Stop};

/// What is known of trials that are not settled, and what verdicts follow from.
#[derive(Debug)]
pub(super) struct Court {
    catalogue: Catalogue,
    /// Each trial has its own number of tries for failures.
    rules: RetryRules,
    flaky: FlakyResult,
    /// Those that hold today.
    quarantine: Vec<Quarantine>,
    tried: BTreeMap<u32, Vec<Tried>>,
    /// How many there are.
    trials: u32,
    firsts: Firsts,
}

impl Court {
    /// For a run of so many trials; where nobody knows how many laps there are, one is counted as yet.
    pub(super) fn new(settings: &Settings, (trials, laps): (usize, Laps), seed: u64) -> Court {
        let trials = u32::try_from(trials).unwrap_or(u32::MAX);
        let laps = trials.saturating_mul(laps.count.map_or(1, NonZeroU32::get));
        let retry = &settings.retry;
        Court {
            catalogue: Catalogue::new(settings.signatures.clone()),
            rules: RetryRules {
                failures: 0,
                signatures: retry.signatures,
                seed,
                budget: Budget::new(retry.budget, laps),
            },
            flaky: retry.flaky,
            quarantine: quarantine::in_force(&settings.quarantine),
            tried: BTreeMap::new(),
            trials,
            firsts: Firsts::default(),
        }
    }

    /// Removes what an attempt left that another lap of its trial left as well.
    pub(super) fn thin_out(
        &mut self,
        attempt: AttemptId,
        report: &mut AttemptReport,
        judgement: &Judgement,
    ) {
        if self.firsts.keep(attempt, judgement) {
            return;
        }
        artefacts::discard(report);
        let tried = self.tried.entry(attempt.trial).or_default();
        if let Some(tried) = tried.iter_mut().find(|tried| tried.attempt == attempt) {
            tried.artefacts.log_file.clone_from(&report.log_file);
            tried.artefacts.hang_file.clone_from(&report.hang_file);
        }
    }

    fn judge(
        &mut self,
        attempt: AttemptId,
        report: &AttemptReport,
        engine: Option<&EngineFacts>,
        (leaks, failures): (LeakRule, u32),
    ) -> Judgement {
        let laps = self.trials.saturating_mul(attempt.lap);
        self.rules.budget.reach(laps);
        let known = self.catalogue.find(report, engine);
        let mut tried = Tried::of(attempt, report, leaks, known);
        let before = self.tried.entry(attempt.trial).or_default();
        let earlier: Vec<&Tried> = before
            .iter()
            .filter(|earlier| earlier.attempt.lap == attempt.lap)
            .collect();
        let rules = RetryRules {
            failures,
            ..self.rules
        };
        let next = classify::again(&tried, report, &earlier, known, rules);
        let (again, refused) = match next {
            Next::Over => (None, String::new()),
            Next::Refused(why) => (None, why),
            Next::Again(again) => (Some(again), String::new()),
        };
        if let Some(again) = &again {
            self.rules.budget.used += 1;
            if again.for_signature {
                tried.again_for = known.map_or_else(String::new, |known| known.id.clone());
            }
        }
        let judgement = Judgement {
            verdict: tried.verdict,
            kind: tried.kind.clone(),
            known: known.map(classify::known),
            again,
            refused,
        };
        before.push(tried);
        judgement
    }
}

impl Driver {
    /// What was made of an attempt that is over, and what the schedule is told of it.
    pub(super) fn judge(
        &mut self,
        attempt: AttemptId,
        report: &AttemptReport,
    ) -> (Judgement, Ending) {
        let planned = &self.trial(attempt).planned;
        let rules = (planned.leaks, planned.retries);
        let engine = self.engine.as_ref();
        let mut judgement = self.run.court.judge(attempt, report, engine, rules);
        let verdict = judgement.verdict;
        // When the run ends, nothing starts any more.
        let again = judgement.again.take_if(|_| self.signal.is_none());
        let ending = match &again {
            Some(again) => Ending::Again { after: again.after },
            // What does not fail the run does not stop it either.
            None if self.quarantine_of(attempt.trial).is_some() => Ending::Fine,
            None if verdict.is_failure() || verdict.is_fault() => Ending::Failed,
            None => Ending::Fine,
        };
        judgement.again = again;
        (judgement, ending)
    }

    /// The schedule dropped an attempt that has not begun.
    pub(super) fn dropped(&mut self, attempt: AttemptId) {
        let why = self.why_dropped(attempt);
        let excused = why.is_none();
        let engine_down = self.broken.is_none() && self.engine_down_for(attempt).is_some();
        let reason = why.unwrap_or_else(|| match self.run.scheduler.stopped() {
            Some(Stop::Failures(1)) => "the run stopped after a failure".to_owned(),
            Some(Stop::Failures(number)) => format!("the run stopped after {number} failures"),
            Some(Stop::Cancelled) | None => "the run was to stop before it".to_owned(),
        });
        let tried = self.run.court.tried.entry(attempt.trial).or_default();
        tried.push(Tried {
            excused,
            engine_down,
            ..Tried::never_begun(attempt, Verdict::NotRun, reason)
        });
    }

    /// An attempt that never began, and never will.
    pub(super) fn never_begun(&mut self, attempt: AttemptId, verdict: Verdict, reason: String) {
        let tried = self.run.court.tried.entry(attempt.trial).or_default();
        tried.push(Tried::never_begun(attempt, verdict, reason));
    }

    /// Nothing more of the trial will run.
    pub(super) fn settle(&mut self, trial: u32) {
        let tried = self.run.court.tried.remove(&trial).unwrap_or_default();
        let Some((verdict, reason)) = classify::of_trial(&tried) else {
            return;
        };
        let quarantine = self.quarantine_of(trial);
        self.tell_settled(&Event::TrialSettled {
            trial,
            verdict,
            reason,
            bearing: classify::bearing(verdict, self.run.court.flaky, quarantine),
            tally: classify::tally(&tried).map(Box::new),
        });
    }

    fn quarantine_of(&self, trial: u32) -> Option<Quarantined> {
        let name = &self.run.trials[trial as usize - 1].planned.name;
        let kind = self.engine.as_ref().map(|facts| facts.kind);
        let holds = |quarantine: &&Quarantine| {
            let here = quarantine.engine.is_none_or(|wanted| Some(wanted) == kind);
            here && quarantine.name.matches(name)
        };
        let found = self.run.court.quarantine.iter().find(holds)?;
        Some(Quarantined {
            reason: found.reason.clone(),
            issue: found.issue.clone(),
            until: found.until.to_string(),
        })
    }

    /// A container trial, and there is no engine for it.
    pub(super) fn without_engine(&mut self, attempt: AttemptId) {
        // There is one, and it is not for us.
        if let Some(why) = self.engine_down.clone() {
            self.never_begun(attempt, Verdict::NotRun, why);
            return;
        }
        let missing = self
            .grant
            .as_ref()
            .map_or_else(String::new, |grant| grant.missing.join("; "));
        let reason = format!("no container engine: {missing}");
        self.never_begun(attempt, self.run.without_engine, reason);
    }
}
