//! What could not be removed after its attempt is tried once more when all scripts are over: an engine that was busy
//! may answer by then. No script waits for it. What does not go even now stays a leftover.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::driver::{Driver, Occurrence};
use crate::engine::client::Client;
use crate::host::process::Bounded;
use crate::host::{clock, environment};
use crate::ledger::intents::Ledger;
use crate::ledger::journal::JournalFiles;
use crate::ledger::proof::{Owner, Standing};
use crate::ledger::remove::{CleanupPolicy, clean};
use crate::model::{
    AttemptId, AttemptReport, Cleanup, EngineFacts, Event, Leftover, Resource, ResourceKind, RunId,
};
use crate::wire::Keep;

/// Leftovers by the attempt that they are of.
pub(super) type Untidy = BTreeMap<AttemptId, Vec<Leftover>>;

/// How long all of it may take at the end of a run; what is left then is left.
const LIMIT: Duration = Duration::from_secs(60);

/// Cleans for attempts whose slots cannot.
pub(super) struct Cleaner {
    facts: EngineFacts,
    run: RunId,
    ledger: Ledger,
    policy: CleanupPolicy,
}

impl Cleaner {
    /// `work` is its work directory, while that is its own and nothing runs there.
    pub(super) fn clean(
        &self,
        attempt: AttemptId,
        work: Option<&Path>,
        limit: Duration,
    ) -> Cleanup {
        let contents = self.ledger.read().unwrap_or_default();
        let intents = contents.intents(attempt, self.facts.kind);
        if intents.is_empty() {
            return Cleanup::default();
        }
        let client = Client::of(&self.facts, environment::variables());
        let owner = Owner {
            run: &self.run,
            attempt,
            intents: &intents,
            intended_at: &contents.intended_at(attempt, self.facts.kind),
            acquired: &contents.acquired(attempt, self.facts.kind),
            unanswered: Some(contents.unanswered(attempt, self.facts.kind)),
            standing: Standing::Alive,
            journal: JournalFiles::of(&self.ledger, attempt),
            // The slot may have died, and whoever wrote to it may have been killed.
            watched: false,
            up_to: ResourceKind::Image,
            scratch: work,
        };
        let cleanup = clean(&owner, &client, &mut Bounded, self.policy, limit);
        // What cannot be written down is found again by its labels.
        self.ledger.settle(attempt, &cleanup).ok();
        cleanup
    }
}

impl Driver {
    /// None without an engine: then nothing was made.
    pub(super) fn cleaner(&self) -> Option<Cleaner> {
        let rules = &self.run.setup.rules;
        Some(Cleaner {
            facts: self.engine.clone()?,
            run: self.run.setup.run.clone(),
            ledger: self.run.ledger.clone(),
            policy: CleanupPolicy {
                keep: rules.keep == Keep::Everything,
                keep_images: rules.keep_images,
            },
        })
    }

    /// Notes what an attempt left, for the end of the run.
    pub(super) fn note_leftovers(&mut self, attempt: AttemptId, report: &AttemptReport) {
        let leftovers = &report.cleanup.leftovers;
        if !leftovers.is_empty() {
            self.untidy.insert(attempt, leftovers.clone());
        }
    }

    /// Tries once more, and says what came of it. A run that is interrupted does not wait for that.
    pub(super) fn tidy_up(&mut self) {
        let attempts: Vec<AttemptId> = self.untidy.keys().copied().collect();
        let Some(cleaner) = self.cleaner().filter(|_| !attempts.is_empty()) else {
            return;
        };
        let mut open = attempts.len();
        let give_up = clock::now() + LIMIT;
        let limit = self.run.setup.rules.cleanup_limit;
        let inbox = self.inbox.clone();
        std::thread::spawn(move || {
            for attempt in attempts {
                let left = give_up.saturating_duration_since(clock::now());
                let cleanup = cleaner.clean(attempt, None, limit.min(left));
                inbox.send(Occurrence::Tidied(attempt, Box::new(cleanup)));
            }
        });
        while open > 0 && self.signal.is_none() {
            let left = give_up.saturating_duration_since(clock::now());
            match self.next(left) {
                Some(Occurrence::Tidied(attempt, cleanup)) => {
                    open -= 1;
                    self.tidied(attempt, *cleanup);
                }
                Some(other) => self.occur(other),
                None if left.is_zero() => return,
                None => {}
            }
        }
    }

    fn tidied(&mut self, attempt: AttemptId, cleanup: Cleanup) {
        let before = self.untidy.remove(&attempt).unwrap_or_default();
        let number = before.len();
        let left = still_left(before, &cleanup);
        if left.len() < number {
            self.teller.tell(&Event::CleanedAtLast {
                attempt,
                cleanup: Cleanup {
                    leftovers: left.clone(),
                    ..cleanup
                },
            });
        }
        if !left.is_empty() {
            self.untidy.insert(attempt, left);
        }
    }
}

/// What of these leftovers the second cleaning did not account for.
fn still_left(before: Vec<Leftover>, now: &Cleanup) -> Vec<Leftover> {
    let settled = |leftover: &Leftover| {
        let resource = &leftover.resource;
        if resource.id.is_empty() {
            // A kind that could not be listed, and now could be.
            let is_doubt = resource.name.is_empty() && resource.kind != ResourceKind::Directory;
            return is_doubt
                && !now.leftovers.iter().any(|left| {
                    left.resource.kind == resource.kind && left.resource.id.is_empty()
                });
        }
        let is_it = |other: &Resource| other.kind == resource.kind && other.id == resource.id;
        now.removed.iter().chain(&now.gone).any(is_it)
    };
    before.into_iter().filter(|left| !settled(left)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(kind: ResourceKind, id: &str) -> Resource {
        Resource {
            kind,
            id: id.to_owned(),
            name: String::new(),
        }
    }

    fn leftover(kind: ResourceKind, id: &str) -> Leftover {
        Leftover {
            resource: resource(kind, id),
            why: String::new(),
            remedy: String::new(),
        }
    }

    #[test]
    fn only_what_is_proved_to_be_gone_is_a_leftover_no_more() {
        use ResourceKind::{Container, Directory, Network, Volume};
        let before = vec![
            leftover(Container, "a"),
            leftover(Container, "b"),
            leftover(Volume, "a"),
            leftover(Network, ""),
            leftover(Volume, ""),
            leftover(Directory, "/w"),
        ];
        let now = Cleanup {
            removed: vec![resource(Container, "a")],
            leftovers: vec![leftover(Volume, "")],
            ..Cleanup::default()
        };
        let left = [
            leftover(Container, "b"),
            leftover(Volume, "a"),
            leftover(Volume, ""),
            leftover(Directory, "/w"),
        ];
        assert_eq!(still_left(before.clone(), &now), left);
        // Nothing was asked about, so nothing is known; a list that succeeded is an answer.
        let nothing = still_left(before, &Cleanup::default());
        assert_eq!(nothing.len(), 4);
    }
}
