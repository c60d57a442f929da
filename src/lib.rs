//! A test harness for command-line programs that drive containers.

// The rooms, in the order in which a script passes through them.
pub mod classify;
pub mod cli;
pub mod config;
pub mod diagnose;
pub mod engine;
pub mod history;
pub mod host;
pub mod interp;
pub mod ledger;
pub mod model;
pub mod plan;
pub mod report;
pub mod run;
pub mod schedule;
pub mod script;
pub mod shim;
pub mod slot;
pub mod wire;
