//! `chmod`, `mv`, `symlink`: what a directory says of its files. Knows no contents.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

use super::Command;
use crate::interp::gotext::{about_path, cause, path_error};
use crate::interp::halt::{Step, fail};
use crate::interp::registry::Expect;
use crate::interp::session::Session;
use crate::script::check::{Form, Role};
use crate::script::value::{self, Value};

pub(super) const CHMOD: Command = Command {
    name: "chmod",
    usage: "chmod perm paths...",
    summary: "set the permissions of files, in octal digits",
    details: "Files that the archive brings are not executable; this makes them so.",
    example: "chmod 755 bin/tool",
    negatable: false,
    form: Form::words(2, None, &[Role::Value(Value::Permissions), Role::Other]),
    run: chmod,
};

pub(super) const MV: Command = Command {
    name: "mv",
    usage: "mv old new",
    summary: "rename a file; never into a directory",
    details: "The new name is the whole name: nothing is moved into a directory.",
    example: "mv draft.txt final.txt",
    negatable: false,
    form: Form::words(2, Some(2), &[Role::Other]),
    run: mv,
};

pub(super) const SYMLINK: Command = Command {
    name: "symlink",
    usage: "symlink file -> target",
    summary: "make a symbolic link; its target is kept as written",
    details: "The word `->` is part of the command.",
    example: "symlink latest -> v2/notes.txt",
    negatable: false,
    form: Form::words(3, Some(3), &[Role::Other, Role::Literal("->"), Role::Other]),
    run: symlink,
};

fn chmod(session: &mut Session<'_>, _: Expect, arguments: &[Vec<u8>]) -> Step {
    let [mode, files @ ..] = arguments else {
        return CHMOD.misused();
    };
    if files.is_empty() {
        return CHMOD.misused();
    }
    let Some(permissions) = value::permissions(mode).map(fs::Permissions::from_mode) else {
        return fail([b"invalid mode: ", mode.as_slice()].concat());
    };
    for file in files {
        let path = session.path(file);
        fs::set_permissions(&path, permissions.clone())
            .or_else(|error| fail(path_error("chmod", &path, &error)))?;
    }
    Ok(())
}

fn mv(session: &mut Session<'_>, _: Expect, arguments: &[Vec<u8>]) -> Step {
    let [old, new] = arguments else {
        return MV.misused();
    };
    let (old, new) = (session.path(old), session.path(new));
    let failed = |cause: &str| {
        let new = about_path("", &new, &format!(": {cause}"));
        fail([about_path("rename", &old, " "), new].concat())
    };
    // The kernel would put a directory over an empty one; Go does not ask it to.
    if fs::symlink_metadata(&new).is_ok_and(|meta| meta.is_dir()) {
        let old = fs::symlink_metadata(&old);
        return failed(&old.map_or_else(|error| cause(&error), |_| "file exists".to_owned()));
    }
    fs::rename(&old, &new).or_else(|error| failed(&cause(&error)))
}

fn symlink(session: &mut Session<'_>, _: Expect, arguments: &[Vec<u8>]) -> Step {
    let [link, arrow, target] = arguments else {
        return SYMLINK.misused();
    };
    if arrow != b"->" {
        return SYMLINK.misused();
    }
    let path = session.path(link);
    std::os::unix::fs::symlink(OsStr::from_bytes(target), &path).or_else(|error| {
        let words = [b"symlink ", target.as_slice(), b" "].concat();
        let link = about_path("", &path, &format!(": {}", cause(&error)));
        fail([words, link].concat())
    })
}
