//! What scripts made in the engine, written down before it was made; and its removal, with proof.
//!
//! Nothing is removed on doubt, nothing by name alone unless it was new. Knows nothing of scripts and schedules.

mod builds;
mod calls;
mod contents;
mod id_file;
pub mod intents;
pub mod journal;
mod keep;
pub mod labels;
pub mod life;
mod lines;
pub mod lookout;
pub mod orphans;
mod outcomes;
pub mod proof;
pub mod proxy;
pub mod remedy;
pub mod remove;
pub mod state;
mod unannounced;

pub use keep::{forget, runs};
