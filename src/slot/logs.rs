//! The log of an attempt as it goes into its report: a long one is cut, and whole in a file.

use std::fs;

use super::serve::{Slot, path};
use crate::model::{AttemptId, Bytes};

/// A longer log is cut in the middle; the whole goes to a file.
const LOG_INLINE: usize = 64 << 10;

/// The log for the report, and the file with the whole of a long one.
pub(super) fn store_log(slot: &Slot<'_>, attempt: AttemptId, log: Vec<u8>) -> (Bytes, String) {
    if log.len() <= LOG_INLINE {
        return (log.into(), String::new());
    }
    let directory = path(&slot.setup.logs);
    let file = directory.join(format!("{attempt}.log"));
    let stored = fs::create_dir_all(&directory).and_then(|()| fs::write(&file, &log));
    let half = LOG_INLINE / 2;
    let head = log.get(..half).unwrap_or_default();
    let tail = log.get(log.len() - half..).unwrap_or_default();
    let (note, name) = match stored {
        Ok(()) => (
            format!("whole log: {}", file.display()),
            file.display().to_string(),
        ),
        Err(error) => (
            format!("the whole log could not be kept: {error}"),
            String::new(),
        ),
    };
    let gap = format!("\n[… {} bytes left out; {note} …]\n", log.len() - 2 * half);
    ([head, gap.as_bytes(), tail].concat().into(), name)
}
