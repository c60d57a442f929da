//! The container engine: which one, in which health, and how it is asked. An answer is three-valued:
//! doubt is never read as absence.
//!
//! Asks over the engine's socket or through its own client, always under a limit. Knows nothing of scripts, and removes nothing.

pub mod api;
pub mod client;
pub mod container;
pub mod containers_conf;
pub mod detect;
mod facts;
#[cfg(test)]
pub(crate) mod fake;
pub mod helpers;
pub mod holder;
pub mod http;
pub mod images;
pub mod inspect;
pub mod listing;
pub mod names;
pub mod presence;
mod probe;
pub mod runtimes;
pub mod share;
pub mod trouble;
pub mod turn;
