//! Writes a script's files into its work directory and refuses to write anywhere else. Knows nothing
//! of the script's lines.

mod many;

use std::ffi::{OsStr, OsString};
use std::fs::File as Written;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, mkdirat, openat, statat};
use rustix::io::Errno;

use super::gotext;
use crate::host::spares::Spares;
use crate::script::txtar::File;

/// What stands in the way of a file: the line of its marker, and a message.
type Refusal = (u32, Vec<u8>);

/// Makes `.tmp` and writes the files; says where each of them is.
pub(super) fn unpack(
    files: &[File],
    (work_dir, spares): (&Path, &Spares),
    unique: bool,
    expand: &dyn Fn(&[u8]) -> Vec<u8>,
) -> Result<Vec<PathBuf>, Refusal> {
    let root = begin(work_dir).map_err(|message| (0, message))?;
    let place = Place {
        work_dir,
        root: root.as_fd(),
        unique,
    };
    let names: Vec<Vec<u8>> = files.iter().map(|file| expand(&file.name)).collect();
    if files.len() >= many::MANY
        && let Some(work) = many::Work::new(place, files, &names)
    {
        return work.perform();
    }
    let mut unpacking = Unpacking::new(place, spares);
    let write_one = |(file, name): (&File, &Vec<u8>)| {
        let written = unpacking.write_named(name, &file.data);
        written.map_err(|message| (file.line, message))
    };
    files.iter().zip(&names).map(write_one).collect()
}

/// Opens the work directory, and makes `.tmp` in it.
fn begin(work_dir: &Path) -> Result<OwnedFd, Vec<u8>> {
    let failed = |operation: &str, path: &Path, errno: Errno| {
        gotext::path_error(operation, path, &errno.into())
    };
    let root = openat(CWD, work_dir, DIRECTORY, Mode::empty())
        .map_err(|errno| failed("open", work_dir, errno))?;
    match mkdirat(&root, ".tmp", Mode::from(0o777)) {
        Ok(()) | Err(Errno::EXIST) => Ok(root),
        Err(errno) => Err(failed("mkdir", &work_dir.join(".tmp"), errno)),
    }
}

/// Where files are written.
#[derive(Clone, Copy)]
struct Place<'a> {
    work_dir: &'a Path,
    root: BorrowedFd<'a>,
    /// No file may be there already.
    unique: bool,
}

impl Place<'_> {
    fn path(&self, parts: &[&OsStr]) -> PathBuf {
        let mut path = self.work_dir.to_owned();
        path.extend(parts);
        path
    }
}

/// A work directory that is being filled. Everything is opened from the directory above it and no link is
/// followed, so nothing can lead outside; and files beside each other cost one call of the system each to open.
struct Unpacking<'a> {
    place: Place<'a>,
    spares: &'a Spares,
    /// Where the last file went: the names of the directories, and the innermost of them. Most files stand beside
    /// the one before them.
    names: Vec<OsString>,
    directory: Option<OwnedFd>,
}

impl<'a> Unpacking<'a> {
    fn new(place: Place<'a>, spares: &'a Spares) -> Self {
        Unpacking {
            place,
            spares,
            names: Vec::new(),
            directory: None,
        }
    }

    fn write_named(&mut self, name: &[u8], data: &[u8]) -> Result<PathBuf, Vec<u8>> {
        let parts = parts(name, self.place.work_dir).ok_or_else(|| outside(name))?;
        self.write(name, &parts, data)?;
        Ok(self.place.path(&parts))
    }

    /// Writes the file with these names on the way to it, which are those of `name`.
    fn write(&mut self, name: &[u8], parts: &[&OsStr], data: &[u8]) -> Result<(), Vec<u8>> {
        let (place, spares) = (self.place, self.spares);
        let (file, directories) = match parts {
            [directories @ .., file] => (*file, directories),
            [] => (OsStr::new("."), parts),
        };
        let directory = self.enter(directories)?.ok_or_else(|| outside(name))?;
        match create(directory, file, data, (place.unique, spares)) {
            Ok(()) => Ok(()),
            Err(error) if place.unique && error.raw_os_error() == Some(libc::EEXIST) => {
                let after = " (because RequireUniqueNames is enabled)";
                let about = gotext::about_path(" would overwrite", &place.path(parts), after);
                Err([name, &about].concat())
            }
            Err(error) if error.raw_os_error() == Some(libc::ELOOP) => Err(outside(name)),
            Err(error) => Err(gotext::path_error("open", &place.path(parts), &error)),
        }
    }

    /// The directory with these names below each other, made as far as it is missing. `None`: one of them is no
    /// directory, and leads who knows where.
    fn enter(&mut self, names: &[&OsStr]) -> Result<Option<BorrowedFd<'_>>, Vec<u8>> {
        let place = self.place;
        if self.names.len() > names.len() || self.names.iter().zip(names).any(|(a, b)| a != b) {
            self.names.clear();
            self.directory = None;
        }
        for (at, name) in names.iter().enumerate().skip(self.names.len()) {
            let above = self.directory.as_ref().map_or(place.root, AsFd::as_fd);
            let path = || place.path(names.get(..=at).unwrap_or_default());
            let directory = match make_directory(above, name) {
                Ok(directory) => directory,
                Err(Errno::NOTDIR) if is_file(above, name) => {
                    return Err(gotext::about_path("mkdir", &path(), ": not a directory"));
                }
                Err(Errno::NOTDIR | Errno::LOOP) => return Ok(None),
                Err(errno) => return Err(gotext::path_error("mkdir", &path(), &errno.into())),
            };
            self.directory = Some(directory);
            self.names.push((*name).to_owned());
        }
        Ok(Some(
            self.directory.as_ref().map_or(place.root, AsFd::as_fd),
        ))
    }
}

fn outside(name: &[u8]) -> Vec<u8> {
    let quoted = gotext::quote(name);
    format!("file {quoted} is outside working directory").into_bytes()
}

/// The names on the way to a file, from the work directory; `None` when the way leaves it. `$WORK/x` is `x`; any
/// other absolute name is somebody else's file.
fn parts<'n>(name: &'n [u8], work_dir: &Path) -> Option<Vec<&'n OsStr>> {
    let written = Path::new(OsStr::from_bytes(name));
    let relative = match written.strip_prefix(work_dir) {
        Ok(relative) => relative,
        Err(_) if written.is_absolute() => return None,
        Err(_) => written,
    };
    let mut parts = Vec::new();
    for component in relative.components() {
        match component {
            Component::Normal(part) => parts.push(part),
            Component::CurDir => {}
            Component::ParentDir => drop(parts.pop()?),
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts)
}

const DIRECTORY: OFlags = OFlags::PATH
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Opens a directory, and makes it first when there is nothing of that name.
fn make_directory(above: BorrowedFd<'_>, name: &OsStr) -> Result<OwnedFd, Errno> {
    match openat(above, name, DIRECTORY, Mode::empty()) {
        Err(Errno::NOENT) => {
            match mkdirat(above, name, Mode::from(0o777)) {
                // Another thread was first.
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(errno),
            }
            openat(above, name, DIRECTORY, Mode::empty())
        }
        opened => opened,
    }
}

fn is_file(above: BorrowedFd<'_>, name: &OsStr) -> bool {
    statat(above, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile)
}

fn create(
    directory: BorrowedFd<'_>,
    name: &OsStr,
    data: &[u8],
    (new, spares): (bool, &Spares),
) -> io::Result<()> {
    if let Some(written) = spares.give(directory, name, data) {
        return written;
    }
    let how = if new { OFlags::EXCL } else { OFlags::TRUNC };
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC | how;
    let file = openat(directory, name, flags, Mode::from(0o666))?;
    Written::from(file).write_all(data)
}
