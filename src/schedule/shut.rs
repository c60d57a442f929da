//! How far a lane is shut, and what still begins in it.

use crate::model::AttemptId;

/// What of a lane will not begin any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shut {
    /// Nothing.
    Open,
    /// Every lap but the first.
    Further,
    /// Laps that have not begun; one that has is tried again if it must.
    Laps,
    /// Anything.
    All,
}

impl Shut {
    pub(super) fn last(self) -> Option<u32> {
        match self {
            Shut::Open => None,
            Shut::Further => Some(1),
            Shut::Laps | Shut::All => Some(0),
        }
    }

    pub(super) fn admits(self, id: AttemptId) -> bool {
        let lap = self.last().is_none_or(|last| id.lap <= last);
        self != Shut::All && (lap || id.attempt > 1)
    }
}
