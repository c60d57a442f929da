//! What runs when: a pure step function from events to actions.
//!
//! Reads no clock and touches nothing: the driver performs the actions and feeds back what happened, and
//! tests do the same in simulated time.

mod admission;
mod lanes;
mod step;

pub use admission::{AdmissionRules, Health, Sight, Turned};
pub use lanes::{Limits, Width};
pub use step::{Action, Attempt, Ending, News, Scheduler};
