//! How deep and how large a pattern is by Go's count: the tree that its parser makes, and the instructions that its
//! compiler would make of it.
//!
//! It must not know how a pattern is written.

use super::error::Kind;
use super::repeat::Counts;

/// The most levels that Go allows.
const MOST_LEVELS: u32 = 1000;

/// The most instructions: 128 MB of them, each of 40 bytes.
const MOST_INSTRUCTIONS: u64 = (128 << 20) / 40;

/// A part of a pattern.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tree {
    node: Node,
    levels: u32,
    instructions: u64,
}

/// What is at the top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    /// One character or several: in a row they are one.
    Literal,
    /// Parts behind each other: a row in a row is the same row.
    Row,
    /// Alternatives: those of an alternative are alternatives themselves.
    Either,
    /// Anything else.
    Other,
}

impl Tree {
    /// A character that stands for itself.
    pub(super) const LITERAL: Self = Self::of_one(Node::Literal);

    /// A class, a place, or nothing at all.
    pub(super) const LEAF: Self = Self::of_one(Node::Other);

    const fn of_one(node: Node) -> Self {
        Self {
            node,
            levels: 1,
            instructions: 1,
        }
    }

    /// Why Go does not take it.
    pub(super) fn excess(self) -> Option<Kind> {
        if self.instructions > MOST_INSTRUCTIONS {
            return Some(Kind::TooLarge);
        }
        (self.levels > MOST_LEVELS).then_some(Kind::NestingDepth)
    }

    /// A group that captures it.
    pub(super) fn captured(self) -> Self {
        self.within(self.instructions.saturating_add(2))
    }

    /// It, repeated by `*`, `+` or `?`.
    pub(super) fn repeated(self, operator: u8) -> Self {
        let more = if operator == b'*' { 2 } else { 1 };
        self.within(self.instructions.saturating_add(more))
    }

    /// It, repeated so often.
    pub(super) fn counted(self, counts: Counts) -> Self {
        let (min, max) = (u64::from(counts.min), counts.max.map(u64::from));
        let one = self.instructions;
        self.within(match max {
            None if min == 0 => one.saturating_add(2),
            None => one.saturating_mul(min).saturating_add(1),
            Some(max) => one.saturating_mul(max).saturating_add(max - min).max(1),
        })
    }

    /// It and what is behind it.
    pub(super) fn then(self, next: Self) -> Self {
        let literal = self.node == Node::Literal && next.node == Node::Literal;
        let node = if literal { Node::Literal } else { Node::Row };
        self.beside(next, node, 0)
    }

    /// It or what is behind the bar.
    pub(super) fn or(self, other: Self) -> Self {
        self.beside(other, Node::Either, 1)
    }

    fn within(self, instructions: u64) -> Self {
        Self {
            node: Node::Other,
            levels: self.levels + 1,
            instructions,
        }
    }

    fn beside(self, other: Self, node: Node, more: u64) -> Self {
        let below = |part: Self| part.levels - u32::from(part.node == node);
        Self {
            node,
            levels: 1 + below(self).max(below(other)),
            instructions: self
                .instructions
                .saturating_add(other.instructions)
                .saturating_add(more),
        }
    }
}
