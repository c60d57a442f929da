//! Hashes what is under test, on a thread of its own: reading an executable takes longer than starting. What
//! has not changed since the last run is not read again.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::driver::{Driver, Occurrence};
use crate::host::clock;
use crate::host::post::Inbox;
use crate::model::Hash;

/// How long a run that is over waits until what it tested has been read: without a hash nobody can say later whether
/// two runs tested the same, and the next run would begin to read anew.
const LIMIT: Duration = Duration::from_secs(5);

/// Whether the run knows what it tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hashing {
    /// It is still being read.
    Reads,
    /// The record has it.
    Told,
}

/// The hashes of the last run, by what changes with a file's content.
const KNOWN: &str = "hashes.json";

/// Hashes this executable, which holds the registered programs, and the external programs. What cannot be
/// read has no hash.
pub(super) fn hash(
    programs: Vec<(String, Option<PathBuf>)>,
    state: PathBuf,
    inbox: Inbox<Occurrence>,
) {
    std::thread::spawn(move || {
        let external = programs
            .into_iter()
            .filter_map(|(name, path)| Some((name, path?)));
        let own = ("harness".to_owned(), PathBuf::from("/proc/self/exe"));
        let known = known(&state);
        let mut found = BTreeMap::new();
        let mut hashes = BTreeMap::new();
        for (name, path) in std::iter::once(own).chain(external) {
            if let Ok((identity, hash)) = hash_of(&path, &known) {
                found.insert(identity, hash.clone());
                hashes.insert(name, hash);
            }
        }
        if found != known {
            remember(&state, &found);
        }
        // A run that has ended meanwhile needs no answer.
        inbox.send(Occurrence::Hashed(hashes));
    });
}

impl Driver {
    /// Only a run that is shorter than the reading has to wait, and only when something has changed.
    pub(super) fn await_hashes(&mut self) {
        let give_up = clock::now() + LIMIT;
        while self.hashing == Hashing::Reads && self.signal.is_none() {
            let left = give_up.saturating_duration_since(clock::now());
            match self.next(left) {
                Some(occurrence) => self.occur(occurrence),
                None if left.is_zero() => return,
                None => {}
            }
        }
    }
}

fn known(state: &Path) -> BTreeMap<String, String> {
    let text = fs::read(state.join(KNOWN)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// Whole or not at all; without it the next run reads the files again.
fn remember(state: &Path, hashes: &BTreeMap<String, String>) {
    if let Ok(mut file) = tempfile::NamedTempFile::new_in(state)
        && let Ok(text) = serde_json::to_vec(hashes)
        && file.write_all(&text).is_ok()
    {
        file.persist(state.join(KNOWN)).ok();
    }
}

/// What the file is, and its hash.
fn hash_of(path: &Path, known: &BTreeMap<String, String>) -> io::Result<(String, String)> {
    let mut file = File::open(path)?;
    let facts = file.metadata()?;
    // Not ctime: each run makes a link to the file, and that changes it.
    let identity = format!(
        "{}:{}:{}:{}.{}",
        facts.dev(),
        facts.ino(),
        facts.size(),
        facts.mtime(),
        facts.mtime_nsec()
    );
    if let Some(hash) = known.get(&identity) {
        return Ok((identity, hash.clone()));
    }
    let mut hash = Hash::default();
    let mut chunk = vec![0; 1 << 20];
    loop {
        let count = file.read(&mut chunk)?;
        if count == 0 {
            return Ok((identity, hash.finish()));
        }
        hash.update_words(chunk.get(..count).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_has_not_changed_is_not_read_again() {
        let state = tempfile::tempdir().unwrap();
        let program = state.path().join("program");
        fs::write(&program, "one").unwrap();
        let (identity, first) = hash_of(&program, &BTreeMap::new()).unwrap();
        let marked = BTreeMap::from([(identity, "marked".to_owned())]);
        remember(state.path(), &marked);
        assert_eq!(hash_of(&program, &known(state.path())).unwrap().1, "marked");
        fs::write(&program, "other").unwrap();
        let second = hash_of(&program, &known(state.path())).unwrap().1;
        assert!(second != first && second != "marked");
    }
}
