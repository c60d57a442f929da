//! A small world for tests: real programs through the standard library, real time, one deadline.
//! Times in logs are written as `0.000s`, so that a log can be compared whole.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::host::stream::Stream;
use crate::model::{EngineFacts, EngineKind, Place};
use crate::script::{Dialect, Script};

use super::{
    Ending, Executed, Finished, InitialValues, Interrupted, JobId, Program, Registry, Setup,
    StartError, Status, World, execute, initial_environment,
};

/// The world of the tests.
#[derive(Debug, Default)]
pub(super) struct TestWorld {
    jobs: BTreeMap<u32, Running>,
    /// When the script must end; never if `None`.
    pub(super) deadline: Option<Instant>,
    pub(super) engine: Option<EngineFacts>,
    deferred: bool,
}

#[derive(Debug)]
struct Running {
    child: Child,
    outputs: mpsc::Receiver<(Vec<u8>, Vec<u8>)>,
    finished: Option<Finished>,
}

impl TestWorld {
    fn expired(&self) -> bool {
        #[expect(clippy::disallowed_methods, reason = "a test's own clock")]
        let now = Instant::now();
        self.deadline.is_some_and(|deadline| now >= deadline)
    }

    fn poll(&mut self, job: JobId) -> Option<Finished> {
        let running = self.jobs.get_mut(&job.0).unwrap();
        if running.finished.is_none() {
            let (stdout, stderr) = running.outputs.try_recv().ok()?;
            let status = running.child.wait().unwrap();
            running.finished = Some(Finished {
                status: match status.code() {
                    Some(code) => Status::Exited(code),
                    None => Status::Signaled(status.signal().unwrap()),
                },
                stdout: Stream::from_bytes(stdout),
                stderr: Stream::from_bytes(stderr),
            });
        }
        running.finished.clone()
    }

    fn kill_all(&mut self) {
        for running in self.jobs.values().filter(|job| job.finished.is_none()) {
            send(&running.child, 9);
        }
    }
}

fn send(child: &Child, signal: i32) {
    let group = rustix::process::Pid::from_child(child);
    let signal = rustix::process::Signal::from_named_raw(signal).unwrap();
    // It may have ended meanwhile.
    rustix::process::kill_process_group(group, signal).ok();
}

#[expect(clippy::disallowed_methods, reason = "a test's own clock")]
fn short_pause() {
    thread::sleep(Duration::from_millis(1));
}

impl World for TestWorld {
    fn line(&mut self, _place: &Place) {}

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    #[expect(clippy::disallowed_methods, reason = "a test's own programs")]
    fn start(&mut self, program: &Program) -> Result<JobId, StartError> {
        use std::os::unix::ffi::OsStringExt;
        let text = |bytes: &Vec<u8>| std::ffi::OsString::from_vec(bytes.clone());
        let path = if program.path.is_absolute() {
            program.path.clone()
        } else {
            program.directory.join(&program.path)
        };
        let mut child = Command::new(path)
            .args(program.arguments.iter().map(text))
            .env_clear()
            .envs(program.environment.iter().map(|(k, v)| (text(k), text(v))))
            .current_dir(&program.directory)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| StartError {
                errno: error.raw_os_error().unwrap(),
            })?;
        let (mut stdin, input) = (child.stdin.take().unwrap(), program.stdin.clone());
        thread::spawn(move || stdin.write_all(&input));
        let mut stdout = child.stdout.take().unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let (sender, outputs) = mpsc::channel();
        thread::spawn(move || {
            let reader = thread::spawn(move || {
                let mut bytes = Vec::new();
                stderr.read_to_end(&mut bytes).unwrap();
                bytes
            });
            let mut bytes = Vec::new();
            stdout.read_to_end(&mut bytes).unwrap();
            sender.send((bytes, reader.join().unwrap()))
        });
        let id = u32::try_from(self.jobs.len()).unwrap();
        let running = Running {
            child,
            outputs,
            finished: None,
        };
        self.jobs.insert(id, running);
        Ok(JobId(id))
    }

    fn finish(&mut self, job: JobId) -> Result<Finished, (Interrupted, Box<Finished>)> {
        let mut interrupted = false;
        loop {
            match self.poll(job) {
                Some(finished) if interrupted => {
                    return Err((Interrupted::Deadline, Box::new(finished)));
                }
                Some(finished) => return Ok(finished),
                None => {}
            }
            if self.expired() && !interrupted {
                interrupted = true;
                self.kill_all();
            }
            short_pause();
        }
    }

    fn finish_within(
        &mut self,
        job: JobId,
        limit: Duration,
    ) -> Result<Option<Finished>, (Interrupted, Box<Finished>)> {
        #[expect(clippy::disallowed_methods, reason = "a test's own clock")]
        let end = Instant::now() + limit;
        #[expect(clippy::disallowed_methods, reason = "a test's own clock")]
        while Instant::now() < end && !self.expired() {
            if let Some(finished) = self.poll(job) {
                return Ok(Some(finished));
            }
            short_pause();
        }
        if self.expired() {
            return self.finish(job).map(Some);
        }
        Ok(None)
    }

    fn signal(&mut self, job: JobId, signal: i32) -> bool {
        if self.poll(job).is_some() {
            return false;
        }
        send(&self.jobs[&job.0].child, signal);
        true
    }

    fn sleep(&mut self, duration: Duration) -> Result<(), Interrupted> {
        #[expect(clippy::disallowed_methods, reason = "a test's own clock")]
        let end = Instant::now() + duration;
        #[expect(clippy::disallowed_methods, reason = "a test's own clock")]
        while Instant::now() < end {
            if self.expired() {
                self.kill_all();
                return Err(Interrupted::Deadline);
            }
            short_pause();
        }
        Ok(())
    }

    fn begin_deferred(&mut self) {
        self.deferred = true;
        self.deadline = None;
    }

    fn call(&mut self, code: &mut (dyn FnMut() + Send)) -> Result<(), Interrupted> {
        code();
        Ok(())
    }

    fn engine(&mut self) -> Result<Option<EngineFacts>, Interrupted> {
        Ok(self.engine.clone())
    }

    fn harness_directory(&self) -> &Path {
        Path::new("/")
    }
}

/// A script with everything around it; what is not set is as a user would have it.
pub(super) struct Trial {
    pub(super) dialect: Dialect,
    pub(super) registry: Registry,
    pub(super) world: TestWorld,
    pub(super) adjust: fn(&mut Setup),
}

impl Default for Trial {
    fn default() -> Self {
        Trial {
            dialect: Dialect::Shakedown,
            registry: Registry::default(),
            world: TestWorld::default(),
            adjust: |_| {},
        }
    }
}

impl Trial {
    /// Runs a script in a new work directory.
    pub(super) fn run(&mut self, script: impl AsRef<[u8]>) -> Executed {
        let (script, diagnostics) = Script::parse("x.txtar", script.as_ref(), self.dialect);
        assert_eq!(diagnostics, []);
        let temporary = tempfile::tempdir().unwrap();
        let work_dir = temporary.path().canonicalize().unwrap().join("work");
        std::fs::create_dir(&work_dir).unwrap();
        let values = InitialValues {
            work_dir: work_dir.clone(),
            path: b"/usr/local/bin:/usr/bin:/bin".to_vec(),
            engine: Some(b"docker".to_vec()),
            tag: b"sd-tag".to_vec(),
            run_id: b"run-1".to_vec(),
            ..InitialValues::default()
        };
        let environment = initial_environment(&values, self.dialect);
        let mut setup = Setup::new(work_dir, environment);
        (self.adjust)(&mut setup);
        execute(&script, &setup, &self.registry, &mut self.world)
    }

    /// Runs a script and compares ending and log. Lines of the expected log may be indented.
    #[track_caller]
    pub(super) fn check(&mut self, script: &str, ending: &str, log: &str) {
        let executed = self.run(unindented(script));
        let actual = String::from_utf8_lossy(&executed.log).into_owned();
        assert_eq!(actual, unindented(log), "\n{actual}");
        assert_eq!(shown(&executed.ending), ending, "\n{actual}");
    }
}

/// A script that must pass.
#[track_caller]
pub(super) fn passes(script: &str) {
    let executed = Trial::default().run(unindented(script));
    let log = String::from_utf8_lossy(&executed.log).into_owned();
    assert_eq!(shown(&executed.ending), "passed", "\n{log}");
}

/// A script that must fail, with `LINE: MESSAGE`.
#[track_caller]
pub(super) fn fails(script: &str, expected: &str) {
    let executed = Trial::default().run(unindented(script));
    let log = String::from_utf8_lossy(&executed.log).into_owned();
    let expected = format!("failed at {expected}");
    assert_eq!(shown(&executed.ending), expected, "\n{log}");
}

/// Text without the blanks that all its lines begin with, and without a first empty line.
pub(super) fn unindented(text: &str) -> String {
    let text = text.strip_prefix('\n').unwrap_or(text);
    let blanks = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let written = text.lines().filter(|line| !line.trim().is_empty());
    let indent = written.map(blanks).min().unwrap_or(0);
    let mut lines: Vec<&str> = text
        .split('\n')
        .map(|line| line.get(indent..).unwrap_or(""))
        .collect();
    if lines.last().is_some_and(|last| last.trim().is_empty()) {
        lines.pop();
        lines.push("");
    }
    lines.join("\n")
}

/// An ending in a word, with the line of a failure.
pub(super) fn shown(ending: &Ending) -> String {
    match ending {
        Ending::Passed => "passed".to_owned(),
        Ending::Skipped { reason } => format!("skipped: {reason}"),
        Ending::Failed(failure) => format!("failed at {}: {}", failure.place.line, failure.message),
        Ending::Interrupted { kind, place } => format!("{kind:?} at {}", place.line),
    }
}

/// A rootless Podman.
pub(super) fn podman() -> EngineFacts {
    EngineFacts {
        kind: EngineKind::Podman,
        client: "/usr/bin/podman".to_owned(),
        client_version: "4.3.1".to_owned(),
        version: "4.3.1".to_owned(),
        server: EngineKind::Podman,
        remote: false,
        rootless: true,
        storage_driver: "vfs".to_owned(),
        oci_runtime: crate::model::Tool::default(),
        network_helper: crate::model::Tool::default(),
        endpoint: String::new(),
        identity: String::new(),
        reason: String::new(),
    }
}
