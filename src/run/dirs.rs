//! The directories of one run: stand-ins and sockets beside the record, work directories where
//! temporary files go. All are removed at its end.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::engine::helpers::STAND_IN;
use crate::host::{environment, spares};
use crate::model::{EngineKind, RunId, SlotId};

/// The directories of one run.
#[derive(Debug)]
pub(super) struct Dirs {
    live: PathBuf,
    work: TempDir,
}

/// A directory that could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make `{}`: {source}", path.display())]
pub struct DirError {
    path: PathBuf,
    source: io::Error,
}

impl Dirs {
    /// Makes them, with a link to this executable that stays whatever cargo does to the original.
    pub(super) fn make(state: &Path, run: &RunId) -> Result<Self, DirError> {
        let live = state.join("live").join(run.as_str());
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| DirError { path, source }
        };
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(&live)
            .map_err(failed(&live))?;
        let executable = live.join("exe");
        link_to_self(&executable).map_err(failed(&executable))?;
        let temporary = environment::temporary();
        let work = tempfile::Builder::new()
            .prefix("shakedown-")
            .tempdir_in(&temporary)
            .map_err(failed(&temporary))?;
        Ok(Dirs { live, work })
    }

    /// Where work directories are made: the real path, as scripts will see it.
    pub(super) fn work_root(&self) -> PathBuf {
        self.work
            .path()
            .canonicalize()
            .unwrap_or_else(|_| self.work.path().to_owned())
    }

    /// The directory above those of the slots, without links in its path, as scripts see it.
    pub(super) fn live(&self) -> PathBuf {
        self.live.clone()
    }

    /// The link to this executable.
    pub(super) fn executable(&self) -> PathBuf {
        self.live.join(STAND_IN)
    }

    /// Where a stand-in is made to be tried out.
    pub(super) fn trial(&self) -> PathBuf {
        self.live.join(EngineKind::Docker.command())
    }

    /// The directory of a slot, with a stand-in for each engine and each program. A program
    /// without a path of its own is this executable.
    pub(super) fn slot(
        &self,
        slot: SlotId,
        programs: &[(String, Option<PathBuf>)],
    ) -> Result<PathBuf, DirError> {
        let directory = self.live.join(slot.to_string());
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| DirError { path, source }
        };
        fs::create_dir_all(&directory).map_err(failed(&directory))?;
        let engines = EngineKind::ALL.map(|kind| (kind.command().to_owned(), None));
        for (name, target) in engines.iter().chain(programs) {
            let link = directory.join(name);
            let executable = self.executable();
            match symlink(target.as_ref().unwrap_or(&executable), &link) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(failed(&link)(error));
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(directory)
    }

    /// Leaves them to the slots that still use them; the next run removes what is left.
    pub(super) fn leave(self) {
        drop(self.work.keep());
    }

    /// Removes them. Work directories that could not be emptied stay, and were reported.
    pub(super) fn remove(self) -> Vec<String> {
        let mut warnings = Vec::new();
        if let Err(error) = fs::remove_dir_all(&self.live) {
            warnings.push(format!("cannot remove {}: {error}", self.live.display()));
        }
        let work = self.work.keep();
        remove_spares(&work);
        if let Err(error) = fs::remove_dir(&work)
            && !matches!(
                error.kind(),
                io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotFound
            )
        {
            warnings.push(format!("cannot remove {}: {error}", work.display()));
        }
        warnings
    }
}

/// Removes the files that slots which were killed had kept to be used again.
fn remove_spares(work: &Path) {
    let entries = fs::read_dir(work).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        if name
            .as_encoded_bytes()
            .starts_with(spares::PREFIX.as_bytes())
        {
            // What stays is with the directory, which is reported or removed by the next run.
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}

/// A hard link to the running executable, or a copy where the file system or its rules forbid one.
fn link_to_self(target: &Path) -> io::Result<()> {
    let running = Path::new("/proc/self/exe");
    let flags = rustix::fs::AtFlags::SYMLINK_FOLLOW;
    if rustix::fs::linkat(rustix::fs::CWD, running, rustix::fs::CWD, target, flags).is_ok() {
        return Ok(());
    }
    fs::copy(running, target).map(drop)
}
