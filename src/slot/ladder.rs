//! Ending a script: its containers through the engine, then SIGTERM, then SIGKILL until nothing is left.
//!
//! Engine helpers are never signalled. `waitpid` alone proves that nothing is left: a walk over
//! processes can look empty while one lives.

use std::collections::BTreeMap;
use std::time::Duration;

use super::attempt;
use super::watch::Watch;
use crate::engine::helpers;
use crate::host::clock;
use crate::host::procfs::{self, Process};
use crate::host::reaper::Reap;
use crate::model::{EndedProcess, How};

/// An orphan of a finished command is usually gone within a millisecond (measured: up to 0.84 ms).
const ORPHAN_GRACE: Duration = Duration::from_millis(20);
/// How long SIGKILL is repeated before survivors are named.
const KILL_LIMIT: Duration = Duration::from_secs(5);
/// One look every so often while processes end.
const PULSE: Duration = Duration::from_millis(2);

/// This slot's descendants that are not an engine's helpers, nor below one, nor dead.
fn strangers() -> Vec<Process> {
    let me = rustix::process::getpid().as_raw_nonzero().get();
    let below = procfs::descendants(me, &|process| !helpers::serves_others(process));
    below
        .into_iter()
        .filter(|process| process.state != 'Z' && !helpers::serves_others(process))
        .collect()
}

/// Engine helpers that became children of this slot.
pub(super) fn adopted() -> Vec<Process> {
    let me = rustix::process::getpid().as_raw_nonzero().get();
    let below = procfs::descendants(me, &|_| false);
    below
        .into_iter()
        .filter(|process| process.state != 'Z')
        .collect()
}

impl Watch<'_, '_> {
    /// Ends every process of the script. Containers first, so that an attached client ends by itself and
    /// its conmon with it.
    pub(super) fn end_processes(&mut self) {
        if self.is_over(ORPHAN_GRACE) {
            return;
        }
        attempt::remove_containers(self);
        let mut asked = BTreeMap::new();
        let grace = self.slot.setup.rules.grace;
        self.press(libc::SIGTERM, grace, &mut asked);
        let mut killed = BTreeMap::new();
        self.press(libc::SIGKILL, KILL_LIMIT, &mut killed);
        let survivors = strangers();
        for (pid, command) in asked.iter().filter(|(pid, _)| !killed.contains_key(pid)) {
            self.ended.push(EndedProcess {
                pid: *pid,
                command: command.clone(),
                how: How::Terminated,
            });
        }
        for (pid, command) in killed {
            let survived = survivors.iter().any(|process| process.pid == pid);
            let how = if survived { How::Survived } else { How::Killed };
            self.ended.push(EndedProcess { pid, command, how });
        }
    }

    /// Sends the signal to whoever is there, again and again as new ones appear, until the script is over
    /// or the limit has passed. SIGTERM goes once to each.
    fn press(&mut self, signal: i32, limit: Duration, sent: &mut BTreeMap<i32, String>) {
        let give_up = clock::now() + limit;
        while !self.is_over(PULSE) && clock::now() < give_up {
            for process in strangers() {
                let again = signal == libc::SIGKILL || !sent.contains_key(&process.pid);
                if again && procfs::signal(&process, signal) {
                    sent.insert(process.pid, process.command());
                    // A stopped process hears SIGTERM only when it goes on.
                    procfs::signal(&process, libc::SIGCONT);
                }
            }
        }
    }

    /// Nothing of the script is left, engine helpers aside; waits for it a little.
    fn is_over(&mut self, patience: Duration) -> bool {
        let give_up = clock::now() + patience;
        loop {
            if self.slot.reaper.nothing_left() || strangers().is_empty() {
                return true;
            }
            let left = give_up.saturating_duration_since(clock::now());
            if left.is_zero() {
                return false;
            }
            self.turn(Some(left.min(Duration::from_micros(500))), Reap::All);
        }
    }
}
