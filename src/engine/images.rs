//! Images as a run needs them before its first container: pulled, and known by their content. Retries nothing, and says
//! what is worth it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::client::Client;
use super::trouble::{Trouble, expect_success};
use super::{api, container};
use crate::host::process::Runner;
use crate::model::ResourceKind;

/// The id of each image that is there: the digest of its configuration, the same on both engines.
pub fn digests(
    client: &Client,
    runner: &mut dyn Runner,
    images: &[String],
    limit: Duration,
) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for image in images {
        let completed = client.call(
            runner,
            &["image", "inspect", "--format", "{{.Id}}", image],
            limit,
        );
        let id = String::from_utf8_lossy(&completed.stdout).trim().to_owned();
        if completed.succeeded() && !id.is_empty() {
            let id = id.strip_prefix("sha256:").unwrap_or(&id);
            found.insert(image.clone(), format!("sha256:{id}"));
        }
    }
    found
}

/// Whether an image has a name, and when it was made, since 1970; `None` when that cannot be told.
pub fn birth(
    client: &Client,
    runner: &mut dyn Runner,
    image: &str,
    limit: Duration,
) -> Option<(bool, Duration)> {
    if let Some((mut api, _)) = client.api() {
        let image = api::thing(&mut api, ResourceKind::Image, image, limit)?;
        return Some((!image.tags.is_empty(), image.created?));
    }
    let format = "{\"names\":{{json .RepoTags}},\"made\":{{json .Created}}}";
    let completed = client.call(
        runner,
        &["image", "inspect", "--format", format, image],
        limit,
    );
    let facts: Value = serde_json::from_slice(&completed.stdout).ok()?;
    let names = facts.get("names")?;
    let has_names = names.as_array().is_some_and(|names| !names.is_empty());
    let made = container::since_1970(facts.get("made")?.as_str()?)?;
    completed.succeeded().then_some((has_names, made))
}

/// Pulls an image; an image that is there already is brought up to date.
pub fn pull(
    client: &Client,
    runner: &mut dyn Runner,
    image: &str,
    limit: Duration,
) -> Result<(), Trouble> {
    let completed = client.call(runner, &["pull", "--quiet", image], limit);
    let command = format!("{} pull {image}", client.command());
    expect_success(&command, client.program(), completed, limit).map(drop)
}

/// The words of a registry, or of the way to it, that may be gone a moment later. A quota is not among them: it lasts
/// for hours, and more pulls only spend it.
const PASSING: [&str; 14] = [
    "received unexpected http status: 5",
    "500 internal server error",
    "502 bad gateway",
    "503 service unavailable",
    "504 gateway time",
    "tls handshake timeout",
    "request canceled while waiting for connection",
    "connection reset by peer",
    "connection refused",
    "connection timed out",
    "i/o timeout",
    "temporary failure in name resolution",
    "server misbehaving",
    "network is unreachable",
];

/// Whether a pull that failed so may succeed when it is tried again.
pub fn may_pass(trouble: &Trouble) -> bool {
    match trouble {
        Trouble::Failed { said, .. } | Trouble::Unreachable { said } => {
            let said = said.to_lowercase();
            PASSING.iter().any(|words| said.contains(words))
        }
        Trouble::Missing { .. }
        | Trouble::NotStarted { .. }
        | Trouble::Silent { .. }
        | Trouble::Killed { .. }
        | Trouble::NoPermission { .. }
        | Trouble::Unreadable { .. } => false,
    }
}

/// Every image id in the engine, without `sha256:`, or why they cannot be told.
pub fn ids(
    client: &Client,
    runner: &mut dyn Runner,
    limit: Duration,
) -> Result<BTreeSet<String>, Trouble> {
    if let Some((mut api, _)) = client.api()
        && let Some(found) = api::images(&mut api, limit)
    {
        let ids = found.iter().filter_map(|id| id.strip_prefix("sha256:"));
        return Ok(ids.map(str::to_owned).collect());
    }
    let completed = client.call(runner, &["images", "-a", "-q", "--no-trunc"], limit);
    let command = format!("{} images", client.command());
    let stdout = expect_success(&command, client.program(), completed, limit)?;
    let text = String::from_utf8_lossy(&stdout);
    let lines = text
        .lines()
        .map(|line| line.trim().trim_start_matches("sha256:").to_owned());
    Ok(lines.filter(|id| !id.is_empty()).collect())
}
