//! What is said of tries and laps: what a failure is known as, why a trial is tried again or is not, what its
//! laps came to.

use super::Talk;
use super::block::Block;
use crate::model::{AttemptId, AttemptReport, Judgement, Tally, Verdict};
use crate::report::cause::cause;
use crate::report::laps;
use crate::report::paint::{count, one_line, seconds};

impl Talk {
    /// What was made of an attempt. The log of one that is tried again is shown here, for libtest's reports show
    /// that of the last alone.
    pub(super) fn judged(
        &mut self,
        attempt: AttemptId,
        report: &AttemptReport,
        judgement: Option<&Judgement>,
    ) -> String {
        let Some(judgement) = judgement else {
            return String::new();
        };
        let name = self.name(attempt.trial);
        let mut block = Block::new(self.paint(), self.look.width);
        if let Some(known) = &judgement.known {
            let (id, why) = (&known.signature, one_line(&known.cause));
            block.line("KNOWN", &format!("{name}: `{id}`: {why}"));
            if !known.remedy.is_empty() {
                block.line("", &format!("hint: {}", one_line(&known.remedy)));
            }
        }
        if let Some(again) = &judgement.again {
            let (why, after) = (one_line(&again.why), seconds(again.after));
            let said = format!("{name}: {}", cause(&report.outcome));
            block.line("RETRY", &format!("{said}; again in {after}: {why}"));
            for line in report.log.lossy().lines() {
                block.line("", &one_line(line));
            }
            *self.tries.entry(attempt.trial).or_default() += 1;
        }
        if !judgement.refused.is_empty() {
            let why = one_line(&judgement.refused);
            block.line("RETRY", &format!("{name}: not tried again: {why}"));
        }
        block.text()
    }

    /// What is said of a trial that ran more than once.
    pub(super) fn laps(&mut self, trial: u32, verdict: Verdict, tally: Option<&Tally>) -> String {
        let name = self.name(trial);
        let tries = self.tries.remove(&trial).unwrap_or(0);
        let mut block = Block::new(self.paint(), self.look.width);
        if let Some(tally) = tally {
            block.line("LAPS", &format!("{name}: {}", laps::summary(tally)));
            if let Some(rate) = laps::rate(tally) {
                block.line("", &rate);
            }
            for kind in &tally.kinds {
                block.line("", &laps::first(kind));
            }
        } else if verdict == Verdict::Flaky {
            let tries = count(tries, "try");
            block.line(
                "FLAKY",
                &format!("{name} passed after {tries} that did not"),
            );
        }
        block.text()
    }
}
