//! The judgement of a trial and of a run. Made by `classify` alone; here is only its shape.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Bearing;

/// The judgement of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As expected.
    Passed,
    /// Attempts of the same thing disagreed.
    Flaky,
    /// A line did not do what was expected.
    Failed,
    /// The deadline passed and nothing moved.
    Hung,
    /// The deadline passed while something moved.
    Slow,
    /// The machine, the engine or the harness failed.
    Faulted,
    /// Never started: the run ended, or the engine is down.
    NotRun,
    /// The script skipped itself.
    Skipped,
    /// Not selected to run, or there is no engine for it.
    Ignored,
}

impl Verdict {
    /// The word of the verdict table, as reports print it.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Flaky => "flaky",
            Verdict::Failed => "failed",
            Verdict::Hung => "hung",
            Verdict::Slow => "slow",
            Verdict::Faulted => "faulted",
            Verdict::NotRun => "not run",
            Verdict::Skipped => "skipped",
            Verdict::Ignored => "ignored",
        }
    }

    /// What it does to the run, with this bearing.
    pub fn effect(self, bearing: &Bearing) -> Effect {
        match (self, bearing) {
            (_, Bearing::Quarantined(_)) | (Verdict::Skipped | Verdict::Ignored, _) => {
                Effect::Ignored
            }
            (_, Bearing::Fails) | (Verdict::Failed | Verdict::Hung | Verdict::Slow, _) => {
                Effect::Failed
            }
            (Verdict::Faulted | Verdict::NotRun, Bearing::AsUsual) => Effect::Faulted,
            (Verdict::Passed | Verdict::Flaky, Bearing::AsUsual) => Effect::Ok,
        }
    }

    /// The trial itself fails the run.
    pub fn is_failure(self) -> bool {
        matches!(self, Verdict::Failed | Verdict::Hung | Verdict::Slow)
    }

    /// Something other than the trial fails the run.
    pub fn is_fault(self) -> bool {
        matches!(self, Verdict::Faulted | Verdict::NotRun)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What a trial's verdict does to the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Nothing is wrong.
    Ok,
    /// The trial fails the run.
    Failed,
    /// Something other than the trial fails the run.
    Faulted,
    /// It does not count.
    Ignored,
}

impl Effect {
    /// The word that libtest has for it.
    pub fn libtest(self) -> &'static str {
        match self {
            Effect::Ok => "ok",
            Effect::Failed | Effect::Faulted => "FAILED",
            Effect::Ignored => "ignored",
        }
    }

    /// It fails the run.
    pub fn is_bad(self) -> bool {
        matches!(self, Effect::Failed | Effect::Faulted)
    }
}

/// How many trials had which effect. A fold over them, never kept beside them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// `ok` in libtest's words.
    pub ok: usize,
    /// `FAILED` by the trial's own doing.
    pub failed: usize,
    /// `FAILED` by a fault.
    pub faulted: usize,
    /// `ignored`.
    pub ignored: usize,
}

impl FromIterator<Effect> for Counts {
    fn from_iter<I: IntoIterator<Item = Effect>>(effects: I) -> Self {
        let mut counts = Counts::default();
        for effect in effects {
            match effect {
                Effect::Ok => counts.ok += 1,
                Effect::Failed => counts.failed += 1,
                Effect::Faulted => counts.faulted += 1,
                Effect::Ignored => counts.ignored += 1,
            }
        }
        counts
    }
}

/// The judgement of a run, in the order in which exit codes are decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[must_use = "a conclusion decides the exit code"]
pub enum Conclusion {
    /// A signal ended it: SIGINT 2, SIGTERM 15.
    Interrupted {
        /// The signal's number.
        signal: i32,
    },
    /// The command line or the configuration is wrong; nothing ran.
    Misused,
    /// A trial failed.
    Failed,
    /// No trial failed, but the machine, the engine or the harness did.
    Faulted,
    /// Only leftovers or leaked pipes, under `strict`.
    Unclean,
    /// `run` selected nothing.
    Empty,
    /// All is well.
    Passed,
}

impl Conclusion {
    /// The process's exit code. 101 is what cargo knows from libtest.
    pub fn exit_code(self) -> u8 {
        match self {
            Conclusion::Interrupted { signal } => u8::try_from(128 + signal).unwrap_or(130),
            Conclusion::Misused => 2,
            Conclusion::Failed => 101,
            Conclusion::Faulted => 102,
            Conclusion::Unclean => 103,
            Conclusion::Empty => 4,
            Conclusion::Passed => 0,
        }
    }
}
