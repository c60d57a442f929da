//! Writes a script's files into its work directory and refuses to write anywhere else. Knows nothing
//! of the script's lines.

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

/// Makes `.tmp` and writes the files; says where each of them is. The error has the line of the file's marker.
pub(super) fn unpack(
    files: &[File],
    (work_dir, spares): (&Path, &Spares),
    unique: bool,
    expand: &dyn Fn(&[u8]) -> Vec<u8>,
) -> Result<Vec<PathBuf>, (u32, Vec<u8>)> {
    let mut unpacking =
        Unpacking::begin(work_dir, spares, unique).map_err(|message| (0, message))?;
    let write_one = |file: &File| {
        let name = expand(&file.name);
        let written = unpacking.write(&name, &file.data);
        written.map_err(|message| (file.line, message))
    };
    files.iter().map(write_one).collect()
}

/// A work directory that is being filled. Everything is opened from the directory above it and no link is
/// followed, so nothing can lead outside; and files beside each other cost one call of the system each to open.
struct Unpacking<'a> {
    work_dir: &'a Path,
    spares: &'a Spares,
    /// No file may be there already.
    unique: bool,
    root: OwnedFd,
    /// Where the last file went: the names of the directories, and the innermost of them. Most files stand beside
    /// the one before them.
    names: Vec<OsString>,
    directory: Option<OwnedFd>,
}

impl<'a> Unpacking<'a> {
    fn begin(work_dir: &'a Path, spares: &'a Spares, unique: bool) -> Result<Self, Vec<u8>> {
        let failed = |operation: &str, path: &Path, errno: Errno| {
            gotext::path_error(operation, path, &errno.into())
        };
        let root = openat(CWD, work_dir, DIRECTORY, Mode::empty())
            .map_err(|errno| failed("open", work_dir, errno))?;
        match mkdirat(&root, ".tmp", Mode::from(0o777)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(failed("mkdir", &work_dir.join(".tmp"), errno)),
        }
        Ok(Unpacking {
            work_dir,
            spares,
            unique,
            root,
            names: Vec::new(),
            directory: None,
        })
    }

    fn write(&mut self, name: &[u8], data: &[u8]) -> Result<PathBuf, Vec<u8>> {
        let outside = || {
            let quoted = gotext::quote(name);
            format!("file {quoted} is outside working directory").into_bytes()
        };
        let (unique, spares) = (self.unique, self.spares);
        let parts = parts(name, self.work_dir).ok_or_else(outside)?;
        let mut path = self.work_dir.to_owned();
        path.extend(&parts);
        let (file, directories) = match parts.as_slice() {
            [directories @ .., file] => (*file, directories),
            [] => (OsStr::new("."), parts.as_slice()),
        };
        let directory = self.enter(directories)?.ok_or_else(outside)?;
        match create(directory, file, data, (unique, spares)) {
            Ok(()) => Ok(path),
            Err(error) if unique && error.raw_os_error() == Some(libc::EEXIST) => {
                let after = " (because RequireUniqueNames is enabled)";
                let about = gotext::about_path(" would overwrite", &path, after);
                Err([name, &about].concat())
            }
            Err(error) if error.raw_os_error() == Some(libc::ELOOP) => Err(outside()),
            Err(error) => Err(gotext::path_error("open", &path, &error)),
        }
    }

    /// The directory with these names below each other, made as far as it is missing. `None`: one of them is no
    /// directory, and leads who knows where.
    fn enter(&mut self, names: &[&OsStr]) -> Result<Option<BorrowedFd<'_>>, Vec<u8>> {
        let names = names.iter().map(|name| name.to_os_string());
        let names: Vec<OsString> = names.collect();
        if !names.starts_with(&self.names) {
            self.names.clear();
            self.directory = None;
        }
        for name in names.get(self.names.len()..).unwrap_or_default() {
            let path = self.work_dir.join(self.names.iter().collect::<PathBuf>());
            let above = self.directory.as_ref().unwrap_or(&self.root).as_fd();
            let directory = match make_directory(above, name) {
                Ok(directory) => directory,
                Err(Errno::NOTDIR) if is_file(above, name) => {
                    let path = path.join(name);
                    return Err(gotext::about_path("mkdir", &path, ": not a directory"));
                }
                Err(Errno::NOTDIR | Errno::LOOP) => return Ok(None),
                Err(errno) => {
                    let path = path.join(name);
                    return Err(gotext::path_error("mkdir", &path, &errno.into()));
                }
            };
            self.directory = Some(directory);
            self.names.push(name.clone());
        }
        Ok(Some(self.directory.as_ref().unwrap_or(&self.root).as_fd()))
    }
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
            mkdirat(above, name, Mode::from(0o777))?;
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
