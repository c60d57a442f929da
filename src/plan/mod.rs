//! What a run consists of: the trials, numbered, named, each in its lane, with its deadline. Pure.

mod build;
mod division;
mod durations;
mod excess;
mod mentions;
mod name;
mod order;
mod select;
mod shard;

pub use build::{Candidate, Planned, Rules, build};
pub use division::{Division, divide};
pub use durations::{Durations, median};
pub use excess::excess;
pub use name::{name, names};
pub use order::{Known, groups, places};
pub use select::{Chosen, Ignoring, Selection};
pub use shard::{Shard, ShardChoice, Variable, ignored_under_exact};
