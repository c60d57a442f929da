//! What is left when an attempt was cleaned: helpers of engines, containers that nobody saw made, the work directory.
//! Removes no container.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::ladder;
use super::serve::Slot;
use crate::engine::helpers;
use crate::host::clock;
use crate::host::reaper::Reap;
use crate::ledger::remedy::directory_left;
use crate::model::{Cleanup, EndedProcess, Leftover, Resource, ResourceKind};

/// How long engine helpers may take to leave by themselves before the slot retires with them.
const HELPERS_GRACE: Duration = Duration::from_millis(300);

/// Why the slot takes no more scripts; `None` when it does.
pub(super) fn why_retire(
    slot: &mut Slot<'_>,
    ended: &[EndedProcess],
    cleanup: &mut Cleanup,
) -> Option<String> {
    // What cannot be killed is not waited for: it passes on with the slot's end.
    let why = ladder::survivors(ended)
        .or_else(|| helpers_left(slot))
        .or_else(|| slot.stuck());
    if why.is_some() {
        name_unattributed(cleanup);
    }
    why
}

/// Names the containers whose monitors this slot adopted and that its cleaning knew nothing of. Somebody below the
/// script went around the stand-in; what they made cannot be proved to be the attempt's, so it is never removed.
fn name_unattributed(cleanup: &mut Cleanup) {
    let monitors = ladder::adopted().into_iter().filter_map(|process| {
        let (id, name) = helpers::monitored(&process)?;
        Some((id, (name, process.pid)))
    });
    let monitors: BTreeMap<String, (String, i32)> = monitors.collect();
    for (id, (name, pid)) in monitors {
        let kind = ResourceKind::Container;
        let resource = Resource { kind, id, name };
        if cleanup.knows(&resource) {
            continue;
        }
        cleanup.leftovers.push(Leftover {
            why: format!(
                "unattributed: its monitor (pid {pid}) descends from the script, but it was made past the stand-in"
            ),
            remedy: format!("podman rm -f -v -t 0 {}", resource.id),
            resource,
        });
    }
}

/// Engine helpers that this slot adopted: it retires, so that they pass on and serve others.
fn helpers_left(slot: &mut Slot<'_>) -> Option<String> {
    let give_up = clock::now() + HELPERS_GRACE;
    loop {
        if slot.reaper.nothing_left() {
            return None;
        }
        let left = give_up.saturating_duration_since(clock::now());
        if left.is_zero() {
            let names: Vec<String> = ladder::adopted()
                .iter()
                .map(|process| format!("{} {}", process.name, process.pid))
                .collect();
            return Some(format!("it adopted engine helpers: {}", names.join(", ")));
        }
        drop(slot.turn(Some(left.min(Duration::from_millis(5))), Reap::All));
    }
}

/// Gives the work directory back; its path when it was kept.
pub(super) fn put_away(
    slot: &mut Slot<'_>,
    work: PathBuf,
    keep: bool,
    cleanup: &mut Cleanup,
) -> String {
    let shown = work.display().to_string();
    if keep {
        return shown;
    }
    if let Err(error) = slot.dirs.give_back(work) {
        let why = format!("{error}: {}", error.source);
        let rootless = slot
            .grant
            .as_ref()
            .and_then(|grant| grant.facts.as_ref())
            .is_some_and(|facts| facts.rootless);
        let left = directory_left(&error.path, why, rootless);
        cleanup.leftovers.push(left);
    }
    String::new()
}
