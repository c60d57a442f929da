//! The container engine as facts: which one, which version, run by whom; and the words for scheduling it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Docker or Podman: the name of the client that scripts run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// `docker`
    Docker,
    /// `podman`
    Podman,
}

impl EngineKind {
    /// Both, in the order in which they are tried.
    pub const ALL: [EngineKind; 2] = [EngineKind::Docker, EngineKind::Podman];

    /// The name of the client program.
    pub fn command(self) -> &'static str {
        match self {
            EngineKind::Docker => "docker",
            EngineKind::Podman => "podman",
        }
    }
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.command())
    }
}

impl FromStr for EngineKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        EngineKind::ALL
            .into_iter()
            .find(|kind| kind.command() == text)
            .ok_or_else(|| format!("expected `docker` or `podman`, found `{text}`"))
    }
}

/// A program the engine leans on: its name, version and path as far as the engine tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// `runc`, `crun`, `pasta`, …; empty when the engine does not tell.
    pub name: String,
    /// The version, empty when unknown.
    pub version: String,
    /// The path, empty when unknown.
    pub path: String,
}

/// What was learnt of the selected engine, once per run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineFacts {
    /// The client that scripts call.
    pub kind: EngineKind,
    /// The real client's absolute path.
    pub client: String,
    /// The client's version.
    pub client_version: String,
    /// The server's version (Podman without a server: the client's).
    pub version: String,
    /// What serves it, whatever the client is called: `docker` may be Podman.
    pub server: EngineKind,
    /// The client talks to a service: any Docker, a Podman socket, a Podman machine.
    pub remote: bool,
    /// The engine runs without root.
    pub rootless: bool,
    /// `overlay2`, `vfs`, …
    pub storage_driver: String,
    /// Where it stores images and containers, on its machine; empty when it does not tell.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub storage_root: String,
    /// The OCI runtime.
    pub oci_runtime: Tool,
    /// `netavark`, `slirp4netns`, `pasta`; empty for Docker.
    pub network_helper: Tool,
    /// The address of the service, or empty.
    pub endpoint: String,
    /// Equal for two clients exactly when they reach the same engine; keys the lock. What is made there is in its
    /// store, of which one engine may have several.
    pub identity: String,
    /// Why this engine was selected, as a clause: `chosen by --engine`, `the first healthy one`.
    pub reason: String,
}

impl EngineFacts {
    /// The path of the unix socket that every client of the engine talks to; `None` for an engine without a service,
    /// and for one that is reached over a network.
    pub fn socket(&self) -> Option<&str> {
        let path = self.endpoint.strip_prefix("unix://")?;
        Some(path).filter(|path| self.remote && path.starts_with('/'))
    }

    /// Equal for two clients exactly when each sees what the other makes; whoever removes or misses something must look
    /// into the store where it was made. One user's Podman has as many as there are storage roots, and daemons of
    /// Docker 20.10 that share a machine share an id.
    pub fn store(&self) -> String {
        let parts = [&self.identity, &self.storage_driver, &self.storage_root];
        let told = parts.into_iter().filter(|part| !part.is_empty());
        told.map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    /// `docker 20.10.24`, `podman 4.3.1 rootless`.
    pub fn title(&self) -> String {
        let rootless = if self.rootless { " rootless" } else { "" };
        format!("{} {}{rootless}", self.kind, self.version)
    }
}

/// How container trials share the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// One container trial at a time.
    Serial,
    /// Trials overlap, container starts do not.
    Gated,
    /// Trials overlap.
    Parallel,
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Policy::Serial => "serial",
            Policy::Gated => "gated",
            Policy::Parallel => "parallel",
        })
    }
}

impl FromStr for Policy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Policy::Serial, Policy::Gated, Policy::Parallel]
            .into_iter()
            .find(|policy| policy.to_string() == text)
            .ok_or_else(|| format!("expected `serial`, `gated` or `parallel`, found `{text}`"))
    }
}

/// A set of trials scheduled under one policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lane {
    /// Trials that drive the engine.
    Container,
    /// Trials that do not.
    Plain,
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Lane::Container => "container",
            Lane::Plain => "plain",
        })
    }
}

impl FromStr for Lane {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "container" => Ok(Lane::Container),
            "plain" => Ok(Lane::Plain),
            other => Err(format!("expected `container` or `plain`, found `{other}`")),
        }
    }
}
