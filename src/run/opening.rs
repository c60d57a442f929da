//! The events that open a record: the run's facts, and its trials.

use std::fs;
use std::path::Path;

use super::brief::Brief;
use super::select::Selecting;
use crate::host::{environment, facts};
use crate::model::{Event, Hash, RunFacts, RunId, TrialFacts, Verdict};
use crate::plan::{self, Chosen};

/// The events before anything runs. Trials that will not run are settled by them.
pub(super) fn opening(brief: &Brief, run: &RunId, selecting: &Selecting, seed: u64) -> Vec<Event> {
    let selected = &selecting.trials;
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
        shuffled: brief.shuffled,
        filtered_out: selecting.filtered_out,
        width: width.get(),
        repeat: brief.repeat.clone(),
        shard: selecting.shard.clone(),
    }))];
    events.extend(brief.warnings.iter().map(|message| Event::Warning {
        message: message.clone(),
    }));
    let runs = selected
        .iter()
        .filter(|selected| selected.chosen == Chosen::Runs);
    let excess = plan::excess(runs.map(|selected| &selected.planned), width.get());
    events.extend(excess.map(|message| Event::Warning { message }));
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
        let reason = selected.ignored.clone();
        events.push(Event::settled(trial, Verdict::Ignored, reason));
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
