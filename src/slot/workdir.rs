//! Work directories. Making and removing one costs more than running a trivial script (measured), so an
//! emptied one that is as good as new is renamed for the next script.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::host::clock;

/// Made by every script at its start, so it stays in a directory that is kept.
const TEMPORARY: &str = ".tmp";

/// The work directories of one slot.
#[derive(Debug)]
pub(super) struct WorkDirs {
    root: PathBuf,
    spare: Option<PathBuf>,
    /// The `.tmp` that was found empty and as new, and when it last changed.
    seen: Option<Stamp>,
}

/// A directory at a time: while this stays the same, nothing was put into it, and neither its mode nor
/// its attributes were touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    changed: (i64, i64),
}

impl Stamp {
    /// `None` for a change so young that another one could bear the same time (the kernel's clock for files
    /// ticks every few milliseconds).
    fn of(metadata: &fs::Metadata) -> Option<Stamp> {
        let changed = (metadata.ctime(), metadata.ctime_nsec());
        let at = Duration::new(
            u64::try_from(changed.0).ok()?,
            u32::try_from(changed.1).ok()?,
        );
        let settled = clock::since_1970().checked_sub(at)? > Duration::from_millis(50);
        settled.then_some(Stamp {
            inode: metadata.ino(),
            changed,
        })
    }
}

/// A work directory that could not be emptied.
#[derive(Debug, thiserror::Error)]
#[error("cannot empty `{}`", path.display())]
pub(super) struct CannotEmpty {
    pub(super) path: PathBuf,
    #[source]
    pub(super) source: io::Error,
}

impl WorkDirs {
    pub(super) fn new(root: PathBuf) -> Self {
        WorkDirs {
            root,
            spare: None,
            seen: None,
        }
    }

    /// An empty directory of this name (but for an empty `.tmp`), which did not exist before.
    pub(super) fn take(&mut self, name: &str) -> io::Result<PathBuf> {
        let path = self.root.join(name);
        if let Some(spare) = self.spare.take() {
            // A name in use makes the rename fail, as it would make the creation fail.
            if fs::rename(&spare, &path).is_ok() {
                return Ok(path);
            }
        }
        fs::DirBuilder::new().mode(0o777).create(&path)?;
        Ok(path)
    }

    /// Empties the directory, and keeps it for the next script when it is as new.
    pub(super) fn give_back(&mut self, path: PathBuf) -> Result<(), CannotEmpty> {
        let failed = |source| CannotEmpty {
            path: path.clone(),
            source,
        };
        if fs::symlink_metadata(&path).map_err(failed)?.is_dir() {
            self.empty(&path).map_err(failed)?;
            if self.spare.is_none() && is_pristine(&path) {
                self.spare = Some(path);
                return Ok(());
            }
            fs::remove_dir_all(&path).map_err(failed)
        } else {
            // The script put something else in its place.
            fs::remove_file(&path).map_err(failed)
        }
    }

    /// Removes all that is in a directory but an empty `.tmp`.
    fn empty(&mut self, path: &Path) -> io::Result<()> {
        if self.remove_entries(path).is_ok() {
            return Ok(());
        }
        // A script may have made directories read-only; they are ours, so open them and try once more.
        open_up(path)?;
        self.remove_entries(path)
    }

    fn remove_entries(&mut self, path: &Path) -> io::Result<()> {
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            if !entry.file_type()?.is_dir() {
                fs::remove_file(entry.path())?;
            } else if entry.file_name() != TEMPORARY || !self.is_as_new(&entry.path())? {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }

    /// Whether a `.tmp` is empty and untouched. One that has not changed since it was is not looked into.
    fn is_as_new(&mut self, path: &Path) -> io::Result<bool> {
        let stamp = Stamp::of(&fs::symlink_metadata(path)?);
        if stamp.is_some() && stamp == self.seen {
            return Ok(true);
        }
        let as_new = is_pristine(path) && !has_entries(path)?;
        self.seen = stamp.filter(|_| as_new);
        Ok(as_new)
    }

    /// Removes what is kept.
    pub(super) fn close(&mut self) {
        if let Some(spare) = self.spare.take() {
            // What cannot be removed goes with the root, or is reported there.
            drop(fs::remove_dir_all(spare));
        }
    }
}

fn has_entries(path: &Path) -> io::Result<bool> {
    Ok(fs::read_dir(path)?.next().is_some())
}

fn open_up(path: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_dir() {
        return Ok(());
    }
    if metadata.mode() & 0o700 != 0o700 {
        fs::set_permissions(path, fs::Permissions::from_mode(metadata.mode() | 0o700))?;
    }
    for entry in fs::read_dir(path)? {
        open_up(&entry?.path())?;
    }
    Ok(())
}

/// Ours, with the usual mode, without extended attributes or an access list.
fn is_pristine(path: &Path) -> bool {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return false;
    };
    let usual = metadata.mode() & 0o7000 == 0 && metadata.mode() & 0o700 == 0o700;
    let ours = metadata.uid() == rustix::process::geteuid().as_raw();
    let mut names = [0_u8; 1];
    let bare = matches!(
        rustix::fs::llistxattr(path, &mut names[..]),
        Ok(0) | Err(rustix::io::Errno::NOTSUP)
    );
    usual && ours && bare
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &Path) -> Vec<String> {
        let entries = fs::read_dir(path).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn an_emptied_directory_serves_the_next_script_under_its_name() {
        let root = tempfile::tempdir().unwrap();
        let mut dirs = WorkDirs::new(root.path().to_owned());
        let first = dirs.take("script-a").unwrap();
        let inode = fs::metadata(&first).unwrap().ino();
        fs::create_dir(first.join(TEMPORARY)).unwrap();
        fs::create_dir_all(first.join("deep/er")).unwrap();
        fs::write(first.join("deep/er/file"), "x").unwrap();
        dirs.give_back(first).unwrap();
        let second = dirs.take("script-b").unwrap();
        assert_eq!(fs::metadata(&second).unwrap().ino(), inode);
        assert_eq!(names(&second), [TEMPORARY]);
        assert_eq!(names(root.path()), ["script-b"]);
    }

    #[test]
    fn a_directory_that_is_not_as_new_is_replaced() {
        let root = tempfile::tempdir().unwrap();
        let mut dirs = WorkDirs::new(root.path().to_owned());
        let first = dirs.take("a").unwrap();
        fs::set_permissions(&first, fs::Permissions::from_mode(0o1777)).unwrap();
        dirs.give_back(first).unwrap();
        assert_eq!(names(root.path()), Vec::<String>::new());
    }

    #[test]
    fn read_only_directories_and_links_to_outside_are_removed_without_following() {
        let root = tempfile::tempdir().unwrap();
        let outside = root.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("precious"), "x").unwrap();
        let mut dirs = WorkDirs::new(root.path().to_owned());
        let first = dirs.take("a").unwrap();
        std::os::unix::fs::symlink(&outside, first.join("link")).unwrap();
        fs::create_dir(first.join("locked")).unwrap();
        fs::write(first.join("locked/file"), "x").unwrap();
        fs::set_permissions(first.join("locked"), fs::Permissions::from_mode(0o500)).unwrap();
        dirs.give_back(first).unwrap();
        assert_eq!(names(&outside), ["precious"]);
        assert_eq!(names(&dirs.take("b").unwrap()), Vec::<String>::new());
    }

    #[test]
    fn what_is_put_into_the_temporary_directory_is_removed_also_when_it_was_empty_before() {
        let root = tempfile::tempdir().unwrap();
        let mut dirs = WorkDirs::new(root.path().to_owned());
        for round in 0..300 {
            let path = dirs.take("a").unwrap();
            let temporary = path.join(TEMPORARY);
            fs::create_dir_all(&temporary).unwrap();
            assert_eq!(names(&temporary), Vec::<String>::new(), "round {round}");
            if round % 3 == 0 {
                fs::write(temporary.join("left"), "x").unwrap();
            }
            dirs.give_back(path).unwrap();
        }
    }
}
