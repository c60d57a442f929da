//! From what was asked for to a run that can be driven: scripts found, planned, directories made.

use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use super::dirs::{DirError, Dirs};
use super::discover::{self, DiscoverError, Discovered};
use super::engines::Search;
use crate::classify::LeakRule;
use crate::config::{self, CleanupWhen, EngineChoice, Settings};
use crate::engine::presence;
use crate::host::{clock, environment, facts, search};
use crate::ledger::intents::{Ledger, directory_of};
use crate::ledger::state::{self, StateError};
use crate::model::{
    AfterFailure, AttemptId, Detail, Diagnostic, EngineKind, Event, Hash, Lane, RunFacts, RunId,
    TrialFacts, Verdict,
};
use crate::plan::{self, Candidate, Chosen, Planned, Rules, Selection};
use crate::schedule::{Attempt, Limits, Scheduler, Width};
use crate::wire::{self, Keep, OtherEngine, SlotSetup};

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
    /// Attempts at once over both lanes.
    pub together: Option<NonZeroU32>,
    /// Work directories and resources stay.
    pub keep: bool,
    /// How much of the logs is kept.
    pub detail: Detail,
    /// What a failing line does to its script.
    pub after_failure: AfterFailure,
    /// Oddities of what was typed.
    pub warnings: Vec<String>,
    /// What selecting nothing means.
    pub nothing: Nothing,
    /// Under nextest: the id of its run, which this process is one trial of.
    pub nextest: Option<String>,
    /// Registered programs.
    pub programs: Vec<String>,
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

/// A trial and where its script is.
#[derive(Debug, Clone)]
pub(super) struct Trial {
    pub(super) planned: Planned,
    pub(super) path: PathBuf,
}

/// A run that can be driven.
#[derive(Debug)]
pub struct Prepared {
    pub(super) trials: Vec<Trial>,
    pub(super) scheduler: Scheduler,
    pub(super) limits: Limits,
    pub(super) container_width: Width,
    pub(super) cores: NonZeroU32,
    pub(super) opening: Vec<Event>,
    pub(super) dirs: Dirs,
    pub(super) setup: SlotSetup,
    pub(super) programs: Vec<(String, Option<PathBuf>)>,
    pub(super) search: Option<Search>,
    pub(super) ledger: Ledger,
    pub(super) likely: Option<EngineKind>,
    pub(super) without_engine: Verdict,
    pub(super) strict: bool,
    pub(super) leaks: LeakRule,
    /// Nothing was selected, and that is worth an exit code.
    pub(super) empty: bool,
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
    /// nextest asked for a trial that is not there.
    #[error("no trial has the name {0:?}")]
    NoSuchTrial(String),
}

/// The scripts that may be selected: all, or the one that `--exact` names.
pub(super) fn candidates(brief: &Brief) -> Result<Vec<Discovered>, StartError> {
    let roots = if brief.paths.is_empty() {
        &brief.settings.scripts
    } else {
        &brief.paths
    };
    let exclude = &brief.settings.exclude;
    if let ([name], true) = (brief.selection.filters.as_slice(), brief.selection.exact)
        && let Some(script) = discover::find_exact(name, roots, &brief.base, exclude)
    {
        return Ok(vec![script]);
    }
    Ok(discover::discover(roots, &brief.base, exclude)?)
}

/// A script that was selected, planned, and perhaps marked as ignored.
#[derive(Debug)]
pub struct Selected {
    /// Where it is.
    pub script: Discovered,
    /// Its plan.
    pub planned: Planned,
    /// Why it will not run, or empty.
    pub ignored: String,
    chosen: Chosen,
}

/// Reads, plans and selects; the second value counts what was filtered out.
pub fn select(brief: &Brief) -> Result<(Vec<Selected>, usize), StartError> {
    let installed = presence::installed(&environment::variables());
    let mut mistakes = Vec::new();
    let mut filtered_out = 0;
    let mut selected = Vec::new();
    for script in candidates(brief)? {
        if !brief.selection.selects(&script.name) {
            filtered_out += 1;
            continue;
        }
        let bytes = fs::read(&script.path).map_err(|source| StartError::Read {
            file: script.file.clone(),
            source,
        })?;
        let candidate = Candidate {
            name: script.name.clone(),
            file: script.file.clone(),
            bytes,
        };
        let rules = Rules {
            dialect: brief.settings.dialect,
            container_names: &brief.settings.container_names,
            deadline: &|header| brief.settings.deadline_for(header),
        };
        let planned = plan::build(candidate, &rules, &mut mistakes);
        let ignored = ignored(&planned, brief, &installed);
        let chosen = brief.selection.choose(&script.name, !ignored.is_empty());
        if chosen == Chosen::FilteredOut || brief.lane.is_some_and(|lane| lane != planned.lane) {
            filtered_out += 1;
        } else {
            selected.push(Selected {
                script,
                planned,
                ignored,
                chosen,
            });
        }
    }
    if mistakes.is_empty() {
        Ok((selected, filtered_out))
    } else {
        Err(StartError::Mistakes(mistakes))
    }
}

/// Why a trial is ignored before anything is asked: there is no client of any engine that may serve.
fn ignored(planned: &Planned, brief: &Brief, installed: &[EngineKind]) -> String {
    let possible = match brief.settings.engine.choice.value {
        EngineChoice::Auto => !installed.is_empty(),
        EngineChoice::Only(kind) => installed.contains(&kind),
    };
    if planned.lane == Lane::Plain || possible || brief.settings.engine.require {
        return String::new();
    }
    match brief.settings.engine.choice.value {
        EngineChoice::Auto => {
            "no container engine: neither `docker` nor `podman` is in PATH".to_owned()
        }
        EngineChoice::Only(kind) => format!("no container engine: no `{kind}` in PATH"),
    }
}

/// Makes everything that a run needs.
pub fn prepare(
    brief: &Brief,
    run: &RunId,
    state: &Path,
    seed: u64,
) -> Result<Prepared, StartError> {
    let (selected, filtered_out) = select(brief)?;
    if brief.nothing == Nothing::Wrong && brief.selection.exact && selected.len() != 1 {
        return Err(StartError::NoSuchTrial(brief.selection.filters.join(" ")));
    }
    let settings = &brief.settings;
    let cores = facts::cores();
    let together = brief.together;
    let width = settings.policy.width.on(cores);
    let limits = Limits {
        plain: width,
        together,
    };
    let dirs = Dirs::make(state, run)?;
    let ledgers = state::directory(&environment::variables())?;
    let ledger = Ledger::of(&ledgers, run);
    let opening = opening(brief, run, &selected, filtered_out, seed);
    let setup = setup(
        brief,
        run,
        &dirs,
        (&ledger, &directory_of(&ledgers, run)),
        state,
    );
    let search = Some(Search {
        settings: settings.clone(),
        shared: shared(brief, state),
        ledgers,
        stand_in: stand_in(&dirs)?,
    });
    Ok(Prepared {
        scheduler: Scheduler::new(attempts(&selected), limits),
        limits,
        container_width: width,
        cores,
        opening,
        setup,
        programs: programs(brief),
        search,
        ledger,
        likely: likely(settings),
        // What becomes of a container trial when there is no engine.
        without_engine: if settings.engine.require {
            Verdict::Faulted
        } else {
            Verdict::Ignored
        },
        strict: settings.cleanup.strict,
        leaks: match settings.leak {
            config::LeakRule::Warn => LeakRule::Warn,
            config::LeakRule::Fail => LeakRule::Fail,
        },
        empty: selected.is_empty() && brief.nothing == Nothing::Noted,
        trials: selected.into_iter().map(Trial::from).collect(),
        dirs,
    })
}

impl From<Selected> for Trial {
    fn from(selected: Selected) -> Self {
        Trial {
            planned: selected.planned,
            path: selected.script.path,
        }
    }
}

/// One attempt for each trial that is to run.
fn attempts(selected: &[Selected]) -> Vec<Attempt> {
    let runs = (1..)
        .zip(selected)
        .filter(|(_, selected)| selected.chosen == Chosen::Runs);
    let attempt = |(trial, selected): (u32, &Selected)| Attempt {
        id: AttemptId {
            trial,
            lap: 1,
            attempt: 1,
        },
        lane: selected.planned.lane,
        cpus: selected.planned.cpus,
    };
    runs.map(attempt).collect()
}

/// Programs that scripts find first in their `PATH`: ours, and those of the configuration by their paths.
fn programs(brief: &Brief) -> Vec<(String, Option<PathBuf>)> {
    let ours = brief.programs.iter().map(|name| (name.clone(), None));
    let external = brief
        .settings
        .programs
        .iter()
        .map(|(name, path)| (name.clone(), Some(PathBuf::from(path))));
    ours.chain(external).collect()
}

/// Slot 0 is never opened: its stand-ins are those that are tried out.
fn stand_in(dirs: &Dirs) -> Result<PathBuf, DirError> {
    let directory = dirs.slot(crate::model::SlotId(0), &[])?;
    Ok(directory.join("bin").join(EngineKind::Docker.command()))
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

fn opening(
    brief: &Brief,
    run: &RunId,
    selected: &[Selected],
    filtered_out: usize,
    seed: u64,
) -> Vec<Event> {
    let cores = facts::cores();
    let width = brief
        .together
        .unwrap_or_else(|| brief.settings.policy.width.on(cores));
    let mut events = vec![Event::RunStarted(Box::new(RunFacts {
        version: Event::VERSION,
        writer: concat!("shakedown ", env!("CARGO_PKG_VERSION")).to_owned(),
        run: run.clone(),
        arguments: environment::words()
            .iter()
            .map(|word| word.to_string_lossy().into_owned())
            .collect(),
        host: facts::host_name(),
        arch: std::env::consts::ARCH.to_owned(),
        kernel: facts::kernel(),
        cores: cores.get(),
        commit: commit(&brief.base),
        config_hash: Hash::of(brief.config_text.as_bytes()),
        seed,
        filtered_out,
        width: width.get(),
    }))];
    events.extend(brief.warnings.iter().map(|message| Event::Warning {
        message: message.clone(),
    }));
    for (trial, selected) in (1..).zip(selected) {
        events.push(Event::TrialPlanned(TrialFacts {
            trial,
            name: selected.planned.name.clone(),
            file: selected.planned.file.clone(),
            lane: selected.planned.lane,
            script_hash: selected.planned.hash.clone(),
            ignored: selected.ignored.clone(),
        }));
    }
    for (trial, selected) in (1..)
        .zip(selected)
        .filter(|(_, selected)| selected.chosen == Chosen::Ignored)
    {
        events.push(Event::TrialSettled {
            trial,
            verdict: Verdict::Ignored,
            reason: selected.ignored.clone(),
        });
    }
    events
}

/// The commit that is checked out, read from git's files: no process is worth it. Empty when not found.
fn commit(base: &Path) -> String {
    let git = base
        .ancestors()
        .map(|folder| folder.join(".git"))
        .find(|git| git.exists());
    git.and_then(|git| head(&git)).unwrap_or_default()
}

fn head(git: &Path) -> Option<String> {
    let read = |path: &Path| {
        fs::read_to_string(path)
            .ok()
            .map(|text| text.trim().to_owned())
    };
    // In a work tree of its own `.git` is a file that names the folder.
    let folder = match read(git) {
        Some(text) => git.parent()?.join(text.strip_prefix("gitdir: ")?),
        None => git.to_owned(),
    };
    let head = read(&folder.join("HEAD"))?;
    let Some(name) = head.strip_prefix("ref: ") else {
        return Some(head);
    };
    let common = read(&folder.join("commondir"))
        .map_or_else(|| folder.clone(), |common| folder.join(common));
    let packed = || {
        let packed = read(&common.join("packed-refs"))?;
        packed
            .lines()
            .find_map(|line| line.strip_suffix(name)?.trim().to_owned().into())
    };
    read(&common.join(name)).or_else(packed)
}

fn setup(
    brief: &Brief,
    run: &RunId,
    dirs: &Dirs,
    ledger: (&Ledger, &Path),
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
        keep: match settings.cleanup.when {
            _ if brief.keep => Keep::Everything,
            CleanupWhen::Always => Keep::Nothing,
            CleanupWhen::OnPass => Keep::Failures,
            CleanupWhen::Never => Keep::Everything,
        },
        keep_images: !settings.cleanup.built_images,
        variables: passed.chain(set).collect(),
        leak_grace: settings.leak_grace,
        grace: settings.grace,
        cleanup_limit: std::time::Duration::from_secs(30),
        other_engine: if settings.engine.masking {
            OtherEngine::Masked
        } else {
            OtherEngine::Allowed
        },
        programs: settings
            .programs
            .iter()
            .map(|(name, path)| (name.clone(), search::bytes(&brief.base.join(path)).into()))
            .collect(),
    };
    SlotSetup {
        run: run.clone(),
        slot: crate::model::SlotId(0),
        directory: crate::model::Bytes::default(),
        work_root: search::bytes(&dirs.work_root()).into(),
        ledger: search::bytes(ledger.0.file()).into(),
        id_files: search::bytes(&ledger.1.join("ids")).into(),
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
    RunId::new(now.as_secs(), facts::pid(), now.subsec_micros())
}
