//! `cd`, `cp`, `exists`, `mkdir`, `rm`: directories and files. Knows no program.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::Command;
use crate::interp::contents::write_file;
use crate::interp::gotext::{about_path, path_error};
use crate::interp::halt::{Step, fail};
use crate::interp::registry::Expect;
use crate::interp::session::Session;
use crate::script::check::{Flag, Form, Role};

pub(super) const CD: Command = Command {
    name: "cd",
    usage: "cd dir",
    summary: "change the current directory",
    details: "The directory must be there. The new one is written to the log. Relative paths in later lines count from it.",
    example: "cd $WORK/deep",
    negatable: false,
    form: Form::words(1, Some(1), &[Role::Enters]),
    run: cd,
};

pub(super) const CP: Command = Command {
    name: "cp",
    usage: "cp src... dst",
    summary: "copy files, or stdout, stderr and ttyout",
    details: "Several sources need a directory to go to. Directories are not copied. A new file gets the mode of its source, an existing one keeps its own.",
    example: "cp stdout kept.txt",
    negatable: false,
    form: Form::words(2, None, &[Role::Other]),
    run: cp,
};

pub(super) const EXISTS: Command = Command {
    name: "exists",
    usage: "exists [-readonly] file...",
    summary: "check that files exist",
    details: "Every file must be there; negated, none may be. With `-readonly` nobody may have leave to write it.",
    example: "exists out/report.txt",
    negatable: true,
    form: Form::words(1, None, &[Role::Read]).after(Flag::Whole("-readonly")),
    run: exists,
};

pub(super) const MKDIR: Command = Command {
    name: "mkdir",
    usage: "mkdir dir...",
    summary: "make directories, with those above them",
    details: "A directory that is there already is no mistake.",
    example: "mkdir deep/er",
    negatable: false,
    form: Form::words(1, None, &[Role::Other]),
    run: mkdir,
};

pub(super) const RM: Command = Command {
    name: "rm",
    usage: "rm file...",
    summary: "remove files and directories with all that is in them",
    details: "What is not there is no mistake.",
    example: "rm out cache",
    negatable: false,
    form: Form::words(1, None, &[Role::Other]),
    run: rm,
};

fn cd(session: &mut Session<'_>, _: Expect, arguments: &[Vec<u8>]) -> Step {
    let [word] = arguments else {
        return CD.misused();
    };
    let directory = session.path(word);
    match fs::metadata(&directory) {
        Ok(meta) if meta.is_dir() => {}
        Ok(_) => return fail(about_path("", &directory, " is not a directory")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return fail([b"directory ", word.as_slice(), b" does not exist"].concat());
        }
        Err(error) => return fail(path_error("stat", &directory, &error)),
    }
    session.log.line(directory.as_os_str().as_bytes());
    session.directory = directory;
    Ok(())
}

fn cp(session: &mut Session<'_>, _: Expect, arguments: &[Vec<u8>]) -> Step {
    let [sources @ .., last] = arguments else {
        return CP.misused();
    };
    if sources.is_empty() {
        return CP.misused();
    }
    let destination = session.path(last);
    let into = fs::metadata(&destination).is_ok_and(|meta| meta.is_dir());
    if sources.len() > 1 && !into {
        let message = about_path("cp: destination", &destination, " is not a directory");
        return fail(message);
    }
    for source in sources {
        let path = session.path(source);
        let name = path.file_name().unwrap_or(OsStr::new("/"));
        let target = if into {
            &destination.join(name)
        } else {
            &destination
        };
        if session.saved(source).is_some() {
            session.write_saved(source, target)?;
            continue;
        }
        let meta = fs::metadata(&path).or_else(|error| fail(path_error("stat", &path, &error)))?;
        let contents = session.read_file(source)?;
        let mode = meta.permissions().mode() & 0o777;
        write_file(session.world, target, &contents, mode)?;
    }
    Ok(())
}

fn exists(session: &mut Session<'_>, expect: Expect, arguments: &[Vec<u8>]) -> Step {
    let (readonly, files) = match arguments {
        [first, files @ ..] if first == b"-readonly" => (true, files),
        files => (false, files),
    };
    if files.is_empty() {
        return EXISTS.misused();
    }
    for file in files {
        let path = session.path(file);
        match (fs::metadata(&path), expect) {
            (Err(_), Expect::Failure) => {}
            (Err(_), Expect::Success) => return fail(about_path("", &path, " does not exist")),
            (Ok(meta), Expect::Failure) => {
                let what = if meta.is_dir() { "directory" } else { "file" };
                return fail(about_path(what, &path, " unexpectedly exists"));
            }
            (Ok(meta), Expect::Success) => {
                if readonly && meta.permissions().mode() & 0o222 != 0 {
                    return fail(about_path("", &path, " exists but is writable"));
                }
            }
        }
    }
    Ok(())
}

fn mkdir(session: &mut Session<'_>, _: Expect, arguments: &[Vec<u8>]) -> Step {
    if arguments.is_empty() {
        return MKDIR.misused();
    }
    for word in arguments {
        make_all(&session.path(word))?;
    }
    Ok(())
}

/// As Go's `MkdirAll`, which names the first one that is in the way or cannot be made.
fn make_all(path: &Path) -> Step {
    match fs::metadata(path) {
        Ok(meta) if meta.is_dir() => return Ok(()),
        Ok(_) => return fail(about_path("mkdir", path, ": not a directory")),
        Err(_) => {}
    }
    path.parent().map_or(Ok(()), make_all)?;
    fs::create_dir(path).or_else(|error| {
        // Somebody else was quicker.
        let there = fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir());
        if there {
            Ok(())
        } else {
            fail(path_error("mkdir", path, &error))
        }
    })
}

fn rm(session: &mut Session<'_>, _: Expect, arguments: &[Vec<u8>]) -> Step {
    if arguments.is_empty() {
        return RM.misused();
    }
    for word in arguments {
        let path = session.path(word);
        remove(&path).or_else(|error| fail(path_error("unlinkat", &path, &error)))?;
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    let meta = match fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !meta.is_dir() {
        return fs::remove_file(path);
    }
    if fs::remove_dir_all(path).is_ok() {
        return Ok(());
    }
    make_writable(path)?;
    fs::remove_dir_all(path)
}

/// A directory that may not be written does not let go of its files.
fn make_writable(directory: &Path) -> io::Result<()> {
    fs::set_permissions(directory, fs::Permissions::from_mode(0o777))?;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            make_writable(&entry.path())?;
        }
    }
    Ok(())
}
