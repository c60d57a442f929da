//! What is left of the machine, and whether it is enough for an attempt.

use super::lanes::{Limits, Needs, Width};
use crate::model::Lane;

/// What is left at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Room {
    plain: Share,
    /// `None`: the lane is not open.
    container: Option<Share>,
    /// Nobody may begin in the container lane now, whatever is left of it.
    shut: bool,
    together: Option<Share>,
    groups: Vec<u32>,
    /// Attempts that run, or are at a slot.
    busy: u32,
    /// One of them must be alone.
    alone: bool,
}

/// A width and what is left of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Share {
    width: u32,
    left: u32,
}

/// What an attempt lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lack {
    /// One of its groups is full.
    Group,
    /// There is too little left of a width, or it must be alone and is not.
    Width,
    /// Its lane is not open now.
    Lane,
}

impl Share {
    fn of(width: Width) -> Share {
        let width = width.get();
        Share { width, left: width }
    }

    /// What an attempt takes: never more than there is, or it would wait for ever.
    fn weight(self, cpus: u32) -> u32 {
        cpus.clamp(1, self.width)
    }

    fn fits(self, cpus: u32) -> bool {
        self.weight(cpus) <= self.left
    }

    fn take(&mut self, cpus: u32) {
        self.left = self.left.saturating_sub(self.weight(cpus));
    }
}

impl Room {
    /// All of it; `container` is the width of the container lane, when it is open.
    pub(super) fn all(limits: &Limits, container: Option<Width>) -> Room {
        Room {
            plain: Share::of(limits.plain),
            container: container.map(Share::of),
            shut: false,
            together: limits.together.map(Share::of),
            groups: limits.groups.iter().map(|limit| limit.get()).collect(),
            busy: 0,
            alone: false,
        }
    }

    /// An attempt occupies what it needs. It may take more than is left: a slot that dies gives back what
    /// another has taken meanwhile.
    pub(super) fn take(&mut self, needs: &Needs) {
        self.busy += 1;
        self.alone |= needs.exclusive;
        self.reserve(needs);
        for group in &needs.groups {
            if let Some(left) = self.groups.get_mut(*group) {
                *left = left.saturating_sub(1);
            }
        }
    }

    /// Keeps the widths that one needs which waits.
    pub(super) fn reserve(&mut self, needs: &Needs) {
        if let Some(share) = self.share(needs.lane) {
            share.take(needs.cpus);
        }
        if let Some(together) = &mut self.together {
            together.take(needs.cpus);
        }
        self.alone |= needs.exclusive;
    }

    /// Keeps the groups that one needs which waits, so that nobody behind it enters them.
    pub(super) fn close_groups(&mut self, needs: &Needs) {
        for group in &needs.groups {
            if let Some(left) = self.groups.get_mut(*group) {
                *left = 0;
            }
        }
    }

    /// Nobody may begin in the container lane.
    pub(super) fn close_door(&mut self) {
        self.shut = true;
    }

    /// A container attempt could begin if it were let in.
    pub(super) fn fits_behind_door(&self, needs: &Needs) -> bool {
        let open = Room {
            shut: false,
            ..self.clone()
        };
        needs.lane == Lane::Container && open.lack(needs).is_none()
    }

    /// A slot has something that has not its turn yet.
    pub(super) fn occupy(&mut self) {
        self.busy += 1;
    }

    /// A plain attempt was admitted to the container lane.
    pub(super) fn admit(&mut self) {
        if let Some(container) = &mut self.container {
            container.take(1);
        }
    }

    /// Why an attempt with these needs cannot begin; `None`: it can.
    pub(super) fn lack(&self, needs: &Needs) -> Option<Lack> {
        let share = match needs.lane {
            Lane::Plain => self.plain,
            Lane::Container => match self.container {
                Some(share) if !self.shut => share,
                Some(_) | None => return Some(Lack::Lane),
            },
        };
        let full = |group: &usize| self.groups.get(*group).is_some_and(|left| *left == 0);
        if needs.groups.iter().any(full) {
            return Some(Lack::Group);
        }
        let company = self.alone || needs.exclusive && self.busy > 0;
        let together = self.together.is_none_or(|share| share.fits(needs.cpus));
        let fits = share.fits(needs.cpus) && together;
        (company || !fits).then_some(Lack::Width)
    }

    /// It lacks room in its own lane and nothing else.
    pub(super) fn lacks_its_lane_alone(&self, needs: &Needs) -> bool {
        let together = self.together.is_none_or(|share| share.fits(needs.cpus));
        together && !needs.exclusive && !self.alone
    }

    /// One more container attempt of weight 1 has room in its lane.
    pub(super) fn has_container(&self) -> bool {
        self.container.is_some_and(|share| share.left > 0)
    }

    /// So many plain attempts of weight 1 have room.
    pub(super) fn plain(&self) -> u32 {
        if self.alone {
            return 0;
        }
        let together = self.together.map_or(u32::MAX, |share| share.left);
        self.plain.left.min(together)
    }

    /// Nothing at all can begin.
    pub(super) fn is_full(&self) -> bool {
        let container = self.container.map_or(0, |share| share.left);
        let together = self.together.map_or(u32::MAX, |share| share.left);
        self.alone || together == 0 || container + self.plain.left == 0
    }

    /// The container lane is narrower than what the plain lane may use.
    pub(super) fn is_container_narrow(limits: &Limits, container: Width) -> bool {
        container
            < limits
                .together
                .map_or(limits.plain, |width| width.min(limits.plain))
    }

    fn share(&mut self, lane: Lane) -> Option<&mut Share> {
        match lane {
            Lane::Plain => Some(&mut self.plain),
            Lane::Container => self.container.as_mut(),
        }
    }
}
