//! cargo-nextest: its protocol by hand, and the program itself where it is installed.

use std::path::Path;
use std::process::Command;

use super::project::{Output, Project, package};

fn project() -> Project {
    Project::new()
        .script("good", "exec true\n")
        .script("bad", "exec echo before\nexec false\n")
        .script("bad_and_more", "exec false\n")
        .script("late", "#: deadline = \"200ms\"\nexec sleep 1000\n")
        .script("skips", "skip 'not today'\n")
}

/// As nextest starts a trial.
fn trial(name: &str) -> Output {
    let words = ["--exact", name, "--nocapture"];
    project()
        .target()
        .args(words)
        .nextest()
        .without_engine()
        .finish()
}

#[test]
fn a_trial_that_passes_ends_with_0() {
    let output = trial("good");
    output.expect_code(0).expect_stdout("test good ... ok\n");
    assert!(!output.stderr().contains("Error:"), "{}", output.stderr());
}

#[test]
fn a_trial_that_fails_begins_stderr_with_its_error() {
    let output = trial("bad");
    output.expect_code(101);
    let first = output.stderr().lines().next().unwrap_or_default();
    assert_eq!(
        first,
        "Error: failed: scripts/bad.txtar:2: unexpected command failure"
    );
}

#[test]
fn a_trial_that_hangs_says_so_in_its_error() {
    let output = trial("late");
    output.expect_code(101);
    let error = output
        .stderr()
        .lines()
        .find(|line| line.starts_with("Error: "));
    let error = error.unwrap_or_else(|| panic!("no error in {}", output.stderr()));
    assert!(error.contains("scripts/late.txtar:2"), "{error}");
}

#[test]
fn a_trial_that_skips_itself_passes() {
    trial("skips").expect_code(0);
}

#[test]
fn a_trial_that_is_gone_fails() {
    let output = trial("gone");
    output.expect_code(101);
    assert_eq!(output.stderr(), "Error: no trial has the name \"gone\"\n");
}

#[test]
fn laps_that_nextest_asks_for_are_of_the_one_trial_and_one_bad_one_fails_it() {
    // Laps run side by side: who makes the second directory is one of them, whatever the order.
    let second_fails =
        "exec sh second.sh\n-- second.sh --\nmkdir $PLACE/one || ! mkdir $PLACE/two\n";
    for (name, code, line) in [
        ("good", 0, "test good ... ok, 3/3 passed\n"),
        ("second", 101, "test second ... FAILED, 2/3 passed"),
    ] {
        let project = project().script("second", second_fails);
        let place = project.path("");
        let words = ["--exact", name, "--nocapture", "--count", "3"];
        let trial = project.target().args(words).nextest().without_engine();
        let variable = format!("PLACE={}", place.display());
        let output = trial.args(["-e", &variable]).finish();
        output
            .expect_code(code)
            .expect_stdout("running 1 test\n")
            .expect_stdout(line);
        assert_eq!(project.record().of("attempt_started").count(), 3);
    }
}

#[test]
fn nothing_of_a_trial_is_left_when_it_is_over() {
    let project = project();
    let words = ["--exact", "late", "--nocapture"];
    project
        .target()
        .args(words)
        .nextest()
        .without_engine()
        .finish()
        .expect_code(101);
    super::project::nothing_left_of(project.record().run());
    let live = project.state().join("live");
    let left: Vec<_> = std::fs::read_dir(live)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Runs cargo-nextest on this package: its exit code, stdout and stderr. `None`, loudly, where it is not installed.
fn cargo_nextest(words: &[&str], deadline: Option<&str>) -> Option<(i32, String, String)> {
    let has = Command::new("cargo")
        .args(["nextest", "--version"])
        .output();
    if !has.is_ok_and(|done| done.status.success()) {
        eprintln!("SKIPPED: cargo-nextest is not installed");
        return None;
    }
    let state = tempfile::tempdir().unwrap();
    let mut command = Command::new("cargo");
    for (name, _) in std::env::vars_os() {
        let outer = name
            .to_str()
            .is_some_and(|name| name.starts_with("NEXTEST") || name.starts_with("SHAKEDOWN"));
        if outer {
            command.env_remove(name);
        }
    }
    if let Some(deadline) = deadline {
        command.env("SHAKEDOWN_DEADLINE", deadline);
    }
    command
        .arg("nextest")
        .args(words)
        .args(["--color", "never"])
        .current_dir(package());
    let done = command.env("SHAKEDOWN_DIR", state.path()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some((
        done.status.code().unwrap(),
        text(&done.stdout),
        text(&done.stderr),
    ))
}

#[test]
fn the_program_itself_lists_and_runs_our_scripts() {
    let Some((code, stdout, stderr)) =
        cargo_nextest(&["list", "--test", "scripts", "quoting"], None)
    else {
        return;
    };
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("quoting"), "{stdout}");
    let words = ["run", "--test", "scripts", "quoting", "registered"];
    let (code, _, stderr) = cargo_nextest(&words, None).unwrap();
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("2 tests run: 2 passed"), "{stderr}");
}

/// The profile that `docs/ci.md` proposes, with a `JUnit` report besides.
fn proposed_profile(report: &Path) -> String {
    let text = std::fs::read_to_string(Path::new(package()).join("docs/ci.md")).unwrap();
    let (_, profile) = text.split_once("```toml\n[profile.default]\n").unwrap();
    let (profile, _) = profile.split_once("```\n").unwrap();
    let report = report.display();
    format!("[profile.default]\n{profile}\n[profile.default.junit]\npath = \"{report}\"\n")
}

#[test]
fn the_proposed_profile_puts_containers_into_one_group_and_our_error_into_the_report() {
    let place = tempfile::tempdir().unwrap();
    let (config, report) = (
        place.path().join("nextest.toml"),
        place.path().join("junit.xml"),
    );
    std::fs::write(&config, proposed_profile(&report)).unwrap();
    let config = config.to_str().unwrap();
    let common = ["--config-file", config, "--test", "scripts"];
    let words = [&["show-config", "test-groups"][..], &common].concat();
    let Some((code, stdout, stderr)) = cargo_nextest(&words, None) else {
        return;
    };
    assert_eq!(code, 0, "{stderr}");
    assert!(!stderr.contains("ignoring unknown"), "{stderr}");
    let (_, group) = stdout
        .split_once("group: containers (max threads = 1)\n")
        .unwrap_or_else(|| panic!("{stdout}"));
    assert!(group.contains("container_run\n"), "{group}");
    assert!(!group.contains("quoting"), "{group}");
    // Our deadline comes before nextest's, and says why.
    let words = [&["run"][..], &common, &["-E", "test(=sleep)"]].concat();
    let (code, _, stderr) = cargo_nextest(&words, Some("10ms")).unwrap();
    assert_eq!(code, 100, "{stderr}");
    let report = std::fs::read_to_string(report).unwrap();
    let (_, message) = report.split_once("<failure message=\"").unwrap();
    assert!(message.starts_with("Error: "), "{message}");
    let (message, _) = message.split_once('"').unwrap();
    assert!(
        message.contains("fixtures/language/sleep.txtar:"),
        "{message}"
    );
}
