//! What is ours, and by what proof. Only this module makes a `Proof`, and without one nothing is removed.
//!
//! Three things prove: an id that the engine itself wrote into our file or answered to our proxy, both our labels on
//! the thing, and a name that was not there before the script used it. A name alone, or an answer that could not be had, proves nothing.

use std::fs;

use super::calls::Calls;
use super::labels;
use super::remedy::list_command;
use crate::engine::api::is_anonymous;
use crate::model::{AttemptId, Intent, Leftover, Resource, ResourceKind, RunId};

/// Whose resources are looked for, and what was written down about them.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    /// The run.
    pub run: &'a RunId,
    /// The attempt.
    pub attempt: AttemptId,
    /// Its intents on one engine.
    pub intents: &'a [Intent],
    /// What that engine said that it made for it, and is not known to be gone; in that order.
    pub acquired: &'a [Resource],
    /// Whether its run lives.
    pub standing: Standing,
}

/// Whether the run of an attempt lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It does: what was new a moment ago is its own.
    Alive,
    /// It was killed, who knows when: a name that was new then may be anybody's now, and proves nothing.
    Dead,
}

/// Something that is proved to be the owner's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proof {
    resource: Resource,
    grounds: Grounds,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grounds {
    /// The engine listed it just now, with our labels.
    Labels,
    /// The engine wrote its id into our file: it was made.
    IdFile,
    /// The engine answered our proxy that it made it.
    Answer,
    /// A build made this image on its way; others may build on it, or have given it a name.
    Layer,
    /// Its name was new. It may never have been made.
    NewName,
}

impl Proof {
    pub(super) fn resource(&self) -> &Resource {
        &self.resource
    }

    pub(super) fn id(&self) -> String {
        self.resource.id.clone()
    }

    pub(super) fn grounds(&self) -> Grounds {
        self.grounds
    }
}

/// What an owner has.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) proofs: Vec<Proof>,
    /// Names that were the owner's once, and may be anybody's now.
    pub(super) suspects: Vec<Resource>,
    /// Where the engine did not answer: something may be left, and nobody knows what.
    pub(super) doubts: Vec<Leftover>,
}

impl Gathered {
    fn add(&mut self, kind: ResourceKind, id: &str, name: &str, grounds: Grounds) {
        // What is known by its id alone must match by it; a name may have been used twice.
        let known = |proof: &Proof| {
            let Resource {
                kind: its_kind,
                id: its_id,
                name: its_name,
            } = &proof.resource;
            *its_kind == kind && (its_id == id || (grounds == Grounds::NewName && its_name == name))
        };
        if id.is_empty() || self.proofs.iter().any(known) {
            return;
        }
        self.proofs.push(Proof {
            resource: Resource {
                kind,
                id: id.to_owned(),
                name: name.to_owned(),
            },
            grounds,
        });
    }

    pub(super) fn of(&self, kind: ResourceKind) -> Vec<Proof> {
        let proofs = self.proofs.iter();
        proofs
            .filter(|proof| proof.resource.kind == kind)
            .cloned()
            .collect()
    }
}

/// Finds what is the owner's. What the engine lists comes first, for then its presence is known already.
pub(super) fn gather(owner: &Owner, calls: &mut Calls) -> Gathered {
    let mut gathered = Gathered::default();
    let intends = |kind| owner.intents.iter().any(|intent| intent.kind == kind);
    // Containers also come into being without an intent, when a client inherits flags or a container is cloned.
    list(&mut gathered, owner, calls, ResourceKind::Container);
    for kind in [
        ResourceKind::Pod,
        ResourceKind::Network,
        ResourceKind::Volume,
    ] {
        if intends(kind) {
            list(&mut gathered, owner, calls, kind);
        }
    }
    for intent in owner.intents.iter().filter(|intent| !intent.existed) {
        from_intent(&mut gathered, intent);
    }
    // What was made last goes first: it may stand on what was made before.
    for Resource { kind, id, name } in owner.acquired.iter().rev() {
        gathered.add(*kind, id, name, grounds_of(*kind, id));
    }
    if owner.standing == Standing::Dead {
        let is_doubtful = |proof: &Proof| proof.grounds == Grounds::NewName;
        let (doubtful, proved) = gathered.proofs.into_iter().partition(is_doubtful);
        gathered.proofs = proved;
        gathered.suspects = doubtful
            .into_iter()
            .map(|proof: Proof| proof.resource)
            .collect();
    }
    gathered
}

/// What an engine's answer proves. A name that somebody chose is one that was new; it is told apart from what the
/// engine made up, which never comes twice.
fn grounds_of(kind: ResourceKind, id: &str) -> Grounds {
    match kind {
        ResourceKind::Image if id.starts_with("sha256:") => Grounds::Layer,
        ResourceKind::Image => Grounds::NewName,
        ResourceKind::Volume if !is_anonymous(id) => Grounds::NewName,
        ResourceKind::Container
        | ResourceKind::Pod
        | ResourceKind::Network
        | ResourceKind::Volume
        | ResourceKind::Directory => Grounds::Answer,
    }
}

fn list(gathered: &mut Gathered, owner: &Owner, calls: &mut Calls, kind: ResourceKind) {
    let labels = labels::of(owner.run, owner.attempt);
    match calls.labelled(kind, &labels) {
        Ok(found) => {
            for thing in found.iter().filter(|thing| !thing.infra) {
                gathered.add(kind, &thing.id, &thing.name, Grounds::Labels);
            }
        }
        Err(trouble) => gathered.doubts.push(Leftover {
            resource: Resource {
                kind,
                id: String::new(),
                name: String::new(),
            },
            why: format!("{kind}s of this attempt cannot be listed: {trouble}"),
            remedy: list_command(calls.client, kind, &labels),
        }),
    }
}

fn from_intent(gathered: &mut Gathered, intent: &Intent) {
    let Intent {
        kind,
        name,
        id_file,
        existed: _,
    } = intent;
    let made = || written_id(id_file).unwrap_or_default();
    match kind {
        ResourceKind::Container => gathered.add(*kind, &made(), name, Grounds::IdFile),
        ResourceKind::Pod if !id_file.is_empty() => {
            gathered.add(*kind, &made(), name, Grounds::IdFile);
        }
        ResourceKind::Image if name.is_empty() => {
            // With its prefix, for a bare one is no name to Podman's Docker interface.
            let image = written_id(id_file).filter(|id| !was_there_before(id_file, id));
            if let Some(id) = image {
                gathered.add(*kind, &format!("sha256:{id}"), "", Grounds::IdFile);
            }
        }
        ResourceKind::Pod | ResourceKind::Volume | ResourceKind::Image => {
            gathered.add(*kind, name, name, Grounds::NewName);
        }
        // Both engines put our labels on a network that they make, and on no other.
        ResourceKind::Network | ResourceKind::Directory => {}
    }
}

/// The id that the engine wrote for what an intent announced; `None` while it has not.
pub fn made(intent: &Intent) -> Option<String> {
    written_id(&intent.id_file)
}

/// An id as engines write it, whole: a file that holds anything else proves nothing.
pub fn written_id(file: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let id = text.trim();
    let digits = id.strip_prefix("sha256:").unwrap_or(id);
    let good = digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    good.then(|| digits.to_owned())
}

/// The file beside an id file that lists the images there were before.
pub fn before_file(id_file: &str) -> String {
    format!("{id_file}.before")
}

fn was_there_before(id_file: &str, id: &str) -> bool {
    // No such file: nothing had to be asked, as for a commit, which always makes a new image.
    let before = fs::read_to_string(before_file(id_file));
    before.is_ok_and(|text| text.lines().any(|line| line.trim() == id))
}
