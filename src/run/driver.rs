//! The loop: performs the scheduler's actions, waits for whatever comes first, feeds it back.

use std::collections::{BTreeMap, VecDeque};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use super::admission::Keeper;
use super::engines::{self, Found};
use super::fingerprint::{self, Hashing};
use super::gate::AtGate;
use super::interruption::Interruption;
use super::late::Late;
use super::signals::{hear_lines, watch_signals};
use super::slots::{self, Conversation, Gone, SlotHandle};
use super::start::{Prepared, Trial};
use super::tell::Teller;
use super::untidy::Untidy;
use crate::classify::{self, Circumstances};
use crate::engine::turn::Turn;
use crate::history::Summary;
use crate::host::adopt;
use crate::host::post::{Inbox, Post, post};
use crate::model::{
    AttemptId, AttemptStart, Cleanup, Conclusion, Effect, EngineFacts, Event, SlotId,
};
use crate::schedule::{Action, News};
use crate::wire::{FromSlot, Grant, Job, OnHang, SlotSetup, ToSlot};

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
    /// Somebody looked at engine and machine: what is wrong, if anything is.
    Looked(Option<String>),
    /// A signal came.
    Signal(i32),
    /// Somebody typed a line.
    Line,
    /// An attempt that had left something was cleaned again.
    Tidied(AttemptId, Box<Cleanup>),
    /// Something happened at the gate.
    Gate(AtGate),
}

/// A slot says beforehand what will take it longer than a script may. One that is silent for so much longer
/// than that is given up: it is stopped, or stuck in the kernel.
pub(super) const SLACK: Duration = Duration::from_secs(10);

/// An attempt that runs.
#[derive(Debug)]
pub(super) struct Running {
    /// The circumstances it began in.
    pub(super) start: AttemptStart,
    pub(super) slot: SlotId,
    pub(super) begun: Instant,
    /// When it is given up; `None` while it waits for the engine.
    pub(super) give_up: Option<Instant>,
    pub(super) held: Option<Instant>,
    /// How many of its stand-ins wait at the gate.
    pub(super) gates: u32,
    /// Its slot has been killed for its silence.
    pub(super) killed: bool,
    /// What is known of it past its deadline.
    pub(super) late: Late,
    /// It is kept alive past its deadline.
    pub(super) holding: bool,
    /// Its slot was asked what it does, and should answer until then.
    pub(super) asked: Option<Instant>,
}

pub(super) struct Driver {
    pub(super) run: Prepared,
    pub(super) teller: Teller,
    pub(super) inbox: Inbox<Occurrence>,
    post: Post<Occurrence>,
    /// What happened and has not been dealt with.
    pending: VecDeque<Occurrence>,
    pub(super) slots: BTreeMap<SlotId, SlotHandle>,
    /// With slots that leave, too.
    conversations: BTreeMap<SlotId, Conversation>,
    pub(super) leaving: u32,
    pub(super) running: BTreeMap<AttemptId, Running>,
    /// What each trial that is settled does to the run.
    pub(super) effects: BTreeMap<u32, Effect>,
    pub(super) grant: Option<Grant>,
    pub(super) engine: Option<EngineFacts>,
    /// Held until the end, so that no other run comes between two trials.
    pub(super) turn: Option<Turn>,
    pub(super) signal: Option<i32>,
    pub(super) hashing: Hashing,
    pub(super) interruption: Interruption,
    pub(super) unclean: bool,
    /// What could not be removed yet.
    pub(super) untidy: Untidy,
    pub(super) started: u32,
    pub(super) barren: u32,
    /// Why nothing more can run, once that is so.
    pub(super) broken: Option<String>,
    /// Why the container lane is closed, once that is so.
    pub(super) engine_down: Option<String>,
    pub(super) keeper: Keeper,
    /// When it was said last what runs.
    pub(super) beaten: Option<Instant>,
    pub(super) finished: bool,
}

/// Runs the plan to its end; says what came of it, and what later runs want to know.
pub fn drive(run: Prepared, teller: Teller) -> (Conclusion, Summary) {
    let mut teller = teller;
    adopt_orphans(&mut teller);
    let (inbox, post) = match post() {
        Ok(both) => both,
        Err(error) => {
            teller.tell(&Event::Warning {
                message: format!("cannot wait for worker processes: {error}"),
            });
            return (Conclusion::Faulted, teller.into_summary());
        }
    };
    let signals = watch_signals(inbox.clone());
    if run.setup.rules.on_hang == OnHang::Hold {
        hear_lines(inbox.clone());
    }
    let driver = Driver {
        keeper: Keeper::new(run.admission.clone(), run.work_root()),
        run,
        teller,
        inbox,
        post,
        pending: VecDeque::new(),
        slots: BTreeMap::new(),
        conversations: BTreeMap::new(),
        leaving: 0,
        running: BTreeMap::new(),
        effects: BTreeMap::new(),
        grant: None,
        engine: None,
        turn: None,
        signal: None,
        hashing: Hashing::Reads,
        interruption: Interruption::default(),
        unclean: false,
        untidy: Untidy::new(),
        started: 0,
        barren: 0,
        broken: None,
        engine_down: None,
        beaten: None,
        finished: false,
    };
    let ended = driver.drive();
    if let Some(signals) = signals {
        signals.close();
    }
    ended
}

/// What outlives a slot that crashes comes to us, and is ended.
fn adopt_orphans(teller: &mut Teller) {
    if let Err(error) = adopt::become_subreaper() {
        teller.tell(&Event::Warning {
            message: format!("processes of a worker that crashes may survive it: {error}"),
        });
    }
}

impl Driver {
    fn drive(mut self) -> (Conclusion, Summary) {
        for event in std::mem::take(&mut self.run.opening) {
            self.tell_settled(&event);
        }
        let state = self.run.state.clone();
        fingerprint::hash(self.run.programs.clone(), state, self.inbox.clone());
        let actions = self.run.scheduler.begin();
        self.perform(actions);
        while !self.finished {
            let patience = self.patience();
            if patience.is_zero() {
                self.give_up_silent();
                self.miss_answers();
                self.beat();
                self.leave();
                self.news(News::Tick);
            }
            if let Some(occurrence) = self.next(patience) {
                self.occur(occurrence);
            }
        }
        if !self.interruption.left {
            self.tidy_up();
            self.await_hashes();
            self.farewell();
        }
        self.turn = None;
        let circumstances = Circumstances {
            signal: self.signal,
            unclean: (self.unclean || !self.untidy.is_empty()) && self.run.strict,
            empty: self.run.empty,
        };
        let conclusion = classify::conclusion(self.effects.values().copied(), circumstances);
        let duration = self.teller.elapsed();
        if self.interruption.left {
            self.run.dirs.leave();
        } else {
            for message in self.run.dirs.remove() {
                self.teller.tell(&Event::Warning { message });
            }
            self.run.life.end();
        }
        self.teller.tell(&Event::RunEnded {
            conclusion,
            duration,
        });
        self.teller.write();
        (conclusion, self.teller.into_summary())
    }

    /// What happened next, if something does within the limit. All that was told is written before a wait.
    pub(super) fn next(&mut self, limit: Duration) -> Option<Occurrence> {
        if self.pending.is_empty() {
            self.teller.write();
            self.listen(limit);
        }
        self.pending.pop_front()
    }

    fn listen(&mut self, limit: Duration) {
        let slots: Vec<SlotId> = self.conversations.keys().copied().collect();
        let watched: Vec<_> = self.conversations.values().map(AsFd::as_fd).collect();
        let ready = self.post.wait(&watched, limit);
        for slot in slots
            .into_iter()
            .zip(ready)
            .filter_map(|(slot, ready)| ready.then_some(slot))
        {
            self.hear(slot);
        }
        while let Some(occurrence) = self.post.take() {
            self.pending.push_back(occurrence);
        }
    }

    /// Takes all that the slot has said. The end of one takes a while, and happens in a thread of its own.
    fn hear(&mut self, slot: SlotId) {
        while let Some(conversation) = self.conversations.get_mut(&slot) {
            match conversation.hear() {
                Ok(Some(message)) => self.pending.push_back(Occurrence::Said(slot, message)),
                Ok(None) => return,
                Err(_) => {
                    if let Some(ended) = self.conversations.remove(&slot) {
                        let inbox = self.inbox.clone();
                        std::thread::spawn(move || {
                            inbox.send(Occurrence::Gone(slot, Box::new(ended.bury())));
                        });
                    }
                }
            }
        }
    }

    pub(super) fn tell_settled(&mut self, event: &Event) {
        if let Event::TrialSettled {
            trial,
            verdict,
            bearing,
            ..
        } = event
        {
            self.effects.insert(*trial, verdict.effect(bearing));
        }
        self.teller.tell(event);
    }

    pub(super) fn news(&mut self, news: News) {
        let actions = self.run.scheduler.step(self.teller.elapsed(), news);
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
                Action::Drop(attempt) => self.dropped(attempt),
                Action::Settle(trial) => self.settle(trial),
                Action::Look => self.look_at_engine(),
                Action::Turned(turned) => self.turned(turned),
                Action::Finish => self.finished = true,
            }
        }
    }

    pub(super) fn send(&self, slot: SlotId, message: &ToSlot) {
        if let Some(handle) = self.slots.get(&slot) {
            handle.send(message);
        }
    }

    pub(super) fn search(&mut self) {
        // It is taken by the first who asks.
        if let Some(search) = self.run.search.take() {
            engines::search(search, self.inbox.clone());
        }
    }

    fn open(&mut self, slot: SlotId) {
        match self.try_open(slot) {
            Ok((handle, conversation)) => {
                if let Some(grant) = &self.grant {
                    handle.send(&ToSlot::Engine(Box::new(grant.clone())));
                }
                self.slots.insert(slot, handle);
                self.conversations.insert(slot, conversation);
                self.news(News::SlotOpened(slot));
            }
            Err(message) => {
                self.break_off(format!("cannot start a worker process: {message}"));
                self.news(News::SlotLost(slot));
            }
        }
    }

    fn try_open(&mut self, slot: SlotId) -> Result<(SlotHandle, Conversation), String> {
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
        slots::open(setup, &directory).map_err(|error| error.to_string())
    }

    pub(super) fn trial(&self, attempt: AttemptId) -> &Trial {
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
            golden: trial.golden,
            fault: self.missing_image(trial),
        };
        self.send(slot, &ToSlot::Run(Box::new(job)));
    }

    /// How long an attempt may take until something is heard of it.
    pub(super) fn allowance(&self, attempt: AttemptId) -> Duration {
        self.trial(attempt).planned.deadline + SLACK
    }
}
