//! The file of intents: what scripts were about to make, written before the engine was asked. Lines are appended
//! whole, by any number of processes, and never changed.
//!
//! It is not flushed to the disk: it must outlive our processes, not the machine's power, and the labels in the
//! engine outlive that.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use super::contents::Contents;
use super::journal::JournalFiles;
use super::unannounced;
use crate::host::clock;
use crate::model::{AttemptId, Cleanup, EngineKind, Intent, Resource, RunId};

/// The version of the lines.
pub const VERSION: u32 = 1;

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum Entry {
    /// Something is about to be made.
    Intent {
        /// By whom.
        attempt: AttemptId,
        /// Where.
        engine: EngineKind,
        /// What.
        intent: Intent,
        /// The script's line, as `file:line`; empty when unknown.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        place: String,
    },
    /// From here on the run uses this engine. Whoever cleans after a dead run must reach the same store.
    Engine {
        /// By which name it is called.
        engine: EngineKind,
        /// Where its things are, whatever the way that leads there. The first ledgers have the engine's identity
        /// alone here, which proves nothing of that.
        #[serde(rename = "identity")]
        store: String,
    },
    /// A call that makes something went to another engine than the run's: nothing is known of what it made.
    Elsewhere {
        /// By whom.
        attempt: AttemptId,
        /// With which client.
        engine: EngineKind,
        /// What was typed.
        command: String,
        /// The flag or variable that led it there.
        by: String,
    },
    /// A call that creates what its intents say is on its way to the engine.
    Called {
        /// By whom.
        attempt: AttemptId,
        /// Where.
        engine: EngineKind,
        /// Which of the attempt's calls, from 0.
        call: u32,
    },
    /// The engine has answered the call, or there is no answer to come.
    Answered {
        /// By whom.
        attempt: AttemptId,
        /// Which.
        call: u32,
    },
    /// Something may have been made that nobody could see.
    Unseen {
        /// By whom.
        attempt: AttemptId,
        /// Where.
        engine: EngineKind,
        /// What, as far as is known.
        what: String,
        /// Why it was not seen.
        why: String,
    },
    /// A call of an attempt that Podman's journal of the attempt does not see.
    Unwatched {
        /// By whom.
        attempt: AttemptId,
        /// With which client.
        engine: EngineKind,
        /// What was typed.
        command: String,
        /// The flag or variable that kept it out.
        by: String,
    },
    /// Something was made: the engine said so, and told its id.
    Acquired {
        /// By whom.
        attempt: AttemptId,
        /// Where.
        engine: EngineKind,
        /// What.
        resource: Resource,
        /// The script's line that ran then, as `file:line`; empty when unknown.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        place: String,
    },
    /// Something is proved to be gone.
    Released {
        /// Whose it was.
        attempt: AttemptId,
        /// What.
        resource: Resource,
    },
    /// The attempt was cleaned and nothing of it is left that should not be.
    Settled {
        /// Which.
        attempt: AttemptId,
    },
}

impl Entry {
    /// Whose it is; `None` for what concerns the whole run.
    pub fn attempt(&self) -> Option<AttemptId> {
        match self {
            Entry::Intent { attempt, .. }
            | Entry::Elsewhere { attempt, .. }
            | Entry::Called { attempt, .. }
            | Entry::Answered { attempt, .. }
            | Entry::Unseen { attempt, .. }
            | Entry::Unwatched { attempt, .. }
            | Entry::Acquired { attempt, .. }
            | Entry::Released { attempt, .. }
            | Entry::Settled { attempt } => Some(*attempt),
            Entry::Engine { .. } => None,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Line<E> {
    v: u32,
    /// Seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<f64>,
    #[serde(flatten)]
    entry: E,
}

/// The ledger cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[error("cannot {verb} the ledger `{}`: {source}", .file.display())]
pub struct LedgerError {
    verb: &'static str,
    file: PathBuf,
    source: io::Error,
}

/// The ledger of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    file: PathBuf,
}

impl Ledger {
    /// The ledger of a run below the state directory.
    pub fn of(state: &Path, run: &RunId) -> Self {
        Ledger::at(directory_of(state, run).join("ledger.jsonl"))
    }

    /// The ledger in this file.
    pub fn at(file: PathBuf) -> Self {
        Ledger { file }
    }

    /// Its file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Where the engines write the ids of what they make, one directory for each attempt.
    pub fn id_files(&self) -> PathBuf {
        self.file.with_file_name("ids")
    }

    /// Appends entries in one write, so that lines of several writers never mix.
    pub fn append(&self, entries: &[Entry]) -> Result<(), LedgerError> {
        let now = clock::since_1970();
        let dated: Vec<_> = entries.iter().map(|entry| (now, entry)).collect();
        self.append_dated(&dated)
    }

    /// The same, each with the time when it happened, since 1970.
    fn append_dated(&self, entries: &[(Duration, &Entry)]) -> Result<(), LedgerError> {
        self.try_append(entries)
            .map_err(|source| self.error("write", source))
    }

    fn try_append(&self, entries: &[(Duration, &Entry)]) -> io::Result<()> {
        let mut text = String::new();
        for (at, entry) in entries {
            let line = Line {
                v: VERSION,
                at: Some(at.as_secs_f64()),
                entry,
            };
            text.push_str(&serde_json::to_string(&line)?);
            text.push('\n');
        }
        let mut file = self.open()?;
        let written = file.write(text.as_bytes())?;
        if written < text.len() {
            // The disk is full. Closing the torn line keeps it from swallowing the next one.
            file.write_all(b"\n").ok();
            return Err(io::ErrorKind::WriteZero.into());
        }
        Ok(())
    }

    fn open(&self) -> io::Result<File> {
        let open = || {
            OpenOptions::new()
                .append(true)
                .create(true)
                .mode(0o600)
                .open(&self.file)
        };
        match (open(), self.file.parent()) {
            (Err(error), Some(parent)) if error.kind() == io::ErrorKind::NotFound => {
                DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(parent)?;
                open()
            }
            (opened, _) => opened,
        }
    }

    /// Everything in it; a ledger that was never written is empty.
    pub fn read(&self) -> Result<Contents, LedgerError> {
        let mut bytes = Vec::new();
        match File::open(&self.file).and_then(|mut file| file.read_to_end(&mut bytes)) {
            Ok(_) => Ok(parse(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Contents::default()),
            Err(error) => Err(self.error("read", error)),
        }
    }

    /// The same, and what is known of attempts that are not clean yet, though nobody has written it down.
    pub fn read_with_unannounced(&self) -> Result<Contents, LedgerError> {
        let mut contents = self.read()?;
        let attempts: BTreeSet<AttemptId> = contents.open().iter().map(|(of, _)| *of).collect();
        for attempt in attempts {
            for (at, entry) in self.unannounced(&contents, attempt) {
                contents.times.push(Some(at));
                contents.entries.push(entry);
            }
        }
        Ok(contents)
    }

    /// What the attempt made without an intent that says so, and when, since 1970.
    fn unannounced(&self, contents: &Contents, attempt: AttemptId) -> Vec<(Duration, Entry)> {
        let journal = JournalFiles::of(self, attempt).read().unwrap_or_default();
        let mut made = unannounced::by_id_files(contents, attempt);
        made.extend(unannounced::by_journal(contents, attempt, &journal));
        made
    }

    /// Writes down what cleaning an attempt proved, and before it what is known by now to have been made.
    pub fn settle(&self, attempt: AttemptId, cleanup: &Cleanup) -> Result<(), LedgerError> {
        let contents = self.read()?;
        let made = self.unannounced(&contents, attempt);
        if !made.is_empty() {
            let dated: Vec<_> = made.iter().map(|(at, entry)| (*at, entry)).collect();
            self.append_dated(&dated)?;
        }
        let proved = cleanup.removed.iter().chain(&cleanup.gone);
        let released = |resource: &Resource| Entry::Released {
            attempt,
            resource: resource.clone(),
        };
        let mut entries: Vec<Entry> = proved.map(released).collect();
        if cleanup.leftovers.is_empty() {
            entries.push(Entry::Settled { attempt });
        }
        self.append(&entries)
    }

    fn error(&self, verb: &'static str, source: io::Error) -> LedgerError {
        LedgerError {
            verb,
            file: self.file.clone(),
            source,
        }
    }
}

/// The directory of a run below the state directory.
pub fn directory_of(state: &Path, run: &RunId) -> PathBuf {
    state.join("runs").join(run.as_str())
}

fn parse(bytes: &[u8]) -> Contents {
    let mut contents = Contents::default();
    for line in bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        match parse_line(line) {
            Some((at, entry)) => {
                contents.times.push(at);
                contents.entries.push(entry);
            }
            None => contents.unreadable += 1,
        }
    }
    contents
}

/// A torn line may have swallowed the head of the next: then the last beginning in it is tried.
fn parse_line(line: &[u8]) -> Option<(Option<Duration>, Entry)> {
    const HEAD: &[u8] = br#"{"v":"#;
    let whole = |bytes: &[u8]| {
        let line: Line<Entry> = serde_json::from_slice(bytes).ok()?;
        let at = line.at.and_then(|at| Duration::try_from_secs_f64(at).ok());
        (line.v == VERSION).then_some((at, line.entry))
    };
    let last = line.windows(HEAD.len()).rposition(|window| window == HEAD);
    whole(line).or_else(|| last.filter(|at| *at > 0).and_then(|at| whole(&line[at..])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ResourceKind;

    fn attempt(text: &str) -> AttemptId {
        text.parse().unwrap()
    }

    fn intent(of: &str, name: &str) -> Entry {
        Entry::Intent {
            attempt: attempt(of),
            engine: EngineKind::Docker,
            intent: Intent {
                kind: ResourceKind::Container,
                name: name.to_owned(),
                id_file: "/ids/1/cid".to_owned(),
                existed: false,
            },
            place: String::new(),
        }
    }

    const LINE: &str = r#"{"v":1,"t":"intent","attempt":"3.1.1","engine":"docker","intent":{"kind":"container","name":"x","id_file":"/ids/1/cid","existed":false}}"#;

    #[test]
    fn lines_of_the_first_version_are_read_for_ever() {
        assert_eq!(parse(LINE.as_bytes()).entries, [intent("3.1.1", "x")]);
        let place = tempfile::tempdir().unwrap();
        let ledger = Ledger::of(place.path(), &"r1".parse().unwrap());
        assert_eq!(ledger.read().unwrap(), Contents::default());
        ledger
            .append(&[
                intent("3.1.1", "x"),
                Entry::Settled {
                    attempt: attempt("3.1.1"),
                },
            ])
            .unwrap();
        let text = std::fs::read_to_string(place.path().join("runs/r1/ledger.jsonl")).unwrap();
        let without_time = regex::Regex::new(r#""at":[0-9.]+,"#).unwrap();
        assert_eq!(
            without_time.replace_all(&text, ""),
            format!("{LINE}\n{}\n", r#"{"v":1,"t":"settled","attempt":"3.1.1"}"#)
        );
        let contents = ledger.read().unwrap();
        assert!(contents.times.iter().all(Option::is_some), "{text}");
    }

    #[test]
    fn a_torn_line_loses_nothing_but_itself() {
        let torn = LINE.split_at(70).0;
        for (text, entries, unreadable) in [
            (format!("{LINE}\n{torn}"), 1, 1),
            (format!("{torn}\n{LINE}\n"), 1, 1),
            (format!("{torn}{LINE}\n{LINE}\n"), 2, 0),
            (format!("\n\n{LINE}"), 1, 0),
            (LINE.replace("\"v\":1", "\"v\":2"), 0, 1),
            ("nonsense\n".to_owned(), 0, 1),
        ] {
            let contents = parse(text.as_bytes());
            assert_eq!(
                (contents.entries.len(), contents.unreadable),
                (entries, unreadable),
                "{text}"
            );
        }
    }

    #[test]
    fn an_attempt_is_open_until_it_is_settled() {
        let settled = |of: &str| Entry::Settled {
            attempt: attempt(of),
        };
        let contents = Contents {
            entries: vec![
                intent("1.1.1", "a"),
                intent("2.1.1", "b"),
                intent("1.1.1", "c"),
                settled("2.1.1"),
            ],
            ..Contents::default()
        };
        assert_eq!(contents.open(), [(attempt("1.1.1"), EngineKind::Docker)]);
        let names = |of: &str, on| {
            contents
                .intents(attempt(of), on)
                .iter()
                .map(|i| i.name.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(names("1.1.1", EngineKind::Docker), ["a", "c"]);
        assert_eq!(names("1.1.1", EngineKind::Podman), [""; 0]);
    }

    #[test]
    fn only_a_clean_cleanup_settles() {
        let place = tempfile::tempdir().unwrap();
        let ledger = Ledger::at(place.path().join("ledger.jsonl"));
        let resource = Resource {
            kind: ResourceKind::Container,
            id: "aa".to_owned(),
            name: String::new(),
        };
        let mut cleanup = Cleanup {
            removed: vec![resource.clone()],
            ..Cleanup::default()
        };
        cleanup.leftovers.push(crate::model::Leftover {
            resource,
            why: "busy".to_owned(),
            remedy: "docker rm".to_owned(),
        });
        ledger.append(&[intent("1.1.1", "a")]).unwrap();
        ledger.settle(attempt("1.1.1"), &cleanup).unwrap();
        assert_eq!(ledger.read().unwrap().open().len(), 1);
        cleanup.leftovers.clear();
        ledger.settle(attempt("1.1.1"), &cleanup).unwrap();
        assert_eq!(ledger.read().unwrap().open(), []);
    }

    #[test]
    fn a_call_is_open_until_it_is_answered() {
        let place = tempfile::tempdir().unwrap();
        let ledger = Ledger::at(place.path().join("ledger.jsonl"));
        let attempt = attempt("1.1.1");
        let called = |call| Entry::Called {
            attempt,
            engine: EngineKind::Docker,
            call,
        };
        ledger.append(&[called(0), called(1)]).unwrap();
        ledger
            .append(&[Entry::Answered { attempt, call: 0 }])
            .unwrap();
        let contents = ledger.read().unwrap();
        assert_eq!(contents.unanswered(attempt, EngineKind::Docker), 1);
        assert_eq!(contents.unanswered(attempt, EngineKind::Podman), 0);
    }
}
