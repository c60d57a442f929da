//! Whether a container attempt may start now. It may while the engine's last answer is fresh. Else the engine and the
//! machine are looked at first; while they are not well the lane waits, and when that has lasted too long, or attempts
//! fail by the engine's fault again and again, the circuit is broken: nothing of the lane starts until a look finds
//! them well. Knows no engine and no clock.

use std::time::Duration;

/// How patient admission is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdmissionRules {
    /// An answer of the engine counts for so long.
    pub fresh: Duration,
    /// From one look that found something wrong to the next.
    pub pause: Duration,
    /// How long the lane waits for engine and machine before the circuit is broken.
    pub settle: Duration,
    /// So many attempts in a row that failed by the engine's fault break the circuit.
    pub faults: u32,
}

/// A circuit that was broken so often stays so.
const HOPELESS: u32 = 3;

/// What its use tells of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// The engine did what it was asked.
    Answered,
    /// It was not asked.
    Unused,
    /// It was asked, and did perhaps not answer.
    Doubtful,
    /// It failed by the engine's fault.
    Faulted,
}

/// What a look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// The engine answered, and the machine has room.
    Well,
    /// Either not.
    Unwell,
}

/// What changed for those who are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turned {
    /// The lane waits for engine and machine to be well.
    Waits,
    /// The circuit is broken.
    Broken,
    /// Attempts start again.
    Admits,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Admits,
    Waits { since: Duration },
    Broken,
}

/// The lane's door. Time counts from the run's start.
#[derive(Debug)]
pub(super) struct Admission {
    rules: AdmissionRules,
    state: State,
    /// When the engine answered last, as far as it may be trusted.
    answered: Option<Duration>,
    /// A look is on its way.
    looking: bool,
    /// While not all is well: when to look next.
    next_look: Duration,
    /// Faults in a row.
    faults: u32,
    /// How often the circuit was broken since attempts went well.
    broken: u32,
    /// There was nothing else to do any more, and this is the last look.
    last: bool,
}

impl Admission {
    pub(super) fn new(rules: AdmissionRules) -> Self {
        Admission {
            rules,
            state: State::Admits,
            answered: None,
            looking: false,
            next_look: Duration::ZERO,
            faults: 0,
            broken: 0,
            last: false,
        }
    }

    /// The engine was used; `short`: the machine lacks room.
    pub(super) fn used(&mut self, now: Duration, health: Health, short: bool) -> Option<Turned> {
        match health {
            Health::Answered => {
                self.faults = 0;
                self.broken = 0;
                self.answered = Some(now).filter(|_| !short);
            }
            Health::Unused => self.answered = self.answered.filter(|_| !short),
            Health::Doubtful => self.answered = None,
            Health::Faulted => {
                self.faults += 1;
                self.answered = None;
            }
        }
        let breaks = self.faults >= self.rules.faults && self.state != State::Broken;
        breaks.then(|| self.break_circuit(now))
    }

    /// A look is over.
    pub(super) fn looked(&mut self, now: Duration, sight: Sight) -> Option<Turned> {
        self.looking = false;
        match (sight, self.state) {
            (Sight::Well, state) => {
                self.answered = Some(now);
                self.state = State::Admits;
                self.last = false;
                // One more fault and it is broken again: an engine may answer and do nothing.
                self.faults = self.faults.min(self.rules.faults.saturating_sub(1));
                (state != State::Admits).then_some(Turned::Admits)
            }
            (Sight::Unwell, State::Admits) => {
                self.answered = None;
                self.wait(now, now);
                let at_once = self.rules.settle.is_zero();
                Some(if at_once {
                    self.break_circuit(now)
                } else {
                    Turned::Waits
                })
            }
            (Sight::Unwell, State::Waits { since }) => {
                if now >= since + self.rules.settle {
                    return Some(self.break_circuit(now));
                }
                self.wait(now, since);
                None
            }
            (Sight::Unwell, State::Broken) => {
                self.next_look = now + self.rules.pause;
                None
            }
        }
    }

    fn wait(&mut self, now: Duration, since: Duration) {
        self.state = State::Waits { since };
        self.next_look = (now + self.rules.pause).min(since + self.rules.settle);
    }

    fn break_circuit(&mut self, now: Duration) -> Turned {
        self.state = State::Broken;
        self.answered = None;
        self.broken += 1;
        self.last = false;
        self.next_look = now + self.rules.pause;
        Turned::Broken
    }

    /// A container attempt may start.
    pub(super) fn admits(&self, now: Duration) -> bool {
        let fresh = |answered: Duration| now < answered + self.rules.fresh;
        self.state == State::Admits && self.answered.is_some_and(fresh)
    }

    /// The circuit is broken.
    pub(super) fn is_broken(&self) -> bool {
        self.state == State::Broken
    }

    /// Somebody waits for admission: whether to look now. `alone`: there is nothing else to do.
    pub(super) fn begin_look(&mut self, now: Duration, alone: bool) -> bool {
        let last = self.state == State::Broken && alone && !self.last;
        let due = self.state == State::Admits || now >= self.next_look || last;
        if self.looking || self.admits(now) || !due {
            return false;
        }
        self.looking = true;
        self.last |= last;
        true
    }

    /// Nothing of the lane will start any more.
    pub(super) fn is_hopeless(&self, alone: bool) -> bool {
        let tried = alone && self.last && !self.looking;
        self.is_broken() && (tried || self.broken >= HOPELESS)
    }

    /// When to look next, if somebody waits for it.
    pub(super) fn next_wake(&self) -> Option<Duration> {
        let waits = self.state != State::Admits && !self.looking;
        waits.then_some(self.next_look)
    }
}

#[cfg(test)]
#[path = "admission_tests.rs"]
mod tests;
