//! From the selected trials to what the schedule is given: what each needs, and who goes first.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use super::brief::Brief;
use super::select::Selected;
use crate::config::Settings;
use crate::history::{self, Memory};
use crate::plan::{self, Chosen, Durations, Known, Planned};
use crate::schedule::{Needs, Order, Trial, Width};

/// What earlier runs say of trials.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Past {
    /// How long they took.
    pub(super) durations: Durations,
    /// Names of those that failed when they ran last.
    pub(super) failed: BTreeSet<String>,
}

/// What earlier runs say, and a warning if it cannot be read. One trial alone needs no order.
pub(super) fn past(brief: &Brief, state: &Path) -> (Past, Option<String>) {
    if brief.nextest.is_some() || brief.shuffled {
        return (Past::default(), None);
    }
    let memory = match &brief.memory {
        Some(given) => Ok(given.clone()),
        None => history::memory(state),
    };
    match memory {
        Ok(memory) => {
            let past = Past {
                durations: durations(&memory),
                failed: memory.failed(),
            };
            (past, None)
        }
        Err(why) => {
            let warning = format!("{why}; trials start in the order of their names");
            (Past::default(), Some(warning))
        }
    }
}

/// The median of each trial.
pub(super) fn durations(memory: &Memory) -> Durations {
    let median = |(name, durations): (&str, Vec<Duration>)| {
        Some((name.to_owned(), plan::median(durations)?))
    };
    memory.durations().filter_map(median).collect()
}

/// The trials that run, in the order in which they are to start.
pub(super) fn trials(selected: &[Selected], past: &Past, settings: &Settings) -> Vec<Trial> {
    let running: Vec<(u32, &Planned)> = (1..)
        .zip(selected)
        .filter(|(_, selected)| selected.chosen == Chosen::Runs)
        .map(|(number, selected)| (number, &selected.planned))
        .collect();
    let known = |planned: &Planned| Known {
        expected: past.durations.expected(&planned.name),
        failed: past.failed.contains(&planned.name),
    };
    let groups = plan::groups(selected.iter().map(|selected| &selected.planned));
    let groups: Vec<&str> = groups.into_iter().collect();
    let all = running
        .iter()
        .map(|(_, planned)| (*planned, known(planned)));
    let places = plan::places(all, &|group| settings.limit_of(group));
    let mut trials: Vec<(u32, Trial)> = places
        .into_iter()
        .zip(running)
        .map(|(place, (number, planned))| {
            let group = |name: &String| groups.binary_search(&name.as_str()).ok();
            let trial = Trial {
                number,
                needs: Needs {
                    lane: planned.lane,
                    cpus: planned.cpus,
                    exclusive: planned.exclusive,
                    groups: planned.groups.iter().filter_map(group).collect(),
                },
                expected: past.durations.expected(&planned.name),
            };
            (place, trial)
        })
        .collect();
    trials.sort_by_key(|(place, _)| *place);
    trials.into_iter().map(|(_, trial)| trial).collect()
}

/// The order of starts that was asked for.
pub(super) fn order(brief: &Brief, selected: &[Selected], seed: u64) -> Order {
    match &brief.repeated {
        Some(starts) if brief.nextest.is_none() => Order::Repeated(numbered(starts, selected)),
        Some(_) | None if brief.shuffled => Order::Shuffled { seed },
        Some(_) | None => Order::Given,
    }
}

/// The starts of an earlier run, with the numbers that its trials have in this one. Who is not there is left out.
fn numbered(starts: &[(String, u32)], selected: &[Selected]) -> Vec<(u32, u32)> {
    let numbers: BTreeMap<&str, u32> = selected
        .iter()
        .map(|selected| selected.planned.name.as_str())
        .zip(1..)
        .collect();
    let number = |(name, lap): &(String, u32)| Some((*numbers.get(name.as_str())?, *lap));
    starts.iter().filter_map(number).collect()
}

/// The limits of the groups that trials name.
pub(super) fn group_limits(selected: &[Selected], settings: &Settings) -> Vec<Width> {
    let groups = plan::groups(selected.iter().map(|selected| &selected.planned));
    let limit = |group: &str| Width::new(settings.limit_of(group)).unwrap_or(Width::MIN);
    groups.into_iter().map(limit).collect()
}
