//! Reads a whole script without running it and tells everything that looks wrong.
//!
//! Pure. Knows no command by name: what it is told of them comes from the table that executes them.

mod facts;

pub use facts::{CommandFacts, Flag, Form, Role};
