//! The stand-in `docker` and `podman` that a script finds first in its PATH: it writes down what is about
//! to be made and becomes the real client.
//!
//! It parses only what it must and passes the rest untouched. Knows nothing of scripts.

mod archive;
pub mod arguments;
pub mod command;
mod credentials;
mod enter;
pub mod environment;
mod flags;
mod gate;
mod names;
pub mod reading;
pub mod role;

pub use enter::{TRIAL, called_as, enter, slot_directory};
