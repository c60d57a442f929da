//! Which engine a run uses: the one that was asked for, else the first healthy one. Bounded as a whole.
//!
//! An engine that was asked for and fails is not replaced by the other one: a run on the wrong engine
//! proves nothing.

use std::ffi::OsString;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::probe::Probe;
use crate::host::process::Runner;
use crate::model::{EngineFacts, EngineKind};

/// An engine that somebody asked for, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Which.
    pub kind: EngineKind,
    /// `--engine`, `SHAKEDOWN_ENGINE`, `harness.toml`.
    pub origin: String,
}

/// What came of looking for an engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detection {
    /// The engine of this run.
    pub selected: Option<EngineFacts>,
    /// One clause for each engine that was tried and cannot be used: ``docker: no `docker` in PATH``.
    pub tried: Vec<String>,
}

/// A limit for one call of a client that a healthy engine on a loaded machine keeps.
pub const CALL_LIMIT: Duration = Duration::from_secs(10);

/// Looks for an engine. `environment` is the harness's own; `limit` bounds each call of a client
/// (at most four for each engine).
pub fn detect(
    choice: Option<&Choice>,
    environment: &[(OsString, OsString)],
    runner: &mut dyn Runner,
    limit: Duration,
) -> Detection {
    let (kinds, reason) = match choice {
        Some(Choice { kind, origin }) => (vec![*kind], format!("chosen by {origin}")),
        None => (EngineKind::ALL.to_vec(), "the first healthy one".to_owned()),
    };
    let mut probe = Probe {
        environment,
        runner,
        limit,
    };
    let mut tried = Vec::new();
    for kind in kinds {
        match probe.ask(kind, &reason) {
            Ok(facts) => {
                return Detection {
                    selected: Some(facts),
                    tried,
                };
            }
            Err(trouble) => tried.push(format!("{kind}: {trouble}")),
        }
    }
    Detection {
        selected: None,
        tried,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fake;
    use crate::host::process::Bounded;

    const DOCKER_VERSION: &str =
        r#"{"Client":{"Version":"28.2.2"},"Server":{"Version":"20.10.24","Components":[]}}"#;
    const DOCKER_INFO: &str = r#"{"ID":"AAAA:BBBB","Driver":"overlay2","DefaultRuntime":"runc"}"#;
    const PODMAN_INFO: &str = r#"{"host":{"security":{"rootless":true},"serviceIsRemote":false},"store":{"graphRoot":"/g"},"version":{"Version":"4.3.1"}}"#;

    fn healthy_docker() -> String {
        format!(
            "case $1 in version) echo '{DOCKER_VERSION}';; info) echo '{DOCKER_INFO}';; ps) ;; *) exit 9;; esac"
        )
    }

    fn healthy_podman() -> String {
        format!("case $1 in info) echo '{PODMAN_INFO}';; ps) ;; *) exit 9;; esac")
    }

    /// Fake clients: the faults below cannot be had from a real engine on demand.
    fn with_fakes(fakes: &[(&str, &str)], choice: Option<EngineKind>) -> Detection {
        let place = tempfile::tempdir().unwrap();
        for (name, body) in fakes {
            fake::client(place.path(), name, body);
        }
        let environment = vec![("PATH".into(), place.path().into())];
        let origin = "--engine".to_owned();
        let choice = choice.map(|kind| Choice { kind, origin });
        detect(
            choice.as_ref(),
            &environment,
            &mut Bounded,
            Duration::from_millis(1500),
        )
    }

    #[track_caller]
    fn check(fakes: &[(&str, &str)], choice: Option<EngineKind>, selected: &str, tried: &[&str]) {
        let detection = with_fakes(fakes, choice);
        let title = detection
            .selected
            .map(|f| format!("{}, {}, {}", f.title(), f.identity, f.reason));
        assert_eq!(
            (title.unwrap_or_default().as_str(), detection.tried),
            (selected, tried.iter().map(ToString::to_string).collect())
        );
    }

    #[test]
    fn the_first_healthy_engine_is_selected_and_the_sick_one_is_named() {
        let docker = "docker 20.10.24, docker:AAAA:BBBB, the first healthy one";
        check(&[("docker", &healthy_docker())], None, docker, &[]);
        let podman = format!(
            "podman 4.3.1 rootless, podman:uid:{}, the first healthy one",
            crate::host::process::user()
        );
        check(
            &[("podman", &healthy_podman())],
            None,
            &podman,
            &["docker: no `docker` in PATH"],
        );
        let dead = "echo 'Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?' >&2; exit 1";
        let clause = "docker: its daemon cannot be reached: Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?";
        check(
            &[("docker", dead), ("podman", &healthy_podman())],
            None,
            &podman,
            &[clause],
        );
    }

    #[test]
    fn an_explicit_choice_is_never_replaced() {
        let both = [("docker", "exit 1"), ("podman", &healthy_podman())];
        let clause = "docker: `docker version` failed with exit code 1: it said nothing";
        check(&both, Some(EngineKind::Docker), "", &[clause]);
        let podman = format!(
            "podman 4.3.1 rootless, podman:uid:{}, chosen by --engine",
            crate::host::process::user()
        );
        check(&both, Some(EngineKind::Podman), &podman, &[]);
    }

    #[test]
    fn every_fault_has_its_clause() {
        use EngineKind::{Docker, Podman};
        check(
            &[],
            None,
            "",
            &["docker: no `docker` in PATH", "podman: no `podman` in PATH"],
        );
        let one = |kind: EngineKind, body: &str, clause: &str| {
            check(&[(kind.command(), body)], Some(kind), "", &[clause]);
        };
        one(
            Docker,
            "exec /bin/sleep 60",
            "docker: `docker version` gave no answer within 1.5s",
        );
        one(
            Docker,
            "kill -11 $$",
            "docker: `docker version` was killed by signal 11",
        );
        one(
            Docker,
            "echo ready",
            "docker: `docker version` did not answer in JSON: ready",
        );
        let denied =
            "permission denied while trying to connect to the Docker daemon socket at unix:///x";
        one(
            Docker,
            &format!("echo '{denied}' >&2; exit 1"),
            &format!("docker: no permission to use its socket: {denied}"),
        );
        let wedged = healthy_docker().replace("ps) ;;", "ps) exec /bin/sleep 60;;");
        one(
            Docker,
            &wedged,
            "docker: `docker ps -a -q` gave no answer within 1.5s",
        );
        one(
            Podman,
            "echo 'Error: cannot resolve /no-home: lstat /no-home: no such file or directory' >&2; exit 1",
            "podman: `podman info` failed with exit code 1: Error: cannot resolve /no-home: lstat /no-home: no such file or directory",
        );
        one(
            Podman,
            "#!/nowhere\n",
            "podman: `podman info` did not answer in JSON: it said nothing",
        );
    }

    #[test]
    fn docker_that_is_podman_is_known_by_its_answers() {
        let version =
            DOCKER_VERSION.replace("[]", r#"[{"Name":"Podman Engine","Version":"4.3.1"}]"#);
        let body =
            format!("case $1 in version) echo '{version}';; info) echo '{DOCKER_INFO}';; esac");
        let facts = with_fakes(&[("docker", &body)], None).selected.unwrap();
        assert_eq!(
            (facts.kind, facts.server, facts.remote),
            (EngineKind::Docker, EngineKind::Podman, true)
        );

        let emulated = format!(
            r#"case $1 in version) echo '{{"Client":{{"Version":"4.3.1"}}}}';; info) echo '{PODMAN_INFO}';; esac"#
        );
        let facts = with_fakes(&[("docker", &emulated)], None).selected.unwrap();
        assert_eq!(
            (facts.kind, facts.server, facts.remote),
            (EngineKind::Docker, EngineKind::Podman, false)
        );
        assert_eq!(facts.title(), "docker 4.3.1 rootless");
    }

    #[test]
    fn podman_behind_a_service_is_remote_and_keyed_by_its_address() {
        let info = PODMAN_INFO.replace(r#""serviceIsRemote":false"#, r#""serviceIsRemote":true"#);
        let connections = r#"[{"Name":"vm","URI":"ssh://core@vm/run/podman.sock","Default":true}]"#;
        let body = format!(
            r#"case $1 in info) echo '{info}';; version) echo '{{"Client":{{"Version":"5.0.0"}}}}';; system) echo '{connections}';; esac"#
        );
        let facts = with_fakes(&[("podman", &body)], None).selected.unwrap();
        assert!(facts.remote);
        assert_eq!(facts.client_version, "5.0.0");
        assert_eq!(facts.identity, "podman:ssh://core@vm/run/podman.sock:/g");
    }
}
