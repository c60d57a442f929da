//! The stand-in for the engine's socket, under real clients: Docker's own, its library for Python, docker-compose, and
//! both clients on a service of rootless Podman.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::engines::{BASE, Engine};
use super::interruption::children;
use super::project::{Output, Project, Record, eventually, package};

/// A script of `tests/clients`.
fn client(name: &str) -> String {
    fs::read_to_string(package().join(format!("tests/clients/{name}.txtar"))).unwrap()
}

/// The lines of the run's ledger.
fn ledger(project: &Project, run: &str) -> Vec<Value> {
    let file = project.path(format!("home/state/shakedown/runs/{run}/ledger.jsonl"));
    let text = fs::read_to_string(file).unwrap();
    let lines = text.lines().map(serde_json::from_str);
    lines.map(Result::unwrap).collect()
}

/// What the engine said that it made: kind and id.
fn acquired(project: &Project, run: &str) -> Vec<(String, String)> {
    let lines = ledger(project, run);
    let made = lines.iter().filter(|line| line["t"] == "acquired");
    let of = |line: &Value| {
        let text = |key: &str| line["resource"][key].as_str().unwrap().to_owned();
        (text("kind"), text("id"))
    };
    made.map(of).collect()
}

/// It passed, everything it made was seen, and nothing of it is left.
#[track_caller]
fn passed_and_left_nothing(
    project: &Project,
    output: &Output,
    client: &dyn Fn(&[&str]) -> Command,
) {
    output.expect_code(0);
    let record = project.record();
    let lines = ledger(project, record.run());
    assert!(lines.iter().all(|line| line["t"] != "unseen"), "{lines:?}");
    let made = acquired(project, record.run());
    assert!(made.iter().any(|(kind, _)| kind == "container"), "{made:?}");
    for (kind, id) in made {
        let done = client(&[&kind, "inspect", &id]).output().unwrap();
        let stderr = String::from_utf8_lossy(&done.stderr);
        assert!(!done.status.success(), "{kind} {id} is left");
        assert!(
            stderr.to_lowercase().contains("no such")
                || stderr.contains("not found")
                || stderr.contains("not known"),
            "{stderr}"
        );
    }
    expect_no_leftovers(&record);
}

#[track_caller]
fn expect_no_leftovers(record: &Record) {
    for event in record.of("attempt_ended") {
        let leftovers = &event["report"]["cleanup"]["leftovers"];
        assert_eq!(*leftovers, Value::Array(Vec::new()));
    }
}

fn docker(words: &[&str]) -> Command {
    Engine::Docker.client(words)
}

fn on_docker(name: &str) {
    let project = Engine::Docker
        .project()
        .script(&format!("container_{name}"), client(name));
    let output = Engine::Docker.run(&project).finish();
    passed_and_left_nothing(&project, &output, &docker);
}

/// Whether a program that a test needs is here; where it must be, its absence fails.
fn is_here(what: &str, mut command: Command) -> bool {
    let found = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        let required = std::env::var("CI").is_ok_and(|value| value == "true");
        assert!(!required, "{what} is required");
        eprintln!("SKIPPED: {what} is not here; scripts/engines docker installs it");
    }
    found
}

#[test]
fn real_traffic_passes_the_socket_unharmed() {
    if Engine::Docker.usable() {
        on_docker("traffic");
    }
}

#[test]
fn what_a_library_makes_is_seen_and_removed() {
    let mut python = Command::new("/usr/bin/python3");
    python.args(["-c", "import docker"]);
    if Engine::Docker.usable() && is_here("python3-docker", python) {
        on_docker("sdk");
    }
}

/// `tests/clients/bollard`, a package of its own.
fn bollard() -> PathBuf {
    let package = package();
    let place = package.join("target/bollard");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--manifest-path"])
        .arg(package.join("tests/clients/bollard/Cargo.toml"))
        .env("CARGO_TARGET_DIR", &place)
        .status();
    assert!(built.unwrap().success());
    place.join("debug/bollard-client")
}

#[test]
#[ignore = "builds 90 crates, for a minute; scripts/soak runs it"]
fn what_bollard_makes_is_seen_and_removed() {
    if !Engine::Docker.usable() {
        return;
    }
    let script = format!(
        "#: deadline = \"60s\"\nexec {}\nstdout 'hello from bollard'\n",
        bollard().display()
    );
    let project = Engine::Docker.project().script("container_bollard", script);
    let output = Engine::Docker.run(&project).finish();
    passed_and_left_nothing(&project, &output, &docker);
    let made = acquired(&project, project.record().run());
    let kinds = |kind: &str| made.iter().filter(|(of, _)| of == kind).count();
    // Each step of the build is a container and a layer; nameless volumes of containers go with these.
    assert_eq!(
        ["container", "volume", "network", "image"].map(kinds),
        [5, 3, 1, 5],
        "{made:?}"
    );
}

#[test]
fn what_compose_makes_is_seen_and_removed() {
    let mut compose = Command::new("docker-compose");
    compose.arg("version");
    if Engine::Docker.usable() && is_here("docker-compose", compose) {
        on_docker("compose");
    }
}

/// Compose takes over what carries its project's name, so the script finds somebody else's container there.
#[test]
fn a_compose_project_that_somebody_else_has_is_named() {
    let mut compose = Command::new("docker-compose");
    compose.arg("version");
    if !Engine::Docker.usable() || !is_here("docker-compose", compose) {
        return;
    }
    let project = format!("it-project-{}", std::process::id());
    let labels = [
        format!("--label=com.docker.compose.project={project}"),
        "--label=com.docker.compose.project.working_dir=/home/else".to_owned(),
        "--label=com.docker.compose.service=one".to_owned(),
        "--label=com.docker.compose.oneoff=False".to_owned(),
        "--label=com.docker.compose.container-number=1".to_owned(),
    ];
    let mut words = vec!["create", "--network", "none"];
    words.extend(labels.iter().map(String::as_str));
    words.extend([BASE, "true"]);
    let theirs = Engine::Docker.lines(&words);
    let script = format!(
        "#: container = true\nexec docker-compose -p {project} ps -q\n! stdout .\n\
         -- docker-compose.yml --\nversion: \"3\"\nservices:\n  one:\n    image: {BASE}\n"
    );
    let scripts = Engine::Docker.project().script("fixed", script);
    let output = Engine::Docker.run(&scripts).finish();
    let there = Engine::Docker.lines(&[
        "ps",
        "-a",
        "-q",
        "--no-trunc",
        "--filter",
        &format!("id={}", theirs[0]),
    ]);
    Engine::Docker.lines(&["rm", &theirs[0]]);
    assert_eq!(there, theirs, "it stays");
    output
        .expect_code(101)
        .expect_stdout(&format!(
            "NOTE: the compose project `{project}` is taken: container "
        ))
        .expect_stdout(", by compose in /home/else");
}

/// A client by its absolute path, without our flags: only the socket tells of it.
#[test]
fn what_goes_around_the_client_is_removed_and_what_was_there_stays() {
    if !Engine::Docker.usable() {
        return;
    }
    let decoy = format!("sd-decoy-{}", std::process::id());
    Engine::Docker.lines(&["volume", "create", &decoy]);
    let client = Engine::Docker.lines(&["version", "--format", "{{.Client.Version}}"]);
    assert!(!client.is_empty());
    let found = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .map(|folder| folder.join("docker"))
        .find(|file| file.is_file())
        .unwrap();
    let script = format!(
        "exec {docker} create --name $TAG-x -v {decoy}:/old -v $TAG-v:/new -v /anonymous $BASE true\n\
         exec {docker} volume create {decoy}\nexec {docker} network create $TAG-n\n\
         exec {docker} create --name $TAG-y -v /anonymous $BASE true\nexec {docker} rm $TAG-y\n\
         exec {docker} commit $TAG-x\n",
        docker = found.display(),
    );
    let project = Engine::Docker
        .project()
        .script("around", format!("#: container = true\n{script}"));
    let output = Engine::Docker.run(&project).finish();
    passed_and_left_nothing(&project, &output, &docker);
    let record = project.record();
    let made = acquired(&project, record.run());
    let kinds = |kind: &str| made.iter().filter(|(of, _)| of == kind).count();
    assert_eq!(
        ["container", "volume", "network", "image"].map(kinds),
        [2, 2, 1, 1],
        "{made:?}"
    );
    assert_eq!(record.report("around")["engine_calls"], 0);
    // It was there before, whatever Docker answered.
    Engine::Docker.lines(&["volume", "rm", &decoy]);
}

#[test]
fn a_killed_build_leaves_no_layers() {
    if !Engine::Docker.usable() {
        return;
    }
    // Of its own, so that no other build's cache stands in for its layers.
    let one = std::process::id();
    let script = format!(
        "! exec timeout -s KILL 4 $ENGINE build -t $TAG .\n\
         -- Dockerfile --\nFROM {BASE}\nARG A\nRUN echo {one} >/one\nRUN echo two >/two; sleep 100\n"
    );
    let project = Engine::Docker.project().script("container_killed", script);
    let output = Engine::Docker.run(&project).finish();
    passed_and_left_nothing(&project, &output, &docker);
    let record = project.record();
    let made = acquired(&project, record.run());
    assert!(made.iter().any(|(kind, _)| kind == "image"), "{made:?}");
}

/// A service of rootless Podman, for as long as a test runs.
pub(super) struct Service {
    child: Child,
    socket: PathBuf,
    _place: Project,
}

impl Service {
    pub(super) fn start() -> Self {
        let place = Engine::Podman.project();
        let socket = place.path("service.sock");
        let stage = place.path("");
        super::engines::give_away_to_podman(&stage);
        Service {
            child: serve(&socket),
            socket,
            _place: place,
        }
    }

    /// As a crash does it: what serves is a child of what was started, which has only entered a namespace.
    pub(super) fn kill(&mut self) {
        for pid in children(i32::try_from(self.child.id()).unwrap()) {
            kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
        }
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        eventually("nobody listens", || {
            UnixStream::connect(&self.socket).is_err().then_some(())
        });
    }

    pub(super) fn restart(&mut self) {
        fs::remove_file(&self.socket).unwrap();
        self.child = serve(&self.socket);
    }

    pub(super) fn address(&self) -> String {
        format!("unix://{}", self.socket.display())
    }
}

fn serve(socket: &Path) -> Child {
    let child = Command::new(package().join("scripts/as-rootless"))
        .args(["podman", "system", "service", "--time", "120"])
        .arg(format!("unix://{}", socket.display()))
        .current_dir("/")
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    eventually("the service listens", || socket.exists().then_some(()));
    child
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Both clients, as the one who runs the tests, on the service of another user.
fn on_podmans_service(program: &str) {
    if !Engine::Podman.usable() || !Engine::Docker.usable() {
        return;
    }
    let service = Service::start();
    let settings = format!("scripts = [\"scripts\"]\n\n[environment]\nBASE = \"{BASE}\"\n");
    let project = Project::with_settings(&settings).script("container_service", client("podman"));
    let address = service.address();
    let output = project
        .run()
        .args(["--engine", program])
        .env("DOCKER_HOST", &address)
        .env("CONTAINER_HOST", &address)
        .limit(std::time::Duration::from_secs(200))
        .finish();
    let client = |words: &[&str]| {
        let mut command = Command::new(program);
        command
            .args(words)
            .env("DOCKER_HOST", &address)
            .env("CONTAINER_HOST", &address);
        command
    };
    passed_and_left_nothing(&project, &output, &client);
    // Two spellings of a name once took this along.
    assert!(Engine::Podman.usable());
}

#[test]
fn dockers_client_on_podmans_service_is_seen() {
    on_podmans_service("docker");
}

#[test]
fn podmans_remote_client_is_seen() {
    on_podmans_service("podman");
}
