//! In which order trials are to start: those that failed last, then those that need more than others,
//! then the longest.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Planned;

/// What is known of a trial from earlier runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Known {
    /// How long it is expected to take.
    pub expected: Option<Duration>,
    /// It failed when it ran last.
    pub failed: bool,
}

/// The places of trials in the order of starts: `places[n]` is that of trial `n`, from 0. `limit` says how many
/// of a group may run at once.
///
/// One that has to be alone needs an idle machine, and one that takes much of it leaves holes, so they come
/// before the others, which fill the holes. A script of a group counts as long as its whole group takes. Of
/// those that are alike the container lane is first, for its scripts are the long ones; then the order of
/// the plan stays.
pub fn places<'a>(
    trials: impl IntoIterator<Item = (&'a Planned, Known)>,
    limit: &dyn Fn(&str) -> u32,
) -> Vec<u32> {
    let trials: Vec<(&Planned, Known)> = trials.into_iter().collect();
    let mut queues: BTreeMap<&str, Duration> = BTreeMap::new();
    for (planned, known) in &trials {
        for group in &planned.groups {
            let share = known.expected.unwrap_or_default() / limit(group).max(1);
            *queues.entry(group).or_default() += share;
        }
    }
    let mut order: Vec<_> = (0..)
        .zip(&trials)
        .map(|(number, (planned, known)): (usize, _)| {
            let needs = Reverse((planned.exclusive, planned.cpus));
            let queues = planned
                .groups
                .iter()
                .filter_map(|group| queues.get(group.as_str()));
            let length = Reverse((queues.max().copied().max(known.expected), known.expected));
            ((!known.failed, needs, length, planned.lane), number)
        })
        .collect();
    order.sort();
    let mut places = vec![0; order.len()];
    for (place, (_, number)) in (0..).zip(order) {
        places[number] = place;
    }
    places
}

/// All groups that trials name, in the order of their names.
pub fn groups<'a>(trials: impl IntoIterator<Item = &'a Planned>) -> BTreeSet<&'a str> {
    let names = trials.into_iter().flat_map(|planned| &planned.groups);
    names.map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Lane, LeakRule};

    /// A trial by its name: `c` is a container trial, `x` exclusive, a digit how much it takes, `g` in a
    /// group; seconds it took and whether it failed.
    type Case = (&'static str, Option<u64>, bool);

    fn planned(name: &str) -> Planned {
        let digit = name.chars().find_map(|c| c.to_digit(10));
        Planned {
            name: name.to_owned(),
            file: String::new(),
            lane: if name.contains('c') {
                Lane::Container
            } else {
                Lane::Plain
            },
            deadline: Duration::from_secs(1),
            leaks: LeakRule::Warn,
            cpus: digit.unwrap_or(1),
            cpus_asked: None,
            exclusive: name.contains('x'),
            groups: name
                .contains('g')
                .then(|| "g".to_owned())
                .into_iter()
                .collect(),
            images: Vec::new(),
            retries: 0,
            hash: String::new(),
        }
    }

    #[track_caller]
    fn check(cases: &[Case], expected: &str) {
        let trials: Vec<Planned> = cases.iter().map(|(name, ..)| planned(name)).collect();
        let known = cases.iter().map(|(_, seconds, failed)| Known {
            expected: seconds.map(Duration::from_secs),
            failed: *failed,
        });
        let places = places(trials.iter().zip(known), &|_| 2);
        let mut names: Vec<(u32, &str)> = places
            .into_iter()
            .zip(cases.iter().map(|case| case.0))
            .collect();
        names.sort_unstable();
        let names: Vec<&str> = names.into_iter().map(|(_, name)| name).collect();
        assert_eq!(names.join(" "), expected);
    }

    #[test]
    fn when_nothing_is_known_the_container_lane_is_first_and_the_order_of_the_plan_stays() {
        let new = |name| (name, None, false);
        check(&[new("a"), new("c"), new("b"), new("cc")], "c cc a b");
    }

    #[test]
    fn the_longest_is_first_and_what_failed_last_before_it() {
        let cases = [
            ("a", Some(1), false),
            ("b", Some(9), false),
            ("d", Some(2), true),
            ("e", Some(3), true),
        ];
        check(&cases, "e d b a");
    }

    #[test]
    fn what_needs_much_comes_before_what_fills_the_holes() {
        let cases = [
            ("a", Some(9), false),
            ("b2", Some(1), false),
            ("d3", Some(1), false),
            ("x", Some(1), false),
        ];
        check(&cases, "x d3 b2 a");
    }

    #[test]
    fn a_group_counts_as_long_as_all_of_it_takes() {
        let cases = [
            ("a", Some(7), false),
            ("g", Some(8), false),
            ("gg", Some(4), false),
            ("ggg", Some(4), false),
            ("b", Some(9), false),
        ];
        check(&cases, "b g gg ggg a");
    }
}
