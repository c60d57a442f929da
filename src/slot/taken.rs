//! Why a name was refused: when a line failed that was to make something with a fixed name, and somebody else has that
//! name, the log says who and since when. The engine's own answer stands; this is said below it.
//!
//! Asked after the attempt was cleaned: whoever has the name then is somebody else. Nothing is asked for scripts that
//! pass, or that expect the conflict.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::cleaning::clients;
use super::runner::Reaping;
use super::serve::{Slot, path};
use crate::engine::client::Client;
use crate::engine::holder::{self, Holder};
use crate::engine::listing;
use crate::host::clock;
use crate::ledger::intents::{Contents, Ledger};
use crate::ledger::{labels, proof};
use crate::model::{AttemptId, EngineKind, Intent, Outcome, ResourceKind};

/// For each question; without an answer nothing is said.
const LIMIT: Duration = Duration::from_secs(5);
/// So many names of one line are asked for.
const NAMES: usize = 4;
/// Compose puts this on whatever it makes.
const COMPOSE: &str = "com.docker.compose.project";

/// And this, where it was called for that.
const PLACE: &str = "com.docker.compose.project.working_dir";

/// The log, with a line for each name of the failed line, and for each compose project of the script, that somebody else
/// has.
pub(super) fn explain(
    slot: &mut Slot<'_>,
    attempt: AttemptId,
    outcome: &Outcome,
    mut log: Vec<u8>,
) -> Vec<u8> {
    let Outcome::Failed(failure) = outcome else {
        return log;
    };
    let ledger = path(&slot.setup.ledger);
    let Ok(contents) = Ledger::at(ledger.clone()).read() else {
        return log;
    };
    let line = format!("{}:{}", failure.place.file, failure.place.line);
    let limit = slot.hurry.within(clock::now(), LIMIT);
    for client in clients(slot, &contents, attempt) {
        let intents = contents.intents_at(attempt, client.kind(), &line);
        for (kind, name) in refused(&intents, client.dialect()).into_iter().take(NAMES) {
            let mut runner = Reaping {
                reaper: &mut slot.reaper,
            };
            let found = holder::of_name(&client, &mut runner, kind, &name, limit);
            if let Some(holder) = found {
                let whose = whose(&holder, kind, &name, &ledger);
                let made = made(&holder);
                let told = format!("NOTE: the {kind} name `{name}` is taken{made}{whose}\n");
                log.extend(told.as_bytes());
            }
        }
        for project in projects(&log).into_iter().take(NAMES) {
            let told = project_of_others(slot, &client, &contents, attempt, &project);
            log.extend(told.unwrap_or_default().as_bytes());
        }
    }
    log
}

/// Compose takes over whatever carries the project's name, so a script finds things there that it did not make.
fn project_of_others(
    slot: &mut Slot<'_>,
    client: &Client,
    contents: &Contents,
    attempt: AttemptId,
    project: &str,
) -> Option<String> {
    let kind = ResourceKind::Container;
    let limit = slot.hurry.within(clock::now(), LIMIT);
    let mut runner = Reaping {
        reaper: &mut slot.reaper,
    };
    let label = format!("{COMPOSE}={project}");
    let labels = [label.clone(), label];
    let found = listing::labelled(client, &mut runner, kind, &labels, limit).ok()?;
    let is_own = |id: &str| {
        let mut own = contents.all_acquired(attempt);
        own.any(|(resource, _)| resource.id.starts_with(id))
    };
    let theirs = found.iter().find(|container| !is_own(&container.id))?;
    let holder = holder::of_name(client, &mut runner, kind, &theirs.id, limit)?;
    Some(format!(
        "NOTE: the compose project `{project}` is taken: container {}{}{}\n",
        theirs.name,
        made(&holder),
        whose_project(&holder, &path(&slot.setup.ledger)),
    ))
}

fn whose_project(holder: &Holder, ledger: &Path) -> String {
    match holder.labels.get(PLACE) {
        _ if holder.labels.contains_key(labels::RUN) => {
            whose(holder, ResourceKind::Container, "", ledger)
        }
        Some(place) => format!(", by compose in {place}"),
        None => " by somebody else: it carries no label that tells who".to_owned(),
    }
}

/// The projects that lines of a log name for compose, as they are written: one in a variable is the script's own business.
fn projects(log: &[u8]) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(log);
    let lines = text.lines().filter_map(|line| line.strip_prefix("> "));
    lines.filter_map(project).collect()
}

fn project(line: &str) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let compose = words.iter().position(|word| {
        let program = word.rsplit('/').next().unwrap_or(word);
        ["compose", "docker-compose", "podman-compose"].contains(&program)
    })?;
    let flags = words.get(compose..)?;
    let named = flags
        .iter()
        .enumerate()
        .find_map(|(at, word)| match *word {
            "-p" | "--project-name" => flags.get(at + 1).copied(),
            word => word.strip_prefix("--project-name="),
        })?;
    (!named.contains('$')).then(|| named.trim_matches('\'').to_owned())
}

fn made(holder: &Holder) -> String {
    match holder.made.as_str() {
        "" => String::new(),
        made => format!(", made {made}"),
    }
}

/// The names that the line may not have got: without an id for what was to be made. A volume of that name may be used
/// without being made, unless the line was to make nothing else.
fn refused(intents: &[Intent], dialect: EngineKind) -> BTreeSet<(ResourceKind, String)> {
    let only_volumes = intents
        .iter()
        .all(|intent| intent.kind == ResourceKind::Volume);
    let is_refused = |intent: &&Intent| match intent.kind {
        ResourceKind::Container | ResourceKind::Pod => proof::made(intent).is_none(),
        ResourceKind::Network => true,
        // Docker makes no volume twice, and says that it did.
        ResourceKind::Volume => only_volumes && dialect == EngineKind::Podman,
        ResourceKind::Image | ResourceKind::Directory => false,
    };
    let named = intents.iter().filter(|intent| !intent.name.is_empty());
    let refused = named.filter(is_refused);
    refused
        .map(|intent| (intent.kind, intent.name.clone()))
        .collect()
}

/// By its labels: another script of ours, of this run or another, or a compose project; else nothing is known.
fn whose(holder: &Holder, kind: ResourceKind, name: &str, ledger: &Path) -> String {
    let label = |key: &str| holder.labels.get(key).filter(|value| !value.is_empty());
    if let (Some(run), Some(attempt)) = (label(labels::RUN), label(labels::ATTEMPT)) {
        let line = || {
            let (run, attempt) = (run.parse().ok()?, attempt.parse().ok()?);
            let state = ledger.ancestors().nth(3)?;
            let contents: Contents = Ledger::of(state, &run).read().ok()?;
            contents.line_of(attempt, kind, name).map(str::to_owned)
        };
        let line = line().filter(|line| !line.is_empty());
        let line = line.map_or_else(String::new, |line| format!(" ({line})"));
        return format!(" by shakedown run {run}, attempt {attempt}{line}");
    }
    match label(COMPOSE) {
        Some(project) => format!(" by the compose project `{project}`"),
        None => " by somebody else: it carries no label that tells who".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::intents::Entry;

    fn intent(kind: ResourceKind, name: &str) -> Intent {
        Intent {
            kind,
            name: name.to_owned(),
            id_file: String::new(),
            existed: false,
        }
    }

    #[test]
    fn names_are_asked_for_that_the_line_did_not_get() {
        use ResourceKind::{Container, Image, Network, Volume};
        let check = |intents: &[(ResourceKind, &str)], dialect, expected: &[&str]| {
            let intents: Vec<Intent> = intents
                .iter()
                .map(|(kind, name)| intent(*kind, name))
                .collect();
            let names: Vec<String> = refused(&intents, dialect)
                .into_iter()
                .map(|(_, name)| name)
                .collect();
            assert_eq!(names, expected, "{intents:?}");
        };
        let (docker, podman) = (EngineKind::Docker, EngineKind::Podman);
        check(&[(Container, "x"), (Volume, "v")], podman, &["x"]);
        // Written down by the stand-in and by the proxy.
        check(&[(Container, "x"), (Container, "x")], docker, &["x"]);
        check(&[(Container, "")], podman, &[]);
        check(&[(Volume, "v")], podman, &["v"]);
        check(&[(Volume, "v")], docker, &[]);
        check(&[(Network, "n")], docker, &["n"]);
        check(&[(Image, "i")], docker, &[]);
    }

    #[test]
    fn the_project_is_what_the_line_says() {
        for (line, expected) in [
            ("exec docker-compose -p shop up -d", Some("shop")),
            ("exec docker compose --project-name=shop up", Some("shop")),
            (
                "exec $ENGINE compose -f a.yml --project-name 'shop' up",
                Some("shop"),
            ),
            ("exec docker-compose -p $TAG up", None),
            ("exec docker-compose up", None),
            ("exec docker run -p 80:80 x", None),
        ] {
            let log = format!("-- x --\n> {line}\n[stdout]\ndocker-compose -p other up\n");
            let found: Vec<String> = projects(log.as_bytes()).into_iter().collect();
            assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{line}");
        }
    }

    #[test]
    fn the_holder_is_named_by_its_labels() {
        let state = tempfile::tempdir().unwrap();
        let ledger = |run: &str| Ledger::of(state.path(), &run.parse().unwrap());
        ledger("r2")
            .append(&[Entry::Intent {
                attempt: "3.1.1".parse().unwrap(),
                engine: EngineKind::Docker,
                intent: intent(ResourceKind::Container, "web"),
                place: "scripts/other.txtar:7".to_owned(),
            }])
            .unwrap();
        let own = ledger("r1");
        for (labels, expected) in [
            (
                &[
                    ("dev.shakedown.run", "r2"),
                    ("dev.shakedown.attempt", "3.1.1"),
                ][..],
                " by shakedown run r2, attempt 3.1.1 (scripts/other.txtar:7)",
            ),
            (
                &[
                    ("dev.shakedown.run", "r3"),
                    ("dev.shakedown.attempt", "3.1.1"),
                ],
                " by shakedown run r3, attempt 3.1.1",
            ),
            (&[(COMPOSE, "shop")], " by the compose project `shop`"),
            (&[], " by somebody else: it carries no label that tells who"),
        ] {
            let labels = labels.iter();
            let holder = Holder {
                labels: labels
                    .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                    .collect(),
                ..Holder::default()
            };
            let said = whose(&holder, ResourceKind::Container, "web", own.file());
            assert_eq!(said, expected);
        }
    }
}
