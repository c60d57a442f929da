//! Images that a suite names, from a registry on this machine: Debian's `docker-registry` on the loopback address, where
//! Docker speaks to a registry without TLS. Without that package the tests are skipped, and say so.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::engines::{BASE, Engine};
use super::project::{Project, eventually, package};

/// As `scripts/engines registry` unpacked it, or as it is installed.
fn program() -> PathBuf {
    let unpacked = package().join(".shakedown/engines/registry/usr/bin/docker-registry");
    if unpacked.exists() {
        unpacked
    } else {
        PathBuf::from("docker-registry")
    }
}

/// A registry of its own, with nothing in it.
struct Registry {
    child: Child,
    address: SocketAddr,
    _storage: TempDir,
}

impl Registry {
    fn start() -> Option<Registry> {
        // It is free now; the registry says at once when somebody else took it in between.
        let address = TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?;
        let storage = tempfile::tempdir().unwrap();
        let config = format!(
            "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {address}\n",
            storage.path().join("data").display()
        );
        let file = storage.path().join("config.yml");
        fs::write(&file, config).unwrap();
        let started = Command::new(program())
            .arg("serve")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(child) = started else {
            let set =
                |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
            let required = set("CI", "true") || set("SHAKEDOWN_REQUIRE_ENGINES", "1");
            assert!(!required, "docker-registry is required");
            eprintln!("SKIPPED: no docker-registry; `scripts/engines registry` gets one");
            return None;
        };
        let registry = Registry {
            child,
            address,
            _storage: storage,
        };
        eventually("the registry listens", || TcpStream::connect(address).ok());
        Some(registry)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A name for the base image in a registry, gone from the engine when dropped.
struct Pushed(String);

impl Pushed {
    fn to(registry: &Registry) -> Pushed {
        let pushed = Pushed(format!("{}/shakedown/pulled:1", registry.address));
        Engine::Docker.lines(&["tag", BASE, &pushed.0]);
        Engine::Docker.lines(&["push", "--quiet", &pushed.0]);
        Engine::Docker.lines(&["rmi", &pushed.0]);
        pushed
    }
}

impl Drop for Pushed {
    fn drop(&mut self) {
        // The name alone: the image itself is the base image.
        Engine::Docker.client(&["rmi", &self.0]).output().ok();
    }
}

fn project(registry: &Registry, image: &str) -> Project {
    let absent = format!("{}/shakedown/absent:1", registry.address);
    let settings = format!(
        "scripts = [\"scripts\"]\nimages = [\"{image}\", \"{absent}\"]\n[environment]\nPULLED = \"{image}\"\nABSENT = \"{absent}\"\n"
    );
    Project::with_settings(&settings)
        .script(
            "container_has_it",
            "exec $ENGINE run --rm --pull never --network none $PULLED true\n",
        )
        .script(
            "container_has_it_not",
            "exec $ENGINE run --rm --network none $ABSENT true\n",
        )
}

#[test]
fn images_are_there_before_the_first_trial_and_one_that_cannot_be_had_is_a_fault_said_once() {
    if !Engine::Docker.usable() {
        return;
    }
    let Some(registry) = Registry::start() else {
        return;
    };
    let pushed = Pushed::to(&registry);
    let project = project(&registry, &pushed.0);
    let output = Engine::Docker.run(&project).finish();
    output.expect_code(102);
    output.expect_stderr(&format!("note: waiting for image {}", pushed.0));
    let record = project.record();
    assert_eq!(record.verdict("container_has_it").0, "passed");
    let (verdict, _) = record.verdict("container_has_it_not");
    assert_eq!(verdict, "faulted");
    let told = "shakedown/absent:1 could not be pulled: ";
    let said = output.stderr().matches(told).count();
    // By the one who pulled, and as the reason of the one trial.
    assert!((1..=2).contains(&said), "{said} times\n{}", output.stderr());
    let engine = record.of("engine").next().unwrap();
    let digest = &engine["selected"]["images"][&pushed.0];
    let digest = digest.as_str().unwrap_or_else(|| panic!("{engine}"));
    assert!(digest.starts_with("sha256:"), "{digest}");
    Engine::Docker.expect_clean(record.run());
}
