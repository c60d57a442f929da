//! `unquote` and `unix2dos`: files that txtar cannot hold as they are. Knows nothing of links or modes.

use super::Command;
use crate::interp::contents::write_file;
use crate::interp::gotext::about_path;
use crate::interp::halt::{Halt, fail};
use crate::interp::registry::Expect;
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
        for file in arguments {
            let contents = session.read_file(file)?;
            let unquoted = txtar::unquote(&contents).or_else(|error| fail(error.to_string()))?;
            let path = session.path(file);
            write_file(session.world, &path, &unquoted, 0o666)?;
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
        for file in arguments {
            let changed = to_dos(&session.read_file(file)?);
            let path = session.path(file);
            // Go's words for a file that cannot be written name it twice here.
            let written = write_file(session.world, &path, &changed, 0o666);
            if let Err(Halt::Fail(message)) = written {
                return fail([about_path("", &path, ": "), message].concat());
            }
            written?;
        }
        Ok(())
    },
};

fn to_dos(contents: &[u8]) -> Vec<u8> {
    let mut changed = Vec::with_capacity(contents.len() + contents.len() / 16);
    for line in contents.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        changed.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        changed.extend_from_slice(b"\r\n");
    }
    changed
}
