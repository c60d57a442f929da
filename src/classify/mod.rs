//! What it meant: attempts → verdict, verdicts → conclusion. Pure; the only maker of either.

mod again;
mod attempt;
mod catalogue;
pub mod rate;
mod trial;

use crate::model::{Conclusion, Counts, Effect};

pub use again::{Budget, Next, RetryRules, again};
pub use attempt::{Tried, known};
pub use catalogue::Catalogue;
pub use trial::{bearing, of_trial, tally};

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
    effects: impl IntoIterator<Item = Effect>,
    circumstances: Circumstances,
) -> Conclusion {
    let counts: Counts = effects.into_iter().collect();
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
    use crate::model::{Bearing, Verdict};

    const CALM: Circumstances = Circumstances {
        signal: None,
        unclean: false,
        empty: false,
    };

    #[track_caller]
    fn check(verdicts: &[Verdict], circumstances: Circumstances, code: u8) {
        assert_eq!(
            conclusion(
                verdicts
                    .iter()
                    .map(|verdict| verdict.effect(&Bearing::AsUsual)),
                circumstances
            )
            .exit_code(),
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
