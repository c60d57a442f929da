//! Every script of `fixtures/verdicts` ends as its first line says.

use std::fs;

use serde_json::Value;

use super::project::{Project, Record, nothing_left_of, package};

/// What the first line of a fixture promises: `# expect: VERDICT [line N] [MESSAGE]`.
#[derive(Debug, PartialEq, Eq)]
struct Expected {
    verdict: String,
    line: Option<u64>,
    message: String,
}

impl Expected {
    #[track_caller]
    fn of(name: &str, text: &str) -> Self {
        let first = text.lines().next().unwrap_or_default();
        let expected = first.strip_prefix("# expect: ");
        let expected = expected.unwrap_or_else(|| panic!("{name} says what to expect: {first}"));
        let (verdict, rest) = expected.split_once(' ').unwrap_or((expected, ""));
        let (line, message) = match rest.strip_prefix("line ") {
            None => (None, rest),
            Some(rest) => {
                let (line, message) = rest.split_once(' ').unwrap_or((rest, ""));
                (Some(line.parse().unwrap()), message)
            }
        };
        Expected {
            verdict: verdict.to_owned(),
            line,
            message: message.to_owned(),
        }
    }

    /// What the record tells of a trial, as far as the fixture says something about it.
    #[track_caller]
    fn found(&self, record: &Record, trial: &str) -> Self {
        let (verdict, reason) = record.verdict(trial);
        let outcome = &record.report(trial)["outcome"];
        let (line, message) = match verdict {
            "failed" => (
                line(&outcome["failed"]),
                text(&outcome["failed"]["message"]),
            ),
            "hung" | "slow" => (line(&outcome["timed_out"]), String::new()),
            "faulted" => of_fault(&text(&outcome["faulted"]["message"])),
            _ => (None, reason.to_owned()),
        };
        Expected {
            verdict: verdict.to_owned(),
            line,
            message: if self.message.is_empty() {
                String::new()
            } else {
                message
            },
        }
    }
}

fn line(ending: &Value) -> Option<u64> {
    ending["place"]["line"].as_u64()
}

/// The line is the last word of a fault's message.
fn of_fault(message: &str) -> (Option<u64>, String) {
    let line = message
        .rsplit(':')
        .next()
        .and_then(|line| line.parse().ok());
    (line, message.to_owned())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The fixtures that the filter lets through: name and text.
pub(crate) fn fixtures(wanted: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    let mut fixtures = Vec::new();
    for entry in fs::read_dir(package().join("fixtures/verdicts")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if wanted(&name) {
            fixtures.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
    fixtures.sort();
    fixtures
}

/// A project of these scripts.
pub(crate) fn project(fixtures: &[(String, String)]) -> Project {
    let add = |project: Project, (name, text): &(String, String)| project.script(name, text);
    fixtures.iter().fold(Project::new(), add)
}

/// Compares all of them at once, so that one failure shows every deviation.
#[track_caller]
pub(crate) fn check(fixtures: &[(String, String)], record: &Record) {
    let expected: Vec<(&String, Expected)> = fixtures
        .iter()
        .map(|(name, text)| (name, Expected::of(name, text)))
        .collect();
    let found: Vec<(&String, Expected)> = expected
        .iter()
        .map(|(name, expected)| (*name, expected.found(record, name)))
        .collect();
    assert_eq!(found, expected);
}

fn is_plain(name: &str) -> bool {
    !name.starts_with("container_") && name != "crash"
}

#[test]
fn every_plain_fixture_ends_as_its_first_line_says_and_leaves_no_process() {
    let fixtures = fixtures(is_plain);
    let project = project(&fixtures);
    project.run().without_engine().finish().expect_code(101);
    let record = project.record();
    check(&fixtures, &record);
    nothing_left_of(record.run());
    for (name, _) in &fixtures {
        let report = record.report(name);
        assert_eq!(
            report["cleanup"]["leftovers"],
            Value::Array(Vec::new()),
            "{name}"
        );
        assert_eq!(report["work_dir"], "", "{name}");
    }
    let left: Vec<_> = fs::read_dir(project.path("tmp")).unwrap().collect();
    assert!(left.is_empty(), "work directories are removed: {left:?}");
}

#[test]
fn a_hang_shows_the_processes_as_they_stood_and_how_they_were_ended() {
    let fixtures = fixtures(|name| name == "hang_grandchild" || name == "hang_stubborn");
    let project = project(&fixtures);
    project.run().without_engine().finish().expect_code(101);
    let record = project.record();
    for (name, _) in &fixtures {
        let report = record.report(name);
        let seen = &report["outcome"]["timed_out"]["evidence"]["seen"]["processes"];
        let pids = |list: &Value| {
            let list = list.as_array().unwrap().iter();
            let mut pids: Vec<u64> = list
                .map(|process| process["pid"].as_u64().unwrap())
                .collect();
            pids.sort_unstable();
            pids
        };
        assert_eq!(pids(seen), pids(&report["ended"]), "{name}: {report:#}");
    }
    let how = |name: &str| {
        let ended = record.report(name)["ended"].as_array().unwrap().clone();
        ended
            .iter()
            .map(|process| text(&process["how"]))
            .collect::<Vec<_>>()
    };
    assert!(how("hang_grandchild").iter().all(|how| how == "terminated"));
    assert!(how("hang_stubborn").iter().any(|how| how == "killed"));
    assert!(
        how("hang_grandchild").len() >= 4,
        "the session of its own is among them"
    );
}

#[test]
fn what_is_deferred_runs_after_the_deadline() {
    let fixtures = fixtures(|name| name == "hang_deferred");
    let project = project(&fixtures);
    project.run().without_engine().finish().expect_code(101);
    let record = project.record();
    let log = text(&record.report("hang_deferred")["log"]);
    let (_, deferred) = log.split_once("[deadline exceeded]").unwrap();
    assert!(deferred.contains("\n# deferred ("), "{log}");
    assert!(deferred.contains("\n[stdout]\ncleaned up\n"), "{log}");
}

#[test]
fn each_kind_of_verdict_has_its_exit_code() {
    for (name, code) in [
        ("leaked_pipe", 0),
        ("skip", 0),
        ("no_match", 101),
        ("unexpected_success", 101),
        ("hang_pipe", 101),
    ] {
        let project = project(&fixtures(|other| other == name));
        project.run().without_engine().finish().expect_code(code);
    }
}

#[test]
fn a_leaked_pipe_passes_and_is_told_with_its_holder() {
    let project = project(&fixtures(|name| name == "leaked_pipe"));
    let output = project.run().without_engine().finish();
    let record = project.record();
    let report = record.report("leaked_pipe");
    let holder = &report["leaks"][0]["holders"][0];
    assert_eq!(holder[1], "sleep 1000");
    assert_eq!(report["leaks"][0]["place"]["line"], 3);
    assert_eq!(report["ended"][0]["pid"], holder[0]);
    // The grace is 200 ms; the bound is only there to tell it from the 1000 s of the holder.
    assert!(report["timings"]["script"].as_f64().unwrap() < 10.0);
    output.expect_code(0);
    output.expect_stderr("LEAK");
    output.expect_stderr(&format!(
        "process {}, descriptors 1 and 2, begun by line 3: sleep 1000",
        holder[0]
    ));
    nothing_left_of(record.run());
}

#[test]
fn a_leaked_pipe_fails_a_strict_run_and_a_trial_when_the_settings_say_so() {
    let fixtures = fixtures(|name| name == "leaked_pipe");
    let strict = project(&fixtures);
    strict
        .run()
        .arg("--strict")
        .without_engine()
        .finish()
        .expect_code(103);
    let settings = "scripts = [\"scripts\"]\nleak = \"fail\"\n";
    let failing = project(&fixtures).file("harness.toml", settings);
    failing.run().without_engine().finish().expect_code(101);
}

#[test]
fn a_command_of_the_language_that_waits_ends_at_the_deadline_and_says_for_what() {
    for (line, why) in [
        ("grep x f", "/f, which nobody has open for writing"),
        ("cp f a", "/f, which nobody has open for writing"),
        ("cp a f", "/f, which nobody has open for reading"),
        ("sleep 600s", "the script sleeps 600s"),
        (
            "until -every=600s -timeout=900s exec false",
            "`until` had no success in 1 try: unexpected command failure",
        ),
    ] {
        let text = format!("defer exec echo deferred\nexec mkfifo f\n{line}\n-- a --\nx\n");
        let project = Project::new().script("a", text);
        let deadline = ["--deadline", "1s"];
        let output = project.run().args(deadline).without_engine().finish();
        output.expect_code(101);
        output.expect_stderr("HANG   scripts/a.txtar:3");
        output.expect_stderr("WHY    a: ");
        output.expect_stderr(why);
        output.expect_stdout("deferred");
        assert_eq!(project.record().verdict("a").0, "hung", "{line}");
    }
}

#[test]
fn a_command_that_is_tried_waits_no_longer_than_until_does() {
    for line in ["grep x f", "cp a f", "sleep 600s"] {
        let text = format!("exec mkfifo f\n! exec false\nuntil -timeout=300ms {line}\n-- a --\n");
        let project = Project::new().script("a", text);
        let output = project.run().without_engine().finish();
        output.expect_code(101);
        let gave_up = "FAIL: scripts/a.txtar:3: until: gave up after 300ms and 1 try: the command did not end";
        output.expect_stdout(gave_up);
    }
}

#[test]
fn the_work_directory_of_a_worker_that_died_is_removed_unless_it_is_kept() {
    let text = "mkdir closed\nchmod 000 closed\nexec sh -c 'kill -9 $PPID'\n";
    let project = Project::new().script("a", text);
    let temporary = tempfile::tempdir().unwrap();
    let below = || fs::read_dir(temporary.path()).unwrap().count();
    let run = || {
        let run = project.run().without_engine();
        run.env("TMPDIR", temporary.path())
    };
    run().finish().expect_code(102);
    assert_eq!(below(), 0);
    let output = run().arg("--keep").finish();
    output.expect_code(102);
    output.expect_stderr("KEPT   a: $WORK is ");
    assert_eq!(below(), 1);
}

#[test]
fn a_script_may_remove_its_own_directory_and_what_that_is_in() {
    let project = Project::new()
        .script("a", "rm $WORK\n")
        .script("b", "rm ..\n")
        .script("c", "exec true\n");
    let one = ["--test-threads", "1", "--strict"];
    let output = project.run().args(one).without_engine().finish();
    output.expect_code(0);
    assert!(!output.stderr().contains("LEFT"), "{}", output.stderr());
}
