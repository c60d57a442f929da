//! From what came of attempts to the verdict that a trial is settled with. Decides no verdict itself.

use super::driver::Driver;
use crate::model::{AttemptId, Event, Verdict};

impl Driver {
    /// A verdict of one lap. The trial has that of the first lap that did not pass.
    pub(super) fn judge(&mut self, attempt: AttemptId, verdict: Verdict, reason: String) {
        let judged = self.judged.entry(attempt.trial);
        let judged = judged.or_insert_with(|| (verdict, reason.clone()));
        if judged.0 == Verdict::Passed {
            *judged = (verdict, reason);
        }
    }

    /// An attempt that does not start. It counts only if no attempt of its trial does.
    pub(super) fn leave_out(&mut self, attempt: AttemptId, verdict: Verdict, reason: String) {
        self.left_out.insert(attempt.trial, (verdict, reason));
    }

    /// Nothing more of the trial will run.
    pub(super) fn settle(&mut self, trial: u32) {
        let left_out = self.left_out.remove(&trial);
        if let Some((verdict, reason)) = self.judged.remove(&trial).or(left_out) {
            self.tell_settled(&Event::TrialSettled {
                trial,
                verdict,
                reason,
            });
        }
    }

    /// A container trial, and there is no engine for it.
    pub(super) fn without_engine(&mut self, attempt: AttemptId) {
        let missing = self
            .grant
            .as_ref()
            .map_or_else(String::new, |grant| grant.missing.join("; "));
        let reason = format!("no container engine: {missing}");
        self.leave_out(attempt, self.run.without_engine, reason);
    }
}
