//! Commands about files and directories, but not what is in them.

use std::borrow::Cow;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink as make_symlink};

use rustix::io::Errno;

use crate::script::path;

use crate::interp::execution::Execution;
use crate::interp::halt::{Halt, fail, text};
use crate::interp::os_error::{self, failure};
use crate::interp::setup::{make_directories, to_path};

use super::Call;
use super::contents::{read, write};

pub(super) fn chmod(execution: &mut Execution<'_>, call: &Call<'_>) -> Result<(), Halt> {
    let [mode, files @ ..] = call.arguments else {
        return call.misused();
    };
    if files.is_empty() {
        return call.misused();
    }
    let digits = !mode.is_empty() && mode.iter().all(|b| (b'0'..=b'7').contains(b));
    let octal = str::from_utf8(mode).ok().filter(|_| digits);
    let bits = octal.and_then(|octal| u32::from_str_radix(octal, 8).ok());
    let Some(bits) = bits.filter(|bits| *bits <= 0o777) else {
        return fail!("invalid mode: ", mode);
    };
    for file in files {
        let file = execution.absolute(file);
        fs::set_permissions(to_path(&file), Permissions::from_mode(bits))
            .map_err(|error| failure("chmod", &file, &error))?;
    }
    Ok(())
}

pub(super) fn cp(execution: &mut Execution<'_>, call: &Call<'_>) -> Result<(), Halt> {
    let [sources @ .., destination] = call.arguments else {
        return call.misused();
    };
    if sources.is_empty() {
        return call.misused();
    }
    let destination = execution.absolute(destination);
    let into = fs::metadata(to_path(&destination)).is_ok_and(|known| known.is_dir());
    if sources.len() > 1 && !into {
        return fail!("cp: destination ", destination, " is not a directory");
    }
    for source in sources {
        let copy = Copy::of(execution, source)?;
        let target = if into {
            path::join(&destination, path::base(&copy.name))
        } else {
            destination.clone()
        };
        write(&target, &copy.content, copy.mode)?;
    }
    Ok(())
}

/// What is to be copied.
struct Copy<'e> {
    name: Vec<u8>,
    content: Cow<'e, [u8]>,
    mode: u32,
}

impl Copy<'_> {
    fn of<'e>(execution: &'e Execution<'_>, source: &[u8]) -> Result<Copy<'e>, Halt> {
        if matches!(source, b"stdout" | b"stderr") {
            return Ok(Copy {
                name: source.to_vec(),
                content: execution.read(source)?,
                mode: 0o666,
            });
        }
        let name = execution.absolute(source);
        let known = fs::metadata(to_path(&name)).map_err(|error| failure("stat", &name, &error))?;
        let mode = known.permissions().mode() & 0o777;
        let content = Cow::Owned(read(&name)?);
        Ok(Copy {
            name,
            content,
            mode,
        })
    }
}

pub(super) fn exists(execution: &mut Execution<'_>, call: &Call<'_>) -> Result<(), Halt> {
    let (readonly, files) = match call.arguments {
        [option, files @ ..] if option == b"-readonly" => (true, files),
        files => (false, files),
    };
    if files.is_empty() {
        return call.misused();
    }
    for file in files {
        let file = execution.absolute(file);
        match (fs::metadata(to_path(&file)), call.negated) {
            (Ok(known), true) => {
                let what = if known.is_dir() { "directory" } else { "file" };
                return fail!(what, " ", file, " unexpectedly exists");
            }
            (Ok(known), false) if readonly && known.permissions().mode() & 0o222 != 0 => {
                return fail!(file, " exists but is writable");
            }
            (Err(_), false) => return fail!(file, " does not exist"),
            (Ok(_), false) | (Err(_), true) => {}
        }
    }
    Ok(())
}

pub(super) fn mkdir(execution: &mut Execution<'_>, call: &Call<'_>) -> Result<(), Halt> {
    if call.arguments.is_empty() {
        return call.misused();
    }
    for directory in call.arguments {
        make_directories(&execution.absolute(directory))?;
    }
    Ok(())
}

pub(super) fn mv(execution: &mut Execution<'_>, call: &Call<'_>) -> Result<(), Halt> {
    let [old, new] = call.arguments else {
        return call.misused();
    };
    let (old, new) = (execution.absolute(old), execution.absolute(new));
    rename(&old, &new).map_err(|error| {
        let why = os_error::words(&error);
        Halt::Failed(text!("rename ", old, " ", new, ": ", why))
    })
}

/// As Go renames: never onto a directory.
fn rename(old: &[u8], new: &[u8]) -> io::Result<()> {
    let (old, new) = (to_path(old), to_path(new));
    if fs::symlink_metadata(new).is_ok_and(|known| known.is_dir()) {
        fs::symlink_metadata(old)?;
        return Err(Errno::EXIST.into());
    }
    fs::rename(old, new)
}

pub(super) fn rm(execution: &mut Execution<'_>, call: &Call<'_>) -> Result<(), Halt> {
    if call.arguments.is_empty() {
        return call.misused();
    }
    for file in call.arguments {
        remove(&execution.absolute(file))?;
    }
    Ok(())
}

/// Removes a file or a whole directory; one that is missing is fine.
fn remove(file: &[u8]) -> Result<(), Halt> {
    let path = to_path(file);
    let removed = match fs::symlink_metadata(path) {
        Ok(known) if known.is_dir() => {
            // Content can only be removed from a directory that is writable.
            if known.permissions().mode() & 0o700 != 0o700 {
                fs::set_permissions(path, Permissions::from_mode(0o777)).ok();
            }
            for entry in fs::read_dir(path).into_iter().flatten().flatten() {
                remove(&path::join(file, entry.file_name().as_bytes()))?;
            }
            fs::remove_dir(path)
        }
        // What cannot be looked at may still be removed, or tells why not.
        _ => fs::remove_file(path),
    };
    removed.or_else(|error| {
        if error.kind() == io::ErrorKind::NotFound {
            Ok(())
        } else {
            Err(failure("unlinkat", file, &error))
        }
    })
}

pub(super) fn symlink(execution: &mut Execution<'_>, call: &Call<'_>) -> Result<(), Halt> {
    let [file, arrow, target] = call.arguments else {
        return call.misused();
    };
    if arrow != b"->" {
        return call.misused();
    }
    let file = execution.absolute(file);
    make_symlink(to_path(target), to_path(&file)).map_err(|error| {
        let why = os_error::words(&error);
        Halt::Failed(text!("symlink ", target, " ", file, ": ", why))
    })
}
