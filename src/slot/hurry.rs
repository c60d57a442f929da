//! How much of the time that a step may take is left when the run is asked to end quickly. Knows no clock: the moment
//! is handed in.

use std::time::{Duration, Instant};

use crate::wire::Haste;

/// Of the time for everything, the ladder may take so much; the rest is for what was made in engines.
const LADDER: f64 = 0.65;
/// What SIGKILL needs at least, however little is left.
const KILL: Duration = Duration::from_secs(1);

/// What the harness asked for so far; never slower than it was.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hurry {
    grace: Option<Duration>,
    ladder_end: Option<Instant>,
    end: Option<Instant>,
}

fn earlier<T: Ord>(known: Option<T>, new: Option<T>) -> Option<T> {
    [known, new].into_iter().flatten().min()
}

impl Hurry {
    /// The harness is in this much haste, from now on.
    pub(super) fn heed(&mut self, haste: Haste, now: Instant) {
        self.grace = earlier(self.grace, haste.grace);
        self.end = earlier(self.end, haste.within.map(|within| now + within));
        let ladder = haste.within.map(|within| now + within.mul_f64(LADDER));
        self.ladder_end = earlier(self.ladder_end, ladder);
    }

    /// Between SIGTERM and SIGKILL, where so much is configured.
    pub(super) fn grace(&self, configured: Duration) -> Duration {
        self.grace.map_or(configured, |grace| grace.min(configured))
    }

    /// When the ladder ends that would end then.
    pub(super) fn ladder_end(&self, wanted: Instant) -> Instant {
        self.ladder_end.map_or(wanted, |end| end.min(wanted))
    }

    /// How long SIGKILL may be repeated, and is kept of the ladder's time, where so much is usual.
    pub(super) fn kill(&self, usual: Duration) -> Duration {
        if self.end.is_some() { KILL } else { usual }
    }

    /// How long a step may take that would like to take so long.
    pub(super) fn within(&self, now: Instant, wanted: Duration) -> Duration {
        let left = self.end.map(|end| end.saturating_duration_since(now));
        left.map_or(wanted, |left| left.min(wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::clock;

    const WANTED: Duration = Duration::from_secs(30);

    fn seconds(number: u64) -> Duration {
        Duration::from_secs(number)
    }

    #[test]
    fn without_haste_everything_takes_its_time() {
        let now = clock::now();
        let mut hurry = Hurry::default();
        hurry.heed(Haste::default(), now);
        assert_eq!(hurry.within(now, WANTED), WANTED);
        assert_eq!(hurry.grace(seconds(3)), seconds(3));
        assert_eq!(hurry.kill(seconds(5)), seconds(5));
        assert_eq!(hurry.ladder_end(now + WANTED), now + WANTED);
    }

    #[test]
    fn who_is_asked_again_is_never_slower() {
        let now = clock::now();
        let mut hurry = Hurry::default();
        let haste = |within: u64, grace: u64| Haste {
            within: Some(seconds(within)),
            grace: Some(seconds(grace)),
        };
        hurry.heed(haste(6, 1), now);
        assert_eq!(hurry.within(now + seconds(2), WANTED), seconds(4));
        assert_eq!(hurry.grace(seconds(3)), seconds(1));
        hurry.heed(haste(60, 60), now);
        assert_eq!(hurry.within(now + seconds(2), WANTED), seconds(4));
        assert_eq!(hurry.grace(seconds(3)), seconds(1));
        hurry.heed(haste(1, 0), now + seconds(2));
        assert_eq!(hurry.within(now + seconds(2), WANTED), seconds(1));
        assert_eq!(hurry.within(now + seconds(9), WANTED), Duration::ZERO);
        assert_eq!(hurry.grace(seconds(3)), Duration::ZERO);
        assert!(hurry.ladder_end(now + WANTED) < now + seconds(3));
    }
}
