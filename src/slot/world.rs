//! How the slot answers an executing script: starts programs, waits for them, runs code of the user's.

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use super::leaks;
use super::watch::Watch;
use crate::host::clock;
use crate::host::reaper::{Collected, Ending, Input, JobState, Reap};
use crate::host::spawn::{Spec, Tty};
use crate::host::stream::Stream;
use crate::interp::{Finished, Interrupted, JobId, Program, StartError, Status, World};
use crate::model::{EngineFacts, FaultKind, Place};
use crate::wire::FromSlot;

/// No single wait is longer than this, so that a missed wake-up heals.
const LONG: Duration = Duration::from_secs(3600);

impl Watch<'_, '_> {
    /// Waits until `over` says so, or the script must end.
    fn wait_until(
        &mut self,
        over: &dyn Fn(&Self, Instant) -> Option<Duration>,
        reap: Reap,
    ) -> Option<Interrupted> {
        loop {
            let now = clock::now();
            let wait = over(self, now)?;
            if let Some(why) = self.interrupted() {
                return Some(why);
            }
            let patience = self
                .patience(now)
                .map_or(wait, |patience| patience.min(wait));
            self.turn(Some(patience), reap);
        }
    }

    fn collect(&mut self, job: JobId) -> Finished {
        let collected = self.slot.reaper.collect(job.0);
        let place = self.jobs.remove(&job).unwrap_or_else(|| self.place.clone());
        let Some(Collected {
            ending,
            stdout,
            stderr,
            terminal,
            held,
        }) = collected
        else {
            return Finished {
                status: Status::Exited(-1),
                stdout: Stream::default(),
                stderr: Stream::default(),
                terminal: Stream::default(),
            };
        };
        if !held.is_empty() && self.verdict.is_none() {
            self.leaks.push(leaks::leak(place, &held));
        }
        let status = match ending {
            Some(Ending::Exited(code)) => Status::Exited(code),
            Some(Ending::Signaled(signal)) => Status::Signaled(signal),
            // It was given up in the kernel's hands: for the script it was killed.
            None => Status::Signaled(libc::SIGKILL),
        };
        Finished {
            status,
            stdout,
            stderr,
            terminal,
        }
    }
}

impl World for Watch<'_, '_> {
    fn line(&mut self, place: &Place) {
        self.place = place.clone();
        self.line_begun = clock::now();
        self.slot.progress.write(place);
    }

    fn elapsed(&self) -> Duration {
        clock::now() - self.begun
    }

    fn start(&mut self, program: &Program) -> Result<JobId, StartError> {
        let spec = Spec {
            path: &program.path,
            arguments: &program.arguments,
            environment: &program.environment,
            directory: &program.directory,
            stdin: !program.stdin.is_empty(),
            terminal: match &program.terminal {
                None => Tty::None,
                Some(terminal) if terminal.stdin => Tty::Stdin,
                Some(_) => Tty::Controlling,
            },
        };
        let typed = program.terminal.as_ref();
        let input = Input {
            stdin: program.stdin.clone(),
            terminal: typed.map_or_else(Vec::new, |terminal| terminal.input.clone()),
        };
        match self.slot.reaper.start(&spec, input) {
            Ok(number) => {
                self.jobs.insert(JobId(number), self.place.clone());
                Ok(JobId(number))
            }
            Err(error) => Err(StartError {
                errno: error.raw_os_error().unwrap_or(libc::EIO),
            }),
        }
    }

    fn finish(&mut self, job: JobId) -> Result<Finished, (Interrupted, Box<Finished>)> {
        let grace = self.slot.setup.rules.leak_grace;
        let over = |watch: &Self, now: Instant| match watch.slot.reaper.state(job.0) {
            JobState::Over => None,
            JobState::Held(since) if now >= since + grace => None,
            JobState::Held(since) => Some(since + grace - now),
            JobState::Running => Some(LONG),
        };
        let interrupted = self.wait_until(&over, Reap::All);
        let finished = self.collect(job);
        match interrupted {
            None => Ok(finished),
            Some(why) => Err((why, Box::new(finished))),
        }
    }

    fn signal(&mut self, job: JobId, signal: i32) -> bool {
        self.slot.reaper.signal(job.0, signal)
    }

    fn call(&mut self, code: &mut (dyn FnMut() + Send)) -> Result<(), Interrupted> {
        let (ours, theirs) = UnixStream::pair().map_err(|error| {
            self.fault(
                FaultKind::Machine,
                format!("cannot watch a custom command: {error}"),
            );
            Interrupted::Faulted
        })?;
        std::thread::scope(|scope| {
            let thread = scope.spawn(move || {
                code();
                drop(theirs);
            });
            let mut interrupted = None;
            while !thread.is_finished() {
                interrupted = interrupted.or_else(|| self.interrupted());
                if interrupted.is_some() && self.outlives(&thread) {
                    self.abandon();
                }
                let patience = self.patience(clock::now()).unwrap_or(LONG);
                // The thread's end of the pair closes when the code returns.
                rustix::event::poll(
                    &mut [rustix::event::PollFd::from_borrowed_fd(
                        ours.as_fd(),
                        rustix::event::PollFlags::IN,
                    )],
                    rustix::event::Timespec::try_from(patience.min(Duration::from_millis(20)))
                        .ok()
                        .as_ref(),
                )
                .ok();
                self.turn(Some(Duration::ZERO), Reap::Jobs);
            }
            interrupted.map_or(Ok(()), Err)
        })
    }

    fn engine(&mut self) -> Result<Option<EngineFacts>, Interrupted> {
        if self.slot.grant.is_none() {
            self.held.begin();
            self.slot.tell(&FromSlot::AskEngine(self.attempt));
            let known = |watch: &Self, _: Instant| watch.slot.grant.is_none().then_some(LONG);
            let interrupted = self.wait_until(&known, Reap::All);
            self.held.end();
            if let Some(why) = interrupted {
                return Err(why);
            }
        }
        Ok(self
            .slot
            .grant
            .as_ref()
            .and_then(|grant| grant.facts.clone()))
    }

    fn harness_directory(&self) -> &Path {
        &self.harness_directory
    }
}

impl Watch<'_, '_> {
    /// Code of the user's that still runs although its script has been ended, after one more grace.
    fn outlives(&mut self, thread: &std::thread::ScopedJoinHandle<'_, ()>) -> bool {
        let give_up = clock::now() + self.slot.setup.rules.grace;
        while !thread.is_finished() && clock::now() < give_up {
            self.turn(Some(Duration::from_millis(10)), Reap::Jobs);
        }
        !thread.is_finished()
    }

    /// A custom command cannot be ended from outside: report in its stead and end the whole slot, for only
    /// the process's end frees it of the thread.
    fn abandon(&mut self) -> ! {
        let report = super::attempt::report_without_log(self);
        let retire = Some("a custom command did not return after its deadline".to_owned());
        let attempt = self.attempt;
        self.slot.tell(&FromSlot::Ended {
            attempt,
            report: Box::new(report),
            rewrite: None,
            retire,
        });
        std::process::exit(0);
    }
}
