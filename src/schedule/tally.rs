//! What is left of each trial, so that it is settled once, and only when nothing more of it will start.

use std::collections::BTreeMap;
use std::time::Duration;

use super::lanes::Trial;
use crate::model::AttemptId;

/// All trials by their numbers.
#[derive(Debug)]
pub(super) struct Tally {
    trials: BTreeMap<u32, State>,
    /// Trials that are not settled.
    open: usize,
}

#[derive(Debug)]
struct State {
    line: usize,
    /// Its place as given.
    place: u32,
    expected: Option<Duration>,
    /// Laps that have not been made; `None`: without end.
    left: Option<u32>,
    /// Its first lap has not been made.
    fresh: bool,
    /// Attempts that were made and are not over, those that wait to be tried again among them.
    live: u32,
    settled: bool,
}

impl Tally {
    pub(super) fn new() -> Tally {
        Tally {
            trials: BTreeMap::new(),
            open: 0,
        }
    }

    pub(super) fn add(&mut self, trial: &Trial, line: usize, place: u32, laps: Option<u32>) {
        let state = State {
            line,
            place,
            expected: trial.expected,
            left: laps,
            fresh: true,
            live: 0,
            settled: false,
        };
        self.open += usize::from(self.trials.insert(trial.number, state).is_none());
    }

    /// The line of a trial, and its place as given.
    pub(super) fn place(&self, trial: u32) -> Option<(usize, u32)> {
        let state = self.trials.get(&trial)?;
        Some((state.line, state.place))
    }

    pub(super) fn expected(&self, trial: u32) -> Option<Duration> {
        self.trials.get(&trial)?.expected
    }

    /// All are settled.
    pub(super) fn is_over(&self) -> bool {
        self.open == 0
    }

    /// A lap begins its way.
    pub(super) fn made(&mut self, id: AttemptId) {
        if let Some(state) = self.trials.get_mut(&id.trial) {
            state.live += 1;
            state.left = state.left.map(|left| left.saturating_sub(1));
            state.fresh &= id.lap > 1;
        }
    }

    /// A lap is over, or will not begin although it was made.
    pub(super) fn over(&mut self, trial: u32) {
        if let Some(state) = self.trials.get_mut(&trial) {
            state.live = state.live.saturating_sub(1);
        }
    }

    /// No lap after `last` is made of the trials of these lines. Returns the first lap of each that is lost.
    pub(super) fn end_with(&mut self, last: u32, lines: &[usize]) -> Vec<AttemptId> {
        let mut lost = Vec::new();
        for (trial, state) in &mut self.trials {
            if !lines.contains(&state.line) {
                continue;
            }
            let first = u32::from(last > 0 && state.fresh);
            if state.left.is_none_or(|left| left > first) {
                lost.push(AttemptId {
                    trial: *trial,
                    lap: 1,
                    attempt: 1,
                });
            }
            state.left = Some(state.left.map_or(first, |left| left.min(first)));
        }
        lost
    }

    /// Whether the trial is to be settled now. Says so once.
    pub(super) fn settle(&mut self, trial: u32) -> bool {
        let Some(state) = self.trials.get_mut(&trial) else {
            return false;
        };
        let now = !state.settled && state.live == 0 && state.left == Some(0);
        state.settled |= now;
        self.open -= usize::from(now);
        now
    }
}
