//! The time of the script that runs: how much is charged, when to look at it, when it must end. What is
//! seen of it is taken here, before the ladder touches anything.

use std::time::{Duration, Instant};

use super::evidence::{Telling, me, seen, why, why_waiting};
use super::watch::Watch;
use crate::diagnose;
use crate::host::clock;
use crate::host::reaper::Reap;
use crate::interp::Interrupted;
use crate::ledger::proxy::Proxy;
use crate::model::{Evidence, Hold, Look, Movement, Outcome, QuietSample, Rung, Timeout};
use crate::wire::{FromSlot, OnHang};

/// No single wait of a held script is longer than this, so that a missed wake-up heals.
const LONG: Duration = Duration::from_secs(3600);

impl Watch<'_, '_> {
    /// Time charged to the script so far.
    pub(super) fn charged_at(&self, now: Instant) -> Duration {
        (now - self.begun).saturating_sub(self.waited(now))
    }

    /// Time that was spent waiting for the engine: for admission, at the gate, for the turn of a creation.
    pub(super) fn waited(&self, now: Instant) -> Duration {
        self.held.total(now) + self.queued(now)
    }

    /// Such a wait moves the deadline, and the harness would take the slot for a silent one.
    fn tell_of_waits(&mut self, now: Instant) {
        let queued = self.queued(now);
        if queued > self.told_of {
            self.told_of = queued;
            let left = self.deadline.saturating_sub(self.charged_at(now));
            let at_most = left + Proxy::LONGEST_WAIT;
            let attempt = self.attempt;
            self.slot.tell(&FromSlot::Busy { attempt, at_most });
        }
    }

    /// How long a turn may last before the clock has to be looked at again.
    pub(super) fn patience(&self, now: Instant) -> Option<Duration> {
        if self.held.is_waiting() {
            return None;
        }
        let due = match self.deferred {
            Some(limit) => limit,
            None => self.looks.due(self.deadline),
        };
        Some(due.saturating_sub(self.charged_at(now)))
    }

    /// Ends the script when it must end. The evidence is taken before anything is touched.
    pub(super) fn interrupted(&mut self) -> Option<Interrupted> {
        let now = clock::now();
        let why = match self.deferred {
            None => self.why_over(now)?,
            Some(limit) => self.why_broken_off(now, limit)?,
        };
        self.held.end();
        self.end_processes();
        self.ladder += clock::now() - now;
        Some(why)
    }

    /// Why a deferred command must end. What became of the script is settled by then.
    fn why_broken_off(&self, now: Instant, limit: Duration) -> Option<Interrupted> {
        if self.slot.ending {
            Some(Interrupted::Cancelled)
        } else if self.late.is_some() {
            Some(Interrupted::Faulted)
        } else {
            let over = !self.held.is_waiting() && self.charged_at(now) >= limit;
            over.then_some(Interrupted::Deadline)
        }
    }

    /// Why the script must end.
    fn why_over(&mut self, now: Instant) -> Option<Interrupted> {
        if !self.held.is_waiting() && self.verdict.is_none() && !self.slot.ending {
            let charged = self.charged_at(now);
            if charged < self.deadline {
                self.tell_of_waits(now);
                let received = self.slot.reaper.received();
                let look = || (diagnose::sample(me()), received);
                self.looks.take(charged, self.deadline, look);
                return None;
            }
            self.pass_deadline(now);
        } else if self.slot.ending {
            self.verdict.get_or_insert(Outcome::Cancelled);
        }
        match &self.verdict {
            Some(Outcome::TimedOut(_)) => Some(Interrupted::Deadline),
            Some(Outcome::Cancelled) => Some(Interrupted::Cancelled),
            Some(Outcome::Faulted(_)) => Some(Interrupted::Faulted),
            Some(Outcome::Passed | Outcome::Skipped { .. } | Outcome::Failed(_)) | None => None,
        }
    }

    /// The deadline has passed: sees what there is to see, first by itself, then by the engine.
    fn pass_deadline(&mut self, now: Instant) {
        self.begin_ladder(now);
        // What was written until now has to be read to count.
        self.slot.reaper.turn(&[], Some(Duration::ZERO), Reap::Jobs);
        let sample = diagnose::sample(me());
        let (before, written) = self.looks.last(self.slot.reaper.received());
        let movement = diagnose::movement(before, &sample, written);
        let mut timeout = Timeout {
            place: self.place.clone(),
            line_elapsed: now - self.line_begun,
            deadline: self.deadline,
            movement,
            evidence: Evidence::Seen(Box::default()),
            why: None,
        };
        let attempt = self.attempt;
        self.slot.tell(&FromSlot::Late {
            attempt,
            timeout: Box::new(timeout.clone()),
        });
        timeout.evidence = self.see(sample, Telling::AsTheyCome);
        self.step(now, seen(&timeout.evidence));
        self.ask_engine(&mut timeout.evidence);
        let waiting = self.waiting.take().map(why_waiting);
        timeout.why = waiting.or_else(|| why(&timeout.evidence, &timeout.movement));
        if self.slot.setup.rules.on_hang == OnHang::Hold {
            self.hold(&timeout);
        }
        self.verdict = Some(Outcome::TimedOut(Box::new(timeout)));
    }

    /// Keeps everything alive until the harness lets go of it, or ends.
    fn hold(&mut self, timeout: &Timeout) {
        let begun = clock::now();
        self.slot.tell(&FromSlot::Holding {
            attempt: self.attempt,
            timeout: Box::new(timeout.clone()),
            hold: Hold {
                work_dir: self.setup.work_dir.display().to_string(),
                slot_pid: me(),
            },
        });
        while !self.is_released() && !self.slot.ending {
            // Nothing is reaped that somebody may want to look at.
            self.turn(Some(LONG), Reap::Jobs);
        }
        self.prolong_ladder(clock::now() - begun);
        self.step(begun, Rung::Held);
        let at_most = self.ladder_left();
        let attempt = self.attempt;
        self.slot.tell(&FromSlot::Busy { attempt, at_most });
    }

    /// Somebody asks what the script does. It goes on.
    pub(super) fn look(&mut self) {
        let now = clock::now();
        let evidence = self.see(diagnose::sample(me()), Telling::Together);
        let movement = Movement::Unknown {
            why: "one look does not tell".to_owned(),
        };
        let look = Look {
            place: self.place.clone(),
            line_elapsed: now - self.line_begun,
            charged: self.charged_at(now),
            deadline: self.deadline,
            why: why(&evidence, &movement),
            evidence,
        };
        let attempt = self.attempt;
        self.slot.tell(&FromSlot::Seen {
            attempt,
            look: Box::new(look),
        });
    }

    /// The quiet looks, for a script that did not pass.
    pub(super) fn samples(&mut self, outcome: &Outcome) -> Vec<QuietSample> {
        match outcome {
            Outcome::Passed | Outcome::Skipped { .. } => Vec::new(),
            Outcome::Failed(_)
            | Outcome::TimedOut(_)
            | Outcome::Faulted(_)
            | Outcome::Cancelled => std::mem::take(&mut self.looks.quiet),
        }
    }
}
