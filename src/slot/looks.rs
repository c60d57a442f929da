//! When a script is looked at on its way to the deadline. The looks at half and at four fifths of it are
//! kept only if the script fails; the last one, shortly before, tells a hang from slowness.
//!
//! Knows no clock: the time charged to the script is handed in.

use std::time::Duration;

use crate::diagnose::Sample;
use crate::model::QuietSample;

/// Quiet looks are due at these shares of the deadline.
const QUIET: [f64; 2] = [0.5, 0.8];
/// A deadline from here on has its last look 1 s before; a shorter one at four fifths.
const LONG: Duration = Duration::from_secs(5);

/// The looks taken so far.
#[derive(Debug, Default)]
pub(super) struct Looks {
    /// Of the quiet ones, how many were due.
    passed: usize,
    pub(super) quiet: Vec<QuietSample>,
    /// The last one, and what the script's commands had written by then.
    last: Option<(Sample, u64)>,
}

/// When the last look is due.
fn last_at(deadline: Duration) -> Duration {
    if deadline >= LONG {
        deadline.saturating_sub(Duration::from_secs(1))
    } else {
        deadline.mul_f64(0.8)
    }
}

impl Looks {
    /// When the next look is due, or the deadline itself.
    pub(super) fn due(&self, deadline: Duration) -> Duration {
        let quiet = QUIET.get(self.passed).map(|share| deadline.mul_f64(*share));
        let last = self.last.is_none().then(|| last_at(deadline));
        [quiet, last]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(deadline)
    }

    /// Takes whatever look is due: one, if several are.
    pub(super) fn take(
        &mut self,
        charged: Duration,
        deadline: Duration,
        look: impl FnOnce() -> (Sample, u64),
    ) {
        if charged < self.due(deadline) || charged >= deadline {
            return;
        }
        let (sample, written) = look();
        let share = |share: &&f64| deadline.mul_f64(**share) <= charged;
        let passed = QUIET.iter().filter(share).count();
        if passed > self.passed {
            self.passed = passed;
            self.quiet.push(QuietSample {
                at: charged,
                output_bytes: written,
                processes: sample.processes().to_vec(),
            });
        }
        if self.last.is_none() && charged >= last_at(deadline) {
            self.last = Some((sample, written));
        }
    }

    /// The last look, and what was written since then, up to `written` in all.
    pub(super) fn last(&self, written: u64) -> (Option<&Sample>, u64) {
        match &self.last {
            None => (None, 0),
            Some((sample, then)) => (Some(sample), written.saturating_sub(*then)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(tenths: u64) -> Duration {
        Duration::from_millis(tenths * 100)
    }

    /// Looks whenever it is due, and says when that was, in tenths of a second.
    #[track_caller]
    fn check(deadline: u64, expected: &[u64]) -> Looks {
        let mut looks = Looks::default();
        let mut taken = Vec::new();
        for tenth in 0..deadline {
            if at(tenth) >= looks.due(at(deadline)) {
                looks.take(at(tenth), at(deadline), || (Sample::default(), tenth));
                taken.push(tenth);
            }
        }
        assert_eq!(taken, expected, "deadline {deadline}");
        assert_eq!(looks.due(at(deadline)), at(deadline));
        looks
    }

    #[test]
    fn looks_are_taken_at_half_at_four_fifths_and_shortly_before_the_deadline() {
        check(100, &[50, 80, 90]);
        check(1800, &[900, 1440, 1790]);
        // One look serves for both.
        let looks = check(20, &[10, 16]);
        assert_eq!(looks.quiet.len(), 2);
        assert_eq!(looks.last(30).1, 14);
    }

    #[test]
    fn looks_that_were_missed_are_taken_once() {
        let mut looks = Looks::default();
        looks.take(at(99), at(100), || (Sample::default(), 0));
        assert_eq!(looks.quiet.len(), 1);
        assert_eq!(looks.due(at(100)), at(100));
        let mut late = Looks::default();
        late.take(at(100), at(100), || (Sample::default(), 0));
        assert!(late.last(0).0.is_none(), "at the deadline it is too late");
    }
}
