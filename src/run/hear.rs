//! What the driver does when something happened: tells it, judges what is over, feeds the schedule.

use super::driver::{Driver, Occurrence, Running};
use super::engines::Found;
use super::fingerprint::Hashing;
use super::late::Late;
use super::signals::asks;
use crate::host::clock;
use crate::model::{
    AttemptId, AttemptReport, AttemptStart, EngineState, Event, Outcome, Policy, SlotId,
};
use crate::schedule::{Ending, News, Width};
use crate::wire::{FromSlot, Grant, ToSlot};

impl Driver {
    pub(super) fn occur(&mut self, occurrence: Occurrence) {
        match occurrence {
            Occurrence::Said(slot, message) => self.said(slot, message),
            Occurrence::Gone(slot, gone) => self.gone(slot, &gone),
            Occurrence::Engine(found) => self.engine_found(*found),
            Occurrence::Hashed(hashes) => {
                self.hashing = Hashing::Told;
                let arch = std::env::consts::ARCH.to_owned();
                self.teller.tell(&Event::Programs { hashes, arch });
            }
            Occurrence::Looked(wrong) => self.looked(wrong),
            Occurrence::Waiting(message) => self.teller.tell(&Event::Note { message }),
            Occurrence::Signal(signal) if asks(signal) => self.ask_what_runs(),
            Occurrence::Signal(signal) => self.signaled(signal),
            Occurrence::Line => self.release(),
            Occurrence::Gate(what) => self.at_gate(what),
            // Told only to who waits for it.
            Occurrence::Tidied(..) => {}
        }
    }

    pub(super) fn said(&mut self, slot: SlotId, message: FromSlot) {
        match message {
            FromSlot::Started(attempt) => self.attempt_started(slot, attempt),
            FromSlot::Held { attempt, command } => {
                if let Some(running) = self.running.get_mut(&attempt) {
                    running.give_up = None;
                    running.held = Some(clock::now());
                }
                self.teller.tell(&Event::AttemptHeld { attempt, command });
                self.news(News::Held(attempt));
            }
            FromSlot::AtGate {
                attempt,
                caller,
                gate,
            } => self.wait_at_gate(attempt, caller, *gate),
            FromSlot::AskEngine(attempt) => {
                // The search has limits of its own, and the script is not charged for it.
                if let Some(running) = self.running.get_mut(&attempt) {
                    running.give_up = None;
                }
                self.search();
            }
            FromSlot::Warning(message) => self.teller.tell(&Event::Warning { message }),
            FromSlot::Recalled(attempt) => self.news(News::Recalled(attempt)),
            FromSlot::Ended {
                attempt,
                mut report,
                rewrite,
                retire,
            } => {
                if let Some(rewrite) = rewrite {
                    self.rewrite(attempt, &mut report, &rewrite);
                }
                let ending = self.attempt_ended(attempt, *report);
                let retires = retire.filter(|_| self.slots.remove(&slot).is_some());
                self.news(News::Ended { attempt, ending });
                if let Some(why) = retires {
                    self.retire(slot, why);
                }
            }
            message @ (FromSlot::Busy { .. }
            | FromSlot::Late { .. }
            | FromSlot::Found { .. }
            | FromSlot::Step { .. }
            | FromSlot::Holding { .. }
            | FromSlot::Seen { .. }) => self.heard_of(message),
        }
    }

    pub(super) fn attempt_started(&mut self, slot: SlotId, attempt: AttemptId) {
        self.started += 1;
        self.barren = 0;
        let now = clock::now();
        let lane = self.trial(attempt).planned.lane;
        let give_up = Some(now + self.allowance(attempt));
        let start = AttemptStart {
            attempt,
            slot,
            lane,
            parallelism: u32::try_from(self.running.len() + 1).unwrap_or(u32::MAX),
            order: self.started,
            deadline: self.trial(attempt).planned.deadline,
        };
        self.running.insert(
            attempt,
            Running {
                start: start.clone(),
                slot,
                begun: now,
                give_up,
                held: None,
                gates: 0,
                killed: false,
                late: Late::default(),
                holding: false,
                asked: None,
            },
        );
        self.teller.tell(&Event::AttemptStarted(start));
        self.news(News::Started(attempt));
    }

    /// Judges an attempt that is over; the schedule is to be told what comes of it.
    pub(super) fn attempt_ended(
        &mut self,
        attempt: AttemptId,
        mut report: AttemptReport,
    ) -> Ending {
        let start = self.running.remove(&attempt).map(|running| running.start);
        if matches!(report.outcome, Outcome::TimedOut(_)) {
            self.keep_hang(attempt, start.as_ref(), &mut report);
        }
        self.unclean |= !report.leaks.is_empty();
        self.note_leftovers(attempt, &report);
        self.look_at_survivors(attempt, &report);
        let (judgement, ending) = self.judge(attempt, &report);
        self.note_health(attempt, &report, &judgement);
        self.run.court.thin_out(attempt, &mut report, &judgement);
        self.teller.tell(&Event::AttemptEnded {
            attempt,
            report: Box::new(report),
            judgement: Some(Box::new(judgement)),
        });
        ending
    }

    /// A slot that takes no more scripts leaves; nothing is sent to it any more.
    fn retire(&mut self, slot: SlotId, why: String) {
        self.leaving += 1;
        self.teller.tell(&Event::SlotReplaced { slot, why });
        self.news(News::SlotLost(slot));
    }

    pub(super) fn engine_found(&mut self, found: Found) {
        self.turn = found.turn;
        for reaped in found.reaped {
            self.teller.tell(&Event::Reaped(Box::new(reaped)));
        }
        for message in found.warnings {
            self.teller.tell(&Event::Warning { message });
        }
        if let Some(why) = &found.taken {
            self.close_container_lane(why.clone());
        }
        self.keeper.missing = found.missing;
        let (grant, news) = self.grant_of(&found.state, found.taken);
        self.teller.tell(&Event::Engine(found.state));
        for handle in self.slots.values() {
            handle.send(&ToSlot::Engine(Box::new(grant.clone())));
        }
        self.grant = Some(grant);
        // Those that asked go on now; those that are held wait for their turn.
        let now = clock::now();
        let waiting: Vec<AttemptId> = self
            .running
            .iter()
            .filter(|(_, running)| {
                running.give_up.is_none() && running.held.is_none() && running.gates == 0
            })
            .map(|(attempt, _)| *attempt)
            .collect();
        for attempt in waiting {
            let give_up = now + self.allowance(attempt);
            if let Some(running) = self.running.get_mut(&attempt) {
                running.give_up = Some(give_up).filter(|_| !running.holding);
            }
        }
        self.news(news);
    }

    /// What slots may use, and what the schedule is told of it.
    fn grant_of(&mut self, state: &EngineState, taken: Option<String>) -> (Grant, News) {
        let none = |missing| Grant {
            facts: None,
            missing,
            gated: false,
        };
        match (state, taken) {
            // An engine that is not free is none: whoever calls it is told why.
            (EngineState::Selected { .. }, Some(why)) => (none(vec![why]), News::NoEngine),
            (EngineState::Missing { why }, _) => (none(why.clone()), News::NoEngine),
            (EngineState::Selected { facts, policy, .. }, None) => {
                let width = match policy {
                    Policy::Serial => Width::MIN,
                    Policy::Gated | Policy::Parallel => self.run.container_width,
                };
                self.meet(facts);
                self.engine = Some(facts.as_ref().clone());
                let grant = Grant {
                    facts: Some(facts.as_ref().clone()),
                    missing: Vec::new(),
                    gated: *policy == Policy::Gated,
                };
                (grant, News::EngineReady(width))
            }
        }
    }
}
