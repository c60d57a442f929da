//! A matcher that tries everything, in the order in which Go prefers it. Knows no syntax at all.

use std::cell::Cell;

use super::shape::{Counts, Place};
use super::writer::{Meaning, is_word};

/// What may still be tried; some patterns have more ways than there is time.
pub(super) struct Oracle<'a> {
    pub(super) text: &'a [char],
    pub(super) left: Cell<u32>,
}

impl Oracle<'_> {
    /// The end of the match that is preferred among those from `at`, after which `then` holds.
    fn end(
        &self,
        meaning: &Meaning,
        at: usize,
        then: &dyn Fn(usize) -> Option<usize>,
    ) -> Option<usize> {
        self.left.set(self.left.get().checked_sub(1)?);
        match meaning {
            Meaning::One(test) => match self.text.get(at) {
                Some(found) if test(*found) => then(at + 1),
                _ => None,
            },
            Meaning::Place(place, lines) => self.is_at(*place, *lines, at).then(|| then(at))?,
            Meaning::Row(all) => match all.split_first() {
                None => then(at),
                Some((first, rest)) => self.end(first, at, &|at| self.row(rest, at, then)),
            },
            Meaning::Either(all) => all.iter().find_map(|one| self.end(one, at, then)),
            Meaning::Times(one, counts) => self.times(one, *counts, at, then),
        }
    }

    fn row(
        &self,
        all: &[Meaning],
        at: usize,
        then: &dyn Fn(usize) -> Option<usize>,
    ) -> Option<usize> {
        match all.split_first() {
            None => then(at),
            Some((first, rest)) => self.end(first, at, &|at| self.row(rest, at, then)),
        }
    }

    fn times(
        &self,
        one: &Meaning,
        counts: Counts,
        at: usize,
        then: &dyn Fn(usize) -> Option<usize>,
    ) -> Option<usize> {
        let Counts { min, max, lazy } = counts;
        let fewer = Counts {
            min: min.saturating_sub(1),
            max: max.map(|max| max.saturating_sub(1)),
            lazy,
        };
        let more = || match max {
            Some(0) => None,
            _ => self.end(one, at, &|now| self.times(one, fewer, now, then)),
        };
        match (min, lazy) {
            (0, true) => then(at).or_else(more),
            (0, false) => more().or_else(|| then(at)),
            _ => more(),
        }
    }

    fn is_at(&self, place: Place, lines: bool, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|at| self.text.get(at)).copied();
        let after = self.text.get(at).copied();
        let boundary = before.is_some_and(is_word) != after.is_some_and(is_word);
        match place {
            Place::Start => before.is_none(),
            Place::End => after.is_none(),
            Place::LineStart => before.is_none() || (lines && before == Some('\n')),
            Place::LineEnd => after.is_none() || (lines && after == Some('\n')),
            Place::Boundary => boundary,
            Place::NoBoundary => !boundary,
        }
    }

    /// The first match from `from` on.
    pub(super) fn find(&self, meaning: &Meaning, from: usize) -> Option<(usize, usize)> {
        (from..=self.text.len()).find_map(|at| Some((at, self.end(meaning, at, &Some)?)))
    }

    /// All matches, as Go counts them: none is empty where the one before it ended.
    pub(super) fn count(&self, meaning: &Meaning) -> usize {
        let (mut number, mut from, mut last) = (0, 0, None);
        while let Some((start, end)) = self.find(meaning, from) {
            let is_empty = start == end;
            number += usize::from(!(is_empty && last == Some(end)));
            last = Some(end);
            from = end + usize::from(is_empty);
            if from > self.text.len() {
                break;
            }
        }
        number
    }
}

/// Where the characters `from..to` are in bytes.
pub(super) fn bytes(text: &[char], (from, to): (usize, usize)) -> (usize, usize) {
    let width = |upto: &[char]| upto.iter().map(|char| char.len_utf8()).sum();
    (width(&text[..from]), width(&text[..to]))
}
