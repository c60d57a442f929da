//! Is a resource there? The engine's answer has three values, and `Absent` needs proof: a text that names this
//! resource and says that this kind of thing does not exist, in an answer without any sign of trouble.
//!
//! Exit codes prove nothing (Docker's 1 means absent or daemon down; `rm -f` gives 0 for what is not there).

use std::time::Duration;

use super::api;
use super::client::Client;
use super::trouble::essence;
use crate::host::clock;
use crate::host::process::{Completed, Ending, Runner};
use crate::model::{Presence, ResourceKind};

/// Asks for many resources of one kind; the answers come in the order of `ids`. The engine's socket is asked where
/// it can be reached, for all at once where a list tells it, and the client in one call where that gave no clear answer.
pub fn ask(
    client: &Client,
    runner: &mut dyn Runner,
    kind: ResourceKind,
    ids: &[String],
    limit: Duration,
) -> Vec<Presence> {
    let Some((mut api, _)) = client.api() else {
        return ask_client(client, runner, kind, ids, limit);
    };
    let end = clock::now() + limit;
    let left = || end.saturating_duration_since(clock::now());
    if let Some(answers) = api::presences(&mut api, kind, ids, limit) {
        return answers;
    }
    let each = ids.iter().map(|id| match left() {
        Duration::ZERO => unknown("there was no time left to ask"),
        left => api::presence(&mut api, kind, id, left),
    });
    let mut answers: Vec<Presence> = each.collect();
    let is_unclear = |answer: &Presence| matches!(answer, Presence::Unknown { .. });
    let unclear: Vec<String> = ids
        .iter()
        .zip(&answers)
        .filter(|(_, answer)| is_unclear(answer))
        .map(|(id, _)| id.clone())
        .collect();
    if !unclear.is_empty() && !left().is_zero() {
        let mut again = ask_client(client, runner, kind, &unclear, left()).into_iter();
        for answer in answers.iter_mut().filter(|answer| is_unclear(answer)) {
            *answer = again.next().unwrap_or_else(|| answer.clone());
        }
    }
    answers
}

fn ask_client(
    client: &Client,
    runner: &mut dyn Runner,
    kind: ResourceKind,
    ids: &[String],
    limit: Duration,
) -> Vec<Presence> {
    let template = match kind {
        ResourceKind::Container => ["container", "{{.Id}}"],
        ResourceKind::Pod => ["pod", "{{.ID}}"],
        ResourceKind::Network => ["network", "{{.Name}}"],
        ResourceKind::Volume => ["volume", "{{.Name}}"],
        ResourceKind::Image => ["image", "{{.Id}}"],
        ResourceKind::Directory => {
            return ids
                .iter()
                .map(|_| unknown("no engine keeps directories"))
                .collect();
        }
    };
    if ids.is_empty() {
        return Vec::new();
    }
    let [noun, template] = template;
    let words = [noun, "inspect", "--format", template].map(str::to_owned);
    let words: Vec<String> = words.into_iter().chain(ids.iter().cloned()).collect();
    judge(kind, ids, &client.call(runner, &words, limit))
}

/// Asks for one resource.
pub fn ask_one(
    client: &Client,
    runner: &mut dyn Runner,
    kind: ResourceKind,
    id: &str,
    limit: Duration,
) -> Presence {
    let mut answers = ask(client, runner, kind, &[id.to_owned()], limit);
    answers
        .pop()
        .unwrap_or_else(|| unknown("nothing was asked"))
}

fn unknown(why: impl Into<String>) -> Presence {
    Presence::Unknown { why: why.into() }
}

/// What an answer to `KIND inspect IDS…` proves about each id. Those found are one line of stdout each.
pub fn judge(kind: ResourceKind, ids: &[String], completed: &Completed) -> Vec<Presence> {
    let all = |presence: Presence| vec![presence; ids.len()];
    match &completed.ending {
        Ending::Exited(0) if lines(&completed.stdout) == ids.len() => all(Presence::Present),
        Ending::Exited(0) => all(unknown("the engine answered less than it was asked")),
        Ending::Exited(_) => judge_failure(kind, ids, completed),
        Ending::Signaled(signal) => {
            all(unknown(format!("the client was killed by signal {signal}")))
        }
        Ending::TimedOut => all(unknown(format!("no answer within {:.1?}", completed.took))),
        Ending::NotStarted(why) => all(unknown(format!("the client cannot be started: {why}"))),
    }
}

fn judge_failure(kind: ResourceKind, ids: &[String], completed: &Completed) -> Vec<Presence> {
    let stderr = String::from_utf8_lossy(&completed.stderr).to_lowercase();
    let lowered: Vec<String> = ids.iter().map(|id| id.to_lowercase()).collect();
    if let Some(sign) = transient_sign(&stderr, &lowered) {
        return vec![unknown(format!("{sign}: {}", essence(&completed.stderr))); ids.len()];
    }
    let is_absent = |id: &String| stderr.lines().any(|line| says_absent(kind, id, line));
    let absent: Vec<bool> = lowered.iter().map(is_absent).collect();
    let present = absent.iter().filter(|absent| !**absent).count();
    let rest = if present == lines(&completed.stdout) && present < ids.len() {
        Presence::Present
    } else {
        unknown(essence(&completed.stderr))
    };
    let answer = |absent| {
        if absent {
            Presence::Absent
        } else {
            rest.clone()
        }
    };
    absent.into_iter().map(answer).collect()
}

fn lines(stdout: &[u8]) -> usize {
    let text = String::from_utf8_lossy(stdout);
    text.lines().filter(|line| !line.trim().is_empty()).count()
}

/// A sign in the output that the engine was not able to answer, whatever else it says. The ids that were asked for
/// are taken out first: a volume may be called `timeout`.
pub(super) fn transient_sign(text: &str, ids: &[String]) -> Option<&'static str> {
    let rest = ids
        .iter()
        .fold(text.to_owned(), |text, id| text.replace(id.as_str(), "…"));
    let word = |sign: &str| {
        rest.split(|c: char| !c.is_ascii_alphanumeric())
            .any(|word| word == sign)
    };
    let phrase = TRANSIENT.into_iter().find(|sign| rest.contains(sign));
    phrase.or_else(|| ["eof", "timeout"].into_iter().find(|sign| word(sign)))
}

/// In lower case. Each means that the engine was not reached, or was, but not in order.
const TRANSIENT: [&str; 24] = [
    "cannot connect",
    "unable to connect",
    "failed to connect",
    "error during connect",
    "daemon running",
    "connection refused",
    "connection reset",
    "broken pipe",
    "deadline exceeded",
    "context canceled",
    "timed out",
    "no such host",
    "no route to host",
    "network is unreachable",
    "temporary failure",
    "temporarily unavailable",
    "too many",
    "database is locked",
    "internal server error",
    "bad gateway",
    "service unavailable",
    "permission denied",
    "input/output error",
    "no space left",
];

/// The line says that the thing of this kind and name does not exist. Both arguments in lower case.
pub(super) fn says_absent(kind: ResourceKind, id: &str, line: &str) -> bool {
    let says = |texts: &[&str]| texts.iter().any(|text| line.contains(text));
    let absent = match kind {
        ResourceKind::Container => says(&["no such container", "no container with name or id"]),
        ResourceKind::Pod => says(&["no such pod"]),
        ResourceKind::Network => {
            let docker = format!("network {id} not found");
            says(&[
                &docker,
                "network not found",
                "no such network",
                "no network found matching",
            ])
        }
        ResourceKind::Volume => says(&["no such volume", "no volume with name"]),
        ResourceKind::Image => says(&["no such image", "image not known"]),
        ResourceKind::Directory => false,
    };
    absent && names(line, id)
}

/// The id stands in the line as a whole, not as a part of a longer name.
fn names(line: &str, id: &str) -> bool {
    let joins = |c: char| c.is_ascii_alphanumeric() || "_.-/".contains(c);
    !id.is_empty()
        && line.match_indices(id).any(|(at, _)| {
            let (before, from) = line.split_at(at);
            let after = from.split_at(id.len()).1;
            !before.ends_with(joins) && !after.starts_with(joins)
        })
}

#[cfg(test)]
#[path = "truth_tests.rs"]
mod truth_tests;

#[cfg(test)]
mod tests {
    use super::*;
    use ResourceKind::{Container, Image, Network, Pod, Volume};

    fn answer(ending: Ending, stdout: &str, stderr: &str) -> Completed {
        Completed {
            ending,
            stdout: stdout.into(),
            stderr: stderr.into(),
            took: Duration::from_secs(5),
        }
    }

    fn word(presence: &Presence) -> &'static str {
        match presence {
            Presence::Present => "present",
            Presence::Absent => "absent",
            Presence::Unknown { .. } => "unknown",
        }
    }

    #[track_caller]
    fn check(
        kind: ResourceKind,
        ids: &str,
        (code, stdout): (i32, &str),
        stderr: &str,
        expected: &str,
    ) {
        let ids: Vec<String> = ids.split(' ').map(str::to_owned).collect();
        let answers = judge(kind, &ids, &answer(Ending::Exited(code), stdout, stderr));
        let words: Vec<&str> = answers.iter().map(word).collect();
        assert_eq!(words.join(" "), expected, "{kind}: {stderr} → {answers:?}");
    }

    #[test]
    fn absence_is_known_from_each_engines_words() {
        for (kind, code, stderr) in [
            // Docker 28 and 20.10 on dockerd 20.10.
            (
                Container,
                1,
                "Error response from daemon: No such container: X",
            ),
            (Container, 1, "Error: No such container: X"),
            (
                Image,
                1,
                "Error response from daemon: no such image: X: No such image: X:latest",
            ),
            (
                Volume,
                1,
                "Error response from daemon: get X: no such volume",
            ),
            (
                Network,
                1,
                "Error response from daemon: network X not found",
            ),
            // Podman 4.3.1, local, remote and 5.x.
            (
                Container,
                125,
                "Error: inspecting object: no such container X",
            ),
            (
                Container,
                125,
                "WARN[0000] using cgroups-v1\nError: no such container \"X\"",
            ),
            (
                Container,
                125,
                "Error: no container with name or ID \"X\" found: no such container",
            ),
            (Image, 125, "Error: inspecting object: X: image not known"),
            (Volume, 125, "Error: inspecting object: no such volume X"),
            (
                Network,
                125,
                "Error: inspecting object: network X: unable to find network with name or ID X: network not found",
            ),
            (Pod, 125, "Error: inspecting object: no such pod X"),
            // nerdctl.
            (Network, 1, "FATA[0000] no network found matching: X"),
        ] {
            check(kind, "X", (code, ""), stderr, "absent");
        }
    }

    #[test]
    fn nothing_else_proves_absence() {
        for kind in [Container, Image, Volume, Network, Pod] {
            for stderr in [
                "",
                "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
                "failed to connect to the docker API at unix:///x; check if the path is correct and if the daemon is running: no such file or directory",
                "error during connect: Get \"http://%2Fx/v1.41/containers/X/json\": EOF",
                "Error response from daemon: unexpected EOF",
                "Error: unable to connect to Podman socket: dial unix /x: connect: connection refused",
                "dial tcp 10.0.0.1:2375: i/o timeout",
                "context deadline exceeded",
                "Error: inspecting object: X not found",
                "not found",
                "Error: database is locked",
                "Error response from daemon: Internal Server Error",
                // Absence and trouble in one answer: trouble wins.
                "Error: no such container X\nError: X: image not known\nno such volume X\nnetwork X not found\nno such pod X\nunexpected EOF",
            ] {
                check(kind, "X", (1, ""), stderr, "unknown");
                check(kind, "X", (125, ""), stderr, "unknown");
            }
            let ended = |ending| {
                judge(
                    kind,
                    &["X".to_owned()],
                    &answer(ending, "", "no such container X"),
                )
            };
            for ending in [
                Ending::TimedOut,
                Ending::Signaled(9),
                Ending::NotStarted("gone".to_owned()),
            ] {
                assert_eq!(word(&ended(ending)[0]), "unknown");
            }
        }
    }

    #[test]
    fn the_text_must_be_of_the_kind_that_was_asked_for() {
        check(
            Container,
            "X",
            (1, ""),
            "Error: no such volume X",
            "unknown",
        );
        check(
            Volume,
            "X",
            (1, ""),
            "Error: No such container: X",
            "unknown",
        );
        check(Image, "X", (1, ""), "Error: No such object: X", "unknown");
        check(
            Container,
            "X",
            (125, ""),
            "Error: X: image not known",
            "unknown",
        );
    }

    #[test]
    fn the_text_must_name_the_very_thing() {
        check(
            Volume,
            "v1 v10",
            (1, "v1\n"),
            "Error: get v10: no such volume",
            "present absent",
        );
        check(
            Volume,
            "v1",
            (1, ""),
            "Error: get my-v1: no such volume",
            "unknown",
        );
        check(
            Image,
            "b",
            (1, ""),
            "Error: no such image: a/b: No such image: a/b:latest",
            "unknown",
        );
        check(
            Container,
            "",
            (1, ""),
            "Error: no such container",
            "unknown",
        );
    }

    #[test]
    fn a_batch_is_answered_one_by_one() {
        check(Container, "A B", (0, "A\nB\n"), "", "present present");
        check(Container, "A B", (0, "A\n"), "", "unknown unknown");
        let both = "error inspecting object: no such container B\nError: inspecting object: no such container A";
        check(Container, "A B", (125, ""), both, "absent absent");
        check(
            Container,
            "A B C",
            (125, "C\n"),
            both,
            "absent absent present",
        );
        check(
            Container,
            "A B C",
            (125, "\n"),
            both,
            "absent absent unknown",
        );
    }

    #[test]
    fn a_name_that_looks_like_trouble_is_only_a_name() {
        check(
            Volume,
            "timeout",
            (1, ""),
            "Error: get timeout: no such volume",
            "absent",
        );
        check(
            Container,
            "eof",
            (1, ""),
            "Error: No such container: eof",
            "absent",
        );
    }
}
