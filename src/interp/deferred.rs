//! The commands that `defer` put off: after the last line, the last one first. Knows none of them.

use super::Interrupted;
use super::commands::{self, jobs};
use super::execute::Run;
use super::halt::{Halt, Step};
use super::session::Deferred;
use crate::model::{DEFERRED_LIMIT, DEFERRED_TOTAL, duration};

impl Run<'_, '_> {
    /// Runs them all, whatever becomes of each. Says how the world broke this off, if it did.
    pub(super) fn deferred(&mut self) -> Option<Interrupted> {
        if self.session.deferred.is_empty() {
            return None;
        }
        let now = self.session.world.elapsed();
        // The section before it has been folded already, or stays.
        self.session.log.keep();
        self.session.log.phase(b"# deferred", now);
        let began = self.session.world.charged();
        let mut broken_off = None;
        while let Some(deferred) = self.session.deferred.pop() {
            let spent = self.session.world.charged().saturating_sub(began);
            let limit = DEFERRED_LIMIT.min(DEFERRED_TOTAL.saturating_sub(spent));
            self.session.place = deferred.place.clone();
            self.session.log.raw(b"> ");
            self.session.log.line(&deferred.place.text.0);
            if limit.is_zero() {
                let total = duration::format(DEFERRED_TOTAL);
                self.fail(format!("deferred: not run, the others took {total}").into_bytes());
                continue;
            }
            self.session.world.begin_deferred(limit);
            match self.one(&deferred) {
                Ok(()) | Err(Halt::Stop | Halt::Skip(_)) => {}
                Err(Halt::Fail(message) | Halt::Mistake(message)) => {
                    self.fail([b"deferred: ", message.as_slice()].concat());
                }
                Err(Halt::Interrupted(Interrupted::Deadline)) => {
                    jobs::log_rest(self.session);
                    let limit = duration::format(limit);
                    self.fail(format!("deferred: gave up after {limit}").into_bytes());
                }
                Err(Halt::Interrupted(how)) => {
                    self.session.log.line(b"[interrupted]");
                    broken_off = Some(how);
                    break;
                }
            }
        }
        if broken_off.is_none() {
            self.session.log.fold();
        }
        let now = self.session.world.elapsed();
        self.session.log.mark_time(now);
        broken_off
    }

    /// One of them, and what it left in the background.
    fn one(&mut self, deferred: &Deferred) -> Step {
        let session = &mut *self.session;
        session.world.line(&deferred.place);
        session.directory.clone_from(&deferred.directory);
        // What the script had ready for a program of its own.
        session.stdin.clear();
        session.terminal = None;
        let step = commands::run(session, deferred.expect, &deferred.words);
        if let Err(Halt::Interrupted(_)) = step {
            return step;
        }
        jobs::end_all(session)?;
        step
    }
}
