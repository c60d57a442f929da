//! A small real world over std's processes, for tests. Knows no deadline but the one it is told to fake.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::host::stream::Stream;
use crate::host::{raw, terminal};
use crate::interp::{Finished, Interrupted, JobId, Program, StartError, Status, Waiting, World};
use crate::model::{EngineFacts, Place};

struct Running {
    child: Child,
    stdout: JoinHandle<Vec<u8>>,
    stderr: JoinHandle<Vec<u8>>,
    terminal: Option<terminal::Pair>,
}

/// Its clock moves one millisecond per look, so that logs can be compared.
pub(super) struct Machine {
    pub(super) engine: Option<EngineFacts>,
    /// Every `finish` reports this deadline or cancel.
    pub(super) interrupt: Option<Interrupted>,
    /// What `finish` reports in the next deferred command.
    pub(super) deferred_interrupt: Option<Interrupted>,
    /// After so many pauses the next one reports this.
    pub(super) pauses: Option<(u32, Interrupted)>,
    /// What was waited for.
    pub(super) waits: Vec<String>,
    pub(super) lines: Vec<u32>,
    jobs: Vec<Option<Running>>,
    clock: std::cell::Cell<u64>,
    /// How long an awaited program may run, in real time.
    bound: Option<Duration>,
    cut: bool,
    /// The limit of each deferred command.
    pub(super) limits: Vec<Duration>,
    directory: PathBuf,
}

impl Machine {
    pub(super) fn new() -> Self {
        Machine {
            engine: None,
            interrupt: None,
            deferred_interrupt: None,
            pauses: None,
            waits: Vec::new(),
            lines: Vec::new(),
            jobs: Vec::new(),
            clock: std::cell::Cell::new(0),
            bound: None,
            cut: false,
            limits: Vec::new(),
            directory: PathBuf::from("/"),
        }
    }
}

fn ends_within(child: &Child, limit: Duration) -> bool {
    let pid = rustix::process::Pid::from_child(child);
    let flags = rustix::process::PidfdFlags::empty();
    let pidfd = rustix::process::pidfd_open(pid, flags).unwrap();
    let mut fds = [rustix::event::PollFd::new(
        &pidfd,
        rustix::event::PollFlags::IN,
    )];
    rustix::event::poll(&mut fds, Some(&limit.try_into().unwrap())).unwrap() > 0
}

fn read(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

/// All that a terminal shows, for tests less than it holds; it ends in a hang-up.
fn shown(pair: terminal::Pair) -> Vec<u8> {
    drop(pair.theirs);
    let mut bytes = Vec::new();
    let _hang_up = std::fs::File::from(pair.ours).read_to_end(&mut bytes);
    bytes
}

impl World for Machine {
    fn line(&mut self, place: &Place) {
        self.lines.push(place.line);
    }

    fn elapsed(&self) -> Duration {
        self.clock.set(self.clock.get() + 1);
        Duration::from_millis(self.clock.get())
    }

    fn charged(&self) -> Duration {
        self.elapsed()
    }

    /// In no time at all.
    fn pause(&mut self, duration: Duration) -> Result<(), Interrupted> {
        let millis = u64::try_from(duration.as_millis()).unwrap();
        self.clock.set(self.clock.get() + millis);
        match &mut self.pauses {
            Some((0, interrupted)) => return Err(*interrupted),
            Some((left, _)) => *left -= 1,
            None => {}
        }
        self.interrupt.map_or(Ok(()), Err)
    }

    fn waiting(&mut self, waiting: Option<Waiting>) {
        self.waits.extend(waiting.map(|waiting| waiting.sentence));
    }

    fn bound(&mut self, patience: Option<Duration>) {
        self.bound = patience;
        self.cut = false;
    }

    fn was_cut(&self) -> bool {
        self.cut
    }

    fn begin_deferred(&mut self, limit: Duration) {
        self.limits.push(limit);
        // The script's deadline was the one that passed.
        self.interrupt = self.deferred_interrupt.take();
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a world of its own, without the slot's reaper"
    )]
    fn start(&mut self, program: &Program<'_>) -> Result<JobId, StartError> {
        let os = OsStr::from_bytes;
        let mut command = Command::new(program.directory.join(program.path));
        command
            .args(program.arguments.iter().map(|word| os(word)))
            .env_clear()
            .envs(program.environment.iter().map(|(k, v)| (os(k), os(v))))
            .current_dir(program.directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let pair = program.terminal.as_ref().map(|_| terminal::open().unwrap());
        match (&program.terminal, &pair) {
            (Some(wanted), Some(pair)) => {
                raw::lead_session(&mut command, pair.theirs.try_clone().unwrap());
                let typed = terminal::typed(wanted.input.clone());
                rustix::io::write(&pair.ours, &typed).unwrap();
                if wanted.stdin {
                    command.stdin(pair.theirs.try_clone().unwrap());
                }
            }
            _ => {
                command.process_group(0);
            }
        }
        let mut child = command.spawn().map_err(|error| StartError {
            errno: error.raw_os_error().unwrap(),
        })?;
        // The program may be gone before it has read anything.
        let _gone = child
            .stdin
            .take()
            .map(|mut pipe| pipe.write_all(&program.stdin));
        self.jobs.push(Some(Running {
            stdout: read(child.stdout.take().unwrap()),
            stderr: read(child.stderr.take().unwrap()),
            child,
            terminal: pair,
        }));
        Ok(JobId(u32::try_from(self.jobs.len() - 1).unwrap()))
    }

    fn finish(&mut self, job: JobId) -> Result<Finished, (Interrupted, Box<Finished>)> {
        let mut running = self.jobs[job.0 as usize].take().unwrap();
        if let Some(bound) = self.bound
            && !ends_within(&running.child, bound)
        {
            let pid = rustix::process::Pid::from_child(&running.child);
            rustix::process::kill_process_group(pid, rustix::process::Signal::KILL).unwrap();
            self.cut = true;
        }
        let status = running.child.wait().unwrap();
        let finished = Finished {
            status: match status.code() {
                Some(code) => Status::Exited(code),
                None if status.core_dumped() => Status::Dumped(status.signal().unwrap()),
                None => Status::Signaled(status.signal().unwrap()),
            },
            stdout: Stream::from_bytes(running.stdout.join().unwrap()),
            stderr: Stream::from_bytes(running.stderr.join().unwrap()),
            terminal: Stream::from_bytes(running.terminal.map_or_else(Vec::new, shown)),
        };
        match self.interrupt {
            None => Ok(finished),
            Some(how) => Err((how, Box::new(finished))),
        }
    }

    fn signal(&mut self, job: JobId, signal: i32) -> bool {
        let Some(running) = &self.jobs[job.0 as usize] else {
            return false;
        };
        let pid = rustix::process::Pid::from_child(&running.child);
        let signal = rustix::process::Signal::from_named_raw(signal).unwrap();
        rustix::process::kill_process_group(pid, signal).is_ok()
    }

    fn call(&mut self, code: &mut (dyn FnMut() + Send)) -> Result<(), Interrupted> {
        code();
        Ok(())
    }

    fn engine(&mut self) -> Result<Option<EngineFacts>, Interrupted> {
        Ok(self.engine.clone())
    }

    fn harness_directory(&self) -> &Path {
        &self.directory
    }
}
