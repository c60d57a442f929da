//! What a script makes in an engine, and what became of it.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::seconds;

/// A kind of thing in an engine, in the order of removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResourceKind {
    /// A container.
    Container,
    /// A pod (Podman).
    Pod,
    /// A network.
    Network,
    /// A volume.
    Volume,
    /// An image, or a name of one.
    Image,
    /// A script's work directory that could not be emptied.
    Directory,
}

impl fmt::Display for ResourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ResourceKind::Container => "container",
            ResourceKind::Pod => "pod",
            ResourceKind::Network => "network",
            ResourceKind::Volume => "volume",
            ResourceKind::Image => "image",
            ResourceKind::Directory => "directory",
        })
    }
}

/// One thing in an engine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Resource {
    /// Its kind.
    pub kind: ResourceKind,
    /// The engine's id; for volumes and image names the name.
    pub id: String,
    /// The name given by the script, or empty.
    pub name: String,
}

/// An engine's answer about one resource. Absent only on proof; doubt is its own value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// It is there.
    Present,
    /// The engine said that it is not there.
    Absent,
    /// The engine did not answer, or not so that it proves anything.
    Unknown {
        /// Why.
        why: String,
    },
}

/// What a script is about to make: written to the ledger before the engine is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// What will be made.
    pub kind: ResourceKind,
    /// The name the script gives, or empty.
    pub name: String,
    /// Where the engine will write the id (`--cidfile`, `--iidfile`, `--pod-id-file`), or empty.
    pub id_file: String,
    /// A thing of this name was there before: it is not ours, whatever happens.
    pub existed: bool,
}

/// Something that is still there after its attempt was cleaned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leftover {
    /// What.
    pub resource: Resource,
    /// Why it is still there.
    pub why: String,
    /// The command that removes it.
    pub remedy: String,
}

/// What cleaning after an attempt did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cleanup {
    /// Removed by us, and verified; in the order of removal.
    pub removed: Vec<Resource>,
    /// Gone before we came (`--rm`, or removed by the script).
    pub gone: Vec<Resource>,
    /// Kept because the configuration says so.
    pub kept: Vec<Resource>,
    /// Still there.
    pub leftovers: Vec<Leftover>,
    /// By their labels the attempt's, though neither its journal nor the engine's socket showed that they were made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unconfirmed: Vec<Resource>,
    /// Made by the attempt and given its labels, and found without them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unlabelled: Vec<Resource>,
    /// How long cleaning took; never charged to the script.
    #[serde(with = "seconds")]
    pub duration: Duration,
}

impl Cleanup {
    /// It was told already what became of this.
    pub fn knows(&self, resource: &Resource) -> bool {
        let told = self.removed.iter().chain(&self.gone).chain(&self.kept);
        let left = self.leftovers.iter().map(|left| &left.resource);
        told.chain(left)
            .any(|known| known.kind == resource.kind && known.id == resource.id)
    }
}
