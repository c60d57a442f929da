//! How many attempts may run at once: in each lane, and over both.

use std::num::NonZeroU32;

/// How many attempts at once.
pub type Width = NonZeroU32;

/// The limits of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Attempts in the plain lane.
    pub plain: Width,
    /// Attempts over both lanes (`--test-threads`); `None`: the lanes do not count against each other.
    pub together: Option<Width>,
}
