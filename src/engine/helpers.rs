//! Processes that an engine leaves behind to serve more than one script: they are recognised by their
//! executable and never signalled (killing a shared aardvark-dns broke another script's names: measured).

use crate::host::procfs::Process;
use crate::model::EngineKind;

/// Programs that do nothing else.
const HELPERS: [&str; 9] = [
    "aardvark-dns",
    "catatonit",
    "conmon",
    "conmonrs",
    "fuse-overlayfs",
    "passt",
    "pasta",
    "rootlessport",
    "slirp4netns",
];

/// The process serves an engine, not one script: Podman's pause process and API service, the cleaners
/// that conmon starts, conmon itself, network and storage helpers.
pub fn serves_others(process: &Process) -> bool {
    let first = process
        .words
        .first()
        .map_or("", |word| word.rsplit('/').next().unwrap_or(word));
    let named = [process.executable.as_str(), process.name.as_str(), first];
    let is_helper = |name: &str| HELPERS.contains(&name.split(['.', ' ']).next().unwrap_or(name));
    named.into_iter().any(is_helper) || serving_podman(&process.words)
}

/// The id and the name of the container that a process watches over, when it is Podman's monitor of one.
pub fn monitored(process: &Process) -> Option<(String, String)> {
    let (program, words) = process.words.split_first()?;
    let after = |flag: &str| {
        let mut words = words.iter().skip_while(|word| *word != flag);
        words.nth(1).cloned()
    };
    if program.rsplit('/').next() != Some("conmon") {
        return None;
    }
    Some((after("-c")?, after("-n").unwrap_or_default()))
}

/// The process is an engine's client that a script runs, by whichever name the stand-in was called.
pub fn is_client(process: &Process) -> bool {
    let client = |name: &str| EngineKind::ALL.iter().any(|kind| kind.command() == name);
    client(&process.executable) && !serves_others(process)
}

/// The name of the file that stand-ins for clients are executed from.
pub const STAND_IN: &str = "exe";

/// The process goes by a client's name and is a stand-in that has not become the client yet. A client's own file may have
/// any name.
pub fn is_stand_in(process: &Process) -> bool {
    let client = |name: &str| EngineKind::ALL.iter().any(|kind| kind.command() == name);
    let first = process.words.first().map_or("", String::as_str);
    process.executable == STAND_IN && client(first.rsplit('/').next().unwrap_or(first))
}

/// The process is a build that Podman or Buildah does itself. Doubt means that it is.
pub fn is_local_build(process: &Process) -> bool {
    let builder = ["podman", "buildah"].contains(&process.executable.as_str());
    let builds = |word: &String| ["build", "bud", "buildx"].contains(&word.as_str());
    builder && process.words.iter().any(builds)
}

/// The command line is of a client that hands signals on to a container. Doubt means that it is.
pub fn is_attached(command: &str) -> bool {
    let mut words = command.split_whitespace();
    let program = words.next().unwrap_or_default();
    let name = program.rsplit('/').next().unwrap_or(program);
    let is_client = EngineKind::ALL
        .iter()
        .any(|kind| name == kind.command() || name.starts_with(&format!("{}-", kind.command())));
    let words: Vec<&str> = words.collect();
    let has = |known: &[&str]| words.iter().any(|word| known.contains(word));
    let starts_attached = has(&["start"]) && has(&["-a", "--attach", "-i", "--interactive", "-ai"]);
    let attaches = has(&["run", "exec", "attach", "up"]) || starts_attached;
    is_client && attaches && !has(&["--sig-proxy=false"])
}

/// A Podman that no script runs: `podman pause`, `podman system service`, `podman container cleanup`.
fn serving_podman(words: &[String]) -> bool {
    let Some((program, rest)) = words.split_first() else {
        return false;
    };
    let program = program.rsplit('/').next().unwrap_or(program);
    let in_a_row = |first: &str, second: &str| {
        rest.windows(2)
            .any(|pair| matches!(pair, [a, b] if a == first && b == second))
    };
    match program {
        "podman pause" => true,
        "podman" => {
            rest == ["pause"] || in_a_row("system", "service") || in_a_row("container", "cleanup")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(executable: &str, name: &str, words: &str, expected: bool) {
        let process = Process {
            name: name.to_owned(),
            words: words.split_whitespace().map(str::to_owned).collect(),
            executable: executable.to_owned(),
            ..Process::default()
        };
        assert_eq!(serves_others(&process), expected, "{words}");
    }

    #[test]
    fn a_stand_in_goes_by_a_clients_name() {
        for (executable, words, expected) in [
            ("exe", "docker volume create data", true),
            ("exe", "/run/live/r1/1/podman run base", true),
            ("docker", "docker volume create data", false),
            ("docker-28", "docker volume create data", false),
            ("exe", "program docker", false),
            ("sh", "sh", false),
        ] {
            let process = Process {
                executable: executable.to_owned(),
                words: words.split(' ').map(str::to_owned).collect(),
                ..Process::default()
            };
            assert_eq!(is_stand_in(&process), expected, "{executable}: {words}");
        }
    }

    #[test]
    fn a_monitor_names_its_container() {
        let of = |words: &str| {
            monitored(&Process {
                words: words.split_whitespace().map(str::to_owned).collect(),
                ..Process::default()
            })
        };
        let whole = "/usr/bin/conmon --api-version 1 -c 0123 -u 0123 -r /usr/bin/runc -n web --exit-command podman";
        assert_eq!(of(whole), Some(("0123".to_owned(), "web".to_owned())));
        assert_eq!(of("conmon --version"), None);
        assert_eq!(of("sh -c conmon"), None);
        assert_eq!(of(""), None);
    }

    #[test]
    fn builds_are_told_from_what_else_podman_does() {
        let check = |executable: &str, words: &str, expected| {
            let process = Process {
                words: words.split_whitespace().map(str::to_owned).collect(),
                executable: executable.to_owned(),
                ..Process::default()
            };
            assert_eq!(is_local_build(&process), expected, "{words}");
        };
        check("podman", "podman --log-level debug build -t x .", true);
        check("podman", "/shims/docker image build .", true);
        check("buildah", "buildah bud .", true);
        check("podman", "podman run --rm build", true);
        check("podman", "podman run --rm builder", false);
        check("docker", "docker build .", false);
    }

    #[test]
    fn helpers_are_told_from_the_scripts_own_processes() {
        check("conmon", "conmon", "/usr/bin/conmon --api-version 1", true);
        check("", "conmon", "", true);
        check(
            "aardvark-dns",
            "aardvark-dns",
            "/usr/lib/podman/aardvark-dns run",
            true,
        );
        check(
            "pasta.avx2",
            "pasta.avx2",
            "/usr/bin/pasta --config-net",
            true,
        );
        check(
            "slirp4netns",
            "slirp4netns",
            "/usr/bin/slirp4netns -c",
            true,
        );
        check("catatonit", "catatonit", "catatonit -P", true);
        check("podman", "exe", "rootlessport", true);
        check("podman", "podman", "podman system service -t 0", true);
        check(
            "podman",
            "podman",
            "/usr/bin/podman --root /x container cleanup --rm 12",
            true,
        );
        check("podman", "podman pause", "podman pause", true);
        check("podman", "podman", "podman run --rm base true", false);
        check("podman", "podman", "podman container run cleanup", false);
        check("docker", "docker", "docker run conmon", false);
        check("sleep", "sleep", "sleep 1000", false);
    }
}
