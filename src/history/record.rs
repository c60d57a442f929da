//! Writes the record of a run: one line for each event, each with one write, so that a kill at any
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
    pub(super) fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec(self)?;
        bytes.push(b'\n');
        Ok(bytes)
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
    /// the first [`Recorder::append`].
    pub fn create(state_dir: &Path, run: &RunId, unix: Duration) -> Recorder {
        let path = record_path(state_dir, run);
        let state = match open(state_dir, &path) {
            Ok(file) => State::Writing(file),
            Err(error) => State::Failed(error),
        };
        let unix = Some(unix);
        Recorder { path, unix, state }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the record is complete so far.
    pub fn is_whole(&self) -> bool {
        matches!(self.state, State::Writing(_))
    }

    /// Appends an event. Some: the warning that from here on nothing is recorded, told once.
    pub fn append(&mut self, at: Duration, event: &Event) -> Option<String> {
        let line = Line {
            at: micros(at),
            unix: self.unix.take().map(micros),
            event,
        };
        if let State::Writing(file) = &mut self.state
            && let Err(error) = line.to_bytes().and_then(|bytes| file.write_all(&bytes))
        {
            self.state = State::Failed(error);
        }
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
