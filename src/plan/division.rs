//! How a suite is divided over shards: from names, recorded durations and the number of shards alone, so that
//! all machines come to the same result without talking to each other.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::model::Hash;

/// Who runs what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Division {
    /// For each name its shard, from 1.
    pub shards: Vec<u32>,
    /// For each name how long it should take; a name that was never measured counts as the median of the others.
    /// Empty when no name was measured.
    pub expected: Vec<Duration>,
    /// Of all that it was made from. Machines that show the same one run each trial exactly once.
    pub digest: String,
}

/// Divides names that differ from each other, given in any order. With recorded durations, the longest goes first
/// to the shard with the least to do (LPT; at most 4/3 of the best possible, Graham 1969). Without any, a name's
/// hash decides: then a new script moves no other to another shard.
pub fn divide(
    names: &[&str],
    recorded: &dyn Fn(&str) -> Option<Duration>,
    total: NonZeroU32,
) -> Division {
    let known: Vec<Option<Duration>> = names.iter().map(|name| recorded(name)).collect();
    let digest = digest(names, &known, total);
    let mut lengths: Vec<Duration> = known.iter().flatten().copied().collect();
    lengths.sort_unstable();
    let Some(median) = lengths.get(lengths.len() / 2).copied() else {
        let shards = names.iter().map(|name| by_hash(name, total)).collect();
        return Division {
            shards,
            expected: Vec::new(),
            digest,
        };
    };
    let expected: Vec<Duration> = known
        .into_iter()
        .map(|known| known.unwrap_or(median))
        .collect();
    let shards = longest_first(names, &expected, total);
    Division {
        shards,
        expected,
        digest,
    }
}

fn longest_first(names: &[&str], expected: &[Duration], total: NonZeroU32) -> Vec<u32> {
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by_key(|place| (Reverse(expected[*place]), names[*place]));
    let mut loads: BinaryHeap<Reverse<(Duration, u32)>> = (1..=total.get())
        .map(|shard| Reverse((Duration::ZERO, shard)))
        .collect();
    let mut shards = vec![1; names.len()];
    for place in order {
        // There is at least one shard, and each that is taken is put back.
        if let Some(Reverse((load, shard))) = loads.pop() {
            shards[place] = shard;
            loads.push(Reverse((load.saturating_add(expected[place]), shard)));
        }
    }
    shards
}

/// Hashed twice: the lowest bits of FNV-1a know only the lowest bits of each byte, its digits know all.
fn by_hash(name: &str, total: NonZeroU32) -> u32 {
    let mixed = Hash::of(Hash::of(name.as_bytes()).as_bytes());
    let number = u64::from_str_radix(&mixed, 16).unwrap_or(0);
    let shard = number % u64::from(total.get());
    u32::try_from(shard).unwrap_or(0) + 1
}

fn digest(names: &[&str], known: &[Option<Duration>], total: NonZeroU32) -> String {
    let mut lines: Vec<(&str, Option<u128>)> = names
        .iter()
        .zip(known)
        .map(|(name, known)| (*name, known.map(|known| known.as_nanos())))
        .collect();
    lines.sort_unstable();
    let mut hash = Hash::default();
    hash.update(format!("{total}\n").as_bytes());
    for (name, known) in lines {
        let known = known.map_or_else(String::new, |known| known.to_string());
        hash.update(format!("{name}\0{known}\n").as_bytes());
    }
    hash.finish()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    fn total(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    /// Names with their recorded seconds, divided.
    fn divided(scripts: &BTreeMap<String, Option<u64>>, number: u32) -> Division {
        let names: Vec<&str> = scripts.keys().map(String::as_str).collect();
        let recorded = |name: &str| scripts[name].map(Duration::from_secs);
        divide(&names, &recorded, total(number))
    }

    fn scripts() -> impl Strategy<Value = BTreeMap<String, Option<u64>>> {
        proptest::collection::btree_map("[a-z/]{1,8}", proptest::option::of(0_u64..1000), 0..60)
    }

    proptest! {
        #[test]
        fn the_shards_are_the_whole_without_overlap_on_machines_that_see_the_names_in_any_order(
            scripts in scripts(), number in 1_u32..12, turned: bool,
        ) {
            let mut names: Vec<&str> = scripts.keys().map(String::as_str).collect();
            let recorded = |name: &str| scripts[name].map(Duration::from_secs);
            let mut seen = BTreeSet::new();
            let mut digests = BTreeSet::new();
            // Each machine divides for itself, and takes its own part.
            for index in 1..=number {
                if turned { names.reverse(); } else if !names.is_empty() { names.rotate_left(1); }
                let division = divide(&names, &recorded, total(number));
                for (name, shard) in names.iter().zip(&division.shards) {
                    prop_assert!((1..=number).contains(shard));
                    if *shard == index {
                        prop_assert!(seen.insert((*name).to_owned()), "{name} runs twice");
                    }
                }
                digests.insert(division.digest);
            }
            prop_assert_eq!(seen.len(), scripts.len());
            prop_assert_eq!(digests.len(), 1);
        }

        #[test]
        fn with_durations_no_shard_has_more_than_an_even_part_and_one_script(
            lengths in proptest::collection::vec(1_u64..1000, 1..60), number in 1_u32..12,
        ) {
            let scripts: BTreeMap<String, Option<u64>> = lengths
                .iter().enumerate().map(|(place, length)| (format!("s{place}"), Some(*length))).collect();
            let division = divided(&scripts, number);
            let mut loads: BTreeMap<u32, Duration> = BTreeMap::new();
            for (shard, expected) in division.shards.iter().zip(&division.expected) {
                *loads.entry(*shard).or_default() += *expected;
            }
            let all: Duration = division.expected.iter().sum();
            let longest = division.expected.iter().max().copied().unwrap_or_default();
            let even = all / number;
            let most = loads.values().max().copied().unwrap_or_default();
            prop_assert!(most <= even + longest, "{most:?} of {all:?} over {number}");
        }
    }

    #[test]
    fn without_durations_a_new_script_moves_no_other() {
        let names: Vec<String> = (0..100)
            .map(|number| format!("container_{number}"))
            .collect();
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        let before = divide(&names, &|_| None, total(4));
        assert!(before.expected.is_empty());
        names.push("container_new");
        let after = divide(&names, &|_| None, total(4));
        assert_eq!(before.shards[..], after.shards[..100]);
        assert_ne!(before.digest, after.digest);
        for shard in 1..=4 {
            let size = before.shards.iter().filter(|own| **own == shard).count();
            assert!((15..=35).contains(&size), "shard {shard} has {size} of 100");
        }
    }

    #[test]
    fn the_longest_is_alone_and_the_short_ones_share() {
        let scripts = [("a", 60), ("b", 20), ("c", 20), ("d", 19)];
        let scripts = scripts
            .map(|(name, length)| (name.to_owned(), Some(length)))
            .into();
        assert_eq!(divided(&scripts, 2).shards, [1, 2, 2, 2]);
    }

    #[test]
    fn a_script_that_was_never_measured_counts_as_the_median() {
        let scripts = [
            ("a", Some(10)),
            ("b", Some(30)),
            ("c", Some(50)),
            ("new", None),
        ];
        let scripts = scripts
            .map(|(name, length)| (name.to_owned(), length))
            .into();
        let expected = [10, 30, 50, 30].map(Duration::from_secs);
        assert_eq!(divided(&scripts, 2).expected, expected);
    }
}
