//! Real engines: Docker as this user, rootless Podman through `scripts/as-rootless`.
//!
//! An engine that is missing is skipped, loudly; where it must not be (`CI=true`, or
//! `SHAKEDOWN_REQUIRE_ENGINES=1`), its absence fails.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use super::project::{
    Output, Project, Record, Run, eventually, nothing_left_of, package, shakedown, target,
};
use super::verdicts::{check, fixtures};

/// The image that all scripts use; `scripts/engines` makes it.
pub(super) const BASE: &str = "localhost/shakedown/base:1";

const SETTINGS: &str =
    "scripts = [\"scripts\"]\n\n[environment]\nBASE = \"localhost/shakedown/base:1\"\n";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Docker,
    Podman,
}

impl Engine {
    pub(super) fn name(self) -> &'static str {
        match self {
            Engine::Docker => "docker",
            Engine::Podman => "podman",
        }
    }

    /// The engine's client, as the user that owns the engine.
    pub(super) fn client(self, words: &[&str]) -> Command {
        let mut command = match self {
            Engine::Docker => Command::new("docker"),
            Engine::Podman => {
                let mut command = Command::new(as_rootless());
                command.arg("podman").current_dir("/");
                command
            }
        };
        command.args(words);
        command
    }

    /// The lines that the client prints.
    pub(super) fn lines(self, words: &[&str]) -> Vec<String> {
        let done = self.client(words).output().unwrap();
        let stderr = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{} {words:?}: {stderr}", self.name());
        let stdout = String::from_utf8(done.stdout).unwrap();
        stdout.lines().map(str::to_owned).collect()
    }

    /// The lines that a shell prints that runs as the owner of the engine.
    pub(super) fn shell(self, text: &str) -> Vec<String> {
        let mut command = match self {
            Engine::Docker => Command::new("sh"),
            Engine::Podman => {
                let mut command = Command::new(as_rootless());
                command.arg("sh").current_dir("/");
                command
            }
        };
        let done = command.args(["-c", text]).output().unwrap();
        let stdout = String::from_utf8(done.stdout).unwrap();
        stdout.lines().map(str::to_owned).collect()
    }

    /// Whether it can be used here; says so, and fails where it must.
    pub(super) fn usable(self) -> bool {
        let done = self.client(&["image", "inspect", BASE]).output();
        let why = match done {
            Ok(done) if done.status.success() => return true,
            Ok(done) => String::from_utf8_lossy(&done.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        let set = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
        let required = set("CI", "true") || set("SHAKEDOWN_REQUIRE_ENGINES", "1");
        assert!(!required, "{} is required: {why}", self.name());
        // Past the capture of output, which would keep it from everybody.
        let mut stderr = std::io::stderr();
        writeln!(
            stderr,
            "SKIPPED: {} cannot be used here: {why}",
            self.name()
        )
        .unwrap();
        false
    }

    /// A project whose scripts have the base image.
    pub(super) fn project(self) -> Project {
        match self {
            Engine::Docker => Project::with_settings(SETTINGS),
            Engine::Podman => Project::below(&stage(), SETTINGS),
        }
    }

    /// `shakedown run`, as the user that owns the engine.
    pub(super) fn run(self, project: &Project) -> Run<'_> {
        self.start(project, &shakedown(), &["run"])
    }

    /// The test target, as the user that owns the engine.
    pub(super) fn target(self, project: &Project) -> Run<'_> {
        self.start(project, &target(), &[])
    }

    pub(super) fn start<'p>(self, project: &'p Project, program: &Path, words: &[&str]) -> Run<'p> {
        self.start_under(&[], project, program, words)
    }

    /// `shakedown run` with variables, each as `NAME=VALUE`.
    pub(super) fn run_under<'p>(self, variables: &[&str], project: &'p Project) -> Run<'p> {
        self.start_under(variables, project, &shakedown(), &["run"])
    }

    fn start_under<'p>(
        self,
        variables: &[&str],
        project: &'p Project,
        program: &Path,
        words: &[&str],
    ) -> Run<'p> {
        self.call(variables, project, program, words)
            .args(["--engine", self.name()])
            .limit(Duration::from_secs(300))
    }

    /// Any program, as the user that owns the engine.
    pub(super) fn call<'p>(
        self,
        variables: &[&str],
        project: &'p Project,
        program: &Path,
        words: &[&str],
    ) -> Run<'p> {
        match self {
            Engine::Docker => project
                .start(Path::new("/usr/bin/env"))
                .args(variables)
                .arg(program)
                .args(words),
            Engine::Podman => {
                let copy = project.path("program");
                fs::copy(program, &copy).unwrap();
                fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
                give_away(&project.path(""), &stage());
                rootless_again(variables, project, words)
            }
        }
    }

    /// Nothing that this run made is there any more.
    #[track_caller]
    pub(super) fn expect_clean(self, run: &str) {
        let label = format!("label=dev.shakedown.run={run}");
        let lists: [&[&str]; 5] = [
            &["ps", "-a", "-q", "--filter", &label],
            &["ps", "-a", "--format", "{{.Names}}"],
            &["network", "ls", "--format", "{{.Name}}"],
            &["volume", "ls", "--format", "{{.Name}}"],
            &["images", "--format", "{{.Repository}}:{{.Tag}}"],
        ];
        for (number, words) in lists.iter().enumerate() {
            let mut left = self.lines(words);
            left.retain(|line| number == 0 || line.contains(run));
            assert!(left.is_empty(), "{words:?}: {left:?}");
        }
    }
}

/// Keeps the ledgers of a project's runs apart from all others of their user. Any run cleans after one that was killed:
/// a test that kills runs whole, or reaps, must not meet those of other tests.
pub(super) fn own_state(project: &Project) -> String {
    format!("XDG_STATE_HOME={}", project.path("home/state").display())
}

/// The program that was called on the project before, once more, as the user that owns rootless Podman.
pub(super) fn rootless_again<'p>(
    variables: &[&str],
    project: &'p Project,
    words: &[&str],
) -> Run<'p> {
    let run = project.start(&as_rootless()).arg("env").args(variables);
    run.arg(project.path("program")).args(words)
}

fn as_rootless() -> PathBuf {
    package().join("scripts/as-rootless")
}

/// A directory of the user that owns rootless Podman.
pub(super) fn stage() -> PathBuf {
    let done = Command::new(as_rootless()).arg("--dir").output().unwrap();
    let folder = PathBuf::from(String::from_utf8(done.stdout).unwrap().trim());
    assert!(folder.is_dir(), "{}", folder.display());
    folder
}

/// Gives everything below to the user that owns rootless Podman.
pub(super) fn give_away_to_podman(path: &Path) {
    give_away(path, &stage());
}

/// Gives everything below to the owner of the model.
fn give_away(path: &Path, model: &Path) {
    let owner = fs::metadata(model).unwrap();
    let mine = fs::symlink_metadata(path).unwrap();
    if mine.uid() != owner.uid() {
        chown(path, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    if mine.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give_away(&entry.unwrap().path(), model);
        }
    }
}

/// When the attempts of the container lane were admitted and when they ended, cleaning included.
fn spans(record: &Record) -> Vec<(f64, f64)> {
    let at = |event: &Value| event["at"].as_f64().unwrap();
    let started = record
        .of("attempt_started")
        .filter(|start| start["lane"] == "container");
    let admitted = record.of("attempt_admitted");
    let span = |begin: &Value| {
        let end = record
            .of("attempt_ended")
            .find(|end| end["attempt"] == begin["attempt"]);
        (at(begin), at(end.unwrap()))
    };
    let mut spans: Vec<(f64, f64)> = started.chain(admitted).map(span).collect();
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    spans
}

fn overlaps(record: &Record) -> usize {
    spans(record)
        .windows(2)
        .filter(|two| two[1].0 < two[0].1)
        .count()
}

/// Four trials of the container lane, and a plain one whose program calls the engine.
fn five(engine: Engine) -> Project {
    let line = "exec $ENGINE run --rm --network none $BASE sleep 1\n";
    let held = "exec sh inside.sh\nstdout '^inside$'\n-- inside.sh --\n\"$ENGINE\" run --rm --network none \"$BASE\" echo inside\n";
    (0..4)
        .fold(engine.project(), |project, number| {
            project.script(&format!("container_{number}"), line)
        })
        .script("held", held)
}

#[track_caller]
fn expect_held(output: &Output, record: &Record) {
    assert_eq!(record.of("attempt_held").count(), 1);
    assert_eq!(record.of("attempt_admitted").count(), 1);
    assert!(record.report("held")["timings"]["held"].as_f64().unwrap() > 0.0);
    output.expect_stderr("add `#: container = true` to scripts/held.txtar");
}

#[test]
fn attempts_overlap_on_docker_and_a_plain_script_that_calls_it_is_held_first() {
    if !Engine::Docker.usable() {
        return;
    }
    let project = five(Engine::Docker);
    let output = Engine::Docker
        .run(&project)
        .arg("--test-threads=3")
        .finish();
    output.expect_code(0);
    let record = project.record();
    assert!(overlaps(&record) > 0, "{:?}", spans(&record));
    expect_held(&output, &record);
    Engine::Docker.expect_clean(record.run());
}

#[test]
fn attempts_never_overlap_on_podman_not_even_with_a_script_that_was_held() {
    if !Engine::Podman.usable() {
        return;
    }
    let project = five(Engine::Podman);
    let output = Engine::Podman
        .run(&project)
        .arg("--test-threads=3")
        .finish();
    output.expect_code(0);
    let record = project.record();
    assert_eq!(spans(&record).len(), 5);
    assert_eq!(overlaps(&record), 0, "{:?}", spans(&record));
    expect_held(&output, &record);
    Engine::Podman.expect_clean(record.run());
}

/// The container fixtures of `fixtures/verdicts`.
fn leaves_nothing(engine: Engine) {
    if !engine.usable() {
        return;
    }
    let fixtures = fixtures(|name| name.starts_with("container_"));
    let add = |project: Project, (name, text): &(String, String)| project.script(name, text);
    let project = fixtures.iter().fold(engine.project(), add);
    engine.run(&project).finish().expect_code(101);
    let record = project.record();
    check(&fixtures, &record);
    for (name, _) in &fixtures {
        let cleanup = &record.report(name)["cleanup"];
        assert_eq!(cleanup["leftovers"], Value::Array(Vec::new()), "{name}");
    }
    let removed = record.report("container_messy")["cleanup"]["removed"]
        .as_array()
        .unwrap()
        .clone();
    for kind in ["container", "network", "volume", "image"] {
        assert!(
            removed.iter().any(|resource| resource["kind"] == kind),
            "{kind} in {removed:?}"
        );
    }
    engine.expect_clean(record.run());
    nothing_left_of(record.run());
}

#[test]
fn messy_scripts_leave_nothing_on_docker() {
    leaves_nothing(Engine::Docker);
}

#[test]
fn messy_scripts_leave_nothing_on_podman() {
    leaves_nothing(Engine::Podman);
}

/// The scripts of `toy`, a program that calls the engine itself.
fn toy_passes(engine: Engine) {
    if !engine.usable() {
        return;
    }
    let mut project = engine.project();
    for entry in fs::read_dir(package().join("fixtures/toy")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        project = project.script(name, fs::read(&path).unwrap());
    }
    let output = engine.target(&project).finish();
    output
        .expect_code(0)
        .expect_stdout("; 0 failed; 0 ignored;");
    let record = project.record();
    let held = record
        .of("attempt_held")
        .map(|held| held["attempt"].clone());
    assert_eq!(held.count(), 1, "only `called_inside` is held");
    assert_eq!(record.report("called_inside")["engine_calls"], 1);
    engine.expect_clean(record.run());
}

#[test]
fn a_program_that_drives_containers_works_on_docker() {
    toy_passes(Engine::Docker);
}

#[test]
fn a_program_that_drives_containers_works_on_podman() {
    toy_passes(Engine::Podman);
}

/// One script that leaves containers running and waits for ever; its run's id once both are up.
pub(super) fn endless(
    engine: Engine,
    run: impl FnOnce(&Project) -> Run<'_>,
) -> (Project, super::project::Running, String) {
    let script = "exec $ENGINE run -d --network none $BASE sleep 1000\nexec $ENGINE run --rm --network none $BASE sleep 1000\n";
    let project = engine.project().script("container_endless", script);
    let running = run(&project).start();
    let id = eventually("both containers run", || {
        let file = project.record_files().pop()?;
        let id = file.file_stem()?.to_str()?.to_owned();
        let label = format!("label=dev.shakedown.run={id}");
        (engine.lines(&["ps", "-q", "--filter", &label]).len() == 2).then_some(id)
    });
    (project, running, id)
}

/// A script waits for a container that it started detached.
fn tells_of_containers(engine: Engine) {
    if !engine.usable() {
        return;
    }
    let script = "#: deadline = \"5s\"\nexec $ENGINE run -d --name $TAG --network none $BASE sh -c 'echo one; echo two >&2; sleep 1000'\nexec $ENGINE wait $TAG\n";
    let project = engine.project().script("container_waits", script);
    let output = engine.run(&project).finish();
    output.expect_code(101);
    let record = project.record();
    let report = record.report("container_waits");
    let late = &report["outcome"]["timed_out"];
    let containers = late["evidence"]["seen"]["containers"].as_array();
    let containers = containers.unwrap_or_else(|| panic!("{late:#}"));
    assert_eq!(containers.len(), 1, "{containers:#?}");
    let container = &containers[0];
    assert_eq!(container["state"], "running");
    assert_eq!(container["image"], BASE);
    assert!(
        container["command"]
            .as_str()
            .unwrap()
            .ends_with("sleep 1000")
    );
    assert!(container["since"].as_f64().unwrap() < 60.0, "{container}");
    let mut log: Vec<&str> = container["log"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line.as_str().unwrap())
        .collect();
    log.sort_unstable();
    assert_eq!(log, ["one", "two"]);
    assert_eq!(report["cleanup"]["removed"][0]["id"], container["id"]);
    let steps: Vec<&str> = report["ladder"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["step"].as_str().unwrap())
        .collect();
    assert_eq!(steps[..3], ["evidence", "engine", "containers"]);
    engine.expect_clean(record.run());
    nothing_left_of(record.run());
}

#[test]
fn a_hang_tells_of_its_containers_on_docker() {
    tells_of_containers(Engine::Docker);
}

#[test]
fn a_hang_tells_of_its_containers_on_podman() {
    tells_of_containers(Engine::Podman);
}

fn gone_soon(engine: Engine, id: &str) {
    let label = format!("label=dev.shakedown.run={id}");
    eventually("the containers are gone", || {
        engine
            .lines(&["ps", "-a", "-q", "--filter", &label])
            .is_empty()
            .then_some(())
    });
}

/// Their first processes ignore SIGTERM, as every process does that is the first of its namespace.
fn interrupted(engine: Engine) {
    if !engine.usable() {
        return;
    }
    let (_project, running, id) = endless(engine, |project| engine.run(project));
    running.signal(Signal::TERM);
    let output = running.finish();
    output.expect_code(143);
    assert!(!output.stderr().contains("left of "), "{}", output.stderr());
    engine.expect_clean(&id);
    nothing_left_of(&id);
}

#[test]
fn when_the_harness_is_interrupted_its_containers_on_docker_go_before_it_does() {
    interrupted(Engine::Docker);
}

#[test]
fn when_the_harness_is_interrupted_its_containers_on_podman_go_before_it_does() {
    interrupted(Engine::Podman);
}

#[test]
fn when_the_harness_is_killed_its_containers_go_too() {
    if !Engine::Docker.usable() {
        return;
    }
    let (_project, running, id) = endless(Engine::Docker, |project| Engine::Docker.run(project));
    running.signal(Signal::KILL);
    running.finish().expect_code(137);
    gone_soon(Engine::Docker, &id);
    nothing_left_of(&id);
}

#[test]
fn when_a_worker_crashes_the_harness_removes_its_containers() {
    if !Engine::Docker.usable() {
        return;
    }
    let script = "exec $ENGINE run -d --network none $BASE sleep 1000\ncrash-slot\n";
    let project = Engine::Docker.project().script("container_crash", script);
    let output = Engine::Docker.target(&project).finish();
    output.expect_code(102);
    let record = project.record();
    let removed = &record.report("container_crash")["cleanup"]["removed"];
    assert_eq!(removed.as_array().unwrap().len(), 1, "{removed}");
    Engine::Docker.expect_clean(record.run());
}

#[test]
fn a_daemon_that_is_not_there_is_told_by_the_real_client() {
    if !Engine::Docker.usable() {
        return;
    }
    let project = Engine::Docker
        .project()
        .script("container_one", "exec $ENGINE ps\n");
    let run = Engine::Docker.run(&project).arg("--require-engine");
    let output = run.env("DOCKER_HOST", "unix:///nonexistent").finish();
    output.expect_code(102);
    output
        .expect_stderr("docker: its daemon cannot be reached: ")
        .expect_stderr("unix:///nonexistent");
}

/// What others made stays, even if a script asks for a thing of the same name.
fn spares_what_others_made(engine: Engine) {
    if !engine.usable() {
        return;
    }
    let name = format!("it-others-{}", std::process::id());
    engine.lines(&["volume", "create", &name]);
    engine.lines(&["network", "create", &name]);
    engine.lines(&["create", "--name", &name, "--network", "none", BASE, "true"]);
    let script = format!(
        "! exec $ENGINE run -d --name {name} --network none $BASE sleep 1000\n\
         ! exec $ENGINE network create {name}\n\
         exec sh -c '$ENGINE volume create {name} || true'\n\
         exec $ENGINE run --rm --network none -v {name}:/data $BASE touch /data/file\n\
         exec $ENGINE start {name}\n"
    );
    let project = engine.project().script("container_others", script);
    let output = engine.run(&project).finish();
    let there = [
        engine.lines(&["volume", "ls", "-q", "--filter", &format!("name={name}")]),
        engine.lines(&["network", "ls", "-q", "--filter", &format!("name={name}")]),
        engine.lines(&["ps", "-a", "-q", "--filter", &format!("name={name}")]),
    ];
    let there = there.map(|lines| lines.len());
    // Our own things go by their names, whatever is left of them.
    for words in [
        &["rm", "-f", &name],
        &["network", "rm", &name],
        &["volume", "rm", &name],
    ] {
        engine.client(words).output().unwrap();
    }
    output.expect_code(0);
    assert_eq!(there, [1, 1, 1], "volume, network, container");
}

#[test]
fn what_others_made_on_docker_is_spared() {
    spares_what_others_made(Engine::Docker);
}

#[test]
fn what_others_made_on_podman_is_spared() {
    spares_what_others_made(Engine::Podman);
}

#[test]
fn what_is_kept_on_docker_is_named_and_is_there() {
    if !Engine::Docker.usable() {
        return;
    }
    let script = "exec $ENGINE create --network none $BASE true\n";
    let project = Engine::Docker.project().script("container_kept", script);
    Engine::Docker
        .run(&project)
        .arg("--keep")
        .finish()
        .expect_code(0);
    let record = project.record();
    let kept = record.report("container_kept")["cleanup"]["kept"]
        .as_array()
        .unwrap()
        .clone();
    let label = format!("label=dev.shakedown.run={}", record.run());
    let there = Engine::Docker.lines(&["ps", "-a", "-q", "--no-trunc", "--filter", &label]);
    for id in &there {
        Engine::Docker.lines(&["rm", "-f", id]);
    }
    assert_eq!(there.len(), 1);
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(kept[0]["id"], there[0].as_str());
}

#[test]
fn a_run_on_podman_that_is_killed_leaves_no_container_running() {
    if !Engine::Podman.usable() {
        return;
    }
    let (_project, running, id) = endless(Engine::Podman, |project| Engine::Podman.run(project));
    // The one that was started is `as-rootless`, which became the harness.
    running.signal(Signal::KILL);
    running.finish().expect_code(137);
    gone_soon(Engine::Podman, &id);
}

#[test]
fn trouble_that_an_engine_tells_is_known_by_its_words_and_its_command() {
    for engine in [Engine::Docker, Engine::Podman] {
        if !engine.usable() {
            continue;
        }
        let name = engine.name();
        let project = engine
            .project()
            .script("container_direct", "exec $ENGINE volume rm $TAG-nothing\n")
            .script(
                "container_behind",
                "exec sh -c '$ENGINE ps >/dev/null; $ENGINE run --rm --network none $BASE /nope'\n",
            );
        let output = engine.run(&project).finish();
        output.expect_code(101);
        let record = project.record();
        for (script, signature, command, direct) in [
            ("container_direct", "absent-volume", "volume rm", true),
            ("container_behind", "exec-not-found", "run", false),
        ] {
            let call = &record.report(script)["failed"]["call"];
            assert_eq!(call["command"], command, "{name}: {call}");
            assert_eq!(call["engine"], name);
            assert_eq!(call["direct"], direct);
            let known = format!("KNOWN  {script}: `{signature}`: ");
            output.expect_stderr(&known);
        }
        assert_eq!(
            record.of("attempt_ended").count(),
            2,
            "nothing of it may pass by itself"
        );
    }
}
