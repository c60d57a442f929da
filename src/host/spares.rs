//! Files that served one script and may serve the next: on a busy ext4 a new file costs as much as a trivial program,
//! for its allocator walks past every inode that was freed in the last seconds (measured: 170 µs, and 10 µs for a
//! rename). Knows nothing of what is in the files.
//!
//! Only a file that nobody can tell from a new one is kept: ours, with one name, the usual mode and no attributes.

use std::cell::Cell;
use std::ffi::{CStr, OsStr};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, RenameFlags, llistxattr, openat, renameat_with, statat,
};
use rustix::io::Errno;

/// How the names of their directories begin; one for each slot.
pub const PREFIX: &str = ".spares-";

/// So many are kept at most.
const MOST: u32 = 16;

/// Longer files are not kept: to truncate one is to free it.
const LONGEST: i64 = 64 << 10;

/// Files to be used again. Copies share them; no other thread does.
#[derive(Debug, Clone, Default)]
pub struct Spares(Option<Rc<Kept>>);

#[derive(Debug)]
struct Kept {
    path: PathBuf,
    directory: OwnedFd,
    /// The mode of a new file.
    mode: u32,
    /// Their names are the numbers below this.
    count: Cell<u32>,
}

impl Spares {
    /// Keeps them in a new directory of this name. Without one nothing is kept.
    pub fn in_directory(path: &Path) -> Self {
        let kept = || {
            let mode = 0o666 & !umask()?;
            fs::create_dir(path).ok()?;
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let directory = openat(CWD, path, flags, Mode::empty()).ok()?;
            Some(Kept {
                path: path.to_owned(),
                directory,
                mode,
                count: Cell::new(0),
            })
        };
        Spares(kept().map(Rc::new))
    }

    /// Takes a file out of a directory, whose path this is; `false`: it is still there.
    pub fn keep(&self, directory: BorrowedFd<'_>, path: &Path, name: &CStr) -> bool {
        let Some(kept) = self.0.as_ref().filter(|kept| kept.count.get() < MOST) else {
            return false;
        };
        if !kept.is_as_new(directory, path, name) {
            return false;
        }
        let number = kept.count.get();
        let to = number.to_string();
        let renamed = renameat_with(directory, name, &kept.directory, to, RenameFlags::NOREPLACE);
        if renamed.is_ok() {
            kept.count.set(number + 1);
        }
        renamed.is_ok()
    }

    /// Gives a kept file this name in a directory, and this content. `None`: there is none, or the name is taken.
    pub fn give(
        &self,
        directory: BorrowedFd<'_>,
        name: &OsStr,
        data: &[u8],
    ) -> Option<io::Result<()>> {
        // A file that was truncated to nothing is written out to the disk at once by ext4 when it is closed.
        let kept = self.0.as_ref().filter(|_| !data.is_empty())?;
        let number = kept.count.get().checked_sub(1)?;
        let from = number.to_string();
        let flags = RenameFlags::NOREPLACE;
        renameat_with(&kept.directory, from, directory, name, flags).ok()?;
        kept.count.set(number);
        let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(directory, name, flags, Mode::empty()).ok()?;
        Some(rewrite(&File::from(file), data))
    }

    /// Removes them and their directory.
    pub fn close(&mut self) {
        if let Some(kept) = self.0.take() {
            // What cannot be removed goes with the directory above.
            fs::remove_dir_all(&kept.path).ok();
        }
    }
}

impl Kept {
    fn is_as_new(&self, directory: BorrowedFd<'_>, path: &Path, name: &CStr) -> bool {
        let Ok(stat) = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) else {
            return false;
        };
        let plain = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
            && stat.st_mode & 0o7777 == self.mode
            && stat.st_nlink == 1
            && stat.st_uid == rustix::process::geteuid().as_raw()
            && stat.st_gid == rustix::process::getegid().as_raw()
            && stat.st_size <= LONGEST;
        let mut names = [0_u8; 1];
        plain
            && matches!(
                llistxattr(
                    path.join(OsStr::from_bytes(name.to_bytes())),
                    &mut names[..]
                ),
                Ok(0) | Err(Errno::NOTSUP)
            )
    }
}

fn rewrite(mut file: &File, data: &[u8]) -> io::Result<()> {
    file.write_all(data)?;
    if file.metadata()?.len() > data.len() as u64 {
        file.set_len(data.len() as u64)?;
    }
    Ok(())
}

/// What is taken from the mode of new files; reading it otherwise would change it.
fn umask() -> Option<u32> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let octal = status
        .lines()
        .find_map(|line| line.strip_prefix("Umask:"))?;
    u32::from_str_radix(octal.trim(), 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    fn open(path: &Path) -> OwnedFd {
        openat(CWD, path, OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).unwrap()
    }

    /// Whether a file is kept that `change` was done to.
    #[track_caller]
    fn check(change: impl FnOnce(&Path), kept: bool) {
        let place = tempfile::tempdir().unwrap();
        let work = place.path().join("work");
        fs::create_dir(&work).unwrap();
        let file = work.join("file");
        fs::write(&file, "old").unwrap();
        change(&file);
        let mut spares = Spares::in_directory(&place.path().join("spares"));
        let directory = open(&work);
        assert_eq!(spares.keep(directory.as_fd(), &work, c"file"), kept);
        assert!(
            spares
                .give(directory.as_fd(), OsStr::new("none"), b"")
                .is_none()
        );
        let new = spares.give(directory.as_fd(), OsStr::new("new"), b"x");
        assert_eq!(new.is_some(), kept);
        if let Some(written) = new {
            written.unwrap();
            assert_eq!(fs::read(work.join("new")).unwrap(), b"x");
            assert!(!file.exists());
        }
        spares.close();
        assert!(!place.path().join("spares").exists());
    }

    #[test]
    fn a_file_is_kept_when_it_is_like_a_new_one() {
        check(|_| {}, true);
        check(
            |file| fs::hard_link(file, file.with_extension("2")).unwrap(),
            false,
        );
        let mode = |mode| {
            move |file: &Path| fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap()
        };
        check(mode(0o755), false);
        check(mode(0o000), false);
        check(mode(0o4644), false);
        check(|file| fs::write(file, vec![0; 70_000]).unwrap(), false);
        let instead = |make: fn(&Path)| {
            move |file: &Path| {
                fs::remove_file(file).unwrap();
                make(file);
            }
        };
        check(
            instead(|file| std::os::unix::fs::symlink("/etc/passwd", file).unwrap()),
            false,
        );
        check(instead(|file| fs::create_dir(file).unwrap()), false);
        check(instead(|_| {}), false);
    }

    #[test]
    fn a_name_that_is_taken_stays_as_it_is() {
        let place = tempfile::tempdir().unwrap();
        let work = place.path().join("work");
        fs::create_dir(&work).unwrap();
        let spares = Spares::in_directory(&place.path().join("spares"));
        let directory = open(&work);
        for name in ["file", "other"] {
            fs::write(work.join(name), name).unwrap();
        }
        assert!(spares.keep(directory.as_fd(), &work, c"file"));
        let inode = fs::metadata(work.join("other")).unwrap().ino();
        assert!(
            spares
                .give(directory.as_fd(), OsStr::new("other"), b"longer")
                .is_none()
        );
        assert_eq!(fs::metadata(work.join("other")).unwrap().ino(), inode);
        assert_eq!(fs::read(work.join("other")).unwrap(), b"other");
        assert!(
            spares
                .give(directory.as_fd(), OsStr::new("third"), b"longer")
                .is_some()
        );
        assert_eq!(fs::read(work.join("third")).unwrap(), b"longer");
    }
}
