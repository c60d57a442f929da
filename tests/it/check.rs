//! `shakedown check`: what it prints, and what its exit code says. Nothing runs.

use super::project::{Project, package, shakedown};

fn exit_code(folder: &str) -> (Option<i32>, String) {
    let mut command = std::process::Command::new(shakedown());
    command.args(["check", folder]).current_dir(package());
    let done = command.output().unwrap();
    (done.status.code(), String::from_utf8(done.stdout).unwrap())
}

#[test]
fn our_own_scripts_raise_no_alarm() {
    for folder in [
        "fixtures/plain",
        "fixtures/language",
        "fixtures/container",
        "fixtures/toy",
    ] {
        let (code, stdout) = exit_code(folder);
        // What stands below its `stop` is meant to make no sense.
        let rest: Vec<&str> = stdout
            .lines()
            .filter(|line| !line.starts_with("fixtures/plain/stop.txtar:5:1: note: "))
            .filter(|line| !line.starts_with("  hint: `stop` in line 4"))
            .collect();
        assert_eq!((code, rest), (Some(0), Vec::new()), "{folder}");
    }
}

#[test]
fn every_mistake_of_every_script_is_told_and_nothing_runs() {
    let project = Project::new();
    let ran = project.path("ran");
    let project = project
        .script(
            "one",
            format!("#: cpus = 0\nexec touch {}\nexce true\n", ran.display()),
        )
        .script("two", "[linux] ! cd x\nstdout 'a**'\n");
    let output = project
        .shakedown()
        .args(["check"])
        .without_engine()
        .finish();
    output.expect_code(101);
    for line in [
        "scripts/one.txtar:1:11: `cpus`: expected a whole number from 1, found `0`",
        "scripts/one.txtar:3:1: unknown command `exce`\n  hint: did you mean `exec`?",
        "scripts/two.txtar:1:9: `cd` cannot be negated",
        "scripts/two.txtar:2:8: error parsing regexp",
    ] {
        output.expect_stdout(line);
    }
    output.expect_stderr("4 mistakes and 0 notes in 2 scripts");
    assert!(!ran.exists() && project.record_files().is_empty());
}

#[test]
fn notes_alone_are_no_failure_and_filters_and_settings_count() {
    let settings = "scripts = [\"scripts\"]\n[programs]\ntool = \"tool\"\n[check]\ncommands = [\"own\"]\n\
                    conditions = [\"lucky\"]\n";
    let project = Project::with_settings(settings)
        .program("tool", "#!/bin/sh\n")
        .script(
            "one",
            "tool a\nown b\n[lucky:7] exec true\n[odd] exec true\n",
        )
        .script("two", "exce\n");
    let output = project
        .shakedown()
        .args(["check", "--", "one"])
        .without_engine()
        .finish();
    output.expect_code(0);
    assert!(
        output
            .stdout()
            .starts_with("scripts/one.txtar:4:1: note: unknown condition `odd`\n")
    );
    let output = project
        .shakedown()
        .args(["check", "gone"])
        .without_engine()
        .finish();
    output.expect_code(2).expect_stderr("`gone`");
    assert_eq!(output.stdout(), "");
}

#[test]
fn nothing_to_check_is_a_misuse_unless_a_test_target_is_asked() {
    let project = Project::new().script("one", "exce\n");
    let output = project
        .shakedown()
        .args(["check", ".", "--", "nomatch"])
        .without_engine()
        .finish();
    output.expect_code(2);
    output.expect_stderr("error: nothing to check: no script is selected");
    let output = project
        .target()
        .args(["--check", "nomatch"])
        .without_engine()
        .finish();
    output.expect_code(0);
    output.expect_stderr("0 mistakes and 0 notes in 0 scripts");
}

#[test]
fn a_script_on_standard_input_is_checked() {
    let project = Project::new();
    let output = project
        .shakedown()
        .args(["check", "-"])
        .stdin("exec true\nexce\n")
        .without_engine()
        .finish();
    output.expect_code(101);
    output.expect_stdout("<stdin>:2:1: unknown command `exce`\n");
    output.expect_stderr("1 mistake and 0 notes in 1 script");
}

#[test]
fn a_test_target_knows_what_it_registers() {
    let text = "toy a\n[toy:cmd] toy-add a b\nprints x\nprint x\n";
    for (words, twin) in [(["--check"].as_slice(), "0"), (&[], "1")] {
        let project = Project::new().script("one", text);
        let output = project
            .target()
            .args(words)
            .env("SHAKEDOWN_CHECK", twin)
            .without_engine()
            .finish();
        output.expect_code(101);
        assert_eq!(
            output.stdout(),
            "scripts/one.txtar:4:1: unknown command `print`\n  hint: did you mean `prints`?\n"
        );
        output.expect_stderr("1 mistake and 0 notes in 1 script");
        assert!(project.record_files().is_empty());
    }
}

#[test]
fn an_executable_of_the_settings_is_a_command_that_decides_what_the_mark_means() {
    let settings = "scripts = [\"scripts\"]\n[commands]\nempty = \"tools/empty\"\n";
    let tool = "#!/bin/sh\nif [ -s \"$1\" ]; then found=failure; else found=success; fi\n\
                echo $SHAKEDOWN_EXPECT\n[ $found = $SHAKEDOWN_EXPECT ]\n";
    let project = Project::with_settings(settings)
        .program("tools/empty", tool)
        .script(
            "good",
            "empty a\nstdout success\n! empty b\nstdout failure\n-- a --\n-- b --\nx\n",
        )
        .script("bad", "empty b\n-- b --\nx\n");
    let output = project
        .shakedown()
        .args(["check"])
        .without_engine()
        .finish();
    output.expect_code(0);
    let output = project.run().without_engine().finish();
    output.expect_code(101).expect_stdout("test good ... ok");
    output.expect_stdout("bad.txtar:1: empty: exit status 1");
}

#[test]
fn a_command_of_the_settings_takes_no_name_of_the_language() {
    let project = Project::with_settings(
        "scripts = [\"scripts\"]\n[commands]\ncp = \"tool\"\nsleep = \"tool\"\n",
    )
    .program("tool", "#!/bin/sh\n")
    .script("one", "sleep now\n");
    let output = project.run().without_engine().finish();
    output.expect_code(2).expect_stderr(
        "2 mistakes in harness.toml; nothing ran\n\
         harness.toml:3:6: `[commands]` names `cp`, which is a command of the language\n\
        \x20 hint: it needs a name of its own\n\
         harness.toml:4:9: `[commands]` names `sleep`",
    );
    // An addition of ours is none of the language's that Go speaks.
    let output = project
        .run()
        .args(["--dialect", "testscript"])
        .without_engine()
        .finish();
    output.expect_code(2).expect_stderr("1 mistake in");
    let project = project.file(
        "harness.toml",
        "scripts = [\"scripts\"]\n[commands]\nsleep = \"tool\"\n",
    );
    for word in ["run", "check"] {
        let output = project
            .shakedown()
            .args([word, "--dialect", "testscript"])
            .without_engine()
            .finish();
        output.expect_code(0);
    }
}

#[test]
fn an_addition_is_unknown_where_testscript_is_spoken() {
    let text = "until exec true\n";
    let ours = Project::new().script("one", text);
    let check = |project: &Project| {
        let mut command = project.shakedown();
        command = command.args(["check"]).without_engine();
        command.finish()
    };
    check(&ours).expect_code(0);
    let settings = "scripts = [\"scripts\"]\ndialect = \"testscript\"\n";
    let theirs = Project::with_settings(settings).script("one", text);
    let output = check(&theirs);
    output.expect_code(101);
    output.expect_stdout("unknown command `until`\n  hint: it is one of the dialect `shakedown`");
    let settings = format!("{settings}[check]\ncommands = [\"until\"]\n");
    let registered = Project::with_settings(&settings).script("one", text);
    check(&registered).expect_code(0);
}
