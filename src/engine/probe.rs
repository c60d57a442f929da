//! Asks one engine who it is and whether it works, in few bounded calls. Selects nothing.

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use serde_json::Value;

use super::client::Client;
use super::facts::{self, Server};
use super::presence;
use super::trouble::{Trouble, essence, expect_success};
use crate::host::process::{Runner, user, variable};
use crate::model::{EngineFacts, EngineKind};

/// The means of asking.
pub(super) struct Probe<'a> {
    pub(super) environment: &'a [(OsString, OsString)],
    pub(super) runner: &'a mut dyn Runner,
    /// For each call.
    pub(super) limit: Duration,
}

impl Probe<'_> {
    /// The engine's facts if it is healthy. `reason` says why it was asked.
    pub(super) fn ask(&mut self, kind: EngineKind, reason: &str) -> Result<EngineFacts, Trouble> {
        let program = presence::client(kind, self.environment);
        let program = program.ok_or(Trouble::Missing {
            program: kind.command(),
        })?;
        let client = Client::named(kind, program, self.environment.to_vec());
        let (client_version, server) = match kind {
            EngineKind::Docker => self.docker(&client)?,
            EngineKind::Podman => self.podman(&client)?,
        };
        // A wedged container lock shows only where containers are listed: `version` and `info` may still answer.
        self.call(&client, &["ps", "-a", "-q"])?;
        let endpoint = self.endpoint(&client, &server);
        Ok(EngineFacts {
            kind,
            client: client.program().to_string_lossy().into_owned(),
            client_version,
            identity: identity(&server, &endpoint),
            server: server.kind,
            version: server.version,
            remote: server.remote,
            // Podman does not tell Docker's client; the owner of its socket does.
            rootless: server.rootless
                || (server.kind == EngineKind::Podman
                    && socket_owner(&endpoint).is_some_and(|uid| uid != 0)),
            storage_driver: server.storage_driver,
            storage_root: server.storage_root,
            oci_runtime: server.oci_runtime,
            network_helper: server.network_helper,
            endpoint,
            reason: reason.to_owned(),
        })
    }

    fn docker(&mut self, client: &Client) -> Result<(String, Server), Trouble> {
        // `--format json` is younger than many clients.
        let version = self.json(client, &["version", "--format", "{{json .}}"])?;
        let info = self.json(client, &["info", "--format", "{{json .}}"])?;
        let client_version = facts::client_version(&version);
        let has_server = version.get("Server").is_some_and(Value::is_object);
        // Only Podman under the name of `docker` succeeds without a server.
        let server = if has_server {
            facts::of_service(&version, &info)
        } else {
            facts::of_podman(&info)
        };
        Ok((client_version, server))
    }

    fn podman(&mut self, client: &Client) -> Result<(String, Server), Trouble> {
        let server = facts::of_podman(&self.json(client, &["info", "--format", "json"])?);
        if !server.remote {
            return Ok((server.version.clone(), server));
        }
        let version = self.json(client, &["version", "--format", "{{json .}}"])?;
        Ok((facts::client_version(&version), server))
    }

    /// Where the service listens. What cannot be learnt is left empty: it keys nothing that Docker's id does not.
    fn endpoint(&mut self, client: &Client, server: &Server) -> String {
        if !server.remote {
            return String::new();
        }
        let set = |name: &str| {
            let value = variable(self.environment, name)?
                .to_string_lossy()
                .into_owned();
            Some(value).filter(|value| !value.is_empty())
        };
        match client.dialect() {
            EngineKind::Docker => match (set("DOCKER_HOST"), server.context.as_str()) {
                (Some(host), _) => host,
                (None, "" | "default") => "unix:///var/run/docker.sock".to_owned(),
                (None, _) => self.context_host(client),
            },
            EngineKind::Podman => match (set("CONTAINER_HOST"), set("CONTAINER_CONNECTION")) {
                (Some(host), _) => host,
                (None, name) => self.connection_address(client, name.as_deref(), &server.socket),
            },
        }
    }

    fn context_host(&mut self, client: &Client) -> String {
        let format = "{{.Endpoints.docker.Host}}";
        let answer = self.call(client, &["context", "inspect", "--format", format]);
        let line = answer.unwrap_or_default();
        String::from_utf8_lossy(&line).trim().to_owned()
    }

    fn connection_address(&mut self, client: &Client, name: Option<&str>, socket: &str) -> String {
        let answer = self.json(
            client,
            &["system", "connection", "list", "--format", "json"],
        );
        let found = answer
            .map(|all| facts::connection(&all, name))
            .unwrap_or_default();
        match (found.is_empty(), socket.starts_with('/')) {
            (false, _) => found,
            (true, true) => format!("unix://{socket}"),
            (true, false) => socket.to_owned(),
        }
    }

    fn json(&mut self, client: &Client, arguments: &[&str]) -> Result<Value, Trouble> {
        let stdout = self.call(client, arguments)?;
        serde_json::from_slice(&stdout).map_err(|_| Trouble::Unreadable {
            command: typed(client, arguments),
            said: essence(&stdout),
        })
    }

    fn call(&mut self, client: &Client, arguments: &[&str]) -> Result<Vec<u8>, Trouble> {
        let completed = client.call(self.runner, arguments, self.limit);
        let command = typed(client, arguments);
        expect_success(&command, client.program(), completed, self.limit)
    }
}

/// The call as a person would type it; formats are noise to a reader.
fn typed(client: &Client, arguments: &[&str]) -> String {
    let words = arguments.iter().take_while(|word| **word != "--format");
    let words: Vec<&str> = [client.command()]
        .into_iter()
        .chain(words.copied())
        .collect();
    words.join(" ")
}

/// Equal for two clients when they reach the same engine.
///
/// Local Podman is keyed by its user alone: all stores of one user share libpod's locks, so for
/// scheduling they are one engine. A service on a unix socket is the engine of the socket's owner.
fn identity(server: &Server, endpoint: &str) -> String {
    if server.kind == EngineKind::Docker {
        let id = if server.id.is_empty() {
            endpoint
        } else {
            &server.id
        };
        return format!("docker:{id}");
    }
    if !server.remote {
        return format!("podman:uid:{}", user());
    }
    match socket_owner(endpoint) {
        Some(uid) => format!("podman:uid:{uid}"),
        None => format!("podman:{endpoint}:{}", server.storage_root),
    }
}

fn socket_owner(endpoint: &str) -> Option<u32> {
    let path = endpoint.strip_prefix("unix://")?;
    std::fs::metadata(path).ok().map(|facts| facts.uid())
}
