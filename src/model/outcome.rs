//! The raw fact of an attempt: how it ended, where, and what was seen when it had to be ended.
//!
//! A *failure* is the test's fault; a *fault* is the machine's, the engine's or ours. Two types, so
//! that a broken engine cannot be counted as a broken test.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Bytes, EngineKind, Evidence, Why, seconds};

/// A line of a script.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The script's file as it was given.
    pub file: String,
    /// The line, from 1; 0 for what happens before the first line.
    pub line: u32,
    /// The line as written.
    pub text: Bytes,
}

/// How an attempt ended. Facts only: `classify` judges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every line did what was expected.
    Passed,
    /// The script said `skip`.
    Skipped {
        /// Its message, perhaps empty.
        reason: String,
    },
    /// A line did not do what was expected.
    Failed(Failure),
    /// The deadline passed.
    TimedOut(Box<Timeout>),
    /// The machine, the engine or the harness failed.
    Faulted(Fault),
    /// The run was interrupted while the attempt ran.
    Cancelled,
}

/// A line that did not do what was expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Where.
    pub place: Place,
    /// In the words of Go's testscript; names and outputs in it need not be UTF-8.
    pub message: Bytes,
}

/// The program whose end made the failing line fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedProgram {
    /// Its exit code; `None` when a signal ended it.
    pub exit: Option<i32>,
    /// The signal that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// What it wrote to stderr last.
    pub stderr: Bytes,
    /// The last engine command that it ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<EngineCall>,
}

/// A command of a container engine that a script's program ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineCall {
    /// The client that was called.
    pub engine: EngineKind,
    /// What it was to do, in its shortest form: `run`, `rmi`, `network rm`.
    pub command: String,
    /// The program is the client itself, so its exit code is the engine's word.
    pub direct: bool,
}

/// Who is to blame for a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The worker process died or did not answer.
    Slot,
    /// The engine could not be reached or did not answer.
    Engine,
    /// An intent could not be written, so nothing was created.
    Ledger,
    /// Files, processes or memory of the machine.
    Machine,
}

/// Something other than the script failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Who.
    pub kind: FaultKind,
    /// What, as a lowercase fragment.
    pub message: String,
    /// What the culprit said last, such as a dead slot's stderr.
    pub detail: Bytes,
}

/// Whether anything moved between two looks at a script that passed its deadline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Movement {
    /// Processor time or bytes moved: the script is slow.
    Moving,
    /// Nothing moved: the script hangs.
    Still,
    /// It could not be told.
    Unknown {
        /// Why not.
        why: String,
    },
}

/// A deadline that passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeout {
    /// The line that was running.
    pub place: Place,
    /// How long that line had been running.
    #[serde(with = "seconds")]
    pub line_elapsed: Duration,
    /// The deadline that passed.
    #[serde(with = "seconds")]
    pub deadline: Duration,
    /// Slow or hung.
    pub movement: Movement,
    /// What was seen before the first signal.
    pub evidence: Evidence,
    /// Why, as far as it follows from that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
}

/// How a process of a script was ended by us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// It ended after SIGTERM.
    Terminated,
    /// It needed SIGKILL.
    Killed,
    /// It could not be ended.
    Survived,
}

/// A process that we had to end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedProcess {
    /// Its id.
    pub pid: i32,
    /// Its command line.
    pub command: String,
    /// What it took.
    pub how: How,
    /// The kernel's letter for its state when it was given up; `None` when it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<char>,
    /// The kernel function that it was in then; empty when it ended, or when the kernel does not tell.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub wchan: String,
    /// It is a client of an engine: while it cannot be ended, the engine is not to be trusted.
    #[serde(default, skip_serializing_if = "super::evidence::is_false")]
    pub engine_client: bool,
}

impl EndedProcess {
    /// One of which no more is to be said.
    pub fn new(pid: i32, command: String, how: How) -> Self {
        EndedProcess {
            pid,
            command,
            how,
            state: None,
            wchan: String::new(),
            engine_client: false,
        }
    }
}

/// An output pipe that was still open when its command had ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leak {
    /// The line whose command left it open.
    pub place: Place,
    /// Who holds it: pid and command line; empty when it cannot be told. They descend from that line's
    /// command, for nobody else can have inherited its output.
    pub holders: Vec<(i32, String)>,
    /// By which descriptors: pid and number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub descriptors: Vec<(i32, i32)>,
}
