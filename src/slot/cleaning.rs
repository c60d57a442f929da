//! Removes what an attempt made in the engines, by what its ledger proves.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use super::runner::Reaping;
use super::serve::{Slot, path};
use super::watch::Watch;
use crate::engine::client::Client;
use crate::engine::presence;
use crate::host::clock;
use crate::ledger::intents::{Contents, Ledger};
use crate::ledger::journal::JournalFiles;
use crate::ledger::proof::{Owner, Standing};
use crate::ledger::remove::{self, CleanupPolicy};
use crate::model::{AttemptId, Cleanup, EngineKind, Leftover, Resource, ResourceKind};
use crate::wire::{Keep, os_variables};

/// How much is to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// What processes may be waiting for.
    Containers,
    /// All that the attempt made.
    Everything,
    /// Nothing: it is only told what there is.
    Nothing,
}

impl Extent {
    fn up_to(self) -> ResourceKind {
        match self {
            Extent::Containers => ResourceKind::Pod,
            Extent::Everything | Extent::Nothing => ResourceKind::Image,
        }
    }
}

/// Removes what the attempt made in engines, and the copies of credentials that it was given.
pub(super) fn clean(
    slot: &mut Slot<'_>,
    attempt: AttemptId,
    uses: u32,
    keep: bool,
    work: Option<&Path>,
) -> Cleanup {
    if uses == 0 {
        return Cleanup::default();
    }
    drop(fs::remove_dir_all(slot.credentials()));
    let extent = if keep {
        Extent::Nothing
    } else {
        Extent::Everything
    };
    let limit = slot
        .hurry
        .within(clock::now(), slot.setup.rules.cleanup_limit);
    clean_engines(slot, attempt, extent, work, limit)
}

/// The first rung of the ladder: an attached client ends by itself when its container does. How many were
/// removed; `None` when there is nothing to remove, or it is to stay.
pub(super) fn remove_containers(watch: &mut Watch<'_, '_>, limit: Duration) -> Option<usize> {
    if watch.calls + watch.visits() == 0 || watch.slot.setup.rules.keep == Keep::Everything {
        return None;
    }
    let done = clean_engines(watch.slot, watch.attempt, Extent::Containers, None, limit);
    let removed = done.removed.len();
    // What is left is found again, and told, by the cleaning that follows.
    watch.removed.extend(done.removed);
    Some(removed)
}

/// Cleans after an attempt, in every engine that it used; `work` is its work directory, when nothing of it runs. Without
/// a call of an engine there is nothing to do.
pub(super) fn clean_engines(
    slot: &mut Slot<'_>,
    attempt: AttemptId,
    extent: Extent,
    work: Option<&Path>,
    limit: Duration,
) -> Cleanup {
    let begun = clock::now();
    let ledger = Ledger::at(path(&slot.setup.ledger));
    let mut total = Cleanup::default();
    let contents = match ledger.read() {
        Ok(contents) => contents,
        Err(error) => {
            total.leftovers.push(unknown(&error.to_string()));
            return total;
        }
    };
    let journal = JournalFiles::of(&ledger, attempt);
    for client in clients(slot, &contents, attempt) {
        let intents = contents.intents(attempt, client.kind());
        let acquired = contents.acquired(attempt, client.kind());
        let owner = Owner {
            run: &slot.setup.run,
            attempt,
            intents: &intents,
            intended_at: &contents.intended_at(attempt, client.kind()),
            acquired: &acquired,
            unanswered: None,
            standing: Standing::Alive,
            watched: journal.written_conf().is_some() && contents.is_watched(attempt),
            journal: journal.clone(),
            up_to: extent.up_to(),
            scratch: work,
        };
        let policy = CleanupPolicy {
            keep: extent == Extent::Nothing,
            keep_images: slot.setup.rules.keep_images,
        };
        let done = remove::clean(
            &owner,
            &client,
            &mut Reaping {
                reaper: &mut slot.reaper,
            },
            policy,
            limit,
        );
        total.removed.extend(done.removed);
        total.gone.extend(done.gone);
        total.kept.extend(done.kept);
        total.leftovers.extend(done.leftovers);
        total.unconfirmed.extend(done.unconfirmed);
        total.unlabelled.extend(done.unlabelled);
    }
    if extent == Extent::Everything {
        total
            .leftovers
            .extend(contents.elsewhere(attempt).iter().map(unattributed));
        total
            .leftovers
            .extend(contents.unseen(attempt).into_iter().map(unseen));
        if let Err(error) = ledger.settle(attempt, &total) {
            total.leftovers.push(unknown(&error.to_string()));
        }
    }
    total.duration = clock::now() - begun;
    total
}

/// The selected engine's client, and any other that the attempt wrote intents for.
pub(super) fn clients(slot: &Slot<'_>, contents: &Contents, attempt: AttemptId) -> Vec<Client> {
    let variables = os_variables(&slot.setup.environment);
    let facts = slot.grant.as_ref().and_then(|grant| grant.facts.as_ref());
    let mut clients: Vec<Client> = facts
        .map(|facts| Client::of(facts, variables.clone()))
        .into_iter()
        .collect();
    let served: BTreeSet<EngineKind> = clients.iter().map(Client::kind).collect();
    for kind in EngineKind::ALL
        .into_iter()
        .filter(|kind| !served.contains(kind))
    {
        if !contents.intents(attempt, kind).is_empty()
            && let Some(program) = presence::client(kind, &variables)
        {
            clients.push(Client::named(kind, program, variables.clone()));
        }
    }
    clients
}

fn unknown(why: &str) -> Leftover {
    let resource = Resource {
        kind: ResourceKind::Container,
        id: String::new(),
        name: "unknown".to_owned(),
    };
    Leftover {
        resource,
        why: format!("what the attempt made is not known: {why}"),
        remedy: String::new(),
    }
}

fn unseen((what, why): (String, String)) -> Leftover {
    let resource = Resource {
        kind: ResourceKind::Container,
        id: String::new(),
        name: what,
    };
    Leftover {
        resource,
        why: format!("unattributed: {why}"),
        remedy: String::new(),
    }
}

fn unattributed((command, by): &(String, String)) -> Leftover {
    let resource = Resource {
        kind: ResourceKind::Container,
        id: String::new(),
        name: format!("whatever `{command}` made"),
    };
    Leftover {
        resource,
        why: format!("unattributed: {by} led it to another engine"),
        remedy: String::new(),
    }
}
