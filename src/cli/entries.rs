//! A ledger's entries for people: one line for each thing, with what became of it. Asks no engine.

use std::fmt::Write;
use std::time::Duration;

use crate::ledger::intents::{Contents, Entry};
use crate::ledger::proof;
use crate::model::{AttemptId, EngineKind, Intent, Resource, ResourceKind};

/// One line for each thing of these attempts: what, by which line, and what became of it.
pub(super) fn rows(contents: &Contents, of: &dyn Fn(AttemptId) -> bool) -> String {
    let mut text = String::new();
    for (entry, at) in contents.entries.iter().zip(&contents.times) {
        if entry.attempt().is_some_and(of)
            && let Some(line) = row(contents, entry, *at)
        {
            writeln!(text, "  {line}").expect("writing to a string cannot fail");
        }
    }
    text
}

fn row(contents: &Contents, entry: &Entry, made: Option<Duration>) -> Option<String> {
    match entry {
        Entry::Intent {
            engine,
            intent,
            place,
            attempt,
        } => {
            let thing = Thing {
                engine: *engine,
                attempt: *attempt,
                kind: intent.kind,
                id: proof::written_id(&intent.id_file).unwrap_or_default(),
                name: &intent.name,
                place,
                made,
            };
            let unless = "never made, or gone before it was looked for";
            let fate = if intent.existed {
                "was there before, not ours".to_owned()
            } else {
                thing.fate(contents, unless)
            };
            let is_told = is_told_elsewhere(contents, *attempt, intent, place);
            (!is_told).then(|| thing.row(&fate))
        }
        Entry::Acquired {
            attempt,
            engine,
            resource: Resource { kind, id, name },
            place,
        } => {
            let thing = Thing {
                engine: *engine,
                attempt: *attempt,
                kind: *kind,
                id: id.clone(),
                name,
                place,
                made,
            };
            Some(thing.row(&thing.fate(contents, "gone when it was looked for")))
        }
        Entry::Elsewhere { .. } | Entry::Unseen { .. } | Entry::Unwatched { .. } => beside(entry),
        Entry::Engine { .. }
        | Entry::Called { .. }
        | Entry::Answered { .. }
        | Entry::Released { .. }
        | Entry::Settled { .. } => None,
    }
}

/// What went past those who would have seen it.
fn beside(entry: &Entry) -> Option<String> {
    if let Entry::Unseen { what, why, .. } = entry {
        return Some(format!("{what}  unattributed: {why}"));
    }
    if let Entry::Elsewhere {
        engine,
        command,
        by,
        ..
    } = entry
    {
        return Some(format!(
            "{engine} {command}  unattributed: {by} led it to another engine"
        ));
    }
    let Entry::Unwatched {
        engine,
        command,
        by,
        ..
    } = entry
    else {
        return None;
    };
    Some(format!("{engine} {command}  not in Podman's journal: {by}"))
}

/// Something that was made, or was about to be.
struct Thing<'a> {
    engine: EngineKind,
    attempt: AttemptId,
    kind: ResourceKind,
    /// The engine's id, or empty; of a volume its name.
    id: String,
    name: &'a str,
    place: &'a str,
    /// Since 1970.
    made: Option<Duration>,
}

impl Thing<'_> {
    fn row(&self, fate: &str) -> String {
        let Thing {
            engine,
            attempt,
            kind,
            place,
            ..
        } = self;
        let by = if place.is_empty() {
            attempt.to_string()
        } else {
            (*place).to_owned()
        };
        let shown = self.shown();
        format!("{engine} {kind} {shown}  by {by}  {fate}")
    }

    /// The name, and the first characters of the id.
    fn shown(&self) -> String {
        let id = short(&self.id);
        match self.name {
            "" if id.is_empty() => "without a name".to_owned(),
            "" => id,
            name if id.is_empty() || name.starts_with(&id) => name.to_owned(),
            name => format!("{name} {id}"),
        }
    }

    /// `unless`: what became of it if that is not written down.
    fn fate(&self, contents: &Contents, unless: &str) -> String {
        let entries = contents.entries.iter().zip(&contents.times);
        let mut released = entries.filter_map(|(entry, at)| {
            let Entry::Released { attempt, resource } = entry else {
                return None;
            };
            (*attempt == self.attempt && self.is(resource)).then_some(*at)
        });
        let gone = released.next_back();
        let is_open = || {
            let open = contents.open();
            open.iter().any(|(of, _)| *of == self.attempt)
        };
        match (gone, self.made) {
            (Some(Some(gone)), Some(made)) => {
                let took = gone.saturating_sub(made).as_secs_f64();
                format!("gone {took:.1} s later")
            }
            (Some(_), _) => "gone".to_owned(),
            (None, _) if is_open() => "not cleaned yet".to_owned(),
            (None, _) => unless.to_owned(),
        }
    }

    fn is(&self, resource: &Resource) -> bool {
        let own = self.id.trim_start_matches("sha256:");
        let by_id = !own.is_empty() && resource.id.trim_start_matches("sha256:") == own;
        let by_name = !self.name.is_empty()
            && [&resource.name, &resource.id]
                .iter()
                .any(|it| *it == self.name);
        resource.kind == self.kind && (by_id || by_name)
    }
}

/// Twelve digits of an id, as the engines show it; names stay whole.
fn short(id: &str) -> String {
    let digits = id.trim_start_matches("sha256:");
    let is_digest = digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_digest {
        digits.chars().take(12).collect()
    } else {
        digits.to_owned()
    }
}

/// What was made is told by that. A call is announced by its stand-in, and once more where it passes the engine's socket.
fn is_told_elsewhere(contents: &Contents, of: AttemptId, intent: &Intent, at: &str) -> bool {
    let id = proof::written_id(&intent.id_file);
    let mut made = contents.all_acquired(of);
    let is_made = made.any(|(resource, place)| {
        resource.kind == intent.kind
            && match &id {
                Some(id) => resource.id.trim_start_matches("sha256:") == id,
                None if intent.name.is_empty() => place == at,
                None => resource.name == intent.name,
            }
    });
    // The second use of a name that the attempt itself had made.
    let announced = contents.all_intents(of).any(|other| {
        let same = other.kind == intent.kind && other.name == intent.name;
        same && !intent.name.is_empty() && intent.existed && !other.existed
    });
    is_made || announced
}
