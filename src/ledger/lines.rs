//! Which line of a script was about to make what, by the ledger.

use super::intents::{Contents, Entry};
use crate::model::{AttemptId, EngineKind, Intent, ResourceKind};

impl Contents {
    /// What a line of an attempt, `file:line`, was about to make in an engine.
    pub fn intents_at(&self, of: AttemptId, on: EngineKind, line: &str) -> Vec<Intent> {
        let entries = self.entries.iter();
        let intent = |entry: &Entry| match entry {
            Entry::Intent {
                attempt,
                engine,
                intent,
                place,
            } => {
                let matches = *attempt == of && *engine == on && place == line;
                matches.then(|| intent.clone())
            }
            Entry::Engine { .. }
            | Entry::Elsewhere { .. }
            | Entry::Unwatched { .. }
            | Entry::Unseen { .. }
            | Entry::Acquired { .. }
            | Entry::Released { .. }
            | Entry::Settled { .. } => None,
        };
        entries.filter_map(intent).collect()
    }

    /// The line of an attempt that was about to make a thing of this name, as `file:line`.
    pub fn line_of(&self, of: AttemptId, kind: ResourceKind, name: &str) -> Option<&str> {
        self.entries.iter().find_map(|entry| match entry {
            Entry::Intent {
                attempt,
                intent,
                place,
                ..
            } if *attempt == of && intent.kind == kind && intent.name == name => Some(&**place),
            Entry::Intent { .. }
            | Entry::Engine { .. }
            | Entry::Elsewhere { .. }
            | Entry::Unwatched { .. }
            | Entry::Unseen { .. }
            | Entry::Acquired { .. }
            | Entry::Released { .. }
            | Entry::Settled { .. } => None,
        })
    }
}
