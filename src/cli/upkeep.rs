//! The state directory's upkeep: a run holds a lock while it lives, and forgets old ones when it ends.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use crate::history::{self, Retention};
use crate::host::{clock, environment, flock};
use crate::ledger;
use crate::model::RunId;
use crate::run::Brief;

/// Takes the lock that says that the run lives; the kernel releases it when this process ends, however.
pub(super) fn hold(state: &Path, run: &RunId) -> Result<Option<flock::FileLock>, String> {
    let live = state.join("live").join(run.as_str());
    let failed = |error: io::Error| {
        format!(
            "cannot write to the state directory {}: {error}\n  hint: `--state-dir DIR` names another",
            state.display()
        )
    };
    fs::create_dir_all(&live).map_err(failed)?;
    flock::lock(&live.join("lock"), Duration::ZERO).map_err(failed)
}

/// Keeps the number of records within the configured limits, and removes what killed runs left behind.
pub(super) fn forget_old_runs(brief: &Brief, state: &Path, own: &RunId) {
    let live = state.join("live");
    let is_live = |run: &RunId| {
        let lock = live.join(run.as_str()).join("lock");
        lock.exists() && !matches!(flock::lock(&lock, Duration::ZERO), Ok(Some(_)))
    };
    for entry in fs::read_dir(&live).into_iter().flatten().flatten() {
        let id = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<RunId>().ok());
        let dead = id.is_some_and(|id| entry.path().join("lock").exists() && !is_live(&id));
        if dead || is_old_detection(&entry) {
            drop(fs::remove_dir_all(entry.path()));
        }
    }
    let runs = usize::try_from(brief.settings.record.keep_runs).unwrap_or(usize::MAX);
    let limits = Retention {
        runs,
        bytes: brief.settings.record.keep_bytes,
    };
    if let Ok(ledgers) = ledger::state::directory(&environment::variables()) {
        ledger::forget(&ledgers, own, runs);
    }
    // What cannot be removed now is tried again by the next run.
    history::retain(state, limits, &is_live).ok();
}

/// What the processes of one nextest run shared, a day after they did.
fn is_old_detection(entry: &fs::DirEntry) -> bool {
    let written = entry.metadata().and_then(|facts| facts.modified()).ok();
    let since = written.and_then(|written| written.duration_since(UNIX_EPOCH).ok());
    let age = clock::since_1970().saturating_sub(since.unwrap_or_default());
    let shared = entry.file_name().to_string_lossy().starts_with("nextest-");
    shared && since.is_some() && age > Duration::from_secs(24 * 3600)
}
