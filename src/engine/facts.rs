//! What the clients' JSON says about an engine. Pure; a field that is missing is empty, never an error, for
//! the answers differ from version to version.

use serde_json::Value;

use crate::model::{EngineKind, Tool};

/// What the server's own answers tell, whichever client asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) version: String,
    pub(super) kind: EngineKind,
    pub(super) remote: bool,
    pub(super) rootless: bool,
    pub(super) storage_driver: String,
    pub(super) storage_root: String,
    pub(super) oci_runtime: Tool,
    pub(super) network_helper: Tool,
    /// Docker's own id; Podman makes up a new one for each call.
    pub(super) id: String,
    /// The path of the service's socket, where the server tells.
    pub(super) socket: String,
    /// Docker's context in force.
    pub(super) context: String,
}

fn text(value: &Value, pointer: &str) -> String {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_default().to_owned()
}

fn flag(value: &Value, pointer: &str) -> bool {
    value
        .pointer(pointer)
        .and_then(Value::as_bool)
        .unwrap_or_default()
}

fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// `runc version 1.1.5+ds1\ncommit: …` → `1.1.5+ds1`.
fn short_version(long: &str) -> String {
    let line = long.lines().next().unwrap_or_default();
    line.split_whitespace()
        .next_back()
        .unwrap_or_default()
        .to_owned()
}

/// `docker version` and `docker info` of a client that talks to a service.
pub(super) fn of_service(version: &Value, info: &Value) -> Server {
    let components = list(version, "/Server/Components");
    let named = |name: &str| components.iter().find(|c| text(c, "/Name") == name);
    let runtime = text(info, "/DefaultRuntime");
    let options = list(info, "/SecurityOptions").iter();
    Server {
        version: text(version, "/Server/Version"),
        kind: match named("Podman Engine") {
            Some(_) => EngineKind::Podman,
            None => EngineKind::Docker,
        },
        remote: true,
        rootless: options
            .filter_map(Value::as_str)
            .any(|o| o.contains("rootless")),
        storage_driver: text(info, "/Driver"),
        storage_root: text(info, "/DockerRootDir"),
        oci_runtime: Tool {
            version: named(&runtime)
                .map(|c| text(c, "/Version"))
                .unwrap_or_default(),
            path: text(info, &format!("/Runtimes/{runtime}/path")),
            name: runtime,
        },
        network_helper: Tool::default(),
        id: text(info, "/ID"),
        socket: String::new(),
        context: text(info, "/ClientInfo/Context"),
    }
}

/// `podman info`, local or through a service.
pub(super) fn of_podman(info: &Value) -> Server {
    let rootless = flag(info, "/host/security/rootless");
    Server {
        version: text(info, "/version/Version"),
        kind: EngineKind::Podman,
        remote: flag(info, "/host/serviceIsRemote"),
        rootless,
        storage_driver: text(info, "/store/graphDriverName"),
        storage_root: text(info, "/store/graphRoot"),
        oci_runtime: Tool {
            name: text(info, "/host/ociRuntime/name"),
            version: short_version(&text(info, "/host/ociRuntime/version")),
            path: text(info, "/host/ociRuntime/path"),
        },
        network_helper: network_helper(info, rootless),
        id: String::new(),
        socket: text(info, "/host/remoteSocket/path"),
        context: String::new(),
    }
}

/// What connects a container: rootless a user-mode helper, else the backend.
fn network_helper(info: &Value, rootless: bool) -> Tool {
    let user_mode = match text(info, "/host/rootlessNetworkCmd").as_str() {
        "pasta" => "pasta",
        _ => "slirp4netns",
    };
    let helper = format!("/host/{user_mode}");
    let path = text(info, &format!("{helper}/executable"));
    if rootless && !path.is_empty() {
        return Tool {
            name: user_mode.to_owned(),
            version: short_version(&text(info, &format!("{helper}/version"))),
            path,
        };
    }
    Tool {
        name: text(info, "/host/networkBackend"),
        version: short_version(&text(info, "/host/networkBackendInfo/version")),
        path: text(info, "/host/networkBackendInfo/path"),
    }
}

/// The version in a client's own `version` answer; local Podman's has no server.
pub(super) fn client_version(version: &Value) -> String {
    text(version, "/Client/Version")
}

/// The address of the connection that `podman system connection list` calls the default, or of the named one.
pub(super) fn connection(connections: &Value, name: Option<&str>) -> String {
    let all = list(connections, "");
    let wanted = |c: &&Value| match name {
        Some(name) => text(c, "/Name") == name,
        None => flag(c, "/Default"),
    };
    all.iter()
        .find(wanted)
        .map(|c| text(c, "/URI"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn docker_is_read_from_version_and_info() {
        let version = json!({"Client": {"Version": "28.2.2"}, "Server": {"Version": "20.10.24", "Components": [
            {"Name": "Engine", "Version": "20.10.24"}, {"Name": "runc", "Version": "1.1.5"}]}});
        let info = json!({"ID": "FLWZ:RVYA", "Driver": "overlay2", "DefaultRuntime": "runc", "DockerRootDir": "/var/lib/docker",
            "Runtimes": {"runc": {"path": "runc"}}, "SecurityOptions": ["name=seccomp,profile=default"],
            "ClientInfo": {"Context": "default"}});
        assert_eq!(client_version(&version), "28.2.2");
        let server = of_service(&version, &info);
        assert_eq!(
            (server.version.as_str(), server.id.as_str()),
            ("20.10.24", "FLWZ:RVYA")
        );
        assert_eq!(
            (server.kind, server.remote, server.rootless),
            (EngineKind::Docker, true, false)
        );
        assert_eq!(
            (
                server.oci_runtime.name.as_str(),
                server.oci_runtime.version.as_str()
            ),
            ("runc", "1.1.5")
        );
    }

    #[test]
    fn docker_that_reaches_podman_is_told_apart_by_a_component() {
        let version = json!({"Server": {"Version": "4.3.1", "Components": [{"Name": "Podman Engine", "Version": "4.3.1"}]}});
        let server = of_service(&version, &json!({"SecurityOptions": ["name=rootless"]}));
        assert_eq!((server.kind, server.rootless), (EngineKind::Podman, true));
    }

    #[test]
    fn podman_is_read_from_info() {
        let info = |rootless: bool, extra: &Value| {
            let mut info = json!({"host": {"networkBackend": "netavark", "serviceIsRemote": false,
                "ociRuntime": {"name": "runc", "path": "/usr/sbin/runc", "version": "runc version 1.1.5+ds1\ncommit: x"},
                "slirp4netns": {"executable": "/usr/bin/slirp4netns", "version": "slirp4netns version 1.2.0\ncommit: y"},
                "security": {"rootless": rootless}},
                "store": {"graphDriverName": "vfs", "graphRoot": "/g"}, "version": {"Version": "4.3.1"}});
            for (key, value) in extra.as_object().unwrap() {
                info["host"][key] = value.clone();
            }
            of_podman(&info)
        };
        let tool = |tool: &Tool| format!("{} {} {}", tool.name, tool.version, tool.path);
        let rootless = info(true, &json!({}));
        assert_eq!(tool(&rootless.oci_runtime), "runc 1.1.5+ds1 /usr/sbin/runc");
        assert_eq!(
            tool(&rootless.network_helper),
            "slirp4netns 1.2.0 /usr/bin/slirp4netns"
        );
        assert_eq!((rootless.rootless, rootless.remote), (true, false));
        assert_eq!(tool(&info(false, &json!({})).network_helper), "netavark  ");
        let new = json!({"rootlessNetworkCmd": "pasta", "pasta": {"executable": "/usr/bin/pasta", "version": "pasta 0.0~git\nmore"}});
        assert_eq!(
            tool(&info(true, &new).network_helper),
            "pasta 0.0~git /usr/bin/pasta"
        );
        let nothing = of_podman(&json!({}));
        assert_eq!((nothing.version.as_str(), nothing.remote), ("", false));
    }

    #[test]
    fn the_connection_is_the_named_one_or_the_default() {
        let all = json!([{"Name": "a", "URI": "ssh://a", "Default": false}, {"Name": "b", "URI": "ssh://b", "Default": true}]);
        assert_eq!(connection(&all, None), "ssh://b");
        assert_eq!(connection(&all, Some("a")), "ssh://a");
        assert_eq!(connection(&json!(null), None), "");
    }
}
