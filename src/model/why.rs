//! Why a script hangs: a class, and one sentence. Made by `diagnose`, and only from the facts of a
//! [`Scene`](super::Scene).

use serde::{Deserialize, Serialize};

/// Why a script hangs, by what its last waiter in the chain waits for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HangClass {
    /// A reader waits for the end of a pipe that somebody else still has open for writing.
    PipeHeld,
    /// A writer waits for room in a pipe that nobody reads.
    PipeFull,
    /// A lock on a file.
    LockFile,
    /// A lock of libpod, in shared memory.
    LockLibpod,
    /// A daemon was asked and says nothing.
    Daemon,
    /// A child or a container that does not end, for no reason that can be seen.
    Child,
    /// A stopped process.
    Stopped,
    /// A FIFO that nobody opened at the other end.
    Fifo,
    /// A file system or device that does not answer.
    DeadFs,
    /// Input from a terminal.
    Terminal,
    /// It computes.
    Busy,
    /// It sleeps.
    Sleeping,
    /// It cannot be told.
    #[default]
    Unknown,
}

impl HangClass {
    /// The word of the class, as records and tallies have it.
    pub fn word(self) -> &'static str {
        match self {
            HangClass::PipeHeld => "pipe-held",
            HangClass::PipeFull => "pipe-full",
            HangClass::LockFile => "lock-file",
            HangClass::LockLibpod => "lock-libpod",
            HangClass::Daemon => "daemon",
            HangClass::Child => "child",
            HangClass::Stopped => "stopped",
            HangClass::Fifo => "fifo",
            HangClass::DeadFs => "dead-fs",
            HangClass::Terminal => "terminal",
            HangClass::Busy => "busy",
            HangClass::Sleeping => "sleeping",
            HangClass::Unknown => "unknown",
        }
    }
}

/// Why a script hangs: one sentence, and what it rests on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Why {
    /// The class.
    pub class: HangClass,
    /// One sentence with subject and object, without a full stop; what is not known is said in it.
    pub sentence: String,
    /// The process that waits at the head of the chain.
    pub subject: Option<i32>,
    /// The process at its end: who holds, does not read, sleeps.
    pub holder: Option<i32>,
    /// What is waited for: `pipe:[2661273]`, a lock's path, a socket's path, a FIFO.
    pub resource: String,
    /// The chain for people, from the subject to the holder: one link a line, facts only.
    pub waits: Vec<String>,
    /// What to try, marked as a guess by whoever prints it; empty when there is nothing to say.
    pub hint: String,
}
