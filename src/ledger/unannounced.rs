//! What an attempt made, as its ledger learns it when the attempt is cleaned: the ids that engines wrote to files, which
//! go with the run, and what Podman's journal alone shows (volumes without a name, members of pods, copies). Decides
//! nothing.

use std::time::Duration;

use super::id_file::{was_there_before, written_id};
use super::intents::{Contents, Entry};
use super::journal::{Journal, Made};
use crate::model::{AttemptId, EngineKind, Intent, Resource, ResourceKind};

/// What only Podman's journal of an attempt shows as made, and when, since 1970. Its line is that of the last call before
/// it: whatever is in the journal comes from a call.
pub(super) fn by_journal(
    contents: &Contents,
    of: AttemptId,
    journal: &Journal,
) -> Vec<(Duration, Entry)> {
    let known = |made: &Made| {
        let mut acquired = contents.all_acquired(of);
        acquired.any(|(resource, _)| resource.kind == made.kind && resource.id == made.id)
            || announces(contents, of, made.kind, &made.id, &made.name)
    };
    let new = journal.made().filter(|made| !known(made));
    let entry = |made: &Made| {
        let at = made.at?;
        let (engine, place) = last_call(contents, of, at)?;
        let resource = Resource {
            kind: made.kind,
            id: made.id.clone(),
            name: made.name.clone(),
        };
        let entry = Entry::Acquired {
            attempt: of,
            engine,
            resource,
            place,
        };
        Some((at, entry))
    };
    new.filter_map(entry).collect()
}

/// What the engine wrote the ids of to files, and when it was about to be made, since 1970.
pub(super) fn by_id_files(contents: &Contents, of: AttemptId) -> Vec<(Duration, Entry)> {
    let entries = contents.entries.iter().zip(&contents.times);
    let written = entries.filter_map(|(entry, at)| {
        let Entry::Intent {
            attempt,
            engine,
            intent,
            place,
        } = entry
        else {
            return None;
        };
        let id = written_id(&intent.id_file).filter(|_| *attempt == of && !intent.existed)?;
        let id = match intent.kind {
            ResourceKind::Container | ResourceKind::Pod => id,
            // A build may end in an image that was there; one with a name is known by that.
            ResourceKind::Image
                if intent.name.is_empty() && !was_there_before(&intent.id_file, &id) =>
            {
                format!("sha256:{id}")
            }
            ResourceKind::Image
            | ResourceKind::Network
            | ResourceKind::Volume
            | ResourceKind::Directory => return None,
        };
        let mut acquired = contents.all_acquired(of);
        let known = acquired.any(|(known, _)| known.kind == intent.kind && known.id == id);
        let acquired = Entry::Acquired {
            attempt: of,
            engine: *engine,
            resource: Resource {
                kind: intent.kind,
                id,
                name: intent.name.clone(),
            },
            place: place.clone(),
        };
        (!known).then_some(((*at)?, acquired))
    });
    written.collect()
}

/// Whether an intent of the attempt is of this very thing.
fn announces(contents: &Contents, of: AttemptId, kind: ResourceKind, id: &str, name: &str) -> bool {
    let is_it = |intent: &Intent| match written_id(&intent.id_file) {
        _ if intent.kind != kind => false,
        Some(written) => written == id.trim_start_matches("sha256:"),
        None => !intent.name.is_empty() && [id, name].contains(&intent.name.as_str()),
    };
    contents.entries.iter().any(|entry| {
        matches!(entry, Entry::Intent { attempt, intent, .. } if *attempt == of && is_it(intent))
    })
}

fn last_call(contents: &Contents, of: AttemptId, until: Duration) -> Option<(EngineKind, String)> {
    let entries = contents.entries.iter().zip(&contents.times);
    let mut calls = entries.filter_map(|(entry, at)| {
        let Entry::Intent {
            attempt,
            engine,
            place,
            ..
        } = entry
        else {
            return None;
        };
        let is_before = *attempt == of && at.is_some_and(|at| at <= until);
        is_before.then(|| (*engine, place.clone()))
    });
    calls.next_back()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intent(kind: ResourceKind, name: &str, line: u32) -> Entry {
        Entry::Intent {
            attempt: "3.1.1".parse().unwrap(),
            engine: EngineKind::Podman,
            intent: Intent {
                kind,
                name: name.to_owned(),
                id_file: String::new(),
                existed: false,
            },
            place: format!("a.txtar:{line}"),
        }
    }

    #[test]
    fn ids_outlive_the_files_that_engines_wrote_them_to() {
        use ResourceKind::{Container, Image};
        let place = tempfile::tempdir().unwrap();
        let digits = "ab".repeat(32);
        let file = place.path().join("id");
        std::fs::write(&file, format!("sha256:{digits}")).unwrap();
        let of = "3.1.1".parse().unwrap();
        let check = |kind, name: &str, existed, expected: Option<&str>| {
            let mut entry = intent(kind, name, 3);
            if let Entry::Intent { intent, .. } = &mut entry {
                intent.id_file = file.to_string_lossy().into_owned();
                intent.existed = existed;
            }
            let mut contents = Contents {
                entries: vec![entry],
                times: vec![Some(Duration::from_secs(1))],
                unreadable: 0,
            };
            let found = by_id_files(&contents, of);
            let ids: Vec<&str> = found
                .iter()
                .map(|(_, entry)| match entry {
                    Entry::Acquired { resource, .. } => resource.id.as_str(),
                    other => panic!("{other:?}"),
                })
                .collect();
            assert_eq!(
                ids,
                expected.into_iter().collect::<Vec<_>>(),
                "{kind} {name}"
            );
            let count = found.len();
            contents
                .entries
                .extend(found.into_iter().map(|(_, entry)| entry));
            contents.times.resize(1 + count, None);
            assert_eq!(by_id_files(&contents, of), [], "told once");
        };
        check(Container, "web", false, Some(&digits));
        check(Container, "web", true, None);
        check(Image, "", false, Some(&format!("sha256:{digits}")));
        // The cache may have given somebody else's.
        check(Image, "tag:1", false, None);
        std::fs::write(place.path().join("id.before"), &digits).unwrap();
        check(Image, "", false, None);
    }

    #[test]
    fn what_the_journal_alone_shows_gets_the_line_of_the_call_before_it() {
        use ResourceKind::{Container, Volume};
        let seconds = |at: u64| Some(Duration::from_secs(1_763_746_000 + at));
        let contents = Contents {
            entries: vec![
                intent(Container, "web", 3),
                intent(Volume, "data", 3),
                intent(Container, "", 7),
            ],
            times: vec![seconds(0), seconds(0), seconds(30)],
            unreadable: 0,
        };
        let event = |kind: &str, id: &str, name: &str, second: u32| {
            format!(
                r#"{{"ID":"{id}","Name":"{name}","Status":"create","Time":"2025-11-21T17:26:{second}Z","Type":"{kind}"}}"#
            )
        };
        let lines = [
            event("container", "aa", "web", 41),
            event("volume", "", "data", 41),
            event("volume", "", "0f0f", 42),
            event("container", "bb", "copy", 59),
            // Before any call: nobody knows whose.
            event("volume", "", "early", 39),
        ];
        let of = "3.1.1".parse().unwrap();
        let journal = Journal::parse(lines.join("\n").as_bytes());
        let found = by_journal(&contents, of, &journal);
        let shown: Vec<(String, String)> = found
            .iter()
            .map(|(_, entry)| match entry {
                Entry::Acquired {
                    resource, place, ..
                } => (resource.id.clone(), place.clone()),
                other => panic!("{other:?}"),
            })
            .collect();
        let expected = [("0f0f", "a.txtar:3"), ("bb", "a.txtar:3")];
        let expected = expected.map(|(id, place)| (id.to_owned(), place.to_owned()));
        assert_eq!(shown, expected);
        // Told once.
        let mut told = contents.clone();
        for (at, entry) in found {
            told.entries.push(entry);
            told.times.push(Some(at));
        }
        assert_eq!(by_journal(&told, of, &journal), []);
    }
}
