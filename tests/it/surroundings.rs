//! Unusual surroundings: little environment, odd names, full disks, scripts that attack their worker.

use std::fs::OpenOptions;

use super::project::{Output, Project, Running, nothing_left_of};

#[test]
fn a_run_needs_no_home_and_no_path() {
    let project = Project::new().script("one", "mkdir made\nexists made\n");
    let run = project
        .run()
        .env_remove("HOME")
        .env_remove("PATH")
        .env_remove("TMPDIR");
    run.finish().expect_code(0).expect_stdout("test one ... ok");
}

#[test]
fn names_may_have_blanks_and_letters_of_any_alphabet() {
    let names = ["two words", "größe", "deep/er/名前", "a#1"];
    let project = names.iter().fold(Project::new(), |project, name| {
        project.script(name, "exec true\n")
    });
    let list = project
        .target()
        .args(["--list", "--format", "terse"])
        .without_engine()
        .finish();
    let listed: Vec<&str> = list.stdout().lines().collect();
    for name in names {
        assert!(
            listed.contains(&format!("{name}: test").as_str()),
            "{name} in {listed:?}"
        );
        let run = project
            .target()
            .args(["--exact", name, "--nocapture"])
            .nextest();
        let output = run.without_engine().finish();
        output
            .expect_code(0)
            .expect_stdout(&format!("test {name} ... ok\n"));
    }
}

#[test]
fn a_stdout_that_takes_nothing_changes_no_verdict() {
    let project = Project::new()
        .script("one", "exec true\n")
        .script("two", "exec false\n");
    for (filter, code) in [("one", 0), ("two", 101)] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let run = project.target().args(["--exact", filter]).stdout(full);
        run.without_engine().finish().expect_code(code);
    }
}

#[test]
fn a_script_that_kills_its_worker_is_a_fault_and_its_processes_end() {
    let project = Project::new()
        .script(
            "kills",
            "exec sleep 1000 &\nexec sh -c 'kill -KILL $PPID; sleep 1000'\n",
        )
        .script("other", "exec true\n");
    let output = project
        .run()
        .arg("--test-threads=1")
        .without_engine()
        .finish();
    output
        .expect_code(102)
        .expect_stdout("was killed by signal 9");
    let record = project.record();
    assert_eq!(record.verdict("kills").0, "faulted");
    assert_eq!(record.verdict("other").0, "passed");
    nothing_left_of(record.run());
}

#[test]
fn a_script_that_asks_its_worker_to_end_does_not_end_the_run() {
    let project = Project::new()
        .script(
            "asks",
            "exec sh -c 'kill -TERM $PPID; kill -INT $PPID; kill -HUP $PPID'\n",
        )
        .script("other", "exec true\n");
    let output = project
        .run()
        .arg("--test-threads=1")
        .without_engine()
        .finish();
    assert!([0, 102].contains(&output.code()), "{}", output.stdout());
    assert_eq!(project.record().verdict("other").0, "passed");
}

#[test]
fn runs_at_once_on_one_project_do_not_disturb_each_other() {
    let project = (0..5).fold(Project::new(), |project, number| {
        project.script(
            &format!("s{number}"),
            "exec sh -c 'echo $WORK >name'\nexec sleep 0.1\ngrep $WORK name\n",
        )
    });
    let runs: Vec<Running> = (0..4)
        .map(|_| project.run().without_engine().start())
        .collect();
    let outputs: Vec<Output> = runs.into_iter().map(Running::finish).collect();
    for output in outputs {
        output.expect_code(0).expect_stdout("5 passed");
    }
    assert_eq!(project.record_files().len(), 4);
}

#[test]
fn much_output_is_matched_whole_and_shown_in_part() {
    let script = "exec seq 2000000\nstdout -count=1 '^1000001$'\nstdout '^2000000$'\n! stdout '^2000001$'\nexec false\n";
    let project = Project::new().script("much", script);
    let output = project.run().without_engine().finish();
    output
        .expect_code(101)
        .expect_stdout("much.txtar:5: unexpected command failure");
    assert!(
        output.stdout().len() < 4 << 20,
        "{} bytes of stdout",
        output.stdout().len()
    );
}

#[test]
fn scripts_do_not_see_the_environment_of_the_run() {
    let script = "exec env\n! stdout SECRET\n! stdout NEXTEST\n! stdout CARGO\nstdout '^PASSED=through$'\nstdout '^HOME=/no-home$'\n";
    let settings = "scripts = [\"scripts\"]\npass-environment = [\"PASSED\"]\n";
    let project = Project::with_settings(settings).script("one", script);
    let run = project
        .target()
        .env("SECRET", "1")
        .env("PASSED", "through")
        .env("CARGO_X", "1");
    let output = run
        .args(["--exact", "one", "--nocapture"])
        .nextest()
        .without_engine()
        .finish();
    output.expect_code(0);
}

#[test]
fn what_is_kept_is_named_and_is_there() {
    let project = Project::new().script("one", "cp note copy\nexec false\n-- note --\nhere\n");
    let output = project.run().arg("--keep").without_engine().finish();
    output.expect_code(101);
    let record = project.record();
    let kept = record.report("one")["work_dir"]
        .as_str()
        .unwrap()
        .to_owned();
    output.expect_stdout(&format!("the work directory: {kept}"));
    let copy = std::fs::read_to_string(std::path::Path::new(&kept).join("copy"));
    assert_eq!(copy.unwrap(), "here\n");
}

#[test]
fn a_work_directory_that_resists_is_emptied_all_the_same() {
    let script = "mkdir locked/deep\ncp note locked/deep/note\nchmod 000 locked/deep\nchmod 000 locked\n-- note --\n";
    let project = Project::new().script("locks", script);
    project.run().without_engine().finish().expect_code(0);
    let left: Vec<_> = std::fs::read_dir(project.path("tmp")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}
