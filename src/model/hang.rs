//! A script that did not end in time, before and after: how it looked on the way to its deadline, what it
//! looks like when somebody asks in between, and each step that was taken to end it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Evidence, Place, ProcessFact, Why, seconds};

/// A quiet look at a script on its way to the deadline. Kept only when the script did not pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietSample {
    /// Time charged to the script by then.
    #[serde(with = "seconds")]
    pub at: Duration,
    /// Bytes that its commands had written to their outputs by then.
    pub output_bytes: u64,
    /// Its processes, parents before children.
    pub processes: Vec<ProcessFact>,
}

/// A script that runs, seen because somebody asked. It goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// The line that runs.
    pub place: Place,
    /// How long that line has been running.
    #[serde(with = "seconds")]
    pub line_elapsed: Duration,
    /// Time charged to the script so far.
    #[serde(with = "seconds")]
    pub charged: Duration,
    /// The deadline in force.
    #[serde(with = "seconds")]
    pub deadline: Duration,
    /// What was seen.
    pub evidence: Evidence,
    /// What it waits for, as far as it follows from that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
}

/// A script that is kept alive past its deadline, so that somebody can attach to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Its work directory.
    pub work_dir: String,
    /// The pid of its worker process.
    pub slot_pid: i32,
}

/// An attempt that runs, in a line about all that run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StillRunning {
    /// Which.
    pub attempt: super::AttemptId,
    /// Since it was started.
    #[serde(with = "seconds")]
    pub elapsed: Duration,
    /// The line it is at, as far as known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// One step of the ladder: what was done to a script that had to be ended, when, and how long it took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LadderStep {
    /// Since the ladder began.
    #[serde(with = "seconds")]
    pub at: Duration,
    /// How long it took.
    #[serde(with = "seconds")]
    pub took: Duration,
    /// What was done.
    #[serde(flatten)]
    pub rung: Rung,
}

/// What a step of the ladder does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Rung {
    /// Looked at everything, and touched nothing.
    Evidence {
        /// Processes seen.
        processes: u32,
        /// Questions without an answer.
        gaps: u32,
    },
    /// Asked the engine about the script's containers.
    Engine {
        /// Containers that it told something about.
        containers: u32,
        /// Questions without an answer.
        gaps: u32,
    },
    /// Kept everything alive because that was asked for.
    Held,
    /// Removed containers through the engine.
    Containers {
        /// How many.
        removed: u32,
    },
    /// Made a Go program print its stacks: SIGQUIT to this one process.
    Quit {
        /// Its id.
        pid: i32,
        /// Its command line.
        command: String,
        /// It ended within the time for it.
        ended: bool,
    },
    /// Sent SIGTERM.
    Terminate {
        /// To so many processes.
        processes: u32,
    },
    /// Waited for them to end by themselves.
    Grace {
        /// The most that was waited.
        #[serde(with = "seconds")]
        limit: Duration,
        /// Processes that were left.
        left: u32,
    },
    /// Sent SIGKILL, again and again, as long as there was somebody.
    Kill {
        /// To so many processes.
        processes: u32,
        /// How often everybody was looked for.
        rounds: u32,
    },
    /// What could not be ended.
    Survivors {
        /// Their ids.
        pids: Vec<i32>,
    },
}
