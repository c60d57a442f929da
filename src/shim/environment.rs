//! The environment that the real client gets. Pure.
//!
//! A script has a home of its own, often one that does not exist; the engine's storage, sockets and session live in
//! the user's. So the engine keeps the user's values, unless the script itself changed them.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use crate::model::EngineKind;

/// A list of variables.
pub type Variables = Vec<(OsString, OsString)>;

/// The environments that meet in a call of the engine.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// The harness's own.
    pub harness: &'a [(OsString, OsString)],
    /// The script's before its first line.
    pub initial: &'a [(OsString, OsString)],
    /// The script's now.
    pub current: &'a [(OsString, OsString)],
}

/// The attempt's copies of credentials, so that a `login` in a script does not edit the user's files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copies {
    /// For `DOCKER_CONFIG`.
    pub docker_config: Option<PathBuf>,
    /// For `REGISTRY_AUTH_FILE`.
    pub auth_file: Option<PathBuf>,
}

/// Where the engine's own things are. The harness's value holds, though scripts start with another one.
const HOMES: [&str; 8] = [
    "DBUS_SESSION_BUS_ADDRESS",
    "HOME",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_DIRS",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
];

/// Which engine, and how it works. The harness's value holds where a script starts without any; one that a script
/// starts with was put there on purpose.
const SETTINGS: [&str; 32] = [
    "ALL_PROXY",
    "BUILDAH_ISOLATION",
    "BUILDKIT_HOST",
    "BUILDX_BUILDER",
    "BUILDX_CONFIG",
    "CONTAINERS_CONF",
    "CONTAINERS_CONF_OVERRIDE",
    "CONTAINERS_REGISTRIES_CONF",
    "CONTAINERS_STORAGE_CONF",
    "CONTAINER_CONNECTION",
    "CONTAINER_HOST",
    "CONTAINER_SSHKEY",
    "DOCKER_API_VERSION",
    "DOCKER_BUILDKIT",
    "DOCKER_CERT_PATH",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_HOST",
    "DOCKER_TLS",
    "DOCKER_TLS_VERIFY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LD_LIBRARY_PATH",
    "NO_PROXY",
    "REGISTRY_AUTH_FILE",
    "SSH_AUTH_SOCK",
    "STORAGE_DRIVER",
    "STORAGE_OPTS",
    "_CONTAINERS_ROOTLESS_UID",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// The variables that a call of the engine runs under.
pub fn for_engine(sources: &Sources, copies: &Copies) -> Variables {
    let [harness, initial, current] = [sources.harness, sources.initial, sources.current].map(map);
    let mut result = current.clone();
    for name in HOMES.map(OsStr::new) {
        if current.get(name) == initial.get(name) {
            put(&mut result, name, harness.get(name).copied());
        }
    }
    for name in SETTINGS.map(OsStr::new) {
        if !current.contains_key(name) && !initial.contains_key(name) {
            put(&mut result, name, harness.get(name).copied());
        }
    }
    for (name, copy) in [
        ("DOCKER_CONFIG", &copies.docker_config),
        ("REGISTRY_AUTH_FILE", &copies.auth_file),
    ] {
        if let (true, Some(copy)) = (is_untouched(sources, name), copy) {
            result.insert(OsStr::new(name), copy.as_os_str());
        }
    }
    result
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// The script has not changed this variable.
pub fn is_untouched(sources: &Sources, name: &str) -> bool {
    map(sources.current).get(OsStr::new(name)) == map(sources.initial).get(OsStr::new(name))
}

/// Leads the client to this address, which stands in for the engine's own. Whoever set an address on purpose, in the
/// script or for it, keeps it.
pub fn lead_to(variables: &mut Variables, sources: &Sources, engine: EngineKind, address: &OsStr) {
    let (name, instead) = match engine {
        EngineKind::Docker => ("DOCKER_HOST", "DOCKER_CONTEXT"),
        EngineKind::Podman => ("CONTAINER_HOST", "CONTAINER_CONNECTION"),
    };
    let is_set = |name: &str| {
        let given = map(sources.initial).get(OsStr::new(name)).copied();
        given.is_some_and(|given| given != address) || !is_untouched(sources, name)
    };
    if is_set(name) || is_set(instead) {
        return;
    }
    variables.retain(|(known, _)| known != name && known != instead);
    variables.push((name.into(), address.to_owned()));
}

/// The script points this client at another engine than the run's; names the variable. A rootless Podman's store
/// moves with its user's directories.
pub fn leads_elsewhere(
    sources: &Sources,
    engine: EngineKind,
    rootless: bool,
) -> Option<&'static str> {
    let routes: &[&str] = match (engine, rootless) {
        (EngineKind::Docker, _) => &["DOCKER_CONTEXT", "DOCKER_HOST"],
        (EngineKind::Podman, false) => &PODMAN_ROUTES[2..],
        (EngineKind::Podman, true) => &PODMAN_ROUTES,
    };
    routes
        .iter()
        .copied()
        .find(|name| !is_untouched(sources, name))
}

const PODMAN_ROUTES: [&str; 6] = [
    "HOME",
    "XDG_DATA_HOME",
    "CONTAINERS_STORAGE_CONF",
    "CONTAINER_CONNECTION",
    "CONTAINER_HOST",
    "STORAGE_DRIVER",
];

type Map<'a> = BTreeMap<&'a OsStr, &'a OsStr>;

/// The last value of a name counts.
fn map(variables: &[(OsString, OsString)]) -> Map<'_> {
    variables
        .iter()
        .map(|(name, value)| (name.as_os_str(), value.as_os_str()))
        .collect()
}

fn put<'a>(result: &mut Map<'a>, name: &'static OsStr, value: Option<&'a OsStr>) {
    match value {
        Some(value) => result.insert(name, value),
        None => result.remove(name),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use EngineKind::{Docker, Podman};

    fn variables(text: &str) -> Variables {
        let pairs = text
            .split_whitespace()
            .map(|word| word.split_once('=').unwrap());
        pairs
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    }

    #[track_caller]
    fn check(harness: &str, initial: &str, current: &str, expected: &str) {
        let [harness, initial, current] = [harness, initial, current].map(variables);
        let sources = Sources {
            harness: &harness,
            initial: &initial,
            current: &current,
        };
        let copies = Copies {
            docker_config: Some("/copy/docker".into()),
            auth_file: None,
        };
        let show = |(name, value): &(OsString, OsString)| {
            format!("{}={}", name.display(), value.display())
        };
        let result: Vec<String> = for_engine(&sources, &copies).iter().map(show).collect();
        assert_eq!(result.join(" "), expected);
    }

    #[test]
    fn the_engine_keeps_its_home_unless_the_script_moves_it() {
        check(
            "HOME=/root",
            "HOME=/no-home",
            "HOME=/no-home",
            "DOCKER_CONFIG=/copy/docker HOME=/root",
        );
        check(
            "HOME=/root",
            "HOME=/no-home",
            "HOME=/mine",
            "DOCKER_CONFIG=/copy/docker HOME=/mine",
        );
        check(
            "",
            "HOME=/no-home",
            "HOME=/no-home",
            "DOCKER_CONFIG=/copy/docker",
        );
        check(
            "XDG_RUNTIME_DIR=/run/1",
            "",
            "",
            "DOCKER_CONFIG=/copy/docker XDG_RUNTIME_DIR=/run/1",
        );
    }

    #[test]
    fn the_engines_settings_come_from_the_harness_and_then_from_the_slot_and_the_script() {
        let copy = "DOCKER_CONFIG=/copy/docker";
        check(
            "DOCKER_HOST=unix://h",
            "",
            "",
            &format!("{copy} DOCKER_HOST=unix://h"),
        );
        check(
            "DOCKER_HOST=unix://h",
            "DOCKER_HOST=unix://proxy",
            "DOCKER_HOST=unix://proxy",
            &format!("{copy} DOCKER_HOST=unix://proxy"),
        );
        check(
            "DOCKER_HOST=unix://h",
            "",
            "DOCKER_HOST=tcp://s",
            &format!("{copy} DOCKER_HOST=tcp://s"),
        );
        check("DOCKER_HOST=unix://h", "DOCKER_HOST=unix://proxy", "", copy);
    }

    #[test]
    fn the_credentials_are_copies_unless_the_script_has_its_own() {
        check(
            "DOCKER_CONFIG=/root/d",
            "",
            "",
            "DOCKER_CONFIG=/copy/docker",
        );
        check(
            "DOCKER_CONFIG=/root/d",
            "",
            "DOCKER_CONFIG=/mine",
            "DOCKER_CONFIG=/mine",
        );
    }

    #[test]
    fn everything_else_is_the_scripts() {
        check(
            "A=1 B=2",
            "A=0",
            "A=3 C=4 PATH=/bin",
            "A=3 C=4 DOCKER_CONFIG=/copy/docker PATH=/bin",
        );
    }

    #[test]
    fn a_script_that_leaves_the_engine_is_noticed() {
        let route = |initial: &str, current: &str, engine, rootless| {
            let (initial, current) = (variables(initial), variables(current));
            let sources = Sources {
                harness: &[],
                initial: &initial,
                current: &current,
            };
            leads_elsewhere(&sources, engine, rootless)
        };
        let (same, other) = ("DOCKER_HOST=unix://proxy", "DOCKER_HOST=tcp://other");
        assert_eq!(route(same, same, Docker, true), None);
        assert_eq!(route(same, other, Docker, true), Some("DOCKER_HOST"));
        assert_eq!(route(same, "", Docker, false), Some("DOCKER_HOST"));
        assert_eq!(route(same, other, Podman, true), None);
        assert_eq!(
            route("", "CONTAINER_HOST=x", Podman, false),
            Some("CONTAINER_HOST")
        );
        assert_eq!(route("HOME=/a", "HOME=/b", Podman, false), None);
        assert_eq!(route("HOME=/a", "HOME=/b", Podman, true), Some("HOME"));
    }
}
