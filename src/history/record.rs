//! Writes the record of a run: one line for each event, always whole lines at once, so that a kill at any
//! moment leaves a readable file. A record that cannot be written never breaks a run.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::record_path;
use crate::model::{Event, RunId};

/// A line as it is written. `E` is the event, or a reference to it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Line<E> {
    /// Seconds since the run began.
    pub(super) at: f64,
    /// The moment the run began, in seconds since 1970; only in the first line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) unix: Option<f64>,
    #[serde(flatten)]
    pub(super) event: E,
}

impl<E: Serialize> Line<E> {
    pub(super) fn add_to(&self, lines: &mut Vec<u8>) -> io::Result<()> {
        serde_json::to_writer(&mut *lines, self)?;
        lines.push(b'\n');
        Ok(())
    }
}

/// Seconds to the microsecond: enough to order events, short to read.
pub(super) fn micros(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e6
}

/// Writes a run's record. After an error it has said so once and writes no more.
#[derive(Debug)]
pub struct Recorder {
    path: PathBuf,
    /// Written into the first line.
    unix: Option<Duration>,
    /// Whole lines that are not in the file yet.
    lines: Vec<u8>,
    state: State,
}

#[derive(Debug)]
enum State {
    Writing(File),
    /// The reason has not been told yet.
    Failed(io::Error),
    Stopped,
}

impl Recorder {
    /// Opens the record of a new run; `unix` is the moment it began, since 1970. An error is told by
    /// the first [`Recorder::write`].
    pub fn create(state_dir: &Path, run: &RunId, unix: Duration) -> Recorder {
        let path = record_path(state_dir, run);
        let state = match open(state_dir, &path) {
            Ok(file) => State::Writing(file),
            Err(error) => State::Failed(error),
        };
        let unix = Some(unix);
        let lines = Vec::new();
        Recorder {
            path,
            unix,
            lines,
            state,
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the record is complete so far.
    pub fn is_whole(&self) -> bool {
        matches!(self.state, State::Writing(_))
    }

    /// Appends an event; it is in the file after the next [`Recorder::write`].
    pub fn append(&mut self, at: Duration, event: &Event) {
        let line = Line {
            at: micros(at),
            unix: self.unix.take().map(micros),
            event,
        };
        if let State::Writing(_) = &self.state {
            let before = self.lines.len();
            if let Err(error) = line.add_to(&mut self.lines) {
                self.lines.truncate(before);
                self.state = State::Failed(error);
            }
        }
    }

    /// Writes all that was appended. Some: the warning that from here on nothing is recorded, told once.
    pub fn write(&mut self) -> Option<String> {
        if let State::Writing(file) = &mut self.state
            && !self.lines.is_empty()
            && let Err(error) = file.write_all(&self.lines)
        {
            self.state = State::Failed(error);
        }
        self.lines.clear();
        match std::mem::replace(&mut self.state, State::Stopped) {
            State::Failed(error) => {
                let path = self.path.display();
                Some(format!(
                    "nothing more is recorded, for `{path}` cannot be written: {error}"
                ))
            }
            state @ (State::Writing(_) | State::Stopped) => {
                self.state = state;
                None
            }
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // There is nobody left to be warned.
        self.write();
    }
}

fn open(state_dir: &Path, path: &Path) -> io::Result<File> {
    if let Some(runs) = path.parent() {
        fs::create_dir_all(runs)?;
    }
    ignore_ourselves(state_dir)?;
    OpenOptions::new().append(true).create_new(true).open(path)
}

/// Keeps the state folder out of git. One that is there was made by another run, or by the user.
fn ignore_ourselves(state_dir: &Path) -> io::Result<()> {
    let path = state_dir.join(".gitignore");
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => file.write_all(b"*\n"),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}
