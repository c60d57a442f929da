//! Evidence as it comes: one fact after the other, and the scene that they add up to.
//!
//! A fold, so that whoever hears the facts one by one knows as much as whoever gathered them.

use serde::{Deserialize, Serialize};

use super::evidence::{
    ContainerFact, Evidence, Gap, LockFact, MachineNow, PipeFact, ProcessFact, Scene, SocketFact,
    Stack, ThreadFact,
};

/// One fact of a [`Scene`]. A later one about the same thing replaces an earlier one: what is learnt
/// without any risk is said first, and then again with what took more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// A process of the script.
    Process(ProcessFact),
    /// A process elsewhere, which holds something that the script has to do with.
    Other(ProcessFact),
    /// A thread of one of the script's processes.
    Thread(ThreadFact),
    /// A pipe or FIFO.
    Pipe(PipeFact),
    /// A lock.
    Lock(LockFact),
    /// A socket.
    Socket(SocketFact),
    /// A user stack.
    Stack(Stack),
    /// A container.
    Container(ContainerFact),
    /// The machine.
    Machine(MachineNow),
    /// Something that could not be learnt.
    Gap(Gap),
}

impl Evidence {
    /// Takes one more fact in.
    pub fn learn(&mut self, finding: Finding) {
        if let Evidence::Seen(scene) = self {
            scene.learn(finding);
        } else {
            let mut scene = Scene::default();
            scene.learn(finding);
            *self = Evidence::Seen(Box::new(scene));
        }
    }
}

impl Scene {
    /// Takes one more fact in.
    pub fn learn(&mut self, finding: Finding) {
        match finding {
            Finding::Process(new) => {
                self.others.retain(|other| other.pid != new.pid);
                put(&mut self.processes, new, |a, b| a.pid == b.pid);
            }
            Finding::Other(new) => {
                if self.processes.iter().all(|known| known.pid != new.pid) {
                    put(&mut self.others, new, |a, b| a.pid == b.pid);
                }
            }
            Finding::Thread(new) => put(&mut self.threads, new, |a, b| a.tid == b.tid),
            Finding::Pipe(new) => put(&mut self.pipes, new, |a, b| a.name == b.name),
            Finding::Lock(new) => put(&mut self.locks, new, |a, b| {
                (a.kind, &a.path) == (b.kind, &b.path)
            }),
            Finding::Socket(new) => put(&mut self.sockets, new, |a, b| a.name == b.name),
            Finding::Stack(new) => put(&mut self.stacks, new, |a, b| {
                (a.pid, a.thread, a.kind) == (b.pid, b.thread, b.kind)
            }),
            Finding::Container(new) => put(&mut self.containers, new, |a, b| a.id == b.id),
            Finding::Machine(new) => self.machine = Some(new),
            Finding::Gap(new) => put(&mut self.gaps, new, |a, b| a == b),
        }
    }
}

/// Replaces the fact about the same thing, or adds one.
fn put<T>(known: &mut Vec<T>, new: T, same: impl Fn(&T, &T) -> bool) {
    match known.iter_mut().find(|old| same(old, &new)) {
        Some(old) => *old = new,
        None => known.push(new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: i32, command: &str) -> ProcessFact {
        ProcessFact {
            pid,
            command: command.to_owned(),
            ..ProcessFact::default()
        }
    }

    fn pids(processes: &[ProcessFact]) -> Vec<i32> {
        processes.iter().map(|process| process.pid).collect()
    }

    #[test]
    fn what_is_said_again_replaces_what_was_said_first() {
        let mut scene = Scene::default();
        scene.learn(Finding::Process(process(7, "[sleep]")));
        scene.learn(Finding::Process(process(9, "[cat]")));
        scene.learn(Finding::Process(process(7, "sleep 300")));
        assert_eq!(pids(&scene.processes), [7, 9]);
        assert_eq!(scene.processes[0].command, "sleep 300");
    }

    #[test]
    fn a_process_is_the_scripts_or_another_never_both() {
        let mut scene = Scene::default();
        scene.learn(Finding::Other(process(7, "a")));
        scene.learn(Finding::Process(process(7, "a")));
        scene.learn(Finding::Other(process(7, "a")));
        scene.learn(Finding::Other(process(8, "b")));
        assert_eq!(pids(&scene.processes), [7]);
        assert_eq!(pids(&scene.others), [8]);
    }

    #[test]
    fn the_same_gap_is_told_once() {
        let mut scene = Scene::default();
        let gap = Gap {
            what: "pipes".to_owned(),
            why: "not permitted".to_owned(),
        };
        scene.learn(Finding::Gap(gap.clone()));
        scene.learn(Finding::Gap(gap));
        assert_eq!(scene.gaps.len(), 1);
    }
}
