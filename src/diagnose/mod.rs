//! Evidence about a script that passed its deadline, taken by its ancestor before the first signal.
//!
//! Reads, and touches nothing but that a thread may stop for less than a millisecond while its stack is copied.
//! Facts are gathered by collectors (`collect`, `stacks`), whether anything moves is told by two looks, and `why`
//! makes one sentence of it all. Knows no engine and no report.

use std::path::Path;
use std::time::Duration;

use crate::host::clock;
use crate::host::procfs::Proc;
use crate::model::{Evidence, Finding, Gap, Movement, ProcessFact};

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
        left: collected.left,
    }
}

impl Sample {
    /// The processes, parents before children.
    pub fn processes(&self) -> &[ProcessFact] {
        &self.processes
    }
}

/// How long the whole may take: the collectors, then the stacks.
const EVIDENCE: Duration = Duration::from_millis(480);

/// Stacks are read of so many processes, those nearest to the script's root.
const STACKS: usize = 24;

/// Gathers the facts about what a sample saw below the slot `root`; each is told to `heard` as it comes. Stacks come
/// last, for a thread may have to stop for a moment.
pub fn look(
    sample: Sample,
    root: i32,
    work_root: &Path,
    heard: &mut dyn FnMut(&Finding),
) -> Collected {
    let begun = clock::now();
    let processes = sample.processes;
    let subject = || Subject::new(Proc::default(), root, processes.clone(), work_root);
    let mut collected = collect::collect(subject(), collect::collectors(), collect::LIMIT, heard);
    let left = (begun + EVIDENCE).saturating_duration_since(clock::now());
    let stacks = collect::collect(subject(), vec![stacks(left)], left, heard);
    collected.scene.stacks = stacks.scene.stacks;
    collected.scene.gaps.extend(stacks.scene.gaps);
    collected.left.join(stacks.left);
    for gap in sample.gaps {
        heard(&Finding::Gap(gap.clone()));
        collected.scene.learn(Finding::Gap(gap));
    }
    collected.left.join(sample.left);
    collected.scene.took = clock::now() - begun;
    collected
}

/// Reads the stacks of the script's own processes.
fn stacks(limit: Duration) -> Collector {
    let until = clock::now() + limit.mul_f64(0.9);
    Collector::new("stacks", move |subject, say| {
        let own = subject.processes().iter().filter(|process| {
            !process.engine_helper && process.container.is_empty() && process.state != 'Z'
        });
        let pids: Vec<i32> = own.map(|process| process.pid).take(STACKS).collect();
        let mut told = Ok(());
        stacks::take(&pids, until, &mut |one| {
            told = told.and(say.say(match one {
                stacks::Told::Stack(stack) => Finding::Stack(stack),
                stacks::Told::Gap(gap) => Finding::Gap(gap),
            }));
        });
        told
    })
}

impl Collected {
    /// As evidence for the record.
    pub fn into_evidence(self) -> (Evidence, Left) {
        let evidence = if self.scene.processes.is_empty() {
            Evidence::Unavailable {
                why: "the script had no process left".to_owned(),
            }
        } else {
            Evidence::Seen(Box::new(self.scene))
        };
        (evidence, self.left)
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
