//! A test harness for command-line programs that drive containers.

// The rooms, in the order in which a script passes through them.
pub mod engine;
pub mod host;
pub mod interp;
pub mod ledger;
pub mod model;
pub mod shim;
