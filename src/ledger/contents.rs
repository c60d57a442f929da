//! What a ledger says of its attempts: what they were about to make, what was made, what is still open. Pure.

use std::collections::BTreeSet;
use std::time::Duration;

use super::intents::Entry;
use crate::model::{AttemptId, EngineKind, Intent, Resource};

/// What a ledger says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// In the order of writing.
    pub entries: Vec<Entry>,
    /// When each entry was written, since 1970, as far as it says so.
    pub times: Vec<Option<Duration>>,
    /// Lines that are torn, or of a later version.
    pub unreadable: usize,
}

impl Contents {
    /// What an attempt was about to make in an engine.
    pub fn intents(&self, of: AttemptId, on: EngineKind) -> Vec<Intent> {
        let timed = self.timed_intents(of, on);
        timed.map(|(intent, _)| intent).collect()
    }

    /// When each of an attempt's intents was written, since 1970, in their order.
    pub fn intended_at(&self, of: AttemptId, on: EngineKind) -> Vec<Option<Duration>> {
        self.timed_intents(of, on).map(|(_, at)| at).collect()
    }

    fn timed_intents(
        &self,
        of: AttemptId,
        on: EngineKind,
    ) -> impl Iterator<Item = (Intent, Option<Duration>)> {
        let intent = move |(number, entry): (usize, &Entry)| {
            let Entry::Intent {
                attempt,
                engine,
                intent,
                place: _,
            } = entry
            else {
                return None;
            };
            let at = self.times.get(number).copied().flatten();
            (*attempt == of && *engine == on).then(|| (intent.clone(), at))
        };
        self.entries.iter().enumerate().filter_map(intent)
    }

    /// The commands of an attempt that made something nobody can attribute, with what led them away.
    pub fn elsewhere(&self, of: AttemptId) -> Vec<(String, String)> {
        let away = |entry: &Entry| {
            let Entry::Elsewhere {
                attempt,
                engine,
                command,
                by,
            } = entry
            else {
                return None;
            };
            (*attempt == of).then(|| (format!("{engine} {command}"), by.clone()))
        };
        self.entries.iter().filter_map(away).collect()
    }

    /// What an attempt is known to have made in an engine, in order, without what is proved to be gone.
    pub fn acquired(&self, of: AttemptId, on: EngineKind) -> Vec<Resource> {
        let mut made: Vec<Resource> = Vec::new();
        for entry in self.entries.iter().filter(|e| e.attempt() == Some(of)) {
            if let Entry::Acquired {
                engine, resource, ..
            } = entry
                && *engine == on
            {
                made.push(resource.clone());
            } else if let Entry::Released { resource, .. } = entry {
                made.retain(|made| made != resource);
            }
        }
        made
    }

    /// Everything that an attempt was about to make, in whichever engine.
    pub fn all_intents(&self, of: AttemptId) -> impl Iterator<Item = &Intent> {
        self.entries.iter().filter_map(move |entry| {
            let Entry::Intent {
                attempt, intent, ..
            } = entry
            else {
                return None;
            };
            (*attempt == of).then_some(intent)
        })
    }

    /// Everything that an attempt is known to have made, gone or not, each with the script's line.
    pub fn all_acquired(&self, of: AttemptId) -> impl Iterator<Item = (&Resource, &str)> {
        self.entries.iter().filter_map(move |entry| {
            let Entry::Acquired {
                attempt,
                engine: _,
                resource,
                place,
            } = entry
            else {
                return None;
            };
            (*attempt == of).then_some((resource, place.as_str()))
        })
    }

    /// How many calls of an attempt that create something in an engine nobody has heard the answer of. With the slot that
    /// passed them gone, what they make may still come.
    pub fn unanswered(&self, of: AttemptId, on: EngineKind) -> usize {
        let mut open = BTreeSet::new();
        for entry in self.entries.iter().filter(|e| e.attempt() == Some(of)) {
            if let Entry::Called { engine, call, .. } = entry
                && *engine == on
            {
                open.insert(*call);
            } else if let Entry::Answered { call, .. } = entry {
                open.remove(call);
            }
        }
        open.len()
    }

    /// What an attempt may have made that nobody could see, with the reason.
    pub fn unseen(&self, of: AttemptId) -> Vec<(String, String)> {
        let of = self.entries.iter().filter(|e| e.attempt() == Some(of));
        let mut unseen = Vec::new();
        for entry in of {
            if let Entry::Unseen { what, why, .. } = entry {
                unseen.push((what.clone(), why.clone()));
            }
        }
        unseen
    }

    /// Every call of the attempt, as far as it went to the run's engine, is in its journal if it has one.
    pub fn is_watched(&self, of: AttemptId) -> bool {
        let unwatched =
            |entry: &Entry| matches!(entry, Entry::Unwatched { attempt, .. } if *attempt == of);
        !self.entries.iter().any(unwatched)
    }

    /// The engines that the run used: the name each is called by, and where its things are.
    pub fn engines(&self) -> Vec<(EngineKind, &str)> {
        let entries = self.entries.iter();
        entries
            .filter_map(|entry| match entry {
                Entry::Engine { engine, store } => Some((*engine, store.as_str())),
                Entry::Intent { .. }
                | Entry::Elsewhere { .. }
                | Entry::Called { .. }
                | Entry::Answered { .. }
                | Entry::Unseen { .. }
                | Entry::Unwatched { .. }
                | Entry::Acquired { .. }
                | Entry::Released { .. }
                | Entry::Settled { .. } => None,
            })
            .collect()
    }

    /// The attempts that wrote something down and were never found clean, with the engines they used.
    pub fn open(&self) -> Vec<(AttemptId, EngineKind)> {
        let mut open = Vec::new();
        for entry in &self.entries {
            match entry {
                Entry::Intent {
                    attempt, engine, ..
                } if !open.contains(&(*attempt, *engine)) => {
                    open.push((*attempt, *engine));
                }
                Entry::Settled { attempt: of } => open.retain(|(attempt, _)| attempt != of),
                Entry::Intent { .. }
                | Entry::Engine { .. }
                | Entry::Elsewhere { .. }
                | Entry::Called { .. }
                | Entry::Answered { .. }
                | Entry::Unseen { .. }
                | Entry::Unwatched { .. }
                | Entry::Acquired { .. }
                | Entry::Released { .. } => {}
            }
        }
        open
    }
}
