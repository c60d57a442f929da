//! Executes a script: one [`World`] in, one outcome and a log out. Knows the script language and
//! nothing of engines, slots or schedules.

mod commands;
mod conditions;
mod contents;
mod deferred;
mod environment;
mod execute;
mod golden;
mod gotext;
mod halt;
mod log;
mod registry;
mod session;
#[cfg(test)]
mod tests;
mod unpack;
mod world;

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::host::spares::Spares;
use crate::model::{EngineKind, Failure};

pub use crate::model::{AfterFailure, Demands, Detail, Golden, Length};
pub use commands::{explain, facts as command_facts, names as command_names, reference};
pub use environment::environment;
pub use execute::execute;
pub use registry::{CommandContext, CommandError, Expect, Preparation, Registry};
pub use world::{
    Finished, Interrupted, JobId, Program, StartError, Status, Terminal, Waiting, World,
};

/// What a script is executed with, apart from the script itself.
#[derive(Debug, Clone)]
pub struct Setup {
    /// `$WORK`: absolute, exists, and is empty but perhaps for an empty `.tmp`.
    pub work_dir: PathBuf,
    /// The script's file as messages show it.
    pub file: String,
    /// `$PATH` at the start.
    pub search_path: Vec<u8>,
    /// Variables of the harness for programs built by Go, such as `GOCOVERDIR`, in order.
    pub go_variables: Vec<(Vec<u8>, Vec<u8>)>,
    /// Variables that lead to the engine, in order.
    pub engine_variables: Vec<(Vec<u8>, Vec<u8>)>,
    /// Variables of the suite's settings, in order.
    pub variables: Vec<(Vec<u8>, Vec<u8>)>,
    /// The engine that this run uses.
    pub engine: Option<EngineKind>,
    /// The harness runs inside Flatpak or Snap.
    pub sandboxed: bool,
    /// `$TAG`.
    pub tag: String,
    /// `$RUN_ID`.
    pub run_id: String,
    /// How much of the log is kept.
    pub detail: Detail,
    /// What happens after a failure.
    pub after_failure: AfterFailure,
    /// What `[short]` says.
    pub length: Length,
    /// What the suite demands beyond the language.
    pub demands: Demands,
    /// Variables that were typed (`-e`). They win over every other.
    pub typed: Vec<(Vec<u8>, Vec<u8>)>,
    /// What `cmp` does with a file of the script's own.
    pub golden: Golden,
    /// Files to be used again for those of the archive.
    pub spares: Spares,
}

/// How a script ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScriptEnding {
    /// Every line did what was expected.
    Passed,
    /// The script said `stop`, which passes.
    Stopped,
    /// The script said `skip`.
    Skipped {
        /// Its message, perhaps empty.
        reason: String,
    },
    /// A line failed; the first one, when more did.
    Failed(Failure),
    /// The world ended the script.
    Interrupted(Interrupted),
}

/// A script that was executed.
#[derive(Debug)]
pub struct Executed {
    /// How it ended.
    pub ending: ScriptEnding,
    /// What happened, for people, in Go testscript's format.
    pub log: Vec<u8>,
    /// New data for files of the archive, by their place in it; of worth only if the script passed.
    pub updates: BTreeMap<usize, Vec<u8>>,
    /// Those of them, by name, whose data is quoted from now on although the script does not unquote them.
    pub quoted: Vec<String>,
}
