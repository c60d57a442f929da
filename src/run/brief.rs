//! What a run is asked to do, by whoever read the command line and the configuration.

use std::num::NonZeroU32;
use std::path::PathBuf;

use crate::config::Settings;
use crate::history::Memory;
use crate::model::{AfterFailure, Detail, Golden, Lane, Length};
use crate::plan::{Selection, Shard};
use crate::schedule::Laps;
use crate::wire::Variables;

/// What the door knows: what was typed, what is configured, where.
#[derive(Debug, Clone)]
pub struct Brief {
    /// harness.toml with what was typed laid over it.
    pub settings: Settings,
    /// harness.toml's text, for the fingerprint.
    pub config_text: String,
    /// The folder that paths count from.
    pub base: PathBuf,
    /// Folders and files in place of the configured ones.
    pub paths: Vec<String>,
    /// Which trials.
    pub selection: Selection,
    /// Only this lane.
    pub lane: Option<Lane>,
    /// Only this part of them.
    pub shard: Option<Shard>,
    /// What is known of earlier runs, where a file was named: all machines of a divided suite are told the same.
    pub memory: Option<Memory>,
    /// Attempts at once over both lanes.
    pub together: Option<NonZeroU32>,
    /// How often every trial runs, and when the run stops by itself.
    pub laps: Laps,
    /// Trials start in random order, by the run's seed.
    pub shuffled: bool,
    /// First of all trials start in this order: name and lap.
    pub repeated: Option<Vec<(String, u32)>>,
    /// What stays for a look.
    pub kept: Kept,
    /// Variables that were typed, and win over every other.
    pub variables: Variables,
    /// A copy of the script that came on standard input; its path among `paths` is `-`.
    pub stdin: Option<PathBuf>,
    /// How much of the logs is kept.
    pub detail: Detail,
    /// What a failing line does to its script.
    pub after_failure: AfterFailure,
    /// What `[short]` says.
    pub length: Length,
    /// What `cmp` does with files of the scripts' own.
    pub golden: Golden,
    /// Oddities of what was typed.
    pub warnings: Vec<String>,
    /// What selecting nothing means.
    pub nothing: Nothing,
    /// Under nextest: the id of its run, which this process is one trial of.
    pub nextest: Option<String>,
    /// The words that run one trial again, with its name behind them; empty when there are none.
    pub repeat: Vec<String>,
    /// Registered programs.
    pub programs: Vec<String>,
}

/// What stays after a script, whatever is configured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kept {
    /// What the configuration says.
    #[default]
    AsConfigured,
    /// Work directories too; their paths are told.
    Work,
    /// Work directories, containers and the rest.
    Everything,
}

/// What it means that no trial was selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nothing {
    /// Nothing to say, as with libtest.
    Fine,
    /// Worth an exit code of its own.
    Noted,
    /// A trial that was listed is gone: a failure.
    Wrong,
}
