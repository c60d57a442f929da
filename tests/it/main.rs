//! The whole program, from the outside: what is typed, what comes out, what is left on the machine.
//!
//! Every test has directories and state of its own, a clean environment and a deadline. Nothing here sleeps
//! for luck: conditions are polled.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests start programs, wait for them, and stop at the first surprise"
)]

mod project;

mod admission;
mod bypass;
mod check;
mod conformance;
mod counting;
mod daemon;
mod doubles;
mod engines;
mod faults;
mod hangs;
mod images;
mod interruption;
mod journal;
mod ladder;
mod lanes;
mod laps;
mod layers;
mod libtest;
mod losses;
mod mischief;
mod nextest;
mod orphans;
mod settings;
mod shards;
mod sockets;
mod stacks;
mod stores;
mod surroundings;
mod testscript;
mod tidying;
mod together;
mod transcripts;
mod traps;
mod tries;
mod updates;
mod verdicts;
