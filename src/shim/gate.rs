//! Which calls must not overlap under the policy `gated`, and until when each has the gate to itself. Pure.
//!
//! Starts of containers must not overlap on any engine. On Podman a build must not meet the removal of an image, and
//! before 4.8 no two calls may change image names at the same time (containers/podman#20313 and its kin).

use std::ffi::OsString;
use std::path::Path;

use super::arguments::read;
use super::command::subcommand;
use super::flags::{self, Piece, Rest, split};
use super::reading::IdFile;
use crate::host::search::bytes;
use crate::model::{EngineFacts, EngineKind};
use crate::wire::Until;

/// Podman's first version in which image names may change in parallel.
const SAFE_NAMES: (u32, u32) = (4, 8);

/// How long this call has the gate; `None`: it needs none. `words` are what the real client gets.
pub(super) fn until(facts: &EngineFacts, words: &[OsString], cwd: &Path) -> Option<Until> {
    let (at, [first, second]) = subcommand(words)?;
    let second_at = |word: &str| if first == word { at + 1 } else { at };
    let podman = facts.server == EngineKind::Podman;
    match [first, second] {
        ["run", _] | ["container", "run"] => begun(facts.kind, words, cwd),
        ["start", _] | ["container", "start"] => Some(started(words, second_at("container") + 1)),
        ["create" | "restart", _]
        | ["container" | "pod", "create" | "restart"]
        | ["pod", "start"]
        | ["play", "kube"]
        | ["kube", "play"] => Some(Until::Ended),
        ["build" | "rmi", _] | ["image", "build" | "rm"] if podman => Some(Until::Ended),
        ["tag" | "untag" | "pull" | "load" | "import" | "commit", _]
        | ["image", "tag" | "untag" | "pull" | "load" | "import"]
        | ["container", "commit"]
            if podman && version(&facts.version) < SAFE_NAMES =>
        {
            Some(Until::Ended)
        }
        _ => None,
    }
}

/// Until the container runs, whose id the engine writes into a file. What goes to another engine has no gate here.
fn begun(client: EngineKind, words: &[OsString], cwd: &Path) -> Option<Until> {
    let reading = read(client, words);
    let id_file = match &reading.made.first()?.id {
        IdFile::Given(file) => cwd.join(file),
        IdFile::None | IdFile::Ours(_) => return Some(Until::Ended),
    };
    Some(Until::Begun {
        id_file: bytes(&id_file).into(),
        names: Vec::new(),
    })
}

/// A client that attaches itself stays long after the start.
fn started(words: &[OsString], from: usize) -> Until {
    let pieces = split(words, from..words.len(), flags::START, Rest::Mixed);
    let attached = pieces.iter().any(|piece| match piece {
        Piece::Flag { name, .. } => ["a", "attach", "i", "interactive"].contains(&name.as_str()),
        Piece::Word(_) => false,
    });
    if !attached {
        return Until::Ended;
    }
    let names = pieces.iter().filter_map(|piece| match piece {
        Piece::Word(at) => Some(words[*at].to_string_lossy().into_owned()),
        Piece::Flag { .. } => None,
    });
    Until::Begun {
        id_file: Vec::new().into(),
        names: names.collect(),
    }
}

/// Major and minor; what cannot be read counts as old.
fn version(text: &str) -> (u32, u32) {
    let mut numbers = text.split('.').map_while(|part| part.parse().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[track_caller]
    fn check(facts: &EngineFacts, line: &str, expected: Option<&str>) {
        let found = until(facts, &words(line), Path::new("/w"));
        let shown = found.map(|until| match until {
            Until::Ended => "ended".to_owned(),
            Until::Begun { id_file, names } => format!("{} {}", id_file.lossy(), names.join(","))
                .trim()
                .to_owned(),
        });
        assert_eq!(shown.as_deref(), expected, "{line}");
    }

    #[test]
    fn starts_have_the_gate_until_the_container_runs() {
        let docker = EngineFacts {
            kind: EngineKind::Docker,
            server: EngineKind::Docker,
            version: "28.0.0".to_owned(),
            ..samples::podman()
        };
        check(
            &docker,
            "run --cidfile=/ids/1 --label=a=b -d img sh",
            Some("/ids/1"),
        );
        check(
            &docker,
            "--debug container run --cidfile own img",
            Some("/w/own"),
        );
        check(&docker, "start -a one", Some("one"));
        check(&docker, "container start --attach one", Some("one"));
        check(&docker, "start one two", Some("ended"));
        for whole in ["create img", "restart one", "container create img"] {
            check(&docker, whole, Some("ended"));
        }
        for free in [
            "ps",
            "exec one sh",
            "build .",
            "tag a b",
            "rmi a",
            "logs one",
            "",
        ] {
            check(&docker, free, None);
        }
        check(&docker, "-H tcp://other run --cidfile=/ids/1 img", None);
    }

    #[test]
    fn podman_also_needs_it_for_images() {
        let old = samples::podman();
        let old = EngineFacts {
            version: "4.3.1".to_owned(),
            ..old
        };
        let new = EngineFacts {
            version: "5.4.2".to_owned(),
            ..old.clone()
        };
        for (line, since_4_8) in [
            ("build .", Some("ended")),
            ("rmi a", Some("ended")),
            ("image rm a", Some("ended")),
            ("pod start p", Some("ended")),
            ("kube play f.yaml", Some("ended")),
            ("tag a b", None),
            ("pull a", None),
            ("image load", None),
            ("container commit a b", None),
        ] {
            check(&old, line, Some("ended"));
            check(&new, line, since_4_8);
        }
        check(&old, "images", None);
    }
}
