//! Ending a script: its containers through the engine, then SIGTERM and a grace, then SIGKILL until nothing
//! is left. The whole has a limit, and each step is noted.
//!
//! Engine helpers are never signalled. That nothing is left is proved by `waitpid`, or by a walk over processes that
//! met nobody dead: else it can look empty while one lives.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::cleaning;
use super::watch::Watch;
use crate::engine::helpers;
use crate::host::clock;
use crate::host::procfs::{self, Process};
use crate::host::reaper::Reap;
use crate::model::{EndedProcess, How, LadderStep, Outcome, Rung};
use crate::wire::FromSlot;

/// An orphan of a finished command is usually gone within a millisecond (measured: up to 0.84 ms).
const ORPHAN_GRACE: Duration = Duration::from_millis(20);
/// How long SIGKILL is repeated before survivors are named; kept of the ladder's limit for that.
const KILL_LIMIT: Duration = Duration::from_secs(5);
/// How long the removal of a script's containers may hold up the signals that follow.
const CONTAINERS_LIMIT: Duration = Duration::from_secs(5);
/// One look every so often while processes end.
const PULSE: Duration = Duration::from_millis(2);

/// The ladder's time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ladder {
    begun: Instant,
    end: Instant,
    /// Whoever held it on its way has let it go.
    released: bool,
}

/// This slot's descendants that are not an engine's helpers, nor below one, nor dead; and whether that is proved to be
/// all. Who starts a successor and dies while we look leaves it where we have looked already.
fn strangers() -> (Vec<Process>, bool) {
    let me = rustix::process::getpid().as_raw_nonzero().get();
    let below = procfs::below(me, &|process| !helpers::serves_others(process));
    let proc = procfs::Proc::default();
    let is_stranger =
        |process: &Process| !proc.is_dead(process) && !helpers::serves_others(process);
    let found = below.found.into_iter().filter(is_stranger).collect();
    (found, below.gone.is_empty())
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

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl Watch<'_, '_> {
    /// The ladder's time begins. The harness is told how long it may be silent.
    pub(super) fn begin_ladder(&mut self, now: Instant) {
        let at_most = self.slot.setup.rules.ladder_limit;
        self.climb = Some(Ladder {
            begun: now,
            end: now + at_most,
            released: false,
        });
        let attempt = self.attempt;
        self.slot.tell(&FromSlot::Busy { attempt, at_most });
    }

    /// Time in which nothing was done is not the ladder's.
    pub(super) fn prolong_ladder(&mut self, by: Duration) {
        if let Some(ladder) = &mut self.climb {
            ladder.end += by;
        }
    }

    /// Whoever holds the script alive lets it go.
    pub(super) fn release_ladder(&mut self) {
        if let Some(ladder) = &mut self.climb {
            ladder.released = true;
        }
    }

    /// Nobody holds the script alive any more.
    pub(super) fn is_released(&self) -> bool {
        self.climb.is_none_or(|ladder| ladder.released)
    }

    /// What is left of the ladder's time.
    pub(super) fn ladder_left(&self) -> Duration {
        self.climb.map_or(Duration::ZERO, |ladder| {
            let end = self.slot.hurry.ladder_end(ladder.end);
            end.saturating_duration_since(clock::now())
        })
    }

    /// How long a step before SIGKILL may take that would like to take so long.
    pub(super) fn left_for(&self, wanted: Duration) -> Duration {
        let kept = self.slot.hurry.kill(KILL_LIMIT);
        self.ladder_left().saturating_sub(kept).min(wanted)
    }

    /// Notes a step that was begun at this moment and is over now.
    pub(super) fn step(&mut self, begun: Instant, rung: Rung) {
        let first = self.climb.map_or(begun, |ladder| ladder.begun);
        let step = LadderStep {
            at: begun - first,
            took: clock::now() - begun,
            rung,
        };
        if matches!(self.verdict, None | Some(Outcome::TimedOut(_))) {
            let attempt = self.attempt;
            let step = step.clone();
            self.slot.tell(&FromSlot::Step { attempt, step });
        }
        self.steps.push(step);
    }

    /// Ends every process of the script. Containers first, so that an attached client ends by itself and
    /// its conmon with it.
    pub(super) fn end_processes(&mut self) {
        if self.is_over(ORPHAN_GRACE) {
            self.climb = None;
            return;
        }
        if self.climb.is_none() {
            self.begin_ladder(clock::now());
        }
        self.ask_for_stacks();
        self.end_containers();
        let asked = self.terminate();
        let killed = self.kill();
        self.note_ended(asked, killed);
        self.climb = None;
    }

    fn end_containers(&mut self) {
        let begun = clock::now();
        let limit = self.left_for(CONTAINERS_LIMIT);
        if let Some(removed) = cleaning::remove_containers(self, limit) {
            let removed = small(removed);
            self.step(begun, Rung::Containers { removed });
        }
    }

    fn grace(&self) -> Duration {
        self.slot.hurry.grace(self.slot.setup.rules.grace)
    }

    /// SIGTERM once to each, new ones included, until the grace is over.
    fn terminate(&mut self) -> BTreeMap<i32, String> {
        let begun = clock::now();
        let limit = self.left_for(self.grace());
        let mut asked = BTreeMap::new();
        if self.is_over(Duration::ZERO) {
            return asked;
        }
        // Whoever asks for an end may ask again meanwhile, to have it sooner.
        let grace = |watch: &Self| limit.min(watch.grace());
        self.press(libc::SIGTERM, &grace, &mut asked);
        let processes = small(asked.len());
        self.step(begun, Rung::Terminate { processes });
        let left = small(strangers().0.len());
        self.step(begun, Rung::Grace { limit, left });
        asked
    }

    /// SIGKILL again and again to whoever is there.
    fn kill(&mut self) -> BTreeMap<i32, String> {
        let begun = clock::now();
        let mut killed = BTreeMap::new();
        if self.is_over(Duration::ZERO) {
            return killed;
        }
        let limit = |watch: &Self| watch.slot.hurry.kill(KILL_LIMIT);
        let rounds = self.press(libc::SIGKILL, &limit, &mut killed);
        let processes = small(killed.len());
        self.step(begun, Rung::Kill { processes, rounds });
        killed
    }

    /// Who ended how; who did not is named with where the kernel has it.
    fn note_ended(&mut self, asked: BTreeMap<i32, String>, killed: BTreeMap<i32, String>) {
        let terminated = asked
            .into_iter()
            .filter(|(pid, _)| !killed.contains_key(pid));
        for (pid, command) in terminated {
            self.ended
                .push(EndedProcess::new(pid, command, How::Terminated));
        }
        let (survivors, _) = strangers();
        let survived = |pid: &i32| survivors.iter().any(|process| process.pid == *pid);
        for (pid, command) in killed.into_iter().filter(|(pid, _)| !survived(pid)) {
            self.ended
                .push(EndedProcess::new(pid, command, How::Killed));
        }
        for process in &survivors {
            self.ended.push(EndedProcess {
                state: Some(process.state),
                wchan: procfs::Proc::default().wait_channel(process.pid),
                engine_client: helpers::is_client(process),
                ..EndedProcess::new(process.pid, process.command(), How::Survived)
            });
        }
        if !survivors.is_empty() {
            let pids = survivors.iter().map(|process| process.pid).collect();
            self.step(clock::now(), Rung::Survivors { pids });
        }
    }

    /// Sends the signal to whoever is there, again and again as new ones appear, until the script is over
    /// or the limit has passed. SIGTERM goes once to each. Returns how often it looked for somebody.
    fn press(
        &mut self,
        signal: i32,
        limit: &dyn Fn(&Self) -> Duration,
        sent: &mut BTreeMap<i32, String>,
    ) -> u32 {
        let begun = clock::now();
        let mut rounds = 0;
        while !self.is_over(PULSE) && clock::now() - begun < limit(self) {
            rounds += 1;
            for process in strangers().0 {
                let again = signal == libc::SIGKILL || !sent.contains_key(&process.pid);
                if again && procfs::signal(&process, signal) {
                    sent.insert(process.pid, process.command());
                    // A stopped process hears SIGTERM only when it goes on.
                    procfs::signal(&process, libc::SIGCONT);
                }
            }
        }
        rounds
    }

    /// Nothing of the script is left, engine helpers aside; waits for it a little.
    fn is_over(&mut self, patience: Duration) -> bool {
        let give_up = clock::now() + patience;
        loop {
            if self.slot.reaper.nothing_left() {
                return true;
            }
            // Helpers stay our children for as long as their engine wants them.
            if let (strangers, true) = strangers()
                && strangers.is_empty()
            {
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

/// Processes of a script that SIGKILL did not end, as a reason for the slot to go.
pub(super) fn survivors(ended: &[EndedProcess]) -> Option<String> {
    let survivors: Vec<String> = ended
        .iter()
        .filter(|process| process.how == How::Survived)
        .map(|process| process.pid.to_string())
        .collect();
    let pids = survivors.join(", ");
    (!survivors.is_empty()).then(|| format!("it has processes that cannot be killed: {pids}"))
}
