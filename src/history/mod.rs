//! What is kept of runs: the record of each, in the state folder. Knows the model alone; does its own
//! file work, and reads no clock: times come with the events.
//!
//! ```text
//! .shakedown/.gitignore         *
//! .shakedown/runs/RUN.jsonl     one line for each event
//! .shakedown/runs/RUN/*.log     logs too long for a line
//! .shakedown/hangs/RUN-*.json   everything about a hang, one file each
//! ```

mod durations;
mod hangs;
mod keep;
mod log;
mod read;
mod record;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use crate::model::RunId;

pub use durations::{Memory, Summary, memory, memory_in, remember};
pub use hangs::{HangReport, store_hang};
pub use keep::{Retention, latest, retain, runs};
pub use log::{StoredLog, store_log};
pub use read::{ReadError, Record, read};
pub use record::Recorder;

/// The file of a run's record.
pub fn record_path(state_dir: &Path, run: &RunId) -> PathBuf {
    runs_dir(state_dir).join(format!("{run}.jsonl"))
}

fn runs_dir(state_dir: &Path) -> PathBuf {
    state_dir.join("runs")
}

/// The folder of a run's long logs.
fn logs_dir(state_dir: &Path, run: &RunId) -> PathBuf {
    runs_dir(state_dir).join(run.as_str())
}
