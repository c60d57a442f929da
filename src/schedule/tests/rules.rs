//! What holds in every suite, whatever scripts do; the world itself watches the limits.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use proptest::prelude::*;

use super::super::{Laps, Limits, Needs, Order};
use super::world::{Script, Suite, ms, width};
use crate::model::Lane;

fn script() -> impl Strategy<Value = Script> {
    let needs = (
        any::<bool>(),
        prop_oneof![4 => Just(1), 1 => 2..4_u32, 1 => Just(u32::MAX)],
        prop::bool::weighted(0.1),
        prop_oneof![3 => Just(Vec::new()), 1 => Just(vec![0]), 1 => Just(vec![1]), 1 => Just(vec![0, 1])],
    );
    let fate = (
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.1),
        prop_oneof![4 => Just(0), 1 => 1..3_u32],
        prop::bool::weighted(0.2),
    );
    let times = (1..400_u64, prop::option::of(1..400_u64));
    (needs, fate, times).prop_map(|(needs, fate, (takes, expected))| {
        let (is_container, cpus, exclusive, groups) = needs;
        let (calls, crashes, again, fails) = fate;
        let lane = if is_container {
            Lane::Container
        } else {
            Lane::Plain
        };
        Script {
            needs: Needs {
                lane,
                cpus,
                exclusive,
                groups,
            },
            takes: ms(takes),
            expected: expected.map(ms),
            calls,
            crashes,
            again,
            fails,
        }
    })
}

fn laps() -> impl Strategy<Value = Laps> {
    let count = prop_oneof![3 => Just(Some(1)), 2 => (2..4_u32).prop_map(Some), 1 => Just(None)];
    let until = prop::option::weighted(0.3, 0..3000_u64);
    let failures = prop::option::weighted(0.3, 1..4_u32);
    (count, until, failures).prop_map(|(count, until, failures)| Laps {
        count: count.and_then(NonZeroU32::new),
        // Something must end it.
        until: until.or(count.is_none().then_some(2000)).map(ms),
        failures: failures.and_then(NonZeroU32::new),
    })
}

fn order() -> impl Strategy<Value = Order> {
    prop_oneof![
        3 => Just(Order::Given),
        1 => any::<u64>().prop_map(|seed| Order::Shuffled { seed }),
        1 => prop::collection::vec((1..40_u32, 1..4_u32), 0..40).prop_map(Order::Repeated),
    ]
}

fn suite() -> impl Strategy<Value = Suite> {
    let limits = (
        1..4_u32,
        prop::option::of(1..4_u32),
        (1..3_u32, 1..3_u32),
        prop::option::weighted(0.8, 1..4_u32),
    );
    let ends = (
        prop::option::weighted(0.2, 0..3000_u64),
        prop::option::weighted(0.1, 0..3000_u64),
    );
    let scripts = prop::collection::vec(script(), 0..40);
    (scripts, limits, laps(), order(), ends).prop_map(|(scripts, limits, laps, order, ends)| {
        let (plain, together, groups, engine) = limits;
        Suite {
            scripts,
            limits: Limits {
                plain: width(plain),
                together: together.map(width),
                groups: vec![width(groups.0), width(groups.1)],
            },
            laps,
            order,
            engine: engine.map(width),
            delay: ms(1),
            cancel: ends.0.map(ms),
            engine_down: ends.1.map(ms),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_suite_ends_and_every_trial_is_settled_once(suite in suite()) {
        let seen = suite.run();
        prop_assert!(seen.finished.is_some(), "{:#?}", seen.trace);
        let mut settled = seen.settled.clone();
        settled.sort_unstable();
        let all: Vec<u32> = (1..).zip(&suite.scripts).map(|(trial, _)| trial).collect();
        prop_assert_eq!(settled, all);
    }

    #[test]
    fn every_trial_runs_or_is_told_why_not(suite in suite()) {
        let seen = suite.run();
        let ran: BTreeSet<u32> = seen.spans.iter().map(|(id, ..)| id.trial).collect();
        let told: BTreeSet<u32> = seen.given_up.iter().chain(&seen.dropped).map(|id| id.trial).collect();
        for trial in &seen.settled {
            prop_assert!(ran.contains(trial) || told.contains(trial), "{}", trial);
        }
        let undisturbed = suite.cancel.is_none() && suite.engine_down.is_none();
        if undisturbed && seen.stopped.is_none() && suite.engine.is_some() {
            prop_assert_eq!(&told, &BTreeSet::new());
            if let (Some(count), None) = (suite.laps.count, suite.laps.until) {
                let lasting = seen.spans.iter().filter(|(id, ..)| id.attempt == 1).count();
                prop_assert_eq!(lasting, suite.scripts.len() * count.get() as usize);
            }
        }
    }

    #[test]
    fn the_same_suite_leaves_the_same_trace(suite in suite()) {
        prop_assert_eq!(suite.run().trace, suite.run().trace);
    }
}
