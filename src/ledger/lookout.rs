//! Who goes around the stand-ins on Docker: the engine tells of everything that comes into being in it, and at that
//! moment it can be seen whether a process below this one is connected to the engine itself.
//!
//! Such a thing is only named. A connection shows who may have made it, not who did: the engine serves others too. A
//! client that is gone too soon to be seen is known if what it made speaks of the attempt.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::{labels, remedy};
use crate::engine::api::{self, Api, Creations, Stopper};
use crate::engine::client::Client;
use crate::engine::helpers;
use crate::host::procfs::{self, Process};
use crate::host::{clock, facts};
use crate::model::{Cleanup, EngineFacts, EngineKind, Leftover, Resource, ResourceKind};

/// How long the engine may take to let it in.
const CONNECTION: Duration = Duration::from_secs(2);

/// Something that no stand-in made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    resource: Resource,
    /// The command line and the id of the process that was connected to the engine when it was made.
    by: Option<(String, i32)>,
}

/// Listens to the engine for as long as it is there, on a thread of its own.
#[derive(Debug)]
pub struct Lookout {
    seen: Arc<Mutex<Vec<Stray>>>,
    thread: JoinHandle<()>,
    #[expect(dead_code, reason = "its end is the thread's")]
    stopper: Stopper,
}

impl Lookout {
    /// Begins to listen. `None` where this cannot be had: local Podman tells by its monitors, a socket of Podman's is the
    /// proxy's, and of an engine elsewhere no connection tells.
    pub fn open(engine: &EngineFacts) -> Option<Lookout> {
        if engine.server != EngineKind::Docker {
            return None;
        }
        let socket = PathBuf::from(engine.socket()?);
        let account = Creations::since(&socket, clock::since_1970(), CONNECTION).ok()?;
        let stopper = account.stopper().ok()?;
        let seen = Arc::new(Mutex::default());
        let shared = Arc::clone(&seen);
        let thread = thread::Builder::new()
            .name("lookout".to_owned())
            .spawn(move || listen(account, &shared))
            .ok()?;
        Some(Lookout {
            seen,
            thread,
            stopper,
        })
    }

    /// The engine says no more.
    pub fn is_over(&self) -> bool {
        self.thread.is_finished()
    }

    /// What was seen since the last time.
    pub fn take(&self) -> Vec<Stray> {
        std::mem::take(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Names what is still there, is neither known to the attempt's cleaning nor labelled by any run, and may be the
/// attempt's: a process of its own was seen, or the engine's account of the thing has one of `words`.
pub fn unattributed(
    strays: Vec<Stray>,
    words: &[String],
    cleanup: &Cleanup,
    client: &Client,
    end: Instant,
) -> Vec<Leftover> {
    let Some((mut api, _)) = client.api() else {
        return Vec::new();
    };
    let unknown = strays
        .into_iter()
        .filter(|stray| !cleanup.knows(&stray.resource));
    let named = unknown.filter_map(|stray| {
        let why = why(&stray, words, &mut api, end)?;
        let Resource { kind, id, .. } = &stray.resource;
        Some(Leftover {
            remedy: remedy::command(client, *kind, id),
            resource: stray.resource,
            why,
        })
    });
    named.collect()
}

fn why(stray: &Stray, words: &[String], api: &mut Api, end: Instant) -> Option<String> {
    let left = end.saturating_duration_since(clock::now());
    let text = api::account(api, stray.resource.kind, &stray.resource.id, left);
    if let Ok(text) = &text
        && text.as_ref().is_none_or(|text| text.contains(labels::RUN))
    {
        return None;
    }
    let seen = stray.by.as_ref().map(|(command, pid)| {
        format!(
            "it was made while `{command}` (pid {pid}) of this script was connected to the engine past its stand-in; it may \
             be somebody else's"
        )
    });
    seen.or_else(|| {
        let text = text.ok()??;
        let word = words.iter().find(|word| text.contains(word.as_str()))?;
        Some(format!(
            "it was made past the stand-in while this script ran, and speaks of `{word}`; by whom was not seen"
        ))
    })
}

fn listen(mut account: Creations, seen: &Mutex<Vec<Stray>>) {
    while let Some(creation) = account.await_next() {
        // A stand-in's, of this run or another.
        if creation.keys.iter().any(|key| key == labels::RUN) {
            continue;
        }
        let stray = Stray {
            by: connected(&account, &creation.resource),
            resource: creation.resource,
        };
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push(stray);
    }
}

/// The command line and the id of a process below this one that is connected to the engine and may have made this; the
/// stand-ins, which ask for names, have not. Who ends is looked at first, for it may be gone a moment later.
fn connected(account: &Creations, resource: &Resource) -> Option<(String, i32)> {
    let proc = procfs::Proc::default();
    let me = i32::try_from(facts::pid()).ok()?;
    // A child that is not yet its own program goes by our words, and has our sockets.
    let ours = proc.words(me);
    let is_alive = |process: &Process| {
        process.state != 'Z' && !process.words.is_empty() && process.words != ours
    };
    let below = procfs::descendants(me, &|_| true).into_iter();
    let alive = below.filter(is_alive);
    let sockets = |process: Process| {
        let open = proc.descriptors(process.pid).unwrap_or_default();
        let sockets = open.iter().filter_map(|open| inode(&open.target));
        let sockets: BTreeSet<u64> = sockets.collect();
        (process, sockets)
    };
    let processes: Vec<(Process, BTreeSet<u64>)> = alive.map(sockets).collect();
    // Without an answer of the kernel's nobody is accused.
    let fellows = account.fellows().ok()?;
    let is_it = |(process, sockets): &(Process, BTreeSet<u64>)| {
        !sockets.is_disjoint(&fellows)
            && !helpers::is_stand_in(process)
            && may_make(process, resource)
    };
    let (process, _) = processes.into_iter().find(is_it)?;
    Some((process.command(), process.pid))
}

/// Without one of these words a client makes nothing. So those that clean are not accused.
const MAKING: [&str; 13] = [
    "run", "create", "build", "buildx", "builder", "bake", "commit", "load", "import", "pull",
    "compose", "stack", "service",
];

/// A client that only asks or removes makes nothing, and one that was told a container's name makes none of another name.
fn may_make(process: &Process, resource: &Resource) -> bool {
    let words = || process.words.iter().map(String::as_str);
    let is_told = || words().any(|word| word == "--name" || word.starts_with("--name="));
    let names_it = || words().any(|word| word.trim_start_matches("--name=") == resource.name);
    let makes = || words().any(|word| MAKING.contains(&word));
    !helpers::is_client(process)
        || (makes() && (resource.kind != ResourceKind::Container || !is_told() || names_it()))
}

fn inode(target: &str) -> Option<u64> {
    let digits = target.strip_prefix("socket:[")?.strip_suffix(']')?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_makes_what_it_was_told_to_and_nothing_else() {
        let resource = |kind, name: &str| Resource {
            kind,
            id: "aa".to_owned(),
            name: name.to_owned(),
        };
        let check = |executable: &str, line: &str, kind, expected| {
            let process = Process {
                executable: executable.to_owned(),
                words: line.split(' ').map(str::to_owned).collect(),
                ..Process::default()
            };
            assert_eq!(
                may_make(&process, &resource(kind, "web")),
                expected,
                "{line}"
            );
        };
        let (container, volume) = (ResourceKind::Container, ResourceKind::Volume);
        check("docker", "docker run --name web base", container, true);
        check("docker", "docker run --name=web base", container, true);
        check("docker", "docker run --name other base", container, false);
        check("docker", "docker run --name=other base", container, false);
        check("docker", "docker run base", container, true);
        check("docker", "docker compose up", container, true);
        check("python3", "python3 --name other", container, true);
        check("docker", "docker rm -f -v aa bb", volume, false);
        check("docker", "docker volume create data", volume, true);
        // An unnamed one of the container's.
        check(
            "docker",
            "docker run --name other -v /data base",
            volume,
            true,
        );
    }

    #[test]
    fn only_sockets_are_looked_up() {
        assert_eq!(inode("socket:[4711]"), Some(4711));
        assert_eq!(inode("pipe:[4711]"), None);
        assert_eq!(inode("/dev/null"), None);
    }
}
