//! What a script's own files should hold, where `cmp` may correct them. Knows no command, and writes
//! nothing: whoever executes the script does, when it has passed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::script::txtar::{self, QuoteError};

/// The files of a script's archive, and what is to become of them.
#[derive(Debug, Default)]
pub(super) struct Goldens {
    /// Where each file of the archive is, in its order.
    paths: Vec<PathBuf>,
    unquoted: BTreeSet<PathBuf>,
    updates: BTreeMap<usize, Vec<u8>>,
}

impl Goldens {
    pub(super) fn new(paths: Vec<PathBuf>) -> Self {
        Goldens {
            paths,
            ..Goldens::default()
        }
    }

    /// The script took the quotes off this file, and will do so next time.
    pub(super) fn unquoted(&mut self, path: PathBuf) {
        self.unquoted.insert(path);
    }

    /// Whether a file of the archive is at this path.
    pub(super) fn holds(&self, path: &Path) -> bool {
        self.paths.iter().any(|known| known == path)
    }

    /// Puts the contents into every file of the archive that is at this path.
    ///
    /// An archive cannot hold a last line that does not end: the next run would differ again.
    pub(super) fn update(&mut self, path: &Path, contents: &[u8]) -> Result<(), QuoteError> {
        if !contents.is_empty() && !contents.ends_with(b"\n") {
            return Err(QuoteError::NoFinalNewline);
        }
        let data = if self.unquoted.contains(path) || txtar::needs_quote(contents) {
            txtar::quote(contents)?
        } else {
            contents.to_vec()
        };
        let files = self.paths.iter().enumerate();
        for (at, _) in files.filter(|(_, known)| *known == path) {
            self.updates.insert(at, data.clone());
        }
        Ok(())
    }

    /// Whether an update of this path is quoted although the script does not unquote it.
    pub(super) fn lacks_unquote(&self, path: &Path, contents: &[u8]) -> bool {
        txtar::needs_quote(contents) && !self.unquoted.contains(path)
    }

    /// The new data of the archive's files, by their place in it.
    pub(super) fn into_updates(self) -> BTreeMap<usize, Vec<u8>> {
        self.updates
    }
}
