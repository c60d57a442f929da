//! Work directories. Making and removing one costs more than running a trivial script (measured), so an
//! emptied one that is as good as new is renamed for the next script.

use std::ffi::{CStr, OsStr};
use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, RawDir, SeekFrom, Stat, flistxattr, fstat, openat, seek,
    statat, unlinkat,
};
use rustix::io::Errno;

use crate::host::spares::{self, Spares};
use crate::host::{clock, facts, folders};

/// Made by every script at its start, so it stays in a directory that is kept.
const TEMPORARY: &CStr = c".tmp";

/// So many entries are read at once, however long their names are.
const FEW: usize = 12;

/// The work directories of one slot.
#[derive(Debug)]
pub(super) struct WorkDirs {
    root: PathBuf,
    spare: Option<PathBuf>,
    spares: Spares,
    /// Files of the script that is over may serve the next.
    reuses: bool,
    /// The `.tmp` that was found empty and as new, and when it last changed.
    seen: Option<Stamp>,
}

/// A directory at a time: while this stays the same, nothing was put into it, and neither its mode nor
/// its attributes were touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    changed: Duration,
}

impl Stamp {
    /// `None` for a change so young that another one could bear the same time (the kernel's clock for files
    /// ticks every few milliseconds).
    fn of(stat: &Stat) -> Option<Stamp> {
        let changed = Duration::new(
            u64::try_from(stat.st_ctime).ok()?,
            u32::try_from(stat.st_ctime_nsec).ok()?,
        );
        let settled = clock::since_1970().checked_sub(changed)? > Duration::from_millis(50);
        settled.then_some(Stamp {
            inode: stat.st_ino,
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
        let spares = root.join(format!("{}{}", spares::PREFIX, facts::pid()));
        WorkDirs {
            root,
            spare: None,
            spares: Spares::in_directory(&spares),
            reuses: true,
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
        let make = || fs::DirBuilder::new().mode(0o777).create(&path);
        make().or_else(|error| {
            // A script may have removed even what its directory was in.
            if error.kind() == io::ErrorKind::NotFound {
                fs::create_dir(&self.root)?;
                return make();
            }
            Err(error)
        })?;
        Ok(path)
    }

    /// The files that may be used again.
    pub(super) fn spares(&self) -> Spares {
        self.spares.clone()
    }

    /// Whether files of the script that is over may serve the next.
    pub(super) fn reuse_files(&mut self, reuses: bool) {
        self.reuses = reuses;
    }

    /// Empties the directory, and keeps it for the next script when it is as new.
    pub(super) fn give_back(&mut self, path: PathBuf) -> Result<(), CannotEmpty> {
        match self.put_back(&path) {
            Ok(as_new) => {
                self.spare = as_new.then_some(path);
                Ok(())
            }
            Err(source) => Err(CannotEmpty { path, source }),
        }
    }

    /// `true`: it is there, and is as new; otherwise it is gone.
    fn put_back(&mut self, path: &Path) -> io::Result<bool> {
        let mut directory = match open(path) {
            // The script removed it, or put something else in its place.
            Err(Errno::NOENT) => return Ok(false),
            Err(Errno::NOTDIR | Errno::LOOP) => return fs::remove_file(path).map(|()| false),
            Err(Errno::ACCESS) => None,
            other => Some(other?),
        };
        let emptied = directory
            .as_ref()
            .is_some_and(|directory| self.empty(directory, path).is_ok());
        if !emptied {
            // A script may have made directories read-only; they are ours, so open them and try once more.
            folders::open_up(path)?;
            let again = open(path)?;
            self.empty(&again, path)?;
            directory = Some(again);
        }
        let as_new = directory.is_some_and(|directory| is_pristine(&directory));
        if as_new && self.spare.is_none() {
            return Ok(true);
        }
        fs::remove_dir_all(path).map(|()| false)
    }

    /// Removes all that is in a directory but an empty `.tmp`.
    fn empty(&mut self, directory: &OwnedFd, path: &Path) -> io::Result<()> {
        // What is removed while a long directory is read may hide what follows, so it is read until little is.
        while self.remove_entries(directory, path)? > FEW {
            seek(directory, SeekFrom::Start(0))?;
        }
        Ok(())
    }

    /// Reads a directory once and removes what it has but an empty `.tmp`; says how much that was.
    fn remove_entries(&mut self, directory: &OwnedFd, path: &Path) -> io::Result<usize> {
        let mut removed = 0;
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut entries = RawDir::new(directory, &mut buffer);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            let mut kind = entry.file_type();
            if kind == FileType::Unknown {
                let stat = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
                kind = FileType::from_raw_mode(stat.st_mode);
            }
            if kind != FileType::Directory {
                let kept = self.reuses && self.spares.keep(directory.as_fd(), path, name);
                if !kept {
                    unlinkat(directory, name, AtFlags::empty())?;
                }
            } else if name != TEMPORARY || !self.is_as_new(directory)? {
                fs::remove_dir_all(path.join(OsStr::from_bytes(name.to_bytes())))?;
            }
            removed += 1;
        }
        Ok(removed)
    }

    /// Whether the `.tmp` in a directory is empty and untouched. One that has not changed since it was is not
    /// looked into.
    fn is_as_new(&mut self, directory: &OwnedFd) -> io::Result<bool> {
        let stamp = Stamp::of(&statat(directory, TEMPORARY, AtFlags::SYMLINK_NOFOLLOW)?);
        if stamp.is_some() && stamp == self.seen {
            return Ok(true);
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        // One that cannot be opened is not as new.
        let as_new = openat(directory, TEMPORARY, flags, Mode::empty())
            .is_ok_and(|temporary| is_pristine(&temporary) && is_empty(&temporary));
        self.seen = stamp.filter(|_| as_new);
        Ok(as_new)
    }

    /// Removes what is kept.
    pub(super) fn close(&mut self) {
        self.spares.close();
        if let Some(spare) = self.spare.take() {
            // What cannot be removed goes with the root, or is reported there.
            drop(fs::remove_dir_all(spare));
        }
    }
}

fn open(path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(CWD, path, flags, Mode::empty())
}

fn is_empty(directory: &OwnedFd) -> bool {
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut entries = RawDir::new(directory, &mut buffer);
    loop {
        match entries.next() {
            None => return true,
            Some(Ok(entry)) if matches!(entry.file_name().to_bytes(), b"." | b"..") => {}
            Some(_) => return false,
        }
    }
}

/// Ours, with the usual mode, without extended attributes or an access list.
fn is_pristine(directory: &OwnedFd) -> bool {
    let Ok(stat) = fstat(directory) else {
        return false;
    };
    let usual = stat.st_mode & 0o7000 == 0 && stat.st_mode & 0o700 == 0o700;
    let ours = stat.st_uid == rustix::process::geteuid().as_raw();
    let mut names = [0_u8; 1];
    let bare = matches!(
        flistxattr(directory, &mut names[..]),
        Ok(0) | Err(Errno::NOTSUP)
    );
    usual && ours && bare
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    /// What is in a directory, but for files to be used again.
    fn names(path: &Path) -> Vec<String> {
        let entries = fs::read_dir(path).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.starts_with(spares::PREFIX))
            .collect()
    }

    #[test]
    fn an_emptied_directory_serves_the_next_script_under_its_name() {
        let root = tempfile::tempdir().unwrap();
        let mut dirs = WorkDirs::new(root.path().to_owned());
        let first = dirs.take("script-a").unwrap();
        let inode = fs::metadata(&first).unwrap().ino();
        fs::create_dir(first.join(".tmp")).unwrap();
        fs::create_dir_all(first.join("deep/er")).unwrap();
        fs::write(first.join("deep/er/file"), "x").unwrap();
        for number in 0..300 {
            fs::write(first.join(format!("file-{number}")), "x").unwrap();
        }
        dirs.give_back(first).unwrap();
        let second = dirs.take("script-b").unwrap();
        assert_eq!(fs::metadata(&second).unwrap().ino(), inode);
        assert_eq!(names(&second), [".tmp"]);
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
            let temporary = path.join(".tmp");
            fs::create_dir_all(&temporary).unwrap();
            assert_eq!(names(&temporary), Vec::<String>::new(), "round {round}");
            if round % 3 == 0 {
                fs::write(temporary.join("left"), "x").unwrap();
            }
            dirs.give_back(path).unwrap();
        }
    }
}
