//! What was typed, as values: the flags with their environment twins, and nothing of harness.toml.

use std::num::NonZeroU32;
use std::time::Duration;

use super::Selection;
use crate::config::{Overrides, Sourced};
use crate::model::{Golden, Lane, Length};
use crate::plan::ShardChoice;
use crate::run::Kept;
use crate::schedule::Laps;

/// All that was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Who started us.
    pub runner: Runner,
    /// Run, or only list or check.
    pub action: Action,
    /// Which trials.
    pub selection: Selection,
    /// Folders and files with scripts, in place of harness.toml's; only `shakedown` takes them.
    pub paths: Vec<String>,
    /// What to lay over harness.toml.
    pub overrides: Overrides,
    /// Only this lane.
    pub lane: Option<Lane>,
    /// Only one shard of them.
    pub shard: Option<Sourced<ShardChoice>>,
    /// The harness.toml to read.
    pub config: Option<Sourced<String>>,
    /// What stays for a look.
    pub kept: Kept,
    /// Variables for scripts; one without a value is copied from the environment.
    pub variables: Vec<(String, Option<String>)>,
    /// A script goes on after a line that fails.
    pub go_on: bool,
    /// What `[short]` says.
    pub length: Length,
    /// What `cmp` does with files of the scripts' own.
    pub golden: Golden,
    /// How often every trial runs, and when the run stops by itself.
    pub laps: LapsTyped,
    /// Which trials go first.
    pub order: StartOrder,
    /// A file of durations in place of the remembered ones.
    pub durations: Option<Sourced<String>>,
    /// How it is told.
    pub output: Output,
    /// Oddities that stop nothing, as lowercase fragments.
    pub warnings: Vec<String>,
}

/// How often every trial runs. `None` and `false`: nothing typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LapsTyped {
    /// `--count`
    pub count: Option<NonZeroU32>,
    /// `--for`
    pub until: Option<Duration>,
    /// `--until-fail`
    pub until_failure: bool,
    /// `--max-fail`
    pub failures: Option<NonZeroU32>,
}

impl LapsTyped {
    /// What follows from all of it. What runs until something happens has no last lap, unless it has a number.
    pub fn laps(&self) -> Laps {
        let endless = self.until.is_some() || self.until_failure;
        let failures = if self.until_failure {
            Some(NonZeroU32::MIN)
        } else {
            self.failures
        };
        Laps {
            count: self.count.or((!endless).then_some(NonZeroU32::MIN)),
            until: self.until,
            failures,
        }
    }
}

/// Which trials go first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum StartOrder {
    /// Those that failed last, then the longest.
    #[default]
    Longest,
    /// At random, by this seed or a new one.
    Shuffled(Option<u64>),
    /// As in a recorded run: `latest`, its id, or the file of its record.
    Repeated(Sourced<String>),
}

/// Who started us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Runner {
    /// `cargo test`, or somebody who calls the test binary.
    Cargo,
    /// cargo-nextest: one process per trial.
    Nextest,
    /// The `shakedown` program.
    Shakedown,
}

/// What to do with the trials.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Run them.
    #[default]
    Run,
    /// List them.
    List,
    /// Tell what looks wrong in their scripts.
    Check,
}

/// How a run is told on stdout.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// Its form.
    pub format: Format,
    /// Its colours.
    pub color: Color,
    /// What is shown of trials that pass.
    pub passing: PassingLogs,
    /// The time of each trial is shown.
    pub times: bool,
    /// A file in place of stdout.
    pub logfile: Option<String>,
}

/// The form of what is printed on stdout.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// One line per trial.
    #[default]
    Pretty,
    /// One character per trial.
    Terse,
    /// One JSON object per line.
    Json,
}

/// When to paint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Color {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Whether to paint on an output that is a terminal or not.
    pub fn paints(self, terminal: bool) -> bool {
        match self {
            Color::Auto => terminal,
            Color::Always => true,
            Color::Never => false,
        }
    }
}

/// What is shown of the logs of trials that pass.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum PassingLogs {
    /// Nothing.
    #[default]
    Hidden,
    /// What a log keeps of sections that passed: `--show-output`.
    Shown,
    /// Logs are kept whole: `--verbose`.
    Whole,
}

impl Options {
    pub(super) fn new(runner: Runner) -> Options {
        Options {
            runner,
            action: Action::default(),
            selection: Selection::default(),
            paths: Vec::new(),
            overrides: Overrides::default(),
            lane: None,
            shard: None,
            config: None,
            kept: Kept::default(),
            variables: Vec::new(),
            go_on: false,
            length: Length::default(),
            golden: Golden::default(),
            laps: LapsTyped::default(),
            order: StartOrder::default(),
            durations: None,
            output: Output::default(),
            warnings: Vec::new(),
        }
    }
}
