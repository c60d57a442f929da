//! All that waits, and who is next. Nobody who waits for room is overtaken for ever: after some others have
//! passed, what it needs is kept for it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::lanes::{Needs, Trial};
use super::laps::{Laps, Order};
use super::line::{Line, Place, Rules};
use super::room::{Lack, Room};
use super::shut::Shut;
use super::tally::Tally;
use crate::model::{AttemptId, Lane};

/// An attempt, and the line that it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attempt {
    pub(super) id: AttemptId,
    line: usize,
}

/// The first of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Head {
    lap: u32,
    /// The lane that goes first has 0.
    lane: u8,
    place: Place,
    line: usize,
}

/// Who is next, and whom it overtakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    next: Option<Head>,
    overtakes: Option<Head>,
}

#[derive(Debug)]
pub(super) struct Queue {
    rules: Rules,
    lines: Vec<Line>,
    /// The first of each line that is not empty.
    heads: BTreeSet<Head>,
    /// What goes first, one after the other, over both lanes.
    named: VecDeque<AttemptId>,
    /// How many of these are of each lane.
    named_of: [usize; 2],
    /// What is tried again, and when.
    later: BTreeMap<(Duration, AttemptId), Attempt>,
    pub(super) tally: Tally,
    /// So often one that waits for room is overtaken.
    patience: u32,
    /// The container lane goes first, for it is the narrow one.
    container_first: bool,
    /// Whether a lane takes back what came back.
    shut: [Shut; 2],
}

fn number(lane: Lane) -> usize {
    match lane {
        Lane::Container => 0,
        Lane::Plain => 1,
    }
}

/// What of a prescribed order can be followed.
fn named(order: &Order, trials: &[Trial], count: Option<u32>) -> VecDeque<AttemptId> {
    let Order::Repeated(named) = order else {
        return VecDeque::new();
    };
    let known: BTreeSet<u32> = trials.iter().map(|trial| trial.number).collect();
    let mut seen = BTreeSet::new();
    let mut followed = VecDeque::new();
    for (trial, lap) in named.iter().copied() {
        let within = lap > 0 && count.is_none_or(|count| lap <= count);
        if within && known.contains(&trial) && seen.insert((trial, lap)) {
            let attempt = 1;
            followed.push_back(AttemptId {
                trial,
                lap,
                attempt,
            });
        }
    }
    followed
}

impl Queue {
    pub(super) fn new(trials: &[Trial], laps: &Laps, order: Order, patience: u32) -> Queue {
        let count = laps.count.map(std::num::NonZeroU32::get);
        let named = named(&order, trials, count);
        let rules = Rules {
            named: named.iter().map(|id| (id.trial, id.lap)).collect(),
            order,
        };
        let mut tally = Tally::new();
        let mut numbers: BTreeMap<&Needs, usize> = BTreeMap::new();
        let mut members: Vec<(&Needs, Vec<(u32, u32)>)> = Vec::new();
        for (place, trial) in (0..).zip(trials) {
            let line = *numbers.entry(&trial.needs).or_insert_with(|| {
                members.push((&trial.needs, Vec::new()));
                members.len() - 1
            });
            members[line].1.push((trial.number, place));
            tally.add(trial, line, place, count);
        }
        let line =
            |(needs, members): (&Needs, Vec<_>)| Line::new(needs.clone(), members, count, &rules);
        let mut queue = Queue {
            lines: members.into_iter().map(line).collect(),
            rules,
            heads: BTreeSet::new(),
            named,
            named_of: [0; 2],
            later: BTreeMap::new(),
            tally,
            patience,
            container_first: false,
            shut: [Shut::Open; 2],
        };
        queue.count_named();
        queue.line_up();
        queue
    }

    /// Whether the container lane goes first.
    pub(super) fn prefer_container(&mut self, container_first: bool) {
        self.container_first = container_first;
        self.line_up();
    }

    pub(super) fn needs(&self, attempt: Attempt) -> &Needs {
        &self.lines[attempt.line].needs
    }

    /// A container attempt could begin if engine and machine were known to be well.
    pub(super) fn waits_at_door(&self, room: &Room) -> bool {
        let fits = |line: usize| room.fits_behind_door(&self.lines[line].needs);
        match self.named.front() {
            Some(id) => self
                .tally
                .place(id.trial)
                .is_some_and(|(line, _)| fits(line)),
            None => self.heads.iter().any(|head| fits(head.line)),
        }
    }

    /// Something of this lane waits, now or later.
    pub(super) fn has(&self, lane: Lane) -> bool {
        let of_lane = |line: usize| self.lines[line].needs.lane == lane;
        let later = self.later.values().any(|attempt| of_lane(attempt.line));
        let named = self.named_of[number(lane)] > 0;
        later || named || self.heads.iter().any(|head| of_lane(head.line))
    }

    /// The order of starts is prescribed as yet.
    pub(super) fn is_strict(&self) -> bool {
        !self.named.is_empty()
    }

    /// Who may begin now.
    pub(super) fn turn(&self, room: &Room) -> Turn {
        let mut turn = Turn {
            next: None,
            overtakes: None,
        };
        let mut room = room.clone();
        for head in &self.heads {
            if room.is_full() {
                break;
            }
            let line = &self.lines[head.line];
            if self.is_strict() && !line.first_is_back() {
                continue;
            }
            match room.lack(&line.needs) {
                None => {
                    turn.next = Some(*head);
                    break;
                }
                Some(Lack::Lane) => {}
                Some(Lack::Group) => room.close_groups(&line.needs),
                Some(Lack::Width) => {
                    room.close_groups(&line.needs);
                    turn.overtakes.get_or_insert(*head);
                    if line.overtaken >= self.patience {
                        room.reserve(&line.needs);
                    }
                }
            }
        }
        turn
    }

    /// The next one leaves the queue.
    pub(super) fn take(&mut self, room: &Room) -> Option<Attempt> {
        let turn = self.turn(room);
        match turn.next {
            Some(head) => self.leave(turn, head),
            None if turn.overtakes.is_none() => self.take_named(room),
            None => None,
        }
    }

    /// A simple attempt that may be sent ahead although it has not its turn yet.
    pub(super) fn take_ahead(&mut self, room: &Room) -> Option<Attempt> {
        let mut overtakes = None;
        for head in &self.heads {
            let line = &self.lines[head.line];
            if line.needs.is_simple() {
                let next = Some(*head);
                return self.leave(Turn { next, overtakes }, *head);
            }
            match room.lack(&line.needs) {
                Some(Lack::Lane | Lack::Group) => {}
                None | Some(Lack::Width) if line.overtaken >= self.patience => return None,
                None | Some(Lack::Width) => {
                    overtakes.get_or_insert(*head);
                }
            }
        }
        None
    }

    /// A plain attempt wants to enter the container lane before the first that waits there. It may, unless
    /// too many have done so; one that waits for more than its lane does not keep anybody out, for what
    /// it waits for may be just this one.
    pub(super) fn may_enter(&mut self, room: &Room) -> bool {
        let first = self.heads.iter().find(|head| {
            let needs = &self.lines[head.line].needs;
            needs.lane == Lane::Container && room.lack(needs) == Some(Lack::Width)
        });
        let Some(line) = first.map(|head| &mut self.lines[head.line]) else {
            return true;
        };
        if line.overtaken >= self.patience && room.lacks_its_lane_alone(&line.needs) {
            return false;
        }
        line.overtaken += 1;
        true
    }

    /// An attempt that has not begun waits again, in its old place. `false`: it will never begin.
    pub(super) fn put_back(&mut self, attempt: Attempt) -> bool {
        let lane = self.needs(attempt).lane;
        if !self.shut[number(lane)].admits(attempt.id) {
            self.tally.over(attempt.id.trial);
            return false;
        }
        let given = self
            .tally
            .place(attempt.id.trial)
            .map_or(0, |(_, given)| given);
        let place = self.rules.place(attempt.id, given);
        self.change(attempt.line, |line, _| line.put_back(place));
        true
    }

    /// An attempt of the plain lane that has not begun should not.
    pub(super) fn is_unwanted(&self, id: AttemptId) -> bool {
        !self.shut[number(Lane::Plain)].admits(id)
    }

    /// The next attempt of the same lap comes back at this time. `false`: it will never begin.
    pub(super) fn try_again(&mut self, ended: Attempt, due: Duration) -> bool {
        let id = AttemptId {
            attempt: ended.id.attempt + 1,
            ..ended.id
        };
        let lane = self.needs(ended).lane;
        let admitted = self.shut[number(lane)].admits(id);
        if admitted {
            self.later.insert((due, id), Attempt { id, ..ended });
        }
        admitted
    }

    /// When the next one is due that is tried again.
    pub(super) fn next_due(&self) -> Option<Duration> {
        self.later.keys().next().map(|(due, _)| *due)
    }

    /// What is due waits for its turn now.
    pub(super) fn wake(&mut self, now: Duration) {
        while let Some(due) = self.later.first_entry().filter(|due| due.key().0 <= now) {
            let attempt = due.remove();
            self.put_back(attempt);
        }
    }

    /// Some of a lane will not begin any more. Returns, for each trial that loses something, the first of it.
    pub(super) fn shut(&mut self, lane: Lane, shut: Shut) -> Vec<AttemptId> {
        let shut = self.shut[number(lane)].max(shut);
        self.shut[number(lane)] = shut;
        let Some(last) = shut.last() else {
            return Vec::new();
        };
        let of_lane = |line: &usize| self.lines[*line].needs.lane == lane;
        let lines: Vec<usize> = (0..self.lines.len()).filter(of_lane).collect();
        let mut made = Vec::new();
        for line in &lines {
            made.extend(self.lines[*line].end_with(last, |id| shut.admits(id)));
        }
        let later = std::mem::take(&mut self.later).into_iter();
        let (kept, gone): (Vec<_>, Vec<_>) = later
            .partition(|((_, id), attempt)| !lines.contains(&attempt.line) || shut.admits(*id));
        self.later = kept.into_iter().collect();
        made.extend(gone.into_iter().map(|((_, id), _)| id));
        let tally = &self.tally;
        self.named.retain(|id| {
            let elsewhere = tally
                .place(id.trial)
                .is_none_or(|(line, _)| !lines.contains(&line));
            elsewhere || shut.admits(*id)
        });
        self.count_named();
        for id in &made {
            self.tally.over(id.trial);
        }
        let mut lost: BTreeMap<u32, AttemptId> = BTreeMap::new();
        for id in made.into_iter().chain(self.tally.end_with(last, &lines)) {
            lost.entry(id.trial)
                .and_modify(|first| *first = id.min(*first))
                .or_insert(id);
        }
        self.line_up();
        lost.into_values().collect()
    }

    fn leave(&mut self, turn: Turn, head: Head) -> Option<Attempt> {
        if let Some(overtaken) = turn.overtakes {
            self.lines[overtaken.line].overtaken += 1;
        }
        let taken = self.change(head.line, Line::take);
        let (place, made) = taken?;
        let id = place.id();
        if made {
            self.tally.made(id);
        }
        Some(Attempt {
            id,
            line: head.line,
        })
    }

    fn take_named(&mut self, room: &Room) -> Option<Attempt> {
        let id = *self.named.front()?;
        let (line, _) = self.tally.place(id.trial)?;
        if room.lack(&self.lines[line].needs).is_some() {
            return None;
        }
        self.named.pop_front();
        self.named_of[number(self.lines[line].needs.lane)] -= 1;
        self.tally.made(id);
        Some(Attempt { id, line })
    }

    /// Changes a line, and notes who is its first then.
    fn change<T>(&mut self, number: usize, change: impl FnOnce(&mut Line, &Rules) -> T) -> T {
        if let Some(head) = self.head(number) {
            self.heads.remove(&head);
        }
        let result = change(&mut self.lines[number], &self.rules);
        self.heads.extend(self.head(number));
        result
    }

    fn head(&self, number: usize) -> Option<Head> {
        let line = &self.lines[number];
        let place = line.first()?;
        let after = self.container_first && line.needs.lane == Lane::Plain;
        Some(Head {
            lap: place.lap,
            lane: u8::from(after),
            place,
            line: number,
        })
    }

    /// Counted once, for a step must not look at all that waits.
    fn count_named(&mut self) {
        self.named_of = [0; 2];
        for id in &self.named {
            if let Some((line, _)) = self.tally.place(id.trial) {
                self.named_of[number(self.lines[line].needs.lane)] += 1;
            }
        }
    }

    fn line_up(&mut self) {
        self.heads = (0..self.lines.len())
            .filter_map(|line| self.head(line))
            .collect();
    }
}
