//! Which scripts a run has: found, read, planned, and those that were asked for.

use std::{fs, io};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::brief::Brief;
use super::discover::{self, Discovered};
use super::start::StartError;
use super::{order, shards};
use crate::config::{EngineChoice, Settings};
use crate::engine::presence;
use crate::host::environment;
use crate::model::{EngineKind, Lane, ShardFacts};
use crate::plan::{self, Candidate, Chosen, Planned, Rules};

/// The scripts that may be selected: all, or the one that `--exact` names.
pub fn candidates(brief: &Brief) -> Result<Vec<Discovered>, StartError> {
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
    let by_default = brief.paths.is_empty() && *roots == Settings::default().scripts;
    let found = discover::discover(roots, &brief.base, exclude, brief.stdin.as_deref());
    match found {
        Err(error) if by_default => Err(error.of_default().into()),
        found => Ok(found?),
    }
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
    pub(super) chosen: Chosen,
}

/// What came of the selection.
#[derive(Debug)]
pub struct Selecting {
    /// The trials that are shown, in order.
    pub trials: Vec<Selected>,
    /// Trials that were filtered out, those of other shards included.
    pub filtered_out: usize,
    /// How the suite was divided.
    pub shard: Option<ShardFacts>,
}

impl Selecting {
    /// There is nothing to run on any machine; more machines than scripts is no mistake.
    pub(super) fn is_empty(&self) -> bool {
        let elsewhere = self.shard.as_ref().is_some_and(|shard| shard.of > 0);
        self.trials.is_empty() && !elsewhere
    }
}

/// Reads, plans and selects. What a machine lacks moves no trial to another shard: all machines divide what filters
/// and lanes leave.
pub fn select(brief: &Brief) -> Result<Selecting, StartError> {
    let installed = presence::installed(&environment::variables());
    let mut mistakes = Vec::new();
    let mut selected = Vec::new();
    let mut scripts = candidates(brief)?;
    let found = scripts.len();
    scripts.retain(|script| brief.selection.selects(&script.name));
    let contents = read(&scripts);
    for (script, bytes) in scripts.into_iter().zip(contents) {
        let bytes = bytes.map_err(|source| StartError::Read {
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
            images: &brief.settings.engine.images,
            environment: &brief.settings.environment,
            leaks: &|header| brief.settings.leak_for(header),
            retries: &|header| brief.settings.retries_for(header),
        };
        let planned = plan::build(candidate, &rules, &mut mistakes);
        let ignored = ignored(&planned, brief, &installed);
        let chosen = brief.selection.choose(&script.name, !ignored.is_empty());
        if brief.lane.is_none_or(|lane| lane == planned.lane) {
            selected.push(Selected {
                script,
                planned,
                ignored,
                chosen,
            });
        }
    }
    if !mistakes.is_empty() {
        return Err(StartError::Mistakes(mistakes));
    }
    let (mut trials, shard) = match &brief.shard {
        Some(shard) => {
            let durations = brief.memory.as_ref().map(order::durations);
            shards::keep(shard, selected, &durations.unwrap_or_default())
        }
        None => (selected, None),
    };
    trials.retain(|trial| trial.chosen != Chosen::FilteredOut);
    Ok(Selecting {
        filtered_out: found - trials.len(),
        trials,
        shard,
    })
}

/// Fewer scripts are read one after another before threads have started.
const MANY: usize = 200;

fn read(scripts: &[Discovered]) -> Vec<io::Result<Vec<u8>>> {
    let read = |script: &Discovered| fs::read(&script.path);
    if scripts.len() < MANY {
        scripts.iter().map(read).collect()
    } else {
        scripts.par_iter().map(read).collect()
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
