//! Writes a script's files into its work directory and refuses to write anywhere else. Knows nothing
//! of the script's lines.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

use super::gotext;
use crate::script::txtar::File;

/// Makes `.tmp` and writes the files; says where each of them is. The error has the line of the file's marker.
/// With `unique`, no file is written over another one.
pub(super) fn unpack(
    files: &[File],
    work_dir: &Path,
    unique: bool,
    expand: &dyn Fn(&[u8]) -> Vec<u8>,
) -> Result<Vec<PathBuf>, (u32, Vec<u8>)> {
    let tmp = work_dir.join(".tmp");
    match fs::create_dir(&tmp) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err((0, gotext::path_error("mkdir", &tmp, &error))),
    }
    let write_one = |file: &File| {
        let name = expand(&file.name);
        write(&name, &file.data, work_dir, unique).map_err(|message| (file.line, message))
    };
    files.iter().map(write_one).collect()
}

fn write(name: &[u8], data: &[u8], work_dir: &Path, unique: bool) -> Result<PathBuf, Vec<u8>> {
    let outside = || {
        let quoted = gotext::quote(name);
        format!("file {quoted} is outside working directory").into_bytes()
    };
    let written = Path::new(OsStr::from_bytes(name));
    // `$WORK/x` is `x`; any other absolute name is somebody else's file.
    let relative = match written.strip_prefix(work_dir) {
        Ok(relative) => relative,
        Err(_) if written.is_absolute() => return Err(outside()),
        Err(_) => written,
    };
    let mut parts = Vec::new();
    for component in relative.components() {
        match component {
            Component::Normal(part) => parts.push(part),
            Component::CurDir => {}
            Component::ParentDir if parts.pop().is_some() => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err(outside());
            }
        }
    }
    let mut path = work_dir.to_owned();
    if let [directories @ .., _] = parts.as_slice() {
        for directory in directories {
            path.push(directory);
            make_directory(&path)?.then_some(()).ok_or_else(outside)?;
        }
    }
    path.extend(parts.last());
    create(&path, data, unique).map_err(|error| match error.raw_os_error() {
        Some(libc::ELOOP) => outside(),
        Some(libc::EEXIST) if unique => {
            let after = " (because RequireUniqueNames is enabled)";
            [name, &gotext::about_path(" would overwrite", &path, after)].concat()
        }
        _ => gotext::path_error("open", &path, &error),
    })?;
    Ok(path)
}

/// `false`: it is a symbolic link, and leads who knows where.
fn make_directory(path: &Path) -> Result<bool, Vec<u8>> {
    match fs::create_dir(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            match fs::symlink_metadata(path) {
                Ok(meta) if meta.is_file() => {
                    Err(gotext::about_path("mkdir", path, ": not a directory"))
                }
                meta => Ok(meta.is_ok_and(|meta| meta.is_dir())),
            }
        }
        Err(error) => Err(gotext::path_error("mkdir", path, &error)),
    }
}

fn create(path: &Path, data: &[u8], new: bool) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options
        .write(true)
        .create(true)
        .truncate(true)
        .create_new(new);
    let mut file = options.custom_flags(libc::O_NOFOLLOW).open(path)?;
    file.write_all(data)
}
