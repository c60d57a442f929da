//! The part of a suite that is this machine's. Does not know how a suite is divided.

use std::fs::OpenOptions;
use std::time::Duration;

use super::select::Selected;
use crate::model::{Event, ShardFacts};
use crate::plan::{Durations, Shard, divide};

/// The trials of the shard, in their order, and how the suite was divided.
pub(super) fn keep(
    shard: &Shard,
    all: Vec<Selected>,
    durations: &Durations,
) -> (Vec<Selected>, Option<ShardFacts>) {
    let names: Vec<&str> = all
        .iter()
        .map(|trial| trial.planned.name.as_str())
        .collect();
    let division = divide(&names, &|name| durations.recorded(name), shard.total);
    let is_ours = |place: &usize| division.shards[*place] == shard.index.get();
    let ours: Vec<usize> = (0..all.len()).filter(is_ours).collect();
    let estimate = (!division.expected.is_empty()).then(|| {
        ours.iter()
            .map(|place| division.expected[*place])
            .sum::<Duration>()
    });
    let facts = ShardFacts {
        index: shard.index.get(),
        total: shard.total.get(),
        origin: shard.origin.clone(),
        scripts: ours.len(),
        of: all.len(),
        estimate,
        digest: division.digest,
    };
    let mut ours = ours.into_iter().peekable();
    let trials = (0..)
        .zip(all)
        .filter(|(place, _)| ours.next_if_eq(place).is_some())
        .map(|(_, trial)| trial)
        .collect();
    (trials, Some(facts))
}

/// Tells whoever divided the suite that its part is respected; Bazel fails a test that does not.
pub(super) fn acknowledge(shard: &Shard) -> Option<Event> {
    let file = shard.status_file.as_ref()?;
    let touched = OpenOptions::new().create(true).append(true).open(file);
    touched.err().map(|error| Event::Warning {
        message: format!("cannot touch {file}, as Bazel asks of a sharded test: {error}"),
    })
}
