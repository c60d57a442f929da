//! The lines that name the engine and the policy, and why they were chosen.

use super::Block;
use crate::model::{EngineFacts, EngineKind, EngineState, Tool};
use crate::report::paint::one_line;

pub(super) fn header(state: &EngineState, mut block: Block) -> String {
    match state {
        EngineState::Selected {
            facts,
            policy,
            reason,
            ..
        } => {
            block.line("engine", &format!("{}, {}", describe(facts), facts.reason));
            let details = details(facts);
            if !details.is_empty() {
                block.line("", &details);
            }
            block.line("policy", &format!("{policy}, {reason}"));
        }
        EngineState::Missing { why } => {
            block.line("engine", "none: the container lane is left out");
            for why in why {
                block.line("", &one_line(why));
            }
        }
    }
    block.text()
}

/// `docker 20.10.24`, `docker served by podman 4.3.1 rootless, behind a socket`.
fn describe(facts: &EngineFacts) -> String {
    let mut text = facts.title();
    if facts.server != facts.kind {
        let rootless = if facts.rootless { " rootless" } else { "" };
        text = format!(
            "{} served by {} {}{rootless}",
            facts.kind, facts.server, facts.version
        );
    }
    if facts.client_version != facts.version && !facts.client_version.is_empty() {
        text = format!("{text} (client {})", facts.client_version);
    }
    match (facts.server, facts.remote) {
        (EngineKind::Podman, true) => text + " behind a socket",
        (EngineKind::Podman | EngineKind::Docker, _) => text,
    }
}

fn details(facts: &EngineFacts) -> String {
    let mut parts = Vec::new();
    if !facts.storage_driver.is_empty() {
        parts.push(format!("storage {}", facts.storage_driver));
    }
    for (what, tool) in [
        ("runtime", &facts.oci_runtime),
        ("network", &facts.network_helper),
    ] {
        if !tool.name.is_empty() {
            parts.push(format!("{what} {}", named(tool)));
        }
    }
    if !facts.endpoint.is_empty() {
        parts.push(format!("at {}", facts.endpoint));
    }
    parts.join(", ")
}

fn named(tool: &Tool) -> String {
    if tool.version.is_empty() {
        return tool.name.clone();
    }
    format!("{} {}", tool.name, tool.version)
}
