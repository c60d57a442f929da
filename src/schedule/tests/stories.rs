//! What happens in a few small suites, step by step.

use std::num::NonZeroU32;
use std::time::Duration;

use super::super::{Action, Ending, Laps, Limits, News, Order, Scheduler, Stop};
use super::world::{Script, Seen, Suite, container, id, ms, plain, suite, width};
use crate::model::{AttemptId, Lane, SlotId};

/// The trials in the order in which they began.
fn begun(seen: &Seen) -> Vec<u32> {
    seen.begun.iter().map(|id| id.trial).collect()
}

fn ended(seen: &Seen) -> Vec<u32> {
    seen.spans.iter().map(|(id, ..)| id.trial).collect()
}

fn overlap(seen: &Seen, one: u32, other: u32) -> bool {
    let of = |trial| seen.spans.iter().filter(move |(id, ..)| id.trial == trial);
    of(one).any(|(_, begin, end)| of(other).any(|(_, b, e)| begin < e && b < end))
}

fn laps(count: u32) -> Laps {
    Laps {
        count: NonZeroU32::new(count),
        ..Laps::default()
    }
}

#[test]
fn serial_containers_never_overlap_while_the_plain_lane_runs_beside_them() {
    let seen = suite([container(9), plain(4), container(9), plain(4), plain(4)]).run();
    assert!(!overlap(&seen, 1, 3));
    assert!(overlap(&seen, 2, 4));
    assert_eq!(seen.spans.len(), 5);
    assert!(seen.finished.is_some());
}

#[test]
fn parallel_containers_overlap() {
    let seen = Suite {
        engine: Some(width(2)),
        ..suite([container(9), container(9), container(9)])
    }
    .run();
    assert!(overlap(&seen, 1, 2));
}

#[test]
fn a_plain_script_that_calls_the_engine_waits_for_the_container_lane() {
    let caller = Script {
        calls: true,
        ..plain(20)
    };
    let seen = suite([container(50), caller]).run();
    assert_eq!(ended(&seen), [1, 2]);
}

#[test]
fn without_an_engine_container_trials_are_given_up_and_callers_are_told() {
    let caller = Script {
        calls: true,
        ..plain(2)
    };
    let seen = Suite {
        engine: None,
        laps: laps(3),
        ..suite([container(1), plain(1), caller])
    }
    .run();
    assert_eq!(seen.given_up, [id(1, 1)]);
    assert_eq!(seen.spans.len(), 6);
    assert!(seen.finished.is_some());
}

#[test]
fn the_engine_is_asked_for_only_when_somebody_needs_it() {
    let asks = |seen: &Seen| seen.trace.iter().any(|line| line.1 == Action::DetectEngine);
    assert!(!asks(&suite([plain(1), plain(1)]).run()));
    assert!(asks(&suite([plain(1), container(1)]).run()));
}

#[test]
fn what_was_sent_ahead_to_a_slow_slot_moves_to_an_idle_one() {
    let seen = suite([plain(1000), plain(1), plain(1), plain(1)]).run();
    assert_eq!(ended(&seen).last(), Some(&1));
}

#[test]
fn nothing_is_sent_ahead_behind_what_takes_long() {
    let known = |takes: u64| Script {
        expected: Some(ms(takes)),
        ..plain(takes)
    };
    let recalls = |seen: &Seen| {
        seen.trace
            .iter()
            .filter(|line| matches!(line.1, Action::Recall(..)))
            .count()
    };
    let long = suite([known(5000), known(4000), known(3000), known(10)]).run();
    assert_eq!((recalls(&long), ended(&long)), (0, vec![2, 1, 4, 3]));
    let unknown = suite([plain(5000), plain(4000), plain(3000), plain(10)]).run();
    assert!(recalls(&unknown) > 0);
}

#[test]
fn a_cancel_drops_what_waits_and_finishes_when_the_rest_has_ended() {
    let trials = suite([plain(1), plain(1), plain(1)]).trials();
    let limits = Limits {
        plain: width(1),
        together: None,
        groups: Vec::new(),
    };
    let mut scheduler = Scheduler::new(trials, limits, Laps::default(), Order::Given);
    let mut step = |news| scheduler.step(Duration::ZERO, news);
    let slot = SlotId(1);
    assert_eq!(
        step(News::SlotOpened(slot)),
        [
            Action::Assign(slot, id(1, 1)),
            Action::Assign(slot, id(2, 1))
        ]
    );
    step(News::Started(id(1, 1)));
    let dropped = [(2, id(2, 1)), (3, id(3, 1))];
    let mut found = step(News::Cancelled);
    found.sort_by_key(|action| format!("{action:?}"));
    let (drops, settles): (Vec<Action>, Vec<Action>) = dropped
        .iter()
        .map(|(trial, id)| (Action::Drop(*id), Action::Settle(*trial)))
        .unzip();
    assert_eq!(found, [drops, settles].concat());
    let ended = News::Ended {
        attempt: id(1, 1),
        ending: Ending::Fine,
    };
    assert_eq!(step(ended), [Action::Settle(1), Action::Finish]);
}

#[test]
fn a_script_that_takes_its_whole_lane_runs_alone_in_it() {
    let mut alone = plain(5);
    alone.needs.cpus = u32::MAX;
    let seen = suite([plain(9), alone, plain(1), plain(1)]).run();
    assert!([1, 3, 4].iter().all(|other| !overlap(&seen, 2, *other)));
}

#[test]
fn one_that_waits_for_room_is_overtaken_at_most_as_often_as_there_is_width() {
    let mut alone = plain(5);
    alone.needs.cpus = u32::MAX;
    let others = std::iter::repeat_with(|| plain(7)).take(50);
    let seen = suite(
        std::iter::once(plain(9))
            .chain([alone])
            .chain(others)
            .collect::<Vec<_>>(),
    )
    .run();
    let place = begun(&seen).iter().position(|trial| *trial == 2).unwrap();
    assert!(place <= 1 + 2, "{:?}", begun(&seen));
}

#[test]
fn an_exclusive_script_is_alone_on_the_machine() {
    let mut alone = plain(5);
    alone.needs.exclusive = true;
    let seen = suite([container(9), plain(9), alone, container(9), plain(9)]).run();
    assert!([1, 2, 4, 5].iter().all(|other| !overlap(&seen, 3, *other)));
    assert_eq!(seen.spans.len(), 5);
}

#[test]
fn scripts_of_a_full_group_let_others_pass_and_keep_their_turn() {
    let grouped = || {
        let mut script = plain(10);
        script.needs.groups = vec![0];
        script
    };
    let mut suite = suite([
        grouped(),
        grouped(),
        plain(3),
        plain(3),
        grouped(),
        plain(3),
    ]);
    suite.limits.groups = vec![width(1)];
    let seen = suite.run();
    let pairs = [(1, 2), (1, 5), (2, 5)];
    assert!(
        pairs
            .iter()
            .all(|(one, other)| !overlap(&seen, *one, *other))
    );
    assert!(overlap(&seen, 1, 3) && overlap(&seen, 1, 4));
    let in_group: Vec<u32> = begun(&seen)
        .into_iter()
        .filter(|trial| [1, 2, 5].contains(trial))
        .collect();
    assert_eq!(in_group, [1, 2, 5]);
}

#[test]
fn when_the_engine_is_stuck_no_container_attempt_starts_any_more_and_the_plain_ones_do() {
    let seen = Suite {
        engine_down: Some(ms(20)),
        ..suite([
            container(30),
            container(30),
            plain(40),
            plain(40),
            plain(40),
        ])
    }
    .run();
    let mut ran = ended(&seen);
    ran.sort_unstable();
    assert_eq!(ran, [1, 3, 4, 5]);
    assert_eq!(seen.dropped, [id(2, 1)]);
}

#[test]
fn laps_have_no_barrier_and_one_trial_runs_beside_itself() {
    let seen = Suite {
        laps: laps(3),
        ..suite([plain(100), plain(10)])
    }
    .run();
    assert_eq!(seen.spans.len(), 6);
    assert_eq!(seen.settled.len(), 2);
    assert!(overlap(&seen, 1, 1));
    // The third lap of the short one does not wait for the first lap of the long one.
    let order: Vec<AttemptId> = seen.spans.iter().map(|(id, ..)| *id).collect();
    assert_eq!(order[0], id(2, 1));
    // 330 ms of work on two slots.
    assert!(seen.finished.unwrap() <= ms(215), "{:?}", seen.finished);
}

#[test]
fn a_run_until_a_failure_ends_with_it() {
    let bad = Script {
        fails: true,
        ..plain(50)
    };
    let seen = Suite {
        laps: Laps {
            count: None,
            until: None,
            failures: NonZeroU32::new(3),
        },
        ..suite([plain(10), bad])
    }
    .run();
    assert_eq!(seen.stopped, Some(Stop::Failures(3)));
    let failed = ended(&seen).iter().filter(|trial| **trial == 2).count();
    assert!((3..=4).contains(&failed), "{failed}");
    assert_eq!(seen.settled.len(), 2);
}

#[test]
fn a_run_for_some_time_begins_no_further_lap_after_it_and_every_trial_runs_once() {
    let scripts: Vec<Script> = (0..10).map(|_| plain(100)).collect();
    let run = |until: u64| {
        let laps = Laps {
            count: None,
            until: Some(ms(until)),
            failures: None,
        };
        let seen = Suite {
            laps,
            ..suite(scripts.clone())
        }
        .run();
        assert!(seen.finished.is_some());
        assert_eq!((seen.settled.len(), seen.stopped), (10, None));
        seen
    };
    let seen = run(1050);
    assert!(
        seen.spans
            .iter()
            .all(|(id, begin, _)| id.lap == 1 || *begin < ms(1050))
    );
    assert!(seen.spans.len() > 18, "{}", seen.spans.len());
    assert_eq!(run(1).spans.len(), 10);
    assert_eq!(run(1).dropped, []);
}

#[test]
fn an_attempt_that_is_tried_again_comes_before_what_waits() {
    let again = Script {
        again: 2,
        ..plain(10)
    };
    let scripts: Vec<Script> = std::iter::once(again)
        .chain((0..20).map(|_| plain(10)))
        .collect();
    let seen = suite(scripts).run();
    let attempts = seen.spans.iter().filter(|(id, ..)| id.trial == 1);
    let attempts: Vec<u32> = attempts.map(|(id, ..)| id.attempt).collect();
    assert_eq!(attempts, [1, 2, 3]);
    assert_ne!(ended(&seen).last(), Some(&1));
    assert_eq!(seen.settled.iter().filter(|trial| **trial == 1).count(), 1);
}

#[test]
fn a_shuffled_order_is_another_one_in_every_lap_and_the_same_for_the_same_seed() {
    let run = |seed| {
        let scripts: Vec<Script> = (0..30).map(|_| plain(10)).collect();
        let mut suite = suite(scripts);
        suite.limits.plain = width(1);
        suite.laps = laps(2);
        suite.order = Order::Shuffled { seed };
        begun(&suite.run())
    };
    let order = run(7);
    let (first, second) = order.split_at(30);
    assert_ne!(first, second);
    assert_eq!(run(7), order);
    assert_ne!(run(8), order);
    let mut sorted = first.to_vec();
    sorted.sort_unstable();
    assert_eq!(sorted, (1..=30).collect::<Vec<u32>>());
}

#[test]
fn a_prescribed_order_is_kept_over_both_lanes_and_the_rest_follows() {
    let scripts = [plain(30), container(9), plain(1), plain(4), container(2)];
    let order = vec![(4, 1), (5, 1), (3, 2), (1, 1), (2, 1)];
    let seen = Suite {
        laps: laps(2),
        order: Order::Repeated(order.clone()),
        ..suite(scripts)
    }
    .run();
    let begun: Vec<(u32, u32)> = seen.begun.iter().map(|id| (id.trial, id.lap)).collect();
    assert_eq!(begun[..5], order, "{:#?}", seen.trace);
    assert_eq!(begun.len(), 10);
}

#[test]
fn the_lane_of_a_trial_does_not_keep_the_other_one_waiting() {
    let needs = |lane| {
        let mut script = plain(10);
        script.needs.lane = lane;
        script
    };
    let mut suite = suite([needs(Lane::Container), needs(Lane::Plain)]);
    suite.delay = ms(100);
    assert_eq!(begun(&suite.run()), [2, 1]);
}
