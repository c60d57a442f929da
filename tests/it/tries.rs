//! Tries: what fails once and passes then, what engines say that passes by itself, and quarantine. Scripts fail
//! once by a mark outside their work directory; the engine is a double.

use super::project::{Output, Project, Record, Run};

/// Fails with 7 until it has left its mark.
const ONCE: &str = "exec sh -c 'test -e $MARK || { touch $MARK; echo no luck >&2; exit 7; }'\n";

/// What a healthy client answers, and `run` fails once as if the daemon were just starting.
const STARTING: &str = r#"#!/bin/sh
case $1 in
version) echo '{"Client":{"Version":"28.0.0"},"Server":{"Version":"28.0.0","Components":[]}}' ;;
info) echo '{"ID":"DOUB:LE","Driver":"overlay2","DefaultRuntime":"runc"}' ;;
run|tag)
    if ! test -e "$HOME/up"; then
        touch "$HOME/up"
        echo 'docker: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?' >&2
        exit 125
    fi ;;
esac
"#;

fn once(script: &str) -> Project {
    Project::new().script("once", script)
}

fn marked(project: &Project) -> Run<'_> {
    let mark = format!("MARK={}", project.path("mark").display());
    project.run().args(["-e", &mark])
}

/// Verdicts of the attempts in the order of their ends.
fn attempts(record: &Record) -> Vec<String> {
    let of = |event: &serde_json::Value| event["judgement"]["verdict"].as_str().unwrap().to_owned();
    record.of("attempt_ended").map(of).collect()
}

fn doubled(project: &Project) -> Run<'_> {
    project
        .run()
        .path(&project.path("bin"))
        .args(["--engine", "docker"])
}

#[test]
fn what_fails_is_not_tried_again_unless_asked_for() {
    let project = once(ONCE);
    let output = marked(&project).finish();
    output
        .expect_code(101)
        .expect_stdout("test once ... FAILED\n");
    assert_eq!(attempts(&project.record()), ["failed"]);
}

#[test]
fn what_passes_on_another_try_is_flaky_with_its_evidence() {
    let project = once(ONCE);
    let output = marked(&project).args(["--retries", "2"]).finish();
    output
        .expect_code(0)
        .expect_stdout("test once ... ok\n")
        .expect_stdout("1 passed; 0 failed;")
        .expect_stderr("RETRY  once: scripts/once.txtar:1: unexpected command failure; again in ")
        .expect_stderr("try 2 of 3")
        .expect_stderr("no luck")
        .expect_stderr("FLAKY  once passed after 1 try that did not")
        .expect_stderr("1 flaky in");
    let record = project.record();
    assert_eq!(record.verdict("once").0, "flaky");
    assert_eq!(attempts(&record), ["failed", "passed"]);
}

#[test]
fn a_flaky_script_can_fail_the_run() {
    for typed in [true, false] {
        let project = once(ONCE);
        let (run, project) = if typed {
            (marked(&project).args(["--flaky-result", "fail"]), &project)
        } else {
            let settings = "scripts = [\"scripts\"]\n[retry]\nflaky-result = \"fail\"\n";
            std::fs::write(project.path("harness.toml"), settings).unwrap();
            (marked(&project), &project)
        };
        let output = run.args(["--retries", "1"]).finish();
        output
            .expect_code(101)
            .expect_stdout("test once ... FAILED\n");
        assert_eq!(project.record().verdict("once").0, "flaky");
    }
}

#[test]
fn tries_that_all_fail_are_a_failure_that_shows_each() {
    let project = once("exec false\n");
    let output = project.run().args(["--retries", "2"]).finish();
    output
        .expect_code(101)
        .expect_stdout("test once ... FAILED\n")
        .expect_stdout("attempt 1: scripts/once.txtar:1: unexpected command failure\nattempt 2: ");
    assert_eq!(attempts(&project.record()), ["failed"; 3]);
}

#[test]
fn a_header_goes_before_the_file_and_a_flag_before_the_header() {
    let script = format!("#: retries = 1\n{ONCE}");
    let project = once(&script);
    marked(&project).finish().expect_code(0);
    assert_eq!(attempts(&project.record()), ["failed", "passed"]);
    let project = once(&script);
    marked(&project)
        .args(["--retries", "0"])
        .finish()
        .expect_code(101);
    let project = once(&script);
    marked(&project)
        .env("SHAKEDOWN_RETRIES", "0")
        .finish()
        .expect_code(101);
}

#[test]
fn a_budget_that_was_set_ends_the_tries() {
    let settings = "scripts = [\"scripts\"]\n[retry]\nfailures = 5\nbudget = 2\n";
    let project = Project::with_settings(settings).script("never", "exec false\n");
    let output = project.run().finish();
    output
        .expect_code(101)
        .expect_stderr("RETRY  never: not tried again: the run's budget of 2 tries is used up");
    assert_eq!(attempts(&project.record()), ["failed"; 3]);
}

#[test]
fn what_an_engine_says_that_passes_by_itself_is_tried_again_where_that_is_safe() {
    let script = "exec docker run --rm x\n";
    let project = Project::new()
        .program("bin/docker", STARTING)
        .script("container_run", script);
    let output = doubled(&project).finish();
    output
        .expect_code(0)
        .expect_stdout("test container_run ... ok\n")
        .expect_stderr("KNOWN  container_run: `docker-cannot-connect`: ")
        .expect_stderr("`docker-cannot-connect` may pass by itself after `docker run`");
    let record = project.record();
    assert_eq!(record.verdict("container_run").0, "flaky");
    assert_eq!(attempts(&record), ["failed", "passed"]);
}

#[track_caller]
fn expect_one_try(output: &Output, project: &Project, code: i32, verdict: &str) {
    output.expect_code(code);
    assert_eq!(attempts(&project.record()), [verdict]);
}

#[test]
fn after_other_commands_or_when_it_was_expected_it_is_not_tried_again() {
    let with = |script: &str| {
        let project = Project::new();
        project
            .program("bin/docker", STARTING)
            .script("container_a", script)
    };
    let unsafe_command = with("exec docker tag a b\n");
    expect_one_try(
        &doubled(&unsafe_command).finish(),
        &unsafe_command,
        101,
        "failed",
    );
    let expected = with("! exec docker run x\nstderr 'Cannot connect'\n");
    expect_one_try(&doubled(&expected).finish(), &expected, 0, "passed");
    let settings = "scripts = [\"scripts\"]\n[retry]\nsignatures = false\n";
    let off = Project::with_settings(settings)
        .program("bin/docker", STARTING)
        .script("container_a", "exec docker run x\n");
    expect_one_try(&doubled(&off).finish(), &off, 101, "failed");
}

#[test]
fn a_signature_of_the_users_own_goes_before_the_catalogue() {
    let settings = "scripts = [\"scripts\"]\n[[signature]]\nid = \"house\"\nregex = \"^docker: Cannot connect\"\nretry = [\"tag\"]\ncause = \"our daemon starts late\"\n";
    let project = Project::with_settings(settings)
        .program("bin/docker", STARTING)
        .script("container_a", "exec sh -c 'docker tag a b'\n");
    let output = doubled(&project).finish();
    output
        .expect_code(0)
        .expect_stderr("KNOWN  container_a: `house`: our daemon starts late\n");
    assert_eq!(project.record().verdict("container_a").0, "flaky");
}

/// A project with two scripts that fail, the first in quarantine until this day.
fn quarantined(until: &str) -> Project {
    let settings = format!(
        "scripts = [\"scripts\"]\n[[quarantine]]\nname = \"sick\"\nreason = \"DNS of the runners\"\nissue = \"example/project#7\"\nuntil = {until}\n"
    );
    Project::with_settings(&settings).script("sick", "exec false\n")
}

#[test]
fn quarantine_reports_and_does_not_fail_the_run() {
    let project = quarantined("9999-12-31").script("well", "exec true\n");
    let output = project.run().finish();
    output
        .expect_code(0)
        .expect_stdout("test sick ... ignored, failed (quarantined until 9999-12-31: DNS of the runners, example/project#7)\n")
        .expect_stdout("1 passed; 0 failed; 1 ignored;")
        .expect_stderr("1 failed (quarantined)");
    assert_eq!(project.record().verdict("sick").0, "failed");
    quarantined("9999-12-31")
        .script("other", "exec false\n")
        .run()
        .finish()
        .expect_code(101);
}

#[test]
fn a_quarantine_that_is_over_protects_no_more_and_says_so() {
    let project = quarantined("2001-01-01");
    project
        .run()
        .finish()
        .expect_code(101)
        .expect_stderr("warning: the quarantine of `sick` (harness.toml:2, example/project#7) ended on 2001-01-01: it protects no more");
}

#[test]
fn a_quarantine_of_nothing_is_reported_unless_scripts_were_named() {
    let project = quarantined("9999-12-31");
    std::fs::rename(
        project.path("scripts/sick.txtar"),
        project.path("scripts/cured.txtar"),
    )
    .unwrap();
    let note = "is of no use: no script has such a name";
    project.run().finish().expect_stderr(note);
    let output = project.run().arg("scripts/cured.txtar").finish();
    assert!(!output.stderr().contains(note), "{}", output.stderr());
}
