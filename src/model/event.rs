//! Everything a run learns, as events. They are appended to the record as they happen and folded by
//! every report; replaying a record gives the same report.
//!
//! New facts are added as fields with `#[serde(default)]`; a change that old readers cannot follow
//! raises [`Event::VERSION`].

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    AttemptId, Bearing, Bytes, Cleanup, Conclusion, EndedProcess, EngineFacts, FailedProgram, Hold,
    Judgement, LadderStep, Lane, Leak, Look, Outcome, Policy, QuietSample, RunId, SlotId,
    StillRunning, Tally, Timeout, Verdict, seconds,
};

/// One fact of a run. Times are in the record's lines, not in the facts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The first event of every record.
    RunStarted(Box<RunFacts>),
    /// A trial was selected. All of them come before the first attempt.
    TrialPlanned(TrialFacts),
    /// What is known of the engine, once it is known.
    Engine(EngineState),
    /// What is under test, once it has been read: name → hash of the executable. Reading it takes longer
    /// than starting, so it comes when it is done.
    Programs {
        /// The harness's own executable, which holds the registered programs, is `harness`.
        hashes: BTreeMap<String, String>,
        /// The processor they were built for, as this build knows it: `x86_64`.
        arch: String,
    },
    /// A slot began to execute a trial.
    AttemptStarted(AttemptStart),
    /// A plain trial's program called the engine: held until the container lane admits it.
    AttemptHeld {
        /// Which attempt.
        attempt: AttemptId,
        /// What it called, as typed.
        command: String,
    },
    /// A held attempt was let go.
    AttemptAdmitted {
        /// Which attempt.
        attempt: AttemptId,
        /// How long it was held; not charged to its deadline.
        #[serde(with = "seconds")]
        waited: Duration,
    },
    /// A call that must not overlap with others has had the gate to itself, until now.
    GatePassed {
        /// Of which attempt.
        attempt: AttemptId,
        /// The call, as typed.
        command: String,
        /// How long it waited; not charged to the deadline.
        #[serde(with = "seconds")]
        waited: Duration,
        /// When the gate opened for it, since the run began.
        #[serde(with = "seconds")]
        opened: Duration,
        /// How long it had the gate.
        #[serde(with = "seconds")]
        held: Duration,
    },
    /// Somebody asked what runs now, and this does.
    AttemptSeen {
        /// Which attempt.
        attempt: AttemptId,
        /// What was seen.
        look: Box<Look>,
    },
    /// An attempt passed its deadline, and everything of it is kept alive until somebody lets it go.
    AttemptHung {
        /// Which attempt.
        attempt: AttemptId,
        /// What was seen.
        timeout: Box<Timeout>,
        /// Where to attach.
        hold: Hold,
    },
    /// Nothing has ended for a while; this is what runs.
    Heartbeat {
        /// All of it, the longest first.
        running: Vec<StillRunning>,
    },
    /// A slot finished a trial, cleaning included.
    AttemptEnded {
        /// Which attempt.
        attempt: AttemptId,
        /// All that was learnt.
        report: Box<AttemptReport>,
        /// What was made of it; older records do not tell.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        judgement: Option<Box<Judgement>>,
    },
    /// A trial was judged.
    TrialSettled {
        /// Its number in the plan, from 1.
        trial: u32,
        /// The judgement.
        verdict: Verdict,
        /// Why it was ignored, skipped or not run; empty otherwise.
        reason: String,
        /// What that means for the run.
        #[serde(default, skip_serializing_if = "is_usual")]
        bearing: Bearing,
        /// Its laps, if there was more than one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tally: Option<Box<Tally>>,
    },
    /// A slot was replaced, and why.
    SlotReplaced {
        /// Which.
        slot: SlotId,
        /// `it adopted engine helpers`, `it crashed`, …
        why: String,
    },
    /// A signal asked the run to end.
    Cancelled {
        /// The signal's number.
        signal: i32,
    },
    /// What could not be removed after an attempt was tried again at the end of the run.
    CleanedAtLast {
        /// Which attempt.
        attempt: AttemptId,
        /// What is gone now; its leftovers are those that remain of the attempt.
        cleanup: Cleanup,
    },
    /// What a killed run had left was found and cleaned.
    Reaped(Box<Reaped>),
    /// What goes on, and nothing is wrong: whom the run waits for, that it goes on.
    Note {
        /// As a lowercase fragment.
        message: String,
    },
    /// Something went wrong that changes no verdict.
    Warning {
        /// As a lowercase fragment.
        message: String,
    },
    /// The last event of a record whose run was not killed.
    RunEnded {
        /// The judgement.
        conclusion: Conclusion,
        /// From start to end.
        #[serde(with = "seconds")]
        duration: Duration,
    },
}

fn is_usual(bearing: &Bearing) -> bool {
    *bearing == Bearing::AsUsual
}

impl Event {
    /// A trial whose verdict means what such a verdict always means.
    pub fn settled(trial: u32, verdict: Verdict, reason: String) -> Event {
        Event::TrialSettled {
            trial,
            verdict,
            reason,
            bearing: Bearing::AsUsual,
            tally: None,
        }
    }

    /// The version of the record's format.
    pub const VERSION: u32 = 1;
}

/// What became of the things of a killed run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaped {
    /// The run that was killed.
    pub run: RunId,
    /// Its processes.
    pub ended: Vec<EndedProcess>,
    /// Its resources and directories.
    pub cleanup: Cleanup,
}

impl Reaped {
    /// There was nothing.
    pub fn is_empty(&self) -> bool {
        let Cleanup {
            removed,
            gone: _,
            kept: _,
            leftovers,
            unconfirmed: _,
            unlabelled: _,
            duration: _,
        } = &self.cleanup;
        self.ended.is_empty() && removed.is_empty() && leftovers.is_empty()
    }
}

/// What is fixed for a whole run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunFacts {
    /// [`Event::VERSION`] of the writer.
    pub version: u32,
    /// The writer: `shakedown 0.1.0`.
    pub writer: String,
    /// The run's id.
    pub run: RunId,
    /// What was typed.
    pub arguments: Vec<String>,
    /// Machine name.
    pub host: String,
    /// `x86_64`, `aarch64`.
    pub arch: String,
    /// Kernel name and release.
    pub kernel: String,
    /// Processors that this process may use.
    pub cores: u32,
    /// The commit checked out, or empty.
    pub commit: String,
    /// Hash of the configuration in force (sha-256 would be for enemies; this one is for change): hex.
    pub config_hash: String,
    /// Seed of everything random in this run.
    pub seed: u64,
    /// Trials start in random order, by the seed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shuffled: bool,
    /// Trials that were filtered out, for libtest's closing line.
    pub filtered_out: usize,
    /// Upper limit of trials at once, over both lanes.
    pub width: u32,
    /// The words that run one trial of this run again, with the trial's name behind them; empty when there
    /// are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repeat: Vec<String>,
    /// The part of the suite that this run is; `None`: it is whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<ShardFacts>,
}

/// One part of a suite that is divided over machines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardFacts {
    /// Which part, from 1 to `total`.
    pub index: u32,
    /// How many parts there are.
    pub total: u32,
    /// The flag or variable that said so.
    pub origin: String,
    /// Scripts of this part.
    pub scripts: usize,
    /// Scripts of all parts.
    pub of: usize,
    /// How long the scripts of this part take one after the other, by recorded durations; `None` without any.
    #[serde(with = "seconds::optional")]
    pub estimate: Option<Duration>,
    /// Of all that the division was made from: parts of the same digest do not overlap and leave nothing out.
    pub digest: String,
}

/// What is known of a trial before it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialFacts {
    /// Its number in the plan, from 1.
    pub trial: u32,
    /// Its name.
    pub name: String,
    /// The script's file as given.
    pub file: String,
    /// Its lane by the static guess.
    pub lane: Lane,
    /// Hash of the script's bytes: hex.
    pub script_hash: String,
    /// Why it will not run, or empty.
    pub ignored: String,
}

/// What is known of the engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineState {
    /// One was selected.
    Selected {
        /// Its facts.
        facts: Box<EngineFacts>,
        /// The policy of the container lane.
        policy: Policy,
        /// Why this policy, as a clause.
        reason: String,
        /// Digests of the images named in the configuration: name → digest.
        images: BTreeMap<String, String>,
    },
    /// None can be used.
    Missing {
        /// One clause per engine: what was tried and what came of it.
        why: Vec<String>,
    },
}

/// The circumstances of an attempt, known when it starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptStart {
    /// Which attempt.
    pub attempt: AttemptId,
    /// Where.
    pub slot: SlotId,
    /// The lane it is scheduled in.
    pub lane: Lane,
    /// Attempts running in the same moment, this one included.
    pub parallelism: u32,
    /// Its place in the order of starts, from 1.
    pub order: u32,
    /// The deadline in force.
    #[serde(with = "seconds")]
    pub deadline: Duration,
}

/// Where the time of an attempt went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timings {
    /// From the first line to the last, waits included.
    #[serde(with = "seconds")]
    pub script: Duration,
    /// Waits at gate and lock within it; not charged to the deadline.
    #[serde(with = "seconds")]
    pub held: Duration,
    /// The ladder at a deadline or a cancel.
    #[serde(with = "seconds")]
    pub ladder: Duration,
}

/// What the machine went through while an attempt ran. `None` where the kernel does not tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineDelta {
    /// Microseconds in which some task waited for a processor (`/proc/pressure/cpu`, `some`).
    pub cpu_stall_us: Option<u64>,
    /// The same for memory.
    pub memory_stall_us: Option<u64>,
    /// The same for input and output.
    pub io_stall_us: Option<u64>,
    /// Processes that the kernel killed for want of memory (`oom_kill` of `/proc/vmstat`).
    pub oom_kills: Option<u64>,
    /// Free bytes where work directories live, after minus before.
    pub disk_free_bytes: Option<i64>,
}

/// All that was learnt from an attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptReport {
    /// How it ended.
    pub outcome: Outcome,
    /// Its log; a long one is cut in the middle and whole in `log_file`.
    pub log: Bytes,
    /// The file with the whole log, or empty when `log` is whole.
    pub log_file: String,
    /// Where the time went.
    pub timings: Timings,
    /// What was removed and what is left.
    pub cleanup: Cleanup,
    /// Processes of the script that had to be ended.
    pub ended: Vec<EndedProcess>,
    /// Output pipes that were held open.
    pub leaks: Vec<Leak>,
    /// Engine commands of the script: argument lists as typed, for the report and the fingerprint.
    pub engine_calls: u32,
    /// What the machine went through meanwhile.
    pub machine: MachineDelta,
    /// The work directory, where it was kept; else empty.
    pub work_dir: String,
    /// The script's file, where `--update` rewrote it; else empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub updated: String,
    /// Files of its archive that were quoted by that although the script does not unquote them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quoted: Vec<String>,
    /// Quiet looks on the way to the deadline, where the script did not pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<QuietSample>,
    /// What was done to end it, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ladder: Vec<LadderStep>,
    /// The file with everything about its hang; else empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hang_file: String,
    /// The program whose end made the failing line fail; `None` when the line failed for something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<FailedProgram>,
}
