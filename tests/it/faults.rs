//! What goes wrong beneath a script: a worker that dies, a command that never returns, processes that hide.

use super::project::{Project, nothing_left_of};
use super::verdicts::{check, fixtures, project};

#[test]
fn a_worker_that_crashes_is_a_fault_of_its_trial_and_the_others_run() {
    let crash = fixtures(|name| name == "crash");
    let project = ["one", "two", "three"]
        .iter()
        .fold(project(&crash), |project, name| {
            project.script(name, "exec true\n")
        });
    let output = project
        .target()
        .arg("--test-threads=1")
        .without_engine()
        .finish();
    let record = project.record();
    output.expect_code(102);
    check(&crash, &record);
    for name in ["one", "two", "three"] {
        assert_eq!(record.verdict(name).0, "passed");
    }
    let fault = &record.report("crash")["outcome"]["faulted"];
    assert_eq!(fault["kind"], "slot");
    assert!(
        fault["message"]
            .as_str()
            .unwrap()
            .contains("was killed by signal 6"),
        "{fault}"
    );
    output.expect_stdout("crash-slot: something went terribly wrong");
    output.expect_stdout("test result: FAILED. 3 passed; 1 failed;");
    let replaced: Vec<_> = record.of("slot_replaced").collect();
    assert_eq!(replaced.len(), 1, "{replaced:?}");
}

#[test]
fn a_worker_that_crashes_takes_the_processes_of_its_script_along() {
    let script =
        "exec sh -c 'setsid sleep 1000 >/dev/null 2>&1 &'\nexec sleep 1000 &\ncrash-slot\n";
    let project = Project::new().script("crash", script);
    project.target().without_engine().finish().expect_code(102);
    nothing_left_of(project.record().run());
}

#[test]
fn workers_that_crash_one_after_the_other_do_not_stop_the_run() {
    let project = (0..5).fold(Project::new(), |project, number| {
        project.script(&format!("crash{number}"), "crash-slot\n")
    });
    let project = project.script("good", "exec true\n");
    let output = project.target().without_engine().finish();
    output.expect_code(102);
    output.expect_stdout("test result: FAILED. 1 passed; 5 failed;");
}

#[test]
fn a_failure_outranks_a_fault() {
    let project = Project::new()
        .script("crash", "crash-slot\n")
        .script("fails", "exec false\n");
    project.target().without_engine().finish().expect_code(101);
}

#[test]
fn a_command_of_the_users_that_never_returns_meets_its_deadline() {
    let project = Project::new()
        .script(
            "a",
            "#: deadline = \"500ms\"\nexec sleep 1000 &\nnever-returns\n",
        )
        .script("b", "exec true\n")
        .script("c", "exec true\n");
    let output = project
        .target()
        .arg("--test-threads=1")
        .without_engine()
        .finish();
    let record = project.record();
    output.expect_code(101);
    assert!(
        ["hung", "slow"].contains(&record.verdict("a").0),
        "{:?}",
        record.verdict("a")
    );
    let place = &record.report("a")["outcome"]["timed_out"]["place"];
    assert_eq!(
        (&place["line"], &place["text"]),
        (&3.into(), &"never-returns".into())
    );
    for name in ["b", "c"] {
        assert_eq!(record.verdict(name).0, "passed");
    }
    nothing_left_of(record.run());
}

#[test]
fn processes_that_hide_from_their_script_end_with_it_and_are_named() {
    let script = "exec sh -c 'setsid sh -c \"sleep 1001 & exec sleep 1002\" >/dev/null 2>&1 </dev/null & exit 0'\nexec true\n";
    let project = Project::new().script("hides", script);
    let output = project.run().without_engine().finish();
    output.expect_code(0);
    let record = project.record();
    nothing_left_of(record.run());
    let ended = record.report("hides")["ended"].as_array().unwrap().clone();
    let commands: Vec<&str> = ended
        .iter()
        .map(|process| process["command"].as_str().unwrap())
        .collect();
    for hidden in ["sleep 1001", "sleep 1002"] {
        assert!(
            commands.iter().any(|command| command.ends_with(hidden)),
            "{hidden} in {commands:?}"
        );
    }
}

#[test]
fn a_stopped_process_does_not_outlive_its_deadline() {
    let project = Project::new().script(
        "stops",
        "#: deadline = \"500ms\"\nexec sh -c 'kill -STOP $$'\n",
    );
    project.run().without_engine().finish().expect_code(101);
    let record = project.record();
    assert_eq!(record.verdict("stops").0, "hung");
    nothing_left_of(record.run());
}

#[test]
fn a_script_that_cannot_be_read_as_text_still_runs() {
    let project = Project::new().script(
        "bytes",
        b"exec printf '\xff\\n'\nstdout '^.$'\n-- bin --\n\xfe\xff\n",
    );
    let output = project.run().arg("--show-output").without_engine().finish();
    output.expect_code(0);
}

#[test]
fn a_trial_whose_file_vanishes_is_a_fault() {
    let project = Project::new();
    let second = project.path("scripts/b.txtar").display().to_string();
    let project = project
        .script("a", format!("exec rm {second}\n"))
        .script("b", "exec true\n");
    let output = project
        .run()
        .arg("--test-threads=1")
        .without_engine()
        .finish();
    output.expect_code(102);
    assert_eq!(project.record().verdict("b").0, "faulted");
}

#[test]
fn a_state_directory_that_cannot_be_written_is_told_before_anything_runs() {
    let project = Project::new()
        .script("one", "exec true\n")
        .file("taken", "a file");
    let state = project.path("taken/state");
    let output = project
        .run()
        .arg("--state-dir")
        .arg(state)
        .without_engine()
        .finish();
    output
        .expect_code(2)
        .expect_stderr("cannot write to the state directory")
        .expect_stderr("\n  hint: `--state-dir DIR` names another\n");
    assert_eq!(output.stdout(), "");
}
