//! Everything that one running script may change, and the few operations that commands share.
//! Knows no command.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::golden::Goldens;
use super::halt::{Step, fail};
use super::log::Log;
use super::registry::{Expect, absolute};
use super::{Finished, JobId, Registry, Setup, Status, Terminal, World, contents};
use crate::host::stream::Stream;
use crate::model::Place;
use crate::script::Script;

/// A program in the background that no `wait` has taken off the list.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) id: JobId,
    /// From `&name&`.
    pub(super) name: Option<Vec<u8>>,
    /// The command line for the log.
    pub(super) label: Vec<u8>,
    pub(super) expect: Expect,
    /// The line that started it.
    pub(super) place: Place,
    /// Known once it was awaited.
    pub(super) finished: Option<Finished>,
}

impl Job {
    pub(super) fn is_named(&self, name: &[u8]) -> bool {
        self.name.as_deref() == Some(name)
    }
}

/// A command for the end of the script.
#[derive(Debug)]
pub(super) struct Deferred {
    /// The line that said so.
    pub(super) place: Place,
    /// Where it stood.
    pub(super) directory: PathBuf,
    pub(super) expect: Expect,
    /// The command and its arguments, expanded.
    pub(super) words: Vec<Vec<u8>>,
}

/// One running script.
pub(super) struct Session<'a> {
    pub(super) script: &'a Script,
    pub(super) setup: &'a Setup,
    pub(super) registry: &'a Registry,
    pub(super) world: &'a mut dyn World,
    /// The line that runs.
    pub(super) place: Place,
    pub(super) environment: Environment,
    pub(super) directory: PathBuf,
    /// For the next program.
    pub(super) stdin: Vec<u8>,
    /// For the next program in the foreground.
    pub(super) terminal: Option<Terminal>,
    pub(super) stdout: Stream,
    pub(super) stderr: Stream,
    /// Of the last program that had a terminal.
    pub(super) ttyout: Stream,
    /// How the last program ended that was run or awaited; `None` before the first, and when it did not start.
    pub(super) status: Option<Status>,
    pub(super) jobs: Vec<Job>,
    /// A failure of the command that runs is followed by another try.
    pub(super) trying: bool,
    /// The first one was deferred first, and runs last.
    pub(super) deferred: Vec<Deferred>,
    pub(super) log: Log,
    pub(super) goldens: Goldens,
    /// The answers to `[exec:PROG]` so far, by program and `PATH`.
    pub(super) found: BTreeMap<(Vec<u8>, Vec<u8>), bool>,
}

impl Session<'_> {
    /// The path of a word, seen from the current directory.
    pub(super) fn path(&self, word: &[u8]) -> PathBuf {
        absolute(&self.directory, Path::new(OsStr::from_bytes(word)))
    }

    /// The saved output that a word names.
    pub(super) fn saved(&self, word: &[u8]) -> Option<&Stream> {
        match word {
            b"stdout" => Some(&self.stdout),
            b"stderr" => Some(&self.stderr),
            b"ttyout" => Some(&self.ttyout),
            _ => None,
        }
    }

    /// Makes a saved output the contents of a file.
    pub(super) fn write_saved(&mut self, word: &[u8], path: &Path) -> Step {
        let stream = match word {
            b"stdout" => &self.stdout,
            b"stderr" => &self.stderr,
            _ => &self.ttyout,
        };
        contents::write_file(self.world, path, usable(stream)?, 0o666)
    }

    /// A file's contents.
    pub(super) fn read_file(&mut self, word: &[u8]) -> Step<Vec<u8>> {
        let path = self.path(word);
        contents::read_file(self.world, &path)
    }

    /// A file's contents; `None` for the name of a saved output, which can be used.
    pub(super) fn read_unless_saved(&mut self, word: &[u8]) -> Step<Option<Vec<u8>>> {
        match self.saved(word) {
            Some(stream) => usable(stream).map(|_| None),
            None => self.read_file(word).map(Some),
        }
    }

    /// A file's contents, or those of a saved output.
    pub(super) fn read(&mut self, word: &[u8]) -> Step<Vec<u8>> {
        match self.saved(word) {
            Some(stream) => usable(stream).map(<[u8]>::to_vec),
            None => self.read_file(word),
        }
    }

    /// A variable's value, for expansion.
    pub(super) fn lookup(&self, name: &[u8]) -> Option<Vec<u8>> {
        self.environment.get(name).map(<[u8]>::to_vec)
    }
}

/// A stream's content; one that cannot be used fails the line.
pub(super) fn usable(stream: &Stream) -> Step<&[u8]> {
    stream.bytes().or_else(|why| fail(why.to_string()))
}
