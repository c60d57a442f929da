//! What runs that were killed left behind: their processes and directories go before this run begins, their resources
//! when the engine is found. Bounded; what it cannot do now, the next run or `shakedown reap` does.

use std::path::Path;
use std::time::Duration;

use super::brief::{Brief, Kept};
use super::dirs::Dirs;
use crate::config::CleanupWhen;
use crate::host::process::Bounded;
use crate::host::{clock, environment, search};
use crate::ledger::intents::Ledger;
use crate::ledger::life::{self, Beginning, Dead};
use crate::ledger::orphans::{self, Engine};
use crate::model::{Cleanup, EngineFacts, Leftover, Reaped, Resource, ResourceKind};

/// How long all orphans together may take in the engine before the run's own trials come first.
const LIMIT: Duration = Duration::from_secs(20);

/// What others need who clean after this run, should it be killed.
pub(super) fn beginning(brief: &Brief, dirs: &Dirs) -> Beginning {
    let bytes = |path: &Path| search::bytes(path).into();
    Beginning {
        live: bytes(&dirs.live()),
        // What is to be kept is not named.
        work: match brief.kept {
            Kept::Work => search::bytes(Path::new("")).into(),
            Kept::AsConfigured | Kept::Everything => bytes(&dirs.work_root()),
        },
        keeps: brief.kept == Kept::Everything || brief.settings.cleanup.when == CleanupWhen::Never,
    }
}

/// Ends the processes and removes the directories of killed runs. The second list has what is left for the engine.
pub(super) fn begin(ledgers: &Path) -> (Vec<Reaped>, Vec<Dead>) {
    let mut reaped = Vec::new();
    let mut open = Vec::new();
    for dead in life::dead(ledgers) {
        if dead.beginning.keeps {
            dead.bury();
            continue;
        }
        reaped.push(without_engine(&dead));
        if has_resources(ledgers, &dead) {
            open.push(dead);
        } else {
            dead.bury();
        }
    }
    reaped.retain(|reaped| !reaped.is_empty());
    (reaped, open)
}

/// What needs no engine.
pub fn without_engine(dead: &Dead) -> Reaped {
    let ended = orphans::end_processes(dead);
    let failed = dead.remove_directories().into_iter();
    let leftover = |(path, why): (std::path::PathBuf, std::io::Error)| Leftover {
        remedy: format!("rm -rf {}", path.display()),
        resource: Resource {
            kind: ResourceKind::Directory,
            id: path.display().to_string(),
            name: String::new(),
        },
        why: why.to_string(),
    };
    Reaped {
        run: dead.run.clone(),
        ended,
        cleanup: Cleanup {
            leftovers: failed.map(leftover).collect(),
            ..Cleanup::default()
        },
    }
}

fn has_resources(ledgers: &Path, dead: &Dead) -> bool {
    let contents = Ledger::of(ledgers, &dead.run).read();
    contents.is_ok_and(|contents| !contents.open().is_empty())
}

/// Removes the resources of killed runs from the engine that was found.
pub(super) fn in_engine(ledgers: &Path, open: Vec<Dead>, facts: &EngineFacts) -> Vec<Reaped> {
    let engine = Engine::of(facts, environment::variables());
    let end = clock::now() + LIMIT;
    let mut reaped = Vec::new();
    for dead in open {
        let ledger = Ledger::of(ledgers, &dead.run);
        let work = dead.work();
        let within = (work.as_deref(), end);
        let cleanup = orphans::clean_run(&dead.run, &ledger, &engine, &mut Bounded, within);
        reaped.push(Reaped {
            run: dead.run.clone(),
            ended: Vec::new(),
            cleanup,
        });
        if !has_resources(ledgers, &dead) {
            dead.bury();
        }
    }
    reaped.retain(|reaped| !reaped.is_empty());
    reaped
}
