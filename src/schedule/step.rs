//! The scheduler: `(state, news) → actions`.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::admission::{Admission, AdmissionRules, Health, Sight, Turned};
use super::lanes::{Limits, Width};
use crate::model::{AttemptId, Lane, SlotId};

/// An attempt that waits for its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// Which.
    pub id: AttemptId,
    /// Its lane by the plan.
    pub lane: Lane,
    /// How much of its lane's width it takes, from 1; more than there is means all of it.
    pub cpus: u32,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// The engine is known: so many container attempts may run at once.
    EngineReady(Width),
    /// There is no engine: container attempts cannot run.
    NoEngine,
    /// The engine is stuck: no container attempt may start any more.
    EngineDown,
    /// A slot is up.
    SlotOpened(SlotId),
    /// A slot is gone. What it had begun is lost, what it had not begun will be assigned again.
    SlotLost(SlotId),
    /// The slot began to execute this attempt.
    Started(AttemptId),
    /// The attempt is over, its resources are gone.
    Ended {
        /// Which.
        attempt: AttemptId,
        /// What comes of it.
        ending: Ending,
    },
    /// A recalled attempt came back untouched.
    Recalled(AttemptId),
    /// A plain attempt called the engine and waits.
    Held(AttemptId),
    /// Nothing more may start.
    Cancelled,
    /// The engine was used, by an attempt or to find it; told before the end of either.
    Used {
        /// What that tells of the engine.
        health: Health,
        /// The machine lacks room for containers.
        short: bool,
    },
    /// A look at engine and machine is over.
    Looked(Sight),
    /// The time of [`Scheduler::next_wake`] has come.
    Tick,
}

/// What comes of an attempt that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Its lap is over, and well.
    Fine,
    /// Its lap is over, and not well.
    Failed,
    /// Its lap is not over: the trial is tried again, as the next attempt of this lap.
    Again {
        /// Not before so long from now.
        after: Duration,
    },
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Find out which engine there is.
    DetectEngine,
    /// Start a slot with this number.
    OpenSlot(SlotId),
    /// Send the attempt to the slot; it executes it after what it has.
    Assign(SlotId, AttemptId),
    /// Ask the slot to give the attempt back.
    Recall(SlotId, AttemptId),
    /// Let the held attempt go on: the container lane has room for it.
    Admit(AttemptId),
    /// Find out whether the engine answers and the machine has room.
    Look,
    /// Say what became of admission to the container lane.
    Turned(Turned),
    /// The attempt cannot run: there is no engine for it.
    GiveUp(AttemptId),
    /// Never started, because the run was cancelled.
    Drop(AttemptId),
    /// Every lap of this trial is over or dropped: nothing more of it will start.
    Settle(u32),
    /// Nothing runs and nothing waits.
    Finish,
}

/// What a slot has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Desk {
    current: Option<Attempt>,
    /// The slot has said that it executes `current`.
    begun: bool,
    /// Sent ahead, so that the slot need not wait for us between two short scripts.
    ahead: Option<Attempt>,
    recalled: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Engine {
    Unasked,
    Asked,
    Ready(Width),
    /// Container attempts that have not begun are dropped; those that run, and plain ones that call it, see
    /// for themselves.
    Stuck(Width),
    Missing,
}

/// The state of a run's schedule.
#[derive(Debug)]
pub struct Scheduler {
    limits: Limits,
    engine: Engine,
    container: VecDeque<Attempt>,
    plain: VecDeque<Attempt>,
    slots: BTreeMap<SlotId, Desk>,
    opening: u32,
    last_slot: u32,
    /// Plain attempts that wait for the container lane, in the order in which they called.
    held: VecDeque<AttemptId>,
    /// Plain attempts that the container lane has admitted.
    admitted: Vec<AttemptId>,
    /// Attempts that are tried again, and when; time counts from the run's start.
    later: BTreeMap<(Duration, AttemptId), Attempt>,
    /// Laps of each trial that are not over.
    open: BTreeMap<u32, u32>,
    /// The container lane's door; without one it stands open.
    admission: Option<Admission>,
    /// The time of the step that is taken.
    now: Duration,
    cancelled: bool,
    finished: bool,
}

impl Scheduler {
    /// A schedule for these attempts, in this order within each lane.
    pub fn new(attempts: impl IntoIterator<Item = Attempt>, limits: Limits) -> Self {
        let mut open = BTreeMap::new();
        let count = |attempt: &Attempt| *open.entry(attempt.id.trial).or_default() += 1;
        let (container, plain) = attempts
            .into_iter()
            .inspect(count)
            .partition(|attempt: &Attempt| attempt.lane == Lane::Container);
        Scheduler {
            limits,
            engine: Engine::Unasked,
            container,
            plain,
            slots: BTreeMap::new(),
            opening: 0,
            last_slot: 0,
            held: VecDeque::new(),
            admitted: Vec::new(),
            later: BTreeMap::new(),
            open,
            admission: None,
            now: Duration::ZERO,
            cancelled: false,
            finished: false,
        }
    }

    /// Container attempts start only while engine and machine are well.
    #[must_use]
    pub fn with_admission(self, rules: AdmissionRules) -> Self {
        Scheduler {
            admission: Some(Admission::new(rules)),
            ..self
        }
    }

    /// The first actions, before anything has happened.
    pub fn begin(&mut self) -> Vec<Action> {
        self.act()
    }

    /// One step; `now` is the time since the run's start.
    pub fn step(&mut self, now: Duration, news: News) -> Vec<Action> {
        self.now = now;
        let mut taken = self.take(now, news);
        taken.extend(self.give_up_lane());
        self.bring_back(now);
        let mut actions = self.with_settled(taken);
        actions.extend(self.act());
        actions
    }

    /// When the next attempt is due that is tried again, or the next look: [`News::Tick`] is wanted then.
    pub fn next_wake(&self) -> Option<Duration> {
        let later = self.later.keys().next().map(|(due, _)| *due);
        let waits = !(self.container.is_empty() && self.held.is_empty());
        let door = self.admission.as_ref().filter(|_| waits);
        [later, door.and_then(Admission::next_wake)]
            .into_iter()
            .flatten()
            .min()
    }

    /// Attempts that run now, in slots or held there.
    pub fn running(&self) -> u32 {
        count(
            self.slots
                .values()
                .filter(|desk| desk.current.is_some())
                .count(),
        )
    }

    fn take(&mut self, now: Duration, news: News) -> Vec<Action> {
        match news {
            News::EngineReady(width) => self.engine = Engine::Ready(width),
            News::Used { health, short } => {
                let door = self.admission.as_mut();
                return turned(door.and_then(|door| door.used(now, health, short)));
            }
            News::Looked(sight) => {
                let door = self.admission.as_mut();
                return turned(door.and_then(|door| door.looked(now, sight)));
            }
            News::NoEngine => {
                self.engine = Engine::Missing;
                return self
                    .container
                    .drain(..)
                    .map(|attempt| Action::GiveUp(attempt.id))
                    .collect();
            }
            News::EngineDown => {
                if let Engine::Ready(width) = self.engine {
                    self.engine = Engine::Stuck(width);
                }
                let mut dropped: Vec<Attempt> = self.container.drain(..).collect();
                self.later.retain(|_, attempt| {
                    dropped
                        .extend(Some(*attempt).filter(|attempt| attempt.lane == Lane::Container));
                    attempt.lane == Lane::Plain
                });
                let dropped = dropped.into_iter();
                return dropped.map(|attempt| Action::Drop(attempt.id)).collect();
            }
            News::SlotOpened(slot) => {
                self.opening = self.opening.saturating_sub(1);
                self.slots.insert(slot, Desk::default());
            }
            News::SlotLost(slot) => return self.lose(slot),
            News::Started(attempt) => self.begin_attempt(attempt),
            News::Ended { attempt, ending } => return self.end(now, attempt, ending),
            News::Recalled(attempt) => self.take_back(attempt),
            News::Held(attempt) => self.held.push_back(attempt),
            News::Cancelled => return self.cancel(),
            News::Tick => {}
        }
        Vec::new()
    }

    /// Whatever is dropped or given up ends a lap.
    fn with_settled(&mut self, taken: Vec<Action>) -> Vec<Action> {
        let mut actions = Vec::new();
        for action in taken {
            actions.push(action);
            if let Action::Drop(attempt) | Action::GiveUp(attempt) = action {
                actions.extend(self.settled(attempt));
            }
        }
        actions
    }

    /// A lap of this trial is over.
    fn settled(&mut self, attempt: AttemptId) -> Option<Action> {
        let open = self.open.get_mut(&attempt.trial)?;
        *open = open.saturating_sub(1);
        (*open == 0).then_some(Action::Settle(attempt.trial))
    }

    /// What waits behind a broken circuit, when nobody will close it again.
    fn give_up_lane(&mut self) -> Vec<Action> {
        let alone = self.is_alone();
        let is_hopeless = |door: &Admission| door.is_hopeless(alone);
        let gives_up = matches!(self.engine, Engine::Ready(_))
            && self.admission.as_ref().is_some_and(is_hopeless);
        if gives_up {
            self.take(self.now, News::EngineDown)
        } else {
            Vec::new()
        }
    }

    /// Nothing runs, and nothing but container attempts waits.
    fn is_alone(&self) -> bool {
        let plain = |attempt: &Attempt| attempt.lane == Lane::Plain;
        self.running() == 0 && self.plain.is_empty() && !self.later.values().any(plain)
    }

    /// Engine and machine are well, as far as is known.
    fn admits(&self) -> bool {
        self.admission
            .as_ref()
            .is_none_or(|door| door.admits(self.now))
    }

    /// A look, where somebody could start but for it.
    fn look(&mut self, actions: &mut Vec<Action>) {
        let Engine::Ready(width) = self.engine else {
            return;
        };
        let held = !self.held.is_empty() && self.in_container_lane(width) < width.get();
        let wanted = held || self.has_room(Lane::Container);
        let (now, alone) = (self.now, self.is_alone());
        let door = self.admission.as_mut().filter(|_| wanted);
        if door.is_some_and(|door| door.begin_look(now, alone)) {
            actions.push(Action::Look);
        }
    }

    /// What is due is tried again before anything else of its lane.
    fn bring_back(&mut self, now: Duration) {
        while let Some(due) = self.later.first_entry().filter(|due| due.key().0 <= now) {
            let attempt = due.remove();
            self.return_to_lane(attempt);
        }
    }

    fn return_to_lane(&mut self, attempt: Attempt) {
        match attempt.lane {
            Lane::Container => self.container.push_front(attempt),
            Lane::Plain => self.plain.push_front(attempt),
        }
    }

    /// The engine is stuck and the attempt is of its lane.
    fn is_barred(&self, attempt: &Attempt) -> bool {
        attempt.lane == Lane::Container && matches!(self.engine, Engine::Stuck(_))
    }

    fn lose(&mut self, slot: SlotId) -> Vec<Action> {
        let Some(desk) = self.slots.remove(&slot) else {
            self.opening = self.opening.saturating_sub(1);
            return Vec::new();
        };
        let lost = desk.current.filter(|_| desk.begun);
        if let Some(current) = desk.current {
            self.forget(current.id);
        }
        let mut actions: Vec<Action> = lost
            .and_then(|lost| self.settled(lost.id))
            .into_iter()
            .collect();
        let untouched = [desk.ahead, desk.current.filter(|_| !desk.begun)]
            .into_iter()
            .flatten();
        // What had not begun is as it was before, first in its lane.
        for attempt in untouched {
            if self.cancelled || self.is_barred(&attempt) {
                actions.push(Action::Drop(attempt.id));
            } else {
                self.return_to_lane(attempt);
            }
        }
        actions
    }

    /// Nothing that waits will start; slots execute nothing more after what they have begun.
    fn cancel(&mut self) -> Vec<Action> {
        self.cancelled = true;
        let ahead = self.slots.values_mut().filter_map(|desk| desk.ahead.take());
        let waiting: Vec<Attempt> = ahead
            .chain(std::mem::take(&mut self.later).into_values())
            .chain(self.container.drain(..))
            .chain(self.plain.drain(..))
            .collect();
        waiting
            .into_iter()
            .map(|attempt| Action::Drop(attempt.id))
            .collect()
    }

    fn forget(&mut self, attempt: AttemptId) {
        self.held.retain(|held| *held != attempt);
        self.admitted.retain(|admitted| *admitted != attempt);
    }

    fn begin_attempt(&mut self, attempt: AttemptId) {
        for desk in self.slots.values_mut() {
            desk.begun |= desk.current.is_some_and(|current| current.id == attempt);
        }
    }

    /// What was sent ahead takes the place; the slot will say when it begins.
    fn end(&mut self, now: Duration, attempt: AttemptId, ending: Ending) -> Vec<Action> {
        let is_at = |desk: &&mut Desk| desk.current.is_some_and(|current| current.id == attempt);
        let Some(desk) = self.slots.values_mut().find(is_at) else {
            return Vec::new();
        };
        let ended = desk.current;
        *desk = Desk {
            current: desk.ahead,
            ..Desk::default()
        };
        self.forget(attempt);
        match (ending, ended) {
            (Ending::Again { after }, Some(ended))
                if !self.cancelled && !self.is_barred(&ended) =>
            {
                let id = AttemptId {
                    attempt: attempt.attempt + 1,
                    ..attempt
                };
                self.later
                    .insert((now + after, id), Attempt { id, ..ended });
                Vec::new()
            }
            _ => self.settled(attempt).into_iter().collect(),
        }
    }

    fn take_back(&mut self, attempt: AttemptId) {
        for desk in self.slots.values_mut() {
            if desk.ahead.is_some_and(|ahead| ahead.id == attempt) {
                self.plain.extend(desk.ahead.take());
                desk.recalled = false;
            }
        }
    }

    /// All that may be done now.
    fn act(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        if self.engine == Engine::Unasked && !(self.container.is_empty() && self.held.is_empty()) {
            self.engine = Engine::Asked;
            actions.push(Action::DetectEngine);
        }
        self.look(&mut actions);
        self.admit(&mut actions);
        self.assign(&mut actions);
        self.send_ahead(&mut actions);
        self.call_back(&mut actions);
        self.open(&mut actions);
        let idle = self.running() == 0
            && self.container.is_empty()
            && self.plain.is_empty()
            && self.later.is_empty();
        if idle && !self.finished && self.slots.values().all(|desk| desk.ahead.is_none()) {
            self.finished = true;
            actions.push(Action::Finish);
        }
        actions
    }

    /// Width of the container lane that is taken now, or may be at any moment.
    fn in_container_lane(&self, width: Width) -> u32 {
        let native = self.current(Lane::Container).map(|now| weight(now, width));
        native.sum::<u32>() + count(self.admitted.len())
    }

    fn in_plain_lane(&self) -> u32 {
        let width = self.limits.plain;
        self.current(Lane::Plain)
            .map(|now| weight(now, width))
            .sum()
    }

    fn current(&self, lane: Lane) -> impl Iterator<Item = Attempt> {
        let current = self.slots.values().filter_map(|desk| desk.current);
        current.filter(move |now| now.lane == lane)
    }

    /// Width over both lanes that is left.
    fn left_together(&self) -> u32 {
        let Some(width) = self.limits.together else {
            return u32::MAX;
        };
        let current = self.slots.values().filter_map(|desk| desk.current);
        let taken: u32 = current.map(|now| weight(now, width)).sum();
        width.get().saturating_sub(taken)
    }

    /// Held attempts come before waiting ones: they occupy a slot meanwhile. Without an engine they are
    /// let go at once, to be told so.
    fn admit(&mut self, actions: &mut Vec<Action>) {
        // Behind a broken circuit nobody is held: they see for themselves.
        let broken = self.admission.as_ref().is_some_and(Admission::is_broken);
        loop {
            let room = match self.engine {
                Engine::Ready(width) => {
                    (broken || self.admits()) && self.in_container_lane(width) < width.get()
                }
                Engine::Stuck(width) => self.in_container_lane(width) < width.get(),
                Engine::Missing => true,
                Engine::Unasked | Engine::Asked => false,
            };
            let Some(attempt) = self.held.front().copied().filter(|_| room) else {
                return;
            };
            self.held.pop_front();
            self.admitted.push(attempt);
            actions.push(Action::Admit(attempt));
        }
    }

    fn may_start(&self, lane: Lane) -> bool {
        (lane == Lane::Plain || self.admits()) && self.has_room(lane)
    }

    /// The first that waits in a lane fits into it: nobody overtakes it, so that one which needs much room
    /// gets it.
    fn has_room(&self, lane: Lane) -> bool {
        let (front, width, taken) = match (lane, self.engine) {
            (Lane::Plain, _) => (self.plain.front(), self.limits.plain, self.in_plain_lane()),
            (Lane::Container, Engine::Ready(width)) => {
                (self.container.front(), width, self.in_container_lane(width))
            }
            (
                Lane::Container,
                Engine::Unasked | Engine::Asked | Engine::Stuck(_) | Engine::Missing,
            ) => return false,
        };
        front.is_some_and(|attempt| {
            let fits_together = self
                .limits
                .together
                .is_none_or(|width| weight(*attempt, width) <= self.left_together());
            fits_together && taken + weight(*attempt, width) <= width.get()
        })
    }

    /// The container lane first: its scripts are the long ones.
    fn next_lane(&self) -> Option<Lane> {
        [Lane::Container, Lane::Plain]
            .into_iter()
            .find(|lane| self.may_start(*lane))
    }

    fn assign(&mut self, actions: &mut Vec<Action>) {
        while let Some(lane) = self.next_lane() {
            let idle = self
                .slots
                .iter_mut()
                .find(|(_, desk)| desk.current.is_none() && desk.ahead.is_none());
            let Some((slot, desk)) = idle else { return };
            let queue = match lane {
                Lane::Container => &mut self.container,
                Lane::Plain => &mut self.plain,
            };
            let Some(attempt) = queue.pop_front() else {
                return;
            };
            desk.current = Some(attempt);
            desk.begun = false;
            actions.push(Action::Assign(*slot, attempt.id));
        }
    }

    /// One plain attempt ahead for a slot that runs a plain one: it may start exactly when that one ends,
    /// and takes just its place.
    fn send_ahead(&mut self, actions: &mut Vec<Action>) {
        for (slot, desk) in &mut self.slots {
            let plain = desk
                .current
                .is_some_and(|current| current.lane == Lane::Plain && current.cpus == 1);
            if plain && desk.ahead.is_none() {
                if self.plain.front().is_none_or(|front| front.cpus != 1) {
                    return;
                }
                let Some(attempt) = self.plain.pop_front() else {
                    return;
                };
                desk.ahead = Some(attempt);
                actions.push(Action::Assign(*slot, attempt.id));
            }
        }
    }

    /// What was sent ahead to a busy slot is called back when another could run it now.
    fn call_back(&mut self, actions: &mut Vec<Action>) {
        let idle = self
            .slots
            .values()
            .filter(|desk| desk.current.is_none() && desk.ahead.is_none())
            .count();
        let room = self.limits.plain.get().saturating_sub(self.in_plain_lane());
        let together = self.left_together();
        let pending = count(self.slots.values().filter(|desk| desk.recalled).count());
        let mut wanted = count(idle).min(room).min(together).saturating_sub(pending);
        for (slot, desk) in &mut self.slots {
            if let (Some(ahead), false, 1..) = (desk.ahead, desk.recalled, wanted) {
                desk.recalled = true;
                wanted -= 1;
                actions.push(Action::Recall(*slot, ahead.id));
            }
        }
    }

    /// As many slots as could be busy now.
    fn open(&mut self, actions: &mut Vec<Action>) {
        let container = match self.engine {
            Engine::Ready(width) if self.admits() => count(self.container.len())
                .min(width.get().saturating_sub(self.in_container_lane(width))),
            Engine::Ready(_)
            | Engine::Unasked
            | Engine::Asked
            | Engine::Stuck(_)
            | Engine::Missing => 0,
        };
        let ahead = self
            .slots
            .values()
            .filter(|desk| desk.ahead.is_some())
            .count();
        let plain = count(self.plain.len() + ahead)
            .min(self.limits.plain.get().saturating_sub(self.in_plain_lane()));
        let together = self.left_together();
        let idle = count(
            self.slots
                .values()
                .filter(|desk| desk.current.is_none())
                .count(),
        );
        let wanted = (container + plain).min(together);
        for _ in idle + self.opening..wanted {
            self.opening += 1;
            self.last_slot += 1;
            actions.push(Action::OpenSlot(SlotId(self.last_slot)));
        }
    }
}

fn turned(turned: Option<Turned>) -> Vec<Action> {
    turned.map(Action::Turned).into_iter().collect()
}

/// What an attempt takes of so much width: never more than there is, or it would wait for ever.
fn weight(attempt: Attempt, width: Width) -> u32 {
    attempt.cpus.clamp(1, width.get())
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[path = "step_tests.rs"]
mod tests;
