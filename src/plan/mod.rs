//! What a run consists of: the trials, numbered, named, each in its lane, with its deadline. Pure.

mod build;
mod division;
mod mentions;
mod name;
mod select;
mod shard;

pub use build::{Candidate, Planned, Rules, build};
pub use division::{Division, divide};
pub use name::{name, names};
pub use select::{Chosen, Ignoring, Selection};
pub use shard::{Shard, ShardChoice, Variable, ignored_under_exact};
