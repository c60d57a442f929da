//! The loop over a script's lines, and the state that commands share.

use std::os::unix::ffi::OsStrExt;

use crate::host::stream::Stream;
use crate::model::{Bytes, Failure, Place};
use crate::script::{Command, Dialect, Line, Script, path, split};

use super::environment::Environment;
use super::halt::{Halt, text};
use super::jobs::Job;
use super::log::{Log, abbreviated};
use super::registry::Registry;
use super::setup::{Detail, OnFailure, Setup, unpack};
use super::world::{Interrupted, World};

/// How a script ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Every line did what was expected.
    Passed,
    /// The script skipped itself, and nothing had failed before.
    Skipped {
        /// Its message, perhaps empty.
        reason: String,
    },
    /// A line did not do what was expected: the first one.
    Failed(Failure),
    /// The world ended it while this line ran. The world knows the rest.
    Interrupted {
        /// Why.
        kind: Interrupted,
        /// The line; for a job that outlived the script, the line that started it.
        place: Place,
    },
}

/// All that [`execute`] learnt.
#[derive(Debug)]
pub struct Executed {
    /// How it ended.
    pub ending: Ending,
    /// Everything that failed, in order; more than one only under [`OnFailure::Continue`] or when
    /// deferred commands fail too.
    pub failures: Vec<Failure>,
    /// The log, complete.
    pub log: Vec<u8>,
}

/// The state of a running script.
pub(super) struct Execution<'a> {
    pub(super) script: &'a Script,
    pub(super) setup: &'a Setup,
    pub(super) registry: &'a Registry,
    pub(super) world: &'a mut dyn World,
    pub(super) environment: Environment,
    /// The current directory, absolute.
    pub(super) directory: Vec<u8>,
    /// What the next program reads.
    pub(super) stdin: Vec<u8>,
    /// What the last program wrote.
    pub(super) stdout: Stream,
    pub(super) stderr: Stream,
    pub(super) jobs: Vec<Job>,
    pub(super) log: Log,
    /// The line that runs.
    pub(super) place: Place,
    failures: Vec<Failure>,
}

/// Executes a script in its work directory.
pub fn execute(
    script: &Script,
    setup: &Setup,
    registry: &Registry,
    world: &mut dyn World,
) -> Executed {
    let verbose = setup.detail == Detail::Everything;
    let mut execution = Execution {
        script,
        setup,
        registry,
        world,
        environment: Environment::new(&setup.environment),
        directory: setup.directory.as_os_str().as_bytes().to_vec(),
        stdin: Vec::new(),
        stdout: Stream::default(),
        stderr: Stream::default(),
        jobs: Vec::new(),
        log: Log::new(verbose),
        place: Place {
            file: script.file.clone(),
            ..Place::default()
        },
        failures: Vec::new(),
    };
    let ending = execution.run();
    execution.finish(ending)
}

/// How the body of a script was left.
enum Left {
    /// Behind the last line.
    AtEnd,
    /// By `stop`.
    Stopped,
    /// By `skip`.
    Skipped(Vec<u8>),
    /// By a failure that ends it.
    Failed,
    /// By the world.
    Interrupted(Interrupted),
}

impl Execution<'_> {
    fn run(&mut self) -> Ending {
        if let Err(failure) = unpack(self.script, self.setup, &self.environment) {
            self.place.line = failure.line;
            return match self.settle(failure.halt) {
                Some(Left::Interrupted(kind)) => self.interrupted(kind),
                _ => self.failed(),
            };
        }
        if self.setup.detail == Detail::Everything || self.setup.show_work_dir {
            self.log_environment();
            self.log.text(b"\n");
            self.log.keep();
        }
        let left = self.body();
        self.close(left)
    }

    /// Runs line after line.
    fn body(&mut self) -> Left {
        let script = self.script;
        for (number, line) in script.lines() {
            if line.starts_with(b"#") {
                self.log.begin_section(line, self.world.elapsed());
                continue;
            }
            if let Err(halt) = self.line(number, line)
                && let Some(left) = self.settle(halt)
            {
                return left;
            }
        }
        Left::AtEnd
    }

    fn line(&mut self, number: u32, line: &[u8]) -> Result<(), Halt> {
        self.place.line = number;
        self.place.text = Bytes(line.to_vec());
        let words = split(line).map_err(|error| Halt::failed(error.to_string()))?;
        let words = words.iter().map(|word| word.expand(&self.environment));
        let Some(line_parts) = Line::new(words.collect()) else {
            return Ok(());
        };
        self.log.line(&text!("> ", line));
        self.world.line(&self.place);
        for guard in &line_parts.conditions {
            if !self.admits(guard)? {
                return Ok(());
            }
        }
        match line_parts.command {
            Ok(command) => self.command(&command),
            Err(incomplete) => Err(Halt::failed(incomplete.to_string())),
        }
    }

    /// Runs one command, wherever it was written.
    pub(super) fn command(&mut self, command: &Command) -> Result<(), Halt> {
        super::builtins::dispatch(self, command)
    }

    /// Writes a halt down; tells whether, and how, the body is left.
    fn settle(&mut self, halt: Halt) -> Option<Left> {
        match halt {
            Halt::Failed(message) => {
                self.note_failure(message);
                let goes_on = self.setup.on_failure == OnFailure::Continue && self.place.line > 0;
                (!goes_on).then_some(Left::Failed)
            }
            Halt::Skipped(reason) => Some(Left::Skipped(reason)),
            Halt::Stopped => Some(Left::Stopped),
            Halt::Interrupted(kind) => {
                self.note_interruption(kind, "test timed out while running command");
                Some(Left::Interrupted(kind))
            }
        }
    }

    pub(super) fn note_failure(&mut self, message: Vec<u8>) {
        self.log_failure(&message);
        let work_dir = self.setup.work_dir.as_os_str().as_bytes();
        let message = abbreviated(message, work_dir);
        self.failures.push(Failure {
            place: self.place.clone(),
            message: String::from_utf8_lossy(&message).into_owned(),
        });
    }

    fn note_interruption(&mut self, kind: Interrupted, timed_out: &str) {
        let message = match kind {
            Interrupted::Deadline => timed_out,
            Interrupted::Cancelled => "test cancelled while running command",
            Interrupted::Faulted => "test could not go on while running command",
        };
        self.log_failure(message.as_bytes());
    }

    fn log_failure(&mut self, message: &[u8]) {
        self.log.mark_failed();
        let line = self.place.line.to_string();
        let file = &self.place.file;
        self.log
            .text(&text!("FAIL: ", file, ":", line, ": ", message, "\n"));
    }

    /// What follows the body: jobs end, the log is completed, the ending is decided.
    fn close(&mut self, left: Left) -> Ending {
        let outlived = self.close_jobs();
        let failed = !self.failures.is_empty();
        if let Some((kind, place)) = outlived
            && matches!(left, Left::AtEnd | Left::Stopped)
            && !failed
        {
            self.place = place;
            let message = "test timed out while waiting for background command";
            self.note_interruption(kind, message);
            self.log.end_time(self.world.elapsed());
            return self.interrupted(kind);
        }
        let now = self.world.elapsed();
        match left {
            Left::Interrupted(kind) => {
                self.log.end_time(now);
                self.interrupted(kind)
            }
            _ if failed => {
                self.log.end_section(now);
                self.failed()
            }
            Left::Skipped(reason) => {
                self.log.end_time(now);
                let reason = String::from_utf8_lossy(&reason).into_owned();
                Ending::Skipped { reason }
            }
            Left::AtEnd => {
                self.log.end_section(now);
                self.log.line(b"PASS");
                Ending::Passed
            }
            Left::Stopped | Left::Failed => {
                self.log.end_section(now);
                Ending::Passed
            }
        }
    }

    fn failed(&self) -> Ending {
        match self.failures.first() {
            Some(failure) => Ending::Failed(failure.clone()),
            None => Ending::Passed,
        }
    }

    fn interrupted(&self, kind: Interrupted) -> Ending {
        let place = self.place.clone();
        Ending::Interrupted { kind, place }
    }

    fn finish(self, ending: Ending) -> Executed {
        let work_dir = self.setup.work_dir.as_os_str().as_bytes();
        let mut log = self.log.finish(work_dir);
        if self.setup.show_work_dir {
            // The one place that tells where the work directory is.
            let rest = log.strip_prefix(b"WORK=$WORK\n").unwrap_or(&log);
            log = text!("WORK=", work_dir, "\n", rest);
        }
        Executed {
            ending,
            failures: self.failures,
            log,
        }
    }

    /// A path as an absolute one, relative to the current directory.
    pub(super) fn absolute(&self, file: &[u8]) -> Vec<u8> {
        path::absolute(&self.directory, file)
    }

    /// Every variable on a line of its own.
    pub(super) fn log_environment(&mut self) {
        for (name, value) in self.environment.entries() {
            self.log.line(&text!(name, "=", value));
        }
    }

    /// Our additions are part of the script's language.
    pub(super) fn has_additions(&self) -> bool {
        self.script.dialect == Dialect::Shakedown
    }
}

/// Outputs one behind the other. If one is too large to be looked at, so is the whole.
pub(super) fn joined<'s>(streams: impl Iterator<Item = &'s Stream>) -> Stream {
    let mut whole = Vec::new();
    for stream in streams {
        match stream.bytes() {
            Ok(bytes) => whole.extend_from_slice(bytes),
            Err(_) => return stream.clone(),
        }
    }
    Stream::from_bytes(whole)
}
