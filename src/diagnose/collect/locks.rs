//! Locks on files that the script's processes hold or wait for, with everybody else who does.
//!
//! `/proc/locks` names inodes. The path is read off a descriptor: one whose `fdinfo` tells of the lock, or the
//! one that a waiter is about to lock. Who holds a lock of an open file (`flock`, OFD) is found in `fdinfo`
//! alone: the process that took it may be gone, and the descriptor may live on in its children.

use std::collections::BTreeSet;

use super::{Enough, Say, Subject};
use crate::host::procfs::{FileLock, HeldLock, LockLine, TaskCall};
use crate::model::{Finding, LockFact, LockKind};

/// Commands of fcntl(2) that wait for a lock.
const SETLKW: [u64; 2] = [7, 38];

pub(super) fn learn(subject: &Subject, say: &Say) -> Result<(), Enough> {
    let locks = match subject.proc.locks() {
        Ok(locks) => locks,
        Err(unread) => return say.gap("locks", unread.to_string()),
    };
    if locks.is_empty() {
        return Ok(());
    }
    let script = Script {
        subject,
        held: held(subject),
        asks: if locks.iter().any(|lock| !lock.waiting.is_empty()) {
            asks(subject)
        } else {
            Vec::new()
        },
    };
    for lock in locks.iter().filter(|lock| script.concerns(lock)) {
        script.tell(lock, say)?;
    }
    Ok(())
}

/// A descriptor of a file that is locked, or about to be.
struct Seen {
    pid: i32,
    path: String,
    /// The lock that `fdinfo` tells of; for one who asks, only what is known of the file.
    lock: Option<HeldLock>,
    inode: Option<u64>,
}

/// What the script's processes have to do with locks.
struct Script<'s> {
    subject: &'s Subject,
    held: Vec<Seen>,
    asks: Vec<Seen>,
}

fn held(subject: &Subject) -> Vec<Seen> {
    let table = subject.table();
    let mut found = Vec::new();
    for process in subject.living() {
        for held in table.of(process.pid) {
            found.extend(locks_of(subject, process.pid, held.fd, &held.target));
        }
    }
    found
}

/// The locks of a descriptor. Only files have some.
fn locks_of(subject: &Subject, pid: i32, fd: i32, target: &str) -> Vec<Seen> {
    if !target.starts_with('/') {
        return Vec::new();
    }
    let info = subject.proc.descriptor_info(pid, fd).unwrap_or_default();
    let seen = |lock: HeldLock| Seen {
        pid,
        path: target.to_owned(),
        lock: Some(lock),
        inode: info.inode,
    };
    info.locks.into_iter().map(seen).collect()
}

/// Threads that are in a call which locks a file, and the file.
fn asks(subject: &Subject) -> Vec<Seen> {
    let proc = &subject.proc;
    let mut found = Vec::new();
    for pid in subject.living().map(|process| process.pid) {
        for tid in proc.tasks(pid).unwrap_or_default() {
            let Ok(TaskCall::In(call)) = proc.call(pid, tid) else {
                continue;
            };
            let [fd, command, ..] = call.arguments;
            let locks = match call.name() {
                Some("flock") => true,
                Some("fcntl") => SETLKW.contains(&command),
                _ => false,
            };
            let fd = i32::try_from(fd).ok().filter(|_| locks);
            let Some(Ok(target)) = fd.map(|fd| proc.descriptor(pid, fd)) else {
                continue;
            };
            found.push(Seen {
                pid,
                inode: proc
                    .descriptor_info(pid, target.fd)
                    .unwrap_or_default()
                    .inode,
                path: target.target,
                lock: None,
            });
        }
    }
    found
}

impl Script<'_> {
    fn concerns(&self, lock: &FileLock) -> bool {
        self.subject.has(lock.held.pid)
            || self.held.iter().any(|seen| seen.is(&lock.held))
            || lock.waiting.iter().any(|line| self.asker(line).is_some())
    }

    /// Who waits, and for which file as far as that can be told. A lock of an open file is asked for by
    /// nobody, says the kernel: then the inode must do.
    fn asker(&self, line: &LockLine) -> Option<(i32, Option<&str>)> {
        let by_process = |seen: &&Seen| seen.pid == line.pid && seen.may_be(line);
        let by_file = |seen: &&Seen| line.pid <= 0 && seen.inode.is_some() && seen.may_be(line);
        let seen = self
            .asks
            .iter()
            .find(|seen| by_process(seen) || by_file(seen));
        match seen {
            Some(seen) => Some((seen.pid, Some(seen.path.as_str()))),
            None => self
                .subject
                .has(line.pid)
                .then(|| (line.pid, self.open_file(line))),
        }
    }

    /// The path of the file among those that the process has open, by the inode.
    fn open_file(&self, line: &LockLine) -> Option<&str> {
        let inode = line.inode()?;
        let proc = &self.subject.proc;
        let is_it = |fd: i32| {
            let info = proc.descriptor_info(line.pid, fd);
            info.is_ok_and(|info| info.inode == Some(inode))
        };
        let mut open = self.subject.table().of(line.pid).iter();
        let found = open.find(|held| held.target.starts_with('/') && is_it(held.fd));
        found.map(|held| held.target.as_str())
    }

    fn path(&self, lock: &FileLock) -> Option<&str> {
        let held = self.held.iter().find(|seen| seen.is(&lock.held));
        held.map(|seen| seen.path.as_str())
            .or_else(|| lock.waiting.iter().find_map(|line| self.asker(line)?.1))
            .or_else(|| self.open_file(&lock.held))
    }

    fn tell(&self, lock: &FileLock, say: &Say) -> Result<(), Enough> {
        let path = self.path(lock);
        let holders = self.holders(lock, path);
        let waiters: BTreeSet<i32> = lock
            .waiting
            .iter()
            .filter_map(|line| {
                let named = Some(line.pid).filter(|pid| *pid > 0);
                named.or_else(|| self.asker(line).map(|(pid, _)| pid))
            })
            .collect();
        for pid in holders.iter().chain(&waiters) {
            self.subject.introduce(*pid, say)?;
        }
        say.say(Finding::Lock(LockFact {
            kind: match lock.held.kind.as_str() {
                "FLOCK" => LockKind::Flock,
                "OFDLCK" => LockKind::OpenFile,
                _ => LockKind::Posix,
            },
            path: path.map_or_else(|| format!("inode {}", lock.held.file), str::to_owned),
            holders: holders.into_iter().collect(),
            waiters: waiters.into_iter().collect(),
        }))
    }

    fn holders(&self, lock: &FileLock, path: Option<&str>) -> BTreeSet<i32> {
        let subject = self.subject;
        let elsewhere = path.map_or(&[][..], |path| subject.table().holders(path));
        let elsewhere = elsewhere
            .iter()
            .filter(|(pid, _)| !subject.has(*pid))
            .flat_map(|(pid, fd)| locks_of(subject, *pid, *fd, path.unwrap_or_default()));
        let mut holders: BTreeSet<i32> = elsewhere
            .filter(|seen| seen.is(&lock.held))
            .map(|seen| seen.pid)
            .collect();
        let own = self.held.iter().filter(|seen| seen.is(&lock.held));
        holders.extend(own.map(|seen| seen.pid));
        // One that must not be looked into is known by the kernel's list alone, as long as it lives.
        if holders.is_empty() && subject.proc.bare_process(lock.held.pid).is_ok() {
            holders.insert(lock.held.pid);
        }
        holders
    }
}

impl Seen {
    /// The descriptor holds this lock.
    fn is(&self, line: &LockLine) -> bool {
        let lock = self.lock.as_ref();
        lock.is_some_and(|lock| lock.kind == line.kind && lock.file == line.file)
    }

    /// As far as the inode is known it is this file.
    fn may_be(&self, line: &LockLine) -> bool {
        self.inode.is_none_or(|inode| line.inode() == Some(inode))
    }
}
