//! What an attempt begins with: its script, read and parsed, and an empty work directory. Executes nothing.

use std::fs;
use std::path::PathBuf;

use super::serve::{Slot, path};
use crate::model::{Bytes, Fault, FaultKind};
use crate::script::Script;
use crate::wire::Job;

/// The script, its bytes and its work directory; or whose fault it is that there is nothing to execute.
pub(super) fn prepare(slot: &mut Slot<'_>, job: &Job) -> Result<(Script, Vec<u8>, PathBuf), Fault> {
    let of = |kind, message| Fault {
        kind,
        message,
        detail: Bytes::default(),
    };
    if let Some(message) = &job.fault {
        return Err(of(FaultKind::Engine, message.clone()));
    }
    let fault = |message: String| of(FaultKind::Machine, message);
    let bytes = fs::read(path(&job.path))
        .map_err(|error| fault(format!("cannot read {}: {error}", job.file)))?;
    // Mistakes in the header were shown before the run began.
    let (script, _) = Script::parse(&job.file, &bytes, slot.setup.rules.dialect);
    let name = job.attempt.work_name(&job.name);
    let work = slot
        .dirs
        .take(&name)
        .map_err(|error| fault(format!("cannot make the work directory {name}: {error}")))?;
    Ok((script, bytes, work))
}
