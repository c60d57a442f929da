//! The scheduler in simulated time: a world of slots that take as long as a seed says, call the engine
//! when they should not, and die.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use proptest::prelude::*;

use super::*;

/// What a simulated attempt does.
#[derive(Debug, Clone, Copy)]
struct Behavior {
    lane: Lane,
    cpus: u32,
    ticks: u64,
    /// Calls the engine although it is in the plain lane.
    calls: bool,
    /// Takes its slot along.
    crashes: bool,
}

#[derive(Debug)]
struct Simulation {
    scheduler: Scheduler,
    limits: Limits,
    behaviors: BTreeMap<AttemptId, Behavior>,
    now: u64,
    events: BinaryHeap<Reverse<(u64, u64, Occurrence)>>,
    serial: u64,
    /// Per slot: what was sent, in order; the first is executed.
    desks: BTreeMap<SlotId, Vec<AttemptId>>,
    engine: Option<Width>,
    using: BTreeSet<AttemptId>,
    over: Vec<AttemptId>,
    given_up: Vec<AttemptId>,
    settled: Vec<u32>,
    finished: bool,
    peak: BTreeMap<Lane, usize>,
    peak_together: usize,
    trace: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Occurrence {
    Engine,
    Opened(SlotId),
    Calls(SlotId, AttemptId),
    Ends(SlotId, AttemptId),
    Recalled(SlotId, AttemptId),
}

const ZERO: Duration = Duration::ZERO;

fn ended(attempt: AttemptId) -> News {
    let ending = Ending::Fine;
    News::Ended { attempt, ending }
}

fn id(number: usize) -> AttemptId {
    AttemptId {
        trial: u32::try_from(number + 1).unwrap(),
        lap: 1,
        attempt: 1,
    }
}

fn width(number: u32) -> Width {
    Width::new(number).unwrap()
}

impl Simulation {
    fn run(behaviors: &[Behavior], limits: Limits, engine: Option<Width>) -> Simulation {
        let attempts = behaviors.iter().enumerate().map(|(n, behavior)| Attempt {
            id: id(n),
            lane: behavior.lane,
            cpus: behavior.cpus,
        });
        let mut simulation = Simulation {
            scheduler: Scheduler::new(attempts, limits),
            limits,
            behaviors: behaviors
                .iter()
                .enumerate()
                .map(|(n, behavior)| (id(n), *behavior))
                .collect(),
            now: 0,
            events: BinaryHeap::new(),
            serial: 0,
            desks: BTreeMap::new(),
            engine,
            using: BTreeSet::new(),
            over: Vec::new(),
            given_up: Vec::new(),
            settled: Vec::new(),
            finished: false,
            peak: BTreeMap::new(),
            peak_together: 0,
            trace: Vec::new(),
        };
        let actions = simulation.scheduler.begin();
        simulation.perform(actions);
        while let Some(Reverse((at, _, occurrence))) = simulation.events.pop() {
            simulation.now = at;
            simulation.occur(occurrence);
        }
        simulation
    }

    fn later(&mut self, ticks: u64, occurrence: Occurrence) {
        self.serial += 1;
        self.events
            .push(Reverse((self.now + ticks, self.serial, occurrence)));
    }

    fn tell(&mut self, news: News) {
        let actions = self.scheduler.step(Duration::from_secs(self.now), news);
        self.perform(actions);
    }

    fn perform(&mut self, actions: Vec<Action>) {
        for action in actions {
            self.trace.push(format!("{} {action:?}", self.now));
            match action {
                Action::DetectEngine => self.later(5, Occurrence::Engine),
                Action::OpenSlot(slot) => self.later(1, Occurrence::Opened(slot)),
                Action::Assign(slot, attempt) => {
                    let desk = self
                        .desks
                        .get_mut(&slot)
                        .expect("only open slots are assigned to");
                    desk.push(attempt);
                    if desk.len() == 1 {
                        self.execute(slot, attempt);
                    }
                }
                Action::Recall(slot, attempt) => self.later(1, Occurrence::Recalled(slot, attempt)),
                Action::Admit(attempt) => {
                    self.using.insert(attempt);
                    let slot = *self
                        .desks
                        .iter()
                        .find(|(_, desk)| desk.first() == Some(&attempt))
                        .unwrap()
                        .0;
                    let ticks = self.behaviors[&attempt].ticks;
                    self.later(ticks, Occurrence::Ends(slot, attempt));
                }
                Action::GiveUp(attempt) | Action::Drop(attempt) => self.given_up.push(attempt),
                Action::Settle(trial) => self.settled.push(trial),
                Action::Look | Action::Turned(_) => panic!("there is no door"),
                Action::Finish => self.finished = true,
            }
            self.measure();
        }
    }

    /// The width that is taken, each attempt taking no more than there is.
    fn measure(&mut self) {
        let weight = |attempt: &AttemptId, width: Option<Width>| {
            let cpus = self.behaviors[attempt].cpus;
            width.map_or(1, |width| cpus.min(width.get()) as usize)
        };
        let current: Vec<AttemptId> = self
            .desks
            .values()
            .filter_map(|desk| desk.first().copied())
            .collect();
        let together = current
            .iter()
            .map(|attempt| weight(attempt, self.limits.together))
            .sum();
        let is_plain = |attempt: &&AttemptId| self.behaviors[attempt].lane == Lane::Plain;
        let plain = current
            .iter()
            .filter(is_plain)
            .map(|attempt| weight(attempt, Some(self.limits.plain)))
            .sum();
        let (admitted, native): (Vec<&AttemptId>, Vec<&AttemptId>) =
            self.using.iter().partition(is_plain);
        let container = admitted.len()
            + native
                .iter()
                .map(|attempt| weight(attempt, self.engine))
                .sum::<usize>();
        self.peak_together = self.peak_together.max(together);
        for (lane, now) in [(Lane::Container, container), (Lane::Plain, plain)] {
            let peak = self.peak.entry(lane).or_default();
            *peak = now.max(*peak);
        }
    }

    fn execute(&mut self, slot: SlotId, attempt: AttemptId) {
        let behavior = self.behaviors[&attempt];
        if behavior.lane == Lane::Container {
            self.using.insert(attempt);
        }
        let next = if behavior.calls && behavior.lane == Lane::Plain {
            Occurrence::Calls(slot, attempt)
        } else {
            Occurrence::Ends(slot, attempt)
        };
        self.later(behavior.ticks, next);
        self.tell(News::Started(attempt));
    }

    fn occur(&mut self, occurrence: Occurrence) {
        match occurrence {
            Occurrence::Engine => match self.engine {
                Some(width) => self.tell(News::EngineReady(width)),
                None => self.tell(News::NoEngine),
            },
            Occurrence::Opened(slot) => {
                self.desks.insert(slot, Vec::new());
                self.tell(News::SlotOpened(slot));
            }
            Occurrence::Calls(_, attempt) => self.tell(News::Held(attempt)),
            Occurrence::Recalled(slot, attempt) => {
                let desk = self.desks.entry(slot).or_default();
                if desk.first() != Some(&attempt) && desk.contains(&attempt) {
                    desk.retain(|other| *other != attempt);
                    self.tell(News::Recalled(attempt));
                }
            }
            Occurrence::Ends(slot, attempt) => {
                self.using.remove(&attempt);
                self.over.push(attempt);
                if self.behaviors[&attempt].crashes {
                    self.desks.remove(&slot);
                    self.tell(News::SlotLost(slot));
                    return;
                }
                let desk = self.desks.get_mut(&slot).unwrap();
                desk.remove(0);
                let next = desk.first().copied();
                self.tell(ended(attempt));
                if let Some(next) = next {
                    self.execute(slot, next);
                }
            }
        }
    }
}

fn plain(ticks: u64) -> Behavior {
    Behavior {
        lane: Lane::Plain,
        cpus: 1,
        ticks,
        calls: false,
        crashes: false,
    }
}

fn container(ticks: u64) -> Behavior {
    Behavior {
        lane: Lane::Container,
        ..plain(ticks)
    }
}

const TWO_PLAIN: Limits = Limits {
    plain: Width::new(2).unwrap(),
    together: None,
};

#[test]
fn serial_containers_never_overlap_while_the_plain_lane_runs_beside_them() {
    let simulation = Simulation::run(
        &[container(9), plain(4), container(9), plain(4), plain(4)],
        TWO_PLAIN,
        Some(width(1)),
    );
    assert_eq!(simulation.peak[&Lane::Container], 1);
    assert_eq!(simulation.peak[&Lane::Plain], 2);
    assert_eq!(simulation.over.len(), 5);
    assert!(simulation.finished);
}

#[test]
fn parallel_containers_overlap() {
    let simulation = Simulation::run(
        &[container(9), container(9), container(9)],
        TWO_PLAIN,
        Some(width(2)),
    );
    assert_eq!(simulation.peak[&Lane::Container], 2);
}

#[test]
fn a_plain_script_that_calls_the_engine_waits_for_the_container_lane() {
    let caller = Behavior {
        calls: true,
        ..plain(20)
    };
    let simulation = Simulation::run(&[container(50), caller], TWO_PLAIN, Some(width(1)));
    assert_eq!(simulation.peak[&Lane::Container], 1);
    assert_eq!(simulation.over, [id(0), id(1)]);
}

#[test]
fn without_an_engine_container_attempts_are_given_up_and_callers_are_told() {
    let caller = Behavior {
        calls: true,
        ..plain(2)
    };
    let simulation = Simulation::run(&[container(1), plain(1), caller], TWO_PLAIN, None);
    assert_eq!(simulation.given_up, [id(0)]);
    assert_eq!(simulation.over.len(), 2);
    assert!(simulation.finished);
}

#[test]
fn the_engine_is_asked_for_only_when_somebody_needs_it() {
    let simulation = Simulation::run(&[plain(1), plain(1)], TWO_PLAIN, None);
    assert!(
        !simulation
            .trace
            .iter()
            .any(|line| line.contains("DetectEngine")),
        "{:?}",
        simulation.trace
    );
}

#[test]
fn what_was_sent_ahead_to_a_slow_slot_moves_to_an_idle_one() {
    let simulation = Simulation::run(
        &[plain(1000), plain(1), plain(1), plain(1)],
        TWO_PLAIN,
        None,
    );
    assert_eq!(simulation.over.last(), Some(&id(0)));
}

#[test]
fn a_cancel_drops_what_waits_and_finishes_when_the_rest_has_ended() {
    let attempts = [0, 1, 2].map(|n| Attempt {
        id: id(n),
        lane: Lane::Plain,
        cpus: 1,
    });
    let mut scheduler = Scheduler::new(
        attempts,
        Limits {
            plain: width(1),
            together: None,
        },
    );
    assert_eq!(scheduler.begin(), [Action::OpenSlot(SlotId(1))]);
    assert_eq!(
        scheduler.step(ZERO, News::SlotOpened(SlotId(1))),
        [
            Action::Assign(SlotId(1), id(0)),
            Action::Assign(SlotId(1), id(1))
        ]
    );
    scheduler.step(ZERO, News::Started(id(0)));
    assert_eq!(
        scheduler.step(ZERO, News::Cancelled),
        [
            Action::Drop(id(1)),
            Action::Settle(2),
            Action::Drop(id(2)),
            Action::Settle(3)
        ]
    );
    assert_eq!(
        scheduler.step(ZERO, ended(id(0))),
        [Action::Settle(1), Action::Finish]
    );
}

fn behavior() -> impl Strategy<Value = Behavior> {
    (
        any::<bool>(),
        1..40_u64,
        prop_oneof![4 => Just(1), 1 => 2..4_u32, 1 => Just(u32::MAX)],
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(container, ticks, cpus, calls, crashes)| Behavior {
            lane: if container {
                Lane::Container
            } else {
                Lane::Plain
            },
            ticks,
            cpus,
            calls,
            crashes,
        })
}

#[test]
fn a_script_that_takes_its_whole_lane_runs_alone_in_it_and_is_not_overtaken() {
    let alone = Behavior {
        cpus: u32::MAX,
        ..plain(5)
    };
    let simulation = Simulation::run(&[plain(9), alone, plain(1), plain(1)], TWO_PLAIN, None);
    assert_eq!(simulation.peak[&Lane::Plain], 2);
    assert_eq!(simulation.over[..2], [id(0), id(1)]);
}

#[test]
fn when_the_engine_is_stuck_no_container_attempt_starts_any_more_and_the_plain_ones_do() {
    let attempt = |number, lane| Attempt {
        id: id(number),
        lane,
        cpus: 1,
    };
    let lanes = [Lane::Container, Lane::Container, Lane::Plain];
    let attempts = (0..).zip(lanes).map(|(n, lane)| attempt(n, lane));
    let limits = Limits {
        plain: width(1),
        together: Some(width(1)),
    };
    let mut scheduler = Scheduler::new(attempts, limits);
    scheduler.begin();
    scheduler.step(ZERO, News::EngineReady(width(1)));
    let slot = SlotId(1);
    let assigned = scheduler.step(ZERO, News::SlotOpened(slot));
    assert!(
        assigned.contains(&Action::Assign(slot, id(0))),
        "{assigned:?}"
    );
    // Its slot is lost before it has begun: it would have its turn again.
    assert_eq!(
        scheduler.step(ZERO, News::EngineDown),
        [Action::Drop(id(1)), Action::Settle(2)]
    );
    let lost = scheduler.step(ZERO, News::SlotLost(slot));
    assert!(lost.contains(&Action::Drop(id(0))), "{lost:?}");
    let rest = scheduler.step(ZERO, News::SlotOpened(SlotId(2)));
    assert_eq!(rest, [Action::Assign(SlotId(2), id(2))]);
    scheduler.step(ZERO, News::Started(id(2)));
    assert_eq!(
        scheduler.step(ZERO, ended(id(2))),
        [Action::Settle(3), Action::Finish]
    );
}

proptest! {
    #[test]
    fn every_attempt_ends_once_and_no_limit_is_ever_passed(
        behaviors in prop::collection::vec(behavior(), 0..40),
        plain in 1..4_u32,
        together in prop::option::of(1..4_u32),
        engine in prop::option::of(1..4_u32),
    ) {
        let limits = Limits { plain: width(plain), together: together.map(width) };
        let simulation = Simulation::run(&behaviors, limits, engine.map(width));
        prop_assert!(simulation.finished, "{:#?}", simulation.trace);
        let mut all = [simulation.over.clone(), simulation.given_up.clone()].concat();
        all.sort();
        prop_assert_eq!(&all, &(0..behaviors.len()).map(id).collect::<Vec<_>>());
        let mut settled = simulation.settled.clone();
        settled.sort_unstable();
        prop_assert_eq!(settled, all.iter().map(|id| id.trial).collect::<Vec<_>>());
        let peak = |lane| simulation.peak.get(&lane).copied().unwrap_or(0);
        prop_assert!(peak(Lane::Plain) <= plain as usize);
        if let Some(engine) = engine {
            prop_assert!(peak(Lane::Container) <= engine as usize);
        }
        if let Some(together) = together {
            prop_assert!(simulation.peak_together <= together as usize);
        }
    }
}
