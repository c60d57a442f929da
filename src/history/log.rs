//! Logs too long for a line of the record: whole in a file, head and tail in the record.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use super::logs_dir;
use crate::model::{AttemptId, Bytes, RunId};

/// Longest log that stands whole in the record.
const LIMIT: usize = 64 * 1024;

/// What is kept of a longer one; the end tells more than the beginning.
const HEAD: usize = 16 * 1024;
const TAIL: usize = 40 * 1024;

/// A log as it goes into the record.
#[derive(Debug)]
pub struct StoredLog {
    /// The log, cut in the middle when it is long.
    pub log: Bytes,
    /// The file with the whole log; empty when `log` is whole.
    pub file: String,
    /// Why the file could not be written.
    pub error: Option<io::Error>,
}

/// Keeps a log: short ones as they are, long ones in a file beside the record.
pub fn store_log(
    state_dir: &Path,
    run: &RunId,
    name: &str,
    attempt: AttemptId,
    whole: Vec<u8>,
) -> StoredLog {
    if whole.len() <= LIMIT {
        return StoredLog {
            log: Bytes(whole),
            file: String::new(),
            error: None,
        };
    }
    let log = cut(&whole);
    match write(&logs_dir(state_dir, run), &file_name(name, attempt), &whole) {
        Ok(file) => StoredLog {
            log,
            file,
            error: None,
        },
        Err(error) => StoredLog {
            log,
            file: String::new(),
            error: Some(error),
        },
    }
}

fn write(folder: &Path, name: &str, whole: &[u8]) -> io::Result<String> {
    fs::create_dir_all(folder)?;
    let path = folder.join(name);
    fs::File::create_new(&path)?.write_all(whole)?;
    Ok(path.display().to_string())
}

fn file_name(name: &str, attempt: AttemptId) -> String {
    format!("{}.log", file_stem(name, attempt))
}

/// The trial's name as a file name; the attempt's id keeps two names apart that look the same then.
pub(super) fn file_stem(name: &str, attempt: AttemptId) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let name = name.trim_start_matches('.').chars().take(100);
    let name: String = name.map(|c| if plain(c) { c } else { '_' }).collect();
    format!("{name}-{attempt}")
}

/// Head and tail, cut at line ends where there are any.
fn cut(whole: &[u8]) -> Bytes {
    let head = &whole[..HEAD];
    let head = match head.iter().rposition(|byte| *byte == b'\n') {
        Some(end) => &head[..=end],
        None => head,
    };
    let tail = &whole[whole.len() - TAIL..];
    let tail = match tail.iter().position(|byte| *byte == b'\n') {
        Some(end) if end + 1 < tail.len() => &tail[end + 1..],
        Some(_) | None => tail,
    };
    let missing = whole.len() - head.len() - tail.len();
    let note = format!("\n[… {missing} bytes are left out here …]\n");
    Bytes([head, note.as_bytes(), tail].concat())
}
