//! The library's front: a harness is described, then its `main` takes whichever role this process has.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::door;
use crate::host::{environment, process, raw};
use crate::interp::{CommandContext, CommandError, Expect, Preparation, Registry};
use crate::{shim, slot, wire};

/// A program that scripts can call by name: a `main` without arguments, which reads its own from
/// [`std::env::args`].
pub type Program = fn() -> ExitCode;

/// A test target made of scripts.
///
/// ```no_run
/// use std::process::ExitCode;
///
/// // tests/scripts.rs, with `harness = false` in Cargo.toml
/// fn main() -> ExitCode {
///     shakedown::Harness::from_manifest()
///         .program("greet", greet)
///         .condition("ci", |_| Ok(option_env!("CI").is_some()))
///         .main()
/// }
///
/// fn greet() -> ExitCode {
///     println!("hello, {}", std::env::args().nth(1).unwrap_or_default());
///     ExitCode::SUCCESS
/// }
/// ```
///
/// The same executable is also the worker that runs scripts, the stand-in for `docker` and `podman`, and
/// every registered program: [`Harness::main`] finds out which, so it must be called before anything else.
#[derive(Debug, Default)]
pub struct Harness {
    base: PathBuf,
    scripts: Vec<String>,
    programs: BTreeMap<String, Program>,
    registry: Registry,
}

impl Harness {
    /// The harness of the package that is being tested: paths count from its folder, and so is
    /// `harness.toml` looked for there.
    pub fn from_manifest() -> Self {
        let variables = environment::variables();
        let manifest = process::variable(&variables, "CARGO_MANIFEST_DIR");
        // Outside cargo the package is where one stands.
        let base = manifest.map_or_else(environment::directory, PathBuf::from);
        Harness {
            base,
            ..Harness::default()
        }
    }

    /// The harness of this folder.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Harness {
            base: folder.into(),
            ..Harness::default()
        }
    }

    /// Runs the scripts of this folder or file, instead of those that harness.toml names. May be repeated.
    #[must_use]
    pub fn scripts(mut self, path: impl Into<String>) -> Self {
        self.scripts.push(path.into());
        self
    }

    /// Offers a program to scripts, as `NAME …` and as `exec NAME …`, and to whatever they run: it is first
    /// in their `PATH`.
    #[must_use]
    pub fn program(mut self, name: impl Into<String>, main: Program) -> Self {
        let name = name.into();
        self.registry = self.registry.program(name.clone());
        self.programs.insert(name, main);
        self
    }

    /// Offers a command to scripts. A built-in command of the same name wins.
    #[must_use]
    pub fn command<F>(mut self, name: impl Into<String>, run: F) -> Self
    where
        F: Fn(&mut CommandContext<'_>, Expect, &[Vec<u8>]) -> Result<(), CommandError>
            + Send
            + Sync
            + 'static,
    {
        self.registry = self.registry.command(name, run);
        self
    }

    /// Offers the condition `[name]`, and `[name:suffix]`, to scripts; it is given the suffix, or nothing.
    #[must_use]
    pub fn condition<F>(mut self, name: impl Into<String>, holds: F) -> Self
    where
        F: Fn(&str) -> Result<bool, String> + Send + Sync + 'static,
    {
        self.registry = self.registry.condition(name, holds);
        self
    }

    /// Runs this before each script, when its files are in place: to set variables, write files, choose
    /// the directory it begins in.
    #[must_use]
    pub fn prepare<F>(mut self, prepare: F) -> Self
    where
        F: Fn(&mut Preparation<'_>) -> Result<(), String> + Send + Sync + 'static,
    {
        self.registry = self.registry.prepare(prepare);
        self
    }

    /// Takes the role that this process was started for. For the harness that is: runs or lists what the
    /// command line says, prints, and gives the exit code.
    pub fn main(self) -> ExitCode {
        let words = environment::words();
        match take_role(&words, &self.programs) {
            Role::Slot(fd) => serve(fd, self.registry),
            Role::Done(code) => code,
            Role::Harness => {
                keep_descriptors();
                let place = door::Place {
                    base: self.base,
                    scripts: self.scripts,
                    repeat: Vec::new(),
                };
                let registered = door::Registered {
                    commands: self.registry.command_names().map(str::to_owned).collect(),
                    conditions: self.registry.condition_names().map(str::to_owned).collect(),
                    programs: self.programs.into_keys().collect(),
                };
                door::target(&words, place, registered)
            }
        }
    }
}

/// What this process inherited by accident (a jobserver, a log) must reach no engine client: a conmon would
/// keep it for its container's life.
pub(super) fn keep_descriptors() {
    if let Err(error) = raw::close_on_exec_from(3) {
        complain(&format!(
            "warning: inherited descriptors may reach engine clients: {error}"
        ));
    }
}

/// What this process is.
pub(super) enum Role {
    /// A worker, talking on this descriptor.
    Slot(i32),
    /// A stand-in or a program, which has done its work.
    Done(ExitCode),
    /// The one that schedules, judges and reports.
    Harness,
}

/// Finds the role by the name this process was started by, before anything else is done.
pub(super) fn take_role(words: &[OsString], programs: &BTreeMap<String, Program>) -> Role {
    let first = words
        .first()
        .map(Path::new)
        .and_then(Path::file_name)
        .and_then(|name| name.to_str());
    let Some(name) = first else {
        return Role::Harness;
    };
    if name == wire::SLOT {
        let fd = words.get(1).and_then(|word| word.to_str()?.parse().ok());
        return Role::Slot(fd.unwrap_or(-1));
    }
    if let Some(kind) = shim::called_as(words) {
        if words.get(1).is_some_and(|word| word == shim::TRIAL) {
            return Role::Done(ExitCode::SUCCESS);
        }
        if let Some(slot) = shim::slot_directory() {
            let (message, code) = shim::enter(kind, words, &slot);
            complain(&message);
            return Role::Done(ExitCode::from(code));
        }
    }
    match programs.get(name) {
        Some(main) if shim::slot_directory().is_some() => Role::Done(main()),
        Some(_) | None => Role::Harness,
    }
}

/// Serves as a worker.
pub(super) fn serve(fd: i32, registry: Registry) -> ExitCode {
    match slot::serve(fd, registry) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut text = format!("shakedown worker: {error}");
            let mut source = std::error::Error::source(&error);
            while let Some(cause) = source {
                text = format!("{text}: {cause}");
                source = cause.source();
            }
            complain(&text);
            ExitCode::FAILURE
        }
    }
}

/// A line on stderr; when even that is closed, there is nobody to tell.
pub(super) fn complain(line: &str) {
    drop(writeln!(io::stderr(), "{line}"));
}
