//! Everything about one hang in a file of its own, to be read, sent and kept. It goes when its record goes.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::log::file_stem;
use crate::model::{AttemptId, AttemptReport, AttemptStart, EngineFacts, Event, RunId};

/// What the file holds.
#[derive(Debug, Serialize)]
pub struct HangReport<'a> {
    /// The version of its facts, which are the record's.
    pub version: u32,
    /// The run.
    pub run: &'a RunId,
    /// The trial's name.
    pub trial: &'a str,
    /// The circumstances of the attempt.
    pub start: Option<&'a AttemptStart>,
    /// The engine, if it is known.
    pub engine: Option<&'a EngineFacts>,
    /// All that was learnt.
    pub report: &'a AttemptReport,
}

impl<'a> HangReport<'a> {
    /// A report of this version.
    pub fn new(run: &'a RunId, trial: &'a str, report: &'a AttemptReport) -> Self {
        HangReport {
            version: Event::VERSION,
            run,
            trial,
            start: None,
            engine: None,
            report,
        }
    }
}

/// Writes it whole or not at all, and returns its path.
pub fn store_hang(
    state_dir: &Path,
    attempt: AttemptId,
    hang: &HangReport<'_>,
) -> io::Result<PathBuf> {
    let folder = hangs_dir(state_dir);
    fs::create_dir_all(&folder)?;
    let stem = file_stem(hang.trial, attempt);
    let path = folder.join(format!("{}-{stem}.json", hang.run));
    let mut file = tempfile::NamedTempFile::new_in(&folder)?;
    // In one piece: the serializer writes each sign by itself.
    let mut text = serde_json::to_vec_pretty(hang)?;
    text.push(b'\n');
    file.write_all(&text)?;
    file.persist(&path)?;
    Ok(path)
}

fn hangs_dir(state_dir: &Path) -> PathBuf {
    state_dir.join("hangs")
}

/// The files of all runs' hangs.
#[derive(Debug)]
pub(super) struct Hangs {
    files: Vec<PathBuf>,
}

impl Hangs {
    /// Those that are there.
    pub(super) fn read(state_dir: &Path) -> Self {
        let entries = fs::read_dir(hangs_dir(state_dir)).into_iter().flatten();
        let files = entries.flatten().map(|entry| entry.path()).collect();
        Hangs { files }
    }

    /// Those of one run.
    pub(super) fn of_run(&self, run: &RunId) -> Vec<&Path> {
        let prefix = format!("{run}-");
        let is_its = |file: &&Path| {
            let name = file.file_name().unwrap_or_default();
            name.to_string_lossy().starts_with(&prefix)
        };
        let files = self.files.iter().map(PathBuf::as_path);
        files.filter(is_its).collect()
    }
}
