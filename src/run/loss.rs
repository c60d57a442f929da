//! What the driver does when slots die, fall silent, cannot be started, and when all of them leave.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use super::driver::{Driver, Occurrence};
use super::signals::asks;
use super::slots::{Gone, SlotHandle};
use crate::host::{clock, folders, search};
use crate::ledger::remedy::directory_left;
use crate::model::{
    AttemptId, AttemptReport, Bytes, Cleanup, Event, Fault, FaultKind, MachineDelta, Outcome,
    SlotId, Timings,
};
use crate::schedule::News;
use crate::wire::Keep;

/// How long a killed slot may take to be gone; one that takes longer is stuck in the kernel.
const DEATH: Duration = Duration::from_secs(10);
/// How long the slots may take to leave at the end.
const FAREWELL: Duration = Duration::from_secs(20);
/// So many slots in a row that died before they began anything, and no more is tried.
const BARREN: u32 = 3;

impl Driver {
    pub(super) fn gone(&mut self, slot: SlotId, gone: &Gone) {
        if self.slots.remove(&slot).is_none() {
            self.leaving = self.leaving.saturating_sub(1);
            return;
        }
        let lost: Vec<AttemptId> = self
            .running
            .iter()
            .filter(|(_, running)| running.slot == slot)
            .map(|(id, _)| *id)
            .collect();
        if lost.is_empty() && !gone.orderly {
            self.barren += 1;
        }
        for attempt in lost {
            let report = self.report_of_the_lost(attempt, gone);
            let ending = self.attempt_ended(attempt, report);
            self.news(News::Ended { attempt, ending });
        }
        if self.signal.is_none() {
            self.teller.tell(&Event::SlotReplaced {
                slot,
                why: format!("it {}", gone.how),
            });
        }
        if self.barren >= BARREN || (self.barren > 0 && self.started == 0) {
            let said = gone.last_words.lossy();
            self.break_off(format!(
                "worker processes do not start: the last one {}: {}",
                gone.how,
                said.trim()
            ));
        }
        self.news(News::SlotLost(slot));
    }

    /// What can be said of an attempt whose slot died; its resources are removed here.
    pub(super) fn report_of_the_lost(&mut self, attempt: AttemptId, gone: &Gone) -> AttemptReport {
        let running = self.running.get(&attempt);
        let script = running.map_or(Duration::ZERO, |running| clock::now() - running.begun);
        let mut cleanup = self.clean_after(attempt);
        let work_dir = self.put_away(attempt, &mut cleanup);
        let place = gone.place.clone().unwrap_or_default();
        let message = format!(
            "the worker process {} while it executed {}:{}",
            gone.how, place.file, place.line
        );
        let log = format!(
            "> {}\nFAULT: {}:{}: the worker process {}\n",
            place.text.lossy(),
            place.file,
            place.line,
            gone.how
        );
        let fault = Fault {
            kind: FaultKind::Slot,
            message,
            detail: gone.last_words.clone(),
        };
        let outcome = self.late_outcome(attempt, &gone.how);
        let steps = self.running.get_mut(&attempt);
        let ladder = steps.map_or_else(Vec::new, |running| std::mem::take(&mut running.late.steps));
        AttemptReport {
            outcome: outcome.unwrap_or(Outcome::Faulted(fault)),
            log: [log.as_bytes(), &gone.last_words.0].concat().into(),
            log_file: String::new(),
            timings: Timings {
                script,
                ..Timings::default()
            },
            cleanup,
            ended: Vec::new(),
            leaks: Vec::new(),
            engine_calls: 0,
            machine: MachineDelta::default(),
            work_dir,
            updated: String::new(),
            quoted: Vec::new(),
            samples: Vec::new(),
            ladder,
            hang_file: String::new(),
            failed: None,
        }
    }

    /// Removes what an attempt made whose slot can no longer do it.
    fn clean_after(&self, attempt: AttemptId) -> Cleanup {
        let limit = self.time_for(self.run.setup.rules.cleanup_limit);
        let work = self.work_dir(attempt);
        let cleaner = self.cleaner();
        cleaner.map_or_else(Cleanup::default, |cleaner| {
            cleaner.clean(attempt, Some(&work), limit)
        })
    }

    fn work_dir(&self, attempt: AttemptId) -> PathBuf {
        let name = attempt.work_name(&self.trial(attempt).planned.name);
        search::path(&self.run.setup.work_root.0).join(name)
    }

    /// Removes the work directory of an attempt whose slot can no longer do it; its path when it is kept.
    fn put_away(&self, attempt: AttemptId, cleanup: &mut Cleanup) -> String {
        let work = self.work_dir(attempt);
        let rules = &self.run.setup.rules;
        if work.exists() && (rules.keep_work || rules.keep != Keep::Nothing) {
            return work.display().to_string();
        }
        let limit = self.time_for(rules.cleanup_limit);
        if let Err(error) = remove_within(limit, &work).or_else(gone_is_well) {
            let rootless = self.engine.as_ref().is_some_and(|facts| facts.rootless);
            let why = format!("cannot empty `{}`: {error}", work.display());
            cleanup.leftovers.push(directory_left(&work, why, rootless));
        }
        String::new()
    }

    /// Nothing more can run, and why: what waits is reported as not run.
    pub(super) fn break_off(&mut self, why: String) {
        if self.broken.is_none() {
            self.teller.tell(&Event::Warning {
                message: why.clone(),
            });
            self.broken = Some(why);
            self.news(News::Cancelled);
        }
    }

    /// A slot that says nothing long after it should have is killed; one that does not even die is stuck in
    /// the kernel and is dropped, so that the run goes on.
    pub(super) fn give_up_silent(&mut self) {
        let now = clock::now();
        let mut stuck = Vec::new();
        for running in self.running.values_mut() {
            if running.give_up.is_none_or(|at| at > now) {
                continue;
            }
            if std::mem::replace(&mut running.killed, true) {
                stuck.push(running.slot);
            } else if let Some(handle) = self.slots.get(&running.slot) {
                running.give_up = Some(now + DEATH);
                handle.kill();
            }
        }
        for slot in stuck {
            // Its listener ends with the conversation, and tells so later.
            if let Some(handle) = self.slots.get(&slot) {
                handle.close();
                self.leaving += 1;
            }
            let how = "did not answer and cannot be killed: it is stuck in the kernel".to_owned();
            self.gone(
                slot,
                &Gone {
                    how,
                    orderly: false,
                    last_words: Bytes::default(),
                    place: None,
                },
            );
        }
    }

    /// Ends all conversations and waits until every slot is gone.
    pub(super) fn farewell(&mut self) {
        for handle in self.slots.values() {
            handle.close();
        }
        self.leaving += u32::try_from(self.slots.len()).unwrap_or(0);
        let slots = std::mem::take(&mut self.slots);
        let give_up = clock::now() + FAREWELL;
        let mut killed = false;
        while self.leaving > 0 {
            let left = give_up.saturating_duration_since(clock::now());
            match self.next(self.time_for(left)) {
                Some(Occurrence::Gone(..)) => self.leaving -= 1,
                Some(Occurrence::Signal(signal)) if asks(signal) => {}
                Some(Occurrence::Signal(signal)) => self.signaled(signal),
                Some(
                    Occurrence::Hashed(_)
                    | Occurrence::Said(..)
                    | Occurrence::Engine(_)
                    | Occurrence::Waiting(_)
                    | Occurrence::Looked(_)
                    | Occurrence::Gate(_)
                    | Occurrence::Tidied(..)
                    | Occurrence::Line,
                ) => {}
                None if self.time_for(FAREWELL).is_zero() => {
                    self.interruption.left = true;
                    return;
                }
                None if clock::now() < give_up => {}
                None if killed => return,
                None => {
                    killed = true;
                    slots.values().for_each(SlotHandle::kill);
                }
            }
        }
    }
}

/// In a thread that is left behind when it takes longer: what the worker hung on may be in there.
fn remove_within(limit: Duration, work: &Path) -> io::Result<()> {
    let (sender, receiver) = mpsc::channel();
    let path = work.to_owned();
    std::thread::spawn(move || sender.send(folders::remove(&path)));
    let in_time = receiver.recv_timeout(limit);
    in_time.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

fn gone_is_well(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound {
        Ok(())
    } else {
        Err(error)
    }
}
