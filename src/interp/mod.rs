//! Executes a script: one [`World`] in, one outcome and a log out. Knows the script language and
//! nothing of engines, slots or schedules.

mod world;

pub use world::{Finished, Interrupted, JobId, Program, StartError, Status, World};
