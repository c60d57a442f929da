//! Cleaning after a run that was killed with all its slots: its processes, its resources, its directories.
//!
//! A name that was new when the run wrote it down may be somebody else's by now, so here it proves nothing. A store
//! that is not provably the run's own is not asked.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

use super::intents::{Contents, Ledger};
use super::journal::JournalFiles;
use super::life::Dead;
use super::proof::{Owner, Standing};
use super::remove::{CleanupPolicy, clean};
use crate::engine::client::Client;
use crate::engine::helpers;
use crate::host::procfs::{self, Process};
use crate::host::{clock, process::Runner};
use crate::model::{
    Cleanup, EndedProcess, EngineFacts, How, Leftover, Resource, ResourceKind, RunId,
};

/// How long processes may take to end when they are asked.
const GRACE: Duration = Duration::from_secs(1);
/// How long SIGKILL is repeated.
const KILL_LIMIT: Duration = Duration::from_secs(3);
/// Between two looks.
const PACE: Duration = Duration::from_millis(5);

/// The dead run's processes that are still there: those whose `PATH` leads through its stand-ins. Helpers of engines
/// are not among them.
pub fn processes(dead: &Dead) -> Vec<Process> {
    let marker = [&dead.beginning.live.0[..], b"/"].concat();
    if marker.len() < 2 || !marker.ends_with(format!("/{}/", dead.run).as_bytes()) {
        return Vec::new();
    }
    let mut found = procfs::with_environment(&marker);
    found.retain(|process| process.state != 'Z' && !helpers::serves_others(process));
    found
}

/// Ends them: asked first, then killed.
pub fn end_processes(dead: &Dead) -> Vec<EndedProcess> {
    let mut ended = BTreeMap::new();
    press(dead, libc::SIGTERM, How::Terminated, GRACE, &mut ended);
    press(dead, libc::SIGKILL, How::Killed, KILL_LIMIT, &mut ended);
    for survivor in processes(dead) {
        ended.insert(survivor.pid, (survivor.command(), How::Survived));
    }
    let fact = |(pid, (command, how))| EndedProcess::new(pid, command, how);
    ended.into_iter().map(fact).collect()
}

fn press(
    dead: &Dead,
    signal: i32,
    how: How,
    limit: Duration,
    ended: &mut BTreeMap<i32, (String, How)>,
) {
    let give_up = clock::now() + limit;
    let mut sent = BTreeMap::new();
    loop {
        let there = processes(dead);
        if there.is_empty() || clock::now() > give_up {
            return;
        }
        for process in there {
            let known = sent.insert(process.pid, process.started) == Some(process.started);
            if (!known || signal == libc::SIGKILL) && procfs::signal(&process, signal) {
                // A stopped process hears nothing else.
                procfs::signal(&process, libc::SIGCONT);
                ended.insert(process.pid, (process.command(), how));
            }
        }
        std::thread::park_timeout(PACE);
    }
}

/// The engine that answers here and now.
#[derive(Debug)]
pub struct Engine<'a> {
    facts: &'a EngineFacts,
    client: Client,
}

impl<'a> Engine<'a> {
    /// Reached under the harness's own environment.
    pub fn of(facts: &'a EngineFacts, environment: Vec<(OsString, OsString)>) -> Self {
        let client = Client::of(facts, environment);
        Engine { facts, client }
    }
}

/// Removes what a run left in an engine, as far as its ledger proves it, and writes down what came of it.
/// What it made elsewhere is named. `scratch` is its directory of work directories, as far as it is known.
pub fn clean_run(
    run: &RunId,
    ledger: &Ledger,
    engine: &Engine,
    runner: &mut dyn Runner,
    (scratch, end): (Option<&Path>, Instant),
) -> Cleanup {
    let begun = clock::now();
    let mut total = Cleanup::default();
    let contents = match ledger.read() {
        Ok(contents) => contents,
        Err(error) => {
            total.leftovers.push(unknown(error.to_string()));
            return total;
        }
    };
    let Engine { facts, client } = engine;
    for (attempt, engine) in contents.open() {
        if engine != client.kind() {
            continue;
        }
        if let Some(why) = unreached(&contents, facts) {
            total
                .leftovers
                .push(unknown(format!("attempt {attempt} {why}")));
            continue;
        }
        let intents = contents.intents(attempt, engine);
        let owner = Owner {
            run,
            attempt,
            intents: &intents,
            intended_at: &contents.intended_at(attempt, engine),
            acquired: &contents.acquired(attempt, engine),
            unanswered: Some(contents.unanswered(attempt, engine)),
            standing: Standing::Dead,
            journal: JournalFiles::of(ledger, attempt),
            watched: false,
            up_to: ResourceKind::Image,
            scratch,
        };
        let policy = CleanupPolicy {
            keep: false,
            keep_images: false,
        };
        let left = end.saturating_duration_since(clock::now());
        let done = clean(&owner, client, runner, policy, left);
        // What cannot be written down is found again by its labels.
        ledger.settle(attempt, &done).ok();
        total.removed.extend(done.removed);
        total.gone.extend(done.gone);
        total.leftovers.extend(done.leftovers);
    }
    total.duration = clock::now() - begun;
    total
}

/// Why the engine is not the one that the run used; `None` when it is. An address can lead elsewhere tomorrow, and
/// another store misses everything that was made in the run's: its "no such container" would be a false proof.
fn unreached(contents: &Contents, facts: &EngineFacts) -> Option<String> {
    let engines = contents.engines();
    let stores = engines.iter().filter(|(kind, _)| *kind == facts.kind);
    let stores: Vec<&str> = stores.map(|(_, store)| *store).collect();
    let here = facts.store();
    let is_reached = stores.contains(&here.as_str());
    let used = if stores.is_empty() {
        "nobody knows where".to_owned()
    } else {
        stores.join(", ")
    };
    (!is_reached).then(|| format!("used {} ({used}), but {here} answers here", facts.kind))
}

/// What is known of a run's resources when its engine cannot be asked.
pub fn unasked(why: &str) -> Cleanup {
    Cleanup {
        leftovers: vec![unknown(format!("the engine cannot be asked: {why}"))],
        ..Cleanup::default()
    }
}

fn unknown(why: String) -> Leftover {
    Leftover {
        resource: Resource {
            kind: ResourceKind::Container,
            id: String::new(),
            name: "unknown".to_owned(),
        },
        why,
        remedy: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::intents::Entry;
    use crate::model::samples;

    #[test]
    fn only_the_store_that_the_run_used_is_the_same() {
        let facts = EngineFacts {
            identity: "podman:uid:7".to_owned(),
            storage_driver: "vfs".to_owned(),
            storage_root: "/a".to_owned(),
            ..samples::podman()
        };
        let used = |store: &str| Contents {
            entries: vec![Entry::Engine {
                engine: facts.kind,
                store: store.to_owned(),
            }],
            ..Contents::default()
        };
        let check = |contents: &Contents, expected| {
            assert_eq!(unreached(contents, &facts).as_deref(), expected);
        };
        check(&used("podman:uid:7 vfs /a"), None);
        check(
            &used("podman:uid:7 vfs /b"),
            Some("used podman (podman:uid:7 vfs /b), but podman:uid:7 vfs /a answers here"),
        );
        // As the first ledgers have it.
        check(
            &used("podman:uid:7"),
            Some("used podman (podman:uid:7), but podman:uid:7 vfs /a answers here"),
        );
        check(
            &Contents::default(),
            Some("used podman (nobody knows where), but podman:uid:7 vfs /a answers here"),
        );
    }
}
