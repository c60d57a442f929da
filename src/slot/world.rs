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
use crate::interp::{Finished, Interrupted, JobId, Program, StartError, Status, Waiting, World};
use crate::model::{EngineFacts, FaultKind, Place};
use crate::wire::FromSlot;

/// How long a killed program may take to go; it is given up then.
const KILL_LIMIT: Duration = Duration::from_secs(5);
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

    /// Waits until the job is over or nothing is `left` of the time for it, or the script must end.
    fn wait_for(
        &mut self,
        job: JobId,
        left: &dyn Fn(&Self, Instant) -> Duration,
    ) -> Option<Interrupted> {
        let grace = self.slot.setup.rules.leak_grace;
        let over = |watch: &Self, now: Instant| {
            let wait = match watch.slot.reaper.state(job.0) {
                JobState::Over => return None,
                JobState::Held(since) if now >= since + grace => return None,
                JobState::Held(since) => since + grace - now,
                JobState::Running => LONG,
            };
            let left = left(watch, now);
            (!left.is_zero()).then(|| wait.min(left))
        };
        self.wait_until(&over, Reap::All)
    }

    /// Ends a job that is past the bound, with its process group.
    fn cut(&mut self, job: JobId) -> Option<Interrupted> {
        let grace = self.slot.setup.rules.grace;
        for (signal, patience) in [(libc::SIGTERM, grace), (libc::SIGKILL, KILL_LIMIT)] {
            if self.slot.reaper.state(job.0) != JobState::Running {
                break;
            }
            self.cut = true;
            self.slot.reaper.signal(job.0, signal);
            // A stopped process hears SIGTERM only when it goes on.
            self.slot.reaper.signal(job.0, libc::SIGCONT);
            let give_up = clock::now() + patience;
            let left = |_: &Self, now| give_up.saturating_duration_since(now);
            let interrupted = self.wait_for(job, &left);
            if interrupted.is_some() {
                return interrupted;
            }
        }
        // Output that others hold open gets the leak grace, no more.
        self.wait_for(job, &|_, _| KILL_LIMIT)
    }

    fn collect(&mut self, job: JobId) -> Finished {
        let collected = self.slot.reaper.collect(job.0);
        let place = self.jobs.remove(&job).unwrap_or_else(|| self.place.clone());
        let place_line = place.line;
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
        self.failures
            .ended(job, (place_line, self.place.line), ending, &stderr);
        let status = match ending {
            Some(Ending::Exited(code)) => Status::Exited(code),
            Some(Ending::Signaled(signal)) => Status::Signaled(signal),
            Some(Ending::Dumped(signal)) => Status::Dumped(signal),
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
        self.waiting = None;
        self.line_begun = clock::now();
        self.slot.progress.write(place);
        self.place_stand_in();
    }

    fn elapsed(&self) -> Duration {
        clock::now() - self.begun
    }

    fn charged(&self) -> Duration {
        self.charged_at(clock::now())
    }

    fn pause(&mut self, duration: Duration) -> Result<(), Interrupted> {
        let end = clock::now() + duration;
        let bound = self.bound.unwrap_or(Duration::MAX);
        let over = |watch: &Self, now| {
            let left = end.saturating_duration_since(now);
            let left = left.min(bound.saturating_sub(watch.charged_at(now)));
            (!left.is_zero()).then_some(left)
        };
        let interrupted = self.wait_until(&over, Reap::All);
        self.cut |= interrupted.is_none() && clock::now() < end;
        interrupted.map_or(Ok(()), Err)
    }

    fn waiting(&mut self, waiting: Option<Waiting>) {
        self.waiting = waiting;
    }

    fn bound(&mut self, patience: Option<Duration>) {
        self.bound = patience.map(|patience| self.charged() + patience);
        self.cut = false;
    }

    fn was_cut(&self) -> bool {
        self.cut
    }

    fn begin_deferred(&mut self, limit: Duration) {
        self.bound = None;
        self.deferred = Some(self.charged() + limit);
        let at_most = limit + self.slot.setup.rules.ladder_limit;
        let attempt = self.attempt;
        self.slot.tell(&FromSlot::Busy { attempt, at_most });
    }

    fn start(&mut self, program: &Program<'_>) -> Result<JobId, StartError> {
        let spec = Spec {
            path: program.path,
            arguments: program.arguments,
            environment: &program.environment,
            directory: program.directory,
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
                let job = JobId(number);
                self.failures.started(job, program.path, program.arguments);
                let pid = self.slot.reaper.pid(number);
                self.started.extend(pid.map(|pid| (pid, self.place.line)));
                Ok(JobId(number))
            }
            Err(error) => Err(StartError {
                errno: error.raw_os_error().unwrap_or(libc::EIO),
            }),
        }
    }

    fn finish(&mut self, job: JobId) -> Result<Finished, (Interrupted, Box<Finished>)> {
        let interrupted = match self.bound {
            None => self.wait_for(job, &|_, _| LONG),
            Some(bound) => {
                let left = |watch: &Self, now| bound.saturating_sub(watch.charged_at(now));
                self.wait_for(job, &left).or_else(|| self.cut(job))
            }
        };
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
        let grace = self.slot.hurry.grace(self.slot.setup.rules.grace);
        let give_up = clock::now() + grace;
        let attempt = self.attempt;
        let at_most = grace + self.slot.setup.rules.cleanup_limit;
        self.slot.tell(&FromSlot::Busy { attempt, at_most });
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
