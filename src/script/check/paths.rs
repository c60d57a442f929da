//! Where a word leads, below the work directory.

use super::words::{self, WORK};

/// A path below the work directory, part for part; the directory itself is empty.
pub(super) type Below = Vec<Vec<u8>>;

/// The path that a word names, seen from `directory`; `None` when it leads elsewhere, or nobody knows.
pub(super) fn resolve(directory: &[Vec<u8>], word: &[u8]) -> Option<Below> {
    if words::has_unknown(word) {
        return None;
    }
    let (mut path, rest) = match word.strip_prefix(WORK.as_bytes()) {
        Some(rest) if rest.is_empty() || rest.starts_with(b"/") => (Below::new(), rest),
        Some(_) => return None,
        None if word.starts_with(b"/") => return None,
        None => (directory.to_vec(), word),
    };
    for part in rest.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(path.pop()?),
            part => path.push(part.to_vec()),
        }
    }
    Some(path)
}
