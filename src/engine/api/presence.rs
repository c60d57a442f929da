//! What an engine's answers over its socket prove: whether a thing is there, what it is, what carries labels.
//! Docker's paths, which Podman's service serves as well; Podman's own where only those tell enough.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;

use super::{Answer, Api, ApiError};
use crate::engine::container;
use crate::engine::inspect;
use crate::engine::listing::{self, Listed};
use crate::model::{EngineKind, Presence, ResourceKind};

/// The oldest version of Podman's own interface that is spoken here, and which later ones still serve.
const LIBPOD: &str = "/v4.0.0/libpod";

/// Is it there? `Absent` only on a 404 that names the thing and says that this kind of thing does not exist.
pub fn presence(api: &mut Api, kind: ResourceKind, id: &str, limit: Duration) -> Presence {
    let unknown = |why: String| Presence::Unknown { why };
    let Some(target) = target(kind, id) else {
        return unknown("no engine keeps this".to_owned());
    };
    let answer = match api.get(&target, limit) {
        Ok(answer) => answer,
        Err(error) => return unknown(error.to_string()),
    };
    match answer.status {
        200 if !identified(kind, &answer).is_empty() => Presence::Present,
        404 if says_absent(kind, id, &answer) => Presence::Absent,
        _ => unknown(refused(&target, &answer).to_string()),
    }
}

/// What an engine says of one thing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Thing {
    /// The whole id; of a volume the name.
    pub id: String,
    /// When it was made, since 1970, by the engine's clock.
    pub created: Option<Duration>,
    /// The names of an image.
    pub tags: Vec<String>,
    /// The volumes of a container that nobody gave a name.
    pub anonymous: Vec<String>,
    /// The container that an image was committed from; Docker's classic builder says so of each layer.
    pub committed_from: String,
}

/// What the engine says of it; `None` when it says nothing, for whatever reason.
pub fn thing(api: &mut Api, kind: ResourceKind, id: &str, limit: Duration) -> Option<Thing> {
    let answer = api.get(&target(kind, id)?, limit).ok()?;
    let id = Some(identified(kind, &answer)).filter(|id| !id.is_empty() && answer.status == 200)?;
    let facts: Value = serde_json::from_slice(&answer.body).ok()?;
    let list = |key: &str| {
        facts
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let created = ["Created", "CreatedAt"]
        .iter()
        .find_map(|key| facts.get(key)?.as_str());
    let tags = list("RepoTags").filter_map(Value::as_str);
    let volumes = list("Mounts").filter(|mount| mount.get("Type") == Some(&"volume".into()));
    let names = volumes.filter_map(|mount| mount.get("Name")?.as_str());
    Some(Thing {
        id,
        created: created.and_then(container::since_1970),
        tags: tags.map(str::to_owned).collect(),
        anonymous: names
            .filter(|name| is_anonymous(name))
            .map(str::to_owned)
            .collect(),
        committed_from: facts
            .get("Container")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
    })
}

/// The ids of the images without names on which no other image stands; `None` when they cannot be told.
pub fn dangling(api: &mut Api, limit: Duration) -> Option<Vec<String>> {
    let filters = escaped(r#"{"dangling":["true"]}"#);
    let answer = api
        .get(&format!("/images/json?filters={filters}"), limit)
        .ok()?;
    let listed: Value = serde_json::from_slice(&answer.body).ok()?;
    let images = listed.as_array().filter(|_| answer.status == 200)?.iter();
    let ids = images.filter_map(|image| image.get("Id")?.as_str());
    Some(ids.map(str::to_owned).collect())
}

/// Everything that the engine says of a thing, as it says it; `None` when it proves that there is no such thing.
pub fn account(
    api: &mut Api,
    kind: ResourceKind,
    id: &str,
    limit: Duration,
) -> Result<Option<String>, ApiError> {
    let target = target(kind, id).unwrap_or_default();
    let answer = api.get(&target, limit)?;
    match answer.status {
        200 => Ok(Some(String::from_utf8_lossy(&answer.body).into_owned())),
        404 if says_absent(kind, id, &answer) => Ok(None),
        _ => Err(refused(&target, &answer)),
    }
}

/// The ids and names of all images that are there; `None` when they cannot be told.
pub fn images(api: &mut Api, limit: Duration) -> Option<BTreeSet<String>> {
    let answer = api.get("/images/json?all=1", limit).ok()?;
    let listed: Value = serde_json::from_slice(&answer.body).ok()?;
    let images = listed.as_array().filter(|_| answer.status == 200)?.iter();
    let of = |image: &Value| {
        let names = image.get("RepoTags").and_then(Value::as_array);
        let all = names.into_iter().flatten().chain(image.get("Id"));
        all.filter_map(|text| text.as_str().map(str::to_owned))
            .collect::<Vec<_>>()
    };
    Some(images.flat_map(of).collect())
}

/// A volume's name that an engine made up: no other volume ever has it.
pub fn is_anonymous(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Everything of a kind that carries both labels (`KEY=VALUE`).
pub fn labelled(
    api: &mut Api,
    server: EngineKind,
    kind: ResourceKind,
    labels: &[String; 2],
    limit: Duration,
) -> Result<Vec<Listed>, ApiError> {
    let podman = server == EngineKind::Podman;
    let (own, base) = if podman { (LIBPOD, "/json") } else { ("", "") };
    let path = match kind {
        ResourceKind::Container => format!("{own}/containers/json?all=true&"),
        ResourceKind::Network => format!("{own}/networks{base}?"),
        ResourceKind::Volume => format!("{own}/volumes{base}?"),
        ResourceKind::Pod if podman => format!("{own}/pods/json?"),
        ResourceKind::Pod | ResourceKind::Image | ResourceKind::Directory => {
            return Ok(Vec::new());
        }
    };
    let filters = serde_json::json!({ "label": labels }).to_string();
    let target = format!("{path}filters={}", escaped(&filters));
    let answer = api.get(&target, limit)?;
    let listed = (answer.status == 200)
        .then(|| listing::array(&answer.body, labels))
        .flatten();
    listed.ok_or_else(|| refused(&target, &answer))
}

fn refused(target: &str, answer: &Answer) -> ApiError {
    const ENOUGH: usize = 300;
    ApiError::Refused {
        target: target.to_owned(),
        status: answer.status,
        said: message(answer).chars().take(ENOUGH).collect(),
    }
}

/// Where a thing is asked for.
fn target(kind: ResourceKind, id: &str) -> Option<String> {
    let id = escaped(id);
    match kind {
        _ if id.is_empty() => None,
        ResourceKind::Container => Some(format!("/containers/{id}/json")),
        ResourceKind::Pod => Some(format!("{LIBPOD}/pods/{id}/json")),
        ResourceKind::Network => Some(format!("/networks/{id}")),
        ResourceKind::Volume => Some(format!("/volumes/{id}")),
        ResourceKind::Image => Some(format!("/images/{id}/json")),
        ResourceKind::Directory => None,
    }
}

/// The id, or the name of a volume, in an answer that describes one thing; empty when it describes none.
fn identified(kind: ResourceKind, answer: &Answer) -> String {
    let facts: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let keys: &[&str] = match kind {
        ResourceKind::Volume => &["Name"],
        ResourceKind::Container
        | ResourceKind::Pod
        | ResourceKind::Network
        | ResourceKind::Image
        | ResourceKind::Directory => &["Id", "ID"],
    };
    let id = keys.iter().find_map(|key| facts.get(key)?.as_str());
    id.unwrap_or_default().to_owned()
}

/// What an answer that is an error says.
fn message(answer: &Answer) -> String {
    let facts: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let words = ["message", "cause"]
        .iter()
        .filter_map(|key| facts.get(key)?.as_str());
    words.collect::<Vec<_>>().join(" ")
}

fn says_absent(kind: ResourceKind, id: &str, answer: &Answer) -> bool {
    let (said, id) = (message(answer).to_lowercase(), id.to_lowercase());
    inspect::transient_sign(&said, std::slice::from_ref(&id)).is_none()
        && inspect::says_absent(kind, &id, &said)
}

/// Fit for a path or a query. Slashes and colons stay: they are part of the names of images.
pub(super) fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/:@".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            write!(escaped, "%{byte:02X}").expect("writing to a string cannot fail");
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ResourceKind::{Container, Image, Network, Volume};

    fn answer(status: u16, message: &str) -> Answer {
        let body = serde_json::json!({ "message": message }).to_string();
        Answer {
            status,
            body: body.into(),
        }
    }

    #[test]
    fn absence_is_known_from_each_engines_words() {
        for (kind, said) in [
            (Container, "No such container: b0x"),
            (
                Container,
                "no container with name or ID \"b0x\" found: no such container",
            ),
            (Image, "No such image: b0x"),
            (Image, "failed to find image b0x: b0x: image not known"),
            (Volume, "get b0x: no such volume"),
            (Volume, "no volume with name \"b0x\" found: no such volume"),
            (Network, "network b0x not found"),
            (
                Network,
                "unable to find network with name or ID b0x: network not found",
            ),
        ] {
            assert!(says_absent(kind, "b0x", &answer(404, said)), "{said}");
        }
        for (kind, said) in [
            (Container, "No such container: b0xy"),
            (Container, "No such image: b0x"),
            (Container, "page not found"),
            (
                Container,
                "No such container: b0x: context deadline exceeded",
            ),
            (Volume, ""),
        ] {
            assert!(!says_absent(kind, "b0x", &answer(404, said)), "{said}");
        }
    }

    #[test]
    fn what_stands_in_a_path_is_escaped() {
        assert_eq!(escaped("a/b:1@sha256:0"), "a/b:1@sha256:0");
        assert_eq!(
            escaped("{\"a b\":1}?&%\u{e9}"),
            "%7B%22a%20b%22:1%7D%3F%26%25%C3%A9"
        );
    }
}
