//! A world in simulated time for the scheduler: slots whose scripts take as long as they are told, call the
//! engine when they should not, fail, are tried again, and die. It watches every rule while it runs.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::time::Duration;

use super::super::{
    Action, Ending, Laps, Limits, Needs, News, Order, Scheduler, Stop, Trial, Width,
};
use crate::model::{AttemptId, Lane, SlotId};

/// What a simulated script does, in every lap.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each may happen with each other"
)]
pub(super) struct Script {
    pub(super) needs: Needs,
    pub(super) takes: Duration,
    /// How long it is expected to take.
    pub(super) expected: Option<Duration>,
    /// Calls the engine in the middle, although it is in the plain lane.
    pub(super) calls: bool,
    /// Takes its slot along when it ends.
    pub(super) crashes: bool,
    /// So many attempts of every lap are tried again.
    pub(super) again: u32,
    pub(super) fails: bool,
}

/// A suite and the machine that it runs on.
#[derive(Debug, Clone)]
pub(super) struct Suite {
    pub(super) scripts: Vec<Script>,
    pub(super) limits: Limits,
    pub(super) laps: Laps,
    pub(super) order: Order,
    /// The width of the container lane; `None`: there is no engine.
    pub(super) engine: Option<Width>,
    /// How long things take that are not scripts.
    pub(super) delay: Duration,
    pub(super) cancel: Option<Duration>,
    pub(super) engine_down: Option<Duration>,
}

/// What came of a run.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Every attempt, its begin and its end, in the order of ends.
    pub(super) spans: Vec<(AttemptId, Duration, Duration)>,
    /// Every attempt in the order of begins.
    pub(super) begun: Vec<AttemptId>,
    pub(super) given_up: Vec<AttemptId>,
    pub(super) dropped: Vec<AttemptId>,
    pub(super) settled: Vec<u32>,
    pub(super) finished: Option<Duration>,
    pub(super) stopped: Option<Stop>,
    pub(super) trace: Vec<(Duration, Action)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Occurrence {
    Engine,
    Opened(SlotId),
    Calls(SlotId, AttemptId),
    Ends(SlotId, AttemptId),
    Recalled(SlotId, AttemptId),
    Wake,
    Cancel,
    EngineDown,
}

#[derive(Debug)]
struct World<'a> {
    suite: &'a Suite,
    scheduler: Scheduler,
    now: Duration,
    events: BinaryHeap<Reverse<(Duration, u64, Occurrence)>>,
    serial: u64,
    /// For each slot what was sent, in order; the first is executed, if the flag says so.
    desks: BTreeMap<SlotId, (bool, Vec<AttemptId>)>,
    /// Those that use the engine.
    using: BTreeSet<AttemptId>,
    begun: BTreeMap<AttemptId, Duration>,
    cancelled: bool,
    /// Died, and nobody has said so.
    dead: Option<SlotId>,
    seen: Seen,
}

pub(super) fn width(number: u32) -> Width {
    Width::new(number).unwrap()
}

pub(super) fn ms(number: u64) -> Duration {
    Duration::from_millis(number)
}

/// A plain script that passes.
pub(super) fn plain(takes: u64) -> Script {
    let needs = Needs {
        lane: Lane::Plain,
        cpus: 1,
        exclusive: false,
        groups: Vec::new(),
    };
    Script {
        needs,
        takes: ms(takes),
        expected: None,
        calls: false,
        crashes: false,
        again: 0,
        fails: false,
    }
}

/// The same in the container lane.
pub(super) fn container(takes: u64) -> Script {
    let mut script = plain(takes);
    script.needs.lane = Lane::Container;
    script
}

/// A suite on two processors, with an engine that takes one script at a time.
pub(super) fn suite(scripts: impl Into<Vec<Script>>) -> Suite {
    Suite {
        scripts: scripts.into(),
        limits: Limits {
            plain: width(2),
            together: None,
            groups: Vec::new(),
        },
        laps: Laps::default(),
        order: Order::Given,
        engine: Some(width(1)),
        delay: ms(1),
        cancel: None,
        engine_down: None,
    }
}

pub(super) fn id(trial: u32, lap: u32) -> AttemptId {
    let attempt = 1;
    AttemptId {
        trial,
        lap,
        attempt,
    }
}

impl Suite {
    pub(super) fn script(&self, trial: u32) -> &Script {
        &self.scripts[trial as usize - 1]
    }

    pub(super) fn trials(&self) -> Vec<Trial> {
        let trial = |(number, script): (u32, &Script)| Trial {
            number,
            needs: script.needs.clone(),
            expected: script.expected,
        };
        (1..).zip(&self.scripts).map(trial).collect()
    }

    pub(super) fn run(&self) -> Seen {
        let laps = self.laps;
        let scheduler =
            Scheduler::new(self.trials(), self.limits.clone(), laps, self.order.clone());
        let mut world = World {
            suite: self,
            scheduler,
            now: Duration::ZERO,
            events: BinaryHeap::new(),
            serial: 0,
            desks: BTreeMap::new(),
            using: BTreeSet::new(),
            begun: BTreeMap::new(),
            cancelled: false,
            dead: None,
            seen: Seen::default(),
        };
        let at = [
            (self.cancel, Occurrence::Cancel),
            (self.engine_down, Occurrence::EngineDown),
        ];
        for (at, what) in at {
            if let Some(at) = at {
                world.later(at, what);
            }
        }
        let actions = world.scheduler.begin();
        world.perform(actions);
        while let Some(Reverse((at, _, occurrence))) = world.events.pop() {
            world.now = at;
            if world.seen.finished.is_none() {
                world.occur(occurrence);
            }
        }
        world.seen.stopped = world.scheduler.stopped();
        world.seen
    }
}

impl World<'_> {
    fn later(&mut self, after: Duration, occurrence: Occurrence) {
        self.serial += 1;
        let event = (self.now + after, self.serial, occurrence);
        self.events.push(Reverse(event));
    }

    fn tell(&mut self, news: News) {
        let actions = self.scheduler.step(self.now, news);
        self.perform(actions);
        if let Some(wake) = self.scheduler.next_wake() {
            self.later(wake.saturating_sub(self.now), Occurrence::Wake);
        }
    }

    fn perform(&mut self, actions: Vec<Action>) {
        for action in actions {
            assert_eq!(self.seen.finished, None, "{action:?} after the end");
            self.seen.trace.push((self.now, action));
            let delay = self.suite.delay;
            match action {
                Action::DetectEngine => self.later(delay * 5, Occurrence::Engine),
                Action::OpenSlot(slot) => self.later(delay, Occurrence::Opened(slot)),
                Action::Assign(slot, _) if self.dead == Some(slot) => {}
                Action::Assign(slot, attempt) => {
                    assert!(!self.cancelled, "{attempt} after the cancel");
                    let (_, desk) = self.desks.get_mut(&slot).expect("the slot is open");
                    desk.push(attempt);
                    if desk.len() == 1 {
                        self.execute(slot, attempt);
                    }
                }
                Action::Recall(slot, attempt) => {
                    self.later(delay, Occurrence::Recalled(slot, attempt));
                }
                Action::Admit(attempt) => self.admit(attempt),
                Action::GiveUp(attempt) => self.seen.given_up.push(attempt),
                Action::Drop(attempt) => self.seen.dropped.push(attempt),
                Action::Settle(trial) => {
                    let of_it = |id: &&AttemptId| id.trial == trial;
                    assert_eq!(self.begun.keys().find(of_it), None, "{trial} is settled");
                    self.seen.settled.push(trial);
                }
                Action::Look | Action::Turned(_) => panic!("there is no door"),
                Action::Finish => self.seen.finished = Some(self.now),
            }
            self.watch();
        }
    }

    fn admit(&mut self, attempt: AttemptId) {
        self.using.insert(attempt);
        let has = |desk: &&(bool, Vec<AttemptId>)| desk.1.first() == Some(&attempt);
        let found = self.desks.iter().find(|(_, desk)| has(desk));
        let slot = *found.expect("it runs").0;
        let rest = self.suite.script(attempt.trial).takes / 2;
        self.later(rest, Occurrence::Ends(slot, attempt));
    }

    fn execute(&mut self, slot: SlotId, attempt: AttemptId) {
        let settled = self.seen.settled.contains(&attempt.trial);
        assert!(!settled, "{attempt} of a settled trial");
        let script = self.suite.script(attempt.trial);
        if script.needs.lane == Lane::Container {
            self.using.insert(attempt);
        }
        assert_eq!(
            self.begun.insert(attempt, self.now),
            None,
            "{attempt} runs twice"
        );
        self.seen.begun.push(attempt);
        if script.calls && script.needs.lane == Lane::Plain {
            self.later(script.takes / 2, Occurrence::Calls(slot, attempt));
        } else {
            self.later(script.takes, Occurrence::Ends(slot, attempt));
        }
        self.tell(News::Started(attempt));
    }

    fn occur(&mut self, occurrence: Occurrence) {
        match occurrence {
            Occurrence::Engine => match self.suite.engine {
                Some(width) => self.tell(News::EngineReady(width)),
                None => self.tell(News::NoEngine),
            },
            Occurrence::Opened(slot) => {
                self.desks.insert(slot, (true, Vec::new()));
                self.tell(News::SlotOpened(slot));
            }
            Occurrence::Calls(_, attempt) => self.tell(News::Held(attempt)),
            Occurrence::Recalled(slot, attempt) => {
                let Some((_, desk)) = self.desks.get_mut(&slot) else {
                    return;
                };
                if desk.first() != Some(&attempt) && desk.contains(&attempt) {
                    desk.retain(|other| *other != attempt);
                    self.tell(News::Recalled(attempt));
                }
            }
            Occurrence::Ends(slot, attempt) => self.end(slot, attempt),
            Occurrence::Wake => {
                if self
                    .scheduler
                    .next_wake()
                    .is_some_and(|wake| wake <= self.now)
                {
                    self.tell(News::Tick);
                }
            }
            Occurrence::EngineDown => self.tell(News::EngineDown),
            Occurrence::Cancel => {
                self.cancelled = true;
                for (_, desk) in self.desks.values_mut() {
                    desk.truncate(1);
                }
                self.tell(News::Cancelled);
            }
        }
    }

    fn end(&mut self, slot: SlotId, attempt: AttemptId) {
        let script = self.suite.script(attempt.trial);
        self.using.remove(&attempt);
        let begin = self.begun.remove(&attempt).unwrap();
        self.seen.spans.push((attempt, begin, self.now));
        let ending = if attempt.attempt <= script.again {
            Ending::Again {
                after: self.suite.delay * 3,
            }
        } else if script.fails {
            Ending::Failed
        } else {
            Ending::Fine
        };
        if script.crashes {
            self.desks.remove(&slot);
            // Whether the driver says so or not, it is over.
            if script.again > 0 || script.fails {
                self.tell_of_the_dead(News::Ended { attempt, ending }, slot);
            } else {
                self.tell(News::SlotLost(slot));
            }
            return;
        }
        let (_, desk) = self.desks.get_mut(&slot).unwrap();
        desk.remove(0);
        let next = desk.first().copied();
        self.tell(News::Ended { attempt, ending });
        if let Some(next) = next {
            self.execute(slot, next);
        }
    }

    /// What is sent to a slot between its death and the news of it goes nowhere.
    fn tell_of_the_dead(&mut self, news: News, slot: SlotId) {
        self.dead = Some(slot);
        self.tell(news);
        self.dead = None;
        if self.seen.finished.is_none() {
            self.tell(News::SlotLost(slot));
        }
    }

    /// No limit is ever passed.
    fn watch(&self) {
        let limits = &self.suite.limits;
        let weigh = |of: &mut dyn Iterator<Item = &AttemptId>, width: Width| -> u32 {
            of.map(|id| self.suite.script(id.trial).needs.cpus.clamp(1, width.get()))
                .sum()
        };
        let is_plain = |id: &&AttemptId| self.suite.script(id.trial).needs.lane == Lane::Plain;
        let plain = weigh(&mut self.begun.keys().filter(is_plain), limits.plain);
        assert!(plain <= limits.plain.get(), "{plain} in the plain lane");
        if let Some(width) = limits.together {
            let together = weigh(&mut self.begun.keys(), width);
            assert!(together <= width.get(), "{together} together");
        }
        if let Some(width) = self.suite.engine {
            let (admitted, native): (Vec<&AttemptId>, Vec<_>) =
                self.using.iter().partition(is_plain);
            let admitted = u32::try_from(admitted.len()).unwrap();
            let container = admitted + weigh(&mut native.into_iter(), width);
            assert!(
                container <= width.get(),
                "{container} in the container lane"
            );
        }
        for (group, limit) in limits.groups.iter().enumerate() {
            let inside =
                |id: &&AttemptId| self.suite.script(id.trial).needs.groups.contains(&group);
            let inside = self.begun.keys().filter(inside).count();
            assert!(inside <= limit.get() as usize, "{inside} in group {group}");
        }
        let alone = |id: &AttemptId| self.suite.script(id.trial).needs.exclusive;
        let company = self.begun.len() > 1;
        assert!(
            !(company && self.begun.keys().any(alone)),
            "{:?} beside one that is alone",
            self.begun
        );
    }
}
