//! From what came of attempts to the verdict that a trial is settled with. Decides no verdict itself.

use super::driver::Driver;
use super::start::Trial;
use crate::model::{AttemptId, Event, Lane, Verdict};

impl Driver {
    /// A verdict of one lap. The trial has that of the first lap that did not pass.
    pub(super) fn judge(&mut self, attempt: AttemptId, verdict: Verdict, reason: String) {
        let judged = self.judged.entry(attempt.trial);
        let judged = judged.or_insert_with(|| (verdict, reason.clone()));
        if judged.0 == Verdict::Passed {
            *judged = (verdict, reason);
        }
    }

    /// Nothing more of the trial will run.
    pub(super) fn settle(&mut self, trial: u32) {
        if let Some((verdict, reason)) = self.judged.remove(&trial) {
            self.tell_settled(&Event::TrialSettled {
                trial,
                verdict,
                reason,
            });
        }
    }

    /// Why a container trial need not be tried: it names an image that cannot be had.
    pub(super) fn missing_image(&self, trial: &Trial) -> Option<String> {
        let planned = &trial.planned;
        let mut named = planned
            .images
            .iter()
            .filter(|_| planned.lane == Lane::Container);
        let why = |image: &String| {
            let why = self.keeper.missing.get(image)?;
            Some(format!("image {image} could not be pulled: {why}"))
        };
        named.find_map(why)
    }

    /// A container trial, and there is no engine for it.
    pub(super) fn without_engine(&mut self, attempt: AttemptId) {
        // There is one, and it is not for us.
        if let Some(why) = self.engine_down.clone() {
            self.judge(attempt, Verdict::NotRun, why);
            return;
        }
        let missing = self
            .grant
            .as_ref()
            .map_or_else(String::new, |grant| grant.missing.join("; "));
        let reason = format!("no container engine: {missing}");
        self.judge(attempt, self.run.without_engine, reason);
    }
}
