//! How scripts are executed: choices that the configuration makes and the interpreter keeps.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How long a deferred command of a script may take.
pub const DEFERRED_LIMIT: Duration = Duration::from_secs(30);
/// How long all of them together may take.
pub const DEFERRED_TOTAL: Duration = Duration::from_secs(60);

/// The language of scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Dialect {
    /// Go's testscript and our additions.
    Shakedown,
    /// Go's testscript alone.
    Testscript,
}

impl Dialect {
    /// Both, with the words that name them.
    pub const WORDS: [(&'static str, Dialect); 2] = [
        ("shakedown", Dialect::Shakedown),
        ("testscript", Dialect::Testscript),
    ];
}

/// How much of a script's log is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Detail {
    /// Sections that passed shrink to their heading.
    Folded,
    /// Everything, the environment first.
    Whole,
}

/// What a failing line does to the script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AfterFailure {
    /// It ends there.
    Stop,
    /// It goes on and fails at its end.
    GoOn,
}

/// How much of itself a script runs: what `[short]` and `[net]` say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Length {
    /// All of it.
    #[default]
    Whole,
    /// What takes long, or needs the net, is left out.
    Short,
}

/// What a suite demands of its scripts beyond the language, as testscript's `RequireExplicitExec` and
/// `RequireUniqueNames` do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demands {
    /// Programs are called with `exec` alone.
    pub explicit_exec: bool,
    /// No file of an archive is written over another.
    pub unique_names: bool,
}

/// What `cmp` does with a file of the script's own that is not as it found it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Golden {
    /// It fails.
    #[default]
    Compare,
    /// It succeeds, and the script is rewritten when it has passed.
    Update,
}

/// What an output that stays open after its command has ended means for a trial that passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeakRule {
    /// It is reported.
    Warn,
    /// The trial fails.
    Fail,
}

impl LeakRule {
    /// Both, with the words that name them.
    pub const WORDS: [(&'static str, LeakRule); 2] =
        [("warn", LeakRule::Warn), ("fail", LeakRule::Fail)];
}

/// What a flaky script means for the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FlakyResult {
    /// It is told.
    Pass,
    /// It fails the run.
    Fail,
}

impl FlakyResult {
    /// Both, with the words that name them.
    pub const WORDS: [(&'static str, FlakyResult); 2] =
        [("pass", FlakyResult::Pass), ("fail", FlakyResult::Fail)];
}
