//! What a script made past its stand-ins on Docker: looked out for while it runs, and named when it was cleaned. Removes
//! nothing.

use std::path::Path;
use std::time::Duration;

use super::serve::{Slot, path};
use crate::engine::client::Client;
use crate::host::clock;
use crate::ledger::intents::{Entry, Ledger};
use crate::ledger::lookout::{self, Lookout};
use crate::model::{AttemptId, Cleanup, Leftover, Resource};
use crate::wire::os_variables;

/// For all questions about what was seen.
const LIMIT: Duration = Duration::from_secs(5);

/// Looks out from now on, if the run's engine lets it. What was seen before concerns no script that runs.
pub(super) fn look_out(slot: &mut Slot<'_>) {
    let listens = |lookout: &Lookout| !lookout.is_over();
    if let Some(lookout) = slot.lookout.as_ref().filter(|known| listens(known)) {
        drop(lookout.take());
        return;
    }
    let facts = slot.grant.as_ref().and_then(|grant| grant.facts.as_ref());
    slot.lookout = facts.and_then(Lookout::open);
}

/// Names what was made meanwhile and is still there.
pub(super) fn name(
    slot: &Slot<'_>,
    attempt: AttemptId,
    work: Option<&Path>,
    cleanup: &mut Cleanup,
) {
    let seen = slot.lookout.as_ref().map(Lookout::take).unwrap_or_default();
    let facts = slot.grant.as_ref().and_then(|grant| grant.facts.as_ref());
    let (Some(facts), false) = (facts, seen.is_empty()) else {
        return;
    };
    let client = Client::of(facts, os_variables(&slot.setup.environment));
    let tag = attempt.tag(&slot.setup.run);
    let work = work.map(|work| work.display().to_string());
    let words: Vec<String> = work.into_iter().chain([tag]).collect();
    let end = clock::now() + slot.hurry.within(clock::now(), LIMIT);
    let left = lookout::unattributed(seen, &words, cleanup, &client, end);
    let unseen = |left: &Leftover| {
        let Resource { kind, id, name } = &left.resource;
        Entry::Unseen {
            attempt,
            engine: client.kind(),
            what: format!("{kind} {name} {id}"),
            why: left.why.clone(),
        }
    };
    let entries: Vec<Entry> = left.iter().map(unseen).collect();
    // It is in the report, whether or not it can be written here.
    Ledger::at(path(&slot.setup.ledger)).append(&entries).ok();
    let named = left.into_iter().map(|left| Leftover {
        why: format!("unattributed: {}", left.why),
        ..left
    });
    cleanup.leftovers.extend(named);
}
