//! The frame: collectors that block, break down or speak in time, doubles of every real one among them.

use std::fs;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Barrier};

use super::fake::Fake;
use super::*;
use crate::host::procfs::Proc;
use crate::model::ProcessFact;

/// Short, so that the tests are.
const SHORT: Duration = Duration::from_millis(100);

fn me() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}

/// A process to look at.
pub(super) struct Sleeper(std::process::Child);

impl Sleeper {
    pub(super) fn new() -> Self {
        Self::with_stdout(std::process::Stdio::null())
    }

    #[expect(clippy::disallowed_methods, reason = "something to look at")]
    pub(super) fn with_stdout(stdout: impl Into<std::process::Stdio>) -> Self {
        let mut command = std::process::Command::new("sleep");
        Sleeper(command.arg("300").stdout(stdout).spawn().unwrap())
    }

    pub(super) fn pid(&self) -> i32 {
        i32::try_from(self.0.id()).unwrap()
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn subject_of(process: i32) -> Subject {
    let process = ProcessFact {
        pid: process,
        state: 'S',
        ..ProcessFact::default()
    };
    Subject::new(Proc::default(), me(), vec![process], "/".as_ref())
}

/// A collector that says one thing and then blocks until the sender is dropped.
fn blocks(what: &'static str) -> (Collector, Sender<()>) {
    let (release, blocked) = channel::<()>();
    let collector = Collector::new(what, move |_, say| {
        say.gap(format!("said by {what}"), "before it blocked")?;
        blocked.recv().ok();
        say.gap("said too late", "")
    });
    (collector, release)
}

fn whys<'s>(scene: &'s Scene, what: &str) -> Vec<&'s str> {
    let of = scene.gaps.iter().filter(|gap| gap.what == what);
    of.map(|gap| gap.why.as_str()).collect()
}

/// Long enough for everybody who does not block, on a busy machine too.
const PATIENT: Duration = Duration::from_secs(3);

/// One of the real collectors is replaced by one that speaks once and blocks.
fn check_blocked(blocked: usize) {
    let sleeper = Sleeper::new();
    let mut doubles = collectors();
    let what = doubles[blocked].what;
    let (double, release) = blocks(what);
    doubles[blocked] = double;
    let others: Vec<_> = doubles.iter().map(|double| double.what).collect();
    let mut streamed = Scene::default();
    let mut hear = |finding: &Finding| streamed.learn(finding.clone());
    let collected = collect(subject_of(sleeper.pid()), doubles, PATIENT, &mut hear);
    let scene = &collected.scene;
    assert!(scene.took < PATIENT * 2, "{what}: {:?}", scene.took);
    assert_eq!(whys(scene, what), ["no answer within 3 s"]);
    assert_eq!(
        whys(scene, &format!("said by {what}")),
        ["before it blocked"]
    );
    assert_eq!(whys(scene, "said too late"), [""; 0]);
    for other in others.into_iter().filter(|other| *other != what) {
        assert_eq!(whys(scene, other), [""; 0], "{other} while {what} blocks");
    }
    assert_eq!(scene.machine.is_some(), what != "machine");
    assert_eq!(scene.threads.is_empty(), what == "threads");
    assert_eq!(collected.left.stuck(), [what]);
    assert_eq!(streamed.threads, scene.threads);
    drop(release);
}

#[test]
fn whoever_blocks_is_named_and_everything_else_is_known_in_time() {
    thread::scope(|scope| {
        for blocked in 0..collectors().len() {
            scope.spawn(move || check_blocked(blocked));
        }
    });
    let half = Duration::from_millis(500);
    assert!(LIMIT < half, "the whole must be done in {half:?}");
}

#[test]
fn one_that_was_only_slow_is_not_stuck_any_more() {
    let (double, release) = blocks("slow");
    let mut collected = collect(subject_of(0), vec![double], SHORT, &mut |_| {});
    assert_eq!(collected.left.stuck(), ["slow"]);
    drop(release);
    for (_, thread) in collected.left.threads.drain(..) {
        thread.join().unwrap();
    }
    assert_eq!(collected.left.stuck(), [""; 0]);
}

#[test]
fn nobody_waits_for_the_limit_when_all_have_spoken() {
    let quick = Collector::new("quick", |_, say| say.gap("fact", "said"));
    let long = Duration::from_secs(600);
    let collected = collect(subject_of(0), vec![quick], long, &mut |_| {});
    assert_eq!(whys(&collected.scene, "fact"), ["said"]);
    assert_eq!(whys(&collected.scene, "quick"), [""; 0]);
}

#[test]
fn one_that_breaks_down_is_a_gap() {
    let broken = Collector::new("broken", |_, say| {
        say.gap("fact", "said")?;
        std::panic::resume_unwind(Box::new("a surprise"))
    });
    let collected = collect(subject_of(0), vec![broken], PATIENT, &mut |_| {});
    assert_eq!(whys(&collected.scene, "fact"), ["said"]);
    assert_eq!(
        whys(&collected.scene, "broken"),
        ["the collector broke down"]
    );
}

#[test]
fn one_that_never_stops_talking_is_cut_off() {
    let gone = Arc::new(Barrier::new(2));
    let stopped = Arc::clone(&gone);
    let chatty = Collector::new("chatty", move |_, say| {
        while say.gap("fact", "again").is_ok() {}
        stopped.wait();
        Err(Enough)
    });
    let collected = collect(subject_of(0), vec![chatty], SHORT, &mut |_| {});
    assert_eq!(whys(&collected.scene, "chatty"), ["no answer within 0.1 s"]);
    // It notices that nobody listens, and ends.
    gone.wait();
}

/// A file that blocks whoever reads it, as one on a dead file system does.
fn dead_file(path: &std::path::Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::remove_file(path).ok();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    let kind = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, path, kind, mode, 0).unwrap();
}

/// A process with one file that does not answer.
fn check_dead(dead: &str, known: bool) {
    let fake = Fake::new()
        .with(7)
        .file("1/task/1/children", "7 ")
        .file("7/task/7/syscall", "running\n")
        .file("loadavg", "1 2 3 4/5 6\n");
    let root = fake.root();
    dead_file(&root.join(dead));
    let subject = Subject::new(Proc::at(root), 1, Vec::new(), root);
    let found = collect(subject, vec![Collector::processes()], PATIENT, &mut |_| {});
    assert_eq!(found.scene.processes.len(), 1, "{dead}");
    let subject = Subject::new(Proc::at(root), 1, found.scene.processes, root);
    let all = collectors().into_iter();
    // Stacks are read from the real place.
    let all = all.filter(|collector| collector.what != "stacks").collect();
    let collected = collect(subject, all, PATIENT, &mut |_| {});
    assert_eq!(collected.scene.threads.len(), usize::from(known), "{dead}");
    assert_eq!(collected.scene.machine.unwrap().load, "1 2 3", "{dead}");
    // Whoever reads there is let go.
    let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NONBLOCK;
    let mode = rustix::fs::Mode::empty();
    drop(rustix::fs::open(root.join(dead), flags, mode));
}

#[test]
fn a_process_whose_files_do_not_answer_costs_what_they_tell_and_no_more() {
    thread::scope(|scope| {
        scope.spawn(|| check_dead("7/cmdline", true));
        scope.spawn(|| check_dead("7/task/7/syscall", false));
        scope.spawn(|| check_dead("7/task/7/wchan", false));
    });
}
