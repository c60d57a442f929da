//! Signals to the harness, and what is left when it is killed.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::project::{Output, Project, Record, Running, eventually, nothing_left_of, processes_of};

/// Scripts that run until they are ended, and one that is over before.
fn endless() -> Project {
    Project::new()
        .script("a_over", "exec true\n")
        .script("b_plain", "exec sleep 1000\n")
        .script("c_hidden", "exec sh -c 'setsid sleep 1000 & sleep 1000'\n")
        .script("d_waits", "exec true\n")
}

/// Starts it and waits until two scripts run for ever.
fn start(project: &Project) -> (Running, String) {
    let run = project
        .target()
        .arg("--test-threads=2")
        .without_engine()
        .start();
    let id = eventually("the scripts run", || {
        let file = project.record_files().pop()?;
        let id = file.file_stem()?.to_str()?.to_owned();
        let sleeping = processes_of(&id)
            .iter()
            .filter(|process| process.contains("sleep 1000"))
            .count();
        let record = Record::read(&file);
        let over = record.of("trial_settled").next().is_some();
        let started = record.of("attempt_started").count();
        (over && started == 3 && sleeping >= 3).then_some(id)
    });
    (run, id)
}

#[track_caller]
fn check(send: impl FnOnce(&Running), code: i32) {
    let project = endless();
    let (run, id) = start(&project);
    send(&run);
    let output = run.finish();
    output.expect_code(code);
    nothing_left_of(&id);
    let record = project.record();
    assert_eq!(record.verdict("a_over").0, "passed");
    for trial in ["b_plain", "c_hidden", "d_waits"] {
        let (verdict, reason) = record.verdict(trial);
        assert_eq!(
            (verdict, reason),
            ("not_run", "the run was interrupted"),
            "{trial}"
        );
    }
    assert_eq!(record.of("cancelled").next().unwrap()["signal"], code - 128);
    let end = record.events.last().unwrap();
    assert_eq!(end["event"], "run_ended");
    assert_eq!(end["conclusion"]["interrupted"]["signal"], code - 128);
    output.expect_stdout("test result: FAILED. 1 passed; 3 failed;");
    let left: Vec<_> = fs::read_dir(project.path("tmp")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    let left: Vec<_> = fs::read_dir(project.state().join("live"))
        .unwrap()
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn sigterm_ends_the_scripts_and_the_run_with_143() {
    check(|run| run.signal(Signal::TERM), 143);
}

#[test]
fn sigint_ends_the_scripts_and_the_run_with_130() {
    check(|run| run.signal(Signal::INT), 130);
}

#[test]
fn sighup_ends_the_scripts_and_the_run_with_129() {
    check(|run| run.signal(Signal::HUP), 129);
}

#[test]
fn a_terminal_that_interrupts_everybody_ends_the_run_as_one_that_interrupts_the_harness() {
    check(|run| run.signal_group(Signal::INT), 130);
}

/// A script that ends only by SIGKILL, and a grace that nobody would wait for.
fn stubborn() -> (Project, Running, String) {
    let script = "exec sh -c 'trap \"\" TERM INT HUP; setsid sh -c \"trap : TERM; while :; do sleep 1000; done\" & while :; do sleep 1000; done'\n";
    let settings = "scripts = [\"scripts\"]\ngrace = \"100s\"\nladder-limit = \"110s\"\n";
    let project = Project::with_settings(settings).script("stubborn", script);
    let run = project.target().without_engine().start();
    let id = eventually("the script runs", || {
        let file = project.record_files().pop()?;
        let id = file.file_stem()?.to_str()?.to_owned();
        let sleeping = processes_of(&id)
            .iter()
            .filter(|process| process.contains("sleep 1000"))
            .count();
        (sleeping >= 4).then_some(id)
    });
    (project, run, id)
}

/// Sends SIGINT, and waits until another would be taken for a second one.
fn interrupt(project: &Project, run: &Running) {
    let before = Instant::now();
    run.signal(Signal::INT);
    eventually("the signal is recorded, and is no longer the same", || {
        let file = project.record_files().pop()?;
        Record::read(&file).of("cancelled").next()?;
        (before.elapsed() > Duration::from_millis(400)).then_some(())
    });
}

#[test]
fn a_second_signal_does_not_wait_for_stubborn_scripts() {
    let (project, run, id) = stubborn();
    interrupt(&project, &run);
    run.signal(Signal::INT);
    run.finish().expect_code(130);
    nothing_left_of(&id);
    let record = project.record();
    let why = "the run was interrupted";
    assert_eq!(record.verdict("stubborn"), ("not_run", why));
    assert!(record.of("attempt_ended").next().is_some());
}

#[test]
fn a_signal_that_comes_twice_at_once_is_one() {
    let project = endless();
    let (run, id) = start(&project);
    // As `timeout` sends it: to the process, then to its group.
    run.signal(Signal::TERM);
    run.signal_group(Signal::TERM);
    run.signal(Signal::TERM);
    let output = run.finish();
    output.expect_code(143);
    assert!(!output.stderr().contains("left of "), "{}", output.stderr());
    nothing_left_of(&id);
    assert_eq!(project.record().verdict("b_plain").0, "not_run");
}

#[test]
fn sigterm_tells_what_ran_and_ends_before_anybody_would_kill_it_whatever_the_script_does() {
    let (project, run, id) = stubborn();
    let before = Instant::now();
    run.signal(Signal::TERM);
    let output = run.finish();
    output.expect_code(143);
    // Beyond 8 s the machine was busy, not the harness; nextest waits for 10 s.
    assert!(
        before.elapsed() < Duration::from_secs(10),
        "{:?}",
        before.elapsed()
    );
    let record = project.record();
    let seen = record.of("attempt_seen").next().expect("a look");
    assert_eq!(seen["look"]["place"]["file"], "scripts/stubborn.txtar");
    output.expect_stderr("sleep 1000");
    assert!(!output.stderr().contains("left of "), "{}", output.stderr());
    nothing_left_of(&id);
}

/// A worker that does not answer any more, and its harness.
fn silent() -> (Project, Running, String, i32) {
    let (project, run, id) = stubborn();
    let slots = children(run.pid());
    assert_eq!(slots.len(), 1, "{slots:?}");
    kill_process(Pid::from_raw(slots[0]).unwrap(), Signal::STOP).unwrap();
    (project, run, id, slots[0])
}

/// What was left is named, and the worker ends it when it can.
#[track_caller]
fn expect_left(output: &Output, project: &Project, id: &str, slot: i32) {
    output.expect_stderr("left of stubborn: process ");
    output.expect_stderr("`shakedown reap`");
    let record = project.record();
    let (verdict, why) = record.verdict("stubborn");
    assert_eq!(verdict, "not_run");
    assert!(why.contains("its end was not awaited"), "{why}");
    assert_eq!(record.of("run_ended").count(), 1);
    kill_process(Pid::from_raw(slot).unwrap(), Signal::CONT).unwrap();
    nothing_left_of(id);
    eventually("the worker is gone", || {
        (!fs::exists(format!("/proc/{slot}")).unwrap()).then_some(())
    });
}

#[test]
fn a_third_signal_leaves_at_once_and_says_what_is_left() {
    let (project, run, id, slot) = silent();
    for _ in 0..2 {
        interrupt(&project, &run);
    }
    run.signal(Signal::INT);
    let output = run.finish();
    output.expect_code(130);
    expect_left(&output, &project, &id, slot);
}

#[test]
fn sigterm_does_not_wait_for_a_worker_that_does_not_answer() {
    let (project, run, id, slot) = silent();
    let before = Instant::now();
    run.signal(Signal::TERM);
    let output = run.finish();
    output.expect_code(143);
    assert!(
        before.elapsed() < Duration::from_secs(10),
        "{:?}",
        before.elapsed()
    );
    expect_left(&output, &project, &id, slot);
}

#[test]
fn when_the_harness_is_killed_its_slots_and_their_scripts_go_too() {
    let project = endless();
    let (run, id) = start(&project);
    let slots = children(run.pid());
    assert_eq!(slots.len(), 2, "{slots:?}");
    run.signal(Signal::KILL);
    run.finish().expect_code(128 + 9);
    nothing_left_of(&id);
    eventually("the slots are gone", || {
        let gone = |slot: &i32| !fs::exists(format!("/proc/{slot}")).unwrap();
        slots.iter().all(gone).then_some(())
    });

    // What was known until then can be read, and told.
    let record = project.record();
    assert_eq!(record.verdict("a_over").0, "passed");
    assert!(record.of("run_ended").next().is_none());
    for which in [id.as_str(), "latest"] {
        let output = project.shakedown().args(["report", which]).finish();
        output.expect_code(0);
        output
            .expect_stdout("test a_over ... ok\n")
            .expect_stdout("test b_plain ... FAILED\n");
        output
            .expect_stdout("the record ends while it ran")
            .expect_stdout("the record ends before it ran");
        output.expect_stderr("was killed");
    }

    // The next run clears away what the killed one could not.
    project
        .target()
        .args(["--exact", "a_over"])
        .without_engine()
        .finish()
        .expect_code(0);
    let left: Vec<_> = fs::read_dir(project.state().join("live"))
        .unwrap()
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

pub(super) fn children(pid: i32) -> Vec<i32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let of_task = |task: std::io::Result<fs::DirEntry>| {
        fs::read_to_string(task.ok()?.path().join("children")).ok()
    };
    let lists: Vec<String> = tasks.filter_map(of_task).collect();
    lists
        .join(" ")
        .split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect()
}

#[test]
fn a_torn_record_is_told_up_to_where_it_is_torn() {
    let project = Project::new()
        .script("one", "exec true\n")
        .script("two", "exec true\n");
    project
        .run()
        .arg("--test-threads=1")
        .without_engine()
        .finish()
        .expect_code(0);
    let file = project.record_files().pop().unwrap();
    let whole = fs::read(&file).unwrap();
    for keep in [whole.len() - 1, whole.len() - 40, whole.len() / 2] {
        fs::write(&file, &whole[..keep]).unwrap();
        let output = project.shakedown().args(["report", "latest"]).finish();
        output.expect_code(0).expect_stdout("test result: ");
    }
    fs::write(&file, [&whole[..], b"not json\n"].concat()).unwrap();
    project
        .shakedown()
        .args(["report", "latest"])
        .finish()
        .expect_code(0);
}

#[test]
fn a_report_prints_what_the_run_printed() {
    let project = Project::new()
        .script("one", "exec echo one\n")
        .script("two", "exec false\n")
        .script("three", "skip 'not today'\n")
        .script("four", "#: deadline = \"300ms\"\nexec sleep 1000\n");
    let run = project.run().without_engine().finish();
    run.expect_code(101);
    let id = project.record().run().to_owned();
    for (which, format) in [
        ("latest", "pretty"),
        (id.as_str(), "pretty"),
        ("latest", "json"),
    ] {
        let report = project
            .shakedown()
            .args(["report", which, "--format", format])
            .finish();
        report.expect_code(0);
        if format == "pretty" {
            assert_eq!(report.stdout(), run.stdout());
        } else {
            report.expect_stdout(r#""passed": 1, "failed": 2, "ignored": 1"#);
        }
    }
    let unknown = project.shakedown().args(["report", "no-such-run"]).finish();
    unknown.expect_code(2).expect_stderr("no-such-run");
}
