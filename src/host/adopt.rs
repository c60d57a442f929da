//! The harness as the last parent: what outlives a slot comes to it, and to nobody else.

use std::time::{Duration, Instant};

use super::procfs::{self, Below, Process};
use super::{clock, process, raw};

/// From now on, orphans below this process become its children.
pub fn become_subreaper() -> std::io::Result<()> {
    Ok(rustix::process::set_child_subreaper(Some(
        rustix::process::getpid(),
    ))?)
}

/// Children of this process that it did not start, and their descendants as far as `enter` says.
pub fn orphans(enter: &dyn Fn(&Process) -> bool) -> Below {
    let mut below = Below::default();
    for pid in strays() {
        let process = procfs::process(pid);
        let alive = process.filter(|process| !procfs::Proc::default().is_dead(process));
        let Some(process) = alive else {
            below.gone.push(pid);
            continue;
        };
        let inner = enter(&process).then(|| procfs::below(pid, enter));
        below.found.push(process);
        let Below { found, gone } = inner.unwrap_or_default();
        below.found.extend(found);
        below.gone.extend(gone);
    }
    below
}

/// Reaps orphans that are dead. Only by number, and only numbers that nobody here waits for.
pub fn reap_orphans() {
    for pid in strays() {
        if procfs::process(pid).is_some_and(|process| process.state == 'Z') {
            raw::wait(pid);
        }
    }
}

/// Children that came from elsewhere.
fn strays() -> Vec<i32> {
    let me = rustix::process::getpid().as_raw_nonzero().get();
    let mut children = procfs::children(me);
    // Asked after the list was read: another thread may start somebody at any time.
    let started = process::started();
    children.retain(|pid| !started.contains(pid));
    children
}

/// Waits a moment for the world to change: a pause in a loop that has a deadline of its own.
pub fn pause(limit: Duration, until: Instant) {
    let left = until.saturating_duration_since(clock::now()).min(limit);
    if let Ok(left) = rustix::event::Timespec::try_from(left) {
        // An interrupted pause is a short one.
        rustix::event::poll(&mut [], Some(&left)).ok();
    }
}
