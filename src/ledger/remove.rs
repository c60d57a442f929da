//! Cleaning after an attempt: what is proved to be its own is removed, in order, and its absence verified.
//!
//! Never acts on doubt, never blocks longer than its limit, never stops at the first trouble. Does not decide
//! whether to clean; is told.

use std::time::Duration;

use super::builds;
use super::calls::Calls;
use super::proof::{Gathered, Grounds, Owner, Proof, Standing, gather, unheard};
use super::remedy;
use crate::engine::client::Client;
use crate::engine::trouble::essence;
use crate::host::clock;
use crate::host::process::{Completed, Ending, Runner};
use crate::model::{Cleanup, EngineKind, Leftover, Presence, Resource, ResourceKind};

/// What is to become of an attempt's resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CleanupPolicy {
    /// Everything stays, for somebody wants to look at it.
    pub keep: bool,
    /// Image names and builds of the attempt stay.
    pub keep_images: bool,
}

/// Users before what they use.
const ORDER: [ResourceKind; 5] = [
    ResourceKind::Container,
    ResourceKind::Pod,
    ResourceKind::Network,
    ResourceKind::Volume,
    ResourceKind::Image,
];

/// How long somebody else's removal of the same thing is waited for.
const REMOVAL_WAIT: Duration = Duration::from_secs(5);

/// How long is waited for what a call makes whose answer nobody heard. A busy daemon took 0.8 s for a network.
const ANSWER_WAIT: Duration = Duration::from_secs(3);

/// How long the next script waits for the engine to end a build that nobody waits for.
const STEP_WAIT: Duration = Duration::from_secs(1);

/// Cleans after an attempt that used the engine.
pub fn clean(
    owner: &Owner,
    client: &Client,
    runner: &mut dyn Runner,
    policy: CleanupPolicy,
    limit: Duration,
) -> Cleanup {
    let start = clock::now();
    // So that our removals are in the attempt's journal, which proves them.
    let client = &match owner.journal.written_conf() {
        Some((variable, file)) if client.dialect() == EngineKind::Podman => {
            client.clone().with(variable, file.into())
        }
        Some(_) | None => client.clone(),
    };
    let mut calls = Calls {
        journal: &owner.journal,
        client,
        runner,
        end: start + limit,
    };
    let gathered = gather_all(owner, &mut calls);
    builds::await_steps(owner, &gathered, &mut calls);
    let mut cleanup = Cleanup {
        unconfirmed: gathered.unconfirmed.clone(),
        ..Cleanup::default()
    };
    for kind in ORDER {
        let keep = policy.keep || (policy.keep_images && kind == ResourceKind::Image);
        let proofs = gathered.of(kind);
        let (mut layers, rest): (Vec<Proof>, Vec<Proof>) = proofs.into_iter().partition(is_layer);
        clean_kind(&mut cleanup, &mut calls, &rest, keep);
        if kind == ResourceKind::Image {
            // They stand on the layers that are known.
            layers.splice(0..0, unheard(owner, &mut calls, &layers));
        }
        // With the last name of an image its layers go by themselves.
        clean_layers(&mut cleanup, &mut calls, &layers, keep, owner.standing);
    }
    cleanup.unlabelled = unlabelled(&gathered, &cleanup);
    if !policy.keep {
        builds::clean(owner, &mut calls, &mut cleanup);
    }
    look_at_suspects(&mut cleanup, &mut calls, &gathered.suspects);
    cleanup.leftovers.extend(gathered.doubts);
    cleanup.duration = clock::now() - start;
    cleanup
}

/// What the engine was asked to make by somebody who died may come later. Without a word of it that is waited for.
fn gather_all(owner: &Owner, calls: &mut Calls) -> Gathered {
    let patience = clock::now() + ANSWER_WAIT;
    loop {
        let gathered = gather(owner, calls);
        let came = gathered.listed_beyond(owner.acquired);
        if came >= owner.unanswered.unwrap_or(0) || calls.is_over() || clock::now() > patience {
            return gathered;
        }
        calls.pause();
    }
}

/// Containers that were there and that a stand-in for the client had given our labels, which they do not have.
fn unlabelled(gathered: &Gathered, cleanup: &Cleanup) -> Vec<Resource> {
    let was_there =
        |resource: &Resource| cleanup.removed.contains(resource) || cleanup.kept.contains(resource);
    let containers = gathered.of(ResourceKind::Container).into_iter();
    containers
        .filter(|_| gathered.labels_are_known)
        .filter(|proof| proof.grounds() == Grounds::IdFile && was_there(proof.resource()))
        .map(|proof| proof.resource().clone())
        .collect()
}

/// What cannot be proved to be the owner's is named if it is there, and stays.
fn look_at_suspects(cleanup: &mut Cleanup, calls: &mut Calls, suspects: &[Resource]) {
    for suspect in suspects {
        let ids = [suspect.id.clone()];
        let why = match calls.ask(suspect.kind, &ids).pop() {
            Some(Presence::Present) => {
                "its name was new when the killed run used it, but may be somebody else's by now"
                    .to_owned()
            }
            Some(Presence::Unknown { why }) => why,
            Some(Presence::Absent) | None => continue,
        };
        cleanup.leftovers.push(Leftover {
            remedy: remedy::command(calls.client, suspect.kind, &suspect.id),
            resource: suspect.clone(),
            why,
        });
    }
}

/// All proofs are of one kind.
fn clean_kind(cleanup: &mut Cleanup, calls: &mut Calls, proofs: &[Proof], keep: bool) {
    let mut present = Vec::new();
    for (proof, presence) in proofs.iter().zip(presence(calls, proofs)) {
        match presence {
            Presence::Present if keep => cleanup.kept.push(proof.resource().clone()),
            Presence::Present => present.push(proof.clone()),
            Presence::Absent if proof.grounds() == Grounds::NewName => {}
            Presence::Absent => cleanup.gone.push(proof.resource().clone()),
            Presence::Unknown { why } => cleanup.leftovers.push(leftover(calls.client, proof, why)),
        }
    }
    for (proof, fate) in remove(calls, present) {
        match fate {
            Fate::Removed => cleanup.removed.push(proof.resource().clone()),
            Fate::Left { why } => cleanup.leftovers.push(leftover(calls.client, &proof, why)),
        }
    }
}

fn is_layer(proof: &Proof) -> bool {
    matches!(proof.grounds(), Grounds::Layer | Grounds::Outcome(_))
}

/// Nobody has given it a name, and it is no older than the call that ended in it; `None` when that cannot be told.
fn is_free(calls: &mut Calls, proof: &Proof) -> Option<bool> {
    let since = match proof.grounds() {
        Grounds::Outcome(begun) => begun,
        Grounds::Labels
        | Grounds::IdFile
        | Grounds::Answer
        | Grounds::Layer
        | Grounds::Journal
        | Grounds::NewName => Duration::ZERO,
    };
    let (has_names, made) = calls.image(&proof.id())?;
    Some(!has_names && made >= since)
}

/// What a build made on its way is removed where nobody has given it a name. One that somebody else builds on or runs
/// stays, for the engine refuses: that is as it should be. After a killed run it is named, for nobody knows who that is.
fn clean_layers(
    cleanup: &mut Cleanup,
    calls: &mut Calls,
    layers: &[Proof],
    keep: bool,
    standing: Standing,
) {
    let mut nameless = Vec::new();
    for (proof, presence) in layers.iter().zip(presence(calls, layers)) {
        match presence {
            Presence::Present => match is_free(calls, proof) {
                Some(true) if keep => cleanup.kept.push(proof.resource().clone()),
                Some(true) => nameless.push(proof.clone()),
                Some(false) => {}
                None => {
                    let why = "the engine does not tell whether it has a name".to_owned();
                    cleanup.leftovers.push(leftover(calls.client, proof, why));
                }
            },
            Presence::Absent => {}
            Presence::Unknown { why } => cleanup.leftovers.push(leftover(calls.client, proof, why)),
        }
    }
    for (proof, fate) in remove_layers(calls, nameless, standing) {
        match fate {
            Fate::Removed => cleanup.removed.push(proof.resource().clone()),
            Fate::Left { why } if is_used(&why) && standing == Standing::Alive => {}
            Fate::Left { why } => cleanup.leftovers.push(leftover(calls.client, &proof, why)),
        }
    }
}

/// A build whose client has just died still has the container of its step, which the engine removes a moment later.
fn remove_layers(calls: &mut Calls, layers: Vec<Proof>, standing: Standing) -> Vec<(Proof, Fate)> {
    let patience = clock::now()
        + match standing {
            Standing::Alive => STEP_WAIT,
            Standing::Dead => REMOVAL_WAIT,
        };
    let mut fates = Vec::new();
    let mut left = layers;
    loop {
        let (held, done): (Vec<_>, Vec<_>) = remove(calls, left)
            .into_iter()
            .partition(|(_, fate)| matches!(fate, Fate::Left { why } if is_used(why)));
        let runs = held
            .iter()
            .any(|(_, fate)| matches!(fate, Fate::Left { why } if is_run(why)));
        fates.extend(done);
        if !runs || calls.is_over() || clock::now() > patience {
            fates.extend(held);
            return fates;
        }
        calls.pause();
        left = held.into_iter().map(|(proof, _)| proof).collect();
    }
}

/// A container stands on the image, not only other images.
fn is_run(why: &str) -> bool {
    why.to_lowercase().contains("container")
}

/// The words of both engines for an image that others stand on.
fn is_used(why: &str) -> bool {
    let why = why.to_lowercase();
    [
        "dependent child images",
        "is being used",
        "is using its referenced image",
        "image used by",
        "image is in use",
    ]
    .iter()
    .any(|words| why.contains(words))
}

/// What the engine has just listed need not be asked for.
fn presence(calls: &mut Calls, proofs: &[Proof]) -> Vec<Presence> {
    let is_listed = |proof: &&Proof| proof.grounds() == Grounds::Labels;
    let unsure: Vec<String> = proofs
        .iter()
        .filter(|p| !is_listed(p))
        .map(Proof::id)
        .collect();
    let Some(kind) = proofs.first().map(|proof| proof.resource().kind) else {
        return Vec::new();
    };
    let mut answers = calls.ask(kind, &unsure).into_iter();
    let answer = |proof: &Proof| match proof.grounds() {
        Grounds::Labels => Some(Presence::Present),
        Grounds::IdFile
        | Grounds::Answer
        | Grounds::Layer
        | Grounds::Outcome(_)
        | Grounds::Journal
        | Grounds::NewName => answers.next(),
    };
    proofs.iter().map_while(answer).collect()
}

fn leftover(client: &Client, proof: &Proof, why: String) -> Leftover {
    let resource = proof.resource().clone();
    Leftover {
        remedy: remedy::command(client, resource.kind, &resource.id),
        resource,
        why,
    }
}

/// What became of one thing that was to be removed.
enum Fate {
    Removed,
    Left { why: String },
}

/// The one place that removes anything. First all in one call; then, alone, what a trouble with another may have
/// left.
///
/// Images go one by one: Podman counts two spellings of one name in one call as two names, and when the image has no
/// more than two, it removes both, though the other is somebody else's (measured: 4.3.1 took the base image along).
fn remove(calls: &mut Calls, proofs: Vec<Proof>) -> Vec<(Proof, Fate)> {
    if let [first, _, ..] = &proofs[..]
        && first.resource().kind == ResourceKind::Image
    {
        let each = proofs.into_iter();
        return each
            .flat_map(|proof| remove_together(calls, vec![proof]))
            .collect();
    }
    let several = proofs.len() > 1;
    let mut fates = Vec::new();
    for (proof, fate) in remove_together(calls, proofs) {
        let again = several && matches!(fate, Fate::Left { .. }) && !calls.is_over();
        if again {
            fates.extend(remove_together(calls, vec![proof]));
        } else {
            fates.push((proof, fate));
        }
    }
    fates
}

fn remove_together(calls: &mut Calls, proofs: Vec<Proof>) -> Vec<(Proof, Fate)> {
    let Some(kind) = proofs.first().map(|proof| proof.resource().kind) else {
        return Vec::new();
    };
    let ids: Vec<String> = proofs.iter().map(Proof::id).collect();
    let words = remedy::words(calls.client, kind)
        .iter()
        .map(|word| (*word).to_owned());
    let words: Vec<String> = words.chain(ids.iter().cloned()).collect();
    let completed = calls.call(&words);
    let answers = verify(calls, kind, &ids, &completed);
    let fate = |presence| match presence {
        Presence::Absent => Fate::Removed,
        Presence::Present => Fate::Left {
            why: why(&completed),
        },
        Presence::Unknown { why } => Fate::Left { why },
    };
    proofs
        .into_iter()
        .zip(answers.into_iter().map(fate))
        .collect()
}

/// The client's own success is no proof. A removal that somebody else began is waited for.
fn verify(
    calls: &mut Calls,
    kind: ResourceKind,
    ids: &[String],
    completed: &Completed,
) -> Vec<Presence> {
    let said = String::from_utf8_lossy(&completed.stderr).to_lowercase();
    let in_progress = said.contains("already in progress") || said.contains("being removed");
    let patience = clock::now() + REMOVAL_WAIT;
    loop {
        let answers = calls.ask(kind, ids);
        let is_there = answers.contains(&Presence::Present);
        if !is_there || !in_progress || calls.is_over() || clock::now() > patience {
            return answers;
        }
        calls.pause();
    }
}

fn why(completed: &Completed) -> String {
    match &completed.ending {
        Ending::Exited(0) => "the engine said that it removed it, but it is still there".to_owned(),
        Ending::Exited(_) => essence(&completed.stderr),
        Ending::Signaled(signal) => format!("the client was killed by signal {signal}"),
        Ending::TimedOut => format!("its removal did not end within {:.1?}", completed.took),
        Ending::NotStarted(why) => format!("the client cannot be started: {why}"),
    }
}

#[cfg(test)]
#[path = "remove_tests.rs"]
mod tests;
