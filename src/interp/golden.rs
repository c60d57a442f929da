//! What a script's own files should hold, where `cmp` may correct them. Knows no command, and writes
//! nothing: whoever executes the script does, when it has passed.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::script::txtar::{self, QuoteError};

/// The files of a script's archive, and what is to become of them.
#[derive(Debug, Default)]
pub(super) struct Goldens {
    /// Where each file of the archive is, in its order.
    paths: Vec<PathBuf>,
    /// How often the script took quotes off: the file of this path, and the file itself, whatever its path is now.
    unquoted: (BTreeMap<PathBuf, usize>, BTreeMap<FileId, usize>),
    updates: BTreeMap<usize, Vec<u8>>,
    /// Paths of files whose new data is quoted although the script does not unquote them.
    quoted: Vec<PathBuf>,
}

/// Device and inode.
type FileId = (u64, u64);

fn identify(path: &Path) -> Option<FileId> {
    let meta = path.metadata().ok()?;
    Some((meta.dev(), meta.ino()))
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
        let (paths, files) = &mut self.unquoted;
        if let Some(file) = identify(&path) {
            *files.entry(file).or_default() += 1;
        }
        *paths.entry(path).or_default() += 1;
    }

    fn times_unquoted(&self, path: &Path) -> usize {
        let (paths, files) = &self.unquoted;
        let by_path = paths.get(path);
        let by_file = identify(path).and_then(|file| files.get(&file));
        by_path.max(by_file).copied().unwrap_or_default()
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
        self.quoted.retain(|quoted| quoted != path);
        let mut times = self.times_unquoted(path);
        if times == 0 && txtar::needs_quote(contents) {
            times = 1;
            self.quoted.push(path.to_owned());
        }
        let quote = |data: Vec<u8>, _| txtar::quote(&data);
        let data = (0..times).try_fold(contents.to_vec(), quote)?;
        let files = self.paths.iter().enumerate();
        for (at, _) in files.filter(|(_, known)| *known == path) {
            self.updates.insert(at, data.clone());
        }
        Ok(())
    }

    /// Whether this file's new data is quoted although the script does not unquote it.
    pub(super) fn lacks_unquote(&self, path: &Path) -> bool {
        self.quoted.iter().any(|quoted| quoted == path)
    }

    /// Which files are quoted from now on although the script does not unquote them, as seen from the work directory.
    pub(super) fn quoted(&self, work: &Path) -> Vec<String> {
        let name = |path: &PathBuf| {
            path.strip_prefix(work)
                .unwrap_or(path)
                .display()
                .to_string()
        };
        self.quoted.iter().map(name).collect()
    }

    /// The new data of the archive's files, by their place in it.
    pub(super) fn into_updates(self) -> BTreeMap<usize, Vec<u8>> {
        self.updates
    }
}
