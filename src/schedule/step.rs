//! The scheduler: `(state, now, news) → actions`. What waits is the queue's, what is left is the room's.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::Duration;

use super::admission::{Admission, AdmissionRules, Turned};
use super::desks::Desks;
use super::lanes::{Limits, Trial, Width};
use super::laps::{Laps, Order, Stop};
use super::news::{Action, Ending, News};
use super::queue::{Attempt, Queue};
use super::room::Room;
use super::shut::Shut;
use crate::model::{AttemptId, Lane, SlotId};

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

/// Behind an attempt that takes longer than this none is sent ahead: it could go elsewhere sooner, and the
/// pause between the two does not matter.
const SHORT: Duration = Duration::from_millis(100);

/// The state of a run's schedule.
#[derive(Debug)]
pub struct Scheduler {
    limits: Limits,
    laps: Laps,
    engine: Engine,
    queue: Queue,
    /// Have their turn, and wait for a slot.
    granted: VecDeque<Attempt>,
    desks: Desks,
    opening: u32,
    last_slot: u32,
    /// Plain attempts that wait for the container lane, in the order in which they called.
    held: VecDeque<AttemptId>,
    /// Plain attempts that the container lane has admitted.
    admitted: Vec<AttemptId>,
    /// The container lane's door; without one it stands open.
    pub(super) admission: Option<Admission>,
    /// The time of the step that is taken.
    now: Duration,
    failures: u32,
    stop: Option<Stop>,
    /// The order of starts is prescribed as yet.
    strict: bool,
    finished: bool,
}

impl Scheduler {
    /// A schedule for these trials.
    pub fn new(
        trials: impl IntoIterator<Item = Trial>,
        limits: Limits,
        laps: Laps,
        order: Order,
    ) -> Self {
        let trials: Vec<Trial> = trials.into_iter().collect();
        let patience = limits.together.unwrap_or(limits.plain);
        let queue = Queue::new(&trials, &laps, order, patience.get());
        Scheduler {
            strict: queue.is_strict(),
            queue,
            limits,
            laps,
            engine: Engine::Unasked,
            granted: VecDeque::new(),
            desks: Desks::default(),
            opening: 0,
            last_slot: 0,
            held: VecDeque::new(),
            admitted: Vec::new(),
            admission: None,
            now: Duration::ZERO,
            failures: 0,
            stop: None,
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
        let mut actions = self.take(now, news);
        actions.extend(self.give_up_lane());
        self.queue.wake(now);
        if self.laps.until.take_if(|until| *until <= now).is_some() {
            let lanes = [Lane::Container, Lane::Plain];
            actions.extend(self.shut(&lanes, Shut::Further, None));
        }
        actions.extend(self.act());
        actions
    }

    /// When something is due without any news: [`News::Tick`] is wanted then.
    pub fn next_wake(&self) -> Option<Duration> {
        let end = self.laps.until.filter(|_| !self.finished);
        let waits = self.queue.has(Lane::Container) || !self.held.is_empty();
        let door = self.admission.as_ref().filter(|_| waits);
        let look = door.and_then(Admission::next_wake);
        self.queue
            .next_due()
            .into_iter()
            .chain(end)
            .chain(look)
            .min()
    }

    /// Why not everything began, if something made an end of it.
    pub fn stopped(&self) -> Option<Stop> {
        self.stop
    }

    fn take(&mut self, now: Duration, news: News) -> Vec<Action> {
        match news {
            News::EngineReady(width) => {
                self.engine = Engine::Ready(width);
                let narrow = Room::is_container_narrow(&self.limits, width);
                self.queue.prefer_container(narrow);
            }
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
                return self.shut(&[Lane::Container], Shut::All, Some(Action::GiveUp));
            }
            News::EngineDown => {
                if let Engine::Ready(width) = self.engine {
                    self.engine = Engine::Stuck(width);
                }
                return self.shut(&[Lane::Container], Shut::All, Some(Action::Drop));
            }
            News::SlotOpened(slot) => {
                self.opening = self.opening.saturating_sub(1);
                self.desks.open(slot);
            }
            News::SlotLost(slot) => return self.lose(now, slot),
            News::Started(attempt) => self.desks.begin(attempt),
            News::Ended { attempt, ending } => return self.end(now, attempt, ending),
            News::Recalled(attempt) => {
                let back = self.desks.take_back(attempt);
                return self.put_back(back);
            }
            News::Held(attempt) => self.held.push_back(attempt),
            News::Cancelled => return self.cancel(),
            News::Tick => {}
        }
        Vec::new()
    }

    fn lose(&mut self, now: Duration, slot: SlotId) -> Vec<Action> {
        let Some(desk) = self.desks.close(slot) else {
            self.opening = self.opening.saturating_sub(1);
            return Vec::new();
        };
        if let Some(current) = desk.current {
            self.forget(current.id);
        }
        let lost = desk.current.filter(|_| desk.begun);
        let mut actions =
            lost.map_or_else(Vec::new, |lost| self.conclude(now, lost, Ending::Failed));
        let untouched = desk
            .current
            .filter(|_| !desk.begun)
            .into_iter()
            .chain(desk.ahead);
        actions.extend(self.put_back(untouched));
        actions
    }

    /// What has not begun is as it was before.
    fn put_back(&mut self, attempts: impl IntoIterator<Item = Attempt>) -> Vec<Action> {
        let mut actions = Vec::new();
        for attempt in attempts {
            if !self.queue.put_back(attempt) {
                if self.stop.is_some() || matches!(self.engine, Engine::Stuck(_)) {
                    actions.push(Action::Drop(attempt.id));
                }
                actions.extend(self.settle(attempt.id.trial));
            }
        }
        actions
    }

    fn end(&mut self, now: Duration, attempt: AttemptId, ending: Ending) -> Vec<Action> {
        self.forget(attempt);
        let ended = self.desks.end(attempt);
        ended.map_or_else(Vec::new, |ended| self.conclude(now, ended, ending))
    }

    fn conclude(&mut self, now: Duration, ended: Attempt, ending: Ending) -> Vec<Action> {
        if let Ending::Again { after } = ending
            && self.queue.try_again(ended, now + after)
        {
            return Vec::new();
        }
        self.queue.tally.over(ended.id.trial);
        let mut actions: Vec<Action> = self.settle(ended.id.trial).into_iter().collect();
        if ending == Ending::Failed {
            self.failures += 1;
            let failures = self.laps.failures.map(NonZeroU32::get);
            if failures == Some(self.failures) && self.stop.is_none() {
                self.stop = Some(Stop::Failures(self.failures));
                let lanes = [Lane::Container, Lane::Plain];
                actions.extend(self.shut(&lanes, Shut::Laps, Some(Action::Drop)));
            }
        }
        actions
    }

    /// Nothing that waits will start; slots execute nothing more after what they have begun.
    fn cancel(&mut self) -> Vec<Action> {
        self.stop.get_or_insert(Stop::Cancelled);
        let lanes = [Lane::Container, Lane::Plain];
        let mut actions = self.shut(&lanes, Shut::All, Some(Action::Drop));
        let ahead = self.desks.take_all_ahead();
        actions.extend(self.put_back(ahead));
        actions
    }

    /// Some of these lanes will not begin any more, and each trial that loses something is told `told`.
    fn shut(
        &mut self,
        lanes: &[Lane],
        shut: Shut,
        told: Option<fn(AttemptId) -> Action>,
    ) -> Vec<Action> {
        self.reconsider();
        let mut actions = Vec::new();
        let mut lost = Vec::new();
        for lane in lanes {
            lost.extend(self.queue.shut(*lane, shut));
        }
        for lost in lost {
            actions.extend(told.map(|told| told(lost)));
            actions.extend(self.settle(lost.trial));
        }
        actions
    }

    fn settle(&mut self, trial: u32) -> Option<Action> {
        self.queue
            .tally
            .settle(trial)
            .then_some(Action::Settle(trial))
    }

    fn forget(&mut self, attempt: AttemptId) {
        self.held.retain(|held| *held != attempt);
        self.admitted.retain(|admitted| *admitted != attempt);
    }

    /// All that may be done now.
    fn act(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        if !self.strict {
            self.reconsider();
        }
        let needed = || self.queue.has(Lane::Container) || !self.held.is_empty();
        if self.engine == Engine::Unasked && needed() {
            self.engine = Engine::Asked;
            actions.push(Action::DetectEngine);
        }
        let mut room = self.room();
        self.look(&room, &mut actions);
        self.admit(&mut room, &mut actions);
        self.grant(&mut room);
        self.seat(&mut actions);
        self.send_ahead(&room, &mut actions);
        self.call_back(&room, &mut actions);
        if self.queue.tally.is_over() && !self.finished {
            self.finished = true;
            actions.push(Action::Finish);
        }
        actions
    }

    fn room(&self) -> Room {
        let container = match self.engine {
            Engine::Ready(width) | Engine::Stuck(width) => Some(width),
            Engine::Unasked | Engine::Asked | Engine::Missing => None,
        };
        let mut room = Room::all(&self.limits, container);
        if !self.admits() {
            room.close_door();
        }
        for attempt in self.desks.current().chain(self.granted.iter().copied()) {
            room.take(self.queue.needs(attempt));
        }
        self.admitted.iter().for_each(|_| room.admit());
        (0..self.desks.ahead()).for_each(|_| room.occupy());
        room
    }

    /// Held attempts come before waiting ones: they occupy a slot meanwhile. Without an engine, or with one
    /// that is given up, they are let go, to be told so or to see for themselves.
    fn admit(&mut self, room: &mut Room, actions: &mut Vec<Action>) {
        while let Some(attempt) = self.held.front().copied() {
            let enters = match self.engine {
                Engine::Missing => true,
                Engine::Ready(_) if !self.is_broken() && !self.admits() => false,
                Engine::Ready(_) | Engine::Stuck(_) => {
                    room.has_container() && self.queue.may_enter(room)
                }
                Engine::Unasked | Engine::Asked => false,
            };
            if !enters {
                return;
            }
            self.held.pop_front();
            self.admitted.push(attempt);
            room.admit();
            actions.push(Action::Admit(attempt));
        }
    }

    /// While they wait for a slot, somebody may have come who goes before them.
    fn reconsider(&mut self) {
        for attempt in std::mem::take(&mut self.granted) {
            self.queue.put_back(attempt);
        }
    }

    /// Whoever has the turn gets it, whether there is a slot yet or not.
    fn grant(&mut self, room: &mut Room) {
        loop {
            // A prescribed order is one of beginnings: each waits until the one before it has begun.
            let sure = self.granted.is_empty() && self.desks.have_begun();
            self.strict &= self.queue.is_strict() || !sure;
            if self.strict && !sure {
                return;
            }
            let Some(attempt) = self.queue.take(room) else {
                return;
            };
            room.take(self.queue.needs(attempt));
            self.granted.push_back(attempt);
        }
    }

    /// Idle slots take what was granted; for what is left, slots are opened.
    fn seat(&mut self, actions: &mut Vec<Action>) {
        while self.desks.has_idle()
            && let Some(attempt) = self.granted.pop_front()
        {
            let slot = self.desks.seat(attempt);
            actions.extend(slot.map(|slot| Action::Assign(slot, attempt.id)));
        }
        for _ in self.opening..count(self.granted.len()) {
            self.opening += 1;
            self.last_slot += 1;
            actions.push(Action::OpenSlot(SlotId(self.last_slot)));
        }
    }

    /// One plain attempt ahead for a slot that runs a plain one: it may start exactly when that one ends,
    /// and takes just its place.
    fn send_ahead(&mut self, room: &Room, actions: &mut Vec<Action>) {
        // What is at a slot may begin before anybody hears of a failure.
        if self.strict || self.laps.failures.is_some() {
            return;
        }
        for (slot, current) in self.desks.with_room_ahead() {
            let needs = self.queue.needs(current);
            let expected = self.queue.tally.expected(current.id.trial);
            let alike = needs.lane == Lane::Plain && needs.cpus == 1 && !needs.exclusive;
            if !alike || expected.is_some_and(|expected| expected > SHORT) {
                continue;
            }
            let Some(attempt) = self.queue.take_ahead(room) else {
                return;
            };
            self.desks.send_ahead(slot, attempt);
            actions.push(Action::Assign(slot, attempt.id));
        }
    }

    /// What was sent ahead to a busy slot is called back when it could run now, or must not run any more.
    fn call_back(&mut self, room: &Room, actions: &mut Vec<Action>) {
        let room = room.plain() as usize;
        let called = self.desks.call_back(room, |_| true);
        let unwanted = |attempt| self.queue.is_unwanted(attempt);
        let unwanted = self.desks.call_back(usize::MAX, unwanted);
        let recall = |(slot, attempt)| Action::Recall(slot, attempt);
        actions.extend(called.into_iter().chain(unwanted).map(recall));
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
        let runs = !self.granted.is_empty() || self.desks.current().next().is_some();
        !runs && !self.queue.has(Lane::Plain)
    }

    /// Engine and machine are well, as far as is known.
    fn admits(&self) -> bool {
        let door = self.admission.as_ref();
        door.is_none_or(|door| door.admits(self.now))
    }

    fn is_broken(&self) -> bool {
        self.admission.as_ref().is_some_and(Admission::is_broken)
    }

    /// A look, where somebody could start but for it.
    fn look(&mut self, room: &Room, actions: &mut Vec<Action>) {
        let held = !self.held.is_empty() && room.has_container();
        let ready = matches!(self.engine, Engine::Ready(_));
        let wanted = ready && (held || self.queue.waits_at_door(room));
        let (now, alone) = (self.now, self.is_alone());
        let door = self.admission.as_mut().filter(|_| wanted);
        if door.is_some_and(|door| door.begin_look(now, alone)) {
            actions.push(Action::Look);
        }
    }
}

fn turned(turned: Option<Turned>) -> Vec<Action> {
    turned.map(Action::Turned).into_iter().collect()
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
