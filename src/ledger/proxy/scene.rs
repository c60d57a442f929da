//! What all connections of one attempt share: whose they are, the ledger, and what is known to have been made.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::queue::Queue;
use crate::ledger::intents::{Entry, Ledger};
use crate::model::{AttemptId, EngineKind, Resource, ResourceKind, RunId};

/// Whose connections these are, and what is known of them.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) run: RunId,
    pub(super) attempt: AttemptId,
    /// By which name the engine is called in the ledger.
    pub(super) engine: EngineKind,
    pub(super) ledger: Ledger,
    /// The engine's own socket.
    pub(super) socket: PathBuf,
    /// Where creations wait for each other.
    pub(super) queue: Option<Queue>,
    /// The script's line that is running, as `file:line`.
    pub(super) place: Mutex<String>,
    /// Why something could not be written down.
    pub(super) fault: Mutex<Option<String>>,
    /// How many calls have created something, or tried.
    pub(super) calls: AtomicU32,
    /// How many connections clients have made.
    pub(super) visits: AtomicU32,
    /// What is known to have been made, and has not been removed.
    pub(super) made: Mutex<Vec<Resource>>,
}

impl Scene {
    /// Writes it down; trouble is kept for the attempt, which it makes a fault.
    pub(super) fn write(&self, entries: &[Entry]) -> Result<(), String> {
        self.ledger.append(entries).map_err(|error| {
            let why = format!(
                "shakedown cannot write down what is about to be made, so nothing was made: {error}"
            );
            lock(&self.fault).get_or_insert_with(|| why.clone());
            why
        })
    }

    /// A call that creates something, and its number.
    pub(super) fn called(&self) -> (Entry, u32) {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let entry = Entry::Called {
            attempt: self.attempt,
            engine: self.engine,
            call,
        };
        (entry, call)
    }

    /// What is not written down is looked for when the attempt is cleaned, in vain.
    pub(super) fn answered(&self, call: u32) {
        let attempt = self.attempt;
        self.ledger
            .append(&[Entry::Answered { attempt, call }])
            .ok();
    }

    /// Something may have been made that nobody saw.
    pub(super) fn unseen(&self, what: &str, why: &str) {
        let entry = Entry::Unseen {
            attempt: self.attempt,
            engine: self.engine,
            what: what.to_owned(),
            why: why.to_owned(),
        };
        // Trouble with the ledger is kept as the attempt's fault.
        self.write(&[entry]).ok();
    }

    pub(super) fn acquire(&self, kind: ResourceKind, id: &str, name: &str) {
        let resource = Resource {
            kind,
            id: id.to_owned(),
            name: name.to_owned(),
        };
        let entry = Entry::Acquired {
            attempt: self.attempt,
            engine: self.engine,
            resource: resource.clone(),
            place: lock(&self.place).clone(),
        };
        let mut made = lock(&self.made);
        if made.contains(&resource) {
            return;
        }
        match self.ledger.append(&[entry]) {
            Ok(()) => made.push(resource),
            Err(error) => {
                let why = format!("shakedown cannot write down that {kind} {id} was made: {error}");
                lock(&self.fault).get_or_insert(why);
            }
        }
    }

    /// The thing of ours that goes by this id, the beginning of one, or name.
    pub(super) fn ours(&self, kind: ResourceKind, id: &str) -> Option<Resource> {
        let made = lock(&self.made);
        let is_it = |resource: &&Resource| {
            let own = resource.id.trim_start_matches("sha256:");
            let begins = id.len() >= 12 && own.starts_with(id.trim_start_matches("sha256:"));
            resource.kind == kind && (begins || resource.id == id || resource.name == id)
        };
        made.iter().find(is_it).cloned()
    }

    pub(super) fn release(&self, resource: &Resource) {
        let entry = Entry::Released {
            attempt: self.attempt,
            resource: resource.clone(),
        };
        // What is not known to be gone is asked for when the attempt is cleaned.
        if self.ledger.append(&[entry]).is_ok() {
            lock(&self.made).retain(|made| made != resource);
        }
    }
}

/// A lock that a thread which panicked had left is as good as any: what it guards is replaced whole.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
