//! What a run consists of: the trials, numbered, named, each in its lane, with its deadline. Pure.

mod build;
mod durations;
mod name;
mod order;
mod select;

pub use build::{Candidate, Planned, Rules, build};
pub use durations::{Durations, median};
pub use name::{name, names};
pub use order::{Known, groups, places};
pub use select::{Chosen, Ignoring, Selection};
