//! What carries given labels in the engine. The engine's filter only narrows; the labels of each thing are read
//! and compared here, for some Podman versions join filters by "or".

use std::time::Duration;

use serde_json::Value;

use super::api;
use super::client::Client;
use super::trouble::{Trouble, expect_success};
use crate::host::process::Runner;
use crate::model::{EngineKind, ResourceKind};

/// One thing that carries the labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its id; a volume's name.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The pod's own container, which goes with the pod.
    pub infra: bool,
}

/// Everything of a kind that carries both labels (`KEY=VALUE`).
pub fn labelled(
    client: &Client,
    runner: &mut dyn Runner,
    kind: ResourceKind,
    labels: &[String; 2],
    limit: Duration,
) -> Result<Vec<Listed>, Trouble> {
    if let Some((mut api, server)) = client.api()
        && let Ok(found) = api::labelled(&mut api, server, kind, labels, limit)
    {
        return Ok(found);
    }
    let mut words = match kind {
        ResourceKind::Container => vec!["ps", "-a", "--no-trunc"],
        ResourceKind::Pod if client.dialect() == EngineKind::Podman => {
            vec!["pod", "ps", "--no-trunc"]
        }
        ResourceKind::Network => vec!["network", "ls", "--no-trunc"],
        ResourceKind::Volume => vec!["volume", "ls"],
        ResourceKind::Image | ResourceKind::Pod | ResourceKind::Directory => return Ok(Vec::new()),
    };
    let command = format!("{} {}", client.command(), words.join(" "));
    let filters = labels.each_ref().map(|label| format!("label={label}"));
    for filter in &filters {
        words.extend(["--filter", filter]);
    }
    let format = match client.dialect() {
        EngineKind::Docker => docker_format(kind, labels),
        EngineKind::Podman => "json".to_owned(),
    };
    words.extend(["--format", &format]);
    let completed = client.call(runner, &words, limit);
    let stdout = expect_success(&command, client.program(), completed, limit)?;
    let unreadable = || Trouble::Unreadable {
        command,
        said: String::from_utf8_lossy(&stdout).chars().take(80).collect(),
    };
    match client.dialect() {
        EngineKind::Docker => docker_lines(&stdout, labels).ok_or_else(unreadable),
        EngineKind::Podman => array(&stdout, labels).ok_or_else(unreadable),
    }
}

/// Something that a build of Podman's may have left: a working container, which only `--external` shows, or an image
/// without a name, or with the one that Buildah gives to a layer for a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaving {
    /// Its id.
    pub id: String,
    /// Its name, or empty.
    pub name: String,
    /// When it was made, since 1970, in whole seconds rounded up.
    pub made: Duration,
}

fn leaving_words(kind: ResourceKind) -> &'static [&'static str] {
    match kind {
        ResourceKind::Container => &["ps", "-a", "--external", "--no-trunc"],
        ResourceKind::Image
        | ResourceKind::Pod
        | ResourceKind::Network
        | ResourceKind::Volume
        | ResourceKind::Directory => &["images", "--no-trunc"],
    }
}

/// The command that a person types to see them.
pub fn leavings_command(client: &Client, kind: ResourceKind) -> String {
    format!("{} {}", client.command(), leaving_words(kind).join(" "))
}

/// All that there are, whoever made them. Podman only.
pub fn leavings(
    client: &Client,
    runner: &mut dyn Runner,
    kind: ResourceKind,
    limit: Duration,
) -> Result<Vec<Leaving>, Trouble> {
    let mut words = leaving_words(kind).to_vec();
    words.extend(["--format", "json"]);
    let command = leavings_command(client, kind);
    let completed = client.call(runner, &words, limit);
    let stdout = expect_success(&command, client.program(), completed, limit)?;
    leaving_array(&stdout).ok_or_else(|| Trouble::Unreadable {
        command,
        said: String::from_utf8_lossy(&stdout).chars().take(80).collect(),
    })
}

/// Containers are Buildah's, and kept by nobody but the storage; images have no name that somebody chose.
fn leaving_array(stdout: &[u8]) -> Option<Vec<Leaving>> {
    let things = match serde_json::from_slice(stdout).ok()? {
        Value::Array(things) => things,
        Value::Null => Vec::new(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => return None,
    };
    let of_builds = |thing: &&Value| match thing.get("Command") {
        Some(Value::Array(words)) => match words.first().and_then(Value::as_str) {
            Some("buildah") => true,
            // Podman's word for what no tool has claimed: its build was killed before it had written what it is.
            Some("storage") => names(thing).any(is_working_name),
            Some(_) | None => false,
        },
        Some(_) => false,
        None => names(thing).all(is_passing_name),
    };
    let leaving = |thing: &Value| {
        let made = field(thing, &["Created"]).as_u64()?;
        let name = names(thing).next();
        Some(Leaving {
            id: field(thing, &["Id", "ID"]).as_str()?.to_owned(),
            name: name.unwrap_or_default().to_owned(),
            made: Duration::from_secs(made + 1),
        })
    };
    things.iter().filter(of_builds).map(leaving).collect()
}

fn names(thing: &Value) -> impl Iterator<Item = &str> {
    let names = field(thing, &["Names"]).as_array().into_iter().flatten();
    names.filter_map(Value::as_str)
}

/// The name that Buildah gives to a build's container: its image's, and a number from the second on.
fn is_working_name(name: &str) -> bool {
    let number = name.trim_end_matches(|digit: char| digit.is_ascii_digit());
    let name = match number.strip_suffix('-') {
        Some(rest) if number.len() < name.len() => rest,
        Some(_) | None => name,
    };
    name.ends_with("-working-container")
}

/// The name of a layer until the next step of its build stands on it (Buildah 1.28).
fn is_passing_name(name: &str) -> bool {
    let name = name.strip_suffix("-tmp:latest").unwrap_or_default();
    let digest = name.rsplit('/').next().unwrap_or_default();
    digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn split(label: &str) -> (&str, &str) {
    label.split_once('=').unwrap_or((label, ""))
}

/// Each label's value apart: the joined list would be ambiguous, for values may hold commas.
fn docker_format(kind: ResourceKind, labels: &[String; 2]) -> String {
    let head = match kind {
        ResourceKind::Container => "{{.ID}}\t{{.Names}}",
        ResourceKind::Volume => "{{.Name}}\t{{.Name}}",
        ResourceKind::Network
        | ResourceKind::Pod
        | ResourceKind::Image
        | ResourceKind::Directory => "{{.ID}}\t{{.Name}}",
    };
    let values = labels
        .each_ref()
        .map(|label| format!("{{{{.Label \"{}\"}}}}", split(label).0));
    format!("{head}\t{}", values.join("\t"))
}

fn docker_lines(stdout: &[u8], labels: &[String; 2]) -> Option<Vec<Listed>> {
    let text = std::str::from_utf8(stdout).ok()?;
    let wanted = labels.each_ref().map(|label| split(label).1);
    let mut found = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [id, name, first, second] = fields[..] else {
            return None;
        };
        if [first, second] == wanted {
            found.push(Listed {
                id: id.to_owned(),
                name: name.to_owned(),
                infra: false,
            });
        }
    }
    Some(found)
}

/// Nothing found is `[]`, `null` or nothing at all. Docker's socket wraps volumes in an object.
pub(super) fn array(stdout: &[u8], labels: &[String; 2]) -> Option<Vec<Listed>> {
    if stdout.trim_ascii().is_empty() {
        return Some(Vec::new());
    }
    let listed = match serde_json::from_slice(stdout).ok()? {
        Value::Object(mut wrapped) => wrapped.remove("Volumes")?,
        listed @ (Value::Array(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)) => listed,
    };
    let things = match listed {
        Value::Array(things) => things,
        Value::Null => Vec::new(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => return None,
    };
    let carries = |thing: &&Value| {
        let own = field(thing, &["Labels", "labels"]);
        labels.iter().all(|label| {
            let (key, value) = split(label);
            own.get(key).and_then(Value::as_str) == Some(value)
        })
    };
    let found = things.iter().filter(carries).map(|thing| {
        let name = match field(thing, &["Names", "Name", "name"]) {
            Value::Array(names) => names.first().unwrap_or(&Value::Null),
            name @ (Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Object(_)) => name,
        };
        // Docker's socket gives containers a slash in front.
        let name = name.as_str().unwrap_or_default().trim_start_matches('/');
        Listed {
            id: field(thing, &["Id", "ID", "id"])
                .as_str()
                .unwrap_or(name)
                .to_owned(),
            name: name.to_owned(),
            infra: field(thing, &["IsInfra"]).as_bool().unwrap_or_default(),
        }
    });
    Some(found.collect())
}

fn field<'a>(thing: &'a Value, names: &[&str]) -> &'a Value {
    names
        .iter()
        .find_map(|name| thing.get(name))
        .unwrap_or(&Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> [String; 2] {
        ["run=r1".to_owned(), "attempt=3.1.1".to_owned()]
    }

    fn ids(found: Option<Vec<Listed>>) -> Option<String> {
        let show =
            |l: &Listed| format!("{}/{}{}", l.id, l.name, if l.infra { "/infra" } else { "" });
        Some(found?.iter().map(show).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn docker_lines_count_only_with_both_labels() {
        let text = "aa\tx\tr1\t3.1.1\nbb\ty\tr1\t3.1.2\ncc\tz\tr2\t3.1.1\ndd\tw\t\t\n";
        assert_eq!(
            ids(docker_lines(text.as_bytes(), &labels())).unwrap(),
            "aa/x"
        );
        assert_eq!(ids(docker_lines(b"", &labels())).unwrap(), "");
        assert_eq!(docker_lines(b"short\tline\n", &labels()), None);
    }

    #[test]
    fn working_containers_are_told_from_others() {
        let text = r#"[{"Id":"aa","Names":["base-working-container"],"Command":["buildah"],"Created":1763746057},
            {"Id":"bb","Names":["web"],"Command":["sleep","1"],"Created":1763746057}]"#;
        let found = leaving_array(text.as_bytes()).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(
            (
                found[0].id.as_str(),
                found[0].name.as_str(),
                found[0].made.as_secs()
            ),
            ("aa", "base-working-container", 1_763_746_058)
        );
        for (name, count) in [
            ("base-working-container", 1),
            ("base-working-container-12", 1),
            ("base-working-container-", 0),
            ("working-container-x", 0),
            ("web", 0),
        ] {
            let unclaimed =
                format!(r#"[{{"Id":"aa","Names":["{name}"],"Command":["storage"],"Created":5}}]"#);
            let found = leaving_array(unclaimed.as_bytes()).unwrap();
            assert_eq!(found.len(), count, "{name}");
        }
        let image = r#"[{"Id":"cc","ParentId":"","RepoTags":null,"Created":5,"Dangling":true}]"#;
        assert_eq!(leaving_array(image.as_bytes()).unwrap()[0].id, "cc");
        let digest = "a".repeat(64);
        let named = [
            ("web:1", 0),
            (&*format!("docker.io/library/{digest}-tmp:latest"), 1),
            ("b-tmp:latest", 0),
        ];
        for (name, count) in named {
            let image = format!(r#"[{{"Id":"cc","Names":["{name}"],"Created":5}}]"#);
            assert_eq!(
                leaving_array(image.as_bytes()).unwrap().len(),
                count,
                "{name}"
            );
        }
        assert_eq!(leaving_array(b"null"), Some(Vec::new()));
        assert_eq!(leaving_array(b"[{}]"), None);
    }

    #[test]
    fn podman_things_count_only_with_both_labels() {
        let text = r#"[{"Id":"aa","Names":["x"],"IsInfra":true,"Labels":{"run":"r1","attempt":"3.1.1"}},
            {"Id":"bb","Names":["y"],"Labels":{"run":"r1","attempt":"9.1.1"}},
            {"id":"cc","name":"z","labels":{"run":"r1","attempt":"3.1.1"}},
            {"Name":"v","Labels":{"run":"r1","attempt":"3.1.1"}}, {"Id":"dd","Labels":null}]"#;
        assert_eq!(
            ids(array(text.as_bytes(), &labels())).unwrap(),
            "aa/x/infra cc/z v/v"
        );
        for nothing in ["", "[]", "null", "\n"] {
            assert_eq!(ids(array(nothing.as_bytes(), &labels())).unwrap(), "");
        }
        let wrapped = r#"{"Volumes":[{"Name":"v","Labels":{"run":"r1","attempt":"3.1.1"}},{"Name":"w","Labels":null}],"Warnings":null}"#;
        assert_eq!(ids(array(wrapped.as_bytes(), &labels())).unwrap(), "v/v");
        assert_eq!(ids(array(br#"{"Volumes":null}"#, &labels())).unwrap(), "");
        assert_eq!(array(b"{", &labels()), None);
        assert_eq!(array(b"{}", &labels()), None);
    }
}
