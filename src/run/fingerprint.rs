//! Hashes what is under test, on a thread of its own: reading an executable takes longer than starting.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender as Inbox;

use super::driver::Occurrence;
use crate::model::Hash;

/// Hashes this executable, which holds the registered programs, and the external programs. What cannot be
/// read has no hash.
pub(super) fn hash(programs: Vec<(String, Option<PathBuf>)>, inbox: Inbox<Occurrence>) {
    std::thread::spawn(move || {
        let external = programs
            .into_iter()
            .filter_map(|(name, path)| Some((name, path?)));
        let own = ("harness".to_owned(), PathBuf::from("/proc/self/exe"));
        let hashes: BTreeMap<String, String> = std::iter::once(own)
            .chain(external)
            .filter_map(|(name, path)| Some((name, hash_of(&path).ok()?)))
            .collect();
        // A run that has ended meanwhile needs no answer.
        drop(inbox.send(Occurrence::Hashed(hashes)));
    });
}

fn hash_of(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Hash::default();
    let mut chunk = vec![0; 1 << 20];
    loop {
        let count = file.read(&mut chunk)?;
        if count == 0 {
            return Ok(hash.finish());
        }
        hash.update_words(chunk.get(..count).unwrap_or_default());
    }
}
