//! The front doors: what was typed, and in the end an exit code. The harness of `cargo test` and the
//! `shakedown` program read the same flags.
//!
//! Reading what was typed is pure: arguments and environment come in as values.

mod check;
mod commands;
mod configured;
mod door;
mod entries;
mod flags;
mod given;
mod harness;
mod help;
mod libtest;
mod misuse;
mod options;
mod parse;
mod past;
mod program;
mod reap;
mod repeat;
mod reports;
#[cfg(test)]
mod tests;
mod upkeep;

pub use crate::plan::{Chosen, Ignoring, Selection};
pub use commands::{Command, TOPICS, Topic, WhichRun, command};
pub use flags::{FlagFacts, flags};
pub use harness::{Harness, Program};
pub use help::help;
pub use misuse::{Mistake, Misuse};
pub use options::{
    Action, Color, Format, LapsTyped, Options, Output, PassingLogs, Runner, StartOrder,
};
pub use parse::{Door, Environment, Typed, options};
pub use program::main;
