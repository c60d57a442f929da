//! The labels on what we make: a second proof of ownership, beside the ledger.
//!
//! They go on containers, volumes, networks and pods; never on images, whose id they would change.

use crate::model::{AttemptId, RunId};

/// Key of the run's label.
pub const RUN: &str = "dev.shakedown.run";

/// Key of the attempt's label.
pub const ATTEMPT: &str = "dev.shakedown.attempt";

/// Both labels of an attempt, as `KEY=VALUE`.
pub fn of(run: &RunId, attempt: AttemptId) -> [String; 2] {
    [format!("{RUN}={run}"), format!("{ATTEMPT}={attempt}")]
}
