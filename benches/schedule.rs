//! How long the scheduler takes for 100,000 trials, for `scripts/bench schedule`. Prints `KIND MICROSECONDS` for each
//! kind of suite. Slots and engine are simulated: everything happens at once, or when the scripts' made-up time is
//! over. Knows the scheduler alone.

#![expect(clippy::print_stdout, reason = "it is a program that prints")]

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::num::NonZeroU32;
use std::time::Duration;

use shakedown::host::clock;
use shakedown::model::{AttemptId, Lane, SlotId};
use shakedown::schedule::{
    Action, Ending, Laps, Limits, Needs, News, Order, Scheduler, Trial, Width,
};

const TRIALS: u32 = 100_000;
const SLOTS: u32 = 8;
const ENGINE: u32 = 3;

fn main() {
    let plain = needs(Lane::Plain, 1, None);
    measure("plain", |_| plain.clone(), Order::Given);
    measure("shuffled", |_| plain.clone(), Order::Shuffled { seed: 1 });
    let repeated = (1..=TRIALS).rev().map(|trial| (trial, 1)).collect();
    measure("repeated", |_| plain.clone(), Order::Repeated(repeated));
    measure("mixed", mixed, Order::Given);
}

/// Both lanes, weights, groups, and now and then one that is alone.
fn mixed(number: u32) -> Needs {
    let lane = if number.is_multiple_of(3) {
        Lane::Container
    } else {
        Lane::Plain
    };
    let group = number.is_multiple_of(7).then_some(number as usize % 10);
    let mut needs = needs(lane, 1 + number % 11 / 9, group);
    needs.exclusive = number.is_multiple_of(1000);
    needs
}

fn needs(lane: Lane, cpus: u32, group: Option<usize>) -> Needs {
    Needs {
        lane,
        cpus,
        exclusive: false,
        groups: group.into_iter().collect(),
    }
}

fn width(number: u32) -> Width {
    NonZeroU32::new(number).unwrap_or(Width::MIN)
}

fn measure(kind: &str, needs: impl Fn(u32) -> Needs, order: Order) {
    let trial = |number| Trial {
        number,
        needs: needs(number),
        expected: Some(takes(number)),
    };
    let trials: Vec<Trial> = (1..=TRIALS).map(trial).collect();
    let limits = Limits {
        plain: width(SLOTS),
        together: None,
        groups: vec![width(2); 10],
    };
    let begun = clock::now();
    let scheduler = Scheduler::new(trials, limits, Laps::default(), order);
    let ended = World::new(scheduler).run();
    let took = clock::now().duration_since(begun);
    assert_eq!(ended, TRIALS, "{kind}: every trial runs once");
    println!("{kind} {}", took.as_micros());
}

/// From 1 to 500 ms, by turns.
fn takes(trial: u32) -> Duration {
    Duration::from_millis(u64::from(1 + trial * 7919 % 500))
}

/// The slots and what is sent to them, in simulated time.
struct World {
    scheduler: Scheduler,
    now: Duration,
    desks: BTreeMap<SlotId, VecDeque<AttemptId>>,
    ends: BinaryHeap<Reverse<(Duration, SlotId)>>,
    ended: u32,
}

impl World {
    fn new(scheduler: Scheduler) -> World {
        World {
            scheduler,
            now: Duration::ZERO,
            desks: BTreeMap::new(),
            ends: BinaryHeap::new(),
            ended: 0,
        }
    }

    /// How many attempts have ended when nothing is left.
    fn run(mut self) -> u32 {
        let mut actions = VecDeque::from(self.scheduler.begin());
        loop {
            while let Some(action) = actions.pop_front() {
                for news in self.perform(action) {
                    actions.extend(self.scheduler.step(self.now, news));
                }
            }
            let Some(Reverse((now, slot))) = self.ends.pop() else {
                return self.ended;
            };
            self.now = now;
            for news in self.end(slot) {
                actions.extend(self.scheduler.step(self.now, news));
            }
        }
    }

    /// What comes of an action at once.
    fn perform(&mut self, action: Action) -> Vec<News> {
        match action {
            Action::DetectEngine => vec![News::EngineReady(width(ENGINE))],
            Action::OpenSlot(slot) => {
                self.desks.insert(slot, VecDeque::new());
                vec![News::SlotOpened(slot)]
            }
            Action::Assign(slot, attempt) => {
                let desk = self.desks.entry(slot).or_default();
                desk.push_back(attempt);
                if desk.len() > 1 {
                    return Vec::new();
                }
                self.begin(slot, attempt)
            }
            Action::Recall(slot, attempt) => {
                let desk = self.desks.entry(slot).or_default();
                if desk.front() == Some(&attempt) || !desk.contains(&attempt) {
                    return Vec::new();
                }
                desk.retain(|other| *other != attempt);
                vec![News::Recalled(attempt)]
            }
            Action::Admit(_)
            | Action::Look
            | Action::Turned(_)
            | Action::GiveUp(_)
            | Action::Drop(_)
            | Action::Settle(_)
            | Action::Finish => Vec::new(),
        }
    }

    fn begin(&mut self, slot: SlotId, attempt: AttemptId) -> Vec<News> {
        let end = self.now + takes(attempt.trial);
        self.ends.push(Reverse((end, slot)));
        vec![News::Started(attempt)]
    }

    fn end(&mut self, slot: SlotId) -> Vec<News> {
        let desk = self.desks.entry(slot).or_default();
        let Some(attempt) = desk.pop_front() else {
            return Vec::new();
        };
        let next = desk.front().copied();
        self.ended += 1;
        let ending = Ending::Fine;
        let mut news = vec![News::Ended { attempt, ending }];
        news.extend(next.into_iter().flat_map(|next| self.begin(slot, next)));
        news
    }
}
