//! The world around the script that runs: starts its programs, counts its time, holds its shims until
//! the container lane admits them, and ends it when its time is over.

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::desk;
use super::leaks;
use super::serve::{Heard, Slot, path};
use crate::diagnose::{self, Sample};
use crate::host::clock;
use crate::host::progress::Progress;
use crate::host::reaper::{Collected, Ending, JobState, Reap};
use crate::host::spawn::Spec;
use crate::host::stream::Stream;
use crate::interp::{Finished, Interrupted, JobId, Program, StartError, Status, World};
use crate::model::{
    AttemptId, EndedProcess, EngineFacts, EngineKind, Fault, FaultKind, Lane, Leak, Outcome, Place,
    Resource, Timeout,
};
use crate::shim::role::masked;
use crate::wire::{FromSlot, OtherEngine, Pass, ToShim, Variables};

/// The script that runs, and what was learnt of it so far.
#[derive(Debug)]
pub(super) struct Watch<'s, 'r> {
    pub(super) slot: &'s mut Slot<'r>,
    pub(super) attempt: AttemptId,
    pub(super) deadline: Duration,
    /// The environment that the script begins with.
    pub(super) script: Variables,
    admitted: bool,
    held: Held,
    begun: Instant,
    place: Place,
    line_begun: Instant,
    progress: Progress,
    /// The first look of two, shortly before the deadline.
    first_look: Option<Sample>,
    jobs: BTreeMap<JobId, Place>,
    pub(super) calls: u32,
    pub(super) ended: Vec<EndedProcess>,
    pub(super) leaks: Vec<Leak>,
    /// Resources that the ladder removed.
    pub(super) removed: Vec<Resource>,
    /// The fact that outranks whatever the interpreter says: a timeout, a fault, a cancel.
    pub(super) verdict: Option<Outcome>,
    pub(super) ladder: Duration,
    harness_directory: PathBuf,
}

/// Time in which a shim waited; not charged to the script.
#[derive(Debug, Default)]
struct Held {
    since: Option<Instant>,
    total: Duration,
    waiting: Vec<(u32, EngineKind)>,
    told: bool,
}

impl Held {
    fn total(&self, now: Instant) -> Duration {
        self.total + self.since.map_or(Duration::ZERO, |since| now - since)
    }

    fn begin(&mut self) {
        self.since.get_or_insert_with(clock::now);
    }

    fn end(&mut self) {
        if let Some(since) = self.since.take() {
            self.total += clock::now() - since;
        }
    }
}

impl<'s, 'r> Watch<'s, 'r> {
    pub(super) fn new(
        slot: &'s mut Slot<'r>,
        attempt: AttemptId,
        lane: Lane,
        deadline: Duration,
    ) -> Self {
        let now = clock::now();
        let progress = Progress::open(&path(&slot.setup.directory));
        let harness_directory = path(&slot.setup.harness_directory);
        Watch {
            slot,
            attempt,
            deadline,
            script: Variables::new(),
            admitted: lane == Lane::Container,
            held: Held::default(),
            begun: now,
            place: Place::default(),
            line_begun: now,
            progress,
            first_look: None,
            jobs: BTreeMap::new(),
            calls: 0,
            ended: Vec::new(),
            leaks: Vec::new(),
            removed: Vec::new(),
            verdict: None,
            ladder: Duration::ZERO,
            harness_directory,
        }
    }

    /// From the first line until now, and how much of it was spent waiting for admission.
    pub(super) fn times(&self) -> (Duration, Duration) {
        let now = clock::now();
        (now - self.begun, self.held.total(now))
    }

    /// One turn, at most `limit`; answers shims.
    pub(super) fn turn(&mut self, limit: Option<Duration>, reap: Reap) {
        for heard in self.slot.turn(limit, reap) {
            match heard {
                Heard::Admit(attempt) if attempt == self.attempt => self.admit(),
                // An admission that comes after its script is over changes nothing.
                Heard::Admit(_) => {}
                Heard::Desk(desk::Heard::Fault(message)) => {
                    self.fault(FaultKind::Ledger, message);
                }
                Heard::Desk(desk::Heard::Call {
                    caller,
                    kind,
                    command,
                }) => self.called(caller, kind, command),
            }
        }
    }

    fn fault(&mut self, kind: FaultKind, message: String) {
        self.verdict.get_or_insert(Outcome::Faulted(Fault {
            kind,
            message,
            detail: Vec::new().into(),
        }));
    }

    fn called(&mut self, caller: u32, kind: EngineKind, command: String) {
        self.calls += 1;
        if self.admitted {
            let answer = self.answer(kind);
            self.slot.desk.answer(caller, &answer);
            return;
        }
        self.held.waiting.push((caller, kind));
        self.held.begin();
        if !self.held.told {
            self.held.told = true;
            self.slot.tell(&FromSlot::Held {
                attempt: self.attempt,
                command,
            });
        }
    }

    fn admit(&mut self) {
        self.admitted = true;
        for (caller, kind) in std::mem::take(&mut self.held.waiting) {
            let answer = self.answer(kind);
            self.slot.desk.answer(caller, &answer);
        }
        self.held.end();
    }

    /// What a shim of this name is told, now that the engine may be used.
    fn answer(&self, kind: EngineKind) -> ToShim {
        let refuse = |message: String| ToShim::Refuse { message, code: 127 };
        let setup = &self.slot.setup;
        let Some(grant) = &self.slot.grant else {
            return refuse(format!("{kind}: shakedown knows of no container engine"));
        };
        let Some(facts) = &grant.facts else {
            return refuse(format!(
                "{kind}: no container engine: {}",
                grant.missing.join("; ")
            ));
        };
        let client = if kind == facts.kind {
            Some(facts.client.clone().into())
        } else if setup.rules.other_engine == OtherEngine::Allowed {
            real_client(kind, setup)
        } else {
            return refuse(masked(kind, facts.kind));
        };
        let Some(client) = client else {
            return refuse(format!("{kind}: command not found"));
        };
        ToShim::Go(Box::new(Pass {
            facts: facts.clone(),
            client,
            run: setup.run.clone(),
            attempt: self.attempt,
            ledger: setup.ledger.clone(),
            id_files: crate::host::search::bytes(
                &path(&setup.id_files).join(self.attempt.to_string()),
            )
            .into(),
            credentials: crate::host::search::bytes(&self.slot.credentials()).into(),
            harness: setup.environment.clone(),
            script: self.script.clone(),
        }))
    }

    /// Time charged to the script so far.
    fn charged(&self, now: Instant) -> Duration {
        (now - self.begun).saturating_sub(self.held.total(now))
    }

    /// When the first look is due: 1 s before a long deadline, at 0.8 of a short one.
    fn first_look_at(&self) -> Duration {
        if self.deadline >= Duration::from_secs(5) {
            self.deadline.saturating_sub(Duration::from_secs(1))
        } else {
            self.deadline.mul_f64(0.8)
        }
    }

    /// How long a turn may last before the clock has to be looked at again.
    fn patience(&self, now: Instant) -> Option<Duration> {
        if self.held.since.is_some() {
            return None;
        }
        let due = if self.first_look.is_none() {
            self.first_look_at()
        } else {
            self.deadline
        };
        Some(due.saturating_sub(self.charged(now)))
    }

    /// Ends the script when it must end. The evidence is taken before anything is touched.
    fn interrupted(&mut self) -> Option<Interrupted> {
        let now = clock::now();
        let me = rustix::process::getpid().as_raw_nonzero().get();
        if self.held.since.is_none() && self.verdict.is_none() && !self.slot.ending {
            if self.first_look.is_none() && self.charged(now) >= self.first_look_at() {
                self.first_look = Some(diagnose::sample(me));
            }
            if self.charged(now) < self.deadline {
                return None;
            }
            let second = diagnose::sample(me);
            self.verdict = Some(Outcome::TimedOut(Box::new(Timeout {
                place: self.place.clone(),
                line_elapsed: now - self.line_begun,
                deadline: self.deadline,
                movement: diagnose::movement(self.first_look.as_ref(), &second),
                evidence: second.into_evidence(),
            })));
        } else if self.slot.ending {
            self.verdict.get_or_insert(Outcome::Cancelled);
        }
        let why = match &self.verdict {
            Some(Outcome::TimedOut(_)) => Interrupted::Deadline,
            Some(Outcome::Cancelled) => Interrupted::Cancelled,
            Some(Outcome::Faulted(_)) => Interrupted::Faulted,
            Some(Outcome::Passed | Outcome::Skipped { .. } | Outcome::Failed(_)) | None => {
                return None;
            }
        };
        self.held.end();
        self.end_processes();
        self.ladder += clock::now() - now;
        Some(why)
    }

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
            held,
        }) = collected
        else {
            return Finished {
                status: Status::Exited(-1),
                stdout: Stream::default(),
                stderr: Stream::default(),
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
        }
    }
}

fn real_client(kind: EngineKind, setup: &crate::wire::SlotSetup) -> Option<crate::model::Bytes> {
    let search = setup
        .environment
        .iter()
        .rev()
        .find(|(name, _)| name.0 == b"PATH")?;
    let found = crate::host::search::executable(kind.command().as_bytes(), &search.1.0)?;
    Some(crate::host::search::bytes(&found).into())
}

/// No single wait is longer than this, so that a missed wake-up heals.
const LONG: Duration = Duration::from_secs(3600);

impl World for Watch<'_, '_> {
    fn line(&mut self, place: &Place) {
        self.place = place.clone();
        self.line_begun = clock::now();
        self.progress.write(place);
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
        };
        match self.slot.reaper.start(&spec, program.stdin.clone()) {
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
            retire,
        });
        std::process::exit(0);
    }
}
