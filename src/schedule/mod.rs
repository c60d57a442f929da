//! What runs when: a pure step function from events to actions.
//!
//! Reads no clock and touches nothing: the driver performs the actions and feeds back what happened, and
//! tests do the same in simulated time.

mod admission;
mod desks;
mod lanes;
mod laps;
mod line;
mod news;
mod queue;
mod room;
mod shut;
mod step;
mod tally;
#[cfg(test)]
mod tests;

pub use admission::{AdmissionRules, Health, Sight, Turned};
pub use lanes::{Limits, Needs, Trial, Width};
pub use laps::{Laps, Order, Stop};
pub use news::{Action, Ending, News};
pub use step::Scheduler;
