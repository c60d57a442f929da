//! What a run consists of: the trials, numbered, named, each in its lane, with its deadline. Pure.

mod build;
mod name;
mod select;

pub use build::{Candidate, Planned, Rules, build};
pub use name::{name, names};
pub use select::{Chosen, Ignoring, Selection};
