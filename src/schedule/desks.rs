//! What each slot has: the attempt that it executes, and perhaps one that was sent ahead.

use std::collections::BTreeMap;

use super::queue::Attempt;
use crate::model::{AttemptId, SlotId};

/// All slots that are open.
#[derive(Debug, Default)]
pub(super) struct Desks(BTreeMap<SlotId, Desk>);

/// What a slot has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Desk {
    pub(super) current: Option<Attempt>,
    /// The slot has said that it executes `current`.
    pub(super) begun: bool,
    /// Sent ahead, so that the slot need not wait for us between two short scripts.
    pub(super) ahead: Option<Attempt>,
    recalled: bool,
}

impl Desks {
    pub(super) fn open(&mut self, slot: SlotId) {
        self.0.insert(slot, Desk::default());
    }

    pub(super) fn close(&mut self, slot: SlotId) -> Option<Desk> {
        self.0.remove(&slot)
    }

    /// What is executed, or will be next without another word.
    pub(super) fn current(&self) -> impl Iterator<Item = Attempt> {
        self.0.values().filter_map(|desk| desk.current)
    }

    /// How many were sent ahead.
    pub(super) fn ahead(&self) -> usize {
        self.0.values().filter(|desk| desk.ahead.is_some()).count()
    }

    /// All that was given to a slot has begun.
    pub(super) fn have_begun(&self) -> bool {
        self.0
            .values()
            .all(|desk| desk.begun || desk.current.is_none())
    }

    /// Seats an attempt at an idle slot.
    pub(super) fn seat(&mut self, attempt: Attempt) -> Option<SlotId> {
        let idle = self.0.iter_mut().find(|(_, desk)| desk.current.is_none());
        let (slot, desk) = idle?;
        desk.current = Some(attempt);
        desk.begun = false;
        Some(*slot)
    }

    pub(super) fn has_idle(&self) -> bool {
        self.0.values().any(|desk| desk.current.is_none())
    }

    /// Slots that have nothing ahead, with what they have.
    pub(super) fn with_room_ahead(&self) -> Vec<(SlotId, Attempt)> {
        let free = self.0.iter().filter(|(_, desk)| desk.ahead.is_none());
        free.filter_map(|(slot, desk)| Some((*slot, desk.current?)))
            .collect()
    }

    pub(super) fn send_ahead(&mut self, slot: SlotId, attempt: Attempt) {
        if let Some(desk) = self.0.get_mut(&slot) {
            desk.ahead = Some(attempt);
        }
    }

    pub(super) fn begin(&mut self, attempt: AttemptId) {
        if let Some(desk) = self.of(attempt) {
            desk.begun = true;
        }
    }

    /// The attempt leaves its desk. What was sent ahead takes the place; the slot will say when it begins.
    pub(super) fn end(&mut self, attempt: AttemptId) -> Option<Attempt> {
        let desk = self.of(attempt)?;
        let ended = desk.current;
        *desk = Desk {
            current: desk.ahead,
            ..Desk::default()
        };
        ended
    }

    /// What was sent ahead has come back.
    pub(super) fn take_back(&mut self, attempt: AttemptId) -> Option<Attempt> {
        let is_ahead = |desk: &&mut Desk| desk.ahead.is_some_and(|ahead| ahead.id == attempt);
        let desk = self.0.values_mut().find(is_ahead)?;
        desk.recalled = false;
        desk.ahead.take()
    }

    /// Everything that was sent ahead is taken away; nobody will execute it.
    pub(super) fn take_all_ahead(&mut self) -> Vec<Attempt> {
        self.0
            .values_mut()
            .filter_map(|desk| desk.ahead.take())
            .collect()
    }

    /// Calls back so much of what was sent ahead that `wanted` are on their way; what should have gone
    /// first, first.
    pub(super) fn call_back(
        &mut self,
        wanted: usize,
        which: impl Fn(AttemptId) -> bool,
    ) -> Vec<(SlotId, AttemptId)> {
        let pending = self.0.values().filter(|desk| desk.recalled).count();
        let mut called = Vec::new();
        for (slot, desk) in &mut self.0 {
            let Some(ahead) = desk.ahead.filter(|ahead| !desk.recalled && which(ahead.id)) else {
                continue;
            };
            if pending + called.len() < wanted {
                desk.recalled = true;
                called.push((*slot, ahead.id));
            }
        }
        called
    }

    fn of(&mut self, attempt: AttemptId) -> Option<&mut Desk> {
        let has = |desk: &&mut Desk| desk.current.is_some_and(|current| current.id == attempt);
        self.0.values_mut().find(has)
    }
}
