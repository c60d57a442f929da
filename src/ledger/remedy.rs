//! The command lines that remove things: for ourselves, and for a person to paste. Pure.
//!
//! Never `-f` on networks, volumes and images: Podman would delete other people's containers with them. Never
//! `prune`, never `-a`.

use std::path::Path;

use crate::engine::client::Client;
use crate::model::{EngineKind, Leftover, Resource, ResourceKind};

/// A directory that could not be removed. Files of sub-uids, made by rootless Podman, are removed from inside its
/// user namespace.
pub fn directory_left(path: &Path, why: String, rootless: bool) -> Leftover {
    let id = path.display().to_string();
    let remedy = if rootless {
        format!("podman unshare rm -rf {id}")
    } else {
        format!("sudo rm -rf {id}")
    };
    Leftover {
        resource: Resource {
            kind: ResourceKind::Directory,
            id,
            name: String::new(),
        },
        why,
        remedy,
    }
}

/// The words before the ids. Empty for what no engine keeps.
pub(super) fn words(client: &Client, kind: ResourceKind) -> &'static [&'static str] {
    match (kind, client.dialect()) {
        (ResourceKind::Container, EngineKind::Docker) => &["rm", "-f", "-v"],
        // Without `-t 0` Podman waits ten seconds; without `--ignore` one missing id keeps it from removing the rest.
        (ResourceKind::Container, EngineKind::Podman) => &["rm", "-f", "-v", "-t", "0", "--ignore"],
        (ResourceKind::Pod, _) => &["pod", "rm", "-f", "-t", "0", "--ignore"],
        (ResourceKind::Network, _) => &["network", "rm"],
        (ResourceKind::Volume, _) => &["volume", "rm"],
        (ResourceKind::Image, _) => &["rmi"],
        (ResourceKind::Directory, _) => &[],
    }
}

/// The command that a person types to remove one thing.
pub(super) fn command(client: &Client, kind: ResourceKind, id: &str) -> String {
    format!(
        "{} {} {id}",
        client.command(),
        words(client, kind).join(" ")
    )
}

/// The command that a person types to see what carries our labels.
pub(super) fn list_command(client: &Client, kind: ResourceKind, labels: &[String; 2]) -> String {
    let noun = match kind {
        ResourceKind::Container => "ps -a",
        ResourceKind::Pod => "pod ps",
        ResourceKind::Network => "network ls",
        ResourceKind::Volume => "volume ls",
        ResourceKind::Image | ResourceKind::Directory => "images",
    };
    let [run, attempt] = labels;
    format!(
        "{} {noun} --filter label={run} --filter label={attempt}",
        client.command()
    )
}
