//! What earlier runs left that was named on the command line: the record whose order is repeated, and a file of
//! durations. What a user named has to be readable.

use std::path::{Path, PathBuf};

use super::{Options, Runner, StartOrder};
use crate::config::{Origin, Sourced};
use crate::history::{self, Memory};
use crate::host::environment;
use crate::model::{Event, RunId};

/// Name and lap of what is to start first, in this order. One trial alone, as under nextest, needs none.
pub(super) fn order(options: &Options, state: &Path) -> Result<Option<Vec<(String, u32)>>, String> {
    match &options.order {
        StartOrder::Repeated(typed) if options.runner != Runner::Nextest => {
            starts(&typed.value, state)
                .map(Some)
                .map_err(|why| told(&typed.origin, &why))
        }
        StartOrder::Repeated(_) | StartOrder::Longest | StartOrder::Shuffled(_) => Ok(None),
    }
}

/// What is remembered in the file that was named.
pub(super) fn durations(options: &Options) -> Result<Option<Memory>, String> {
    let read = |typed: &Sourced<String>| {
        history::memory_in(&environment::directory().join(&typed.value))
            .map_err(|why| told(&typed.origin, &why))
    };
    options.durations.as_ref().map(read).transpose()
}

fn told(origin: &Origin, why: &str) -> String {
    format!("{origin}: {why}")
}

fn starts(typed: &str, state: &Path) -> Result<Vec<(String, u32)>, String> {
    let path = record(typed, state)?;
    let unreadable = |why: &dyn std::fmt::Display| format!("cannot read {}: {why}", path.display());
    let record = history::read(&path).map_err(|error| unreadable(&error.source))?;
    let begun = |(_, event): &(_, Event)| matches!(event, Event::RunStarted(_));
    if record.damaged > 0 || !record.events.iter().any(begun) {
        return Err(unreadable(
            &"expected the record of a run, found lines that are not of one",
        ));
    }
    Ok(record.starts())
}

/// The file of the record: what can be a run's id is one, and everything else is a file.
fn record(typed: &str, state: &Path) -> Result<PathBuf, String> {
    if typed == "latest" {
        let latest = history::latest(state)
            .map_err(|error| format!("cannot read {}: {error}", state.display()))?;
        let run = latest.ok_or_else(|| format!("no run is recorded in {}", state.display()))?;
        return Ok(history::record_path(state, &run));
    }
    match typed.parse::<RunId>() {
        Ok(run) => Ok(history::record_path(state, &run)),
        Err(_) => Ok(environment::directory().join(typed)),
    }
}
