//! The settings of a run, resolved: every one has a value, and none is an `Option` of a default.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::Duration;

use super::{External, Pattern, Sourced};
use crate::model::{Date, Demands, Dialect, EngineKind, FlakyResult, LeakRule, Policy, Signature};

/// All settings. Made by `config::read`, or the defaults by [`Settings::default`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Folders (searched recursively) and files with scripts, relative to the file's folder.
    pub scripts: Vec<String>,
    /// Scripts that are left out.
    pub exclude: Vec<Pattern>,
    /// The language of the scripts.
    pub dialect: Dialect,
    /// What scripts must do beyond the language.
    pub demands: Demands,
    /// How long a script may take.
    pub deadline: Sourced<Duration>,
    /// Between SIGTERM and SIGKILL.
    pub grace: Duration,
    /// From the deadline until a script's last process is gone or given up.
    pub ladder_limit: Duration,
    /// What happens at a deadline.
    pub on_hang: OnHang,
    /// After so long, a log without a terminal says what still runs; zero: never.
    pub slow: Duration,
    /// How long output is awaited after a command ended.
    pub leak_grace: Duration,
    /// What a pipe that stays open means.
    pub leak: Sourced<LeakRule>,
    /// Where records live, relative to the file's folder.
    pub state_dir: String,
    /// Largest output of one command that can be used, in bytes.
    pub output_cap: u64,
    /// Names of scripts that belong to the container lane.
    pub container_names: Vec<Pattern>,
    /// Which engine, and what comes with it.
    pub engine: EngineSettings,
    /// How container trials share an engine.
    pub policy: PolicySettings,
    /// How many scripts of a group run at once; a group that is not here has room for one.
    pub groups: BTreeMap<String, u32>,
    /// Variables set in every script.
    pub environment: BTreeMap<String, String>,
    /// Variables copied from the harness's own environment.
    pub pass_environment: BTreeSet<String>,
    /// When container trials may start.
    pub admission: AdmissionSettings,
    /// What happens to a script's resources.
    pub cleanup: CleanupSettings,
    /// External programs that scripts call by a bare name.
    pub programs: BTreeMap<String, External>,
    /// External commands, which decide themselves what `!` means.
    pub commands: BTreeMap<String, External>,
    /// What `shakedown check` cannot know of itself.
    pub check: CheckSettings,
    /// How many records are kept.
    pub record: RecordSettings,
    /// What is tried again.
    pub retry: RetrySettings,
    /// Scripts that do not fail the run for now.
    pub quarantine: Vec<Quarantine>,
    /// Known trouble that goes before the catalogue's.
    pub signatures: Vec<Signature>,
}

/// What is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrySettings {
    /// How often a script that does not pass is tried again.
    pub failures: Sourced<u32>,
    /// What fits a signature for which that is safe is tried again.
    pub signatures: bool,
    /// How many tries the whole run has, if somebody said.
    pub budget: Option<u32>,
    /// What a flaky script means.
    pub flaky: FlakyResult,
}

impl Default for RetrySettings {
    fn default() -> Self {
        RetrySettings {
            failures: Sourced::default_of(0),
            signatures: true,
            budget: None,
            flaky: FlakyResult::Pass,
        }
    }
}

/// Scripts that do not fail the run for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantine {
    /// Which.
    pub name: Pattern,
    /// Why.
    pub reason: String,
    /// Where it is worked on.
    pub issue: String,
    /// The last day.
    pub until: Date,
    /// Only on this engine.
    pub engine: Option<EngineKind>,
    /// The line in harness.toml.
    pub line: u32,
}

/// Names that only the test target registers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckSettings {
    /// Commands and programs.
    pub commands: BTreeSet<String>,
    /// Conditions, without brackets and suffix.
    pub conditions: BTreeSet<String>,
}

/// Which engine is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EngineChoice {
    /// The first healthy one.
    Auto,
    /// This one, or none.
    Only(EngineKind),
}

impl EngineChoice {
    /// All of them, with the words that name them.
    pub const WORDS: [(&'static str, EngineChoice); 3] = [
        ("auto", EngineChoice::Auto),
        ("docker", EngineChoice::Only(EngineKind::Docker)),
        ("podman", EngineChoice::Only(EngineKind::Podman)),
    ];
}

/// What happens to a script at its deadline, when everything has been seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OnHang {
    /// It is ended.
    End,
    /// It is kept alive until somebody lets it go.
    Hold,
}

impl OnHang {
    /// Both, with the words that name them.
    pub const WORDS: [(&'static str, OnHang); 2] = [("end", OnHang::End), ("hold", OnHang::Hold)];
}

/// Which engine, and what comes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineSettings {
    /// Which one.
    pub choice: Sourced<EngineChoice>,
    /// No engine is a fault, instead of container trials ignored.
    pub require: bool,
    /// The engine that was not selected is hidden from scripts.
    pub masking: bool,
    /// Images pulled once, before the first container trial.
    pub images: Vec<String>,
    /// How long that may take.
    pub pull_limit: Duration,
}

/// How container trials share an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicySettings {
    /// On Docker.
    pub docker: Sourced<Policy>,
    /// On local Podman.
    pub podman: Sourced<Policy>,
    /// On Podman behind a socket; never `parallel`.
    pub podman_socket: Sourced<Policy>,
    /// Given for this run, whatever the engine.
    pub forced: Option<Sourced<Policy>>,
    /// How long a run waits for other runs on the engine.
    pub wait: Duration,
    /// Trials at once.
    pub width: Width,
}

/// How many trials run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Width {
    /// As many as there are processors.
    Cores,
    /// As many as this.
    Of(NonZeroU32),
}

impl Width {
    /// The number, on a machine with so many processors.
    pub fn on(self, cores: NonZeroU32) -> NonZeroU32 {
        match self {
            Width::Cores => cores,
            Width::Of(number) => number,
        }
    }
}

/// What happens to a script's resources when it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CleanupSettings {
    /// When they are removed.
    pub when: CleanupWhen,
    /// Leftovers and leaked pipes fail the run.
    pub strict: bool,
    /// Images that the script built are removed too.
    pub built_images: bool,
    /// How long cleaning after one attempt may take.
    pub limit: Duration,
}

/// When a script's resources are removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CleanupWhen {
    /// After every attempt.
    Always,
    /// After an attempt that passed; a failed one keeps them for a look.
    OnPass,
    /// Never; they are listed.
    Never,
}

impl CleanupWhen {
    /// All of them, with the words that name them.
    pub const WORDS: [(&'static str, CleanupWhen); 3] = [
        ("always", CleanupWhen::Always),
        ("on-pass", CleanupWhen::OnPass),
        ("never", CleanupWhen::Never),
    ];
}

/// When container trials may start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdmissionSettings {
    /// Bytes that must be free where the engine stores things and where scripts work; 0: any.
    pub disk_floor: u64,
    /// Percent of the last 10 s in which everything may have waited for memory; 0: not looked at.
    pub memory_pressure: u32,
    /// How long they wait for engine and machine.
    pub settle: Duration,
    /// So many trials in a row that fail by the engine's fault close the lane.
    pub engine_faults: u32,
}

impl Default for AdmissionSettings {
    fn default() -> Self {
        AdmissionSettings {
            disk_floor: 1_000_000_000,
            memory_pressure: 50,
            settle: Duration::from_secs(120),
            engine_faults: 3,
        }
    }
}

/// How many records are kept: whichever limit is met first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordSettings {
    /// Runs.
    pub keep_runs: u32,
    /// Bytes, over all runs.
    pub keep_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        let container_names = Pattern::new("container_*").expect("it is not empty");
        Settings {
            scripts: vec!["fixtures".to_owned()],
            exclude: Vec::new(),
            dialect: Dialect::Shakedown,
            demands: Demands::default(),
            deadline: Sourced::default_of(Duration::from_secs(180)),
            grace: Duration::from_secs(3),
            ladder_limit: Duration::from_secs(20),
            on_hang: OnHang::End,
            slow: Duration::from_secs(60),
            leak_grace: Duration::from_millis(200),
            leak: Sourced::default_of(LeakRule::Warn),
            state_dir: ".shakedown".to_owned(),
            output_cap: 1_000_000_000,
            container_names: vec![container_names],
            engine: EngineSettings {
                choice: Sourced::default_of(EngineChoice::Auto),
                require: false,
                masking: true,
                images: Vec::new(),
                pull_limit: Duration::from_secs(300),
            },
            policy: PolicySettings {
                docker: Sourced::default_of(Policy::Parallel),
                podman: Sourced::default_of(Policy::Serial),
                podman_socket: Sourced::default_of(Policy::Serial),
                forced: None,
                wait: Duration::from_secs(3600),
                width: Width::Cores,
            },
            groups: BTreeMap::new(),
            environment: BTreeMap::new(),
            pass_environment: BTreeSet::new(),
            admission: AdmissionSettings::default(),
            cleanup: CleanupSettings {
                when: CleanupWhen::Always,
                strict: false,
                built_images: true,
                limit: Duration::from_secs(30),
            },
            programs: BTreeMap::new(),
            commands: BTreeMap::new(),
            check: CheckSettings::default(),
            record: RecordSettings {
                keep_runs: 30,
                keep_bytes: 1_000_000_000,
            },
            retry: RetrySettings::default(),
            quarantine: Vec::new(),
            signatures: Vec::new(),
        }
    }
}
