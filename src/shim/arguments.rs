//! What a `docker` or `podman` command line is about to make. Pure: asks nobody, writes nothing.
//!
//! A call that makes nothing we track passes byte for byte. What goes to another engine than the run's (`-H`,
//! `--root`, …) passes too, for the run's engine could prove nothing about it.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use super::flags::{self, Piece, Rest, split};
use super::names;
use super::reading::{Archive, IdFile, Insertion, Made, Marks, Question, Reading};
use crate::model::{EngineKind, ResourceKind};

const CID: &str = "cid";
const IID: &str = "iid";
const POD: &str = "pod";

/// Understands a command line: `words` are the arguments after the program's name.
pub fn read(client: EngineKind, words: &[OsString]) -> Reading {
    let globals = split(words, 0..words.len(), flags::GLOBAL, Rest::Foreign);
    let leaves = globals.iter().find_map(|piece| elsewhere(client, piece));
    let reading = read_command(client, words, &globals);
    match leaves {
        Some(flag) if reading.makes_something() => Reading {
            elsewhere: Some(flag),
            ..Reading::default()
        },
        Some(_) => Reading::default(),
        None => reading,
    }
}

/// Whether what a call does is seen by the journal of the run's engine: it goes nowhere else, and keeps no account of
/// its own. `Err` names what keeps it out. Doubt counts as kept out, for a word may be somebody else's flag.
pub fn journaled(words: &[OsString]) -> Result<(), String> {
    let globals = split(words, 0..words.len(), flags::GLOBAL, Rest::Foreign);
    if let Some(flag) = globals
        .iter()
        .find_map(|piece| elsewhere(EngineKind::Podman, piece))
    {
        return Err(flag);
    }
    let name = |word: &OsString| {
        let flag = word.to_str()?.strip_prefix("--")?;
        let name = flag.split('=').next()?;
        (leaves_podman(name) || name == "events-backend").then(|| format!("--{name}"))
    };
    words.iter().find_map(name).map_or(Ok(()), Err)
}

fn read_command(client: EngineKind, words: &[OsString], globals: &[Piece]) -> Reading {
    let Some(Piece::Word(command)) = globals.last() else {
        return Reading::default();
    };
    let subcommand = || {
        let pieces = split(
            words,
            command + 1..words.len(),
            flags::GLOBAL,
            Rest::Foreign,
        );
        match pieces.last() {
            Some(Piece::Word(at)) => Some(*at),
            Some(Piece::Flag { .. }) | None => None,
        }
    };
    let word = |at: usize| words[at].to_str().unwrap_or_default();
    let call = Call { client, words };
    match word(*command) {
        "run" | "create" => call.container(command + 1),
        "build" => call.build(command + 1, Marks::NoSteps),
        "tag" => call.tag(command + 1),
        "commit" => call.commit(command + 1),
        "import" => call.import(command + 1),
        "load" => call.load(command + 1),
        group => match subcommand().map(|at| (group, word(at), at + 1)) {
            Some(
                ("container", "clone" | "restore", _)
                | ("kube", "play", _)
                | ("play", "kube", _)
                | ("pod", "clone", _),
            ) if client == EngineKind::Podman => Call::containers(),
            Some(("container", "run" | "create", at)) => call.container(at),
            Some(("container", "commit", at)) => call.commit(at),
            Some(("image" | "builder", "build", at)) => call.build(at, Marks::NoSteps),
            // BuildKit's steps are no containers.
            Some(("buildx", "build" | "b", at)) => call.build(at, Marks::None),
            Some(("image", "tag", at)) => call.tag(at),
            Some(("image", "import", at)) => call.import(at),
            Some(("image", "load", at)) => call.load(at),
            Some(("volume", "create", at)) => call.volume(at),
            Some(("network", "create", at)) => call.network(at),
            Some(("pod", "create", at)) => call.pod(at),
            Some(_) | None => Reading::default(),
        },
    }
}

/// The flags by which a call leaves the run's engine.
fn elsewhere(client: EngineKind, piece: &Piece) -> Option<String> {
    let Piece::Flag { name, .. } = piece else {
        return None;
    };
    let found = match client {
        EngineKind::Docker => ["H", "c", "context", "host"].contains(&name.as_str()),
        EngineKind::Podman => {
            ["H", "c", "host", "r", "storage-driver", "storage-opt"].contains(&name.as_str())
                || leaves_podman(name)
        }
    };
    let dashes = if name.len() == 1 { "-" } else { "--" };
    found.then(|| format!("{dashes}{name}"))
}

/// Podman takes these after the subcommand, too.
fn leaves_podman(flag: &str) -> bool {
    [
        "connection",
        "identity",
        "imagestore",
        "module",
        "remote",
        "root",
        "runroot",
        "url",
    ]
    .contains(&flag)
}

/// A command line whose subcommand is known.
#[derive(Clone, Copy)]
struct Call<'a> {
    client: EngineKind,
    words: &'a [OsString],
}

impl<'a> Call<'a> {
    /// The flags and words from `start` on, and what in them leaves the engine.
    fn pieces(self, start: usize, switches: &str, rest: Rest) -> (Vec<Piece<'a>>, Option<String>) {
        let pieces = split(self.words, start..self.words.len(), switches, rest);
        let leaves = pieces.iter().find_map(|piece| match piece {
            Piece::Flag { name, .. }
                if self.client == EngineKind::Podman && leaves_podman(name) =>
            {
                Some(format!("--{name}"))
            }
            Piece::Flag { .. } | Piece::Word(_) => None,
        });
        (pieces, leaves)
    }

    fn container(self, start: usize) -> Reading {
        let (pieces, elsewhere) = self.pieces(start, flags::RUN, Rest::Foreign);
        let id = id_file(&pieces, "cidfile", CID);
        let insertion = insertion(start, &id, "cidfile", Marks::Labels);
        let mut made = vec![Made {
            kind: ResourceKind::Container,
            name: value(&pieces, &["name"]).map(lossy).unwrap_or_default(),
            id,
            question: Question::None,
        }];
        let new_pod = value(&pieces, &["pod"]).map(lossy);
        if let Some(name) = new_pod.as_deref().and_then(|pod| pod.strip_prefix("new:")) {
            made.push(by_name(ResourceKind::Pod, name.to_owned()));
        }
        let volumes = values(&pieces, &["v", "volume"]).filter_map(names::bound_volume);
        let mounts = values(&pieces, &["mount"]).filter_map(names::mounted_volume);
        for name in volumes.chain(mounts) {
            let volume = by_name(ResourceKind::Volume, name);
            if !made.contains(&volume) {
                made.push(volume);
            }
        }
        reading(made, elsewhere, Some(insertion))
    }

    /// A call that makes containers of which nothing is known beforehand: only that there may be some.
    fn containers() -> Reading {
        let some = Made {
            kind: ResourceKind::Container,
            name: String::new(),
            id: IdFile::None,
            question: Question::None,
        };
        reading(vec![some], None, None)
    }

    fn build(self, start: usize, marks: Marks) -> Reading {
        let (pieces, elsewhere) = self.pieces(start, flags::BUILD, Rest::Mixed);
        let id = id_file(&pieces, "iidfile", IID);
        let marks = match self.client {
            EngineKind::Docker if values(&pieces, &["force-rm"]).next().is_none() => marks,
            EngineKind::Docker | EngineKind::Podman => Marks::None,
        };
        let insertion = insertion(start, &id, "iidfile", marks);
        let image = |name: String, question| Made {
            kind: ResourceKind::Image,
            name,
            id: id.clone(),
            question,
        };
        let tags = values(&pieces, &["t", "tag"]).map(|tag| names::image(self.client, &lossy(tag)));
        let mut made: Vec<Made> = tags.map(|tag| image(tag, Question::Name)).collect();
        if made.is_empty() {
            made.push(image(String::new(), Question::Images));
        }
        reading(made, elsewhere, Some(insertion))
    }

    /// Docker copies one name, Podman as many as are given.
    fn tag(self, start: usize) -> Reading {
        let (pieces, elsewhere) = self.pieces(start, flags::CREATE, Rest::Mixed);
        let names = self.positional(&pieces).skip(1);
        let made = names.map(|name| by_name(ResourceKind::Image, names::image(self.client, &name)));
        reading(made.collect(), elsewhere, None)
    }

    fn import(self, start: usize) -> Reading {
        let (pieces, elsewhere) = self.pieces(start, flags::CREATE, Rest::Mixed);
        let name = self.positional(&pieces).nth(1);
        let made = name.map(|name| by_name(ResourceKind::Image, names::image(self.client, &name)));
        reading(made.into_iter().collect(), elsewhere, None)
    }

    /// What it makes is known by what is in its archive.
    fn load(self, start: usize) -> Reading {
        let (pieces, elsewhere) = self.pieces(start, flags::CREATE, Rest::Mixed);
        let file = value(&pieces, &["i", "input"]).map(PathBuf::from);
        let archive = file.map_or(Archive::Stdin, Archive::File);
        Reading {
            archive: elsewhere.is_none().then_some(archive),
            elsewhere,
            ..Reading::default()
        }
    }

    fn commit(self, start: usize) -> Reading {
        let (pieces, elsewhere) = self.pieces(start, flags::COMMIT, Rest::Mixed);
        let name = self.positional(&pieces).nth(1);
        let name = name.map(|name| names::image(self.client, &name));
        // Only Podman's commit can write the id.
        let id = match self.client {
            EngineKind::Docker => IdFile::None,
            EngineKind::Podman => id_file(&pieces, "iidfile", IID),
        };
        let insertion = insertion(start, &id, "iidfile", Marks::Blank);
        let made = match (name, id) {
            (None, IdFile::None) => Vec::new(),
            (None, id) => vec![Made {
                kind: ResourceKind::Image,
                name: String::new(),
                id,
                question: Question::None,
            }],
            (Some(name), id) => vec![Made {
                id,
                ..by_name(ResourceKind::Image, name)
            }],
        };
        reading(made, elsewhere, Some(insertion))
    }

    /// Docker answers that it made a volume that was there before: the name must be asked for.
    fn volume(self, start: usize) -> Reading {
        let (pieces, elsewhere) = self.pieces(start, flags::CREATE, Rest::Mixed);
        let name = value(&pieces, &["name"]).map(lossy);
        let name = name
            .or_else(|| self.positional(&pieces).next())
            .unwrap_or_default();
        let question = if name.is_empty() {
            Question::None
        } else {
            Question::Name
        };
        let made = Made {
            question,
            ..by_name(ResourceKind::Volume, name)
        };
        let insertion = insertion(start, &IdFile::None, "", Marks::Labels);
        reading(vec![made], elsewhere, Some(insertion))
    }

    fn network(self, start: usize) -> Reading {
        let (pieces, elsewhere) = self.pieces(start, flags::CREATE, Rest::Mixed);
        let made = Made {
            question: Question::None,
            ..by_name(
                ResourceKind::Network,
                self.positional(&pieces).next().unwrap_or_default(),
            )
        };
        let insertion = insertion(start, &IdFile::None, "", Marks::Labels);
        reading(vec![made], elsewhere, Some(insertion))
    }

    fn pod(self, start: usize) -> Reading {
        let (pieces, elsewhere) = self.pieces(start, flags::CREATE, Rest::Mixed);
        let name = value(&pieces, &["name", "n"]).map(lossy);
        let id = id_file(&pieces, "pod-id-file", POD);
        let insertion = insertion(start, &id, "pod-id-file", Marks::Labels);
        let made = Made {
            kind: ResourceKind::Pod,
            name: name
                .or_else(|| self.positional(&pieces).next())
                .unwrap_or_default(),
            id,
            question: Question::None,
        };
        reading(vec![made], elsewhere, Some(insertion))
    }

    fn positional<'p>(self, pieces: &'p [Piece]) -> impl Iterator<Item = String> + use<'p, 'a> {
        pieces.iter().filter_map(move |piece| match piece {
            Piece::Word(at) => Some(lossy(&self.words[*at])),
            Piece::Flag { .. } => None,
        })
    }
}

fn reading(made: Vec<Made>, elsewhere: Option<String>, insertion: Option<Insertion>) -> Reading {
    match elsewhere {
        Some(_) if made.is_empty() => Reading::default(),
        Some(flag) => Reading {
            elsewhere: Some(flag),
            ..Reading::default()
        },
        None => Reading {
            made,
            insertion,
            ..Reading::default()
        },
    }
}

fn by_name(kind: ResourceKind, name: String) -> Made {
    Made {
        kind,
        name,
        id: IdFile::None,
        question: Question::Name,
    }
}

fn insertion(at: usize, id: &IdFile, flag: &'static str, marks: Marks) -> Insertion {
    let id_flag = match id {
        IdFile::Ours(file) => Some((flag, *file)),
        IdFile::None | IdFile::Given(_) => None,
    };
    Insertion { at, id_flag, marks }
}

/// The script's own file wins; the clients refuse two.
fn id_file(pieces: &[Piece], flag: &str, ours: &'static str) -> IdFile {
    match value(pieces, &[flag]) {
        Some(path) => IdFile::Given(PathBuf::from(path)),
        None => IdFile::Ours(ours),
    }
}

fn values<'a>(pieces: &[Piece<'a>], names: &[&str]) -> impl Iterator<Item = &'a OsStr> {
    pieces.iter().filter_map(move |piece| match piece {
        Piece::Flag { name, value } if names.contains(&name.as_str()) => *value,
        Piece::Flag { .. } | Piece::Word(_) => None,
    })
}

/// The last of several, as the clients take it.
fn value<'a>(pieces: &[Piece<'a>], names: &[&str]) -> Option<&'a OsStr> {
    values(pieces, names).last()
}

fn lossy(word: &(impl AsRef<OsStr> + ?Sized)) -> String {
    word.as_ref().to_string_lossy().into_owned()
}

#[cfg(test)]
#[path = "arguments_tests.rs"]
mod tests;
