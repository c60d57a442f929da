//! The loop over a script's lines, and its end. Knows no command by name.

use std::collections::BTreeMap;

use super::commands::{self, jobs};
use super::environment::{Environment, environment};
use super::golden::Goldens;
use super::halt::{Halt, Step, fail};
use super::log::{Log, shorten};
use super::registry::{Expect, Preparation};
use super::session::Session;
use super::unpack::unpack;
use super::{
    AfterFailure, Detail, Executed, Interrupted, Registry, ScriptEnding, Setup, World, conditions,
};
use crate::host::stream::Stream;
use crate::model::{Bytes, Failure, Place};
use crate::script::{Line, Script, expand, is_phase, words};

/// Executes a script from its first line to its last or to its failure, and ends its jobs.
pub fn execute(
    script: &Script,
    setup: &Setup,
    registry: &Registry,
    world: &mut dyn World,
) -> Executed {
    let mut session = Session {
        script,
        setup,
        registry,
        world,
        place: Place {
            file: setup.file.clone(),
            ..Place::default()
        },
        environment: Environment::new(environment(setup, script.dialect)),
        directory: setup.work_dir.clone(),
        stdin: Vec::new(),
        terminal: None,
        stdout: Stream::default(),
        stderr: Stream::default(),
        ttyout: Stream::default(),
        status: None,
        jobs: Vec::new(),
        trying: false,
        deferred: Vec::new(),
        log: Log::new(setup.detail),
        goldens: Goldens::default(),
        found: BTreeMap::new(),
    };
    let mut run = Run {
        session: &mut session,
        failure: None,
    };
    let ending = run.run();
    Executed {
        ending,
        log: session.log.finish(&setup.work_dir),
        quoted: session.goldens.quoted(&setup.work_dir),
        updates: session.goldens.into_updates(),
    }
}

/// The loop's own state.
pub(super) struct Run<'a, 's> {
    pub(super) session: &'a mut Session<'s>,
    /// The first one.
    failure: Option<Failure>,
}

/// Why no further line runs.
enum End {
    Reached,
    Stopped,
    Skipped(String),
    Failed,
    Interrupted(Interrupted),
}

impl Run<'_, '_> {
    fn run(&mut self) -> ScriptEnding {
        let end = match self.begin() {
            Ok(()) => self.lines(),
            Err(message) => {
                self.fail(message);
                End::Failed
            }
        };
        self.end(end)
    }

    /// Files, the user's preparations, the environment's dump.
    fn begin(&mut self) -> Result<(), Vec<u8>> {
        let session = &mut *self.session;
        let expanded = |name: &[u8]| expand(name, &|variable| session.lookup(variable));
        let files = &session.script.archive.files;
        let unique = session.setup.demands.unique_names;
        let (work_dir, spares) = (&session.setup.work_dir, &session.setup.spares);
        match unpack(files, (work_dir, spares), unique, &expanded) {
            Ok(paths) => session.goldens = Goldens::new(paths),
            Err((line, message)) => {
                self.session.place.line = line;
                return Err(message);
            }
        }
        for prepare in session.registry.preparations() {
            prepare(&mut Preparation {
                file: &session.setup.file,
                work_dir: &session.setup.work_dir,
                directory: &mut session.directory,
                environment: &mut session.environment,
            })?;
        }
        for (name, value) in &session.setup.typed {
            session.environment.set(name, value.clone());
        }
        if session.setup.detail == Detail::Whole {
            commands::state::dump(session);
            session.log.line(b"");
            session.log.keep();
        }
        Ok(())
    }

    fn lines(&mut self) -> End {
        let script = self.session.script;
        for (number, line) in (1..).zip(script.archive.comment.split(|byte| *byte == b'\n')) {
            if is_phase(line) {
                let now = self.session.world.elapsed();
                self.session.log.phase(line, now);
                continue;
            }
            self.session.place.line = number;
            match self.line(line) {
                Ok(()) => {}
                Err(Halt::Stop) => return End::Stopped,
                Err(Halt::Skip(reason)) => return End::Skipped(reason),
                Err(Halt::Interrupted(how)) => return End::Interrupted(how),
                Err(Halt::Fail(message) | Halt::Mistake(message)) => {
                    self.session.place.text = Bytes(line.to_vec());
                    self.fail(message);
                    if self.session.setup.after_failure == AfterFailure::Stop {
                        return End::Failed;
                    }
                }
            }
        }
        End::Reached
    }

    fn line(&mut self, text: &[u8]) -> Step {
        let session = &*self.session;
        let words =
            words(text, &|name| session.lookup(name)).or_else(|error| fail(error.to_string()))?;
        if words.is_empty() {
            return Ok(());
        }
        self.session.log.raw(b"> ");
        self.session.log.line(text);
        self.session.place.text = Bytes(text.to_vec());
        self.session.world.line(&self.session.place);
        let mut line = Line { words };
        while let Some(condition) = line
            .next_condition()
            .or_else(|error| fail(error.to_string()))?
        {
            if conditions::holds(self.session, &condition.text)? == condition.negated {
                return Ok(());
            }
        }
        let negated = line.negation().or_else(|error| fail(error.to_string()))?;
        let expect = if negated {
            Expect::Failure
        } else {
            Expect::Success
        };
        commands::run(self.session, expect, &line.words)
    }

    pub(super) fn fail(&mut self, message: Vec<u8>) {
        let session = &mut *self.session;
        session
            .log
            .fail(&session.place.file, session.place.line, &message);
        let short = shorten(message, &session.setup.work_dir);
        self.failure.get_or_insert_with(|| Failure {
            place: session.place.clone(),
            message: Bytes(short),
        });
    }

    fn end(&mut self, mut end: End) -> ScriptEnding {
        if !matches!(end, End::Interrupted(_))
            && let Err(how) = jobs::end_all(self.session)
        {
            end = End::Interrupted(how);
        }
        if let End::Interrupted(how) = end {
            self.interrupted(how);
            // The world has ended the jobs; what they wrote may tell why.
            jobs::log_rest(self.session);
        }
        // A skipped script shows all it did; every other section without a failure is one line.
        if !matches!(end, End::Skipped(_)) || self.failure.is_some() {
            self.session.log.fold();
        }
        let now = self.session.world.elapsed();
        self.session.log.mark_time(now);
        let ending = self.ending(end);
        let ending = self.after(ending);
        if ending == ScriptEnding::Passed {
            self.session.log.line(b"PASS");
        }
        ending
    }

    /// Nothing that came later hides a failure, and a skip least of all.
    fn ending(&mut self, end: End) -> ScriptEnding {
        if let Some(failure) = self.failure.take() {
            return ScriptEnding::Failed(failure);
        }
        match end {
            End::Reached | End::Failed => ScriptEnding::Passed,
            End::Stopped => ScriptEnding::Stopped,
            End::Skipped(reason) => ScriptEnding::Skipped { reason },
            End::Interrupted(how) => ScriptEnding::Interrupted(how),
        }
    }

    /// Runs what was deferred, and says what then becomes of the script: one that was well is so no more
    /// when that fails.
    fn after(&mut self, ending: ScriptEnding) -> ScriptEnding {
        // Nobody waits any more, or nothing can be relied upon.
        if let ScriptEnding::Interrupted(Interrupted::Cancelled | Interrupted::Faulted) = ending {
            if !self.session.deferred.is_empty() {
                self.session.log.line(b"[nothing deferred is run]");
            }
            return ending;
        }
        let broken_off = self.deferred();
        if let ScriptEnding::Failed(_) | ScriptEnding::Interrupted(_) = ending {
            return ending;
        }
        match (self.failure.take(), broken_off) {
            (Some(failure), _) => ScriptEnding::Failed(failure),
            (None, Some(how)) => ScriptEnding::Interrupted(how),
            (None, None) => ending,
        }
    }

    fn interrupted(&mut self, how: Interrupted) {
        let (mark, message) = match how {
            Interrupted::Deadline => ("deadline exceeded", "test timed out while running command"),
            Interrupted::Cancelled | Interrupted::Faulted => {
                ("interrupted", "test interrupted while running command")
            }
        };
        let session = &mut *self.session;
        let log = &mut session.log;
        log.line(format!("[{mark}]").as_bytes());
        log.fail(&session.place.file, session.place.line, message.as_bytes());
    }
}
