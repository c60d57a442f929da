//! Reads a record. Damaged lines are skipped and counted; a torn last line is what a kill leaves.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::record::Line;
use crate::model::Event;

/// A run as it was recorded.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Record {
    /// The moment it began, since 1970.
    pub unix: Duration,
    /// The events with their times since then.
    pub events: Vec<(Duration, Event)>,
    /// Lines that could not be read, a torn last one aside.
    pub damaged: usize,
    /// The last line is cut off: the run was killed while it wrote.
    pub torn: bool,
    /// The version of the format, when it is newer than ours.
    pub newer: Option<u32>,
}

/// A record that cannot be read at all.
#[derive(Debug, thiserror::Error)]
#[error("failed to read the record `{path}`")]
pub struct ReadError {
    /// Its file.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: io::Error,
}

impl Record {
    /// The first attempts in the order in which they started: name of the trial, and lap.
    pub fn starts(&self) -> Vec<(String, u32)> {
        let mut names: BTreeMap<u32, &str> = BTreeMap::new();
        let mut starts = Vec::new();
        for (_, event) in &self.events {
            if let Event::TrialPlanned(facts) = event {
                names.insert(facts.trial, &facts.name);
            } else if let Event::AttemptStarted(start) = event
                && start.attempt.attempt == 1
                && let Some(name) = names.get(&start.attempt.trial)
            {
                starts.push((start.order, ((*name).to_owned(), start.attempt.lap)));
            }
        }
        starts.sort_by_key(|(order, _)| *order);
        starts.into_iter().map(|(_, start)| start).collect()
    }

    /// What a reader should know about gaps, as lowercase fragments.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(version) = self.newer {
            let ours = Event::VERSION;
            notes.push(format!(
                "the record has version {version} and this program reads version {ours}: a newer shakedown shows more"
            ));
        }
        if self.damaged > 0 {
            let lines = if self.damaged == 1 { "line" } else { "lines" };
            notes.push(format!(
                "{} damaged {lines} of the record skipped",
                self.damaged
            ));
        }
        notes
    }

    fn line(&mut self, bytes: &[u8]) {
        let Ok(line) = serde_json::from_slice::<Line<Event>>(bytes) else {
            self.damaged += 1;
            let value: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
            let version = value.get("version").and_then(serde_json::Value::as_u64);
            self.version(version.map_or(0, |v| u32::try_from(v).unwrap_or(u32::MAX)));
            return;
        };
        let time = |seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default();
        if let Some(unix) = line.unix {
            self.unix = time(unix);
        }
        if let Event::RunStarted(facts) = &line.event {
            self.version(facts.version);
        }
        self.events.push((time(line.at), line.event));
    }

    fn version(&mut self, version: u32) {
        if version > Event::VERSION {
            self.newer = Some(version);
        }
    }
}

/// Reads a record.
pub fn read(path: &Path) -> Result<Record, ReadError> {
    let error = |source| ReadError {
        path: path.to_owned(),
        source,
    };
    let mut file = BufReader::new(File::open(path).map_err(error)?);
    let mut record = Record::default();
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        if file.read_until(b'\n', &mut bytes).map_err(error)? == 0 {
            return Ok(record);
        }
        if bytes.pop_if(|byte| *byte == b'\n').is_some() {
            record.line(&bytes);
        } else {
            record.torn = true;
        }
    }
}
