//! Attempts that need the same and wait in one line, lap after lap. They are made when their turn comes, so
//! that a run without end needs no more memory than one lap.

use std::collections::BTreeSet;

use super::lanes::Needs;
use super::laps::Order;
use crate::model::AttemptId;

/// The place of an attempt in its lane: the first goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) lap: u32,
    rank: u64,
    trial: u32,
    attempt: u32,
}

/// What all lines go by.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) order: Order,
    /// Trials and laps that have their turn by name, outside the lines.
    pub(super) named: BTreeSet<(u32, u32)>,
}

/// One line.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) needs: Needs,
    /// Trials with their places as given; in the order of the current lap.
    members: Vec<(u32, u32)>,
    /// The last lap; `None`: there is no last one.
    laps: Option<u32>,
    lap: u32,
    /// How many members have had their turn in this lap.
    done: usize,
    /// The next that is made.
    next: Option<Place>,
    /// What came back: called back, lost before it began, or to be tried again.
    back: BTreeSet<Place>,
    /// How often its first was overtaken while it waited for room.
    pub(super) overtaken: u32,
}

impl Place {
    pub(super) fn id(self) -> AttemptId {
        AttemptId {
            trial: self.trial,
            lap: self.lap,
            attempt: self.attempt,
        }
    }
}

impl Rules {
    pub(super) fn place(&self, id: AttemptId, given: u32) -> Place {
        Place {
            lap: id.lap,
            rank: self.order.rank(id.trial, id.lap, given),
            trial: id.trial,
            attempt: id.attempt,
        }
    }
}

impl Line {
    /// A line of these trials, with their places as given.
    pub(super) fn new(
        needs: Needs,
        members: Vec<(u32, u32)>,
        laps: Option<u32>,
        rules: &Rules,
    ) -> Line {
        let mut line = Line {
            needs,
            members,
            laps,
            lap: 0,
            done: 0,
            next: None,
            back: BTreeSet::new(),
            overtaken: 0,
        };
        line.begin_lap(rules);
        line.find_next(rules);
        line
    }

    /// Who is first.
    pub(super) fn first(&self) -> Option<Place> {
        match (self.back.first().copied(), self.next) {
            (Some(back), Some(next)) => Some(back.min(next)),
            (back, next) => back.or(next),
        }
    }

    /// The first came back.
    pub(super) fn first_is_back(&self) -> bool {
        self.back.first().copied() == self.first()
    }

    /// The first leaves the line; the second value says that it was made now.
    pub(super) fn take(&mut self, rules: &Rules) -> Option<(Place, bool)> {
        let first = self.first()?;
        self.overtaken = 0;
        if self.back.remove(&first) {
            return Some((first, false));
        }
        self.done += 1;
        self.find_next(rules);
        Some((first, true))
    }

    pub(super) fn put_back(&mut self, place: Place) {
        self.back.insert(place);
    }

    /// No lap after `last` begins; what came back is kept or given away. Returns what was given away.
    pub(super) fn end_with(
        &mut self,
        last: u32,
        keep: impl Fn(AttemptId) -> bool,
    ) -> Vec<AttemptId> {
        self.laps = Some(self.laps.map_or(last, |laps| laps.min(last)));
        self.next = self.next.filter(|next| next.lap <= last);
        let (kept, gone): (Vec<Place>, Vec<Place>) =
            self.back.iter().partition(|place| keep(place.id()));
        self.back = kept.into_iter().collect();
        gone.into_iter().map(Place::id).collect()
    }

    fn begin_lap(&mut self, rules: &Rules) {
        self.lap += 1;
        self.done = 0;
        let lap = self.lap;
        self.members
            .sort_by_key(|(trial, given)| (rules.order.rank(*trial, lap, *given), *trial));
    }

    fn find_next(&mut self, rules: &Rules) {
        loop {
            if self.done == self.members.len() {
                self.begin_lap(rules);
            }
            if self.laps.is_some_and(|laps| self.lap > laps) {
                self.next = None;
                return;
            }
            let (trial, given) = self.members[self.done];
            if !rules.named.contains(&(trial, self.lap)) {
                let id = AttemptId {
                    trial,
                    lap: self.lap,
                    attempt: 1,
                };
                self.next = Some(rules.place(id, given));
                return;
            }
            self.done += 1;
        }
    }
}
