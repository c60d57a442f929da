//! Podman's own journal of one attempt: what was made and removed, as Podman wrote it. It is the attempt's alone, so
//! whatever it shows as made is the attempt's; what it does not show proves nothing.
//!
//! Only reads. Knows nothing of intents and labels.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::intents::Ledger;
use crate::engine::container;
use crate::model::{AttemptId, ResourceKind};

/// Where an attempt's journal is, below its run's ledger: it must outlive the run's containers, whose monitors write
/// to it and read the configuration beside it until they end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalFiles {
    directory: PathBuf,
}

impl JournalFiles {
    /// Those of an attempt.
    pub fn of(ledger: &Ledger, attempt: AttemptId) -> Self {
        JournalFiles::below(&ledger.id_files().join(attempt.to_string()))
    }

    /// Those in the attempt's directory for id files.
    pub fn below(directory: &Path) -> Self {
        JournalFiles {
            directory: directory.to_owned(),
        }
    }

    /// The journal, which Podman makes when it has something to write.
    pub fn journal(&self) -> PathBuf {
        self.directory.join("journal")
    }

    /// The configuration that leads Podman to it, named by the variable that is to hold its path.
    pub fn conf(&self, variable: &str) -> PathBuf {
        self.directory.join(variable)
    }

    /// The configuration that was written, and its variable.
    pub fn written_conf(&self) -> Option<(&'static str, PathBuf)> {
        let conf = |variable| (variable, self.conf(variable));
        VARIABLES
            .into_iter()
            .map(conf)
            .find(|(_, file)| file.is_file())
    }

    /// Whether a file is among the attempt's own.
    pub fn has(&self, file: &Path) -> bool {
        file.starts_with(&self.directory)
    }

    /// What the journal says by now; nothing when there is none.
    pub fn read(&self) -> io::Result<Journal> {
        match fs::read(self.journal()) {
            Ok(bytes) => Ok(Journal::parse(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Journal::default()),
            Err(error) => Err(error),
        }
    }
}

/// The variables by which Podman is led to a configuration.
const VARIABLES: [&str; 2] = ["CONTAINERS_CONF_OVERRIDE", "CONTAINERS_CONF"];

/// What a journal says, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Journal {
    events: Vec<Event>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Event {
    Made(Made),
    Removed {
        kind: ResourceKind,
        id: String,
    },
    /// A build came to its end; the id is empty when it failed.
    Built {
        id: String,
        /// Since 1970, as far as it says so.
        at: Option<Duration>,
    },
}

/// Something that the journal shows as made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// What.
    pub kind: ResourceKind,
    /// The engine's id; a volume's name.
    pub id: String,
    /// Its name, perhaps the engine's choice.
    pub name: String,
    /// The pod that a container belongs to, or empty.
    pub pod: String,
    /// When it was made, since 1970, as far as it says so.
    pub at: Option<Duration>,
}

/// A line as Podman writes it, from 4.0 to 5.x; other fields are of no use here.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct Line {
    #[serde(rename = "ID")]
    id: String,
    name: String,
    status: String,
    #[serde(rename = "PodID")]
    pod: String,
    #[serde(rename = "Type")]
    kind: String,
    time: String,
}

impl Journal {
    /// Reads a journal's bytes. A line that is torn, or of no use, is passed over.
    pub fn parse(bytes: &[u8]) -> Self {
        let lines = bytes.split(|byte| *byte == b'\n');
        Journal {
            events: lines.filter_map(event).collect(),
        }
    }

    /// Everything that was made and goes by itself: the members of a pod that was made here go with it.
    pub fn made(&self) -> impl Iterator<Item = &Made> {
        let alone = |made: &&Made| {
            let is_pod = |pod: &Made| pod.kind == ResourceKind::Pod && pod.id == made.pod;
            made.pod.is_empty() || !self.all_made().any(is_pod)
        };
        self.all_made().filter(alone)
    }

    /// Something of this id was made.
    pub fn shows(&self, id: &str) -> bool {
        self.all_made().any(|made| made.id == id)
    }

    fn all_made(&self) -> impl Iterator<Item = &Made> {
        self.events.iter().filter_map(|event| match event {
            Event::Made(made) => Some(made),
            Event::Removed { .. } | Event::Built { .. } => None,
        })
    }

    /// The thing was removed, and not made again since. Containers and volumes only: the removal of one of an image's
    /// names is told with the image's id while the image lives.
    ///
    /// Volumes are known by their names, which may be used again. The last word counts, and as events of two clients
    /// may be written in the wrong order, there must be a removal for each time that it was made.
    pub fn is_gone(&self, kind: ResourceKind, id: &str) -> bool {
        if !matches!(kind, ResourceKind::Container | ResourceKind::Volume) {
            return false;
        }
        let about = |event: &&Event| match event {
            Event::Made(made) => made.kind == kind && made.id == id,
            Event::Removed {
                kind: its_kind,
                id: its_id,
            } => *its_kind == kind && its_id == id,
            Event::Built { .. } => false,
        };
        let said: Vec<&Event> = self.events.iter().filter(about).collect();
        let removed = said
            .iter()
            .filter(|event| matches!(event, Event::Removed { .. }))
            .count();
        matches!(said.last(), Some(Event::Removed { .. })) && removed * 2 >= said.len()
    }

    /// The images in which builds ended, by their ids, and when; an image that was there already may be one.
    pub fn built(&self) -> impl Iterator<Item = (&str, Duration)> {
        self.events.iter().filter_map(|event| match event {
            Event::Built { id, at } if !id.is_empty() => Some((id.as_str(), (*at)?)),
            Event::Built { .. } | Event::Made(_) | Event::Removed { .. } => None,
        })
    }

    /// How many builds failed. One that was killed says nothing.
    pub fn failed_builds(&self) -> usize {
        let failed = |event: &&Event| matches!(event, Event::Built { id, .. } if id.is_empty());
        self.events.iter().filter(failed).count()
    }
}

fn event(line: &[u8]) -> Option<Event> {
    let Line {
        id,
        name,
        status,
        pod,
        kind,
        time,
    } = serde_json::from_slice(line).ok()?;
    let known = match kind.as_str() {
        "container" => ResourceKind::Container,
        "pod" => ResourceKind::Pod,
        "network" => ResourceKind::Network,
        "volume" => ResourceKind::Volume,
        // A build names its image's id; names that images were given are known by intents.
        "image" if status == "build" => {
            let at = container::since_1970(&time);
            return Some(Event::Built { id: name, at });
        }
        _ => return None,
    };
    let id = if known == ResourceKind::Volume {
        name.clone()
    } else {
        id
    };
    match status.as_str() {
        _ if id.is_empty() => None,
        "create" => Some(Event::Made(Made {
            kind: known,
            id,
            name,
            pod,
            at: container::since_1970(&time),
        })),
        "remove" => Some(Event::Removed { kind: known, id }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ResourceKind::{Container, Image, Network, Pod, Volume};

    /// Written by Podman 4.3.1: a container with an anonymous volume under `--rm`, a pod, a named volume, an image
    /// that was pulled (it was there), tagged, untagged by `rmi`, and built; a commit; the last line is torn.
    const RECORDED: &[u8] = include_bytes!("journal-4.3.1.jsonl");

    const GONE: &str = "a23daf8606a7cd822f5e3d98d4d2e0bd444887163f3488669dfa09a999a7b440";
    const KEPT: &str = "0dc50a8d0ec3614340b816873c1f7eb59e357372d6a6590e04aa1fc88598e4c9";
    const ANONYMOUS: &str = "2b3cb3dcac19e18d4dcd192a6a418fd32ee4d82efa35029ab2c549dd96e8b1b6";
    const POD: &str = "711ea8f01fbeb87ad66786b70b1fec98e84bc58c1ccd806cdec5bde0d456223f";
    const BUILT: &str = "0500ff4239e0c898406b511102f08715c8e356f22510e8fcaa268e6a14412c37";
    const IMAGE: &str = "424161689b9c7bc2037cfd48710d1db3637f91f9f6b7e32fbff054757fc97c50";

    #[test]
    fn a_recorded_journal_shows_what_was_made_and_what_is_gone() {
        let journal = Journal::parse(RECORDED);
        let made: Vec<(ResourceKind, &str)> = journal
            .made()
            .map(|made| (made.kind, made.id.as_str()))
            .collect();
        assert_eq!(
            made,
            [
                (Volume, ANONYMOUS),
                (Container, GONE),
                (Volume, "jxvol"),
                (Container, KEPT),
                (Pod, POD),
            ],
            "neither the pod's own container, nor what was pulled, tagged or built"
        );
        for (kind, id, expected) in [
            (Container, GONE, true),
            (Volume, ANONYMOUS, true),
            (Container, KEPT, false),
            (Volume, "jxvol", false),
            (Pod, POD, false),
            (Image, IMAGE, false),
            (Container, "unheard of", false),
        ] {
            assert_eq!(journal.is_gone(kind, id), expected, "{kind} {id}");
        }
        assert_eq!(journal.failed_builds(), 1, "of two");
        let built: Vec<&str> = journal.built().map(|(id, _)| id).collect();
        assert_eq!(built, [BUILT]);
    }

    #[test]
    fn a_volume_that_is_made_again_is_not_gone() {
        let (made, removed) = (
            r#"{"Name":"v","Status":"create","Type":"volume","Attributes":null}"#,
            r#"{"Name":"v","Status":"remove","Type":"volume","Attributes":null}"#,
        );
        for (lines, expected) in [
            (&[made][..], false),
            (&[made, removed], true),
            (&[removed], true),
            (&[made, removed, made], false),
            // Two clients: the second volume was made before the first one's removal was written.
            (&[made, made, removed], false),
            (&[made, removed, made, removed], true),
        ] {
            let journal = Journal::parse(lines.join("\n").as_bytes());
            assert_eq!(journal.is_gone(Volume, "v"), expected, "{lines:?}");
        }
    }

    #[test]
    fn later_podmans_tell_of_networks_too() {
        let text = r#"{"ID":"cc","Name":"net","Status":"create","Time":"2026-01-01T00:00:00Z","Type":"network","Attributes":{"driver":"bridge"}}
{"ID":"aa","Name":"web","Network":"net","Status":"connect","Type":"network","Attributes":null}
{"ContainerExitCode":0,"ID":"aa","Image":"i","Name":"web","Status":"died","Type":"container","Attributes":{"PodID":""},"PodID":"dd"}"#;
        let journal = Journal::parse(text.as_bytes());
        let made: Vec<&Made> = journal.made().collect();
        assert_eq!(made.len(), 1);
        assert_eq!(
            (made[0].kind, made[0].id.as_str(), made[0].name.as_str()),
            (Network, "cc", "net")
        );
    }

    #[test]
    fn nonsense_is_passed_over() {
        for text in [
            "",
            "\n\n",
            "{",
            "[]",
            "null",
            r#"{"Type":"container","Status":"create"}"#,
        ] {
            assert_eq!(
                Journal::parse(text.as_bytes()),
                Journal::default(),
                "{text}"
            );
        }
    }
}
