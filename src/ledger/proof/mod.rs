//! What is ours, and by what proof. Only this module makes a `Proof`, and without one nothing is removed.
//!
//! Four things prove: an id that the engine itself wrote into our file or answered to our proxy, a line in the
//! attempt's own journal, both our labels on the thing, and a name that was not there before the script used it. A name
//! alone, or an answer that could not be had, proves nothing.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use crate::engine::runtimes::{self, Held};
use crate::ledger::calls::Calls;
pub use crate::ledger::id_file::{before_file, made, written_id};
use crate::ledger::id_file::{is_digest, is_image_id, was_there_before};
use crate::ledger::journal::{Journal, JournalFiles};
use crate::ledger::remedy::list_command;
use crate::ledger::{labels, outcomes};
use crate::model::{AttemptId, EngineKind, Intent, Leftover, Resource, ResourceKind, RunId};

mod killed;

pub(super) use killed::{step_containers, unheard};

/// Whose resources are looked for, and what was written down about them.
#[derive(Debug, Clone)]
pub struct Owner<'a> {
    /// The run.
    pub run: &'a RunId,
    /// The attempt.
    pub attempt: AttemptId,
    /// Its intents on one engine.
    pub intents: &'a [Intent],
    /// When each of them was written, since 1970, as far as that is known.
    pub intended_at: &'a [Option<Duration>],
    /// What that engine said that it made for it, and is not known to be gone; in that order.
    pub acquired: &'a [Resource],
    /// How many calls that create something nobody has heard the answer of, and nobody will: what they make may still
    /// come. `None` when its proxy lived to hear everything out.
    pub unanswered: Option<usize>,
    /// Whether its run lives.
    pub standing: Standing,
    /// Podman's journal of the attempt, if it has one.
    pub journal: JournalFiles,
    /// Every call of the attempt wrote to it.
    pub watched: bool,
    /// The last kind, in the order of removal, that is looked for.
    pub up_to: ResourceKind,
    /// The directory that is this owner's alone, where its builds kept their bundles; nothing runs in it any more.
    pub scratch: Option<&'a Path>,
}

impl Owner<'_> {
    pub(super) fn intended(&self) -> impl Iterator<Item = &Intent> {
        let intents = self.intents.iter();
        intents.filter(|intent| intent.kind <= self.up_to)
    }

    /// Everything of this kind that was to be made is known to be gone by the journal, so nobody need be asked.
    fn is_accounted(&self, kind: ResourceKind, journal: &Journal) -> bool {
        let gone = |id: &str| journal.is_gone(kind, id);
        let is_over = |intent: &Intent| written_id(&intent.id_file).is_some_and(|id| gone(&id));
        self.standing == Standing::Alive
            && self.watched
            && self
                .intended()
                .filter(|intent| intent.kind == kind)
                .all(is_over)
            && journal
                .made()
                .filter(|made| made.kind == kind)
                .all(|made| gone(&made.id))
    }
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
    /// A call of the owner's that began then, since 1970, ended in this image: it made it unless it is older. Others may
    /// build on it, or have given it a name.
    Outcome(Duration),
    /// The attempt's own journal shows it as made.
    Journal,
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

/// A step of a build that nobody but an OCI runtime knows, and that is proved to be the owner's: its bundle is in the
/// owner's own directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step(Held);

impl Step {
    pub(super) fn held(&self) -> &Held {
        &self.0
    }
}

/// The steps of the owner's builds that were killed.
pub(super) fn steps(owner: &Owner, environment: &[(OsString, OsString)]) -> Vec<Step> {
    let builds = owner
        .intended()
        .any(|intent| intent.kind == ResourceKind::Image);
    let scratch = owner.scratch.filter(|_| builds);
    let held = scratch.map(|scratch| runtimes::held_below(scratch, environment));
    held.into_iter().flatten().map(Step).collect()
}

/// What an owner has.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) proofs: Vec<Proof>,
    /// Names that were the owner's once, and may be anybody's now.
    pub(super) suspects: Vec<Resource>,
    /// What has the owner's labels, and neither the journal nor the socket that should show it does.
    pub(super) unconfirmed: Vec<Resource>,
    /// Where the engine did not answer: something may be left, and nobody knows what.
    pub(super) doubts: Vec<Leftover>,
    /// All containers with our labels are known.
    pub(super) labels_are_known: bool,
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

    /// How many things the engine lists with our labels of which nobody heard that they were made.
    pub(super) fn listed_beyond(&self, acquired: &[Resource]) -> usize {
        let is_new = |proof: &&Proof| {
            proof.grounds == Grounds::Labels
                && !acquired.iter().any(|made| made.id == proof.resource.id)
        };
        self.proofs.iter().filter(is_new).count()
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
    let journal = calls.journal();
    let intends = |kind| owner.intended().any(|intent| intent.kind == kind);
    // Containers also come into being without an intent, when a client inherits flags.
    let keeps_journal = calls.client.dialect() == EngineKind::Podman;
    if !keeps_journal || !owner.is_accounted(ResourceKind::Container, &journal) {
        list(&mut gathered, owner, calls, ResourceKind::Container);
    }
    for kind in [
        ResourceKind::Pod,
        ResourceKind::Network,
        ResourceKind::Volume,
    ] {
        if intends(kind) {
            list(&mut gathered, owner, calls, kind);
        }
    }
    let is_answered = |id: &str| owner.acquired.iter().any(|made| made.id == id);
    let sees_socket = owner.standing == Standing::Alive && calls.client.api().is_some();
    if (keeps_journal && owner.watched) || sees_socket {
        let listed = gathered.of(ResourceKind::Container).into_iter();
        let is_shown = |id: &str| journal.shows(id) || is_answered(id);
        let unknown = listed.filter(|proof| !is_shown(&proof.resource.id));
        gathered.unconfirmed = unknown.map(|proof| proof.resource).collect();
    }
    for made in journal.made().filter(|made| made.kind <= owner.up_to) {
        gathered.add(made.kind, &made.id, &made.name, Grounds::Journal);
    }
    for intent in owner.intended().filter(|intent| !intent.existed) {
        from_intent(&mut gathered, intent);
    }
    // What was made last goes first: it may stand on what was made before.
    let acquired = owner.acquired.iter().rev();
    for Resource { kind, id, name } in acquired.filter(|made| made.kind <= owner.up_to) {
        gathered.add(*kind, id, name, grounds_of(*kind, id));
    }
    if owner.up_to >= ResourceKind::Image {
        for (id, begun) in outcomes::of(owner, &journal) {
            gathered.add(ResourceKind::Image, &id, "", Grounds::Outcome(begun));
        }
    }
    if owner.standing == Standing::Dead {
        killed::sort_out_doubtful(&mut gathered, owner, calls);
    }
    gathered
}

/// What an engine's answer proves. An image on the way of a build may be everybody's by now.
fn grounds_of(kind: ResourceKind, id: &str) -> Grounds {
    match kind {
        ResourceKind::Image if is_image_id(id) => Grounds::Layer,
        ResourceKind::Image => Grounds::NewName,
        ResourceKind::Container
        | ResourceKind::Pod
        | ResourceKind::Network
        | ResourceKind::Volume
        | ResourceKind::Directory => Grounds::Answer,
    }
}

/// A volume whose name somebody chose may have been removed and made again by anybody.
fn is_by_name(resource: &Resource) -> bool {
    resource.kind == ResourceKind::Volume && !is_digest(&resource.id)
}

fn list(gathered: &mut Gathered, owner: &Owner, calls: &mut Calls, kind: ResourceKind) {
    let labels = labels::of(owner.run, owner.attempt);
    match calls.labelled(kind, &labels) {
        Ok(found) => {
            gathered.labels_are_known |= kind == ResourceKind::Container;
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
        ResourceKind::Image => gathered.add(*kind, name, name, grounds_of(*kind, name)),
        ResourceKind::Pod | ResourceKind::Volume => {
            gathered.add(*kind, name, name, Grounds::NewName);
        }
        // Both engines put our labels on a network that they make, and on no other.
        ResourceKind::Network | ResourceKind::Directory => {}
    }
}
