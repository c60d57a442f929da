//! How long ledgers stay: until all that they name is gone, and then as long as they are among the latest.

use std::fs;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use super::intents::{Ledger, directory_of};
use crate::host::clock;
use crate::model::RunId;

/// A run that wrote nothing for this long is not in the middle of a script.
const AT_REST: Duration = Duration::from_secs(24 * 3600);

/// Forgets what no longer matters: the id files of `own`, which is over, when it is settled, and settled
/// runs that have been at rest for a day, when more than `keep` runs are there. A ledger that names
/// something which may still exist is never touched.
pub fn forget(state: &Path, own: &RunId, keep: usize) {
    // What cannot be removed now is tried again by the next run.
    if is_settled(state, own) {
        fs::remove_dir_all(directory_of(state, own).join("ids")).ok();
    }
    let runs = runs(state);
    let old = runs.iter().take(runs.len().saturating_sub(keep));
    // Behind the first that is young there are only younger ones: those of a day may be thousands.
    for run in old.take_while(|run| age(state, run).is_none_or(|age| age > AT_REST)) {
        if age(state, run).is_some() && is_settled(state, run) {
            fs::remove_dir_all(directory_of(state, run)).ok();
        }
    }
}

/// The runs that have a ledger, oldest first.
pub fn runs(state: &Path) -> Vec<RunId> {
    let entries = fs::read_dir(state.join("runs"))
        .into_iter()
        .flatten()
        .flatten();
    let names = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<RunId>().ok());
    let mut runs: Vec<RunId> = names.collect();
    runs.sort();
    runs
}

fn is_settled(state: &Path, run: &RunId) -> bool {
    let contents = Ledger::of(state, run).read();
    contents.is_ok_and(|contents| contents.unreadable == 0 && contents.open().is_empty())
}

/// How long ago its ledger was written; `None` without one.
fn age(state: &Path, run: &RunId) -> Option<Duration> {
    let written = fs::metadata(Ledger::of(state, run).file()).and_then(|facts| facts.modified());
    let since = written.ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(clock::since_1970().saturating_sub(since))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::intents::Entry;
    use crate::model::{AttemptId, Cleanup, EngineKind, Intent, ResourceKind};

    #[test]
    fn only_settled_ledgers_are_forgotten() {
        let state = tempfile::tempdir().unwrap();
        let attempt = AttemptId {
            trial: 1,
            lap: 1,
            attempt: 1,
        };
        let intent = Intent {
            kind: ResourceKind::Container,
            name: String::new(),
            id_file: String::new(),
            existed: false,
        };
        for (run, is_settled, age) in [
            ("a", true, 2),
            ("b", false, 2),
            ("c", true, 0),
            ("d", true, 0),
        ] {
            let run: RunId = run.parse().unwrap();
            let ledger = Ledger::of(state.path(), &run);
            let engine = EngineKind::Docker;
            ledger
                .append(&[Entry::Intent {
                    attempt,
                    engine,
                    intent: intent.clone(),
                    place: String::new(),
                }])
                .unwrap();
            if is_settled {
                ledger.settle(attempt, &Cleanup::default()).unwrap();
            }
            let written = UNIX_EPOCH + clock::since_1970() - AT_REST * age;
            fs::File::open(ledger.file())
                .unwrap()
                .set_modified(written)
                .unwrap();
            fs::create_dir(directory_of(state.path(), &run).join("ids")).unwrap();
        }
        forget(state.path(), &"d".parse().unwrap(), 1);
        let there = |path: &str| state.path().join("runs").join(path).exists();
        // Settled and at rest; not settled; settled a moment ago, perhaps by a run that goes on; our own.
        assert!(!there("a"));
        assert!(there("b/ids"));
        assert!(there("c/ids"));
        assert!(there("d/ledger.jsonl") && !there("d/ids"));
    }
}
