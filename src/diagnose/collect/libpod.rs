//! Libpod's container locks: robust mutexes in shared memory, which no tool lists. Whoever waits for one is in
//! `futex` with an address inside the mapping; the word there names the owner.

use std::collections::BTreeMap;

use super::{Enough, Right, Say, Subject, waits};
use crate::host::procfs::{Mapping, Shape, Syscall, TaskCall, Unread};
use crate::model::{Finding, LockFact, LockKind};

/// The owner's thread in the word of a robust mutex (`FUTEX_TID_MASK`).
const TID_MASK: u32 = 0x3fff_ffff;
/// Where in glibc's and musl's `pthread_mutex_t` its owner stands a second time, in glibc.
const OWNER: usize = 8;

pub(super) fn learn(subject: &Subject, say: &Say) -> Result<(), Enough> {
    let proc = &subject.proc;
    // One fact for each mutex: several threads may wait for it.
    let mut facts: BTreeMap<(String, u64), LockFact> = BTreeMap::new();
    for pid in subject.living().map(|process| process.pid) {
        for tid in proc.tasks(pid).unwrap_or_default() {
            let Ok(TaskCall::In(call)) = proc.call(pid, tid) else {
                continue;
            };
            if call.shape() != Shape::Futex || waits::is_private(&call) {
                continue;
            }
            match mutex(subject, pid, &call) {
                Ok(Some((map, owner))) => {
                    let place = call.arguments[0] - map.start + map.offset;
                    let fact = facts.entry((map.path.clone(), place));
                    let fact = fact.or_insert_with(|| lock(map.path, owner));
                    fact.waiters.push(pid);
                    fact.waiters.dedup();
                }
                Ok(None) => {}
                Err(unread) => {
                    let why = subject.why(&unread, pid, Right::Trace);
                    say.gap(format!("shared memory of {pid}"), why)?;
                }
            }
        }
    }
    for fact in facts.into_values() {
        for pid in &fact.holders {
            subject.introduce(*pid, say)?;
        }
        say.say(Finding::Lock(fact))?;
    }
    Ok(())
}

fn lock(path: String, owner: Option<i32>) -> LockFact {
    LockFact {
        kind: LockKind::SharedMemory,
        path,
        holders: owner.into_iter().collect(),
        waiters: Vec::new(),
    }
}

/// The mapping that a waiting thread's mutex lies in, and the process that owns the mutex. `None`: no mutex
/// of libpod.
fn mutex(
    subject: &Subject,
    pid: i32,
    call: &Syscall,
) -> Result<Option<(Mapping, Option<i32>)>, Unread> {
    let address = call.arguments[0];
    let maps = subject.proc.mappings(pid)?;
    let is_it = |map: &Mapping| {
        map.shared && (map.start..map.end).contains(&address) && is_libpods(&map.path)
    };
    let Some(map) = maps.into_iter().find(is_it) else {
        return Ok(None);
    };
    let bytes = subject.proc.memory(pid, address, OWNER + 4)?;
    let word = |at: usize| {
        let bytes = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_ne_bytes(bytes) & TID_MASK).filter(|tid| *tid > 0)
    };
    let owner = word(0).or_else(|| word(OWNER));
    let owner = owner.and_then(|tid| subject.proc.process_of(i32::try_from(tid).ok()?));
    Ok(Some((map, owner)))
}

/// `libpod_lock` for root, `libpod_rootless_lock_UID` for others.
fn is_libpods(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    path.starts_with("/dev/shm/")
        && (name == "libpod_lock" || name.starts_with("libpod_rootless_lock_"))
}
