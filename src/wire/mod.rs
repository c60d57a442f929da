//! The messages between the harness and its slots, and between a slot and a shim.
//!
//! One JSON object a line. Values only: how they travel is `host::channel`'s business, what they cause
//! is the driver's and the slot's. Nothing here outlives a run, so nothing here is versioned: both ends
//! are the same executable.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{
    AfterFailure, AttemptId, AttemptReport, Bytes, Demands, Detail, Dialect, EngineFacts,
    EngineKind, Finding, Golden, Hold, LadderStep, Lane, Length, Look, RunId, SlotId, Timeout,
};

/// `argv[0]` of a slot: the role is looked up before anything else.
pub const SLOT: &str = "shakedown-slot";
/// The name of the socket in a slot's directory where stand-ins ask.
pub const DESK: &str = ".desk";

/// Environment variables, as a list: order and odd names matter.
pub type Variables = Vec<(Bytes, Bytes)>;

/// The variables as the standard library wants them.
pub fn os_variables(variables: &Variables) -> Vec<(OsString, OsString)> {
    let os = |bytes: &Bytes| OsString::from_vec(bytes.0.clone());
    variables
        .iter()
        .map(|(name, value)| (os(name), os(value)))
        .collect()
}

/// From the harness to a slot.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum ToSlot {
    /// The first message: what is fixed for the slot's life.
    Setup(Box<SlotSetup>),
    /// What is known of the engine. Comes before the first attempt that needs it.
    Engine(Box<Grant>),
    /// Execute this after what was sent before.
    Run(Box<Job>),
    /// Give an attempt back, if it has not begun.
    Recall(AttemptId),
    /// The container lane admits the held attempt.
    Admit(AttemptId),
    /// The gate is open for this stand-in.
    Open {
        /// Of which attempt.
        attempt: AttemptId,
        /// Which stand-in.
        caller: u32,
    },
    /// Say what this attempt does now. It goes on.
    Look(AttemptId),
    /// Go on with an attempt that is kept alive past its deadline: end it.
    Release(AttemptId),
    /// End what runs, clean up, and take no more. May be said again, to be quicker.
    Cancel(Haste),
}

/// How quickly a slot ends what it runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Haste {
    /// The whole of it, cleaning included; `None`: each step as long as it may take.
    pub within: Option<Duration>,
    /// The most that a process has between SIGTERM and SIGKILL; `None`: as configured.
    pub grace: Option<Duration>,
}

/// From a slot to the harness.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum FromSlot {
    /// It began to execute this attempt.
    Started(AttemptId),
    /// A plain attempt called the engine with this command line; it waits for `Admit`.
    Held {
        /// Which attempt.
        attempt: AttemptId,
        /// As typed, for people.
        command: String,
    },
    /// The script asked which engine there is; it waits for `Engine`.
    AskEngine(AttemptId),
    /// A recalled attempt is handed back untouched.
    Recalled(AttemptId),
    /// What it does now takes at most this long; then it has something to say again.
    Busy {
        /// For which attempt.
        attempt: AttemptId,
        /// The limit.
        at_most: Duration,
    },
    /// An attempt passed its deadline. What comes of it is told again with its end; a slot that gets stuck
    /// in between loses nothing.
    Late {
        /// Which attempt.
        attempt: AttemptId,
        /// What is known so far.
        timeout: Box<Timeout>,
    },
    /// More of what is seen of an attempt that is late.
    Found {
        /// Which attempt.
        attempt: AttemptId,
        /// What was found since.
        findings: Vec<Finding>,
    },
    /// A step of the ladder was taken.
    Step {
        /// For which attempt.
        attempt: AttemptId,
        /// The step.
        step: LadderStep,
    },
    /// An attempt is kept alive past its deadline; it waits for `Release`.
    Holding {
        /// Which attempt.
        attempt: AttemptId,
        /// What was seen of it.
        timeout: Box<Timeout>,
        /// Where to attach.
        hold: Hold,
    },
    /// The answer to `Look`.
    Seen {
        /// Which attempt.
        attempt: AttemptId,
        /// What was seen of it.
        look: Box<Look>,
    },
    /// A stand-in waits at the gate for `Open`.
    AtGate {
        /// Of which attempt.
        attempt: AttemptId,
        /// Which stand-in, for the answer.
        caller: u32,
        /// For what.
        gate: Box<Gate>,
    },
    /// Something that whoever reads the run should know, and that changes no verdict.
    Warning(String),
    /// An attempt is over, cleaning included.
    Ended {
        /// Which attempt.
        attempt: AttemptId,
        /// All that was learnt.
        report: Box<AttemptReport>,
        /// What the script's file is to hold from now on: it passed under `--update`.
        rewrite: Option<Box<Rewrite>>,
        /// The slot ends now, and why; `None` when it takes more.
        retire: Option<String>,
    },
}

/// What is fixed for a slot's life.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SlotSetup {
    /// The run.
    pub run: RunId,
    /// The slot's number.
    pub slot: SlotId,
    /// The slot's own directory, first in its scripts' `PATH`: the stand-ins and programs; and, hidden, the
    /// control socket and the progress file. One directory, for making and removing them is slow.
    pub directory: Bytes,
    /// Where work directories are made.
    pub work_root: Bytes,
    /// The account's state directory, where turns are taken.
    pub account: Bytes,
    /// The file of intents.
    pub ledger: Bytes,
    /// Where engines write the ids of what they make.
    pub id_files: Bytes,
    /// Where long logs are kept.
    pub logs: Bytes,
    /// The harness's own environment: what the engine's client must not lose.
    pub environment: Variables,
    /// The directory the harness was started in.
    pub harness_directory: Bytes,
    /// Everything about how scripts are executed that is the same for all.
    pub rules: Rules,
}

/// How scripts are executed in this run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// Which language.
    pub dialect: Dialect,
    /// How much of the log is kept.
    pub detail: Detail,
    /// What a failing line does to the script.
    pub after_failure: AfterFailure,
    /// What `[short]` says.
    pub length: Length,
    /// What the suite demands beyond the language.
    pub demands: Demands,
    /// Keep work directories and resources.
    pub keep: Keep,
    /// Work directories stay whatever else goes, and logs begin with their paths.
    pub keep_work: bool,
    /// Image names and builds of scripts stay.
    pub keep_images: bool,
    /// Variables set in every script.
    pub variables: Variables,
    /// Variables that were typed, and win.
    pub typed: Variables,
    /// The most that is kept of one output, in bytes.
    pub output_cap: u64,
    /// How long output is awaited after its command has ended.
    pub leak_grace: Duration,
    /// How long a process has between SIGTERM and SIGKILL.
    pub grace: Duration,
    /// How long ending a script may take, from its deadline until its last process is gone or given up.
    pub ladder_limit: Duration,
    /// What happens at a deadline.
    pub on_hang: OnHang,
    /// How long cleaning after one attempt may take.
    pub cleanup_limit: Duration,
    /// What the engine that was not selected answers.
    pub other_engine: OtherEngine,
    /// External programs that scripts may call bare: name and path.
    pub programs: Vec<(String, Bytes)>,
    /// External commands: name and path.
    pub commands: Vec<(String, Bytes)>,
}

/// What happens to a script at its deadline, when everything has been seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnHang {
    /// It is ended.
    End,
    /// It is kept alive until the harness says otherwise.
    Hold,
}

/// What the engine that was not selected answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OtherEngine {
    /// That it is masked.
    Masked,
    /// It serves.
    Allowed,
}

/// What is kept after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Keep {
    /// Nothing.
    Nothing,
    /// The resources of attempts that did not pass.
    Failures,
    /// Everything.
    Everything,
}

/// What a slot may use of the engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grant {
    /// The engine; `None` when there is none.
    pub facts: Option<EngineFacts>,
    /// Why there is none: one clause per engine tried.
    pub missing: Vec<String>,
    /// Calls that must not overlap wait at the gate.
    pub gated: bool,
}

/// One attempt to execute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Which.
    pub attempt: AttemptId,
    /// The trial's name.
    pub name: String,
    /// The script's file as it is shown.
    pub file: String,
    /// Where the script is.
    pub path: Bytes,
    /// The lane it was admitted to.
    pub lane: Lane,
    /// Its deadline; waits are not charged.
    pub deadline: Duration,
    /// The value of `$ENGINE`: the engine selected, or the likeliest while none is needed.
    pub engine: Option<EngineKind>,
    /// What `cmp` does with a file of the script's own.
    pub golden: Golden,
    /// Why the engine cannot serve it; then it is a fault, and not executed.
    pub fault: Option<String>,
}

/// New contents of a script's file. The slot says which; the harness alone writes into the user's tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewrite {
    /// The hash of what the slot read.
    pub before: String,
    /// The whole file.
    pub after: Bytes,
    /// Files of the archive whose data is quoted from now on although the script does not unquote them.
    pub quoted: Vec<String>,
}

/// From a shim to its slot.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum FromShim {
    /// The script's program called this engine.
    Call {
        /// Under which name.
        kind: EngineKind,
        /// As typed, for people.
        command: String,
    },
    /// It is about to become the client, whose call must not overlap with others: it waits for `Open`.
    Gate(Box<Gate>),
    /// An intent could not be written, so nothing was created: the attempt is faulted.
    Fault(String),
}

/// A call that must not overlap with others of its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// The process that becomes the client.
    pub pid: i32,
    /// As typed, for people.
    pub command: String,
    /// How long nobody else may.
    pub until: Until,
}

/// How long a call has the gate to itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Until {
    /// Until the client has ended.
    Ended,
    /// Until the container has begun to run, or the client has ended.
    Begun {
        /// Where the engine writes the container's id; empty when it is known by name.
        id_file: Bytes,
        /// The containers by name or id.
        names: Vec<String>,
    },
}

/// From a slot to a shim.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum ToShim {
    /// Go on with the real client.
    Go(Box<Pass>),
    /// The gate is open.
    Open,
    /// Say this on stderr and exit with this code.
    Refuse {
        /// What to say.
        message: String,
        /// The exit code.
        code: u8,
    },
}

/// What a shim needs to go on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pass {
    /// The engine that serves.
    pub facts: EngineFacts,
    /// The real client of the name that was called.
    pub client: Bytes,
    /// Calls that must not overlap wait at the gate.
    pub gated: bool,
    /// The run.
    pub run: RunId,
    /// The attempt.
    pub attempt: AttemptId,
    /// The script's line that is running, as `file:line`.
    pub place: String,
    /// The file of intents.
    pub ledger: Bytes,
    /// Where the engine writes ids.
    pub id_files: Bytes,
    /// The variable and the file by which Podman is led to the attempt's journal, where it keeps one.
    pub journal: Option<(String, Bytes)>,
    /// The attempt's directory for copies of credentials.
    pub credentials: Bytes,
    /// The harness's environment.
    pub harness: Variables,
    /// The environment the script began with.
    pub script: Variables,
    /// Where the stand-in for the engine's socket listens (`unix://…`), if there is one.
    pub proxy: Option<Bytes>,
}
