//! Executes a script: one [`World`] in, one ending and a log out. Knows the script language and
//! nothing of engines, slots or schedules.
//!
//! [`execute`] unpacks the archive, then takes line after line: words, conditions, command. Commands
//! stand in one table ([`BUILTINS`]); each family has a file. Programs and time are the world's.

mod builtins;
mod condition;
mod environment;
mod execution;
mod halt;
mod jobs;
mod log;
mod os_error;
mod registry;
mod setup;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod world;

pub use builtins::{BUILTINS, Builtin, Negation, Origin};
pub use execution::{Ending, Executed, execute};
pub use registry::{CommandContext, CommandError, CommandFunction, ConditionFunction, Registry};
pub use setup::{
    BarePrograms, Detail, DuplicateNames, InitialValues, OnFailure, Setup, initial_environment,
};
pub use world::{Finished, Interrupted, JobId, Program, StartError, Status, World};
