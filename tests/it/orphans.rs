//! Harness and slots killed together: what the next run, and `shakedown reap`, find and do.

use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Pid, Signal, kill_process};

use super::engines::{Engine, endless, own_state};
use super::interruption::children;
use super::project::{Output, Project, Run, Running, eventually, nothing_left_of, processes_of};

/// Kills harness and slots so that none of them can clean up after another.
pub(super) fn kill_all(running: Running) {
    let harness = running.pid();
    running.signal(Signal::STOP);
    let slots = children(harness);
    assert!(!slots.is_empty());
    for pid in slots {
        kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    }
    running.signal(Signal::KILL);
    running.finish().expect_code(137);
}

/// A plain script with a process that has left its session.
fn plain() -> (Project, Running, String) {
    let project = Project::new().script("hangs", "exec sh -c 'setsid sleep 1000 & sleep 1000'\n");
    let running = project.target().without_engine().start();
    let id = eventually("the script runs", || {
        let file = project.record_files().pop()?;
        let id = file.file_stem()?.to_str()?.to_owned();
        (processes_of(&id).len() >= 3).then_some(id)
    });
    (project, running, id)
}

#[test]
fn the_next_run_ends_the_processes_of_a_killed_one_and_removes_its_directories() {
    let (project, running, id) = plain();
    kill_all(running);
    assert!(!processes_of(&id).is_empty());
    let output = project.run().arg("--list").without_engine().finish();
    output.expect_code(0);
    assert!(!processes_of(&id).is_empty(), "listing touches nothing");
    let project = project.script("fine", "exec true\n");
    let output = project.run().args(["--", "fine"]).without_engine().finish();
    output
        .expect_code(0)
        .expect_stderr(&format!("of run {id}, which was killed"));
    nothing_left_of(&id);
    let left: Vec<_> = fs::read_dir(project.path("tmp")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    // It is told once.
    let again = project.run().args(["--", "fine"]).without_engine().finish();
    again.expect_code(0);
    assert!(!again.stderr().contains("killed"), "{}", again.stderr());
}

#[test]
fn reaping_tells_first_and_then_does_it() {
    let (project, running, id) = plain();
    let alive = project.shakedown().arg("reap").without_engine().finish();
    alive.expect_code(0).expect_stdout("nothing to reap");
    assert!(
        !processes_of(&id).is_empty(),
        "a run that lives is left alone"
    );
    kill_all(running);
    let plan = project
        .shakedown()
        .args(["reap", "--dry-run"])
        .without_engine()
        .finish();
    plan.expect_code(0)
        .expect_stdout(&format!("run {id} was killed"))
        .expect_stdout("sleep 1000");
    assert!(!processes_of(&id).is_empty());
    let done = project.shakedown().arg("reap").without_engine().finish();
    done.expect_code(0).expect_stderr(&format!("of run {id}"));
    nothing_left_of(&id);
    let over = project.shakedown().arg("reap").without_engine().finish();
    over.expect_code(0).expect_stdout("nothing to reap");
}

/// A run that only the test's own runs clean after.
fn run(engine: Engine, project: &Project) -> Run<'_> {
    engine.run_under(&[&own_state(project)], project)
}

fn slots_of_podman(running: &Running) {
    // `as-rootless` became the harness, so its children are the slots.
    assert!(!children(running.pid()).is_empty());
}

/// Tests beside each other have decoys of their own.
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// The containers of a killed run are removed by `how`, and nothing else is.
fn check(engine: Engine, how: impl FnOnce(&Project) -> Output) {
    if !engine.usable() {
        return;
    }
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let decoy = format!("it-decoy-{}-{number}", std::process::id());
    engine.lines(&[
        "create",
        "--name",
        &decoy,
        "--network",
        "none",
        super::engines::BASE,
        "true",
    ]);
    let (project, running, id) = endless(engine, |project| run(engine, project));
    slots_of_podman(&running);
    kill_all(running);
    let label = format!("label=dev.shakedown.run={id}");
    let running = engine.lines(&["ps", "-q", "--filter", &label]);
    assert!(!running.is_empty(), "they outlive their run");
    let output = how(&project);
    let decoys = engine.lines(&["ps", "-a", "-q", "--filter", &format!("name={decoy}")]);
    engine.lines(&["rm", &decoy]);
    assert_eq!(decoys.len(), 1, "what others made stays");
    output.expect_stderr(&format!("of run {id}, which was killed"));
    engine.expect_clean(&id);
    nothing_left_of(&id);
}

fn next_run(engine: Engine) {
    check(engine, |project| {
        fs::write(project.path("scripts/container_fine.txtar"), "exec true\n").unwrap();
        run(engine, project).args(["--", "container_fine"]).finish()
    });
}

#[test]
fn the_next_run_on_docker_removes_the_containers_of_a_killed_one() {
    next_run(Engine::Docker);
}

#[test]
fn the_next_run_on_podman_removes_the_containers_of_a_killed_one() {
    next_run(Engine::Podman);
}

#[test]
fn reaping_removes_the_containers_of_a_killed_run() {
    check(Engine::Docker, |project| {
        let shown = project.shakedown().args(["ledger", "latest"]).finish();
        shown
            .expect_code(0)
            .expect_stdout("container_endless.txtar:2")
            .expect_stdout("not cleaned yet");
        let output = project.shakedown().arg("reap").finish();
        let shown = project.shakedown().args(["ledger", "latest"]).finish();
        shown.expect_stdout("s later").expect_stdout("(clean)");
        output
    });
}

#[test]
fn an_engine_that_cannot_be_reached_leaves_everything_as_it_is() {
    if !Engine::Docker.usable() {
        return;
    }
    let (project, running, id) = endless(Engine::Docker, |project| Engine::Docker.run(project));
    kill_all(running);
    let output = project
        .shakedown()
        .arg("reap")
        .env("DOCKER_HOST", "unix:///nonexistent")
        .finish();
    output
        .expect_code(103)
        .expect_stderr("docker cannot be asked, so what runs left there stays");
    let label = format!("label=dev.shakedown.run={id}");
    let there = || Engine::Docker.lines(&["ps", "-a", "-q", "--filter", &label]);
    assert_eq!(there().len(), 2);
    let output = project.shakedown().arg("reap").finish();
    output.expect_code(0);
    assert!(there().is_empty());
}

#[test]
fn reaping_says_when_somebody_has_removed_everything_already() {
    if !Engine::Docker.usable() {
        return;
    }
    let (project, running, id) = endless(Engine::Docker, |project| Engine::Docker.run(project));
    kill_all(running);
    let label = format!("label=dev.shakedown.run={id}");
    for container in Engine::Docker.lines(&["ps", "-a", "-q", "--filter", &label]) {
        // One of them goes by itself when it ends.
        Engine::Docker
            .client(&["rm", "-f", "-v", &container])
            .output()
            .unwrap();
    }
    eventually("its processes have ended", || {
        processes_of(&id).is_empty().then_some(())
    });
    let reap = || project.shakedown().arg("reap").finish();
    reap()
        .expect_code(0)
        .expect_stderr(&format!("nothing is left of {id}"));
    reap().expect_code(0).expect_stdout("nothing to reap");
}
