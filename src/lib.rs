//! A test harness for command-line programs that drive containers.

// The rooms, in the order in which a script passes through them.
pub mod host;
pub mod interp;
pub mod model;
pub mod script;
