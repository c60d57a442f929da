//! Evidence about a script that passed its deadline, taken by its ancestor before the first signal.
//!
//! Reads, and touches nothing: which processes there are, whether anything moves, what each thread waits for,
//! who holds it, and the sentence that follows.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::host::procfs::Proc;
use crate::model::{Evidence, Finding, Gap, Movement, ProcessFact, Scene};

pub mod collect;
pub mod stacks;
mod why;

pub use why::explain;

use collect::{Collected, Collector, Left, Subject};

/// All descendants of a process at one moment, parents before children.
#[derive(Debug, Default)]
pub struct Sample {
    processes: Vec<ProcessFact>,
    gaps: Vec<Gap>,
    took: Duration,
    left: Left,
}

/// Looks at every descendant of `root`, those of engine helpers too. It takes a few milliseconds, and at most
/// [`collect::LIMIT`].
pub fn sample(root: i32) -> Sample {
    let subject = Subject::new(Proc::default(), root, Vec::new(), Path::new("/"));
    let collected = collect::collect(
        subject,
        vec![Collector::processes()],
        collect::LIMIT,
        &mut |_| {},
    );
    Sample {
        processes: collected.scene.processes,
        gaps: collected.scene.gaps,
        took: collected.scene.took,
        left: collected.left,
    }
}

/// What a slot knows of the script that it runs.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// The slot's own id: the script's processes are below it.
    pub slot: i32,
    /// Where work directories live.
    pub work_root: &'a Path,
    /// The processes that the script's commands were started as, with their lines; those that ended too.
    pub started: &'a BTreeMap<i32, u32>,
}

/// Gathers the facts about what a sample saw; each is told to `heard` as it comes.
pub fn look(sample: Sample, around: Around<'_>, heard: &mut dyn FnMut(&Finding)) -> Collected {
    let proc = Proc::default();
    let mut processes = sample.processes;
    collect::place(&proc, &mut processes, around);
    let subject = Subject::new(proc, around.slot, processes, around.work_root);
    let limit = collect::LIMIT
        .saturating_sub(sample.took)
        .max(collect::LIMIT / 2);
    let mut collected = collect::collect(subject, collect::collectors(), limit, heard);
    for gap in sample.gaps {
        let gap = Finding::Gap(gap);
        heard(&gap);
        collected.scene.learn(gap);
    }
    collected.scene.took += sample.took;
    collected.left.join(sample.left);
    collected
}

impl Sample {
    /// The processes, parents before children.
    pub fn processes(&self) -> &[ProcessFact] {
        &self.processes
    }

    /// As evidence for the record.
    pub fn into_evidence(self) -> Evidence {
        evidence(Scene {
            processes: self.processes,
            gaps: self.gaps,
            took: self.took,
            ..Scene::default()
        })
    }
}

impl Collected {
    /// As evidence for the record, and who did not finish in time.
    pub fn into_evidence(self) -> (Evidence, Left) {
        (evidence(self.scene), self.left)
    }
}

fn evidence(scene: Scene) -> Evidence {
    if scene.processes.is_empty() {
        Evidence::Unavailable {
            why: "the script had no process left".to_owned(),
        }
    } else {
        Evidence::Seen(Box::new(scene))
    }
}

/// Less processor time than this between two looks is housekeeping (a runtime's timers), not work.
const IDLE: Duration = Duration::from_millis(20);

/// Fewer bytes than this between two looks, at most a second apart, are housekeeping too: a Go runtime wakes
/// itself through a descriptor, 1 or 8 bytes at a time (a waiting `podman run`: measured, 12 bytes a second).
const IDLE_BYTES: u64 = 128;

/// Whether anything moved between two looks: processes came or went, bytes flowed, processor time was used.
/// `written`: bytes that the script's commands wrote to their outputs in between. However few, they are work:
/// no runtime's housekeeping goes there.
pub fn movement(before: Option<&Sample>, now: &Sample, written: u64) -> Movement {
    let Some(before) = before else {
        return Movement::Unknown {
            why: "the deadline left no time for a first look".to_owned(),
        };
    };
    let pids = |sample: &Sample| {
        sample
            .processes
            .iter()
            .map(|process| process.pid)
            .collect::<Vec<_>>()
    };
    if written > 0 || pids(before) != pids(now) {
        return Movement::Moving;
    }
    let moved = before
        .processes
        .iter()
        .zip(&now.processes)
        .any(|(then, now)| {
            let worked = now.cpu.saturating_sub(then.cpu) >= IDLE;
            let flowed = |(then, now): (u64, u64)| now.saturating_sub(then) >= IDLE_BYTES;
            worked || then.io_bytes.zip(now.io_bytes).is_some_and(flowed)
        });
    if moved {
        Movement::Moving
    } else {
        Movement::Still
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: i32, cpu_ms: u64, io_bytes: Option<u64>) -> ProcessFact {
        ProcessFact {
            pid,
            parent: 1,
            state: 'S',
            command: "sleep 9".to_owned(),
            wchan: String::new(),
            cpu: Duration::from_millis(cpu_ms),
            io_bytes,
            engine_helper: false,
            age: None,
            line: 0,
            adopted: false,
            container: String::new(),
        }
    }

    #[track_caller]
    fn check(before: &[ProcessFact], now: &[ProcessFact], expected: &Movement) {
        let sample = |processes: &[ProcessFact]| Sample {
            processes: processes.to_vec(),
            ..Sample::default()
        };
        assert_eq!(movement(Some(&sample(before)), &sample(now), 0), *expected);
    }

    #[test]
    fn a_script_moves_when_work_bytes_or_processes_change() {
        let then = [process(1, 100, Some(5))];
        check(&then, &then, &Movement::Still);
        check(&then, &[process(1, 110, Some(5))], &Movement::Still);
        check(&then, &[process(1, 130, Some(5))], &Movement::Moving);
        check(&then, &[process(1, 100, Some(17))], &Movement::Still);
        check(&then, &[process(1, 100, Some(500))], &Movement::Moving);
        check(&then, &[process(2, 100, Some(5))], &Movement::Moving);
        check(
            &[process(1, 1, None)],
            &[process(1, 1, None)],
            &Movement::Still,
        );
        check(&[], &[], &Movement::Still);
    }

    #[test]
    fn a_script_that_trickles_moves() {
        let look = Sample {
            processes: vec![process(1, 100, Some(5))],
            ..Sample::default()
        };
        assert_eq!(movement(Some(&look), &look, 1), Movement::Moving);
        assert_eq!(movement(Some(&look), &look, 0), Movement::Still);
    }

    #[test]
    fn one_look_tells_no_movement() {
        let now = Sample {
            processes: vec![process(1, 0, None)],
            ..Sample::default()
        };
        assert!(matches!(movement(None, &now, 9), Movement::Unknown { .. }));
    }
}
