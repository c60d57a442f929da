//! Writes an archive of many files: directory by directory, so that each is opened once or twice, and on several
//! processors. Knows nothing of how a file is written, and takes no archive whose files come out differently in
//! another order.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Builder};

use super::{Place, Refusal, Unpacking};
use crate::host::facts;
use crate::host::spares::Spares;
use crate::script::txtar::File;

/// Fewer files are written one after another before threads have started.
pub(super) const MANY: usize = 500;

/// So many files of one directory are taken at a time, so that also those of a single one are shared.
const SHARE: usize = 250;

/// More threads only wait for the file system.
const MOST_THREADS: u32 = 8;

/// One file to be written.
struct Entry<'a> {
    file: &'a File,
    /// Expanded, for messages.
    name: &'a [u8],
    /// The names on the way to it, from the work directory; not empty.
    parts: Vec<&'a OsStr>,
}

/// What is to be written.
pub(super) struct Work<'a> {
    place: Place<'a>,
    /// In the order of the archive.
    entries: Vec<Entry<'a>>,
    /// Places in `entries`; the files of a share stand in one directory.
    shares: Vec<Vec<usize>>,
    /// The first share that nobody has taken.
    next: AtomicUsize,
    /// What went wrong, by the place in `entries`.
    refused: Mutex<BTreeMap<usize, Vec<u8>>>,
}

impl<'a> Work<'a> {
    /// `None` for files that must be written one after another: one leads outside, has the path of another, or
    /// is where another needs a directory.
    pub(super) fn new(place: Place<'a>, files: &'a [File], names: &'a [Vec<u8>]) -> Option<Self> {
        let entry = |(file, name): (&'a File, &'a Vec<u8>)| {
            let parts = super::parts(name, place.work_dir)?;
            (!parts.is_empty()).then_some(Entry { file, name, parts })
        };
        let entries: Vec<Entry<'_>> = files.iter().zip(names).map(entry).collect::<Option<_>>()?;
        Some(Work {
            place,
            shares: shares(&entries)?,
            entries,
            next: AtomicUsize::new(0),
            refused: Mutex::default(),
        })
    }

    /// Writes all files; says where each is. The error is that of the first file in the archive's order that has
    /// one, whoever came to it first.
    pub(super) fn perform(self) -> Result<Vec<PathBuf>, Refusal> {
        let threads = facts::cores().get().min(MOST_THREADS);
        thread::scope(|scope| {
            for _ in 1..threads {
                // Without a further thread this one does it all.
                drop(Builder::new().spawn_scoped(scope, || self.take_shares()));
            }
            self.take_shares();
        });
        let refused = self
            .refused
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let first = refused.into_iter().next();
        if let Some((entry, message)) =
            first.and_then(|(at, message)| Some((self.entries.get(at)?, message)))
        {
            return Err((entry.file.line, message));
        }
        Ok(self
            .entries
            .iter()
            .map(|entry| self.place.path(&entry.parts))
            .collect())
    }

    fn take_shares(&self) {
        let none = Spares::default();
        let mut unpacking = Unpacking::new(self.place, &none);
        while let Some(share) = self.shares.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            // Of each share the first error counts: what comes before it in the archive may still be in another.
            let mut files = share
                .iter()
                .filter_map(|at| Some((*at, self.entries.get(*at)?)));
            let refused = files.find_map(|(at, entry)| {
                let written = unpacking.write(entry.name, &entry.parts, &entry.file.data);
                written.err().map(|message| (at, message))
            });
            if let Some((at, message)) = refused {
                let mut all = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
                all.insert(at, message);
            }
        }
    }
}

/// The files by their directories; `None` if their order makes a difference.
fn shares(entries: &[Entry<'_>]) -> Option<Vec<Vec<usize>>> {
    let mut files = BTreeSet::new();
    let mut directories: BTreeMap<&[&OsStr], Vec<usize>> = BTreeMap::new();
    for (at, Entry { parts, .. }) in entries.iter().enumerate() {
        let (_, directory) = parts.split_last()?;
        directories.entry(directory).or_default().push(at);
        if !files.insert(parts.as_slice()) {
            return None;
        }
    }
    let is_file = |directory: &[&OsStr]| {
        (1..=directory.len()).any(|length| {
            directory
                .get(..length)
                .is_some_and(|above| files.contains(above))
        })
    };
    if directories.keys().any(|directory| is_file(directory)) {
        return None;
    }
    let shares = directories.values().flat_map(|all| all.chunks(SHARE));
    Some(shares.map(<[usize]>::to_vec).collect())
}
