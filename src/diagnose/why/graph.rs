//! The facts of a scene, made easy to ask: who is whose child, who has a pipe open, who holds a lock.
//!
//! Knows nothing of chains and of words.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    ContainerFact, LockFact, PipeEnd, PipeFact, ProcessFact, Scene, SocketFact, Stack, ThreadFact,
};

/// A scene with its indexes.
#[derive(Debug)]
pub(super) struct Graph<'s> {
    pub(super) scene: &'s Scene,
    processes: BTreeMap<i32, &'s ProcessFact>,
    threads: BTreeMap<i32, Vec<&'s ThreadFact>>,
    children: BTreeMap<i32, Vec<i32>>,
}

impl<'s> Graph<'s> {
    pub(super) fn new(scene: &'s Scene) -> Self {
        let mut processes = BTreeMap::new();
        let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
        for process in scene.processes.iter().chain(&scene.others) {
            if processes.insert(process.pid, process).is_none() {
                children
                    .entry(process.parent)
                    .or_default()
                    .push(process.pid);
            }
        }
        let mut threads: BTreeMap<i32, Vec<&ThreadFact>> = BTreeMap::new();
        for thread in &scene.threads {
            threads.entry(thread.pid).or_default().push(thread);
        }
        for list in threads.values_mut() {
            list.sort_by_key(|thread| (thread.tid != thread.pid, thread.tid));
        }
        Graph {
            scene,
            processes,
            threads,
            children,
        }
    }

    pub(super) fn process(&self, pid: i32) -> Option<&'s ProcessFact> {
        self.processes.get(&pid).copied()
    }

    /// Processes of the script whose parent is none of them.
    pub(super) fn roots(&self) -> impl Iterator<Item = &'s ProcessFact> {
        let processes = self.scene.processes.iter();
        let ours: BTreeSet<i32> = processes.clone().map(|process| process.pid).collect();
        processes
            .filter(move |process| process.parent == process.pid || !ours.contains(&process.parent))
    }

    pub(super) fn is_of_script(&self, pid: i32) -> bool {
        self.scene
            .processes
            .iter()
            .any(|process| process.pid == pid)
    }

    /// The slot: the parent of the script's first process.
    pub(super) fn slot(&self) -> Option<i32> {
        self.scene.processes.first().map(|first| first.parent)
    }

    /// The first thread first.
    pub(super) fn threads(&self, pid: i32) -> &[&'s ThreadFact] {
        self.threads.get(&pid).map_or(&[], Vec::as_slice)
    }

    /// Children that live.
    pub(super) fn children(&self, pid: i32) -> impl Iterator<Item = &'s ProcessFact> {
        let children = self.children.get(&pid).into_iter().flatten();
        children
            .filter(move |child| **child != pid)
            .filter_map(|child| self.process(*child))
            .filter(|child| !matches!(child.state, 'Z' | 'X'))
    }

    pub(super) fn pipe(&self, name: &str) -> Option<&'s PipeFact> {
        let mut pipes = self.scene.pipes.iter();
        pipes.find(|pipe| pipe.name == name)
    }

    /// The pipes that a process can read (or write), with its descriptor.
    pub(super) fn pipes_of(
        &self,
        pid: i32,
        wanted: impl Fn(&PipeEnd) -> bool,
    ) -> Vec<(&'s PipeFact, i32)> {
        let end = |pipe: &'s PipeFact| {
            let mut ends = pipe.ends.iter();
            let mine = ends.find(|end| end.pid == pid && wanted(end))?;
            Some((pipe, mine.fd))
        };
        self.scene.pipes.iter().filter_map(end).collect()
    }

    /// The lock that a process waits for, if need be on this file.
    pub(super) fn lock(&self, waiter: i32, path: &str) -> Option<&'s LockFact> {
        let waited = |lock: &&'s LockFact| lock.waiters.contains(&waiter);
        let locks = || self.scene.locks.iter().filter(waited);
        locks()
            .find(|lock| lock.path == path)
            .or_else(|| locks().next())
            .or_else(|| {
                let mut all = self.scene.locks.iter();
                all.find(|lock| lock.path == path && !lock.path.is_empty())
            })
    }

    pub(super) fn socket(&self, name: &str) -> Option<&'s SocketFact> {
        let mut sockets = self.scene.sockets.iter();
        sockets.find(|socket| socket.name == name)
    }

    pub(super) fn sockets_of(&self, pid: i32) -> Vec<(&'s SocketFact, i32)> {
        let end = |socket: &'s SocketFact| {
            let mut ends = socket.ends.iter();
            let mine = ends.find(|(holder, _)| *holder == pid)?;
            Some((socket, mine.1))
        };
        self.scene.sockets.iter().filter_map(end).collect()
    }

    pub(super) fn stacks(&self, pid: i32) -> impl Iterator<Item = &'s Stack> {
        let stacks = self.scene.stacks.iter();
        stacks.filter(move |stack| stack.pid == pid)
    }

    pub(super) fn container(&self, id: &str) -> Option<&'s ContainerFact> {
        let same = |known: &str| {
            !id.is_empty() && !known.is_empty() && (known.starts_with(id) || id.starts_with(known))
        };
        let mut containers = self.scene.containers.iter();
        containers.find(|container| same(&container.id))
    }

    /// The id of the container that a helper of an engine serves (conmon: in its words, its control group
    /// or its child's).
    pub(super) fn served(&self, helper: &'s ProcessFact) -> Option<&'s str> {
        if !helper.engine_helper {
            return None;
        }
        let named = || {
            let mut words = helper.command.split_whitespace();
            words.find(|word| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit()))
        };
        let inside = || {
            let mut children = self.children(helper.pid);
            children.find_map(|child| Some(child.container.as_str()).filter(|id| !id.is_empty()))
        };
        Some(helper.container.as_str())
            .filter(|id| !id.is_empty())
            .or_else(named)
            .or_else(inside)
    }

    /// Why this could not be learnt, if a gap says so.
    pub(super) fn gap(&self, about: &str, pid: i32) -> Option<&'s str> {
        let number = pid.to_string();
        let gaps = || self.scene.gaps.iter();
        let of_pid = |what: &str| what.split([' ', ':', ',']).any(|word| word == number);
        gaps()
            .find(|gap| gap.what.contains(about) && of_pid(&gap.what))
            .or_else(|| gaps().find(|gap| gap.what == about))
            .map(|gap| gap.why.as_str())
    }
}
