//! The parser of Go's syntax: a stack of translated pieces, folded where a group closes.
//!
//! It accepts what Go accepts and nothing else; it must not know how the result is matched.

use std::collections::BTreeSet;

use super::class::{bracket, perl, unicode};
use super::error::{GoRegexError, Kind};
use super::escape::{NOTHING, Rune, before, escape, next, plain};
use super::group::{Opening, opening};
use super::repeat::{Counts, MOST, cost, counts};
use super::tree::Tree;

/// A translated piece of the pattern.
enum Piece {
    /// Something that can be repeated.
    Atom {
        text: String,
        /// What the counts within come to.
        cost: u32,
        tree: Tree,
        repeated: bool,
    },
    /// Flags: they are no operand, so a repetition looks behind them.
    Flags(String),
    /// The start of a group that is not closed yet.
    Open {
        text: String,
        /// What `Parser::lazy` was before it.
        lazy: bool,
    },
    /// A vertical bar.
    Bar,
}

impl Piece {
    fn atom(text: impl Into<String>, tree: Tree) -> Self {
        Self::Atom {
            text: text.into(),
            cost: 1,
            tree,
            repeated: false,
        }
    }
}

/// Pieces that became one.
struct Folded {
    text: String,
    cost: u32,
    tree: Tree,
}

struct Parser<'a> {
    whole: &'a [u8],
    rest: &'a [u8],
    stack: Vec<Piece>,
    names: BTreeSet<String>,
    /// Whether operators are lazy unless a `?` follows them: the flag `U`.
    lazy: bool,
    /// The pattern from the repetition that was read last, if nothing has come after it.
    last_repeat: Option<&'a [u8]>,
}

/// Translates a whole pattern.
pub(super) fn translate(whole: &[u8]) -> Result<String, GoRegexError> {
    let mut parser = Parser {
        whole,
        rest: whole,
        stack: Vec::new(),
        names: BTreeSet::new(),
        lazy: false,
        last_repeat: None,
    };
    while let Some(&byte) = parser.rest.first() {
        let last = parser.last_repeat.take();
        parser.step(byte, last)?;
    }
    if parser.opened().is_some() {
        return Err(GoRegexError::new(Kind::MissingParen, whole));
    }
    Ok(parser.fold(0)?.text)
}

impl<'a> Parser<'a> {
    /// Reads one piece.
    fn step(&mut self, byte: u8, last: Option<&'a [u8]>) -> Result<(), GoRegexError> {
        let text = self.rest;
        match byte {
            b'(' => return self.open(),
            b')' => return self.close(),
            b'*' | b'+' | b'?' => {
                self.rest = &text[1..];
                return self.repeat(text, None, last);
            }
            b'{' => match counts(text)? {
                Some((counts, rest)) => {
                    self.rest = rest;
                    return self.repeat(text, Some(counts), last);
                }
                None => self.take(&text[1..], Piece::atom(r"\{", Tree::LITERAL)),
            },
            b'|' => self.take(&text[1..], Piece::Bar),
            b'^' | b'$' | b'.' => {
                self.take(&text[1..], Piece::atom(char::from(byte), Tree::LEAF));
            }
            b'[' => {
                let (class, rest) = bracket(text)?;
                self.take(rest, Piece::atom(class, Tree::LEAF));
            }
            b'\\' => return self.backslash(),
            _ => {
                if let Some((found, rest)) = next(text)? {
                    self.take(rest, literal(found.into()));
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, rest: &'a [u8], piece: Piece) {
        self.rest = rest;
        self.stack.push(piece);
    }

    /// A parenthesis that opens.
    fn open(&mut self) -> Result<(), GoRegexError> {
        let text = self.rest;
        if text.get(1) != Some(&b'?') {
            let piece = Piece::Open {
                text: "(".into(),
                lazy: self.lazy,
            };
            self.take(&text[1..], piece);
            return Ok(());
        }
        let (opening, rest) = opening(text, &mut self.names)?;
        let (piece, lazy) = match opening {
            Opening::Flags(flags, lazy) => (Piece::Flags(flags), lazy),
            Opening::Group(text, lazy) => {
                let piece = Piece::Open {
                    text,
                    lazy: self.lazy,
                };
                (piece, lazy)
            }
        };
        self.lazy = lazy.unwrap_or(self.lazy);
        self.take(rest, piece);
        Ok(())
    }

    /// A parenthesis that closes: the pieces of the group become one.
    fn close(&mut self) -> Result<(), GoRegexError> {
        let Some(opened) = self.opened() else {
            return Err(GoRegexError::new(Kind::UnexpectedParen, self.whole));
        };
        let inner = self.fold(opened + 1)?;
        let Some(Piece::Open { text, lazy }) = self.stack.pop() else {
            return Err(GoRegexError::new(Kind::UnexpectedParen, self.whole));
        };
        self.lazy = lazy;
        // A group that captures nothing is no level of the tree.
        let captures = !text.starts_with("(?") || text.starts_with("(?P<");
        let tree = if captures {
            checked(inner.tree.captured(), self.whole)?
        } else {
            inner.tree
        };
        let piece = Piece::Atom {
            text: format!("{text}{})", inner.text),
            cost: inner.cost,
            tree,
            repeated: false,
        };
        self.take(&self.rest[1..], piece);
        Ok(())
    }

    /// Where the innermost group begins that is not closed.
    fn opened(&self) -> Option<usize> {
        self.stack
            .iter()
            .rposition(|piece| matches!(piece, Piece::Open { .. }))
    }

    /// Takes the pieces from this place on off the stack.
    fn fold(&mut self, from: usize) -> Result<Folded, GoRegexError> {
        let (mut text, mut highest) = (String::new(), 1);
        let (mut before, mut row) = (None, None);
        for piece in self.stack.drain(from..) {
            match piece {
                Piece::Atom {
                    text: atom,
                    cost,
                    tree,
                    ..
                } => {
                    text.push_str(&atom);
                    highest = highest.max(cost);
                    row = Some(row.map_or(tree, |row: Tree| row.then(tree)));
                }
                Piece::Flags(flags) | Piece::Open { text: flags, .. } => text.push_str(&flags),
                Piece::Bar => {
                    text.push('|');
                    before = Some(alternatives(before, row.take()));
                }
            }
        }
        Ok(Folded {
            text,
            cost: highest,
            tree: checked(alternatives(before, row), self.whole)?,
        })
    }

    /// A repetition, which begins at `start`; the rest of the pattern follows its operator.
    fn repeat(
        &mut self,
        start: &'a [u8],
        counted: Option<Counts>,
        last: Option<&'a [u8]>,
    ) -> Result<(), GoRegexError> {
        let operator = before(start, self.rest);
        let mut lazy = self.lazy;
        if let [b'?', rest @ ..] = self.rest {
            self.rest = rest;
            lazy = !lazy;
        }
        if let Some(last) = last {
            let part = before(last, self.rest);
            return Err(GoRegexError::new(Kind::RepeatOp, part));
        }
        let operand = self
            .stack
            .iter_mut()
            .rfind(|piece| !matches!(piece, Piece::Flags(_)));
        let Some(Piece::Atom {
            text,
            cost: inner,
            tree,
            repeated,
        }) = operand
        else {
            let part = before(start, self.rest);
            return Err(GoRegexError::new(Kind::MissingRepeatArgument, part));
        };
        let first = start.first().copied().unwrap_or_default();
        let grown = counted.map_or_else(|| tree.repeated(first), |counts| tree.counted(counts));
        *tree = checked(grown, self.whole)?;
        if let Some(counts) = counted {
            *inner = cost(counts, *inner);
            let grows = counts.min >= 2 || counts.max.is_some_and(|max| max >= 2);
            if grows && *inner > MOST {
                let part = before(start, self.rest);
                return Err(GoRegexError::new(Kind::RepeatSize, part));
            }
        }
        // A second operator would change the meaning of the first: `a*?`.
        if *repeated {
            *text = format!("(?:{text})");
        }
        *repeated = true;
        text.push_str(&String::from_utf8_lossy(operator));
        if lazy {
            text.push('?');
        }
        self.last_repeat = Some(start);
        Ok(())
    }

    /// Whatever a backslash begins.
    fn backslash(&mut self) -> Result<(), GoRegexError> {
        let text = self.rest;
        let assertion = match text.get(1) {
            Some(b'A') => r"\A",
            Some(b'z') => r"\z",
            Some(b'b') => r"(?-u:\b)",
            Some(b'B') => r"(?-u:\B)",
            Some(b'Q') => return self.quoted(),
            _ => "",
        };
        if !assertion.is_empty() {
            self.take(&text[2..], Piece::atom(assertion, Tree::LEAF));
            return Ok(());
        }
        if let Some((class, rest)) = unicode(text)?.or_else(|| perl(text)) {
            self.take(rest, Piece::atom(class, Tree::LEAF));
            return Ok(());
        }
        let (rune, rest) = escape(text)?;
        self.take(rest, literal(rune));
        Ok(())
    }

    /// `\Q…\E`; one that is not closed runs to the end.
    fn quoted(&mut self) -> Result<(), GoRegexError> {
        let text = &self.rest[2..];
        let end = text.windows(2).position(|pair| pair == br"\E");
        let (mut quoted, rest) = match end {
            Some(end) => (&text[..end], &text[end + 2..]),
            None => (text, &text[text.len()..]),
        };
        while let Some((found, after)) = next(quoted)? {
            self.stack.push(literal(found.into()));
            quoted = after;
        }
        self.rest = rest;
        Ok(())
    }
}

/// The tree, unless Go does not take it.
fn checked(tree: Tree, whole: &[u8]) -> Result<Tree, GoRegexError> {
    match tree.excess() {
        Some(kind) => Err(GoRegexError::new(kind, whole)),
        None => Ok(tree),
    }
}

/// The alternatives so far, and one more.
fn alternatives(before: Option<Tree>, row: Option<Tree>) -> Tree {
    let row = row.unwrap_or(Tree::LEAF);
    before.map_or(row, |before: Tree| before.or(row))
}

/// A character that stands for itself.
fn literal(rune: Rune) -> Piece {
    let text = plain(rune).unwrap_or_else(|| NOTHING.to_owned());
    Piece::atom(text, Tree::LITERAL)
}
