//! Engines that are lost while something is to be cleaned: a daemon and a service that are killed, a store that
//! somebody else has locked. What is not proved is never called clean or removed, and is named with its command; once
//! the engine is back, the second cleaning or `shakedown reap` removes it.

use std::fs::{self, File};
use std::process::Command;

use rustix::fs::{FlockOperation, fcntl_lock};
use serde_json::Value;

use super::daemon::Daemon;
use super::engines::{BASE, Engine, own_state};
use super::project::{Output, Project, Record, Run, eventually, shakedown};
use super::sockets::Service;

/// An engine that can be lost.
pub(super) trait Fragile {
    /// A project with these settings, of the engine's owner.
    fn project(&self, settings: &str) -> Project;
    /// `shakedown` with these words, on this engine.
    fn call<'p>(&self, project: &'p Project, words: &[&str]) -> Run<'p>;
    /// Its client.
    fn client(&self, words: &[&str]) -> Command;
    fn lose(&mut self);
    fn come_back(&mut self);

    /// The lines that its client prints.
    fn lines(&self, words: &[&str]) -> Vec<String> {
        let done = self.client(words).output().unwrap();
        let stderr = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{words:?}: {stderr}");
        let stdout = String::from_utf8(done.stdout).unwrap();
        stdout.lines().map(str::to_owned).collect()
    }
}

impl Fragile for Daemon {
    fn project(&self, settings: &str) -> Project {
        Project::with_settings(settings)
    }

    fn call<'p>(&self, project: &'p Project, words: &[&str]) -> Run<'p> {
        project
            .shakedown()
            .args(words)
            .env("DOCKER_HOST", self.host())
    }

    fn client(&self, words: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command.args(["--host", &self.host()]).args(words);
        command
    }

    fn lose(&mut self) {
        self.kill();
    }

    fn come_back(&mut self) {
        self.restart();
    }
}

/// Podman's remote client on a service of another user.
impl Fragile for Service {
    fn project(&self, settings: &str) -> Project {
        Project::with_settings(settings)
    }

    fn call<'p>(&self, project: &'p Project, words: &[&str]) -> Run<'p> {
        let run = project.shakedown().args(words);
        run.env("CONTAINER_HOST", self.address())
    }

    fn client(&self, words: &[&str]) -> Command {
        let mut command = Command::new("podman");
        command.args(["--remote", "--url", &self.address()]);
        command.args(words);
        command
    }

    fn lose(&mut self) {
        self.kill();
    }

    fn come_back(&mut self) {
        self.restart();
    }
}

/// A store of rootless Podman that no other test waits for.
pub(super) struct Store {
    place: Project,
    held: Vec<File>,
}

impl Store {
    pub(super) fn new() -> Self {
        let place = Engine::Podman.project();
        super::engines::give_away_to_podman(&place.path(""));
        let store = Store {
            place,
            held: Vec::new(),
        };
        let copy = format!(
            "cd / && podman save {BASE} | env {} podman load",
            store.variable()
        );
        Engine::Podman.shell(&copy);
        store.lines(&["image", "inspect", BASE]);
        store
    }

    fn variable(&self) -> String {
        format!("XDG_DATA_HOME={}", self.place.path("").display())
    }
}

impl Fragile for Store {
    fn project(&self, settings: &str) -> Project {
        Engine::Podman.project().file("harness.toml", settings)
    }

    fn call<'p>(&self, project: &'p Project, words: &[&str]) -> Run<'p> {
        // Runs on another store, which tests beside this one start, find nothing of it.
        let variables = [self.variable(), own_state(project)];
        let variables = variables.each_ref().map(String::as_str);
        Engine::Podman.call(&variables, project, &shakedown(), words)
    }

    fn client(&self, words: &[&str]) -> Command {
        let mut command = Command::new(super::project::package().join("scripts/as-rootless"));
        command.args(["env", &self.variable(), "podman"]);
        command.args(words).current_dir("/");
        command
    }

    /// As another Podman does it that takes long.
    fn lose(&mut self) {
        for lock in ["storage.lock", "vfs-containers/containers.lock"] {
            let path = self.place.path("containers/storage").join(lock);
            let file = File::options().read(true).write(true).open(path).unwrap();
            fcntl_lock(&file, FlockOperation::LockExclusive).unwrap();
            self.held.push(file);
        }
    }

    fn come_back(&mut self) {
        self.held.clear();
    }
}

/// Who removes what is left.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// The engine comes back while another script runs.
    TheSameRun,
    /// It comes back when the run is over.
    Reap,
}

const SETTINGS: &str = "scripts = [\"scripts\"]\n[admission]\nsettle = \"2s\"\n[cleanup]\nlimit = \"5s\"\nstrict = true\n[environment]\nBASE = \"localhost/shakedown/base:1\"\n";

/// Says that it has come so far, and goes on when it may.
const WAIT: &str = "touch \"$1\"\nuntil test -e \"$2\"; do sleep 0.05; done\n";

fn project(engine: &dyn Fragile) -> Project {
    let project = engine.project(SETTINGS);
    let at = |name: &str| project.path("marks").join(name).display().to_string();
    let wait = |ready: &str, go: &str| format!("exec sh wait.sh {} {}\n", at(ready), at(go));
    let run = "exec $ENGINE run -d --network none $BASE sleep 1000\n";
    let leaves = format!("{run}{}-- wait.sh --\n{WAIT}", wait("ready", "go"));
    let holds = format!("{}-- wait.sh --\n{WAIT}", wait("holds", "over"));
    project
        .file("marks/here", "")
        .script("container_leaves", leaves)
        .script("holds", holds)
}

/// The container is lost with its engine, and found again.
fn check(engine: &mut dyn Fragile, name: &str, by: By) {
    let project = project(engine);
    let words = ["run", "--engine", name, "--test-threads", "2"];
    let mark = |name: &str| project.path("marks").join(name);
    let running = engine.call(&project, &words).start();
    eventually("both scripts are in their middle", || {
        (mark("ready").exists() && mark("holds").exists()).then_some(())
    });
    let run = eventually("the record is there", || {
        let file = project.record_files().pop()?;
        Some(file.file_stem()?.to_str()?.to_owned())
    });
    let label = format!("label=dev.shakedown.run={run}");
    let list = ["ps", "-a", "-q", "--no-trunc", "--filter", &label];
    let made = engine.lines(&list);
    assert_eq!(made.len(), 1, "{made:?}");
    engine.lose();
    fs::write(mark("go"), "").unwrap();
    let report = eventually("its cleaning is over", || {
        let record = Record::read(project.record_files().first()?);
        let ended = record.of("attempt_ended").next()?;
        Some(ended["report"].clone())
    });
    expect_unknown(&report, &made[0], name);
    if by == By::TheSameRun {
        engine.come_back();
    }
    fs::write(mark("over"), "").unwrap();
    let output = running.finish();
    output.expect_stderr("LEFT").expect_stderr(&made[0]);
    let cleaned = project.record().of("cleaned_at_last").count();
    if by == By::TheSameRun {
        output.expect_code(0);
        assert_eq!(cleaned, 1);
    } else {
        output.expect_code(103).expect_stderr("left behind: ");
        assert_eq!(cleaned, 0);
        engine.come_back();
        assert_eq!(engine.lines(&list), made, "nobody has removed it yet");
        let reaped: Output = engine.call(&project, &["reap"]).finish();
        reaped.expect_code(0);
    }
    assert_eq!(engine.lines(&list), [""; 0]);
}

/// Nothing is proved, and what is unknown is named.
#[track_caller]
fn expect_unknown(report: &Value, id: &str, engine: &str) {
    assert_eq!(report["outcome"], "passed", "{report:#}");
    let cleanup = &report["cleanup"];
    for proved in ["removed", "gone", "kept"] {
        assert_eq!(cleanup[proved], Value::Array(Vec::new()), "{cleanup:#}");
    }
    let left = cleanup["leftovers"].as_array().unwrap();
    let it = left.iter().find(|left| left["resource"]["id"] == id);
    let it = it.unwrap_or_else(|| panic!("{id} is not named: {cleanup:#}"));
    let remedy = it["remedy"].as_str().unwrap();
    assert!(remedy.starts_with(&format!("{engine} rm -f ")), "{remedy}");
    assert!(remedy.ends_with(id), "{remedy}");
    let took = cleanup["duration"].as_f64().unwrap();
    assert!(took < 10.0, "its limit is 5 s: {cleanup:#}");
}

fn on_a_daemon(by: By) {
    if let Some(mut daemon) = Daemon::start() {
        check(&mut daemon, "docker", by);
    }
}

#[test]
fn what_a_killed_docker_daemon_kept_is_removed_at_the_end_of_the_run() {
    on_a_daemon(By::TheSameRun);
}

#[test]
fn what_a_killed_docker_daemon_kept_is_reaped() {
    on_a_daemon(By::Reap);
}

#[test]
fn what_a_killed_podman_service_kept_is_removed_at_the_end_of_the_run() {
    if Engine::Podman.usable() {
        check(&mut Service::start(), "podman", By::TheSameRun);
    }
}

#[test]
fn what_a_killed_podman_service_kept_is_reaped() {
    if Engine::Podman.usable() {
        check(&mut Service::start(), "podman", By::Reap);
    }
}

#[test]
fn what_a_locked_store_kept_is_removed_at_the_end_of_the_run() {
    if Engine::Podman.usable() {
        check(&mut Store::new(), "podman", By::TheSameRun);
    }
}

#[test]
fn what_a_locked_store_kept_is_reaped() {
    if Engine::Podman.usable() {
        check(&mut Store::new(), "podman", By::Reap);
    }
}
