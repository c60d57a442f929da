//! The attempts of a trial that is not settled, and the text that libtest's reports show of them.

use std::fmt::Write;
use std::time::Duration;

use super::cause::cause;
use super::laps;
use crate::model::{AttemptId, AttemptReport, Judgement, Outcome, Tally, Verdict};

/// One that is shown whole.
#[derive(Debug)]
struct Shown {
    attempt: AttemptId,
    outcome: Outcome,
    log: String,
}

impl Shown {
    fn add_to(&self, text: &mut String) {
        *text += &self.log;
        // A failure's log ends with its cause; what was done to a script is not in its log.
        if !matches!(
            self.outcome,
            Outcome::Passed | Outcome::Skipped { .. } | Outcome::Failed(_)
        ) {
            line(text, &cause(&self.outcome));
        }
        if let Outcome::Faulted(fault) = &self.outcome
            && !fault.detail.0.is_empty()
        {
            line(text, fault.detail.lossy().trim_end());
        }
    }
}

/// A trial between its first attempt and its verdict.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    /// One line for each attempt of the last lap but its last.
    earlier: Vec<String>,
    last: Option<Shown>,
    /// The first lap of each kind that did not pass.
    firsts: Vec<(String, Shown)>,
    /// Over all attempts.
    pub(super) took: Duration,
}

impl Attempts {
    /// One more that is over; `passing`: texts of attempts that passed are wanted.
    pub(super) fn add(
        &mut self,
        attempt: AttemptId,
        report: &AttemptReport,
        judgement: Option<&Judgement>,
        passing: bool,
    ) {
        if let Some(last) = self.last.take() {
            if last.attempt.lap == attempt.lap {
                self.earlier.push(cause(&last.outcome));
            } else {
                self.earlier.clear();
            }
        }
        self.took += report.timings.script;
        let passed = matches!(report.outcome, Outcome::Passed);
        let shown = || Shown {
            attempt,
            outcome: report.outcome.clone(),
            log: if passed && !passing {
                String::new()
            } else {
                log(report)
            },
        };
        let is_last = judgement.is_some_and(|judgement| judgement.again.is_none());
        let kind = judgement.map_or("", |judgement| judgement.kind.as_str());
        if is_last && !kind.is_empty() && self.firsts.iter().all(|(known, _)| known != kind) {
            self.firsts.push((kind.to_owned(), shown()));
        }
        self.last = Some(shown());
    }

    /// What is shown when the trial is settled; ends with a line end.
    pub(super) fn text(self, verdict: Verdict, reason: &str, tally: Option<&Tally>) -> String {
        let mut text = String::new();
        if let Some(tally) = tally {
            line(&mut text, &laps::summary(tally));
            if let Some(rate) = laps::rate(tally) {
                line(&mut text, &rate);
            }
            for kind in &tally.kinds {
                line(&mut text, &format!("\n{}", laps::first(kind)));
                let shown = self.firsts.iter().find(|(known, _)| *known == kind.kind);
                if let Some((_, shown)) = shown {
                    shown.add_to(&mut text);
                }
            }
            return text;
        }
        for (number, earlier) in self.earlier.iter().enumerate() {
            line(&mut text, &format!("attempt {}: {earlier}", number + 1));
        }
        match &self.last {
            Some(last) => last.add_to(&mut text),
            None if reason.is_empty() => line(&mut text, verdict.word()),
            None => line(&mut text, &format!("{verdict}: {reason}")),
        }
        text
    }
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("writing to a string cannot fail");
}

fn log(report: &AttemptReport) -> String {
    let mut log = report.log.lossy();
    if !log.is_empty() && !log.ends_with('\n') {
        log.push('\n');
    }
    if !report.log_file.is_empty() {
        line(&mut log, &format!("the whole log: {}", report.log_file));
    }
    if !report.work_dir.is_empty() {
        line(
            &mut log,
            &format!("the work directory: {}", report.work_dir),
        );
    }
    log
}
