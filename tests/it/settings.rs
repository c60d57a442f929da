//! Mistakes in harness.toml and in the headers of scripts: all at once, with their places, and nothing runs.

use super::project::{Output, Project};

/// Nothing ran: no script, no record.
#[track_caller]
fn expect_nothing_ran(project: &Project, output: &Output) {
    output.expect_code(2);
    assert_eq!(output.stdout(), "");
    assert!(!project.path("ran").exists(), "a script ran");
    assert!(project.record_files().is_empty(), "a record was written");
}

fn marks(project: &Project) -> String {
    format!("exec touch {}\n", project.path("ran").display())
}

#[test]
fn every_mistake_of_the_settings_is_told_with_its_place_and_the_nearest_name() {
    let text = "scripts = [\"scripts\"]\ndedline = \"3m\"\nleak = \"shout\"\n\n[cleanup]\nwhem = \"always\"\n";
    let project = Project::with_settings(text);
    let script = marks(&project);
    let project = project.script("one", script);
    for run in [
        project.target(),
        project.run(),
        project.target().arg("--list"),
    ] {
        let output = run.without_engine().finish();
        expect_nothing_ran(&project, &output);
        output.expect_stderr("3 mistakes in harness.toml; nothing ran");
        for part in [
            "harness.toml:2:1: ",
            "did you mean `deadline`",
            "harness.toml:3:",
            "harness.toml:6:1: ",
            "did you mean `when`",
        ] {
            output.expect_stderr(part);
        }
    }
}

#[test]
fn programs_and_commands_that_cannot_run_are_told_with_every_other_mistake() {
    let text = "scripts = [\"scripts\"]\nleak = \"shout\"\n[programs]\ngone = \"bin/gone\"\nfolder = \"scripts\"\n\
                good = \"good\"\n[commands]\ncp = \"data\"\n";
    let project = Project::with_settings(text)
        .program("good", "#!/bin/sh\n")
        .file("data", "");
    let script = marks(&project);
    let project = project.script("one", script);
    let check = project.shakedown().args(["check"]);
    for run in [project.target(), project.run(), check] {
        let output = run.without_engine().finish();
        expect_nothing_ran(&project, &output);
        let at = |path: &str| project.path(path).display().to_string();
        output
            .expect_stderr("5 mistakes in harness.toml; nothing ran\nharness.toml:2:8: ")
            .expect_stderr(&format!(
                "harness.toml:4:8: `[programs]` names `gone`: {} does not exist\n  hint: build it first\n\
                 harness.toml:5:10: `[programs]` names `folder`: {} is a directory\n\
                 harness.toml:8:6: `[commands]` names `cp`, which is a command of the language\n\
                \x20 hint: it needs a name of its own\n\
                 harness.toml:8:6: `[commands]` names `cp`: {} is not executable\n  hint: `chmod +x ",
                at("bin/gone"),
                at("scripts"),
                at("data"),
            ));
    }
}

#[test]
fn a_list_needs_no_program() {
    let text = "scripts = [\"scripts\"]\n[programs]\ngone = \"gone\"\n";
    let project = Project::with_settings(text).script("one", "gone\n");
    for list in [
        project.shakedown().args(["list"]),
        project.target().arg("--list"),
    ] {
        let output = list.without_engine().finish();
        output.expect_code(0).expect_stdout("one: test");
    }
}

#[test]
fn settings_that_are_no_toml_are_told_with_their_place() {
    let project = Project::with_settings("scripts = [\"scripts\"\n");
    let script = marks(&project);
    let project = project.script("one", script);
    let output = project.run().without_engine().finish();
    expect_nothing_ran(&project, &output);
    output.expect_stderr("harness.toml:");
}

#[test]
fn every_mistake_of_every_header_is_told_with_its_place() {
    let project = Project::new();
    let script = marks(&project);
    let project = project
        .script(
            "one",
            format!("#: dedline = \"3m\"\n#: cpus = \"many\"\n{script}"),
        )
        .script("two", format!("# fine\n#: deadline = \"soon\"\n{script}"))
        .script("three", &script);
    let output = project.target().without_engine().finish();
    expect_nothing_ran(&project, &output);
    for part in [
        "scripts/one.txtar:1",
        "did you mean `deadline`",
        "scripts/one.txtar:2",
        "scripts/two.txtar:2",
    ] {
        output.expect_stderr(part);
    }
}

#[test]
fn a_folder_that_is_missing_or_empty_is_told() {
    let project =
        Project::with_settings("scripts = [\"scripts\", \"gone\"]\n").script("one", "exec true\n");
    let output = project.run().without_engine().finish();
    expect_nothing_ran(&project, &output);
    output.expect_stderr("`gone`");
    let project = Project::new();
    let output = project.run().without_engine().finish();
    expect_nothing_ran(&project, &output);
    output.expect_stderr("no txtar nor txt scripts found in dir scripts");
    let project = Project::with_settings("");
    let output = project.run().without_engine().finish();
    expect_nothing_ran(&project, &output);
    output.expect_stderr(
        "cannot read `fixtures`: No such file or directory (os error 2)\n  \
         hint: no path was given, and `fixtures` is the default of `scripts` in harness.toml\n",
    );
}

#[test]
fn without_settings_the_paths_that_are_typed_count() {
    let project = Project::new().script("one", "exec true\n");
    std::fs::remove_file(project.path("harness.toml")).unwrap();
    let output = project
        .run()
        .args(["scripts/one.txtar"])
        .without_engine()
        .finish();
    output.expect_code(0).expect_stdout("test one ... ok");
    let output = project.run().args(["scripts"]).without_engine().finish();
    output.expect_code(0).expect_stdout("test one ... ok");
}

#[test]
fn settings_beside_the_scripts_that_are_typed_are_not_read_and_that_is_said() {
    let project = Project::new()
        .file("suite/harness.toml", "leak = \"fail\"\n")
        .file("suite/one.txtar", "exec true\n");
    let run = |words: &[&str]| {
        let command = project.shakedown().args(words);
        let output = command.without_engine().finish();
        output.expect_code(0);
        output
    };
    let warning = "warning: `suite/harness.toml` is not read, only one in the current directory is: \
                   `cd suite`, or name it with `--config suite/harness.toml`\n";
    let silent = |words: &[&str]| {
        let output = run(words);
        assert!(
            !output.stderr().contains("not read"),
            "{words:?}\n{}",
            output.stderr()
        );
    };
    silent(&["run", "suite"]);
    std::fs::remove_file(project.path("harness.toml")).unwrap();
    for words in [
        ["run", "suite"],
        ["run", "suite/one.txtar"],
        ["check", "suite"],
    ] {
        run(&words).expect_stderr(warning);
    }
    silent(&["run", "--config", "suite/harness.toml", "suite"]);
}

#[test]
fn a_run_that_is_not_recorded_has_no_report() {
    let project = Project::new();
    let output = project
        .shakedown()
        .args(["report", "nosuch"])
        .without_engine()
        .finish();
    let runs = project.path("state/runs");
    output.expect_code(2).expect_stderr(&format!(
        "error: no run `nosuch` is recorded\n  hint: the records are {}/*.jsonl; `latest` is the last one\n",
        runs.display()
    ));
}

#[test]
fn a_deadline_is_taken_from_the_flag_then_the_variable_then_the_header_then_the_settings() {
    let settings = "scripts = [\"scripts\"]\ndeadline = \"40s\"\n";
    let deadline = |header: &str, variable: &str, flag: &[&str]| {
        let project =
            Project::with_settings(settings).script("one", format!("{header}exec true\n"));
        let run = project.run().args(flag).env("SHAKEDOWN_DEADLINE", variable);
        run.without_engine().finish().expect_code(0);
        let record = project.record();
        let start = record.of("attempt_started").next().unwrap();
        start["deadline"].as_f64().unwrap().to_string()
    };
    let header = "#: deadline = \"30s\"\n";
    assert_eq!(deadline("", "", &[]), "40");
    assert_eq!(deadline(header, "", &[]), "30");
    assert_eq!(deadline(header, "20s", &[]), "20");
    assert_eq!(deadline(header, "20s", &["--deadline", "10s"]), "10");
}
