//! Scripts that would harm others: their work directories lead elsewhere, their processes multiply and flee,
//! their output pretends to be something else.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::project::{Project, nothing_left_of};

/// A project beside a folder that no script owns.
fn with_precious() -> (Project, PathBuf) {
    let project = Project::new().file("precious/file", "precious\n");
    let precious = project.path("precious");
    (project, precious)
}

#[track_caller]
fn expect_untouched(project: &Project) {
    let precious = project.path("precious");
    assert_eq!(
        fs::read_to_string(precious.join("file")).unwrap(),
        "precious\n"
    );
    let mode = fs::metadata(&precious).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o755);
    let left: Vec<_> = fs::read_dir(project.path("tmp")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn links_out_of_a_work_directory_are_not_followed_when_it_is_removed() {
    let (project, precious) = with_precious();
    let precious = precious.display();
    let script = format!(
        "exec ln -s {precious} link\nmkdir deep\nexec ln -s {precious} deep/link\nchmod 000 deep\n"
    );
    let project = project.script("links", script);
    project.run().without_engine().finish().expect_code(0);
    expect_untouched(&project);
}

#[test]
fn a_work_directory_that_was_replaced_by_a_link_harms_nobody() {
    let (project, precious) = with_precious();
    let script = format!(
        "exec sh -c 'cd / && rm -rf \"$WORK\" && ln -s {} \"$WORK\"'\n",
        precious.display()
    );
    let project = project
        .script("a_swaps", script)
        .script("b_next", "mkdir made\n");
    project
        .run()
        .arg("--test-threads=1")
        .without_engine()
        .finish();
    assert_eq!(project.record().verdict("b_next").0, "passed");
    assert!(!project.path("precious/made").exists());
    expect_untouched(&project);
}

#[test]
fn a_work_directory_that_the_script_removes_is_not_missed() {
    let project = Project::new()
        .script("a_removes", "exec sh -c 'cd / && rm -rf \"$WORK\"'\n")
        .script("b_next", "mkdir made\n");
    let output = project
        .run()
        .arg("--test-threads=1")
        .without_engine()
        .finish();
    output.expect_code(0);
}

#[test]
fn hundreds_of_processes_end_at_the_deadline() {
    let script = "#: deadline = \"3s\"\nexec sh -c 'i=0; while [ $i -lt 300 ]; do sleep 1000 & i=$((i+1)); done; wait'\n";
    let project = Project::new().script("many", script);
    project.run().without_engine().finish().expect_code(101);
    let record = project.record();
    nothing_left_of(record.run());
    assert!(record.report("many")["ended"].as_array().unwrap().len() >= 250);
}

#[test]
fn processes_that_flee_from_generation_to_generation_are_caught() {
    let script = "exec sh again.sh\nexec sleep 0.2\n-- again.sh --\nsleep 0.02\nsetsid sh again.sh >/dev/null 2>&1 </dev/null &\n";
    let project = Project::new().script("flees", script);
    project.run().without_engine().finish();
    let record = project.record();
    nothing_left_of(record.run());
    assert!(
        !record.report("flees")["ended"]
            .as_array()
            .unwrap()
            .is_empty()
    );
}

#[test]
fn output_of_a_failing_script_never_breaks_the_lines_of_json() {
    let script = b"exec printf '\"quoted\" \\\\ \\033[31mred\\033[0m \\001 \\377\\376 \\n::error::fake\\n'\nexec false\n";
    let project = Project::new().script("odd", script);
    let run = project.run().args(["--format", "json"]);
    let output = run.without_engine().finish();
    output.expect_code(101);
    for line in output.stdout().lines() {
        let parsed = serde_json::from_str::<serde_json::Value>(line);
        assert!(parsed.is_ok(), "{line}");
    }
    // The record keeps the bytes as they are.
    let record = project.record();
    let log = &record.report("odd")["log"];
    assert!(
        log["hex"].as_str().is_some_and(|hex| hex.contains("fffe")),
        "{log}"
    );
}

#[test]
fn a_report_of_odd_output_is_the_same_as_the_run_printed() {
    let script = b"exec printf '\\377\\376 \\033[31m\\n'\nexec false\n";
    let project = Project::new().script("odd", script);
    let run = project.run().without_engine().finish();
    let report = project.shakedown().args(["report", "latest"]).finish();
    assert_eq!(report.stdout(), run.stdout());
}

#[test]
fn only_so_many_records_are_kept() {
    let settings = "scripts = [\"scripts\"]\n\n[record]\nkeep-runs = 2\n";
    let project = Project::with_settings(settings).script("one", "exec true\n");
    let run = || {
        project.run().without_engine().finish().expect_code(0);
        project.record_files()
    };
    let first = run();
    let second = run();
    let third = run();
    assert_eq!((first.len(), second.len(), third.len()), (1, 2, 2));
    assert!(!third.contains(&first[0]), "the oldest goes: {third:?}");
}

#[test]
fn the_state_directory_ignores_itself_for_git() {
    let project = Project::new().script("one", "exec true\n");
    project.run().without_engine().finish().expect_code(0);
    let ignored = fs::read_to_string(project.state().join(".gitignore"));
    assert_eq!(ignored.unwrap_or_default(), "*\n");
}

#[test]
fn a_script_goes_on_after_a_failure_when_it_is_asked_to() {
    let project = Project::new().script("one", "exec false\nexec true\n! exec true\n");
    let output = project.run().arg("--continue").without_engine().finish();
    output.expect_code(101);
    for part in [
        "one.txtar:1: unexpected command failure",
        "one.txtar:3: unexpected command success",
    ] {
        output.expect_stdout(part);
    }
}

#[test]
fn the_dialect_of_testscript_has_none_of_our_additions() {
    let project = Project::new()
        .script(
            "one",
            "exec sh -c 'echo \"[$ENGINE$TAG$RUN_ID]\"'\nstdout '^\\[\\]$'\n",
        )
        .script("two", "sleep 1ms\n");
    let output = project
        .run()
        .args(["--dialect", "testscript"])
        .without_engine()
        .finish();
    output.expect_code(101);
    output
        .expect_stdout("test one ... ok")
        .expect_stdout("unknown command \"sleep\"");
}
