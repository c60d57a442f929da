//! The harness as the last parent: what outlives a slot comes to it, and to nobody else.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::procfs::{self, Process};
use super::{clock, raw};

/// From now on, orphans below this process become its children.
pub fn become_subreaper() -> std::io::Result<()> {
    Ok(rustix::process::set_child_subreaper(Some(
        rustix::process::getpid(),
    ))?)
}

/// Children of this process that are not in `known`, and their descendants as far as `enter` says.
pub fn orphans(known: &BTreeSet<i32>, enter: &dyn Fn(&Process) -> bool) -> Vec<Process> {
    let me = rustix::process::getpid().as_raw_nonzero().get();
    let below = |process: &Process| !known.contains(&process.pid) && enter(process);
    let mut found = procfs::descendants(me, &below);
    found.retain(|process| !known.contains(&process.pid));
    found
}

/// Reaps orphans that are dead. Only by number, and only numbers that nobody here waits for.
pub fn reap_orphans(known: &BTreeSet<i32>) {
    let me = rustix::process::getpid().as_raw_nonzero().get();
    for pid in procfs::children(me)
        .into_iter()
        .filter(|pid| !known.contains(pid))
    {
        if procfs::process(pid).is_some_and(|process| process.state == 'Z') {
            raw::wait(pid);
        }
    }
}

/// Waits a moment for the world to change: a pause in a loop that has a deadline of its own.
pub fn pause(limit: Duration, until: Instant) {
    let left = until.saturating_duration_since(clock::now()).min(limit);
    if let Ok(left) = rustix::event::Timespec::try_from(left) {
        // An interrupted pause is a short one.
        rustix::event::poll(&mut [], Some(&left)).ok();
    }
}
