//! What is in files: reading and writing them for the other commands, and changing them in place.

use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;

use crate::script::txtar;

use crate::interp::execution::Execution;
use crate::interp::halt::{Halt, text};
use crate::interp::os_error;
use crate::interp::setup::to_path;

use super::Call;

impl Execution<'_> {
    /// A file's content; `stdout` and `stderr` are the last output.
    pub(super) fn read(&self, file: &[u8]) -> Result<Cow<'_, [u8]>, Halt> {
        let saved = match file {
            b"stdout" => &self.stdout,
            b"stderr" => &self.stderr,
            _ => return self.read_file(file).map(Cow::Owned),
        };
        match saved.bytes() {
            Ok(bytes) => Ok(Cow::Borrowed(bytes)),
            Err(overflow) => Err(Halt::Failed(text!(file, ": ", overflow.to_string()))),
        }
    }

    /// A real file's content, whatever its name.
    pub(super) fn read_file(&self, file: &[u8]) -> Result<Vec<u8>, Halt> {
        read(&self.absolute(file))
    }
}

/// The content of a file named absolutely.
pub(super) fn read(file: &[u8]) -> Result<Vec<u8>, Halt> {
    let mut content = Vec::new();
    File::open(to_path(file))
        .map_err(|error| os_error::failure("open", file, &error))?
        .read_to_end(&mut content)
        .map_err(|error| os_error::failure("read", file, &error))?;
    Ok(content)
}

/// Writes a file named absolutely. The mode is for a new one.
pub(super) fn write(file: &[u8], content: &[u8], mode: u32) -> Result<(), Halt> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(to_path(file))
        .map_err(|error| os_error::failure("open", file, &error))?
        .write_all(content)
        .map_err(|error| os_error::failure("write", file, &error))
}

pub(super) fn unquote(execution: &mut Execution<'_>, call: &Call<'_>) -> Result<(), Halt> {
    for file in call.arguments {
        let file = execution.absolute(file);
        let plain = txtar::unquote(&read(&file)?);
        let plain = plain.map_err(|error| Halt::failed(error.to_string()))?;
        write(&file, &plain, 0o666)?;
    }
    Ok(())
}

pub(super) fn unix2dos(execution: &mut Execution<'_>, call: &Call<'_>) -> Result<(), Halt> {
    if call.arguments.is_empty() {
        return call.misused();
    }
    for file in call.arguments {
        let file = execution.absolute(file);
        let content = read(&file)?;
        let mut dos = Vec::with_capacity(content.len() + content.len() / 16);
        for line in content.split_inclusive(|b| *b == b'\n') {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            dos.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
            dos.extend_from_slice(b"\r\n");
        }
        write(&file, &dos, 0o666)?;
    }
    Ok(())
}
