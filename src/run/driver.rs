//! The loop: performs the scheduler's actions, waits for whatever comes first, feeds it back.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender as Inbox};
use std::time::{Duration, Instant};

use super::engines::{self, Found};
use super::fingerprint;
use super::slots::{self, Gone, SlotHandle};
use super::start::{Prepared, Trial};
use super::tell::Teller;
use crate::classify::{self, Attempts, Circumstances};
use crate::engine::client::Client;
use crate::engine::turn::Turn;
use crate::host::process::Bounded;
use crate::host::{clock, environment};
use crate::ledger::proof::Owner;
use crate::ledger::remove::{CleanupPolicy, clean};
use crate::model::{
    AttemptId, AttemptReport, AttemptStart, Cleanup, Conclusion, EngineFacts, EngineState, Event,
    Fault, FaultKind, MachineDelta, Outcome, Policy, SlotId, Timings, Verdict,
};
use crate::schedule::{Action, News, Width};
use crate::wire::{FromSlot, Grant, Job, Keep, SlotSetup, ToSlot};

/// Everything that can happen ends here, as one of these.
#[derive(Debug)]
pub(super) enum Occurrence {
    /// A slot spoke.
    Said(SlotId, FromSlot),
    /// A slot is gone.
    Gone(SlotId, Box<Gone>),
    /// The search for an engine is over.
    Engine(Box<Found>),
    /// What is under test has been read.
    Hashed(BTreeMap<String, String>),
    /// The search waits for this.
    Waiting(String),
    /// A signal came.
    Signal(i32),
}

/// Beyond the deadline, the ladder and the cleaning: a slot that is silent for longer is given up.
const SLACK: Duration = Duration::from_secs(30);
/// How long the slots may take to leave at the end.
const FAREWELL: Duration = Duration::from_secs(20);
/// So many slots in a row that died before they began anything, and no more is tried.
const BARREN: u32 = 3;

/// An attempt that runs.
#[derive(Debug)]
struct Running {
    slot: SlotId,
    begun: Instant,
    /// When it is given up; `None` while it waits for the engine.
    give_up: Option<Instant>,
    held: Option<Instant>,
}

struct Driver {
    run: Prepared,
    teller: Teller,
    inbox: Inbox<Occurrence>,
    occurrences: Receiver<Occurrence>,
    pool: rayon::ThreadPool,
    slots: BTreeMap<SlotId, SlotHandle>,
    leaving: u32,
    running: BTreeMap<AttemptId, Running>,
    verdicts: BTreeMap<u32, Verdict>,
    grant: Option<Grant>,
    engine: Option<EngineFacts>,
    /// Held until the end, so that no other run comes between two trials.
    turn: Option<Turn>,
    signal: Option<i32>,
    unclean: bool,
    started: u32,
    barren: u32,
    /// Why nothing more can run, once that is so.
    broken: Option<String>,
    finished: bool,
}

/// Runs the plan to its end.
pub fn drive(run: Prepared, teller: Teller) -> Conclusion {
    let (inbox, occurrences) = mpsc::channel();
    let signals = watch_signals(inbox.clone());
    // Each slot keeps one thread of the pool busy with listening; slots that leave overlap with new ones.
    let listeners = run
        .limits
        .together
        .map_or(run.limits.plain.get() + run.cores.get(), Width::get)
        + 2;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(usize::try_from(listeners).unwrap_or(64))
        .thread_name(|number| format!("slot-listener-{number}"))
        .build();
    let mut teller = teller;
    let pool = match pool {
        Ok(pool) => pool,
        Err(error) => {
            teller.tell(&Event::Warning {
                message: format!("cannot start the pool of listeners: {error}"),
            });
            return Conclusion::Faulted;
        }
    };
    let driver = Driver {
        run,
        teller,
        inbox,
        occurrences,
        pool,
        slots: BTreeMap::new(),
        leaving: 0,
        running: BTreeMap::new(),
        verdicts: BTreeMap::new(),
        grant: None,
        engine: None,
        turn: None,
        signal: None,
        unclean: false,
        started: 0,
        barren: 0,
        broken: None,
        finished: false,
    };
    let conclusion = driver.drive();
    if let Some(signals) = signals {
        signals.close();
    }
    conclusion
}

fn watch_signals(inbox: Inbox<Occurrence>) -> Option<signal_hook::iterator::Handle> {
    let mut signals =
        signal_hook::iterator::Signals::new([libc::SIGINT, libc::SIGTERM, libc::SIGHUP]).ok()?;
    let handle = signals.handle();
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if inbox.send(Occurrence::Signal(signal)).is_err() {
                return;
            }
        }
    });
    Some(handle)
}

impl Driver {
    fn drive(mut self) -> Conclusion {
        for event in std::mem::take(&mut self.run.opening) {
            self.tell_settled(&event);
        }
        fingerprint::hash(self.run.programs.clone(), self.inbox.clone());
        let actions = self.run.scheduler.begin();
        self.perform(actions);
        while !self.finished {
            match self.occurrences.recv_timeout(self.patience()) {
                Ok(occurrence) => self.occur(occurrence),
                Err(RecvTimeoutError::Timeout) => self.give_up_silent(),
                // The driver holds a sender itself, so the channel cannot end.
                Err(RecvTimeoutError::Disconnected) => self.finished = true,
            }
        }
        self.farewell();
        self.turn = None;
        let circumstances = Circumstances {
            signal: self.signal,
            unclean: self.unclean && self.run.strict,
            empty: self.run.empty,
        };
        let conclusion = classify::conclusion(self.verdicts.values().copied(), circumstances);
        let duration = self.teller.elapsed();
        for message in self.run.dirs.remove() {
            self.teller.tell(&Event::Warning { message });
        }
        self.teller.tell(&Event::RunEnded {
            conclusion,
            duration,
        });
        conclusion
    }

    fn tell_settled(&mut self, event: &Event) {
        if let Event::TrialSettled { trial, verdict, .. } = event {
            self.verdicts.insert(*trial, *verdict);
        }
        self.teller.tell(event);
    }

    fn settle(&mut self, attempt: AttemptId, verdict: Verdict, reason: String) {
        self.tell_settled(&Event::TrialSettled {
            trial: attempt.trial,
            verdict,
            reason,
        });
    }

    fn patience(&self) -> Duration {
        let now = clock::now();
        let next = self
            .running
            .values()
            .filter_map(|running| running.give_up)
            .min();
        next.map_or(Duration::from_secs(3600), |next| {
            next.saturating_duration_since(now)
        })
    }

    fn news(&mut self, news: News) {
        let actions = self.run.scheduler.step(news);
        self.perform(actions);
    }

    fn perform(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::DetectEngine => self.search(),
                Action::OpenSlot(slot) => self.open(slot),
                Action::Assign(slot, attempt) => self.assign(slot, attempt),
                Action::Recall(slot, attempt) => self.send(slot, &ToSlot::Recall(attempt)),
                Action::Admit(attempt) => self.admit(attempt),
                Action::GiveUp(attempt) => self.without_engine(attempt),
                Action::Drop(attempt) => {
                    let reason = self
                        .broken
                        .clone()
                        .unwrap_or_else(|| "the run was interrupted".to_owned());
                    self.settle(attempt, Verdict::NotRun, reason);
                }
                Action::Finish => self.finished = true,
            }
        }
    }

    fn send(&self, slot: SlotId, message: &ToSlot) {
        if let Some(handle) = self.slots.get(&slot) {
            handle.send(message);
        }
    }

    fn search(&mut self) {
        // It is taken by the first who asks.
        if let Some(search) = self.run.search.take() {
            engines::search(search, self.inbox.clone());
        }
    }

    fn open(&mut self, slot: SlotId) {
        match self.try_open(slot) {
            Ok(handle) => {
                if let Some(grant) = &self.grant {
                    handle.send(&ToSlot::Engine(Box::new(grant.clone())));
                }
                self.slots.insert(slot, handle);
                self.news(News::SlotOpened(slot));
            }
            Err(message) => {
                self.break_off(format!("cannot start a worker process: {message}"));
                self.news(News::SlotLost(slot));
            }
        }
    }

    fn try_open(&mut self, slot: SlotId) -> Result<SlotHandle, String> {
        let directory = self
            .run
            .dirs
            .slot(slot, &self.run.programs)
            .map_err(|error| error.to_string())?;
        let bytes = crate::host::search::bytes;
        let setup = SlotSetup {
            slot,
            directory: bytes(&directory).into(),
            ..self.run.setup.clone()
        };
        slots::open(setup, &directory, &self.pool, self.inbox.clone())
            .map_err(|error| error.to_string())
    }

    fn trial(&self, attempt: AttemptId) -> &Trial {
        &self.run.trials[attempt.trial as usize - 1]
    }

    fn assign(&mut self, slot: SlotId, attempt: AttemptId) {
        let trial = self.trial(attempt);
        let job = Job {
            attempt,
            name: trial.planned.name.clone(),
            file: trial.planned.file.clone(),
            path: crate::host::search::bytes(&trial.path).into(),
            lane: trial.planned.lane,
            deadline: trial.planned.deadline,
            engine: self
                .engine
                .as_ref()
                .map(|facts| facts.kind)
                .or(self.run.likely),
        };
        self.send(slot, &ToSlot::Run(Box::new(job)));
    }

    fn admit(&mut self, attempt: AttemptId) {
        let Some(running) = self.running.get_mut(&attempt) else {
            return;
        };
        let now = clock::now();
        let waited = running
            .held
            .take()
            .map_or(Duration::ZERO, |since| now - since);
        let slot = running.slot;
        let allowance = self.allowance(attempt);
        if let Some(running) = self.running.get_mut(&attempt) {
            running.give_up = Some(now + allowance);
        }
        self.send(slot, &ToSlot::Admit(attempt));
        self.teller
            .tell(&Event::AttemptAdmitted { attempt, waited });
    }

    /// The longest that an attempt may take with everything that comes after its deadline.
    fn allowance(&self, attempt: AttemptId) -> Duration {
        let rules = &self.run.setup.rules;
        self.trial(attempt).planned.deadline + rules.grace * 2 + rules.cleanup_limit * 2 + SLACK
    }

    fn without_engine(&mut self, attempt: AttemptId) {
        let missing = self
            .grant
            .as_ref()
            .map_or_else(String::new, |grant| grant.missing.join("; "));
        let reason = format!("no container engine: {missing}");
        self.settle(attempt, self.run.without_engine, reason);
    }

    fn occur(&mut self, occurrence: Occurrence) {
        match occurrence {
            Occurrence::Said(slot, message) => self.said(slot, message),
            Occurrence::Gone(slot, gone) => self.gone(slot, &gone),
            Occurrence::Engine(found) => self.engine_found(*found),
            Occurrence::Hashed(hashes) => {
                let arch = std::env::consts::ARCH.to_owned();
                self.teller.tell(&Event::Programs { hashes, arch });
            }
            Occurrence::Waiting(message) => self.teller.tell(&Event::Warning { message }),
            Occurrence::Signal(signal) => self.signaled(signal),
        }
    }

    fn said(&mut self, slot: SlotId, message: FromSlot) {
        match message {
            FromSlot::Started(attempt) => self.attempt_started(slot, attempt),
            FromSlot::Held { attempt, command } => {
                if let Some(running) = self.running.get_mut(&attempt) {
                    running.give_up = None;
                    running.held = Some(clock::now());
                }
                self.teller.tell(&Event::AttemptHeld { attempt, command });
                self.news(News::Held(attempt));
            }
            FromSlot::AskEngine(_) => self.search(),
            FromSlot::Recalled(attempt) => self.news(News::Recalled(attempt)),
            FromSlot::Ended {
                attempt,
                report,
                retire,
            } => {
                self.attempt_ended(attempt, *report);
                match retire {
                    None => self.news(News::Ended(attempt)),
                    Some(why) => self.retire(slot, why),
                }
            }
        }
    }

    fn attempt_started(&mut self, slot: SlotId, attempt: AttemptId) {
        self.started += 1;
        self.barren = 0;
        let now = clock::now();
        let lane = self.trial(attempt).planned.lane;
        let give_up = Some(now + self.allowance(attempt));
        self.running.insert(
            attempt,
            Running {
                slot,
                begun: now,
                give_up,
                held: None,
            },
        );
        self.news(News::Started(attempt));
        let start = AttemptStart {
            attempt,
            slot,
            lane,
            parallelism: u32::try_from(self.running.len()).unwrap_or(u32::MAX),
            order: self.started,
            deadline: self.trial(attempt).planned.deadline,
        };
        self.teller.tell(&Event::AttemptStarted(start));
    }

    fn attempt_ended(&mut self, attempt: AttemptId, report: AttemptReport) {
        self.running.remove(&attempt);
        self.unclean |= !report.cleanup.leftovers.is_empty() || !report.leaks.is_empty();
        let reason = match &report.outcome {
            Outcome::Skipped { reason } => reason.clone(),
            Outcome::Cancelled => "the run was interrupted".to_owned(),
            Outcome::Passed | Outcome::Failed(_) | Outcome::TimedOut(_) | Outcome::Faulted(_) => {
                String::new()
            }
        };
        let reports = [report];
        let verdict =
            Attempts::of(&reports).map(|attempts| classify::verdict(&attempts, self.run.leaks));
        let [report] = reports;
        self.teller.tell(&Event::AttemptEnded {
            attempt,
            report: Box::new(report),
        });
        self.settle(attempt, verdict.unwrap_or(Verdict::NotRun), reason);
    }

    fn retire(&mut self, slot: SlotId, why: String) {
        if self.slots.remove(&slot).is_some() {
            self.leaving += 1;
            self.teller.tell(&Event::SlotReplaced { slot, why });
            self.news(News::SlotLost(slot));
        }
    }

    fn gone(&mut self, slot: SlotId, gone: &Gone) {
        if self.slots.remove(&slot).is_none() {
            self.leaving = self.leaving.saturating_sub(1);
            return;
        }
        let lost: Vec<AttemptId> = self
            .running
            .iter()
            .filter(|(_, running)| running.slot == slot)
            .map(|(id, _)| *id)
            .collect();
        if lost.is_empty() && !gone.orderly {
            self.barren += 1;
        }
        for attempt in lost {
            let report = self.report_of_the_lost(attempt, gone);
            self.attempt_ended(attempt, report);
        }
        if self.signal.is_none() {
            self.teller.tell(&Event::SlotReplaced {
                slot,
                why: format!("it {}", gone.how),
            });
        }
        if self.barren >= BARREN || (self.barren > 0 && self.started == 0) {
            let said = gone.last_words.lossy();
            self.break_off(format!(
                "worker processes do not start: the last one {}: {}",
                gone.how,
                said.trim()
            ));
        }
        self.news(News::SlotLost(slot));
    }

    /// What can be said of an attempt whose slot died; its resources are removed here.
    fn report_of_the_lost(&mut self, attempt: AttemptId, gone: &Gone) -> AttemptReport {
        let running = self.running.get(&attempt);
        let script = running.map_or(Duration::ZERO, |running| clock::now() - running.begun);
        let cleanup = self.clean_after(attempt);
        let place = gone.place.clone().unwrap_or_default();
        let message = format!(
            "the worker process {} while it executed {}:{}",
            gone.how, place.file, place.line
        );
        let log = format!(
            "> {}\nFAULT: {}:{}: the worker process {}\n",
            place.text.lossy(),
            place.file,
            place.line,
            gone.how
        );
        AttemptReport {
            outcome: Outcome::Faulted(Fault {
                kind: FaultKind::Slot,
                message,
                detail: gone.last_words.clone(),
            }),
            log: [log.as_bytes(), &gone.last_words.0].concat().into(),
            log_file: String::new(),
            timings: Timings {
                script,
                ..Timings::default()
            },
            cleanup,
            ended: Vec::new(),
            leaks: Vec::new(),
            engine_calls: 0,
            machine: MachineDelta::default(),
            work_dir: String::new(),
        }
    }

    /// Removes what an attempt made whose slot can no longer do it.
    fn clean_after(&self, attempt: AttemptId) -> Cleanup {
        let Some(facts) = &self.engine else {
            return Cleanup::default();
        };
        let contents = self.run.ledger.read().unwrap_or_default();
        let intents = contents.intents(attempt, facts.kind);
        if intents.is_empty() {
            return Cleanup::default();
        }
        let client = Client::of(facts, environment::variables());
        let owner = Owner {
            run: &self.run.setup.run,
            attempt,
            intents: &intents,
        };
        let rules = &self.run.setup.rules;
        let policy = CleanupPolicy {
            keep: rules.keep == Keep::Everything,
            keep_images: rules.keep_images,
        };
        let cleanup = clean(&owner, &client, &mut Bounded, policy, rules.cleanup_limit);
        // What cannot be written down is found again by its labels.
        self.run.ledger.settle(attempt, &cleanup).ok();
        cleanup
    }

    /// Nothing more can run, and why: what waits is reported as not run.
    fn break_off(&mut self, why: String) {
        if self.broken.is_none() {
            self.teller.tell(&Event::Warning {
                message: why.clone(),
            });
            self.broken = Some(why);
            self.news(News::Cancelled);
        }
    }

    fn engine_found(&mut self, found: Found) {
        self.turn = found.turn;
        for message in found.warnings {
            self.teller.tell(&Event::Warning { message });
        }
        let (grant, news) = match &found.state {
            EngineState::Selected { facts, policy, .. } => {
                let width = match policy {
                    Policy::Serial => Width::MIN,
                    Policy::Gated | Policy::Parallel => self.run.container_width,
                };
                self.engine = Some(facts.as_ref().clone());
                (
                    Grant {
                        facts: Some(facts.as_ref().clone()),
                        missing: Vec::new(),
                    },
                    News::EngineReady(width),
                )
            }
            EngineState::Missing { why } => (
                Grant {
                    facts: None,
                    missing: why.clone(),
                },
                News::NoEngine,
            ),
        };
        self.teller.tell(&Event::Engine(found.state));
        for handle in self.slots.values() {
            handle.send(&ToSlot::Engine(Box::new(grant.clone())));
        }
        self.grant = Some(grant);
        self.news(news);
    }

    /// The first signal ends the run in good order; a second one does not wait for scripts any more.
    fn signaled(&mut self, signal: i32) {
        if self.signal.is_some() {
            for handle in self.slots.values() {
                handle.kill();
            }
            return;
        }
        self.signal = Some(signal);
        self.teller.tell(&Event::Cancelled { signal });
        for handle in self.slots.values() {
            handle.send(&ToSlot::Cancel);
        }
        self.news(News::Cancelled);
    }

    /// A slot that says nothing long after it should have is dropped: its thread may hang in the kernel.
    fn give_up_silent(&mut self) {
        let now = clock::now();
        for running in self
            .running
            .values_mut()
            .filter(|running| running.give_up.is_some_and(|at| at <= now))
        {
            running.give_up = None;
            if let Some(handle) = self.slots.get(&running.slot) {
                handle.kill();
            }
        }
    }

    /// Ends all conversations and waits until every slot is gone.
    fn farewell(&mut self) {
        for handle in self.slots.values() {
            handle.close();
        }
        self.leaving += u32::try_from(self.slots.len()).unwrap_or(0);
        let slots = std::mem::take(&mut self.slots);
        let give_up = clock::now() + FAREWELL;
        let mut killed = false;
        while self.leaving > 0 {
            let left = give_up.saturating_duration_since(clock::now());
            match self.occurrences.recv_timeout(left) {
                Ok(Occurrence::Gone(..)) => self.leaving -= 1,
                Ok(Occurrence::Signal(signal)) => self.signal = self.signal.or(Some(signal)),
                Ok(
                    Occurrence::Hashed(_)
                    | Occurrence::Said(..)
                    | Occurrence::Engine(_)
                    | Occurrence::Waiting(_),
                ) => {}
                Err(_) if killed => return,
                Err(_) => {
                    killed = true;
                    slots.values().for_each(SlotHandle::kill);
                }
            }
        }
    }
}
