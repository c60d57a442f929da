//! What the driver keeps of attempts that are late, so that a slot which gets stuck takes nothing along;
//! and what runs now, when somebody asks or nothing has been said for long.

use std::time::{Duration, Instant};

use super::driver::{Driver, SLACK};
use crate::history::{self, HangReport};
use crate::host::clock;
use crate::model::{
    AttemptId, AttemptReport, AttemptStart, Event, Evidence, Gap, How, LadderStep, Lane, Outcome,
    StillRunning, Timeout,
};
use crate::schedule::News;
use crate::wire::{FromSlot, ToSlot};

/// How long a slot may take to say what its script does.
const LOOK: Duration = Duration::from_secs(5);

/// What is known of an attempt that passed its deadline.
#[derive(Debug, Default)]
pub(super) struct Late {
    pub(super) timeout: Option<Box<Timeout>>,
    pub(super) steps: Vec<LadderStep>,
}

impl Driver {
    /// What a slot says of an attempt beyond its beginning and its end.
    pub(super) fn heard_of(&mut self, message: FromSlot) {
        match message {
            FromSlot::Busy { attempt, at_most } => {
                if let Some(running) = self.running.get_mut(&attempt) {
                    running.give_up = Some(clock::now() + at_most + SLACK);
                }
            }
            FromSlot::Late { attempt, timeout } => {
                if let Some(running) = self.running.get_mut(&attempt) {
                    running.late.timeout = Some(timeout);
                }
            }
            FromSlot::Found { attempt, findings } => {
                let running = self.running.get_mut(&attempt);
                if let Some(timeout) = running.and_then(|running| running.late.timeout.as_mut()) {
                    for finding in findings {
                        timeout.evidence.learn(finding);
                    }
                }
            }
            FromSlot::Step { attempt, step } => {
                if let Some(running) = self.running.get_mut(&attempt) {
                    running.late.steps.push(step);
                }
            }
            FromSlot::Holding {
                attempt,
                timeout,
                hold,
            } => {
                if let Some(running) = self.running.get_mut(&attempt) {
                    running.give_up = None;
                    running.holding = true;
                    running.late.timeout = Some(timeout.clone());
                }
                self.teller.tell(&Event::AttemptHung {
                    attempt,
                    timeout,
                    hold,
                });
            }
            FromSlot::Seen { attempt, look } => {
                if let Some(running) = self.running.get_mut(&attempt) {
                    running.asked = None;
                    self.teller.tell(&Event::AttemptSeen { attempt, look });
                }
            }
            FromSlot::Started(_)
            | FromSlot::Held { .. }
            | FromSlot::AtGate { .. }
            | FromSlot::AskEngine(_)
            | FromSlot::Recalled(_)
            | FromSlot::Warning(_)
            | FromSlot::Ended { .. } => {}
        }
    }

    /// Asks every slot what its script does; each answers when it can.
    pub(super) fn ask_what_runs(&mut self) {
        if self.running.is_empty() {
            let message = "asked what runs: nothing does".to_owned();
            self.teller.tell(&Event::Note { message });
        }
        let now = clock::now();
        for (attempt, running) in &mut self.running {
            running.asked = Some(now + LOOK);
            if let Some(handle) = self.slots.get(&running.slot) {
                handle.send(&ToSlot::Look(*attempt));
            }
        }
    }

    /// Lets go of every attempt that is kept alive past its deadline.
    pub(super) fn release(&mut self) {
        for (attempt, running) in &mut self.running {
            if std::mem::take(&mut running.holding)
                && let Some(handle) = self.slots.get(&running.slot)
            {
                running.give_up = Some(clock::now() + self.run.setup.rules.ladder_limit + SLACK);
                handle.send(&ToSlot::Release(*attempt));
            }
        }
    }

    /// Slots that were asked and have not answered.
    pub(super) fn miss_answers(&mut self) {
        let now = clock::now();
        let mut silent = Vec::new();
        for (attempt, running) in &mut self.running {
            if running.asked.take_if(|due| *due <= now).is_some() {
                silent.push((*attempt, running.slot));
            }
        }
        for (attempt, slot) in silent {
            let name = &self.trial(attempt).planned.name;
            let seconds = LOOK.as_secs();
            let message = format!(
                "what {name} does is not known: worker {slot} did not answer within {seconds} s, for it ends or cleans up a script, or is stuck"
            );
            self.teller.tell(&Event::Warning { message });
        }
    }

    /// How long nothing has to be done unless something happens.
    pub(super) fn patience(&self) -> Duration {
        let due = self
            .running
            .values()
            .flat_map(|running| [running.give_up, running.asked]);
        let due = due.flatten().chain(self.next_beat());
        let now = clock::now();
        let wake = self.run.scheduler.next_wake();
        let wake = wake.map(|wake| now + wake.saturating_sub(self.teller.elapsed()));
        let next = due.chain(self.leaves_at()).chain(wake).min();
        next.map_or(Duration::from_secs(3600), |next| {
            next.saturating_duration_since(now)
        })
    }

    /// Says what runs, when something has run for `slow`, and again after as long.
    pub(super) fn beat(&mut self) {
        let now = clock::now();
        if self.next_beat().is_none_or(|due| due > now) {
            return;
        }
        self.beaten = Some(now);
        let mut running: Vec<StillRunning> = self
            .running
            .iter()
            .map(|(attempt, running)| StillRunning {
                attempt: *attempt,
                elapsed: now - running.begun,
                place: self
                    .slots
                    .get(&running.slot)
                    .and_then(super::slots::SlotHandle::place),
            })
            .collect();
        running.sort_by_key(|running| std::cmp::Reverse(running.elapsed));
        self.teller.tell(&Event::Heartbeat { running });
    }

    /// When to say next what runs; `None` while nothing does, or never.
    pub(super) fn next_beat(&self) -> Option<Instant> {
        let slow = self.run.slow;
        let oldest = self.running.values().map(|running| running.begun).min()?;
        let since = self.beaten.map_or(oldest, |beaten| beaten.max(oldest));
        (!slow.is_zero()).then(|| since + slow)
    }

    /// Keeps everything about a hang in a file of its own. Without it the record still has all.
    pub(super) fn keep_hang(
        &mut self,
        attempt: AttemptId,
        start: Option<&AttemptStart>,
        report: &mut AttemptReport,
    ) {
        let run = self.run.setup.run.clone();
        let hang = HangReport {
            start,
            engine: self.engine.as_ref(),
            ..HangReport::new(&run, &self.trial(attempt).planned.name, report)
        };
        match history::store_hang(&self.run.state, attempt, &hang) {
            Ok(path) => report.hang_file = path.display().to_string(),
            Err(error) => {
                let message = format!("the report of a hang cannot be written: {error}");
                self.teller.tell(&Event::Warning { message });
            }
        }
    }

    /// A late attempt whose slot is gone: what was known by then, and that there is no more.
    pub(super) fn late_outcome(&mut self, attempt: AttemptId, how: &str) -> Option<Outcome> {
        let running = self.running.get_mut(&attempt)?;
        let mut timeout = running.late.timeout.take()?;
        let gap = Gap {
            what: "the rest".to_owned(),
            why: format!("the worker process {how}"),
        };
        match &mut timeout.evidence {
            Evidence::Seen(scene) => scene.gaps.push(gap),
            Evidence::Unavailable { why } => *why = format!("{why}; {}", gap.why),
        }
        Some(Outcome::TimedOut(timeout))
    }

    /// A client of the engine that not even SIGKILL ends: the engine is not asked for anything any more.
    pub(super) fn look_at_survivors(&mut self, attempt: AttemptId, report: &AttemptReport) {
        let stuck = report
            .ended
            .iter()
            .find(|process| process.how == How::Survived && process.engine_client);
        let Some(process) = stuck.filter(|_| self.engine_down.is_none()) else {
            return;
        };
        let why = format!(
            "the engine is stuck: its client {} of {} cannot be killed",
            process.pid,
            self.trial(attempt).planned.name
        );
        self.close_container_lane(why);
        self.news(News::EngineDown);
    }

    /// Says why no container trial begins any more.
    pub(super) fn close_container_lane(&mut self, why: String) {
        let message = format!("{why}; what is left of the container lane is not run");
        self.teller.tell(&Event::Warning { message });
        self.engine_down = Some(why);
    }

    /// What is wrong, that an attempt is dropped which has not begun. `None` when nothing is: the run was told
    /// beforehand when to stop.
    pub(super) fn why_dropped(&self, attempt: AttemptId) -> Option<String> {
        let why = self.broken.as_ref();
        let why = why.or_else(|| self.engine_down_for(attempt));
        let interrupted = || self.signal.map(|_| "the run was interrupted".to_owned());
        why.cloned().or_else(interrupted)
    }

    /// Why its lane's engine is down, if it is.
    pub(super) fn engine_down_for(&self, attempt: AttemptId) -> Option<&String> {
        let lane = self.trial(attempt).planned.lane;
        let down = self.engine_down.as_ref();
        down.filter(|_| lane == Lane::Container)
    }
}
