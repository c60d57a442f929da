//! How much may run at once: in each lane, over both, and of each group.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::model::Lane;

/// How many attempts at once.
pub type Width = NonZeroU32;

/// The limits of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Attempts in the plain lane.
    pub plain: Width,
    /// Attempts over both lanes (`--test-threads`); `None`: the lanes do not count against each other.
    pub together: Option<Width>,
    /// Attempts of each group; a trial names its groups by their places here.
    pub groups: Vec<Width>,
}

/// What every attempt of a trial needs to run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Needs {
    /// Its lane by the plan.
    pub lane: Lane,
    /// How much of its lane's width it takes, from 1; more than there is means all of it.
    pub cpus: u32,
    /// Nothing else may run beside it, in neither lane.
    pub exclusive: bool,
    /// Places of its groups in [`Limits::groups`], each once.
    pub groups: Vec<usize>,
}

impl Needs {
    /// It needs nothing but one place in the plain lane.
    pub(super) fn is_simple(&self) -> bool {
        self.lane == Lane::Plain && self.cpus == 1 && !self.exclusive && self.groups.is_empty()
    }
}

/// A trial as the scheduler sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// Its number in the plan.
    pub number: u32,
    /// What it needs.
    pub needs: Needs,
    /// How long it is expected to take, if anything is known.
    pub expected: Option<Duration>,
}
