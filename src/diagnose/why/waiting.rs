//! From the threads of a process to what they want.
//!
//! Knows no words for it, and not who waits for whom in the end.

use super::client;
use super::graph::Graph;
use super::guess::{Guess, guess};
use super::things::partner;
use super::want::{Want, What};
use crate::model::{Descriptor, LockKind, PipeFact, ProcessFact, StackKind, ThreadFact, Wait};

/// Everything that the threads of a process want; never nothing.
pub(super) fn wants<'s>(graph: &Graph<'s>, process: &'s ProcessFact) -> Vec<Want<'s>> {
    let reader = Reader { graph, process };
    if let Some(id) = graph.served(process) {
        return vec![reader.container(id, true)];
    }
    if matches!(process.state, 'T' | 't') {
        return vec![Want::new(process.pid, What::Continuation)];
    }
    let threads = graph.threads(process.pid);
    let mut wants: Vec<Want<'s>> = threads
        .iter()
        .flat_map(|thread| reader.thread(thread))
        .collect();
    if threads.is_empty() {
        wants = reader.bare();
    }
    reader.through_client(&mut wants);
    if wants.is_empty() {
        wants.push(reader.own_threads());
    }
    let hidden = |want: &Want<'_>| matches!(want.what, What::Unknown(_));
    if !process.container.is_empty() && wants.iter().all(hidden) {
        wants = vec![reader.container(&process.container, true)];
    }
    wants
}

/// Reads the threads of one process.
#[derive(Debug)]
pub(super) struct Reader<'g, 's> {
    pub(super) graph: &'g Graph<'s>,
    pub(super) process: &'s ProcessFact,
}

impl<'s> Reader<'_, 's> {
    pub(super) fn container(&self, id: &'s str, helper: bool) -> Want<'s> {
        let known = self.graph.container(id);
        Want::new(self.process.pid, What::Container { id, known, helper })
    }

    /// What is attached to a container waits for it, whatever else could wake it; a lock tells more.
    fn through_client(&self, wants: &mut Vec<Want<'s>>) {
        if let Some(container) = client::container_of(self.graph, self.process) {
            wants.push(self.container(&container.id, false));
        }
        let is_container = |want: &Want<'_>| matches!(want.what, What::Container { .. });
        if wants.iter().any(is_container) {
            wants.retain(|want| {
                is_container(want)
                    || matches!(
                        want.what,
                        What::Lock { .. } | What::Continuation | What::Kernel { .. }
                    )
            });
        }
    }

    /// A process whose threads are not known: one outside the script, or one that may not be read.
    fn bare(&self) -> Vec<Want<'s>> {
        let why = self.graph.gap("threads", self.process.pid);
        let why = why.unwrap_or("its threads were not read");
        let pid = self.process.pid;
        if self.process.state == 'R' {
            return vec![Want::new(pid, What::Processor)];
        }
        self.guessed(pid, &self.process.wchan, why)
    }

    fn thread(&self, thread: &'s ThreadFact) -> Vec<Want<'s>> {
        let tid = thread.tid;
        let one = |what| vec![Want::new(tid, what)];
        match &thread.wait {
            Wait::Running => one(What::Processor),
            Wait::Stopped => one(What::Continuation),
            Wait::Sleep => one(What::Time),
            Wait::Signal => vec![Want {
                what: What::Signal,
                ..self.child(tid, None)
            }],
            Wait::Child { pid } => vec![self.child(tid, *pid)],
            Wait::Kernel => one(What::Kernel {
                path: "",
                wchan: &thread.wchan,
            }),
            Wait::Open { path } => vec![partner(tid, path)],
            Wait::Futex { mapping, .. } => self.futex(tid, mapping).into_iter().collect(),
            Wait::On { call, on } => self.on(thread, call, on),
            Wait::AnyOf { on, timed, call } => self.any_of(tid, call, on, *timed),
            Wait::Call { name } => match guess(&thread.wchan) {
                Some(_) => self.guessed(tid, &thread.wchan, "the call names no descriptor"),
                None => one(What::Event(format!("is in the system call {name}"))),
            },
            Wait::Unknown { why } => self.guessed(tid, &thread.wchan, why),
        }
    }

    /// In one call on one descriptor.
    fn on(&self, thread: &'s ThreadFact, call: &str, on: &'s Descriptor) -> Vec<Want<'s>> {
        let tid = thread.tid;
        if guess(&thread.wchan) == Some(Guess::Kernel) {
            let (path, wchan) = (on.target.as_str(), thread.wchan.as_str());
            return vec![Want::new(tid, What::Kernel { path, wchan })];
        }
        let writes = ["write", "send", "splice", "sendfile"];
        let is_write = writes.iter().any(|name| call.contains(name));
        let mut want = match call {
            "flock" => self.lock(tid, Some(LockKind::Flock), &on.target),
            _ if call.starts_with("fcntl") => self.lock(tid, None, &on.target),
            _ => self.descriptor(tid, on, is_write, call),
        };
        want.fd = Some(on.fd);
        vec![want]
    }

    /// Bytes, room, or whatever this descriptor can give.
    fn descriptor(&self, tid: i32, on: &'s Descriptor, writes: bool, call: &str) -> Want<'s> {
        let target = on.target.as_str();
        let mut want = if let Some(pipe) = self.graph.pipe(target) {
            if writes {
                self.room(tid, pipe)
            } else {
                self.end(tid, pipe)
            }
        } else if let Some(socket) = self.graph.socket(target) {
            self.socket(tid, socket, call)
        } else if is_terminal(target) {
            Want::new(tid, What::Terminal(target))
        } else if target.contains("pidfd") {
            self.child(tid, None)
        } else if target.contains("timerfd") {
            Want::new(tid, What::Time)
        } else {
            let what = if target.is_empty() {
                "something"
            } else {
                target
            };
            Want::new(tid, What::Event(format!("waits in {call} for {what}")))
        };
        want.fd = Some(on.fd);
        want
    }

    fn any_of(&self, tid: i32, call: &str, on: &'s [Descriptor], timed: bool) -> Vec<Want<'s>> {
        let telling = |target: &str| {
            !["eventfd", "signalfd", "inotify", "timerfd", "eventpoll"]
                .iter()
                .any(|name| target.contains(name))
        };
        let told: Vec<&Descriptor> = on.iter().filter(|one| telling(&one.target)).collect();
        if told.is_empty() {
            // Nothing but its own threads, timers and signals can wake it.
            return if timed && on.is_empty() {
                vec![Want::new(tid, What::Time)]
            } else {
                Vec::new()
            };
        }
        let many = told.len() > 1;
        let want = |one: &'s Descriptor| {
            let reads = |pipe: &PipeFact| {
                let mut ends = pipe.ends.iter();
                ends.any(|end| end.pid == self.process.pid && end.fd == one.fd && end.reads)
            };
            let writes = self
                .graph
                .pipe(&one.target)
                .is_some_and(|pipe| !reads(pipe));
            let mut want = self.descriptor(tid, one, writes, call);
            want.one_of_many = many;
            want
        };
        told.into_iter().map(want).collect()
    }

    /// Nothing outside was named by any thread.
    fn own_threads(&self) -> Want<'s> {
        let stacks = || self.graph.stacks(self.process.pid);
        let asleep = |state: &str| state.starts_with("sleep");
        let main = stacks().min_by_key(|stack| stack.thread);
        let what = match main {
            Some(stack) if asleep(&stack.state) => What::Time,
            Some(stack) if stack.kind == StackKind::Goroutine => {
                let frame = stack
                    .frames
                    .iter()
                    .find(|frame| !frame.starts_with("runtime."));
                let frame = frame.map_or("?", String::as_str);
                What::Event(format!(
                    "waits for its own goroutines (goroutine {} [{}] in {frame})",
                    stack.thread, stack.state
                ))
            }
            Some(_) | None => What::Event("waits for its own threads".to_owned()),
        };
        Want::new(self.process.pid, what)
    }
}

fn is_terminal(target: &str) -> bool {
    let begins = ["/dev/pts/", "/dev/tty", "/dev/console", "/dev/ptmx"];
    begins.iter().any(|name| target.starts_with(name))
}
