//! What the user adds to the language: programs that may be called bare, commands, conditions.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io;
use std::path::PathBuf;

use crate::host::stream::Stream;
use crate::script::{Variables, path};

use super::environment::Environment;
use super::os_error;
use super::setup::{to_path, to_path_buf};

/// A command of the user's. Gets whether it was written with `!`, and its words; what `!` means is
/// its own business.
pub type CommandFunction = Box<
    dyn Fn(&mut CommandContext<'_>, bool, &[Vec<u8>]) -> Result<(), CommandError> + Send + Sync,
>;

/// A condition of the user's. Gets what follows the colon of `[name:suffix]`, or nothing.
pub type ConditionFunction = Box<dyn Fn(&str) -> Result<bool, String> + Send + Sync>;

/// The user's additions.
#[derive(Default)]
pub struct Registry {
    programs: BTreeSet<String>,
    commands: BTreeMap<String, CommandFunction>,
    conditions: BTreeMap<String, ConditionFunction>,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("programs", &self.programs)
            .field("commands", &self.commands.keys())
            .field("conditions", &self.conditions.keys())
            .finish()
    }
}

impl Registry {
    /// `NAME words…` shall mean `exec NAME words…`. Takes the place of a built-in of that name.
    pub fn program(&mut self, name: impl Into<String>) -> &mut Self {
        self.programs.insert(name.into());
        self
    }

    /// Adds a command. A built-in of Go's testscript cannot be replaced, one of ours can.
    pub fn command(&mut self, name: impl Into<String>, command: CommandFunction) -> &mut Self {
        self.commands.insert(name.into(), command);
        self
    }

    /// Adds a condition. A standard one cannot be replaced, one of ours can.
    pub fn condition(
        &mut self,
        name: impl Into<String>,
        condition: ConditionFunction,
    ) -> &mut Self {
        self.conditions.insert(name.into(), condition);
        self
    }

    /// The names of the programs that may be called bare.
    pub fn programs(&self) -> impl Iterator<Item = &str> {
        self.programs.iter().map(String::as_str)
    }

    pub(super) fn has_program(&self, name: &str) -> bool {
        self.programs.contains(name)
    }

    pub(super) fn command_named(&self, name: &str) -> Option<&CommandFunction> {
        self.commands.get(name)
    }

    pub(super) fn command_names(&self) -> impl Iterator<Item = &str> {
        self.commands.keys().map(String::as_str)
    }

    /// The condition, with what it gets.
    pub(super) fn condition_named<'n>(
        &self,
        name: &'n str,
    ) -> Option<(&ConditionFunction, &'n str)> {
        if let Some(condition) = self.conditions.get(name) {
            return Some((condition, ""));
        }
        let (name, suffix) = name.split_once(':')?;
        Some((self.conditions.get(name)?, suffix))
    }
}

/// Why a command of the user's failed; becomes the message of the failed line.
#[derive(Debug)]
pub struct CommandError(pub(super) Vec<u8>);

impl CommandError {
    /// An error with this message.
    pub fn new(message: impl Into<Vec<u8>>) -> CommandError {
        CommandError(message.into())
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl From<&str> for CommandError {
    fn from(message: &str) -> Self {
        CommandError::new(message)
    }
}

impl From<String> for CommandError {
    fn from(message: String) -> Self {
        CommandError::new(message)
    }
}

impl From<io::Error> for CommandError {
    fn from(error: io::Error) -> Self {
        CommandError::new(error.to_string())
    }
}

impl From<Box<dyn std::error::Error>> for CommandError {
    fn from(error: Box<dyn std::error::Error>) -> Self {
        CommandError::new(error.to_string())
    }
}

/// A command's own outputs, once it asked for one of them.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

/// What a command of the user's can see and change.
#[derive(Debug)]
pub struct CommandContext<'a> {
    pub(super) work_dir: &'a [u8],
    pub(super) directory: &'a mut Vec<u8>,
    pub(super) environment: &'a mut Environment,
    pub(super) last_stdout: &'a Stream,
    pub(super) last_stderr: &'a Stream,
    pub(super) stdin: &'a [u8],
    pub(super) log: Vec<u8>,
    pub(super) written: Option<Written>,
}

impl CommandContext<'_> {
    /// The work directory, `$WORK`.
    pub fn work_dir(&self) -> PathBuf {
        to_path_buf(self.work_dir.to_vec())
    }

    /// The current directory.
    pub fn directory(&self) -> PathBuf {
        to_path_buf(self.directory.clone())
    }

    /// Changes the current directory; relative to the one until now.
    pub fn change_directory(&mut self, directory: impl AsRef<[u8]>) -> Result<(), CommandError> {
        let directory = path::absolute(self.directory, directory.as_ref());
        match fs::metadata(to_path(&directory)) {
            Ok(known) if known.is_dir() => {
                *self.directory = directory;
                Ok(())
            }
            Ok(_) => Err(path_error(&directory, "is not a directory")),
            Err(error) => {
                let words = os_error::words(&error);
                Err(path_error(
                    &directory,
                    &format!("cannot be entered: {words}"),
                ))
            }
        }
    }

    /// A variable's value; `None` when it is not set.
    pub fn getenv(&self, name: impl AsRef<[u8]>) -> Option<&[u8]> {
        self.environment.value(name.as_ref())
    }

    /// Sets a variable.
    pub fn setenv(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.environment.set(name.as_ref(), value.as_ref());
    }

    /// All variables, as a program would get them.
    pub fn environment(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.environment.for_program(self.directory)
    }

    /// A path as an absolute one, relative to the current directory.
    pub fn absolute(&self, name: impl AsRef<[u8]>) -> PathBuf {
        to_path_buf(path::absolute(self.directory, name.as_ref()))
    }

    /// A file's content; `stdout` and `stderr` are the last command's output.
    pub fn read_file(&self, name: impl AsRef<[u8]>) -> Result<Vec<u8>, CommandError> {
        let name = name.as_ref();
        let saved = match name {
            b"stdout" => self.last_stdout.bytes(),
            b"stderr" => self.last_stderr.bytes(),
            _ => {
                let file = path::absolute(self.directory, name);
                let error = |error| path_error(&file, &os_error::words(&error));
                return fs::read(to_path(&file)).map_err(error);
            }
        };
        let bytes = saved.map_err(|overflow| CommandError::new(overflow.to_string()))?;
        Ok(bytes.to_vec())
    }

    /// What `stdin` prepared for the next program.
    pub fn stdin(&self) -> &[u8] {
        self.stdin
    }

    /// Where to write the output that the next `stdout` and `cmp stdout` look at.
    pub fn stdout(&mut self) -> &mut Vec<u8> {
        &mut self.written.get_or_insert_default().stdout
    }

    /// Where to write the output that the next `stderr` and `cmp stderr` look at.
    pub fn stderr(&mut self) -> &mut Vec<u8> {
        &mut self.written.get_or_insert_default().stderr
    }

    /// Adds a line to the log.
    pub fn log(&mut self, line: impl AsRef<[u8]>) {
        let line = line.as_ref();
        self.log
            .extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
        self.log.push(b'\n');
    }
}

fn path_error(path: &[u8], what: &str) -> CommandError {
    CommandError([path, b": ", what.as_bytes()].concat())
}
