//! What is still provably the owner's when somebody was killed: the build that made an image, or the whole run. Knows
//! nothing of removal.

use std::collections::BTreeSet;

use super::{Gathered, Grounds, Owner, Proof, is_by_name};
use crate::ledger::calls::Calls;
use crate::ledger::outcomes;
use crate::model::{EngineKind, Resource, ResourceKind};

/// The containers in which the owner's builds ran their steps on Docker, by their ids; among them may be others that nobody
/// gave a name.
pub(in crate::ledger) fn step_containers<'o>(owner: &'o Owner, calls: &Calls) -> Vec<&'o str> {
    let builds = owner
        .intended()
        .any(|intent| intent.kind == ResourceKind::Image);
    if !builds || calls.client.dialect() != EngineKind::Docker {
        return Vec::new();
    }
    let acquired = owner.acquired.iter();
    acquired
        .filter(|made| made.kind == ResourceKind::Container && made.name.is_empty())
        .map(|made| made.id.as_str())
        .collect()
}

/// The layers that a build of the owner's made from a container of its own, and of which the engine could tell nobody any
/// more. To be asked when the containers are gone, for then no more can come.
pub(in crate::ledger) fn unheard(owner: &Owner, calls: &mut Calls, known: &[Proof]) -> Vec<Proof> {
    let steps = step_containers(owner, calls);
    if steps.is_empty() {
        return Vec::new();
    }
    let found = calls.committed_from(&steps).into_iter();
    let is_known = |id: &String| known.iter().any(|proof| proof.resource.id == *id);
    let new = found.filter(|id| !is_known(id));
    new.map(|id| Proof {
        resource: Resource {
            kind: ResourceKind::Image,
            id,
            name: String::new(),
        },
        grounds: Grounds::Layer,
    })
    .collect()
}

/// What was new by its name when a killed run used it may be anybody's by now; but an image's name that leads to an image
/// which the owner made is still its own.
pub(super) fn sort_out_doubtful(gathered: &mut Gathered, owner: &Owner, calls: &mut Calls) {
    let is_doubtful = |proof: &Proof| match proof.grounds {
        Grounds::NewName => true,
        Grounds::Journal | Grounds::Answer => is_by_name(proof.resource()),
        Grounds::Labels | Grounds::IdFile | Grounds::Layer | Grounds::Outcome(_) => false,
    };
    let built = outcomes::answered(owner);
    let proofs = std::mem::take(&mut gathered.proofs);
    for proof in proofs {
        if !is_doubtful(&proof) || leads_to(&proof, &built, calls) {
            gathered.proofs.push(proof);
        } else {
            gathered.suspects.push(proof.resource);
        }
    }
}

fn leads_to(proof: &Proof, built: &BTreeSet<String>, calls: &mut Calls) -> bool {
    proof.resource.kind == ResourceKind::Image
        && !built.is_empty()
        && calls
            .image_id(&proof.resource.id)
            .is_some_and(|id| built.contains(&id))
}
