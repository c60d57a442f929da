//! What the `testscript` command of Go offers on its command line: a script on standard input, variables,
//! work directories that stay.

use std::fs;
use std::path::Path;

use super::project::Project;

#[test]
fn a_script_comes_on_standard_input() {
    for (text, code, part) in [
        ("exec echo hi\nstdout hi\n", 0, "test stdin ... ok"),
        (
            "exec true\nexec false\n",
            101,
            "FAIL: <stdin>:2: unexpected command failure\n",
        ),
        (
            "cmp a b\n-- a --\n1\n-- b --\n2\n",
            101,
            "FAIL: <stdin>:1: a and b differ\n",
        ),
    ] {
        let project = Project::new();
        let output = project.run().arg("-").stdin(text).without_engine().finish();
        output.expect_code(code);
        output.expect_stdout(part);
        let left = fs::read_dir(project.path("tmp")).unwrap().count();
        assert_eq!(left, 0, "the copy is removed");
    }
}

#[test]
fn an_update_is_for_files() {
    let text = "exec echo 2\ncmp stdout a\n-- a --\n1\n";
    let project = Project::new().script("a", text);
    let run = |words: &[&str]| project.run().args(words).stdin(text).without_engine();
    let output = run(&["-u", "-"]).finish();
    output.expect_code(2);
    output.expect_stderr("error: cannot use -u when only reading from stdin\n");
    let output = run(&["-u", "scripts/a.txtar", "-"]).finish();
    output.expect_code(101);
    output.expect_stdout("FAIL: <stdin>:2: stdout and a differ\n");
    output.expect_stderr("DONE   scripts/a.txtar updated\n");
}

#[test]
fn variables_are_set_and_copied_and_win() {
    let text = "exec echo $A-$B-$TAG-$C-\nstdout '^1=2-here-mine--$'\n";
    let settings = "scripts = [\"scripts\"]\n[environment]\nA = \"settings\"\nB = \"settings\"\n";
    let project = Project::with_settings(settings).script("a", text);
    let words = ["-e", "A=1=2", "-eB", "--env=TAG=mine", "-e", "C"];
    for run in [
        project.run().args(words),
        project.target().args(words),
        project
            .target()
            .env("SHAKEDOWN_ENV", "A=1=2\nB\nTAG=mine\nC"),
    ] {
        let output = run.env("B", "here").without_engine().finish();
        output.expect_code(0);
    }
    let output = project.run().args(["-e", "WORK=x"]).finish();
    output.expect_code(2);
    output.expect_stderr("cannot override WORK variable");
}

#[test]
fn a_run_is_short_when_it_is_said_to_be() {
    let text = "[!short] exec false\n[net] exec false\n";
    let project = Project::new().script("a", text);
    for run in [
        project.run().args(["--short"]),
        project.target().args(["--short"]),
        project.target().env("SHAKEDOWN_SHORT", "1"),
    ] {
        run.without_engine().finish().expect_code(0);
    }
    project.run().without_engine().finish().expect_code(101);
}

#[test]
fn a_suite_may_demand_exec_and_names_that_are_unique() {
    let settings = "scripts = [\"scripts\"]\nrequire-explicit-exec = true\nrequire-unique-names = true\n\
                    [programs]\ntool = \"tool\"\n";
    let project = Project::with_settings(settings)
        .program("tool", "#!/bin/sh\n")
        .script("explicit", "exec tool\n")
        .script("bare", "exec tool\n! tool\n")
        .script("twice", "exec tool\n-- a/b --\n-- a/./b --\n");
    let output = project.run().without_engine().finish();
    output
        .expect_code(101)
        .expect_stdout("test explicit ... ok");
    for line in [
        "FAIL: scripts/bare.txtar:2: use 'exec tool' rather than 'tool' (because RequireExplicitExec is enabled)\n",
        "FAIL: scripts/twice.txtar:3: a/./b would overwrite $WORK/a/b (because RequireUniqueNames is enabled)\n",
    ] {
        output.expect_stdout(line);
    }
    let output = project.shakedown().arg("check").without_engine().finish();
    output.expect_stdout("scripts/bare.txtar:2:3: `tool` is called without `exec`");
}

#[test]
fn work_directories_stay_and_are_told() {
    let project = Project::new()
        .script("a", "exec touch made\n")
        .script("b", "exec false\n");
    let output = project
        .run()
        .args(["--work", "-v"])
        .without_engine()
        .finish();
    output.expect_code(101);
    let mut lines = output.stderr().lines();
    let kept = lines.find_map(|line| line.strip_prefix("temporary work directory: "));
    let kept = Path::new(kept.unwrap());
    assert!(kept.join("script-a/made").is_file());
    for name in ["a", "b"] {
        let work = kept.join(format!("script-{name}"));
        let head = format!("WORK={}\nPATH=", work.display());
        let record = project.record();
        let log = record.report(name)["log"].as_str().unwrap();
        assert!(log.starts_with(&head), "{log}");
        assert!(work.is_dir());
    }
}
