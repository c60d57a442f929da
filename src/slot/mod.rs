//! The worker's role: executes one script at a time, watches it, ends it, cleans up after it.
//!
//! A slot is in a session of its own, so that a signal to the harness's group does not take the cleaner
//! along, and it is a subreaper, so that every descendant of a script is its descendant. It knows
//! nothing of the plan: what to execute comes over the socket, what came of it goes back.

mod aftermath;
mod attempt;
mod beginning;
mod bypass;
mod cleaning;
mod containers;
mod deadline;
mod desk;
mod evidence;
mod failures;
mod hurry;
mod journal;
mod ladder;
mod leaks;
mod logs;
mod looks;
mod machine;
mod quit;
mod runner;
mod serve;
mod stand_in;
mod taken;
mod watch;
mod workdir;
mod world;

pub use serve::{SlotError, serve};
