//! What `classify` made of attempts: of one, and of all laps of a trial. Only the shape is here.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{AttemptId, TroubleClass, Verdict, seconds};

/// What was made of one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// The verdict, were it the only attempt.
    pub verdict: Verdict,
    /// The kind of its failure: `hang/pipe-held`, `exit 125`, a signature's id; empty where all is well.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// The signature that it fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<Known>,
    /// It is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Again>,
    /// Why it is not tried again although it would have been; else empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub refused: String,
}

/// What the catalogue says of a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// The signature's id.
    pub signature: String,
    /// The kind of trouble.
    pub class: TroubleClass,
    /// Why it happens.
    pub cause: String,
    /// What to do.
    pub remedy: String,
}

/// A trial that is tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Again {
    /// Not before so long from the end of the attempt.
    #[serde(with = "seconds")]
    pub after: Duration,
    /// Why, as a clause.
    pub why: String,
    /// It is for a signature, not because failures are tried again anyway.
    pub for_signature: bool,
}

/// What the verdict of a trial means for the run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bearing {
    /// What such a verdict always means.
    #[default]
    AsUsual,
    /// It fails the run: a flaky one under `flaky-result = "fail"`.
    Fails,
    /// It is told and changes nothing.
    Quarantined(Quarantined),
}

/// Why a trial is in quarantine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// In the user's words.
    pub reason: String,
    /// Where it is worked on.
    pub issue: String,
    /// The last day: `2026-12-31`.
    pub until: String,
}

/// All laps of a trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Laps that were judged.
    pub laps: u32,
    /// Of these, how many passed in the end.
    pub passed: u32,
    /// Of those that passed, how many needed another try.
    pub flaky: u32,
    /// How many skipped themselves.
    pub skipped: u32,
    /// The kinds of failures, the most frequent first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<FailureKind>,
    /// Wilson's interval, 95 %, for the share that passes, from 0 to 1.
    pub rate: (f64, f64),
    /// Without a failure: below this is the share that fails, surely to 95 %.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fails_below: Option<f64>,
    /// How long those took that passed at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took: Option<Spread>,
}

impl Tally {
    /// Laps that did not pass and did not skip themselves.
    pub fn failed(&self) -> u32 {
        self.laps - self.passed - self.skipped
    }
}

/// Failures of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureKind {
    /// `hang/pipe-held`, `exit 125`, a signature's id.
    pub kind: String,
    /// In how many laps.
    pub laps: u32,
    /// The first attempt that failed so.
    pub first: AttemptId,
    /// What it left to be looked at.
    #[serde(flatten)]
    pub artefacts: Artefacts,
}

/// Files of an attempt; those that there are not are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Artefacts {
    /// The whole log.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub log_file: String,
    /// The work directory.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub work_dir: String,
    /// Everything about its hang.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hang_file: String,
}

/// How durations are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// Half of them took no longer.
    #[serde(with = "seconds")]
    pub median: Duration,
    /// Nine of ten took no longer.
    #[serde(with = "seconds")]
    pub p90: Duration,
    /// The longest.
    #[serde(with = "seconds")]
    pub longest: Duration,
}
