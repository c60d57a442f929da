//! The scheduler: `(state, news) → actions`.

use std::collections::{BTreeMap, VecDeque};

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
    Ended(AttemptId),
    /// A recalled attempt came back untouched.
    Recalled(AttemptId),
    /// A plain attempt called the engine and waits.
    Held(AttemptId),
    /// Nothing more may start.
    Cancelled,
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
    /// The attempt cannot run: there is no engine for it.
    GiveUp(AttemptId),
    /// Never started, because the run was cancelled.
    Drop(AttemptId),
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
    cancelled: bool,
    finished: bool,
}

impl Scheduler {
    /// A schedule for these attempts, in this order within each lane.
    pub fn new(attempts: impl IntoIterator<Item = Attempt>, limits: Limits) -> Self {
        let (container, plain) = attempts
            .into_iter()
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
            cancelled: false,
            finished: false,
        }
    }

    /// The first actions, before anything has happened.
    pub fn begin(&mut self) -> Vec<Action> {
        self.act()
    }

    /// One step.
    pub fn step(&mut self, news: News) -> Vec<Action> {
        let mut actions = self.take(news);
        actions.extend(self.act());
        actions
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

    fn take(&mut self, news: News) -> Vec<Action> {
        match news {
            News::EngineReady(width) => self.engine = Engine::Ready(width),
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
                let dropped = self.container.drain(..);
                return dropped.map(|attempt| Action::Drop(attempt.id)).collect();
            }
            News::SlotOpened(slot) => {
                self.opening = self.opening.saturating_sub(1);
                self.slots.insert(slot, Desk::default());
            }
            News::SlotLost(slot) => return self.lose(slot),
            News::Started(attempt) => self.begin_attempt(attempt),
            News::Ended(attempt) => self.end(attempt),
            News::Recalled(attempt) => self.take_back(attempt),
            News::Held(attempt) => self.held.push_back(attempt),
            News::Cancelled => return self.cancel(),
        }
        Vec::new()
    }

    fn lose(&mut self, slot: SlotId) -> Vec<Action> {
        let Some(desk) = self.slots.remove(&slot) else {
            self.opening = self.opening.saturating_sub(1);
            return Vec::new();
        };
        if let Some(current) = desk.current {
            self.forget(current.id);
        }
        let untouched = [desk.ahead, desk.current.filter(|_| !desk.begun)]
            .into_iter()
            .flatten();
        if self.cancelled {
            return untouched.map(|attempt| Action::Drop(attempt.id)).collect();
        }
        // What had not begun is as it was before, first in its lane.
        let mut dropped = Vec::new();
        for attempt in untouched {
            match attempt.lane {
                Lane::Container if matches!(self.engine, Engine::Stuck(_)) => {
                    dropped.push(Action::Drop(attempt.id));
                }
                Lane::Container => self.container.push_front(attempt),
                Lane::Plain => self.plain.push_front(attempt),
            }
        }
        dropped
    }

    /// Nothing that waits will start; slots execute nothing more after what they have begun.
    fn cancel(&mut self) -> Vec<Action> {
        self.cancelled = true;
        let ahead = self.slots.values_mut().filter_map(|desk| desk.ahead.take());
        let waiting: Vec<Attempt> = ahead
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
    fn end(&mut self, attempt: AttemptId) {
        for desk in self.slots.values_mut() {
            if desk.current.is_some_and(|current| current.id == attempt) {
                *desk = Desk {
                    current: desk.ahead,
                    ..Desk::default()
                };
            }
        }
        self.forget(attempt);
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
        self.admit(&mut actions);
        self.assign(&mut actions);
        self.send_ahead(&mut actions);
        self.call_back(&mut actions);
        self.open(&mut actions);
        let idle = self.running() == 0 && self.container.is_empty() && self.plain.is_empty();
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
        loop {
            let room = match self.engine {
                Engine::Ready(width) | Engine::Stuck(width) => {
                    self.in_container_lane(width) < width.get()
                }
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

    /// The first that waits in a lane may start: nobody overtakes it, so that one which needs much room
    /// gets it.
    fn may_start(&self, lane: Lane) -> bool {
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
            Engine::Ready(width) => count(self.container.len())
                .min(width.get().saturating_sub(self.in_container_lane(width))),
            Engine::Unasked | Engine::Asked | Engine::Stuck(_) | Engine::Missing => 0,
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
