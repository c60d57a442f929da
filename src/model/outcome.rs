//! The raw fact of an attempt: how it ended, where, and what was seen when it had to be ended.
//!
//! A *failure* is the test's fault; a *fault* is the machine's, the engine's or ours. Two types, so
//! that a broken engine cannot be counted as a broken test.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Bytes, seconds};

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
}

/// What was seen of a script at its deadline, before anything was touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// The script's processes as they stood.
    Seen {
        /// Root first.
        processes: Vec<ProcessFact>,
    },
    /// Nothing could be seen.
    Unavailable {
        /// Why not.
        why: String,
    },
}

/// One process of a script, at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessFact {
    /// Its id.
    pub pid: i32,
    /// Its parent's id.
    pub parent: i32,
    /// The kernel's letter: `R`, `S`, `D`, `T`, `Z`.
    pub state: char,
    /// Its command line, words joined by blanks; the short name in brackets when there is none.
    pub command: String,
    /// The kernel function it sleeps in; empty when unknown.
    pub wchan: String,
    /// Processor time used so far.
    #[serde(with = "seconds")]
    pub cpu: Duration,
    /// Bytes read and written so far; `None` when not permitted.
    pub io_bytes: Option<u64>,
    /// It serves other scripts too (conmon, a network helper) and is never signalled.
    pub engine_helper: bool,
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
}

/// An output pipe that was still open when its command had ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leak {
    /// The line whose command left it open.
    pub place: Place,
    /// Who holds it: pid and command line; empty when it cannot be told.
    pub holders: Vec<(i32, String)>,
}
