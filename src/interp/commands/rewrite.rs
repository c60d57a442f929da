//! `unquote` and `unix2dos`: files that txtar cannot hold as they are. Knows nothing of links or modes.

use std::fs;

use super::Command;
use crate::interp::gotext::path_error;
use crate::interp::halt::{Step, fail};
use crate::interp::registry::Expect;
use crate::interp::session::{Session, read_file};
use crate::script::check::{Form, Role};
use crate::script::txtar;

pub(super) const UNQUOTE: Command = Command {
    name: "unquote",
    usage: "unquote file...",
    summary: "take the > off the lines of files",
    details: "A file of the archive that holds marker lines has `>` before each of its lines; this takes it off again.",
    example: "unquote nested.txtar",
    negatable: false,
    form: Form::words(0, None, &[Role::Other]),
    // No file at all is no mistake here, as in Go.
    run: |session, _, arguments| {
        rewrite(session, arguments, |contents| {
            txtar::unquote(contents).or_else(|error| fail(error.to_string()))
        })?;
        for file in arguments {
            let path = session.path(file);
            session.goldens.unquoted(path);
        }
        Ok(())
    },
};

pub(super) const UNIX2DOS: Command = Command {
    name: "unix2dos",
    usage: "unix2dos paths...",
    summary: "end every line of files in CR LF",
    details: "Lines that end so already stay as they are.",
    example: "unix2dos input.txt",
    negatable: false,
    form: Form::words(1, None, &[Role::Other]),
    run: |session, _: Expect, arguments| {
        if arguments.is_empty() {
            return UNIX2DOS.misused();
        }
        rewrite(session, arguments, |contents| Ok(to_dos(contents)))
    },
};

/// In place: the file keeps its mode.
fn rewrite(
    session: &Session<'_>,
    files: &[Vec<u8>],
    change: impl Fn(&[u8]) -> Step<Vec<u8>>,
) -> Step {
    for file in files {
        let path = session.path(file);
        let changed = change(&read_file(&path)?)?;
        fs::write(&path, changed).or_else(|error| fail(path_error("open", &path, &error)))?;
    }
    Ok(())
}

fn to_dos(contents: &[u8]) -> Vec<u8> {
    let mut changed = Vec::with_capacity(contents.len() + contents.len() / 16);
    for line in contents.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        changed.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        changed.extend_from_slice(b"\r\n");
    }
    changed
}
