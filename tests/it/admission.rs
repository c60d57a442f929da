//! When container trials may start: an engine that goes away in mid-run, comes back, or answers and does nothing; a
//! machine without room. The engines are doubles, small programs in PATH that fail when a file says so; and one Docker
//! daemon of the test's own, which is killed and started again.

use std::fs;

use super::daemon::Daemon;
use super::engines::BASE;
use super::project::{Output, Project, Run, eventually};

/// A client of an engine that is gone while `down` is there. Its `run` does what its first word says.
const DOUBLE: &str = r#"#!/bin/sh
echo "$*" >>"$HOME/asked"
if [ -e "$HOME/down" ]; then
    echo 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?' >&2
    exit 1
fi
case $1 in
version) echo '{"Client":{"Version":"28.0.0"},"Server":{"Version":"28.0.0","Components":[]}}' ;;
info) echo '{"ID":"DOUB:LE","Driver":"overlay2","DefaultRuntime":"runc"}' ;;
container | inspect)
    for word; do :; done
    echo "Error response from daemon: No such container: $word" >&2
    exit 1
    ;;
run)
    for word; do
        case $word in
        --cidfile=*) printf %064d 7 >"${word#--cidfile=}" ;;
        esac
    done
    case $* in
    *takes-it-down*) touch "$HOME/down" ;;
    *fails*)
        echo 'docker: Error response from daemon: received unexpected HTTP status: 503 Service Unavailable' >&2
        exit 125
        ;;
    esac
    ;;
esac
"#;

/// A project with this `[admission]`, whose container trials go one after the other, by name.
fn project(admission: &str) -> Project {
    let settings = format!(
        "scripts = [\"scripts\"]\n[policy]\ndocker = \"serial\"\nwidth = 1\n[admission]\n{admission}\n"
    );
    Project::with_settings(&settings).program("bin/docker", DOUBLE)
}

/// At an address where nobody is: whatever is asked, the double is asked.
fn doubled(project: &Project) -> Run<'_> {
    let run = project.run().path(&project.path("bin"));
    run.env("DOCKER_HOST", "tcp://127.0.0.1:1")
}

/// Lists of all containers that were asked for by nobody but detection and admission.
fn looks(project: &Project) -> usize {
    let asked = fs::read_to_string(project.path("home/asked")).unwrap();
    asked.lines().filter(|line| *line == "ps -a -q").count()
}

#[track_caller]
fn expect_not_run(project: &Project, trials: &[&str], why: &str) {
    let record = project.record();
    for trial in trials {
        let (verdict, reason) = record.verdict(trial);
        assert_eq!(verdict, "not_run", "{trial}: {reason}");
        assert!(reason.contains(why), "{trial}: {reason}");
    }
}

#[test]
fn when_the_engine_is_gone_the_plain_lane_goes_on_and_the_rest_is_not_run() {
    let project = project("settle = \"1s\"")
        .script("container_a", "exec $ENGINE run takes-it-down\n")
        .script("container_b", "exec $ENGINE run x\n")
        .script("container_c", "exec $ENGINE run x\n")
        .script("plain", "exec true\n");
    let output = doubled(&project).finish();
    output.expect_code(102);
    output.expect_stderr("container trials wait, for 1s at most: engine down: docker: its daemon");
    assert_eq!(project.record().verdict("plain").0, "passed");
    let why = "engine down: docker: its daemon cannot be reached";
    expect_not_run(&project, &["container_c"], why);
}

#[test]
fn a_trial_that_ran_into_the_engines_end_is_a_fault_and_no_failure() {
    let project = project("settle = \"1s\"");
    let down = project.path("home/down");
    // Within 5 s of an answer nobody asks the engine whether it is there.
    let script = format!("exec touch {}\nexec $ENGINE run x\n", down.display());
    let project = project
        .script("container_a", "exec $ENGINE run x\n")
        .script("container_b", script);
    let output = doubled(&project).finish();
    let record = project.record();
    assert_eq!(record.verdict("container_a").0, "passed");
    let (verdict, reason) = record.verdict("container_b");
    assert_eq!(verdict, "faulted", "{reason}");
    assert!(reason.starts_with("engine down: "), "{reason}");
    output.expect_code(102);
}

#[test]
fn when_the_engine_comes_back_its_lane_goes_on() {
    let project = project("settle = \"100s\"")
        .script(
            "container_a",
            "exec $ENGINE run takes-it-down\n! exec $ENGINE ps\n",
        )
        .script("container_b", "exec $ENGINE run x\n");
    let run = doubled(&project).start();
    eventually("it waits", || {
        run.stderr()
            .contains("container trials wait, for 1m40s at most: engine down: ")
            .then_some(())
    });
    fs::remove_file(project.path("home/down")).unwrap();
    let output: Output = run.finish();
    output.expect_stderr("container trials go on");
    let record = project.record();
    assert_eq!(record.verdict("container_b").0, "passed");
    output.expect_code(0);
}

#[test]
fn an_engine_that_answers_and_starts_nothing_is_given_up() {
    let failing = "exec $ENGINE run fails\n";
    let project = ["a", "b", "c", "d", "e", "f", "g"]
        .iter()
        .fold(project("engine-faults = 2"), |project, name| {
            project.script(&format!("container_{name}"), failing)
        });
    let output = doubled(&project).finish();
    output.expect_stderr("engine down: it failed 2 trials in a row");
    let why = "engine down: it failed 2 trials in a row";
    expect_not_run(
        &project,
        &["container_e", "container_f", "container_g"],
        why,
    );
    let started = project.record().of("attempt_started").count();
    assert!((4..=5).contains(&started), "{started} attempts");
    assert_ne!(output.code(), 0);
}

#[test]
fn a_disk_without_room_holds_containers_back_and_nothing_else() {
    let project = project("disk-floor = \"9000000GB\"\nsettle = \"1s\"")
        .script("container_a", "exec $ENGINE run x\n")
        .script("plain", "exec true\n");
    let output = doubled(&project).finish();
    output.expect_code(102);
    output.expect_stderr("container trials wait, for 1s at most: no room: ");
    output.expect_stderr("below the floor of 9000000.0 GB");
    assert_eq!(project.record().verdict("plain").0, "passed");
    expect_not_run(&project, &["container_a"], "no room: ");
}

#[test]
fn while_trials_go_well_the_engine_is_not_asked_for_its_health() {
    let project = (0..6).fold(project(""), |project, number| {
        project.script(&format!("container_{number}"), "exec $ENGINE run x\n")
    });
    doubled(&project).finish().expect_code(0);
    assert_eq!(looks(&project), 1, "detection asks once");
}

#[test]
fn a_docker_daemon_that_is_killed_and_comes_back_costs_no_trial() {
    let Some(mut daemon) = Daemon::start() else {
        return;
    };
    let settings = format!(
        "scripts = [\"scripts\"]\n[policy]\ndocker = \"serial\"\nwidth = 1\n[admission]\nsettle = \"100s\"\n[environment]\nBASE = \"{BASE}\"\n"
    );
    let project = Project::with_settings(&settings);
    let (ready, gone) = (project.path("ready"), project.path("gone"));
    let wait = format!(
        "touch {}\nwhile ! test -e {}; do sleep 0.05; done\n",
        ready.display(),
        gone.display()
    );
    let run = "exec $ENGINE run --rm --network none $BASE true\n";
    let project = project
        .script(
            "container_a",
            format!("{run}exec sh wait.sh\n! exec $ENGINE ps\n-- wait.sh --\n{wait}"),
        )
        .script("container_b", run);
    let shakedown = project.run().args(["--engine", "docker"]);
    let running = shakedown.env("DOCKER_HOST", daemon.host()).start();
    eventually("the first script is in its middle", || {
        ready.exists().then_some(())
    });
    daemon.kill();
    fs::write(gone, "").unwrap();
    eventually("the lane waits", || {
        let told = running.stderr();
        told.contains("container trials wait, for 1m40s at most: engine down: docker: its daemon")
            .then_some(())
    });
    daemon.restart();
    let output = running.finish();
    output.expect_stderr("container trials go on");
    let record = project.record();
    assert_eq!(record.verdict("container_a").0, "passed");
    assert_eq!(record.verdict("container_b").0, "passed");
    output.expect_code(0);
}
