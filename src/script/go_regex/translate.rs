//! Go's syntax to the crate's. Flags `s`, `m` and `U` are resolved here; only `i` is written on.
//! Captures become plain groups, since nobody asks for them.

use super::PatternError;
use super::class::{self, Class};
use super::escape::{self, Source};

/// How deep groups may nest; Go's limit on its syntax tree.
pub(super) const MAX_DEPTH: u32 = 1000;

/// The largest count of a repetition, and the largest product of nested ones.
const MAX_REPEAT: u32 = 1000;

/// The flags that a pattern can set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flags(u8);

impl Flags {
    pub(super) const FOLD: Flags = Flags(1);
    const LINES: Flags = Flags(2);
    const DOT_NEWLINE: Flags = Flags(4);
    const LAZY: Flags = Flags(8);

    pub(super) fn has(self, flag: Flags) -> bool {
        self.0 & flag.0 != 0
    }

    fn with(self, flag: Flags, on: bool) -> Flags {
        Flags(if on {
            self.0 | flag.0
        } else {
            self.0 & !flag.0
        })
    }
}

/// Translates a whole pattern. The result expects the crate's multi-line mode.
pub(super) fn translate(pattern: &str) -> Result<String, PatternError> {
    let mut translation = Translation {
        whole: pattern,
        source: Source::new(pattern),
        flags: Flags(0),
        groups: Vec::new(),
        group: Group::new(Flags(0)),
        last_repeat: None,
    };
    while !translation.source.is_empty() {
        translation.step()?;
    }
    if translation.groups.is_empty() {
        Ok(translation.group.text)
    } else {
        Err(PatternError::new("missing closing )", pattern))
    }
}

/// A group that is being written; the outermost one is the pattern.
struct Group {
    text: String,
    /// Where the last operand stands in the text; flags may follow it.
    last: Option<Operand>,
    /// The largest product of nested repetitions in this group.
    weight: u32,
    /// The flags to return to when it closes.
    outer: Flags,
}

/// Something that can be repeated.
#[derive(Clone, Copy)]
struct Operand {
    start: usize,
    end: usize,
    weight: u32,
    /// It is a repetition itself, which the crate wants in a group.
    repeated: bool,
}

impl Group {
    fn new(outer: Flags) -> Group {
        Group {
            text: String::new(),
            last: None,
            weight: 1,
            outer,
        }
    }

    fn push(&mut self, text: &str, weight: u32) {
        let start = self.text.len();
        self.text.push_str(text);
        self.last = Some(Operand {
            start,
            end: self.text.len(),
            weight,
            repeated: false,
        });
        self.weight = self.weight.max(weight);
    }
}

struct Translation<'p> {
    whole: &'p str,
    source: Source<'p>,
    flags: Flags,
    groups: Vec<Group>,
    group: Group,
    /// Where the last repetition operator begins, if that is what was just read.
    last_repeat: Option<Source<'p>>,
}

impl<'p> Translation<'p> {
    /// Reads one element.
    fn step(&mut self) -> Result<(), PatternError> {
        let before = self.source;
        let repeated = self.last_repeat.take();
        match self.source.peek() {
            Some('(') => self.open()?,
            Some(')') => self.close()?,
            Some('|') => {
                self.source.next();
                self.group.text.push('|');
                self.group.last = None;
            }
            Some('^') => self.symbol(if self.flags.has(Flags::LINES) {
                "^"
            } else {
                r"\A"
            }),
            Some('$') => self.symbol(if self.flags.has(Flags::LINES) {
                "$"
            } else {
                r"\z"
            }),
            Some('.') => {
                let newline = self.flags.has(Flags::DOT_NEWLINE);
                self.symbol(if newline { "(?s:.)" } else { r"[^\n]" });
            }
            Some('[') => {
                let class = class::bracketed(&mut self.source)?;
                self.group.push(&class.written(), 1);
            }
            Some('*') => self.repeat_simple("*", before, repeated)?,
            Some('+') => self.repeat_simple("+", before, repeated)?,
            Some('?') => self.repeat_simple("?", before, repeated)?,
            Some('{') => match Counts::read(before.rest()) {
                Some(counts) => self.repeat_counted(&counts, before, repeated)?,
                None => self.literal('{'),
            },
            Some('\\') => self.escaped()?,
            Some(other) => self.literal(other),
            None => {}
        }
        Ok(())
    }

    /// One character of the pattern that is written as something else.
    fn symbol(&mut self, written: &str) {
        self.source.next();
        self.group.push(written, 1);
    }

    /// A character of the pattern that stands for itself.
    fn literal(&mut self, character: char) {
        self.source.next();
        self.push_character(u32::from(character));
    }

    fn push_character(&mut self, code: u32) {
        let mut written = String::new();
        class::push_character(&mut written, code);
        self.group.push(&written, 1);
    }

    fn escaped(&mut self) -> Result<(), PatternError> {
        let simple = match self.source.rest().as_bytes().get(1) {
            Some(b'A') => r"\A",
            Some(b'z') => r"\z",
            Some(b'b') => r"(?-u:\b)",
            Some(b'B') => r"(?-u:\B)",
            Some(b'Q') => {
                self.quoted();
                return Ok(());
            }
            _ => {
                if let Some(class) = Class::escaped(&mut self.source)? {
                    self.group.push(&class.written(), 1);
                } else {
                    let code = escape::character(&mut self.source)?;
                    self.push_character(code);
                }
                return Ok(());
            }
        };
        self.source.skip(2);
        self.group.push(simple, 1);
        Ok(())
    }

    /// `\Q…\E`; without its end it runs to the end of the pattern.
    fn quoted(&mut self) {
        self.source.skip(2);
        let rest = self.source.rest();
        let (text, length) = match rest.split_once(r"\E") {
            Some((text, _)) => (text, text.len() + 2),
            None => (rest, rest.len()),
        };
        for character in text.chars() {
            self.push_character(u32::from(character));
        }
        self.source.skip(length);
    }

    /// `(`, `(?:`, `(?P<name>`, `(?flags)` and the like.
    fn open(&mut self) -> Result<(), PatternError> {
        let rest = self.source.rest();
        let name_at = match rest.as_bytes() {
            [b'(', b'?', b'P', b'<', _, ..] => 4,
            [b'(', b'?', b'<', _, ..] => 3,
            [b'(', b'?', ..] => return self.open_with_flags(),
            _ => {
                self.source.next();
                return self.begin_group();
            }
        };
        let start = self.source;
        let invalid = |part| PatternError::new("invalid named capture", part);
        let end = rest.find('>').ok_or_else(|| invalid(rest))?;
        self.source.skip(end + 1);
        let in_name = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
        let name = &rest.as_bytes()[name_at..end];
        if name.is_empty() || !name.iter().all(in_name) {
            return Err(invalid(self.source.since(&start)));
        }
        self.begin_group()
    }

    fn open_with_flags(&mut self) -> Result<(), PatternError> {
        let start = self.source;
        self.source.skip(2);
        let mut flags = self.flags;
        let (mut on, mut complete) = (true, true);
        while let Some(character) = self.source.next() {
            let flag = match character {
                'i' => Flags::FOLD,
                'm' => Flags::LINES,
                's' => Flags::DOT_NEWLINE,
                'U' => Flags::LAZY,
                '-' if on => {
                    // A sign needs a flag behind it.
                    (on, complete) = (false, false);
                    continue;
                }
                ':' if complete => {
                    self.begin_group()?;
                    self.set_flags(flags);
                    return Ok(());
                }
                ')' if complete => {
                    self.set_flags(flags);
                    return Ok(());
                }
                _ => break,
            };
            flags = flags.with(flag, on);
            complete = true;
        }
        let part = self.source.since(&start);
        Err(PatternError::new(
            "invalid or unsupported Perl syntax",
            part,
        ))
    }

    fn set_flags(&mut self, flags: Flags) {
        let fold = flags.has(Flags::FOLD);
        if fold != self.flags.has(Flags::FOLD) {
            self.group
                .text
                .push_str(if fold { "(?i)" } else { "(?-i)" });
        }
        self.flags = flags;
    }

    fn begin_group(&mut self) -> Result<(), PatternError> {
        let outer = std::mem::replace(&mut self.group, Group::new(self.flags));
        self.groups.push(outer);
        if self.groups.len() > MAX_DEPTH as usize {
            return Err(PatternError::new("expression nests too deeply", self.whole));
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), PatternError> {
        let Some(outer) = self.groups.pop() else {
            return Err(PatternError::new("unexpected )", self.whole));
        };
        self.source.next();
        let inner = std::mem::replace(&mut self.group, outer);
        self.flags = inner.outer;
        self.group
            .push(&format!("(?:{})", inner.text), inner.weight);
        Ok(())
    }

    /// `*`, `+` or `?`.
    fn repeat_simple(
        &mut self,
        operator: &str,
        before: Source<'p>,
        repeated: Option<Source<'p>>,
    ) -> Result<(), PatternError> {
        self.source.next();
        let weight = self.group.last.map_or(1, |last| last.weight);
        self.repeat(operator, weight, before, repeated)
    }

    /// `{n}`, `{n,}` or `{n,m}`.
    fn repeat_counted(
        &mut self,
        counts: &Counts,
        before: Source<'p>,
        repeated: Option<Source<'p>>,
    ) -> Result<(), PatternError> {
        self.source.skip(counts.length);
        let written = self.source.since(&before);
        let bad = |part| PatternError::new("invalid repeat count", part);
        let most = counts.max.unwrap_or(counts.min);
        if most < counts.min || most > MAX_REPEAT {
            return Err(bad(written));
        }
        let operand = self.group.last.map_or(1, |last| last.weight);
        let weight = if most == 0 { 1 } else { most * operand };
        self.repeat(written, weight, before, repeated)?;
        if most >= 2 && weight > MAX_REPEAT {
            return Err(bad(self.source.since(&before)));
        }
        Ok(())
    }

    /// Puts an operator behind the last operand; the source stands behind the operator.
    fn repeat(
        &mut self,
        operator: &str,
        weight: u32,
        before: Source<'p>,
        repeated: Option<Source<'p>>,
    ) -> Result<(), PatternError> {
        let mut lazy = self.flags.has(Flags::LAZY);
        if self.source.peek() == Some('?') {
            self.source.next();
            lazy = !lazy;
        }
        if let Some(first) = repeated {
            let part = self.source.since(&first);
            return Err(PatternError::new(
                "invalid nested repetition operator",
                part,
            ));
        }
        let Some(operand) = self.group.last else {
            let part = self.source.since(&before);
            return Err(PatternError::new(
                "missing argument to repetition operator",
                part,
            ));
        };
        let lazy = if lazy { "?" } else { "" };
        let (open, close) = if operand.repeated {
            ("(?:", ")")
        } else {
            ("", "")
        };
        let behind = format!("{close}{operator}{lazy}");
        self.group.text.insert_str(operand.end, &behind);
        self.group.text.insert_str(operand.start, open);
        self.group.weight = self.group.weight.max(weight);
        self.group.last = Some(Operand {
            end: operand.end + open.len() + behind.len(),
            weight,
            repeated: true,
            ..operand
        });
        self.last_repeat = Some(before);
        Ok(())
    }
}

/// A counted repetition. A number out of any range is the largest of all.
struct Counts {
    min: u32,
    /// `None` is without end.
    max: Option<u32>,
    /// How many bytes it was written in.
    length: usize,
}

impl Counts {
    /// Reads a repetition from its `{` on; `None` when it is not one, and the `{` is literal.
    fn read(text: &str) -> Option<Counts> {
        let (inside, _) = text.strip_prefix('{')?.split_once('}')?;
        let (min, max) = match inside.split_once(',') {
            Some((min, "")) => (number(min)?, None),
            Some((min, max)) => (number(min)?, Some(number(max)?)),
            None => (number(inside)?, Some(number(inside)?)),
        };
        let length = inside.len() + 2;
        Some(Counts { min, max, length })
    }
}

/// A decimal number without leading zeros.
fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let padded = text.len() > 1 && text.starts_with('0');
    (digits && !padded).then(|| text.parse().unwrap_or(u32::MAX))
}
