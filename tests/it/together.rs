//! Several runs on one Podman at once, each with processes of its own: two harnesses, and a process for each trial as
//! nextest starts them. Whether they take turns is asked of the engine, which knows when each container began and ended.

use std::fs;
use std::time::Duration;

use super::engines::{BASE, Engine, rootless_again, stage};
use super::project::{Output, Project, Running, shakedown, target};

/// Writes down when the container of this trial began and ended, in nanoseconds by the engine's clock. It takes a while.
const SCRIPT: &str = r#"#: container = true
exec sh turn.sh
-- turn.sh --
set -e
"$ENGINE" run --name "$TAG" --network none "$BASE" sleep 0.3
"$ENGINE" inspect --format '{{.State.StartedAt.UnixNano}} {{.State.FinishedAt.UnixNano}}' "$TAG" >>"$SPANS"
"#;

/// For all of them, since most of it is waiting for the others.
const LIMIT: Duration = Duration::from_secs(300);

/// With so many such trials, which all write into one file.
fn project(trials: u32, spans: &str) -> Project {
    let settings = format!(
        "scripts = [\"scripts\"]\n\n[environment]\nBASE = \"{BASE}\"\nSPANS = \"{spans}\"\n"
    );
    (0..trials).fold(Project::below(&stage(), &settings), |project, number| {
        project.script(&format!("container_{number}"), SCRIPT)
    })
}

/// Each process as nextest starts it; all at once.
fn nextest(project: &Project, trials: u32, state: &str) -> Vec<Running> {
    let id = "0f1e2d3c-0000-4000-8000-000000000002";
    let nextest = format!("NEXTEST_RUN_ID={id}");
    let variables = [
        state,
        "NEXTEST=1",
        &nextest,
        "NEXTEST_EXECUTION_MODE=process-per-test",
        "SHAKEDOWN_ENGINE=podman",
    ];
    let start = |number: u32| {
        let name = format!("container_{number}");
        let words = ["--exact", &name, "--nocapture"];
        let run = match number {
            0 => Engine::Podman.call(&variables, project, &target(), &words),
            _ => rootless_again(&variables, project, &words),
        };
        run.limit(LIMIT).start()
    };
    (0..trials).map(start).collect()
}

#[test]
fn two_harnesses_and_a_process_for_each_trial_take_turns_on_one_podman() {
    if !Engine::Podman.usable() {
        return;
    }
    let ledger = Project::below(&stage(), "").file("spans", "");
    super::engines::give_away_to_podman(&ledger.path(""));
    let spans = ledger.path("spans");
    let state = format!("XDG_STATE_HOME={}", ledger.path("home").display());
    let shown = spans.display().to_string();
    let (one, other, third) = (project(2, &shown), project(2, &shown), project(3, &shown));
    let mut running = nextest(&third, 3, &state);
    for project in [&one, &other] {
        let words = ["run", "--engine", "podman", "--policy", "serial"];
        let run = Engine::Podman.call(&[&state], project, &shakedown(), &words);
        running.push(run.limit(LIMIT).start());
    }
    let outputs: Vec<Output> = running.into_iter().map(Running::finish).collect();
    for output in &outputs {
        output.expect_code(0);
    }
    let text = fs::read_to_string(spans).unwrap();
    let span = |line: &str| {
        let (began, ended) = line.split_once(' ').unwrap();
        (began.parse::<u64>().unwrap(), ended.parse::<u64>().unwrap())
    };
    let mut spans: Vec<(u64, u64)> = text.lines().map(span).collect();
    spans.sort_unstable();
    assert_eq!(spans.len(), 7, "{text}");
    for two in spans.windows(2) {
        assert!(two[0].1 <= two[1].0, "{two:?} of {spans:?}");
    }
    for project in [&one, &other, &third] {
        for file in project.record_files() {
            Engine::Podman.expect_clean(file.file_stem().unwrap().to_str().unwrap());
        }
    }
}
