//! The script that runs, and what is learnt of it: hears its shims, and holds them until the container
//! lane admits them. Its time is counted in `deadline`, its end is made in `ladder`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::desk;
use super::failures::Failures;
use super::ladder::Ladder;
use super::looks::Looks;
use super::serve::{Heard, Slot, path};
use super::stand_in;
use crate::host::clock;
use crate::host::reaper::Reap;
use crate::interp::{self, JobId, Setup, Waiting};
use crate::ledger::proxy::Proxy;
use crate::model::{
    AttemptId, Dialect, EndedProcess, EngineKind, Fault, FaultKind, LadderStep, Lane, Leak,
    Outcome, Place, Resource,
};
use crate::shim::role::masked;
use crate::wire::{FromSlot, Job, OtherEngine, Pass, ToShim, Variables};

/// The script that runs, and what was learnt of it so far.
#[derive(Debug)]
pub(super) struct Watch<'s, 'r> {
    pub(super) slot: &'s mut Slot<'r>,
    pub(super) attempt: AttemptId,
    pub(super) deadline: Duration,
    /// What the script begins with.
    pub(super) setup: &'s Setup,
    pub(super) dialect: Dialect,
    pub(super) admitted: bool,
    pub(super) held: Held,
    pub(super) begun: Instant,
    pub(super) place: Place,
    pub(super) line_begun: Instant,
    /// Looks on the way to the deadline.
    pub(super) looks: Looks,
    pub(super) jobs: BTreeMap<JobId, Place>,
    /// Programs that failed, and the engine commands behind them.
    pub(super) failures: Failures,
    /// The processes that commands were started as, with their lines.
    pub(super) started: BTreeMap<i32, u32>,
    pub(super) calls: u32,
    /// Stands in for the engine's socket.
    pub(super) proxy: Option<Proxy>,
    /// Connections to it, when it is closed.
    pub(super) visited: u32,
    /// How long creations waited on a socket that is closed by now.
    pub(super) queued: Duration,
    /// How much of such waits the harness knows of.
    pub(super) told_of: Duration,
    pub(super) ended: Vec<EndedProcess>,
    pub(super) leaks: Vec<Leak>,
    /// Resources that the ladder removed.
    pub(super) removed: Vec<Resource>,
    /// The fact that outranks whatever the interpreter says: a timeout, a fault, a cancel.
    pub(super) verdict: Option<Outcome>,
    /// Time that ending it took.
    pub(super) ladder: Duration,
    /// The ladder, while it is climbed.
    pub(super) climb: Option<Ladder>,
    /// Steps of the ladder that were taken.
    pub(super) steps: Vec<LadderStep>,
    /// Until when of the charged time an awaited program may run.
    pub(super) bound: Option<Duration>,
    /// What a command of the language waits for.
    pub(super) waiting: Option<Waiting>,
    /// A program or a pause was ended for the bound.
    pub(super) cut: bool,
    /// Until when of the charged time the deferred command may run; `None` while the script's lines run.
    pub(super) deferred: Option<Duration>,
    /// A fault while deferred commands ran: it comes too late to outrank a failure.
    pub(super) late: Option<Outcome>,
    pub(super) harness_directory: PathBuf,
}

/// Time in which a shim waited; not charged to the script.
#[derive(Debug, Default)]
pub(super) struct Held {
    since: Option<Instant>,
    total: Duration,
    waiting: Vec<(u32, EngineKind)>,
    /// Stand-ins that wait at the gate.
    at_gate: u32,
    told: bool,
}

impl Held {
    pub(super) fn total(&self, now: Instant) -> Duration {
        self.total + self.since.map_or(Duration::ZERO, |since| now - since)
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.since.is_some()
    }

    pub(super) fn begin(&mut self) {
        self.since.get_or_insert_with(clock::now);
    }

    pub(super) fn end(&mut self) {
        if let Some(since) = self.since.take() {
            self.total += clock::now() - since;
        }
    }
}

impl<'s, 'r> Watch<'s, 'r> {
    pub(super) fn new(
        slot: &'s mut Slot<'r>,
        job: &Job,
        setup: &'s Setup,
        dialect: Dialect,
    ) -> Self {
        let now = clock::now();
        let harness_directory = path(&slot.setup.harness_directory);
        Watch {
            slot,
            attempt: job.attempt,
            deadline: job.deadline,
            setup,
            dialect,
            admitted: job.lane == Lane::Container,
            held: Held::default(),
            begun: now,
            place: Place::default(),
            line_begun: now,
            looks: Looks::default(),
            waiting: None,
            jobs: BTreeMap::new(),
            failures: Failures::default(),
            started: BTreeMap::new(),
            calls: 0,
            proxy: None,
            visited: 0,
            queued: Duration::ZERO,
            told_of: Duration::ZERO,
            ended: Vec::new(),
            leaks: Vec::new(),
            removed: Vec::new(),
            verdict: None,
            ladder: Duration::ZERO,
            climb: None,
            steps: Vec::new(),
            bound: None,
            cut: false,
            deferred: None,
            late: None,
            harness_directory,
        }
    }

    /// From the first line until now, and how much of it was spent waiting for admission.
    pub(super) fn times(&self) -> (Duration, Duration) {
        let now = clock::now();
        (now - self.begun, self.waited(now))
    }

    /// One turn, at most `limit`; answers shims.
    pub(super) fn turn(&mut self, limit: Option<Duration>, reap: Reap) {
        for heard in self.slot.turn(limit, reap) {
            match heard {
                Heard::Admit(attempt) if attempt == self.attempt => self.admit(),
                Heard::Open(attempt, caller) if attempt == self.attempt => self.open(caller),
                Heard::Look(attempt) if attempt == self.attempt => self.look(),
                Heard::Release(attempt) if attempt == self.attempt => self.release_ladder(),
                // What comes after its script is over changes nothing.
                Heard::Admit(_) | Heard::Open(..) | Heard::Look(_) | Heard::Release(_) => {}
                Heard::Desk(desk::Heard::Fault(message)) => {
                    self.fault(FaultKind::Ledger, message);
                }
                Heard::Desk(desk::Heard::Gate { caller, gate }) => {
                    self.held.at_gate += 1;
                    self.held.begin();
                    let attempt = self.attempt;
                    self.slot.tell(&FromSlot::AtGate {
                        attempt,
                        caller,
                        gate,
                    });
                }
                Heard::Desk(desk::Heard::Call {
                    caller,
                    kind,
                    command,
                }) => self.called(caller, kind, command),
            }
        }
    }

    pub(super) fn fault(&mut self, kind: FaultKind, message: String) {
        let seen = match self.deferred {
            None => &mut self.verdict,
            Some(_) => &mut self.late,
        };
        seen.get_or_insert(Outcome::Faulted(Fault {
            kind,
            message,
            detail: Vec::new().into(),
        }));
    }

    fn called(&mut self, caller: u32, kind: EngineKind, command: String) {
        self.calls += 1;
        self.failures.called(self.place.line, kind, &command);
        if self.admitted {
            self.stand_in_late();
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
        self.stand_in_late();
        for (caller, kind) in std::mem::take(&mut self.held.waiting) {
            let answer = self.answer(kind);
            self.slot.desk.answer(caller, &answer);
        }
        self.held.end();
    }

    /// One that is gone by now was answered all the same, so that its wait has an end.
    fn open(&mut self, caller: u32) {
        self.slot.desk.answer(caller, &ToShim::Open);
        self.held.at_gate = self.held.at_gate.saturating_sub(1);
        if self.held.at_gate == 0 && self.held.waiting.is_empty() {
            self.held.end();
        }
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
            gated: grant.gated,
            run: setup.run.clone(),
            attempt: self.attempt,
            place: format!("{}:{}", self.place.file, self.place.line),
            ledger: setup.ledger.clone(),
            id_files: crate::host::search::bytes(
                &path(&setup.id_files).join(self.attempt.to_string()),
            )
            .into(),
            journal: self.slot.journal(facts, self.attempt),
            credentials: crate::host::search::bytes(&self.slot.credentials()).into(),
            harness: setup.environment.clone(),
            script: self.beginning(),
            proxy: stand_in::address(self),
        }))
    }

    /// The environment that the script began with; made only when a stand-in asks for it.
    fn beginning(&self) -> Variables {
        let variables = interp::environment(self.setup, self.dialect);
        variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
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
