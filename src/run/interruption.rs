//! What a signal does to a run: the first ends it in good order, the second in haste, the third leaves it as it is.
//! SIGTERM and SIGHUP leave little time from the beginning: whoever sends them sends SIGKILL soon after.

use std::time::{Duration, Instant};

use super::driver::Driver;
use crate::host::{clock, procfs};
use crate::ledger::proof;
use crate::model::{AttemptId, Event, Intent, Verdict};
use crate::schedule::News;
use crate::wire::{Haste, ToSlot};

/// cargo-nextest and CI systems kill 10 s after SIGTERM, some 7.5 s after: by then the process is gone.
const EXIT: Duration = Duration::from_millis(7200);
/// What slots get of that: a look at what runs, the ladder, cleaning.
const BRIEF: Haste = Haste {
    within: Some(Duration::from_millis(5500)),
    grace: Some(Duration::from_secs(1)),
};
/// What they get when somebody has asked a second time.
const HURRY: Haste = Haste {
    within: Some(Duration::from_secs(5)),
    grace: Some(Duration::ZERO),
};
/// Signals that come so soon after each other are one: `timeout` sends its own twice.
const ONE: Duration = Duration::from_millis(200);
/// So many processes of an attempt are named when it is left.
const NAMED: usize = 8;

/// The signals that have come.
#[derive(Debug, Default)]
pub(super) struct Interruption {
    count: u32,
    /// When the last of these came.
    counted: Option<Instant>,
    /// When the run is left as it is.
    leave_at: Option<Instant>,
    /// It was left: slots still end what runs, in its directories.
    pub(super) left: bool,
}

/// Nobody waits for an answer to these.
fn is_last_warning(signal: i32) -> bool {
    matches!(signal, libc::SIGTERM | libc::SIGHUP)
}

impl Driver {
    pub(super) fn signaled(&mut self, signal: i32) {
        let now = clock::now();
        if is_last_warning(signal) {
            self.leave_by(now + EXIT);
        }
        let last = self.interruption.counted;
        if last.is_some_and(|last| now - last < ONE) {
            return;
        }
        self.interruption.counted = Some(now);
        self.interruption.count += 1;
        match self.interruption.count {
            1 => self.end_in_order(signal),
            2 => {
                self.leave_by(now + EXIT);
                self.cancel_slots(HURRY);
            }
            _ => self.leave_by(now),
        }
    }

    fn end_in_order(&mut self, signal: i32) {
        self.signal = Some(signal);
        self.teller.tell(&Event::Cancelled { signal });
        if is_last_warning(signal) {
            // Whoever gave up waiting wants to know for what. Slots answer before they end anything.
            if !self.running.is_empty() {
                self.ask_what_runs();
            }
            self.cancel_slots(BRIEF);
        } else {
            self.cancel_slots(Haste::default());
        }
        self.news(News::Cancelled);
    }

    fn cancel_slots(&self, haste: Haste) {
        for handle in self.slots.values() {
            handle.send(&ToSlot::Cancel(haste));
        }
    }

    fn leave_by(&mut self, at: Instant) {
        let known = self.interruption.leave_at;
        self.interruption.leave_at = Some(known.map_or(at, |known| known.min(at)));
    }

    /// When the run is left, if that was decided.
    pub(super) fn leaves_at(&self) -> Option<Instant> {
        self.interruption.leave_at
    }

    /// How long the driver may do something that would like to take so long.
    pub(super) fn time_for(&self, wanted: Duration) -> Duration {
        let now = clock::now();
        self.leaves_at()
            .map_or(wanted, |at| at.saturating_duration_since(now).min(wanted))
    }

    /// Leaves the run as it is, when it is time to, and says what is left. Slots read the end of the conversation and
    /// go on cleaning; their run lives until they are gone.
    pub(super) fn leave(&mut self) {
        if self.leaves_at().is_none_or(|at| at > clock::now()) {
            return;
        }
        self.interruption.left = true;
        self.finished = true;
        let left: Vec<AttemptId> = self.running.keys().copied().collect();
        for attempt in left {
            for message in self.left_of(attempt) {
                self.teller.tell(&Event::Warning { message });
            }
            let reason = "the run was interrupted, and its end was not awaited".to_owned();
            self.never_begun(attempt, Verdict::NotRun, reason);
            self.settle(attempt.trial);
        }
        if !self.slots.is_empty() {
            let message = "workers still end and remove this; what is left when they are gone: `shakedown reap`";
            self.teller.tell(&Event::Warning {
                message: message.to_owned(),
            });
        }
    }

    /// What there is of an attempt: its processes, and what it was about to make in an engine.
    fn left_of(&self, attempt: AttemptId) -> Vec<String> {
        let name = &self.trial(attempt).planned.name;
        let slot = self.running.get(&attempt).map(|running| running.slot);
        let slot = slot.and_then(|slot| self.slots.get(&slot));
        let processes =
            slot.map_or_else(Vec::new, |slot| procfs::descendants(slot.pid(), &|_| true));
        let alive = processes.iter().filter(|process| process.state != 'Z');
        let process = |process: &procfs::Process| {
            format!(
                "left of {name}: process {} {}",
                process.pid,
                process.command()
            )
        };
        let mut left: Vec<String> = alive.clone().take(NAMED).map(process).collect();
        let more = alive.count().saturating_sub(NAMED);
        if more > 0 {
            left.push(format!("left of {name}: {more} more processes"));
        }
        let contents = self.run.ledger.read().unwrap_or_default();
        let open = contents.open();
        let engines = open.iter().filter(|(of, _)| *of == attempt);
        let intents = engines.flat_map(|(_, engine)| contents.intents(attempt, *engine));
        left.extend(intents.map(|intent| format!("left of {name}: {}", called(&intent))));
        left
    }
}

/// `container web`, `container 0123abcd`, or what there is to know before the engine has told an id.
fn called(intent: &Intent) -> String {
    let kind = intent.kind;
    match (intent.name.as_str(), proof::made(intent)) {
        ("", None) => format!("a {kind} that was about to be made"),
        ("", Some(id)) => format!("{kind} {id}"),
        (name, _) => format!("{kind} {name}"),
    }
}
