//! How container trials may share an engine: the policy table, as a pure function. Schedules nothing.

use crate::model::{EngineFacts, EngineKind, Policy};

/// A policy and why it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What holds.
    pub policy: Policy,
    /// Why, as a clause.
    pub reason: String,
}

/// A policy that somebody asked for, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// What was asked for.
    pub policy: Policy,
    /// `--policy`, `SHAKEDOWN_POLICY`, `harness.toml:4`.
    pub origin: String,
}

/// A policy that this engine does not bear.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("policy `{policy}` (from {origin}) is not allowed on {engine}: {why}; allowed: {allowed}")]
pub struct Refused {
    policy: Policy,
    origin: String,
    engine: &'static str,
    why: &'static str,
    allowed: String,
}

/// One row of the table.
struct Row {
    engine: &'static str,
    default: Policy,
    allowed: &'static [Policy],
    why: &'static str,
}

const DOCKER: Row = Row {
    engine: "Docker",
    default: Policy::Parallel,
    allowed: &[Policy::Serial, Policy::Gated, Policy::Parallel],
    why: "its daemon serves clients in parallel",
};

const LOCAL_PODMAN: Row = Row {
    engine: "local Podman",
    default: Policy::Serial,
    allowed: &[Policy::Serial, Policy::Gated, Policy::Parallel],
    why: "Podman's clients share locks, storage and network state without a daemon to order them",
};

const PODMAN_SOCKET: Row = Row {
    engine: "a Podman socket",
    default: Policy::Serial,
    allowed: &[Policy::Serial, Policy::Gated],
    why: "parallel creates in one Podman service race",
};

fn row(facts: &EngineFacts) -> &'static Row {
    match (facts.server, facts.remote) {
        (EngineKind::Docker, _) => &DOCKER,
        (EngineKind::Podman, false) => &LOCAL_PODMAN,
        (EngineKind::Podman, true) => &PODMAN_SOCKET,
    }
}

/// The policy in force for this engine.
pub fn decide(facts: &EngineFacts, wish: Option<&Wish>) -> Result<Decision, Refused> {
    let row = row(facts);
    let Some(Wish { policy, origin }) = wish else {
        return Ok(Decision {
            policy: row.default,
            reason: format!("the default for {}: {}", row.engine, row.why),
        });
    };
    if row.allowed.contains(policy) {
        return Ok(Decision {
            policy: *policy,
            reason: format!("from {origin}"),
        });
    }
    let allowed: Vec<String> = row.allowed.iter().map(ToString::to_string).collect();
    Err(Refused {
        policy: *policy,
        origin: origin.clone(),
        engine: row.engine,
        why: row.why,
        allowed: allowed.join(", "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Tool;

    fn facts(kind: EngineKind, server: EngineKind, remote: bool) -> EngineFacts {
        EngineFacts {
            kind,
            client: "/usr/bin/x".to_owned(),
            client_version: String::new(),
            version: String::new(),
            server,
            remote,
            rootless: false,
            storage_driver: String::new(),
            oci_runtime: Tool::default(),
            network_helper: Tool::default(),
            endpoint: String::new(),
            identity: String::new(),
            reason: String::new(),
        }
    }

    #[test]
    fn the_table_holds_for_every_engine_and_every_wish() {
        use EngineKind::{Docker, Podman};
        use Policy::{Gated, Parallel, Serial};
        let cases = [
            (Docker, Docker, true, Parallel, [true, true, true]),
            (Podman, Podman, false, Serial, [true, true, true]),
            (Podman, Podman, true, Serial, [true, true, false]),
            (Docker, Podman, true, Serial, [true, true, false]),
            (Docker, Podman, false, Serial, [true, true, true]),
        ];
        for (kind, server, remote, default, allowed) in cases {
            let facts = facts(kind, server, remote);
            assert_eq!(decide(&facts, None).unwrap().policy, default, "{facts:?}");
            for (policy, allowed) in [Serial, Gated, Parallel].into_iter().zip(allowed) {
                let origin = "--policy".to_owned();
                let answer = decide(&facts, Some(&Wish { policy, origin }));
                assert_eq!(answer.is_ok(), allowed, "{policy} for {facts:?}");
            }
        }
    }

    #[test]
    fn a_refusal_says_who_asked_why_not_and_what_else() {
        let wish = Wish {
            policy: Policy::Parallel,
            origin: "harness.toml:4".to_owned(),
        };
        let facts = facts(EngineKind::Docker, EngineKind::Podman, true);
        assert_eq!(
            decide(&facts, Some(&wish)).unwrap_err().to_string(),
            "policy `parallel` (from harness.toml:4) is not allowed on a Podman socket: \
             parallel creates in one Podman service race; allowed: serial, gated"
        );
    }
}
