//! Which records are there, and which ones go.

use std::fs;
use std::io;
use std::path::Path;

use super::{hangs, logs_dir, record_path, runs_dir};
use crate::model::RunId;

/// How much is kept: whichever limit is met first. The latest run always is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Runs.
    pub runs: usize,
    /// Bytes, over records and logs.
    pub bytes: u64,
}

/// The recorded runs, oldest first. None when nothing was recorded yet.
pub fn runs(state_dir: &Path) -> io::Result<Vec<RunId>> {
    let entries = match fs::read_dir(runs_dir(state_dir)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut runs = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let id = name.to_str().and_then(|name| name.strip_suffix(".jsonl"));
        runs.extend(id.and_then(|id| id.parse::<RunId>().ok()));
    }
    runs.sort();
    Ok(runs)
}

/// The run that was started last.
pub fn latest(state_dir: &Path) -> io::Result<Option<RunId>> {
    Ok(runs(state_dir)?.pop())
}

/// Removes the oldest records until the limits hold; never the latest, never one that is live.
/// Returns what was removed. What cannot be removed now is tried again by the next run.
pub fn retain(
    state_dir: &Path,
    limits: Retention,
    is_live: &dyn Fn(&RunId) -> bool,
) -> io::Result<Vec<RunId>> {
    let mut removed = Vec::new();
    let mut bytes = 0;
    let all = hangs::Hangs::read(state_dir);
    for (kept, run) in runs(state_dir)?.into_iter().rev().enumerate() {
        let hangs = all.of_run(&run);
        bytes += size(&record_path(state_dir, &run)) + size_of_logs(&logs_dir(state_dir, &run));
        bytes += hangs.iter().map(|hang| size(hang)).sum::<u64>();
        let too_many = kept >= limits.runs || bytes > limits.bytes;
        if kept == 0 || !too_many || is_live(&run) {
            continue;
        }
        // Logs first: a record without logs can be read, logs without a record are never found again.
        let logs = fs::remove_dir_all(logs_dir(state_dir, &run));
        let hangs = hangs.iter().all(|hang| gone(&fs::remove_file(hang)));
        if hangs && gone(&logs) && gone(&fs::remove_file(record_path(state_dir, &run))) {
            removed.push(run);
        }
    }
    Ok(removed)
}

/// Removed by us, or by another run in the same moment.
fn gone(result: &io::Result<()>) -> bool {
    match result {
        Ok(()) => true,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

fn size(path: &Path) -> u64 {
    fs::symlink_metadata(path).map_or(0, |metadata| metadata.len())
}

fn size_of_logs(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| size(&entry.path())).sum()
}
