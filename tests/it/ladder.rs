//! What happens at a deadline and around it: looks, the ladder, its report, holding, asking, and workers that
//! get stuck themselves.

use std::fs::{self, File};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use super::project::{Output, Project, Record, Running, eventually, nothing_left_of, processes_of};
use super::verdicts::{fixtures, project};

/// Ends when its test lets it, and not before.
const WAITS: &str = "exec mkfifo gate\nexec sh -c 'echo $PWD/gate >$HOME/gate; read line <gate'\n";

/// A project whose only script is one of the fixtures.
fn one(name: &str) -> Project {
    project(&fixtures(|other| other == name))
}

/// The names of the steps of the ladder, in order.
fn steps(report: &Value) -> Vec<&str> {
    let steps = report["ladder"].as_array().into_iter().flatten();
    steps.map(|step| step["step"].as_str().unwrap()).collect()
}

fn stderr_has(run: &Running, word: &str) -> String {
    eventually(word, || {
        Some(run.stderr()).filter(|text| text.contains(word))
    })
}

/// What follows a word in a text, up to the line's end.
#[track_caller]
fn after<'t>(text: &'t str, word: &str) -> &'t str {
    let (_, rest) = text
        .split_once(word)
        .unwrap_or_else(|| panic!("{word} in {text}"));
    rest.lines().next().unwrap()
}

fn is_there(pid: &str) -> bool {
    Path::new("/proc").join(pid).exists()
}

#[test]
fn every_step_of_the_ladder_is_in_the_record_with_its_time() {
    let project = one("hang_stubborn");
    let output = project.run().without_engine().finish();
    output.expect_code(101);
    let record = project.record();
    let report = record.report("hang_stubborn");
    assert_eq!(steps(report), ["evidence", "terminate", "grace", "kill"]);
    let ladder = report["ladder"].as_array().unwrap();
    let [evidence, .., grace, kill] = ladder.as_slice() else {
        panic!("{ladder:?}");
    };
    assert!(evidence["processes"].as_u64().unwrap() >= 1, "{evidence}");
    assert_eq!(grace["limit"], 3.0);
    assert!(grace["took"].as_f64().unwrap() >= 3.0, "{grace}");
    assert!(kill["processes"].as_u64().unwrap() >= 1, "{kill}");
    let end = |step: &Value| step["at"].as_f64().unwrap() + step["took"].as_f64().unwrap();
    assert!(end(kill) <= 20.0, "{kill}");
    output.expect_stderr("SIGTERM to ");
    output.expect_stderr("SIGKILL to ");
    nothing_left_of(record.run());
}

#[test]
fn the_ladder_ends_within_its_limit_however_long_the_grace() {
    let settings = "scripts = [\"scripts\"]\nladder-limit = \"6s\"\ngrace = \"1h\"\n";
    let project = one("hang_stubborn").file("harness.toml", settings);
    project.run().without_engine().finish().expect_code(101);
    let record = project.record();
    let report = record.report("hang_stubborn");
    let took = report["timings"]["ladder"].as_f64().unwrap();
    // One second is the grace's, the rest is kept for SIGKILL; a busy machine may add to it.
    assert!(took < 15.0, "{took}");
    nothing_left_of(record.run());
}

#[test]
fn quiet_looks_are_kept_of_a_script_that_fails_and_of_no_other() {
    let body = "exec sleep 0.8\n";
    let project = Project::new()
        .script("passes", format!("#: deadline = \"1s\"\n{body}"))
        .script("hangs", "#: deadline = \"1s\"\nexec sleep 1000\n")
        .script("fails", format!("#: deadline = \"1s\"\n{body}exec false\n"));
    project.run().without_engine().finish();
    let record = project.record();
    let samples = |name: &str| {
        record.report(name)["samples"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    };
    assert_eq!(samples("hangs").len(), 2, "{:?}", samples("hangs"));
    let commands = samples("hangs")[0]["processes"].to_string();
    assert!(commands.contains("sleep 1000"), "{commands}");
    if record.verdict("passes").0 == "passed" {
        assert_eq!(samples("passes").len(), 0);
    }
    assert!(!samples("fails").is_empty());
}

#[test]
fn a_script_that_trickles_is_slow_and_does_not_hang() {
    // A shell that waits by itself: no process comes or goes, and hardly any time is used.
    let script = "#: deadline = \"4s\"\nexec mkfifo never\nexec bash -c 'exec 9<>never; while :; do printf .; read -t 0.1 -u 9; done'\n";
    let project = Project::new().script("trickles", script);
    project.run().without_engine().finish().expect_code(101);
    let record = project.record();
    assert_eq!(record.verdict("trickles").0, "slow");
    nothing_left_of(record.run());
}

#[test]
fn the_report_of_a_hang_is_a_file_and_the_record_prints_it_again() {
    let project = one("hang_pipe");
    let output = project.run().without_engine().finish();
    let file = after(output.stderr(), "full report: ");
    assert!(file.contains("/hangs/"), "{file}");
    let hang: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    assert_eq!(hang["trial"], "hang_pipe");
    assert_eq!(hang["start"]["parallelism"], 1);
    let record = project.record();
    assert_eq!(
        hang["report"]["outcome"]["timed_out"],
        record.report("hang_pipe")["outcome"]["timed_out"]
    );
    let again = project.shakedown().args(["report", "latest"]).finish();
    let story = |output: &Output| {
        let (_, story) = output.stderr().split_once("HANG ").unwrap();
        story.split_once("\nrun ").unwrap().0.to_owned()
    };
    assert_eq!(story(&again), story(&output));
}

#[test]
fn the_line_that_repeats_a_hang_works_when_it_is_pasted() {
    let project = Project::new()
        .script("hangs here", "#: deadline = \"500ms\"\nexec sleep 1000\n")
        .script("other", "exec true\n");
    let run = || project.run().args(["--deadline", "1s", "scripts"]);
    let output = run().without_engine().finish();
    let line = after(output.stderr(), "repeat: ").to_owned();
    let pasted = project
        .start(Path::new("/bin/sh"))
        .args(["-c", &line])
        .without_engine()
        .finish();
    pasted.expect_code(101);
    pasted.expect_stdout("test hangs here ... FAILED");
    pasted.expect_stdout("0 passed; 1 failed;");
    pasted.expect_stderr("of 1.0 s");
}

#[test]
fn whoever_asks_is_told_what_runs_and_it_goes_on() {
    let project = Project::new().script("waits", WAITS);
    let home = project.path("home").display().to_string();
    let run = project
        .run()
        .args(["-e", &format!("HOME={home}")])
        .without_engine()
        .start();
    let gate = eventually("the script waits", || {
        let path = fs::read_to_string(project.path("home/gate")).ok()?;
        Some(path.trim().to_owned()).filter(|path| !path.is_empty())
    });
    run.signal(Signal::USR1);
    let told = stderr_has(&run, "LOOK ");
    assert!(after(&told, "LOOK ").contains("waits.txtar:2"), "{told}");
    eventually("the processes are told", || {
        run.stderr().contains("read line").then_some(())
    });
    fs::write(gate, "go\n").unwrap();
    run.finish().expect_code(0);
    let record = project.record();
    assert_eq!(record.verdict("waits").0, "passed");
    assert_eq!(record.of("attempt_seen").count(), 1);
}

/// A script that is kept alive past its deadline, and what is typed to it.
fn held(project: &Project) -> (Running, File) {
    let typed = project.path("typed");
    assert!(
        Command::new("mkfifo")
            .arg(&typed)
            .status()
            .unwrap()
            .success()
    );
    assert!(fs::metadata(&typed).unwrap().file_type().is_fifo());
    let keyboard = File::options().read(true).write(true).open(&typed).unwrap();
    let run = project
        .run()
        .args(["--on-hang", "hold"])
        .stdin_from(keyboard.try_clone().unwrap())
        .without_engine()
        .start();
    stderr_has(&run, "the worker process is ");
    (run, keyboard)
}

fn held_script() -> Project {
    Project::new()
        .script("hangs", "#: deadline = \"500ms\"\nexec sleep 1000\n")
        .script("other", "exec true\n")
}

#[test]
fn a_hang_that_is_held_lives_until_a_line_is_typed() {
    use std::io::Write;
    let project = held_script();
    let (run, mut keyboard) = held(&project);
    let stderr = run.stderr();
    let pid = after(&stderr, "gdb -p ")
        .split(' ')
        .next()
        .unwrap()
        .to_owned();
    assert!(is_there(&pid), "{stderr}");
    let work = after(&stderr, "cd ");
    assert!(Path::new(work).is_dir(), "{work}");
    keyboard.write_all(b"\n").unwrap();
    let output = run.finish();
    output.expect_code(101);
    output.expect_stderr("kept alive for ");
    let record = project.record();
    assert_eq!(record.verdict("hangs").0, "hung");
    assert_eq!(record.verdict("other").0, "passed");
    assert_eq!(steps(record.report("hangs"))[..2], ["evidence", "held"]);
    nothing_left_of(record.run());
}

#[test]
fn a_hang_that_is_held_ends_with_the_run() {
    let project = held_script();
    let (run, _keyboard) = held(&project);
    run.signal(Signal::TERM);
    run.finish().expect_code(143);
    let record = project.record();
    assert_eq!(record.verdict("hangs").0, "hung");
    nothing_left_of(record.run());
}

#[test]
fn what_a_worker_found_is_not_lost_with_it() {
    let project = held_script();
    let (run, _keyboard) = held(&project);
    let stderr = run.stderr();
    let pid: i32 = after(&stderr, "the worker process is ").parse().unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, Signal::KILL).unwrap();
    run.finish().expect_code(101);
    let record = project.record();
    let late = &record.report("hangs")["outcome"]["timed_out"];
    let scene = &late["evidence"]["seen"];
    let command = scene["processes"][0]["command"].as_str().unwrap();
    assert!(command.ends_with("sleep 1000"), "{command}");
    let gap = scene["gaps"].as_array().unwrap().last().unwrap();
    assert_eq!(gap["what"], "the rest");
    assert_eq!(gap["why"], "the worker process was killed by signal 9");
    assert_eq!(steps(record.report("hangs")), ["evidence"]);
    nothing_left_of(record.run());
}

#[test]
fn a_worker_that_is_stopped_is_given_up_soon_after_the_deadline() {
    let script = "#: deadline = \"500ms\"\nexec sh -c 'kill -STOP $PPID; exec sleep 1000'\n";
    let project = Project::new()
        .script("stops", script)
        .script("zz", "exec true\n");
    let output = project
        .run()
        .arg("--test-threads=1")
        .without_engine()
        .finish();
    output.expect_code(102);
    let record = project.record();
    assert_eq!(record.verdict("stops").0, "faulted");
    assert_eq!(record.verdict("zz").0, "passed");
    let took = record.report("stops")["timings"]["script"]
        .as_f64()
        .unwrap();
    // The deadline and 10 s of silence; then the machine may be busy.
    assert!((10.0..25.0).contains(&took), "{took}");
    nothing_left_of(record.run());
}

#[test]
fn a_log_hears_what_still_runs_once_in_each_interval() {
    let settings = "scripts = [\"scripts\"]\nslow = \"300ms\"\n";
    let project = Project::with_settings(settings).script("naps", "exec sleep 1\n");
    let output = project.run().without_engine().finish();
    output.expect_code(0);
    let lines: Vec<&str> = output
        .stderr()
        .lines()
        .filter(|line| line.starts_with("still running: naps ("))
        .collect();
    assert!((1..=4).contains(&lines.len()), "{lines:#?}");
    assert!(lines[0].ends_with("naps.txtar:1)"), "{lines:#?}");
    let quiet = Project::with_settings("scripts = [\"scripts\"]\nslow = \"0s\"\n")
        .script("naps", "exec sleep 0.5\n");
    let output = quiet.run().without_engine().finish();
    assert!(!output.stderr().contains("still running"));
}

/// A freezer of control groups, version 1: what is in it and frozen cannot even be killed.
struct Freezer {
    group: std::path::PathBuf,
}

impl Freezer {
    /// None where there is no such thing, or it may not be used.
    fn new() -> Option<Self> {
        let name = format!("shakedown-it-{}", std::process::id());
        let group = Path::new("/sys/fs/cgroup/freezer").join(name);
        fs::create_dir(&group).ok()?;
        Some(Freezer { group })
    }

    fn thaw(&self) {
        fs::write(self.group.join("freezer.state"), "THAWED").ok();
    }
}

impl Drop for Freezer {
    fn drop(&mut self) {
        self.thaw();
        let procs = self.group.join("cgroup.procs");
        eventually("the thawed process ends", || {
            fs::read_to_string(&procs).ok().filter(String::is_empty)
        });
        fs::remove_dir(&self.group).ok();
    }
}

#[test]
fn a_process_that_cannot_be_killed_is_named_and_the_next_script_is_not_affected() {
    let Some(freezer) = Freezer::new() else {
        eprintln!("skipped: no freezer of control groups (version 1, as root) to be had");
        return;
    };
    let group = freezer.group.display();
    let frozen = format!(
        "#: deadline = \"1s\"\nexec sh -c 'echo $$ >{group}/cgroup.procs; (sleep 0.2; echo FROZEN >{group}/freezer.state) & exec sleep 1000'\n"
    );
    let project = Project::with_settings("scripts = [\"scripts\"]\ngrace = \"200ms\"\n")
        .script("frozen", frozen)
        .script("zz", "exec true\n");
    let output = project
        .run()
        .arg("--test-threads=1")
        .without_engine()
        .finish();
    output.expect_code(101);
    let record = project.record();
    assert_eq!(record.verdict("zz").0, "passed");
    let report = record.report("frozen");
    assert_eq!(steps(report).last(), Some(&"survivors"));
    let survivors = report["ended"].as_array().unwrap().iter();
    let survivor = survivors
        .filter(|process| process["how"] == "survived")
        .find(|process| process["command"] == "sleep 1000")
        .unwrap_or_else(|| panic!("{report:#}"));
    assert_eq!(survivor["state"], "D", "{survivor}");
    output.expect_stderr("cannot be killed (state D, in ");
    let replaced = record.of("slot_replaced").next().unwrap();
    let why = replaced["why"].as_str().unwrap();
    assert!(
        why.starts_with("it has processes that cannot be killed: "),
        "{why}"
    );
    assert!(!processes_of(record.run()).is_empty(), "it is still there");
    drop(freezer);
    nothing_left_of(record.run());
}

#[test]
fn a_leak_names_the_descriptor_and_the_line_and_a_header_makes_it_a_failure() {
    let leaks = |header: &str| {
        let script =
            format!("{header}exec sh -c 'exec 9>&1; setsid sleep 1000 >/dev/null 2>&1 & exit 0'\n");
        Project::new().script("leaks", script)
    };
    let warned = leaks("");
    let output = warned.run().without_engine().finish();
    output.expect_code(0);
    let record: Record = warned.record();
    let holder = record.report("leaks")["leaks"][0]["holders"][0][0].clone();
    output.expect_stderr(&format!(
        "still open in process {holder}, descriptor 9, begun by line 1: "
    ));
    let failing = leaks("#: leak = \"fail\"\n");
    failing.run().without_engine().finish().expect_code(101);
    // What is typed goes before what the script says.
    let typed = failing
        .run()
        .args(["--leak", "warn"])
        .without_engine()
        .finish();
    typed.expect_code(0);
    let by_flag = leaks("")
        .run()
        .args(["--leak", "fail"])
        .without_engine()
        .finish();
    by_flag.expect_code(101);
}
