//! Pipes, FIFOs, locks, sockets and children as things that a thread wants, and who could give them.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::waiting::Reader;
use super::want::{Holder, Want, What};
use crate::model::{LockKind, PipeFact, SocketFact, StackKind};

impl<'s> Reader<'_, 's> {
    /// Reading a pipe: everybody who can still write to it keeps the reader.
    pub(super) fn end(&self, tid: i32, pipe: &'s PipeFact) -> Want<'s> {
        let me = self.process.pid;
        let writers = |mine: bool| {
            let ends = pipe.ends.iter();
            let ends = ends.filter(move |end| end.writes && (end.pid == me) == mine);
            ends.map(|end| Holder {
                pid: end.pid,
                fd: Some(end.fd),
            })
        };
        let others: Vec<Holder> = writers(false).collect();
        let child = |holder: &&Holder| self.graph.children(me).any(|child| child.pid == holder.pid);
        if let Some(child) = others.iter().find(child) {
            let mut want = Want::new(tid, What::Output(pipe));
            want.holders = [*child].into();
            return want;
        }
        let own = others.is_empty() && writers(true).next().is_some();
        let child_gone = self.waits_for_nobody();
        let what = What::End {
            pipe,
            child_gone,
            own,
        };
        let mut want = Want::new(tid, what);
        want.doubt = self.graph.gap("pipes", me);
        want.holders = if own {
            writers(true).collect()
        } else {
            self.outermost(others)
        };
        want.one_of_many = own && self.graph.threads(me).len() > 1;
        want
    }

    /// A process before its descendants: whoever started the others is the one to name.
    pub(super) fn outermost(&self, mut holders: Vec<Holder>) -> Rc<[Holder]> {
        holders.sort_by_key(|holder| holder.pid);
        holders.dedup_by_key(|holder| holder.pid);
        let pids: BTreeSet<i32> = holders.iter().map(|holder| holder.pid).collect();
        let below = |holder: &Holder| {
            let process = self.graph.process(holder.pid);
            process.is_some_and(|process| pids.contains(&process.parent))
        };
        let (below, mut above): (Vec<Holder>, Vec<Holder>) =
            holders.iter().copied().partition(below);
        above.extend(below);
        above.into()
    }

    /// Go's `exec.Cmd.Wait` has reaped the child and waits for the goroutines that copy its output.
    pub(super) fn waits_for_nobody(&self) -> bool {
        self.graph.stacks(self.process.pid).any(|stack| {
            let mut frames = stack.frames.iter();
            stack.kind == StackKind::Goroutine
                && stack.state.starts_with("chan receive")
                && frames.any(|frame| frame.starts_with("os/exec.(*Cmd)"))
        })
    }

    pub(super) fn room(&self, tid: i32, pipe: &'s PipeFact) -> Want<'s> {
        let me = self.process.pid;
        let mut want = Want::new(tid, What::Room(pipe));
        let readers = pipe.ends.iter().filter(|end| end.reads && end.pid != me);
        want.holders = readers
            .map(|end| Holder {
                pid: end.pid,
                fd: Some(end.fd),
            })
            .collect();
        if let Some(slot) = self
            .graph
            .slot()
            .filter(|_| pipe.ours && want.holders.is_empty())
        {
            want.holders = [slot.into()].into();
        }
        want
    }

    pub(super) fn lock(&self, tid: i32, kind: Option<LockKind>, path: &'s str) -> Want<'s> {
        let me = self.process.pid;
        let Some(lock) = self.graph.lock(me, path) else {
            let mut want = Want::new(tid, What::Lock { kind, path });
            want.doubt = self.graph.gap("locks", me);
            return want;
        };
        let what = What::Lock {
            kind: Some(lock.kind),
            path: &lock.path,
        };
        let mut want = Want::new(tid, what);
        let holders = lock.holders.iter().filter(|holder| **holder > 0);
        want.holders = holders.map(|holder| (*holder).into()).collect();
        want.doubt = self.graph.gap("locks", me);
        want
    }

    /// A word in memory that several processes share is a lock between them; others are of its own threads.
    pub(super) fn futex(&self, tid: i32, mapping: &'s str) -> Option<Want<'s>> {
        let shared = mapping.starts_with('/');
        let waited = self.graph.lock(self.process.pid, mapping);
        let known = waited.is_some_and(|lock| lock.kind == LockKind::SharedMemory);
        (shared && known || mapping.starts_with("/dev/shm/"))
            .then(|| self.lock(tid, Some(LockKind::SharedMemory), mapping))
    }

    pub(super) fn socket(&self, tid: i32, socket: &'s SocketFact, call: &str) -> Want<'s> {
        let ends = socket.peer_ends.iter();
        let holders = ends.map(|(pid, fd)| Holder {
            pid: *pid,
            fd: Some(*fd),
        });
        let place = if socket.peer.is_empty() {
            &socket.name
        } else {
            &socket.peer
        };
        let mut want = match socket.state.as_str() {
            "listening" => {
                let what = format!("waits for somebody to connect to {place}");
                return Want::new(tid, What::Event(what));
            }
            "connecting" => Want::new(tid, What::Connection(place)),
            // It was never connected, or is not any more: nobody is asked for anything.
            "closed" if socket.peer.is_empty() && socket.peer_ends.is_empty() => {
                let what = format!("waits for {place}, which is not connected");
                return Want::new(tid, What::Event(what));
            }
            _ if call == "connect" => Want::new(tid, What::Connection(place)),
            _ => Want::new(tid, What::Answer(socket)),
        };
        let mut holders: Vec<Holder> = holders.collect();
        if let Some(helper) = self.served_peer(&holders) {
            return helper;
        }
        let me = self.process.pid;
        // Both ends in one process: its threads wake each other.
        if !holders.is_empty() && holders.iter().all(|holder| holder.pid == me) {
            let what = "waits for its own threads".to_owned();
            return Want::new(tid, What::Event(what));
        }
        holders.retain(|holder| holder.pid != me);
        // Scripts beside this one may listen at the same name, each in its own directory.
        let ours = |holder: &Holder| self.graph.is_of_script(holder.pid);
        if holders.iter().any(ours) {
            holders.retain(ours);
        }
        want.holders = holders.into();
        want
    }

    /// At the other end is a helper that lives as long as a container.
    pub(super) fn served_peer(&self, holders: &[Holder]) -> Option<Want<'s>> {
        let mut helpers = holders
            .iter()
            .filter_map(|holder| self.graph.process(holder.pid));
        let id = helpers.find_map(|helper| self.graph.served(helper))?;
        Some(self.container(id, false))
    }

    pub(super) fn child(&self, tid: i32, pid: Option<i32>) -> Want<'s> {
        let mut want = Want::new(tid, What::Child);
        let children = self.graph.children(self.process.pid);
        let children = children.filter(|child| pid.is_none_or(|pid| pid == child.pid));
        want.holders = children.map(|child| child.pid.into()).collect();
        want
    }
}

/// Whoever opens the other end of a FIFO.
pub(super) fn partner(tid: i32, path: &str) -> Want<'_> {
    let mut want = Want::new(tid, What::Partner(path));
    if path.is_empty() {
        want.doubt = Some("not permitted");
    }
    want
}
