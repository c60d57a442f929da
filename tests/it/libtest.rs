//! libtest's command line and output, on the test target and on `shakedown`.

use super::project::{Output, Project};

/// Three trials: one passes, one fails, one skips itself.
fn three() -> Project {
    Project::new()
        .script("apple", "exec true\n")
        .script("berry", "exec false\n")
        .script("cherry", "skip 'not ripe'\n")
}

/// `test NAME ... WORD` lines, sorted.
fn tests(output: &Output) -> Vec<&str> {
    let lines = output.stdout().lines();
    let mut tests: Vec<&str> = lines
        .filter_map(|line| line.strip_prefix("test "))
        .collect();
    tests.retain(|line| line.contains(" ... "));
    tests.sort_unstable();
    tests
}

#[test]
fn a_run_is_told_in_the_words_of_libtest() {
    let output = three().target().without_engine().finish();
    output.expect_code(101);
    let expected = [
        "apple ... ok",
        "berry ... FAILED",
        "cherry ... ignored, not ripe",
    ];
    assert_eq!(tests(&output), expected);
    output.expect_stdout("\nrunning 3 tests\n");
    output.expect_stdout("\nfailures:\n\n---- berry stdout ----\n");
    output.expect_stdout(
        "> exec false\n[exit status 1]\nFAIL: scripts/berry.txtar:1: unexpected command failure\n",
    );
    output.expect_stdout("\nfailures:\n    berry\n");
    output.expect_stdout("test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in ");
}

#[test]
fn the_three_forms_of_a_list_hold_names_and_nothing_else() {
    let project = three();
    let list = |words: &[&str]| {
        let output = project
            .target()
            .arg("--list")
            .args(words)
            .without_engine()
            .finish();
        output.expect_code(0);
        output.stdout().to_owned()
    };
    let names = "apple: test\nberry: test\ncherry: test\n";
    assert_eq!(list(&[]), format!("{names}\n3 tests, 0 benchmarks\n"));
    assert_eq!(list(&["--format", "terse"]), names);
    assert_eq!(list(&["--format", "json"]), names);
    assert_eq!(list(&["--format", "terse", "--ignored"]), "");
    assert_eq!(list(&["--format", "terse", "berry"]), "berry: test\n");
}

#[test]
fn a_list_starts_nothing_and_leaves_nothing() {
    let project = three()
        .script("container_one", "exec docker info\n")
        .program("bin/docker", "#!/bin/sh\necho called >>\"$HOME/called\"\n");
    let bin = project.path("bin");
    let output = project
        .target()
        .args(["--list", "--format", "terse"])
        .path(&bin)
        .finish();
    output.expect_code(0);
    assert_eq!(output.stderr(), "");
    assert!(
        !project.path("home/called").exists(),
        "no client was started"
    );
    assert!(!project.state().exists(), "no state was made");
}

#[test]
fn without_an_engine_container_trials_are_listed_as_ignored() {
    let project = three().script("container_one", "exec $ENGINE info\n");
    let list = |word: &str| {
        let words = ["--list", "--format", "terse", word];
        let output = project.target().args(words).without_engine().finish();
        output.stdout().to_owned()
    };
    assert_eq!(list("--ignored"), "container_one: test\n");
    assert_eq!(list("container"), "container_one: test\n");
    assert!(list("--include-ignored").contains("container_one: test\n"));
}

#[test]
fn two_lists_at_once_do_not_disturb_each_other() {
    let project = three();
    let words = ["--list", "--format", "terse"];
    let all: Vec<_> = (0..4)
        .map(|number| {
            let run = project.target().args(words).nextest().without_engine();
            if number % 2 == 0 {
                run
            } else {
                run.arg("--ignored")
            }
            .start()
        })
        .collect();
    let outputs: Vec<Output> = all
        .into_iter()
        .map(super::project::Running::finish)
        .collect();
    for (number, output) in outputs.iter().enumerate() {
        output.expect_code(0);
        let names = ["apple: test\nberry: test\ncherry: test\n", ""];
        assert_eq!(output.stdout(), names[number % 2]);
        assert_eq!(output.stderr(), "");
    }
}

#[test]
fn filters_add_up_and_skips_take_away() {
    let project = three().script("deep/apple_pie", "exec true\n");
    let run = |words: &[&str]| {
        let output = project.target().args(words).without_engine().finish();
        let names = tests(&output).into_iter();
        let mut names: Vec<String> = names
            .map(|line| line.split(' ').next().unwrap().to_owned())
            .collect();
        names.sort_unstable();
        names.join(" ")
    };
    assert_eq!(run(&["apple"]), "apple deep/apple_pie");
    assert_eq!(run(&["apple", "cherry"]), "apple cherry deep/apple_pie");
    assert_eq!(run(&["--exact", "apple"]), "apple");
    assert_eq!(run(&["--exact", "apple", "cherry"]), "apple cherry");
    assert_eq!(run(&["--skip", "apple", "--skip=berry"]), "cherry");
    assert_eq!(run(&["apple", "--skip", "pie"]), "apple");
    assert_eq!(run(&["--exact", "app"]), "");
    assert_eq!(run(&["--ignored"]), "");
    assert_eq!(
        run(&["--include-ignored", "apple", "--skip", "pie"]),
        "apple"
    );
}

#[test]
fn what_is_filtered_out_is_counted() {
    let output = three().target().arg("apple").without_engine().finish();
    output.expect_code(0);
    output.expect_stdout("\nrunning 1 test\n");
    output.expect_stdout(
        "test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 2 filtered out;",
    );
}

#[test]
fn selecting_nothing_is_fine_for_cargo_and_noted_by_shakedown() {
    let project = three();
    let output = project
        .target()
        .arg("no-such-trial")
        .without_engine()
        .finish();
    output.expect_code(0);
    output.expect_stdout("\nrunning 0 tests\n\ntest result: ok. 0 passed;");
    let run = project.run().args(["--", "no-such-trial"]).without_engine();
    run.finish().expect_code(4);
}

#[test]
fn there_are_no_benchmarks() {
    let output = three().target().arg("--bench").without_engine().finish();
    output.expect_code(0);
    output.expect_stdout("0 passed; 0 failed; 3 ignored; 0 measured;");
}

#[test]
fn flags_that_mean_nothing_here_are_accepted() {
    let flags = [
        "--no-capture",
        "--nocapture",
        "--show-output",
        "--test-threads=1",
        "--color=never",
    ];
    for flag in flags {
        let output = three()
            .target()
            .args([flag, "apple"])
            .without_engine()
            .finish();
        output.expect_code(0);
        assert_eq!(tests(&output), ["apple ... ok"], "{flag}");
    }
}

#[test]
fn a_quiet_run_prints_a_character_for_each_trial() {
    for words in [
        &["--quiet"][..],
        &["-q"],
        &["--format", "terse"],
        &["--format=terse"],
    ] {
        let args = ["--test-threads=1"];
        let output = three()
            .target()
            .args(words)
            .args(args)
            .without_engine()
            .finish();
        output.expect_code(101);
        let line = output.stdout().lines().nth(2).unwrap_or_default();
        let mut letters: Vec<char> = line.chars().collect();
        letters.sort_unstable();
        assert!(
            output.stdout().starts_with("\nrunning 3 tests\n"),
            "{}",
            output.stdout()
        );
        assert!(!letters.is_empty(), "{}", output.stdout());
        output.expect_stdout("test result: FAILED. 1 passed; 1 failed; 1 ignored;");
    }
}

#[test]
fn json_is_one_object_a_line() {
    let output = three()
        .target()
        .args(["--format", "json"])
        .without_engine()
        .finish();
    output.expect_code(101);
    let parse = |line| serde_json::from_str::<serde_json::Value>(line).unwrap();
    let lines: Vec<serde_json::Value> = output.stdout().lines().map(parse).collect();
    let suite = lines.first().unwrap();
    assert_eq!(
        (&suite["type"], &suite["test_count"]),
        (&"suite".into(), &3.into())
    );
    let event = |name: &str| {
        let of = |line: &&serde_json::Value| line["name"] == name && line["event"] != "started";
        lines.iter().find(of).unwrap().clone()
    };
    assert_eq!(event("apple")["event"], "ok");
    assert_eq!(event("berry")["event"], "failed");
    assert!(
        event("berry")["stdout"]
            .as_str()
            .unwrap()
            .contains("unexpected command failure")
    );
    assert_eq!(event("cherry")["event"], "ignored");
    let end = lines.last().unwrap();
    assert_eq!(
        (&end["passed"], &end["failed"], &end["ignored"]),
        (&1.into(), &1.into(), &1.into())
    );
}

#[test]
fn usage_errors_are_told_with_a_hint_and_nothing_runs() {
    for (words, part) in [
        (
            &["--formt=json"][..],
            "unknown flag `--formt`\n  hint: did you mean `--format`?",
        ),
        (
            &["--test-threads", "0"],
            "--test-threads: expected a number above zero, found `0`",
        ),
        (&["--format", "jsn"], "did you mean `json`?"),
        (
            &["--shuffle=x"],
            "--shuffle: expected a number as seed, found `x`",
        ),
        (&["--deadline", "soon"], "--deadline:"),
        (&["--engine", "dockr"], "did you mean `docker`?"),
        (&["--ignored", "--include-ignored"], "exclude each other"),
        (&["--exact="], "`--exact` takes no value"),
    ] {
        let project = three();
        let output = project.target().args(words).without_engine().finish();
        output.expect_code(2).expect_stderr(part);
        assert_eq!(output.stdout(), "", "{words:?}");
        assert!(!project.state().exists(), "{words:?}: nothing ran");
    }
}

#[test]
fn every_mistake_of_the_command_line_is_told_at_once() {
    let project = three();
    let run = project
        .run()
        .args(["--enginee=docker", "--policy=fast", "--test-threads=-1"]);
    let output = run
        .env("SHAKEDOWN_STRICT", "perhaps")
        .without_engine()
        .finish();
    output.expect_code(2);
    for part in [
        "--enginee",
        "--policy",
        "--test-threads",
        "SHAKEDOWN_STRICT: expected `1` or `0`",
    ] {
        output.expect_stderr(part);
    }
    assert_eq!(
        output.stderr().matches("error: ").count(),
        4,
        "{}",
        output.stderr()
    );
}

#[test]
fn the_number_of_threads_comes_from_the_flag_or_the_environment() {
    let project = (0..6).fold(Project::new(), |project, number| {
        project.script(&format!("wait{number}"), "exec sleep 0.05\n")
    });
    let most = |record: &super::project::Record| {
        let parallelism = record
            .of("attempt_started")
            .map(|start| start["parallelism"].as_u64().unwrap());
        parallelism.max().unwrap()
    };
    let variable = project
        .target()
        .env("RUST_TEST_THREADS", "1")
        .without_engine();
    variable.finish().expect_code(0);
    assert_eq!(most(&project.record()), 1);
    std::fs::remove_file(&project.record_files()[0]).unwrap();
    let flag = project
        .target()
        .env("RUST_TEST_THREADS", "1")
        .args(["--test-threads", "3"]);
    flag.without_engine().finish().expect_code(0);
    let most = most(&project.record());
    assert!((2..=3).contains(&most), "{most}");
    let zero = project
        .target()
        .env("RUST_TEST_THREADS", "0")
        .without_engine()
        .finish();
    zero.expect_code(2).expect_stderr("RUST_TEST_THREADS");
}

#[test]
fn what_commands_print_never_reaches_the_lines_of_libtest() {
    let script = "prints 'test fake ... ok' '{ \"type\": \"suite\" }'\nexec true\n";
    let project = Project::new()
        .script("noisy", script)
        .script("calm", "exec true\n");
    let output = project.target().without_engine().finish();
    output.expect_code(0);
    assert_eq!(tests(&output), ["calm ... ok", "noisy ... ok"]);
    assert!(!output.stdout().contains("fake"), "{}", output.stdout());
    assert!(!output.stderr().contains("fake"), "{}", output.stderr());
}

#[test]
fn a_log_file_takes_the_place_of_stdout() {
    let project = three();
    let output = project
        .target()
        .args(["--logfile", "log", "apple"])
        .without_engine()
        .finish();
    output.expect_code(0);
    assert_eq!(output.stdout(), "");
    let log = std::fs::read_to_string(project.path("log")).unwrap();
    assert!(log.contains("test apple ... ok\n"), "{log}");
}

#[test]
fn help_names_every_flag_of_ours_with_its_variable() {
    for output in [
        three().target().arg("--help").finish(),
        three().shakedown().args(["help", "flags"]).finish(),
    ] {
        output.expect_code(0);
        for flag in shakedown::cli::flags() {
            output.expect_stdout(flag.name).expect_stdout(flag.twin);
        }
    }
}
