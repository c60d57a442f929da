//! From what was asked for to a run that can be driven: scripts found, planned, directories made.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::admission;
use super::brief::{Brief, Kept, Nothing};
use super::dirs::{DirError, Dirs};
use super::discover::DiscoverError;
use super::engines::Search;
use super::judge::Court;
use super::opening::opening;
use super::order::{self, Past};
use super::select::{Selected, select};
use super::{orphans, quarantine, shards};
use crate::config::{self, AdmissionSettings, CleanupWhen, EngineChoice, External, Settings};
use crate::engine::presence;
use crate::host::{clock, environment, facts, search};
use crate::ledger::intents::{Ledger, directory_of};
use crate::ledger::life::Life;
use crate::ledger::state::{self, StateError};
use crate::model::{Diagnostic, EngineKind, Event, Golden, RunId, Verdict};
use crate::plan::Planned;
use crate::schedule::{Limits, Scheduler, Width};
use crate::wire::{self, Keep, OnHang, OtherEngine, SlotSetup};

/// A trial and where its script is.
#[derive(Debug, Clone)]
pub(super) struct Trial {
    pub(super) planned: Planned,
    pub(super) path: PathBuf,
    pub(super) golden: Golden,
}

/// A run that can be driven.
#[derive(Debug)]
pub struct Prepared {
    pub(super) trials: Vec<Trial>,
    pub(super) scheduler: Scheduler,
    pub(super) admission: AdmissionSettings,
    pub(super) container_width: Width,
    pub(super) opening: Vec<Event>,
    pub(super) dirs: Dirs,
    pub(super) life: Life,
    /// Where records live.
    pub(super) state: PathBuf,
    pub(super) setup: SlotSetup,
    pub(super) programs: Vec<(String, Option<PathBuf>)>,
    pub(super) search: Option<Search>,
    pub(super) ledger: Ledger,
    /// The account's state directory: where turns are taken.
    pub(super) account: PathBuf,
    pub(super) likely: Option<EngineKind>,
    pub(super) without_engine: Verdict,
    pub(super) strict: bool,
    /// After so long it is said what still runs; zero: never.
    pub(super) slow: Duration,
    /// Nothing was selected, and that is worth an exit code.
    pub(super) empty: bool,
    /// What is known of trials that are not settled.
    pub(super) court: Court,
}

/// Why nothing runs.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Scripts could not be found.
    #[error(transparent)]
    Discover(#[from] DiscoverError),
    /// A script could not be read.
    #[error("cannot read {file}: {source}")]
    Read {
        /// As it is shown.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Mistakes in script headers, all of them.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Mistakes(Vec<Diagnostic>),
    /// A directory could not be made.
    #[error(transparent)]
    Directory(#[from] DirError),
    /// The file of intents could not be made: nothing may be created without it.
    #[error(transparent)]
    Ledger(#[from] StateError),
    /// The run could not write down that it begins.
    #[error("cannot write to the state directory {}: {}", .0.display(), .1)]
    Life(PathBuf, #[source] std::io::Error),
    /// nextest asked for a trial that is not there.
    #[error("no trial has the name {0:?}")]
    NoSuchTrial(String),
}

/// Makes everything that a run needs.
pub fn prepare(
    brief: &Brief,
    run: &RunId,
    state: &Path,
    seed: u64,
) -> Result<Prepared, StartError> {
    let selecting = select(brief)?;
    let selected = &selecting.trials;
    if brief.nothing == Nothing::Wrong && brief.selection.exact && selected.len() != 1 {
        return Err(StartError::NoSuchTrial(brief.selection.filters.join(" ")));
    }
    let settings = &brief.settings;
    let cores = facts::cores();
    let width = settings.policy.width.on(cores);
    let limits = Limits {
        plain: width,
        together: brief.together,
        groups: order::group_limits(selected, settings),
    };
    let dirs = Dirs::make(state, run)?;
    let ledgers = state::directory(&environment::variables())?;
    let ledger = Ledger::of(&ledgers, run);
    let (reaped, dead) = orphans::begin(&ledgers);
    let life = Life::begin(&ledgers, run, &orphans::beginning(brief, &dirs))
        .map_err(|error| StartError::Life(ledgers.clone(), error))?;
    let mut opening = opening(brief, run, &selecting, seed);
    opening.extend(brief.shard.as_ref().and_then(shards::acknowledge));
    opening.extend(quarantine::notes(brief)?);
    opening.extend(reaped.into_iter().map(|dead| Event::Reaped(Box::new(dead))));
    let (past, warning) = order::past(brief, state);
    opening.extend(warning.map(|message| Event::Warning { message }));
    let setup = setup(brief, run, &dirs, (&ledger, &ledgers), state);
    let search = Search {
        settings: settings.clone(),
        shared: shared(brief, state),
        ledgers: ledgers.clone(),
        dead,
        ledger: ledger.clone(),
        executable: dirs.executable(),
        stand_in: dirs.trial(),
    };
    Ok(Prepared {
        scheduler: scheduler(brief, selected, (&past, seed), &limits),
        admission: settings.admission.clone(),
        container_width: width,
        opening,
        setup,
        programs: programs(brief),
        search: Some(search),
        ledger,
        account: ledgers,
        likely: likely(settings),
        without_engine: without_engine(settings),
        strict: settings.cleanup.strict,
        slow: settings.slow,
        court: Court::new(settings, (selecting.trials.len(), brief.laps), seed),
        empty: selecting.is_empty() && brief.nothing == Nothing::Noted,
        trials: scripts(brief, selecting.trials),
        life,
        dirs,
        state: state.to_owned(),
    })
}

fn scheduler(
    brief: &Brief,
    selected: &[Selected],
    (past, seed): (&Past, u64),
    limits: &Limits,
) -> Scheduler {
    let settings = &brief.settings;
    let trials = order::trials(selected, past, settings);
    Scheduler::new(
        trials,
        limits.clone(),
        brief.laps,
        order::order(brief, selected, seed),
    )
    .with_admission(admission::rules(&settings.admission))
}

/// What becomes of a container trial when there is no engine.
fn without_engine(settings: &Settings) -> Verdict {
    if settings.engine.require {
        Verdict::Faulted
    } else {
        Verdict::Ignored
    }
}

/// What came on standard input has no file that could be rewritten.
fn scripts(brief: &Brief, selected: Vec<Selected>) -> Vec<Trial> {
    let trial = |selected: Selected| Trial {
        golden: if brief.stdin.as_ref() == Some(&selected.script.path) {
            Golden::Compare
        } else {
            brief.golden
        },
        planned: selected.planned,
        path: selected.script.path,
    };
    selected.into_iter().map(trial).collect()
}

impl Prepared {
    /// Where work directories are made.
    pub fn work_root(&self) -> PathBuf {
        self.dirs.work_root()
    }
}

/// Programs that scripts find first in their `PATH`: ours, and those of the configuration by their paths.
fn programs(brief: &Brief) -> Vec<(String, Option<PathBuf>)> {
    let ours = brief.programs.iter().map(|name| (name.clone(), None));
    let external = brief
        .settings
        .programs
        .iter()
        .map(|(name, external)| (name.clone(), Some(PathBuf::from(&external.path))));
    ours.chain(external).collect()
}

/// The engine of `$ENGINE` while none has been looked for: the one chosen, else the first installed.
fn likely(settings: &Settings) -> Option<EngineKind> {
    match settings.engine.choice.value {
        EngineChoice::Only(kind) => Some(kind),
        EngineChoice::Auto => presence::installed(&environment::variables())
            .first()
            .copied(),
    }
}

/// Under nextest one detection serves all processes of the run.
fn shared(brief: &Brief, state: &Path) -> Option<PathBuf> {
    let id = brief.nextest.as_ref()?;
    let safe = id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    safe.then(|| state.join("live").join(format!("nextest-{id}")))
}

fn paths(named: &BTreeMap<String, External>, base: &Path) -> Vec<(String, crate::model::Bytes)> {
    let path = |external: &External| search::bytes(&base.join(&external.path)).into();
    named
        .iter()
        .map(|(name, at)| (name.clone(), path(at)))
        .collect()
}

fn on_hang(settings: &Settings) -> OnHang {
    match settings.on_hang {
        config::OnHang::End => OnHang::End,
        config::OnHang::Hold => OnHang::Hold,
    }
}

fn setup(
    brief: &Brief,
    run: &RunId,
    dirs: &Dirs,
    (ledger, account): (&Ledger, &Path),
    state: &Path,
) -> SlotSetup {
    let settings = &brief.settings;
    let variables = environment::variables();
    let bytes = |text: &std::ffi::OsStr| {
        crate::model::Bytes::from(std::os::unix::ffi::OsStrExt::as_bytes(text))
    };
    let passed = settings.pass_environment.iter().filter_map(|name| {
        let value = crate::host::process::variable(&variables, name)?;
        Some((name.as_str().into(), bytes(value)))
    });
    let set = settings
        .environment
        .iter()
        .map(|(name, value)| (name.as_str().into(), value.as_str().into()));
    let rules = wire::Rules {
        dialect: settings.dialect,
        detail: brief.detail,
        after_failure: brief.after_failure,
        length: brief.length,
        demands: settings.demands,
        keep: match settings.cleanup.when {
            _ if brief.kept == Kept::Everything => Keep::Everything,
            CleanupWhen::Always => Keep::Nothing,
            CleanupWhen::OnPass => Keep::Failures,
            CleanupWhen::Never => Keep::Everything,
        },
        keep_work: brief.kept == Kept::Work,
        keep_images: !settings.cleanup.built_images,
        variables: passed.chain(set).collect(),
        typed: brief.variables.clone(),
        output_cap: settings.output_cap,
        leak_grace: settings.leak_grace,
        grace: settings.grace,
        ladder_limit: settings.ladder_limit,
        on_hang: on_hang(settings),
        cleanup_limit: settings.cleanup.limit,
        other_engine: if settings.engine.masking {
            OtherEngine::Masked
        } else {
            OtherEngine::Allowed
        },
        programs: paths(&settings.programs, &brief.base),
        commands: paths(&settings.commands, &brief.base),
    };
    SlotSetup {
        run: run.clone(),
        slot: crate::model::SlotId(0),
        directory: crate::model::Bytes::default(),
        work_root: search::bytes(&dirs.work_root()).into(),
        account: search::bytes(account).into(),
        ledger: search::bytes(ledger.file()).into(),
        id_files: search::bytes(&directory_of(account, run).join("ids")).into(),
        logs: search::bytes(&state.join("runs").join(run.as_str())).into(),
        environment: variables
            .iter()
            .map(|(name, value)| (bytes(name), bytes(value)))
            .collect(),
        harness_directory: search::bytes(&environment::directory()).into(),
        rules,
    }
}

/// A new id for a run that begins now.
pub fn new_run_id() -> RunId {
    let now = clock::since_1970();
    RunId::new(now.as_secs(), now.subsec_micros(), facts::pid())
}
