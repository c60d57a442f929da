//! The frame: collectors that block, break down or speak in time, doubles of every real one among them.

use std::fs;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Barrier};

use super::*;
use crate::host::procfs::Proc;
use crate::model::ProcessFact;

/// Short, so that the tests are.
const SHORT: Duration = Duration::from_millis(100);

fn me() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}

/// A process to look at.
struct Sleeper(std::process::Child);

impl Sleeper {
    #[expect(clippy::disallowed_methods, reason = "something to look at")]
    fn new() -> Self {
        let mut command = std::process::Command::new("sleep");
        Sleeper(command.arg("300").spawn().unwrap())
    }

    fn pid(&self) -> i32 {
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

#[test]
fn whoever_blocks_is_named_and_everything_else_is_known_in_time() {
    let all = collectors().len();
    for blocked in 0..all {
        let sleeper = Sleeper::new();
        let mut doubles = collectors();
        let what = doubles[blocked].what;
        let (double, release) = blocks(what);
        doubles[blocked] = double;
        let others: Vec<_> = doubles
            .iter()
            .map(|c| c.what)
            .filter(|w| *w != what)
            .collect();
        let mut streamed = Scene::default();
        let mut hear = |finding: &Finding| streamed.learn(finding.clone());
        let collected = collect(subject_of(sleeper.pid()), doubles, LIMIT, &mut hear);
        drop(sleeper);
        let scene = &collected.scene;
        assert!(
            scene.took < Duration::from_millis(500),
            "{what}: {:?}",
            scene.took
        );
        assert_eq!(whys(scene, what), ["no answer within 0.4 s"]);
        assert_eq!(
            whys(scene, &format!("said by {what}")),
            ["before it blocked"]
        );
        assert_eq!(whys(scene, "said too late"), [""; 0]);
        for other in others {
            assert_eq!(whys(scene, other), [""; 0], "{other} while {what} blocks");
        }
        assert_eq!(scene.machine.is_some(), what != "machine");
        assert_eq!(scene.threads.is_empty(), what == "threads");
        assert_eq!(collected.left.stuck(), [what]);
        assert_eq!(streamed.threads, scene.threads);
        drop(release);
    }
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
    let collected = collect(subject_of(0), vec![broken], SHORT, &mut |_| {});
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

#[test]
fn a_process_whose_files_do_not_answer_costs_what_they_tell_and_no_more() {
    let stat = "7 (dead) S 1 7 7 0 -1 0 0 0 0 0 3 4 0 0 20 0 1 0 500 0 0";
    for (dead, known) in [
        ("7/cmdline", true),
        ("7/task/7/syscall", false),
        ("7/task/7/wchan", false),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        fs::create_dir_all(root.join("7/task/7")).unwrap();
        fs::create_dir_all(root.join("1/task/1")).unwrap();
        fs::write(root.join("1/task/1/children"), "7 ").unwrap();
        fs::write(root.join("7/stat"), stat).unwrap();
        fs::write(root.join("7/task/7/stat"), stat).unwrap();
        fs::write(root.join("7/task/7/syscall"), "running\n").unwrap();
        fs::write(root.join("loadavg"), "1 2 3 4/5 6\n").unwrap();
        dead_file(&root.join(dead));
        let subject = Subject::new(Proc::at(root), 1, Vec::new(), "/".as_ref());
        let found = collect(subject, vec![Collector::processes()], SHORT, &mut |_| {});
        assert_eq!(found.scene.processes.len(), 1, "{dead}");
        let subject = Subject::new(Proc::at(root), 1, found.scene.processes, "/".as_ref());
        let collected = collect(subject, collectors(), SHORT, &mut |_| {});
        assert_eq!(collected.scene.threads.len(), usize::from(known), "{dead}");
        assert_eq!(collected.scene.machine.unwrap().load, "1 2 3", "{dead}");
        // Whoever reads there is let go.
        drop(rustix::fs::open(
            root.join(dead),
            rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NONBLOCK,
            rustix::fs::Mode::empty(),
        ));
    }
}
