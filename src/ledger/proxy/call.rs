//! What a request of the engine's interface makes or removes. Pure; knows Docker's paths and Podman's own.

use serde_json::Value;

use crate::engine::names::is_volume_name;
use crate::ledger::labels;
use crate::model::{AttemptId, ResourceKind, RunId};

/// A request that makes or removes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Call {
    /// A container, a pod, a network or a volume; its name where the query has it, else the body does.
    Create { kind: ResourceKind, name: String },
    /// An image that gets these names.
    Build { names: Vec<String> },
    /// An image gets this name.
    Name(String),
    /// An image is made of a container.
    Commit { name: Option<String> },
    /// Images come from an archive that names them.
    Load,
    /// Pods with their containers.
    Play,
    /// It goes; its volumes too, if so said.
    Remove {
        kind: ResourceKind,
        id: String,
        with_volumes: bool,
    },
}

/// A name as Docker shows it: its clients may write out what it leaves away.
fn familiar(name: &str) -> String {
    let rest = name.strip_prefix("docker.io/").unwrap_or(name);
    rest.strip_prefix("library/").unwrap_or(rest).to_owned()
}

/// A name as Podman keeps it: one without a registry is its own.
fn qualified(name: &str) -> String {
    let is_domain = |part: &str| part == "localhost" || part.contains(['.', ':']);
    match name.split_once('/') {
        Some((first, _)) if is_domain(first) => name.to_owned(),
        _ if name.starts_with("sha256:") => name.to_owned(),
        _ => format!("localhost/{name}"),
    }
}

impl Call {
    /// Podman's service reads the account's sub-ids for it. Builds may read them too, and are left out: they take long.
    pub(super) fn reads_subids(&self) -> bool {
        match self {
            Call::Create { kind, .. } => {
                matches!(kind, ResourceKind::Container | ResourceKind::Pod)
            }
            Call::Commit { .. } | Call::Play => true,
            Call::Build { .. } | Call::Name(_) | Call::Load | Call::Remove { .. } => false,
        }
    }

    /// The same with the names of images as they are kept, so that one thing has one name.
    fn with_names(self, short: fn(&str) -> String) -> Call {
        match self {
            Call::Build { names } => Call::Build {
                names: names.iter().map(|name| short(name)).collect(),
            },
            Call::Name(name) => Call::Name(short(&name)),
            Call::Commit { name } => Call::Commit {
                name: name.as_deref().map(short),
            },
            Call::Remove {
                kind: ResourceKind::Image,
                id,
                with_volumes,
            } => Call::Remove {
                kind: ResourceKind::Image,
                id: short(&id),
                with_volumes,
            },
            other @ (Call::Create { .. } | Call::Load | Call::Play | Call::Remove { .. }) => other,
        }
    }
}

/// Understands a request; `None`: it makes and removes nothing that is tracked.
pub(super) fn read(method: &str, target: &str) -> Option<Call> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query = Query(query);
    let words: Vec<&str> = path.split('/').filter(|word| !word.is_empty()).collect();
    let words = match &words[..] {
        [version, rest @ ..] if is_version(version) => rest,
        all => all,
    };
    let (words, own) = match words {
        ["libpod", rest @ ..] => (rest, true),
        all => (all, false),
    };
    let call = match method {
        "POST" => made(words, query),
        "DELETE" => removed(words, query),
        _ => None,
    };
    call.map(|call| call.with_names(if own { qualified } else { familiar }))
}

fn made(words: &[&str], query: Query) -> Option<Call> {
    let create = |kind| Call::Create {
        kind,
        name: query.get("name"),
    };
    match words {
        ["containers", "create"] => Some(create(ResourceKind::Container)),
        ["pods", "create"] => Some(create(ResourceKind::Pod)),
        ["networks", "create"] => Some(create(ResourceKind::Network)),
        ["volumes", "create"] => Some(create(ResourceKind::Volume)),
        ["build"] => {
            let names = query.all("t").map(|name| image(&name, ""));
            Some(Call::Build {
                names: names.collect(),
            })
        }
        ["images", .., "tag"] => query.image("repo", "tag").map(Call::Name),
        // Without a source it is a pull, and what is pulled stays.
        ["images", "create"] if !query.get("fromSrc").is_empty() => {
            query.image("repo", "tag").map(Call::Name)
        }
        ["images", "import"] => query.image("reference", "").map(Call::Name),
        ["images", "load"] => Some(Call::Load),
        ["commit"] => Some(Call::Commit {
            name: query.image("repo", "tag"),
        }),
        ["play", "kube"] | ["kube", "play"] => Some(Call::Play),
        _ => None,
    }
}

fn removed(words: &[&str], query: Query) -> Option<Call> {
    let (kind, id) = match words {
        ["containers", id] => (ResourceKind::Container, decoded(id)),
        ["pods", id] => (ResourceKind::Pod, decoded(id)),
        ["networks", id] => (ResourceKind::Network, decoded(id)),
        ["volumes", id] => (ResourceKind::Volume, decoded(id)),
        ["images", name @ ..] if !name.is_empty() => {
            (ResourceKind::Image, image(&decoded(&name.join("/")), ""))
        }
        _ => return None,
    };
    let with_volumes = ["1", "true", "True"].contains(&query.get("v").as_str());
    Some(Call::Remove {
        kind,
        id,
        with_volumes,
    })
}

/// `v1.41`, `v4.0.0`.
fn is_version(word: &str) -> bool {
    let numbers = word.strip_prefix('v').unwrap_or_default();
    !numbers.is_empty()
        && numbers
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// An image's name with its tag.
pub(super) fn image(name: &str, tag: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or(name);
    match tag {
        "" if last.contains([':', '@']) => name.to_owned(),
        "" => format!("{name}:latest"),
        tag => format!("{name}:{tag}"),
    }
}

/// The part behind the question mark.
#[derive(Clone, Copy)]
struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    fn all(self, key: &'a str) -> impl Iterator<Item = String> + 'a {
        let pairs = self.0.split('&').filter_map(|pair| pair.split_once('='));
        let of = pairs.filter(move |(name, _)| *name == key);
        of.map(|(_, value)| decoded(&value.replace('+', " ")))
            .filter(|value| !value.is_empty())
    }

    fn get(self, key: &'a str) -> String {
        self.all(key).next().unwrap_or_default()
    }

    fn image(self, name: &'a str, tag: &'a str) -> Option<String> {
        let name = Some(self.get(name)).filter(|name| !name.is_empty())?;
        Some(image(&name, &self.get(tag)))
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escape = match (first, after) {
            (b'%', [high, low, ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                digit(high).zip(digit(low))
            }
            _ => None,
        };
        let value = escape.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        bytes.push(value.unwrap_or(*first));
        rest = if value.is_some() {
            after.get(2..).unwrap_or_default()
        } else {
            after
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What the body of a creating request says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) name: String,
    /// Volumes that come into being with a container, where they are not there yet.
    pub(super) volumes: Vec<String>,
    /// It will carry the attempt's labels.
    pub(super) is_labelled: bool,
}

/// Reads the body of a creating request.
pub(super) fn wanted(body: &[u8], run: &RunId, attempt: AttemptId) -> Wanted {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |value: Option<&Value>| {
        let text = value.and_then(Value::as_str).unwrap_or_default();
        text.to_owned()
    };
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let host = body.get("HostConfig");
    let part = |key: &str| list(host.and_then(|host| host.get(key)));
    let binds = part("Binds").into_iter().filter_map(|bind| {
        let (source, _) = bind.as_str()?.split_once(':')?;
        Some(source.to_owned())
    });
    let mounts = part("Mounts").into_iter().filter_map(|mount| {
        let is_volume = mount.get("Type").and_then(Value::as_str) == Some("volume");
        is_volume.then(|| text(mount.get("Source")))
    });
    let own = list(body.get("volumes")).into_iter();
    let own = own.map(|volume| text(volume.get("Name")));
    let mut volumes: Vec<String> = binds
        .chain(mounts)
        .chain(own)
        .filter(|name| is_volume_name(name))
        .collect();
    volumes.dedup();
    let ours = labels::of(run, attempt);
    let carried = ["Labels", "labels"].iter().find_map(|key| body.get(key));
    let carries = |label: &String| {
        let (key, value) = label.split_once('=').unwrap_or_default();
        carried.and_then(|all| all.get(key)?.as_str()) == Some(value)
    };
    Wanted {
        name: text(["Name", "name"].iter().find_map(|key| body.get(key))),
        volumes,
        is_labelled: ours.iter().all(carries),
    }
}

/// The id that an answer tells of what was made; for a volume its name.
pub(super) fn made_id(kind: ResourceKind, body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let keys: &[&str] = match kind {
        ResourceKind::Volume => &["Name", "name"],
        ResourceKind::Container
        | ResourceKind::Pod
        | ResourceKind::Network
        | ResourceKind::Image
        | ResourceKind::Directory => &["Id", "ID", "id"],
    };
    let id = keys.iter().find_map(|key| body.get(key)?.as_str())?;
    Some(id.to_owned()).filter(|id| !id.is_empty())
}

/// The pods that an answer tells of.
pub(super) fn played(body: &[u8]) -> Vec<String> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let pods = body.get("Pods").and_then(Value::as_array);
    let ids = pods.into_iter().flatten();
    ids.filter_map(|pod| Some(pod.get("ID")?.as_str()?.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ResourceKind::{Container, Image, Network, Pod, Volume};

    #[track_caller]
    fn check(request: &str, expected: impl Into<Option<Call>>) {
        let (method, target) = request.split_once(' ').unwrap();
        assert_eq!(read(method, target), expected.into(), "{request}");
    }

    fn create(kind: ResourceKind, name: &str) -> Call {
        let name = name.to_owned();
        Call::Create { kind, name }
    }

    fn remove(kind: ResourceKind, id: &str, with_volumes: bool) -> Call {
        let id = id.to_owned();
        Call::Remove {
            kind,
            id,
            with_volumes,
        }
    }

    #[test]
    fn requests_that_make_something_are_known_on_both_interfaces() {
        check("POST /containers/create", create(Container, ""));
        check(
            "POST /v1.41/containers/create?platform=&name=a%2Bb",
            create(Container, "a+b"),
        );
        check(
            "POST /v4.3.1/libpod/containers/create",
            create(Container, ""),
        );
        check("POST /v4.3.1/libpod/pods/create", create(Pod, ""));
        check("POST /v1.41/networks/create", create(Network, ""));
        check("POST /v1.41/volumes/create", create(Volume, ""));
        let build = |names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            Call::Build { names }
        };
        check(
            "POST /v1.41/build?t=a%3A1&q=1&t=b/c",
            build(&["a:1", "b/c:latest"]),
        );
        check("POST /build", build(&[]));
        let name = |name: &str| Call::Name(name.to_owned());
        check("POST /v1.41/images/a/b:1/tag?repo=c/d&tag=2", name("c/d:2"));
        check(
            "POST /v1.41/images/a/tag?repo=host:5000/d",
            name("host:5000/d:latest"),
        );
        check("POST /images/create?fromSrc=-&repo=a&tag=1", name("a:1"));
        check(
            "POST /v4.0.0/libpod/images/import?reference=a",
            name("localhost/a:latest"),
        );
        check("POST /v1.41/images/load?quiet=1", Call::Load);
        let commit = |name: Option<&str>| {
            let name = name.map(str::to_owned);
            Call::Commit { name }
        };
        check("POST /commit?container=x&repo=a&tag=1", commit(Some("a:1")));
        check("POST /v4.0.0/libpod/commit?container=x", commit(None));
        check("POST /v4.0.0/libpod/play/kube?start=true", Call::Play);
    }

    #[test]
    fn requests_that_remove_something_are_known() {
        check(
            "DELETE /v1.41/containers/abc?force=1&v=1",
            remove(Container, "abc", true),
        );
        check("DELETE /containers/abc", remove(Container, "abc", false));
        check("DELETE /v1.41/networks/n", remove(Network, "n", false));
        check("DELETE /v1.41/volumes/v", remove(Volume, "v", false));
        check("DELETE /v1.41/images/a/b:1", remove(Image, "a/b:1", false));
        check("DELETE /v4.0.0/libpod/pods/p", remove(Pod, "p", false));
    }

    #[test]
    fn everything_else_makes_nothing() {
        for request in [
            "GET /v1.41/containers/create",
            "POST /v1.41/containers/abc/start",
            "POST /v1.41/images/create?fromImage=a&tag=1",
            "POST /v1.41/containers/prune",
            "POST /session",
            "POST /grpc",
            "HEAD /_ping",
            "DELETE /images/",
        ] {
            check(request, None);
        }
    }

    #[test]
    fn an_image_has_one_name_however_it_is_written() {
        let tag = |path: &str, repository: &str| read("POST", &format!("{path}?repo={repository}"));
        let name = |name: &str| Some(Call::Name(name.to_owned()));
        for (given, kept) in [
            ("docker.io/library/a", "a:latest"),
            ("docker.io/a/b", "a/b:latest"),
            ("localhost/a", "localhost/a:latest"),
        ] {
            assert_eq!(tag("/v1.41/images/x/tag", given), name(kept));
        }
        for (given, kept) in [
            ("a", "localhost/a:latest"),
            ("a/b", "localhost/a/b:latest"),
            ("quay.io/a", "quay.io/a:latest"),
            ("localhost/a", "localhost/a:latest"),
        ] {
            assert_eq!(tag("/v4.0.0/libpod/images/x/tag", given), name(kept));
        }
    }

    #[test]
    fn a_body_says_what_comes_along() {
        let (run, attempt) = ("r1".parse().unwrap(), "3.1.1".parse().unwrap());
        let read = |body: &str| wanted(body.as_bytes(), &run, attempt);
        let docker = read(
            r#"{"Labels":{"dev.shakedown.run":"r1","dev.shakedown.attempt":"3.1.1"},"HostConfig":{
            "Binds":["data:/x:ro","/host:/y","./rel:/z"],
            "Mounts":[{"Type":"volume","Source":"more"},{"Type":"bind","Source":"no"},{"Type":"volume"}]}}"#,
        );
        assert_eq!(docker.volumes, ["data", "more"]);
        assert!(docker.is_labelled);
        let podman = read(
            r#"{"name":"c","labels":{"dev.shakedown.run":"r1"},"volumes":[{"Name":"data","Dest":"/x"},{"Name":"","Dest":"/y"}]}"#,
        );
        assert_eq!((podman.name.as_str(), podman.is_labelled), ("c", false));
        assert_eq!(podman.volumes, ["data"]);
        assert_eq!(read("not json"), Wanted::default());
    }

    #[test]
    fn an_answer_says_what_was_made() {
        assert_eq!(made_id(Container, br#"{"Id":"abc"}"#).unwrap(), "abc");
        assert_eq!(
            made_id(Network, br#"{"id":"abc","name":"n"}"#).unwrap(),
            "abc"
        );
        assert_eq!(made_id(Volume, br#"{"Name":"v","Id":"x"}"#).unwrap(), "v");
        for nothing in ["", "{}", r#"{"Id":""}"#, r#"{"Id":"#] {
            assert_eq!(made_id(Container, nothing.as_bytes()), None);
        }
        assert_eq!(
            played(br#"{"Pods":[{"ID":"p1"},{"ID":"p2"}]}"#),
            ["p1", "p2"]
        );
    }
}
