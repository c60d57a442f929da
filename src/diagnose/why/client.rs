//! Which container an engine's client is attached to, by what was typed.
//!
//! A client does not say which container it made. Its name, else its image, and at last its age tell.

use std::time::Duration;

use super::graph::Graph;
use crate::model::{ContainerFact, ProcessFact};

/// Clients that stay as long as a container, or as what they ask of it takes.
const ATTACHED: [&str; 7] = ["run", "exec", "start", "attach", "wait", "logs", "stop"];

/// The program's name and its sub-command, when it is an engine's client: `podman`, `run`.
pub(super) fn subcommand(command: &str) -> Option<(&str, &str)> {
    let mut words = command.split_whitespace();
    let program = words.next()?;
    let program = program.rsplit('/').next().unwrap_or(program);
    if !matches!(program, "docker" | "podman") {
        return None;
    }
    // A global flag's value may stand between; no value is a sub-command's name by habit.
    let groups = ["container", "image", "system"];
    let mut flag = false;
    for word in words {
        let is_value = flag && !ATTACHED.contains(&word);
        flag = word.starts_with('-') && !word.contains('=');
        if !word.starts_with('-') && !is_value && !groups.contains(&word) {
            return Some((program, word));
        }
    }
    None
}

/// The container that this client waits for.
pub(super) fn container_of<'s>(
    graph: &Graph<'s>,
    client: &ProcessFact,
) -> Option<&'s ContainerFact> {
    let (_, asked) = subcommand(&client.command)?;
    let words: Vec<&str> = client.command.split_whitespace().collect();
    let flag = |short: &str, long: &str| {
        words
            .iter()
            .any(|word| *word == short || word.split('=').next() == Some(long))
    };
    let stays = match asked {
        "run" | "exec" => !flag("-d", "--detach"),
        "start" => flag("-a", "--attach"),
        "logs" => flag("-f", "--follow"),
        _ => ATTACHED.contains(&asked),
    };
    if !stays {
        return None;
    }
    let containers = &graph.scene.containers;
    if asked != "run" {
        let named = |container: &&ContainerFact| words.iter().any(|word| is_of(container, word));
        return containers.iter().find(named);
    }
    let name = words.iter().enumerate().find_map(|(place, word)| {
        let next = || words.get(place + 1).copied();
        let after = word.strip_prefix("--name=");
        after.or_else(|| (*word == "--name").then(next).flatten())
    });
    match name {
        Some(name) => containers.iter().find(|container| container.name == name),
        None => by_image(containers, &words, client.age),
    }
}

/// A word names a container: by name, or by the beginning of its id.
fn is_of(container: &ContainerFact, word: &str) -> bool {
    let by_name = !container.name.is_empty() && container.name == word;
    by_name || (word.len() >= 6 && container.id.starts_with(word))
}

/// The only container of an image that was typed; of several, the one that started with the client.
fn by_image<'s>(
    containers: &'s [ContainerFact],
    words: &[&str],
    age: Option<Duration>,
) -> Option<&'s ContainerFact> {
    let runs = |container: &&ContainerFact| {
        !container.image.is_empty() && words.contains(&container.image.as_str())
    };
    let candidates = || containers.iter().filter(runs);
    let age = match (candidates().count(), age) {
        (1, _) => return candidates().next(),
        (_, age) => age?,
    };
    candidates()
        .filter_map(|container| Some((container.since?, container)))
        .filter(|(since, _)| *since <= age)
        .min_by_key(|(since, _)| age.saturating_sub(*since))
        .map(|(_, container)| container)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(command: &str, expected: Option<(&str, &str)>) {
        assert_eq!(subcommand(command), expected, "{command}");
    }

    #[test]
    fn the_subcommand_of_a_client_is_found_behind_its_flags() {
        check("podman run --rm base true", Some(("podman", "run")));
        check("/usr/bin/docker ps -a", Some(("docker", "ps")));
        check("docker -H unix:///x/sock ps", Some(("docker", "ps")));
        check(
            "podman --root /x container run base",
            Some(("podman", "run")),
        );
        check("docker --debug run base", Some(("docker", "run")));
        check("docker", None);
        check("docker-compose up", None);
        check("", None);
    }
}
