//! Who waits for whom: the container lane under its policies, scripts that are held, runs that take turns.
//!
//! The engines are doubles whose `run` takes a while, so that overlaps would show.

use serde_json::Value;

use super::project::{Project, Record, Run, Running};

/// A client that answers as a healthy Docker and whose `run` takes a second.
const DOCKER: &str = r#"#!/bin/sh
case $1 in
version) echo '{"Client":{"Version":"28.0.0"},"Server":{"Version":"28.0.0","Components":[]}}' ;;
info) echo '{"ID":"DOUB:LE","Driver":"overlay2","DefaultRuntime":"runc"}' ;;
run) exec sleep 1 ;;
esac
"#;

/// The same as a rootless Podman.
const PODMAN: &str = r#"#!/bin/sh
case $1 in
info) echo '{"host":{"security":{"rootless":true},"serviceIsRemote":false},"store":{"graphRoot":"/g"},"version":{"Version":"5.0.0"}}' ;;
run) exec sleep 1 ;;
esac
"#;

/// A Docker whose containers take 0.3 s to start and a second to end, and stay until they are removed.
const STARTS: &str = r#"#!/bin/sh
place=${0%/*}/containers
mkdir -p "$place"
for last; do :; done
case $1 in
version) echo '{"Client":{"Version":"28.0.0"},"Server":{"Version":"28.0.0","Components":[]}}' ;;
info) echo '{"ID":"DOUB:LE","Driver":"overlay2","DefaultRuntime":"runc"}' ;;
run)
    for word; do case $word in --cidfile=*) file=${word#*=} ;; esac; done
    id=$(printf %064x $$)
    echo created >"$place/$id"
    printf %s "$id" >"$file"
    sleep 0.3
    echo running >"$place/$id"
    exec sleep 1
    ;;
container)
    [ -e "$place/$last" ] || { echo "Error response from daemon: No such container: $last" >&2; exit 1; }
    case $4 in
    '{{.State.Status}}') cat "$place/$last" ;;
    *) echo "$last" ;;
    esac
    ;;
rm) rm "$place/$last" ;;
esac
"#;

/// Held at its call, for nothing in it names an engine.
const HELD: &str = "exec sh inside.sh\n-- inside.sh --\n\"$ENGINE\" run x\n";

fn project(client: &str, text: &str) -> Project {
    Project::new().program(&format!("bin/{client}"), text)
}

fn doubled<'p>(project: &'p Project, words: &[&str]) -> Run<'p> {
    project.run().path(&project.path("bin")).args(words)
}

/// Beginning and end of an attempt on the clock of the machine; a held one begins when it is admitted.
fn spans(record: &Record) -> Vec<(f64, f64)> {
    let first = &record.events[0];
    let zero = first["unix"].as_f64().unwrap();
    let at = |event: &Value| zero + event["at"].as_f64().unwrap();
    let started = record
        .of("attempt_started")
        .filter(|start| start["lane"] == "container");
    let span = |begin: &Value| {
        let end = record
            .of("attempt_ended")
            .find(|end| end["attempt"] == begin["attempt"]);
        (at(begin), at(end.unwrap()))
    };
    let mut spans: Vec<(f64, f64)> = started
        .chain(record.of("attempt_admitted"))
        .map(span)
        .collect();
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    spans
}

fn overlap(spans: &[(f64, f64)]) -> bool {
    spans.windows(2).any(|two| two[1].0 < two[0].1)
}

fn three(client: &str, text: &str) -> Project {
    (0..3).fold(project(client, text), |project, number| {
        project.script(&format!("container_{number}"), "exec $ENGINE run x\n")
    })
}

#[test]
fn the_policy_decides_whether_container_trials_overlap() {
    for (client, text, policy, overlaps) in [
        ("docker", DOCKER, None, true),
        ("docker", DOCKER, Some("--policy=serial"), false),
        ("podman", PODMAN, None, false),
        ("podman", PODMAN, Some("--policy=parallel"), true),
    ] {
        let project = three(client, text);
        let run = doubled(&project, &["--test-threads=3"]).args(policy);
        run.finish().expect_code(0);
        let spans = spans(&project.record());
        assert_eq!(overlap(&spans), overlaps, "{client} {policy:?}: {spans:?}");
    }
}

#[test]
fn plain_trials_run_beside_a_serial_container_lane() {
    let project = three("podman", PODMAN).script("plain", "exec sleep 0.5\n");
    doubled(&project, &["--test-threads=2"])
        .finish()
        .expect_code(0);
    let record = project.record();
    let most = record
        .of("attempt_started")
        .map(|start| start["parallelism"].as_u64().unwrap());
    assert_eq!(most.max(), Some(2));
}

#[test]
fn a_script_that_is_held_waits_its_turn_and_the_wait_is_not_charged() {
    let project = three("podman", PODMAN).script("held", format!("#: deadline = \"3s\"\n{HELD}"));
    let output = doubled(&project, &["--test-threads=2"]).finish();
    output.expect_code(0);
    let record = project.record();
    assert_eq!(record.verdict("held").0, "passed");
    let spans = spans(&record);
    assert_eq!(spans.len(), 4);
    assert!(!overlap(&spans), "{spans:?}");
    let held = record.of("attempt_held").next().unwrap();
    assert!(
        held["command"].as_str().unwrap().ends_with("podman run x") || held["command"] == "run x",
        "{held}"
    );
    output.expect_stderr("add `#: container = true` to scripts/held.txtar");
}

#[test]
fn a_script_says_itself_that_it_is_of_the_container_lane_or_not() {
    let project = project("podman", PODMAN)
        .script("says_so", format!("#: container = true\n{HELD}"))
        .script("container_not", "#: container = false\nexec true\n");
    doubled(&project, &[]).finish().expect_code(0);
    let record = project.record();
    let lane = |name: &str| {
        record
            .of("trial_planned")
            .find(|trial| trial["name"] == name)
            .unwrap()["lane"]
            .clone()
    };
    assert_eq!(
        (lane("says_so"), lane("container_not")),
        ("container".into(), "plain".into())
    );
    assert_eq!(record.of("attempt_held").count(), 0);
}

#[test]
fn a_script_that_is_held_when_the_run_is_interrupted_ends_too() {
    let project = project("podman", PODMAN.replace("sleep 1", "sleep 1000").as_str())
        .script("container_long", "exec $ENGINE run x\n")
        .script("held", HELD);
    let run = doubled(&project, &["--test-threads=2"]).start();
    let id = super::project::eventually("the script is held", || {
        let file = project.record_files().pop()?;
        let record = Record::read(&file);
        record.of("attempt_held").next()?;
        Some(record.run().to_owned())
    });
    run.signal(rustix::process::Signal::TERM);
    run.finish().expect_code(143);
    super::project::nothing_left_of(&id);
}

#[test]
fn runs_of_one_account_take_turns_on_a_serial_engine() {
    let [first, second] = [three("podman", PODMAN), three("podman", PODMAN)];
    let account = first.path("home/state");
    let start = |project: &Project| {
        doubled(project, &[])
            .env("XDG_STATE_HOME", &account)
            .start()
    };
    let runs = [start(&first), start(&second)];
    for run in runs.map(Running::finish) {
        run.expect_code(0);
    }
    let mut all = spans(&first.record());
    all.extend(spans(&second.record()));
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    assert_eq!(all.len(), 6);
    assert!(!overlap(&all), "{all:?}");
}

#[test]
fn a_run_that_waits_for_its_turn_can_be_interrupted() {
    let long = PODMAN.replace("sleep 1", "sleep 1000");
    let [first, second] =
        [1, 2].map(|_| project("podman", &long).script("container_one", "exec $ENGINE run x\n"));
    let account = first.path("home/state");
    let start = |project: &Project| {
        doubled(project, &[])
            .env("XDG_STATE_HOME", &account)
            .start()
    };
    let holder = start(&first);
    super::project::eventually("the first one runs", || {
        let record = Record::read(&first.record_files().pop()?);
        record.of("attempt_started").next().map(drop)
    });
    let waiting = start(&second);
    super::project::eventually("the second one waits", || {
        waiting
            .stderr()
            .contains(&holder.pid().to_string())
            .then_some(())
    });
    waiting.signal(rustix::process::Signal::INT);
    waiting.finish().expect_code(130);
    assert_eq!(second.record().verdict("container_one").0, "not_run");
    holder.signal(rustix::process::Signal::TERM);
    holder.finish().expect_code(143);
}

#[test]
fn a_run_that_has_waited_too_long_for_its_turn_says_who_has_it_and_runs_nothing_there() {
    let long = PODMAN.replace("sleep 1", "sleep 1000");
    let [first, second] = [1, 2].map(|_| {
        Project::with_settings("scripts = [\"scripts\"]\n[policy]\nwait = \"0s\"\n")
            .program("bin/podman", &long)
            .script("container_one", "exec $ENGINE run x\n")
    });
    let account = first.path("home/state");
    let start = |project: &Project| {
        doubled(project, &[])
            .env("XDG_STATE_HOME", &account)
            .start()
    };
    let holder = start(&first);
    super::project::eventually("the first one runs", || {
        let record = Record::read(&first.record_files().pop()?);
        record.of("attempt_started").next().map(drop)
    });
    let waiting = start(&second).finish();
    waiting.expect_code(102);
    let record = second.record();
    let (verdict, reason) = record.verdict("container_one");
    assert_eq!(verdict, "not_run");
    let pid = holder.pid();
    assert!(
        reason.contains(&format!("it is used by process {pid}: ")),
        "{reason}"
    );
    holder.signal(rustix::process::Signal::TERM);
    holder.finish().expect_code(143);
}

/// When each call had the gate.
fn passages(record: &Record) -> Vec<(f64, f64)> {
    let first = &record.events[0];
    let zero = first["unix"].as_f64().unwrap();
    let span = |passage: &Value| {
        let begin = zero + passage["opened"].as_f64().unwrap();
        (begin, begin + passage["held"].as_f64().unwrap())
    };
    record.of("gate_passed").map(span).collect()
}

#[test]
fn under_gated_scripts_overlap_and_starts_do_not_not_even_those_of_two_runs() {
    let [first, second] = [three("docker", STARTS), three("docker", STARTS)];
    let account = first.path("home/state");
    let start = |project: &Project| {
        doubled(project, &["--policy=gated", "--test-threads=3"])
            .env("XDG_STATE_HOME", &account)
            .start()
    };
    let runs = [start(&first), start(&second)];
    for run in runs.map(Running::finish) {
        run.expect_code(0);
    }
    let records = [first.record(), second.record()];
    let merged = |of: fn(&Record) -> Vec<(f64, f64)>| {
        let mut all: Vec<_> = records.iter().flat_map(of).collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        all
    };
    let passages = merged(passages);
    assert_eq!(passages.len(), 6);
    assert!(!overlap(&passages), "{passages:?}");
    // Each had it until its container ran, and not until it ended.
    for (begin, end) in passages {
        assert!(end - begin >= 0.3, "{begin}..{end}");
    }
    assert!(overlap(&merged(spans)));
}

#[test]
fn a_script_that_wants_to_be_alone_is() {
    let wait = "exec sleep 0.3\n";
    let project = (0..3).fold(Project::new(), |project, number| {
        project.script(&format!("wait{number}"), wait)
    });
    let project = project.script("alone", format!("#: serial = true\n{wait}"));
    let run = project.run().arg("--test-threads=3").without_engine();
    run.finish().expect_code(0);
    let record = project.record();
    let at = |event: &Value| event["at"].as_f64().unwrap();
    let number = record
        .of("trial_planned")
        .find(|trial| trial["name"] == "alone")
        .unwrap()["trial"]
        .clone();
    let id = format!("{number}.1.1");
    let of = |name: &str, id: &str| {
        at(record
            .of(name)
            .find(|event| event["attempt"] == id)
            .unwrap())
    };
    let span = |id: &str| (of("attempt_started", id), of("attempt_ended", id));
    let (begin, end) = span(&id);
    for start in record
        .of("attempt_started")
        .filter(|start| start["attempt"] != id.as_str())
    {
        let other = span(start["attempt"].as_str().unwrap());
        assert!(
            other.1 <= begin || end <= other.0,
            "{other:?} overlaps {begin}..{end}"
        );
    }
}

#[test]
fn a_script_that_asks_for_more_than_there_is_is_named_before_the_run() {
    let project = Project::new()
        .script("modest", "#: cpus = 2\nexec true\n")
        .script("wide", "# Much of it.\n#: cpus = 9\nexec true\n");
    let output = project.run().arg("--test-threads=2").finish();
    output.expect_code(0).expect_stderr(
        "warning: scripts/wide.txtar:2 (cpus = 9) asks for more than the 2 that there are: it runs alone in the lane\n",
    );
    assert!(!output.stderr().contains("modest"), "{}", output.stderr());
    let output = project.run().arg("--test-threads=9").finish();
    assert!(!output.stderr().contains("cpus"), "{}", output.stderr());
}
