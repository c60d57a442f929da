//! Whether a run lives. A run is alive while a lock in its directory is held: by its harness, and by each slot, which
//! may outlive it to clean up. The kernel releases the lock however they end, so no process id is trusted.
//!
//! Knows where a run's things are, and nothing of what they are.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::intents::directory_of;
use crate::host::flock::{self, FileLock};
use crate::host::folders;
use crate::host::process::user;
use crate::model::{Bytes, RunId};

/// Longer than anybody looks at a run's directory who wants to know whether it lives.
const LOOK: Duration = Duration::from_secs(5);

/// What a run writes down when it begins, for those who clean after it when it was killed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beginning {
    /// The directory that is first in its scripts' `PATH`, without the slot: no other run's processes have it.
    pub live: Bytes,
    /// Where its work directories are.
    pub work: Bytes,
    /// The user wanted to keep everything.
    pub keeps: bool,
}

/// A run that lives.
#[derive(Debug)]
pub struct Life {
    directory: PathBuf,
    beginning: PathBuf,
    lock: FileLock,
}

fn lock_file(directory: &Path) -> PathBuf {
    directory.join("lock")
}

/// Those of the runs that have not ended stand in one directory, so that nobody looks through the others.
fn beginnings(state: &Path) -> PathBuf {
    state.join("begun")
}

fn beginning_file(state: &Path, run: &RunId) -> PathBuf {
    beginnings(state).join(run.as_str())
}

impl Life {
    /// Begins a run's life.
    pub fn begin(state: &Path, run: &RunId, beginning: &Beginning) -> io::Result<Life> {
        let directory = directory_of(state, run);
        for directory in [&directory, &beginnings(state)] {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(directory)?;
        }
        let lock = flock::share(&lock_file(&directory), LOOK)?
            .ok_or_else(|| io::Error::from(io::ErrorKind::WouldBlock))?;
        let file = beginning_file(state, run);
        fs::write(&file, serde_json::to_vec(beginning)?)?;
        Ok(Life {
            directory,
            beginning: file,
            lock,
        })
    }

    /// Ends it in good order. Nothing is left of a run that made nothing.
    pub fn end(self) {
        bury(&self.directory, &self.beginning);
        drop(self.lock);
    }
}

/// Lives along with the run whose directory this is.
pub fn join(directory: &Path) -> Option<FileLock> {
    flock::share(&lock_file(directory), LOOK).ok().flatten()
}

fn bury(directory: &Path, beginning: &Path) {
    // What cannot be removed is found by the next run, which tries again.
    fs::remove_file(beginning).ok();
    fs::remove_file(lock_file(directory)).ok();
    fs::remove_dir(directory).ok();
}

/// A run that was killed. While this is held nobody else cleans after it.
#[derive(Debug)]
pub struct Dead {
    /// Which.
    pub run: RunId,
    /// What it wrote down when it began.
    pub beginning: Beginning,
    directory: PathBuf,
    file: PathBuf,
    #[expect(dead_code, reason = "the held lock keeps others from cleaning too")]
    lock: FileLock,
}

/// The runs that began, did not end and do not live, oldest first.
pub fn dead(state: &Path) -> Vec<Dead> {
    let entries = fs::read_dir(beginnings(state))
        .into_iter()
        .flatten()
        .flatten();
    let runs = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<RunId>().ok());
    let mut runs: Vec<RunId> = runs.collect();
    runs.sort();
    runs.into_iter()
        .filter_map(|run| look(state, run))
        .collect()
}

fn look(state: &Path, run: RunId) -> Option<Dead> {
    let directory = directory_of(state, &run);
    let file = beginning_file(state, &run);
    let text = fs::read(&file).ok()?;
    let lock = flock::lock(&lock_file(&directory), Duration::ZERO).ok()??;
    Some(Dead {
        run,
        // Half of it is what a run that was killed at once has written: it had nothing yet.
        beginning: serde_json::from_slice(&text).unwrap_or_else(|_| Beginning {
            live: Bytes::default(),
            work: Bytes::default(),
            keeps: false,
        }),
        directory,
        file,
        lock,
    })
}

/// Whether somebody of this run lives.
pub fn is_alive(state: &Path, run: &RunId) -> bool {
    let file = lock_file(&directory_of(state, run));
    file.exists() && !matches!(flock::lock(&file, Duration::ZERO), Ok(Some(_)))
}

impl Dead {
    /// Where its work directories were, when that is known.
    pub fn work(&self) -> Option<PathBuf> {
        let work = path(&self.beginning.work);
        is_named(&work, "shakedown-").then_some(work)
    }

    /// Everything is done that can be done for it.
    pub fn bury(self) {
        bury(&self.directory, &self.file);
    }

    /// Removes its work directories and its stand-ins; says what could not be removed, and why.
    pub fn remove_directories(&self) -> Vec<(PathBuf, io::Error)> {
        let work = path(&self.beginning.work);
        let live = path(&self.beginning.live);
        let ours = [
            (&work, is_named(&work, "shakedown-")),
            (&live, is_named(&live, self.run.as_str())),
        ];
        let mut failed = Vec::new();
        for (directory, is_named) in ours {
            if is_named
                && is_own_directory(directory)
                && let Err(error) = folders::remove(directory)
            {
                failed.push((directory.clone(), error));
            }
        }
        failed
    }
}

fn is_named(path: &Path, name: &str) -> bool {
    let last = path.file_name();
    path.is_absolute() && last.is_some_and(|last| last.to_string_lossy().starts_with(name))
}

fn is_own_directory(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|facts| facts.is_dir() && facts.uid() == user())
}

fn path(bytes: &Bytes) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(&bytes.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;

    fn beginning(work: &Path) -> Beginning {
        Beginning {
            live: Bytes::default(),
            work: work.as_os_str().as_bytes().to_vec().into(),
            keeps: false,
        }
    }

    /// A child that another test starts has our descriptors until it is its own program: a lock that was dropped may
    /// seem held for a moment.
    fn eventually(dead: impl Fn() -> Vec<Dead>) -> Vec<Dead> {
        let give_up = crate::host::clock::now() + Duration::from_secs(20);
        loop {
            let found = dead();
            if !found.is_empty() {
                return found;
            }
            assert!(crate::host::clock::now() < give_up, "nobody is found dead");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_run_is_dead_when_nobody_holds_its_lock_and_it_did_not_end() {
        let state = tempfile::tempdir().unwrap();
        let run: RunId = "r1".parse().unwrap();
        let place = beginning(Path::new("/nowhere"));
        let names = || {
            dead(state.path())
                .iter()
                .map(|dead| dead.run.to_string())
                .collect::<Vec<_>>()
        };
        let life = Life::begin(state.path(), &run, &place).unwrap();
        let slot = join(&directory_of(state.path(), &run)).unwrap();
        assert_eq!(names(), [""; 0]);
        // What a SIGKILL of the harness leaves.
        drop(life.lock);
        assert_eq!(names(), [""; 0], "a slot still cleans up");
        assert!(is_alive(state.path(), &run));
        drop(slot);
        let held = eventually(|| dead(state.path()));
        assert_eq!(held[0].run, run);
        assert_eq!(held[0].beginning, place);
        assert_eq!(names(), [""; 0], "somebody cleans after it already");
        held.into_iter().for_each(Dead::bury);
        assert!(!directory_of(state.path(), &run).exists());
    }

    #[test]
    fn a_run_that_ends_leaves_only_what_it_wrote() {
        let state = tempfile::tempdir().unwrap();
        for wrote in [false, true] {
            let run: RunId = "r1".parse().unwrap();
            let life = Life::begin(state.path(), &run, &beginning(Path::new("/x"))).unwrap();
            let ledger = directory_of(state.path(), &run).join("ledger.jsonl");
            if wrote {
                fs::write(&ledger, "").unwrap();
            }
            life.end();
            assert_eq!(ledger.exists(), wrote);
            assert_eq!(directory_of(state.path(), &run).exists(), wrote);
            assert!(dead(state.path()).is_empty());
        }
    }

    #[test]
    fn only_directories_of_the_run_are_removed() {
        let place = tempfile::tempdir().unwrap();
        for (name, goes) in [("shakedown-abc", true), ("precious", false)] {
            let state = tempfile::tempdir().unwrap();
            let work = place.path().join(name);
            fs::create_dir_all(work.join("w1")).unwrap();
            let life =
                Life::begin(state.path(), &"r1".parse().unwrap(), &beginning(&work)).unwrap();
            drop(life.lock);
            for dead in eventually(|| dead(state.path())) {
                assert!(dead.remove_directories().is_empty());
            }
            assert_eq!(work.exists(), !goes, "{name}");
        }
        let link = place.path().join("shakedown-link");
        let target = place.path().join("precious");
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(!is_own_directory(&link));
    }
}
