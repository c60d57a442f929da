//! Which line of a script was about to make what, by the ledger.

use super::intents::{Contents, Entry};
use crate::model::{AttemptId, EngineKind, Intent, ResourceKind};

impl Contents {
    /// What a line of an attempt, `file:line`, was about to make in an engine.
    pub fn intents_at(&self, of: AttemptId, on: EngineKind, line: &str) -> Vec<Intent> {
        let intent = |entry: &Entry| {
            let Entry::Intent {
                attempt,
                engine,
                intent,
                place,
            } = entry
            else {
                return None;
            };
            let matches = *attempt == of && *engine == on && place == line;
            matches.then(|| intent.clone())
        };
        self.entries.iter().filter_map(intent).collect()
    }

    /// The line of an attempt that was about to make a thing of this name, as `file:line`.
    pub fn line_of(&self, of: AttemptId, kind: ResourceKind, name: &str) -> Option<&str> {
        self.entries.iter().find_map(|entry| {
            let Entry::Intent {
                attempt,
                engine: _,
                intent,
                place,
            } = entry
            else {
                return None;
            };
            let matches = *attempt == of && intent.kind == kind && intent.name == name;
            matches.then_some(place.as_str())
        })
    }
}
