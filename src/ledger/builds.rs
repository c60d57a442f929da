//! What killed builds leave behind. On Docker their end is awaited. On Podman steps that only the OCI runtime knows are
//! removed by the proof of their bundles; working containers and layers, which nothing ties to a build, are named.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use super::calls::Calls;
use super::journal::Journal;
use super::proof::{Gathered, Grounds, Owner, Standing, Step, step_containers, steps, written_id};
use crate::engine::helpers;
use crate::engine::listing::{self, Leaving};
use crate::engine::trouble::{Trouble, essence};
use crate::host::clock;
use crate::host::procfs::{self, Proc};
use crate::model::{Cleanup, EngineKind, Leftover, Presence, Resource, ResourceKind};

/// How long Docker is given to end a build whose proxy was killed. It does so at once, unless it is in the midst of an
/// image; a container that a build leaves on purpose is waited for in vain. At most half of a cleaning goes for it.
const BUILD_WAIT: Duration = Duration::from_secs(10);

/// How long builds that run beside this cleaning are waited for: what they hold now is gone when they have ended.
const OTHERS: Duration = Duration::from_secs(5);

/// Docker ends a build whose client is gone, and then removes the container of its step. Removed by us while an image was
/// made of it, that image would come when nobody looks for it any more (seen once, in some 200 killed runs).
pub(super) fn await_steps(owner: &Owner, gathered: &Gathered, calls: &mut Calls) {
    if owner.unanswered.is_none() {
        return;
    }
    let may_be = step_containers(owner, calls);
    let containers = gathered.of(ResourceKind::Container).into_iter();
    // A step has none of our labels.
    let mut steps: Vec<String> = containers
        .filter(|proof| proof.grounds() == Grounds::Answer)
        .map(|proof| proof.id())
        .filter(|id| may_be.contains(&&**id))
        .collect();
    let begun = clock::now();
    let patience = begun + BUILD_WAIT.min(calls.end.saturating_duration_since(begun) / 2);
    while !steps.is_empty() {
        let answers = calls.ask(ResourceKind::Container, &steps).into_iter();
        let left = steps.into_iter().zip(answers);
        steps = left
            .filter(|(_, presence)| *presence == Presence::Present)
            .map(|(step, _)| step)
            .collect();
        if steps.is_empty() || clock::now() > patience {
            return;
        }
        calls.pause();
    }
}

/// Removes what is proved to be the owner's, and names what may be.
pub(super) fn clean(owner: &Owner, calls: &mut Calls, cleanup: &mut Cleanup) {
    if calls.client.dialect() != EngineKind::Podman || owner.scratch.is_none() {
        return;
    }
    for step in steps(owner, calls.client.environment()) {
        remove(calls, &step, cleanup);
    }
    let journal = calls.journal();
    if let Some(since) = killed_since(owner, &journal) {
        let why = match owner.standing {
            Standing::Alive => {
                "it came into being while a build of this attempt ran that was killed; whose it is cannot be proved"
            }
            // Nobody knows when.
            Standing::Dead => {
                "it came into being after a build had begun that was killed with its run; whose it is cannot be proved"
            }
        };
        name(calls, since, why, cleanup);
    }
}

/// Through the runtime, for no client of the engine knows it.
fn remove(calls: &mut Calls, step: &Step, cleanup: &mut Cleanup) {
    let held = step.held();
    let resource = Resource {
        kind: ResourceKind::Container,
        id: held.id.clone(),
        name: "a step of a build that was killed".to_owned(),
    };
    let why = match held.deletion(calls.client.environment()) {
        Some(deletion) => essence(&calls.run(&deletion).stderr),
        None => format!("there is no `{}` in PATH", held.runtime),
    };
    if held.is_there() {
        cleanup.leftovers.push(Leftover {
            resource,
            why,
            remedy: held.remedy(),
        });
    } else {
        cleanup.removed.push(resource);
    }
}

/// When the first of the builds began, since 1970, that neither gave an image nor failed; `None` without any, and
/// without a journal, which alone tells a failure from a kill.
fn killed_since(owner: &Owner, journal: &Journal) -> Option<Duration> {
    owner.journal.written_conf()?;
    let images = owner
        .intended()
        .filter(|intent| intent.kind == ResourceKind::Image);
    let calls: BTreeSet<&str> = images
        .filter(|intent| owner.journal.has(Path::new(&intent.id_file)))
        .filter(|intent| written_id(&intent.id_file).is_none())
        .map(|intent| intent.id_file.as_str())
        .collect();
    if calls.len() <= journal.failed_builds() {
        return None;
    }
    // The call's directory was made for it and has not changed, for nothing was written there.
    let begun = |file: &&str| {
        let directory = Path::new(file).parent()?;
        let made = fs::metadata(directory).and_then(|facts| facts.modified());
        made.ok()?.duration_since(UNIX_EPOCH).ok()
    };
    calls.iter().filter_map(begun).min()
}

/// What came into being between then and now, unless a build has it that still runs.
fn since_then(
    calls: &mut Calls,
    kind: ResourceKind,
    since: Duration,
) -> Result<Vec<Leaving>, Trouble> {
    let whole_second = Duration::from_secs(1);
    let until = clock::since_1970() + whole_second;
    let give_up = clock::now() + OTHERS;
    loop {
        // Looked at first: one that ends in between may still be in the list.
        let others = clock::now() < give_up && !calls.is_over() && a_build_runs();
        let mut found = calls.leavings(kind)?;
        found.retain(|leaving| (since..=until).contains(&leaving.made));
        if found.is_empty() || !others {
            return Ok(found);
        }
        calls.pause();
    }
}

/// Of this attempt there is none: its processes have ended.
fn a_build_runs() -> bool {
    let pids = Proc::default().pids().into_iter();
    let mut processes = pids.filter_map(procfs::process);
    processes.any(|process| helpers::is_local_build(&process))
}

/// Names working containers and nameless images that came into being since.
fn name(calls: &mut Calls, since: Duration, why: &str, cleanup: &mut Cleanup) {
    for (kind, remedy) in [
        (ResourceKind::Container, "rm -f"),
        (ResourceKind::Image, "rmi"),
    ] {
        let found = match since_then(calls, kind, since) {
            Ok(found) => found,
            Err(trouble) => {
                cleanup.leftovers.push(Leftover {
                    resource: Resource {
                        kind,
                        id: String::new(),
                        name: String::new(),
                    },
                    why: format!("what a build that was killed left cannot be listed: {trouble}"),
                    remedy: listing::leavings_command(calls.client, kind),
                });
                continue;
            }
        };
        for leaving in found {
            cleanup.leftovers.push(Leftover {
                remedy: format!("{} {remedy} {}", calls.client.command(), leaving.id),
                resource: Resource {
                    kind,
                    id: leaving.id,
                    name: leaving.name,
                },
                why: why.to_owned(),
            });
        }
    }
}
