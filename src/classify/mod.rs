//! What it meant: attempts → verdict, verdicts → conclusion. Pure; the only maker of either.

mod catalogue;
pub mod rate;

use crate::model::{AttemptReport, Conclusion, Counts, LeakRule, Movement, Outcome, Verdict};

pub use catalogue::Catalogue;

/// The attempts of one trial, in order; never none.
#[derive(Debug, Clone)]
pub struct Attempts<'a> {
    first: &'a AttemptReport,
    rest: &'a [AttemptReport],
}

impl<'a> Attempts<'a> {
    /// `None` when there is no attempt to judge.
    pub fn of(reports: &'a [AttemptReport]) -> Option<Self> {
        let (first, rest) = reports.split_first()?;
        Some(Attempts { first, rest })
    }

    fn last(&self) -> &'a AttemptReport {
        self.rest.last().unwrap_or(self.first)
    }
}

/// The verdict of a trial. Attempts that disagree make it flaky, when the last one passed.
pub fn verdict(attempts: &Attempts<'_>, leaks: LeakRule) -> Verdict {
    let last = of_one(attempts.last(), leaks);
    let agreed = of_one(attempts.first, leaks) == last;
    if last == Verdict::Passed && !agreed {
        Verdict::Flaky
    } else {
        last
    }
}

fn of_one(report: &AttemptReport, leaks: LeakRule) -> Verdict {
    match &report.outcome {
        Outcome::Passed if leaks == LeakRule::Fail && !report.leaks.is_empty() => Verdict::Failed,
        Outcome::Passed => Verdict::Passed,
        Outcome::Skipped { .. } => Verdict::Skipped,
        Outcome::Failed(_) => Verdict::Failed,
        Outcome::TimedOut(timeout) => match timeout.movement {
            Movement::Moving => Verdict::Slow,
            Movement::Still | Movement::Unknown { .. } => Verdict::Hung,
        },
        Outcome::Faulted(_) => Verdict::Faulted,
        Outcome::Cancelled => Verdict::NotRun,
    }
}

/// What, apart from verdicts, decides how a run ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// The signal that ended the run.
    pub signal: Option<i32>,
    /// Leftovers, or leaked pipes, under `strict`.
    pub unclean: bool,
    /// Nothing was selected, and that is worth saying.
    pub empty: bool,
}

/// The conclusion of a run: the first that holds, in the order of the exit codes.
pub fn conclusion(
    verdicts: impl IntoIterator<Item = Verdict>,
    circumstances: Circumstances,
) -> Conclusion {
    let counts: Counts = verdicts.into_iter().collect();
    match circumstances {
        Circumstances {
            signal: Some(signal),
            ..
        } => Conclusion::Interrupted { signal },
        _ if counts.failed > 0 => Conclusion::Failed,
        _ if counts.faulted > 0 => Conclusion::Faulted,
        Circumstances { unclean: true, .. } => Conclusion::Unclean,
        Circumstances { empty: true, .. } => Conclusion::Empty,
        _ => Conclusion::Passed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALM: Circumstances = Circumstances {
        signal: None,
        unclean: false,
        empty: false,
    };

    #[track_caller]
    fn check(verdicts: &[Verdict], circumstances: Circumstances, code: u8) {
        assert_eq!(
            conclusion(verdicts.iter().copied(), circumstances).exit_code(),
            code,
            "{verdicts:?}"
        );
    }

    #[test]
    fn the_exit_code_is_the_first_that_holds() {
        use Verdict::{Failed, Faulted, Flaky, Hung, Ignored, NotRun, Passed, Skipped, Slow};
        let unclean = Circumstances {
            unclean: true,
            ..CALM
        };
        let signaled = |signal| Circumstances {
            signal: Some(signal),
            ..unclean
        };
        check(&[], CALM, 0);
        check(
            &[],
            Circumstances {
                empty: true,
                ..CALM
            },
            4,
        );
        check(&[Passed, Flaky, Skipped, Ignored], CALM, 0);
        check(&[Passed], unclean, 103);
        check(&[Passed, NotRun], unclean, 102);
        check(&[Faulted], CALM, 102);
        for failure in [Failed, Hung, Slow] {
            check(&[Faulted, failure, Passed], unclean, 101);
        }
        check(&[Failed], signaled(2), 130);
        check(&[NotRun], signaled(15), 143);
    }
}
