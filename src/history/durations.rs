//! How long trials took and which failed last, folded from the latest records into one small file, so that a
//! run need not read all of them. The file follows from the records: who deletes it loses nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Record, read, record_path, runs};
use crate::model::{Event, Outcome, RunId};

/// So many runs are folded, and so many durations of a trial kept.
const RUNS: usize = 20;
const VERSION: u32 = 1;

/// What is remembered of earlier runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    version: u32,
    /// The runs that are in it, oldest first.
    runs: Vec<RunId>,
    /// By name.
    trials: BTreeMap<String, Remembered>,
}

/// What is remembered of a trial.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Remembered {
    /// The latest last.
    seconds: Vec<f64>,
    /// It failed when it ran last.
    failed: bool,
}

impl Default for Memory {
    fn default() -> Self {
        Memory {
            version: VERSION,
            runs: Vec::new(),
            trials: BTreeMap::new(),
        }
    }
}

impl Memory {
    /// The durations of each trial, the latest last.
    pub fn durations(&self) -> impl Iterator<Item = (&str, Vec<Duration>)> {
        let time = |seconds: &f64| Duration::try_from_secs_f64(*seconds).unwrap_or_default();
        self.trials
            .iter()
            .filter(|(_, trial)| !trial.seconds.is_empty())
            .map(move |(name, trial)| (name.as_str(), trial.seconds.iter().map(time).collect()))
    }

    /// Names of the trials that failed when they ran last.
    pub fn failed(&self) -> BTreeSet<String> {
        let failed = self.trials.iter().filter(|(_, trial)| trial.failed);
        failed.map(|(name, _)| name.clone()).collect()
    }

    fn fold(&mut self, run: RunId, summary: Summary) {
        for told in summary.trials.into_values() {
            if !told.seconds.is_empty() {
                let trial = self.trials.entry(told.name.clone()).or_default();
                trial.seconds.extend(told.seconds);
                let old = trial.seconds.len().saturating_sub(RUNS);
                trial.seconds.drain(..old);
            }
            if let (Some(failed), Some(trial)) = (told.failed, self.trials.get_mut(&told.name)) {
                trial.failed = failed;
            }
        }
        self.runs.push(run);
        let old = self.runs.len().saturating_sub(RUNS);
        self.runs.drain(..old);
    }
}

/// What one run adds to the memory. Gathered while it runs, so that nobody reads its record again at its end.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    trials: BTreeMap<u32, Told>,
    /// The last event was the run's end.
    is_complete: bool,
}

/// What a run told of a trial.
#[derive(Debug, Clone, Default, PartialEq)]
struct Told {
    name: String,
    seconds: Vec<f64>,
    failed: Option<bool>,
}

impl Summary {
    fn of(record: &Record) -> Self {
        let mut summary = Summary::default();
        for (_, event) in &record.events {
            summary.hear(event);
        }
        summary
    }

    /// Learns what an event says.
    pub fn hear(&mut self, event: &Event) {
        self.is_complete = matches!(event, Event::RunEnded { .. });
        if let Event::TrialPlanned(facts) = event {
            let told = self.trials.entry(facts.trial).or_default();
            told.name.clone_from(&facts.name);
        } else if let Event::AttemptEnded {
            attempt, report, ..
        } = event
        {
            let whole = matches!(
                report.outcome,
                Outcome::Passed | Outcome::Failed(_) | Outcome::TimedOut(_)
            );
            if let Some(told) = self.trials.get_mut(&attempt.trial).filter(|_| whole) {
                let took = report.timings.script.saturating_sub(report.timings.held);
                // To the microsecond: what is finer is noise, and makes the file longer.
                told.seconds.push((took.as_secs_f64() * 1e6).round() / 1e6);
            }
        } else if let Event::TrialSettled { trial, verdict, .. } = event
            && let Some(told) = self.trials.get_mut(trial)
        {
            told.failed = Some(verdict.is_failure() || verdict.is_fault());
        }
    }
}

fn file(state_dir: &Path) -> PathBuf {
    state_dir.join("durations.json")
}

/// What is remembered. The error says what is wrong with the file; it is made anew by [`remember`].
pub fn memory(state_dir: &Path) -> Result<Memory, String> {
    let path = file(state_dir);
    match fs::exists(&path) {
        Ok(false) => Ok(Memory::default()),
        Ok(true) | Err(_) => memory_in(&path),
    }
}

/// What is remembered in this file, which has to be there.
pub fn memory_in(path: &Path) -> Result<Memory, String> {
    let bytes =
        fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let memory: Memory = serde_json::from_slice(&bytes)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    if memory.version == VERSION {
        Ok(memory)
    } else {
        Err(format!("{} is of another version", path.display()))
    }
}

/// Folds what the latest runs have recorded and is not remembered yet; `own` is a run whose events were heard, which
/// need not be read. The file is replaced as a whole.
pub fn remember(state_dir: &Path, own: (&RunId, &Summary)) -> io::Result<()> {
    let mut memory = memory(state_dir).unwrap_or_default();
    let all = runs(state_dir)?;
    let latest = all.len().saturating_sub(RUNS);
    for run in all.into_iter().skip(latest) {
        if memory.runs.contains(&run) {
            continue;
        }
        let heard = (*own.0 == run).then(|| own.1.clone());
        let read = || {
            let record = read(&record_path(state_dir, &run)).ok()?;
            Some(Summary::of(&record))
        };
        // A run that is still going on has its turn when it ends.
        if let Some(summary) = heard.or_else(read).filter(|summary| summary.is_complete) {
            memory.fold(run, summary);
        }
    }
    let mut new = tempfile::NamedTempFile::new_in(state_dir)?;
    // In one piece: the serializer writes each sign by itself.
    let mut text = serde_json::to_vec(&memory)?;
    text.push(b'\n');
    new.write_all(&text)?;
    new.persist(file(state_dir))?;
    Ok(())
}
