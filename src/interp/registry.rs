//! What a user of the library adds to the language: programs, commands, conditions, preparations.
//! Knows nothing of how a script is executed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::environment::Environment;
use super::gotext;
use crate::host::stream::Stream;

/// Whether the line wants the command to succeed or, with `!`, to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// No `!`.
    Success,
    /// `!`
    Failure,
}

/// Why a command of the user's did not do what was expected.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The line fails, in these words.
    #[error("{0}")]
    Failed(String),
    /// The script is skipped, in these words.
    #[error("{0}")]
    Skipped(String),
}

impl From<String> for CommandError {
    fn from(message: String) -> Self {
        CommandError::Failed(message)
    }
}

impl From<&str> for CommandError {
    fn from(message: &str) -> Self {
        CommandError::Failed(message.to_owned())
    }
}

impl From<io::Error> for CommandError {
    fn from(error: io::Error) -> Self {
        CommandError::Failed(error.to_string())
    }
}

pub(super) type Command =
    dyn Fn(&mut CommandContext<'_>, Expect, &[Vec<u8>]) -> Result<(), CommandError> + Send + Sync;
type Condition = dyn Fn(&str) -> Result<bool, String> + Send + Sync;
type Prepare = dyn Fn(&mut Preparation<'_>) -> Result<(), String> + Send + Sync;

/// What a user of the library adds to the language.
#[derive(Default)]
pub struct Registry {
    programs: BTreeSet<String>,
    commands: BTreeMap<String, Box<Command>>,
    externals: BTreeMap<String, PathBuf>,
    conditions: BTreeMap<String, Box<Condition>>,
    preparations: Vec<Box<Prepare>>,
}

impl Registry {
    /// Lets scripts call a program without `exec`. It is found in the script's `PATH`.
    #[must_use]
    pub fn program(mut self, name: impl Into<String>) -> Self {
        self.programs.insert(name.into());
        self
    }

    /// Adds a command. A built-in of testscript's with the same name wins.
    #[must_use]
    pub fn command<F>(mut self, name: impl Into<String>, run: F) -> Self
    where
        F: Fn(&mut CommandContext<'_>, Expect, &[Vec<u8>]) -> Result<(), CommandError>
            + Send
            + Sync
            + 'static,
    {
        self.commands.insert(name.into(), Box::new(run));
        self
    }

    /// Adds a command that an executable at this absolute path carries out. A built-in of testscript's
    /// and a command of the user's with the same name win.
    #[must_use]
    pub fn external(mut self, name: impl Into<String>, path: PathBuf) -> Self {
        self.externals.insert(name.into(), path);
        self
    }

    /// Adds the condition `[name]`, also as `[name:suffix]`; it is given the suffix, or nothing.
    #[must_use]
    pub fn condition<F>(mut self, name: impl Into<String>, holds: F) -> Self
    where
        F: Fn(&str) -> Result<bool, String> + Send + Sync + 'static,
    {
        self.conditions.insert(name.into(), Box::new(holds));
        self
    }

    /// Runs this before each script, when its files are there.
    #[must_use]
    pub fn prepare<F>(mut self, prepare: F) -> Self
    where
        F: Fn(&mut Preparation<'_>) -> Result<(), String> + Send + Sync + 'static,
    {
        self.preparations.push(Box::new(prepare));
        self
    }

    pub(super) fn is_program(&self, name: &str) -> bool {
        self.programs.contains(name)
    }

    /// The command, and its name for as long as it is registered.
    pub(super) fn find_command(&self, name: &str) -> Option<(&str, &Command)> {
        let (name, command) = self.commands.get_key_value(name)?;
        Some((name, command.as_ref()))
    }

    /// The executable, and its name for as long as it is registered.
    pub(super) fn find_external(&self, name: &str) -> Option<(&str, &Path)> {
        let (name, path) = self.externals.get_key_value(name)?;
        Some((name, path))
    }

    pub(super) fn find_condition(&self, name: &str) -> Option<&Condition> {
        self.conditions.get(name).map(AsRef::as_ref)
    }

    /// The names of the commands that were added.
    pub fn command_names(&self) -> impl Iterator<Item = &str> {
        self.commands.keys().map(String::as_str)
    }

    /// The names of the conditions that were added, without suffixes.
    pub fn condition_names(&self) -> impl Iterator<Item = &str> {
        self.conditions.keys().map(String::as_str)
    }

    pub(super) fn preparations(&self) -> impl Iterator<Item = &Prepare> {
        self.preparations.iter().map(AsRef::as_ref)
    }

    /// The names of the programs and commands.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let programs = self.programs.iter();
        let commands = self.commands.keys().chain(self.externals.keys());
        programs.chain(commands).map(String::as_str)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("programs", &self.programs)
            .field("commands", &self.commands.keys())
            .field("externals", &self.externals)
            .field("conditions", &self.conditions.keys())
            .field("preparations", &self.preparations.len())
            .finish()
    }
}

/// A script's surroundings as a command of the user's sees them.
#[derive(Debug)]
pub struct CommandContext<'a> {
    pub(super) name: &'a str,
    pub(super) work_dir: &'a Path,
    pub(super) directory: &'a Path,
    pub(super) environment: &'a mut Environment,
    pub(super) previous_stdout: &'a Stream,
    pub(super) previous_stderr: &'a Stream,
    pub(super) previous_ttyout: &'a Stream,
    /// It asked for one of its outputs, and so replaces both.
    pub(super) wrote: bool,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    pub(super) log: Vec<u8>,
}

impl CommandContext<'_> {
    /// The name by which the command was called.
    pub fn name(&self) -> &str {
        self.name
    }

    /// `$WORK`.
    pub fn work_dir(&self) -> &Path {
        self.work_dir
    }

    /// The current directory.
    pub fn directory(&self) -> &Path {
        self.directory
    }

    /// The path, seen from the current directory.
    pub fn make_absolute(&self, path: impl AsRef<Path>) -> PathBuf {
        absolute(self.directory, path.as_ref())
    }

    /// A variable's value; `None` when it was never set.
    pub fn variable(&self, name: impl AsRef<[u8]>) -> Option<&[u8]> {
        self.environment.get(name.as_ref())
    }

    /// Sets a variable, for the rest of the script.
    pub fn set_variable(&mut self, name: impl AsRef<[u8]>, value: impl Into<Vec<u8>>) {
        self.environment.set(name.as_ref(), value.into());
    }

    /// A file's contents; `stdout` and `stderr` are what the last command wrote, `ttyout` what came out
    /// of the last terminal.
    pub fn read_file(&self, name: &str) -> Result<Vec<u8>, CommandError> {
        let saved = match name {
            "stdout" => self.previous_stdout,
            "stderr" => self.previous_stderr,
            "ttyout" => self.previous_ttyout,
            _ => {
                let path = self.make_absolute(name);
                return std::fs::read(&path).map_err(|error| open_error(&path, &error).into());
            }
        };
        let bytes = saved.bytes().map_err(ToString::to_string)?;
        Ok(bytes.to_vec())
    }

    /// What is written here is what `stdout` then looks at. A command that asks for this or for [`Self::stderr`]
    /// replaces both outputs, also when it writes nothing.
    pub fn stdout(&mut self) -> &mut impl io::Write {
        self.wrote = true;
        &mut self.stdout
    }

    /// What is written here is what `stderr` then looks at.
    pub fn stderr(&mut self) -> &mut impl io::Write {
        self.wrote = true;
        &mut self.stderr
    }

    /// Adds a line to the script's log.
    pub fn log(&mut self, line: impl AsRef<[u8]>) {
        self.log.extend_from_slice(line.as_ref());
        self.log.push(b'\n');
    }
}

/// A script that is about to begin: its files are there, its first line is still to come.
#[derive(Debug)]
pub struct Preparation<'a> {
    pub(super) file: &'a str,
    pub(super) work_dir: &'a Path,
    pub(super) directory: &'a mut PathBuf,
    pub(super) environment: &'a mut Environment,
}

impl Preparation<'_> {
    /// The script's file as messages show it.
    pub fn file(&self) -> &str {
        self.file
    }

    /// `$WORK`.
    pub fn work_dir(&self) -> &Path {
        self.work_dir
    }

    /// A variable's value; `None` when it is not set.
    pub fn variable(&self, name: impl AsRef<[u8]>) -> Option<&[u8]> {
        self.environment.get(name.as_ref())
    }

    /// Sets a variable.
    pub fn set_variable(&mut self, name: impl AsRef<[u8]>, value: impl Into<Vec<u8>>) {
        self.environment.set(name.as_ref(), value.into());
    }

    /// Writes a file below the work directory, with the directories above it.
    pub fn write_file(
        &self,
        path: impl AsRef<Path>,
        contents: impl AsRef<[u8]>,
    ) -> Result<(), String> {
        let path = absolute(self.work_dir, path.as_ref());
        let write = || {
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::write(&path, contents)
        };
        write().map_err(|error: io::Error| open_error(&path, &error))
    }

    /// Where the script begins; at first `$WORK`. A relative path counts from there.
    pub fn set_directory(&mut self, directory: impl AsRef<Path>) {
        *self.directory = absolute(self.work_dir, directory.as_ref());
    }
}

fn open_error(path: &Path, error: &io::Error) -> String {
    String::from_utf8_lossy(&gotext::path_error("open", path, error)).into_owned()
}

/// The path seen from a directory, cleaned as Go does it: `..` is taken by its text, not through links.
pub(super) fn absolute(directory: &Path, path: &Path) -> PathBuf {
    if path.is_absolute() {
        return path.to_owned();
    }
    let mut clean = directory.to_owned();
    for component in path.components() {
        match component {
            Component::Normal(name) => clean.push(name),
            Component::ParentDir => {
                clean.pop();
            }
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    clean
}
