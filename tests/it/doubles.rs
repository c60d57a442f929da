//! Engines that are missing, dead, slow, crazy or masked: the container lane says why, in its time, and the
//! plain lane never waits for it. The clients in these tests are doubles, small programs in PATH.

use super::project::{Output, Project, Run};

/// What a healthy client answers; whatever else it is asked succeeds without a word.
const HEALTHY: &str = r#"#!/bin/sh
echo "$*" >>"$HOME/asked"
case $1 in
version) echo '{"Client":{"Version":"28.0.0"},"Server":{"Version":"28.0.0","Components":[]}}' ;;
info) echo '{"ID":"DOUB:LE","Driver":"overlay2","DefaultRuntime":"runc"}' ;;
esac
"#;

/// A container trial and a plain one.
fn two() -> Project {
    Project::new()
        .script("container_one", "exec $ENGINE run something\n")
        .script("plain", "exec true\n")
}

/// The same, with a client of this name and body.
fn with(name: &str, body: &str) -> Project {
    two().program(&format!("bin/{name}"), body)
}

fn doubled(project: &Project) -> Run<'_> {
    project.run().path(&project.path("bin"))
}

/// The container trial was left out for this reason, and the plain one passed.
#[track_caller]
fn expect_left_out(output: &Output, project: &Project, reason: &str) {
    output.expect_code(0);
    let record = project.record();
    assert_eq!(record.verdict("plain").0, "passed");
    let (verdict, why) = record.verdict("container_one");
    assert_eq!(verdict, "ignored");
    assert!(why.contains(reason), "{reason:?} in {why:?}");
    output.expect_stdout(&format!("test container_one ... ignored, {why}"));
}

#[test]
fn without_any_engine_the_container_lane_is_left_out_with_the_reason() {
    let project = two();
    let output = project.run().without_engine().finish();
    expect_left_out(
        &output,
        &project,
        "no container engine: neither `docker` nor `podman` is in PATH",
    );
}

#[test]
fn an_engine_that_is_required_and_missing_is_a_fault() {
    let project = two();
    let output = project
        .run()
        .arg("--require-engine")
        .without_engine()
        .finish();
    output.expect_code(102);
    let record = project.record();
    assert_eq!(record.verdict("plain").0, "passed");
    let (verdict, why) = record.verdict("container_one");
    assert_eq!(verdict, "faulted");
    assert!(
        why.contains("no `docker` in PATH; podman: no `podman` in PATH"),
        "{why}"
    );
}

#[test]
fn a_failing_trial_outranks_a_missing_engine() {
    let project = two().script("fails", "exec false\n");
    let output = project
        .run()
        .arg("--require-engine")
        .without_engine()
        .finish();
    output.expect_code(101);
}

#[test]
fn a_plain_script_that_calls_a_missing_engine_hears_why() {
    let project = Project::new().script(
        "calls",
        "exec sh -c 'command -v docker && docker ps; echo code $?'\nstdout 'code 127'\n",
    );
    let output = project.run().without_engine().finish();
    let record = project.record();
    // Held until an engine is found; when there is none, the trial is left out as others of the lane are.
    let (verdict, why) = record.verdict("calls");
    assert!(
        ["passed", "ignored"].contains(&verdict),
        "{verdict}: {why}\n{}",
        output.stdout()
    );
    output.expect_code(0);
}

#[test]
fn a_dead_daemon_is_named_by_its_address() {
    let client = "#!/bin/sh\necho \"Cannot connect to the Docker daemon at $DOCKER_HOST. Is the docker daemon running?\" >&2\nexit 1\n";
    let project = with("docker", client);
    let run = doubled(&project).args(["--engine", "docker"]);
    let output = run.env("DOCKER_HOST", "unix:///nonexistent").finish();
    expect_left_out(&output, &project, "docker: its daemon cannot be reached: ");
    output.expect_stderr("unix:///nonexistent");
}

#[test]
fn a_dead_daemon_that_is_required_is_a_fault() {
    let project = with(
        "docker",
        "#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\nexit 1\n",
    );
    let run = doubled(&project).args(["--engine", "docker", "--require-engine"]);
    run.finish()
        .expect_code(102)
        .expect_stdout("its daemon cannot be reached");
}

#[test]
fn a_client_that_hangs_is_given_up_within_its_limit() {
    let project = with("docker", "#!/bin/sh\nexec sleep 1000\n");
    let output = doubled(&project).finish();
    expect_left_out(
        &output,
        &project,
        "docker: `docker version` gave no answer within 10s",
    );
    let record = project.record();
    let at = |name: &str| record.of(name).next().unwrap()["at"].as_f64().unwrap();
    assert!(
        at("trial_settled") < at("engine"),
        "the plain lane did not wait"
    );
}

#[test]
fn a_client_that_crashes_is_named_with_its_signal() {
    let project = with("docker", "#!/bin/sh\nkill -SEGV $$\n");
    let output = doubled(&project).finish();
    expect_left_out(
        &output,
        &project,
        "docker: `docker version` was killed by signal 11",
    );
}

#[test]
fn a_socket_that_is_not_ours_is_named_as_that() {
    let client = "#!/bin/sh\necho 'permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: dial unix: connect: permission denied' >&2\nexit 1\n";
    let project = with("docker", client);
    let output = doubled(&project).finish();
    expect_left_out(
        &output,
        &project,
        "docker: no permission to use its socket: ",
    );
}

#[test]
fn a_client_that_talks_nonsense_is_told_so() {
    let project = with("docker", "#!/bin/sh\necho hello\n");
    let output = doubled(&project).finish();
    expect_left_out(
        &output,
        &project,
        "docker: `docker version` did not answer in JSON: hello",
    );
}

#[test]
fn a_sick_engine_gives_way_to_a_healthy_one_unless_it_was_asked_for() {
    let podman = "#!/bin/sh\ncase $1 in info) echo '{\"host\":{\"security\":{\"rootless\":true},\"serviceIsRemote\":false},\"store\":{\"graphRoot\":\"/g\"},\"version\":{\"Version\":\"5.0.0\"}}' ;; esac\n";
    let sick = "#!/bin/sh\nexit 1\n";
    let project = with("docker", sick).program("bin/podman", podman);
    let output = doubled(&project).finish();
    output.expect_code(0).expect_stderr("engine podman 5.0.0");
    assert_eq!(project.record().verdict("container_one").0, "passed");
    let project = with("docker", sick).program("bin/podman", podman);
    let output = doubled(&project).env("SHAKEDOWN_ENGINE", "docker").finish();
    expect_left_out(
        &output,
        &project,
        "docker: `docker version` failed with exit code 1",
    );
}

#[test]
fn the_engine_that_was_not_selected_is_masked() {
    let script = "! exec podman ps\nstderr '^podman: masked by shakedown, this run uses docker$'\nexec sh -c 'podman ps; echo code $?'\nstdout '^code 127$'\n";
    let project = with("docker", HEALTHY)
        .program(
            "bin/podman",
            "#!/bin/sh\necho called >>\"$HOME/podman-called\"\n",
        )
        .script("container_masked", script);
    let output = doubled(&project).finish();
    output.expect_code(0);
    assert!(!project.path("home/podman-called").exists());
}

#[test]
fn both_engines_can_be_allowed() {
    let project = Project::with_settings("scripts = [\"scripts\"]\nmasking = false\n")
        .program("bin/docker", HEALTHY)
        .program("bin/podman", "#!/bin/sh\necho this is the other one\n")
        .script(
            "container_both",
            "exec podman ps\nstdout '^this is the other one$'\n",
        );
    doubled(&project).finish().expect_code(0);
}

#[test]
fn processes_of_one_nextest_run_look_for_the_engine_once() {
    let project = with("docker", HEALTHY).script("container_two", "exec $ENGINE run something\n");
    for name in ["container_one", "container_two"] {
        let run = project
            .target()
            .args(["--exact", name, "--nocapture"])
            .nextest();
        run.path(&project.path("bin")).finish().expect_code(0);
    }
    let asked = std::fs::read_to_string(project.path("home/asked")).unwrap();
    assert_eq!(asked.matches("version --format").count(), 1, "{asked}");
}

#[test]
fn a_run_of_plain_scripts_asks_no_engine() {
    let project = Project::new()
        .script("plain", "exec true\n")
        .program("bin/docker", HEALTHY);
    doubled(&project).finish().expect_code(0);
    assert!(!project.path("home/asked").exists());
    assert!(project.record().of("engine").next().is_none());
}

#[test]
fn one_lane_can_be_left_out() {
    let project = with("docker", HEALTHY);
    let output = doubled(&project).args(["--lane", "plain"]).finish();
    output
        .expect_code(0)
        .expect_stdout("\nrunning 1 test\ntest plain ... ok\n");
    let output = doubled(&project).args(["--lane", "container"]).finish();
    output
        .expect_code(0)
        .expect_stdout("\nrunning 1 test\ntest container_one ... ok\n");
}

#[test]
fn a_script_hears_the_exit_code_and_both_streams_of_the_client() {
    let client = format!("{HEALTHY}case $1 in run) echo out; echo err >&2; exit 42 ;; esac\n");
    let project = Project::new()
        .program("bin/docker", &client)
        .script("container_code", "! exec $ENGINE run x\nstdout '^out$'\nstderr '^err$'\nexec sh -c '$ENGINE run x; echo $?'\nstdout '^42$'\n");
    doubled(&project).finish().expect_code(0);
}
