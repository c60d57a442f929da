//! How a shape is written, and what it then means. Knows nothing of matching.

use super::shape::{Counts, Item, Place, Shape, Spelling};

pub(super) type Test = Box<dyn Fn(char) -> bool>;

pub(super) enum Meaning {
    One(Test),
    Place(Place, bool),
    Row(Vec<Meaning>),
    Either(Vec<Meaning>),
    Times(Box<Meaning>, Counts),
}

impl Meaning {
    fn may_be_empty(&self) -> bool {
        match self {
            Meaning::One(_) => false,
            Meaning::Place(..) => true,
            Meaning::Row(all) => all.iter().all(Meaning::may_be_empty),
            Meaning::Either(all) => all.iter().any(Meaning::may_be_empty),
            Meaning::Times(one, counts) => counts.min == 0 || one.may_be_empty(),
        }
    }
}

/// The flags where the writer stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Set {
    pub(super) fold: bool,
    pub(super) lines: bool,
    pub(super) dot_newline: bool,
    pub(super) ungreedy: bool,
}

impl Set {
    fn change(&mut self, flags: &str) {
        let mut on = true;
        for flag in flags.chars() {
            match flag {
                '-' => on = false,
                'i' => self.fold = on,
                'm' => self.lines = on,
                's' => self.dot_newline = on,
                _ => self.ungreedy = on,
            }
        }
    }
}

pub(super) struct Writer {
    pub(super) out: String,
    pub(super) set: Set,
}

impl Writer {
    pub(super) fn write(&mut self, shape: &Shape) -> Meaning {
        match shape {
            Shape::Char(char, how) => self.char(*char, *how),
            Shape::Brace(text) => {
                self.out.push_str(text);
                Meaning::Row(text.chars().map(|char| self.is(char)).collect())
            }
            Shape::Any => {
                self.out.push('.');
                let newline = self.set.dot_newline;
                Meaning::One(Box::new(move |found| newline || found != '\n'))
            }
            Shape::Class(negated, items) => self.class(*negated, items),
            Shape::Letter(name) => {
                self.out.push_str(name);
                Meaning::One(named(name, self.set.fold))
            }
            Shape::Place(place) => {
                self.out.push_str(match place {
                    Place::LineStart => "^",
                    Place::LineEnd => "$",
                    Place::Start => r"\A",
                    Place::End => r"\z",
                    Place::Boundary => r"\b",
                    Place::NoBoundary => r"\B",
                });
                Meaning::Place(*place, self.set.lines)
            }
            Shape::Row(all) => {
                // A bar in a row needs a group around it.
                let all = all.iter().map(|one| match one {
                    Shape::Either(_) => self.group("?", one),
                    one => self.write(one),
                });
                Meaning::Row(all.collect())
            }
            Shape::Either(all) => {
                let mut meanings = Vec::new();
                for (at, one) in all.iter().enumerate() {
                    self.out.push_str(if at > 0 { "|" } else { "" });
                    meanings.push(self.write(one));
                }
                Meaning::Either(meanings)
            }
            Shape::Times(one, counts) => self.times(one, *counts),
            Shape::Group(flags, one) => self.group(flags, one),
            Shape::Flags(flags) => {
                self.set.change(flags);
                self.out.push_str(&format!("(?{flags})"));
                Meaning::Row(Vec::new())
            }
        }
    }

    fn group(&mut self, flags: &str, one: &Shape) -> Meaning {
        let before = self.set;
        match flags {
            "(" => self.out.push('('),
            "?" => self.out.push_str("(?:"),
            flags => {
                self.set.change(flags);
                self.out.push_str(&format!("(?{flags}:"));
            }
        }
        let meaning = self.write(one);
        self.out.push(')');
        self.set = before;
        meaning
    }

    fn times(&mut self, one: &Shape, mut counts: Counts) -> Meaning {
        let meaning = match one {
            Shape::Char(..)
            | Shape::Any
            | Shape::Class(..)
            | Shape::Letter(_)
            | Shape::Place(_) => self.write(one),
            other => self.group("?", other),
        };
        // Which empty rounds an endless loop takes is the engines' business, and not the translation's.
        if meaning.may_be_empty() {
            counts.max = counts.max.or(Some(counts.min + 1));
        }
        self.out.push_str(&match (counts.min, counts.max) {
            (0, None) => "*".to_owned(),
            (1, None) => "+".to_owned(),
            (0, Some(1)) => "?".to_owned(),
            (min, None) => format!("{{{min},}}"),
            (min, Some(max)) if min == max => format!("{{{min}}}"),
            (min, Some(max)) => format!("{{{min},{max}}}"),
        });
        if counts.lazy != self.set.ungreedy {
            self.out.push('?');
        }
        Meaning::Times(meaning.into(), counts)
    }

    fn is(&self, char: char) -> Meaning {
        let fold = self.set.fold;
        Meaning::One(Box::new(move |found| {
            found == char || (fold && cases(found).contains(&char))
        }))
    }

    fn char(&mut self, char: char, how: Spelling) -> Meaning {
        let number = u32::from(char);
        let is_syntax = r"\.+*?()|[]{}^$".contains(char);
        self.out.push_str(&match how {
            Spelling::Plain if is_syntax => format!(r"\{char}"),
            Spelling::Octal if number < 0o400 => format!(r"\{number:03o}"),
            Spelling::Quoted if char != '\\' => format!(r"\Q{char}\E"),
            Spelling::Class if !r"\^".contains(char) => format!("[{char}]"),
            Spelling::Plain => char.to_string(),
            _ => format!(r"\x{{{number:x}}}"),
        });
        self.is(char)
    }

    fn class(&mut self, negated: bool, items: &[Item]) -> Meaning {
        self.out.push_str(if negated { "[^" } else { "[" });
        let mut tests: Vec<Test> = Vec::new();
        for (at, item) in items.iter().enumerate() {
            match item {
                Item::One(char) => {
                    let is_plain = match char {
                        '\\' => false,
                        // In the first place these are plain, but for a hat that would negate.
                        ']' | '-' => at == 0,
                        '^' => at > 0 || negated,
                        _ => true,
                    };
                    self.out.push_str(if is_plain { "" } else { r"\" });
                    self.out.push(*char);
                    let char = *char;
                    tests.push(Box::new(move |found| found == char));
                }
                Item::Range(low, high) => {
                    let (from, to) = (u32::from(*low), u32::from(*high));
                    self.out.push_str(&format!(r"\x{{{from:x}}}-\x{{{to:X}}}"));
                    let range = *low..=*high;
                    tests.push(Box::new(move |found| range.contains(&found)));
                }
                Item::Letter(name) | Item::Named(name) => {
                    self.out.push_str(name);
                    tests.push(named(name, self.set.fold));
                }
            }
        }
        self.out.push(']');
        let fold = self.set.fold;
        Meaning::One(Box::new(move |found| {
            let is = |found| tests.iter().any(|test| test(found));
            let is = is(found) || (fold && cases(found).into_iter().any(is));
            is != negated
        }))
    }
}

/// Every character that differs from this one in its case alone.
fn cases(char: char) -> Vec<char> {
    let row = ["kK\u{212A}", "sSſ", "éÉ"]
        .into_iter()
        .find(|row| row.contains(char));
    match row {
        Some(row) => row.chars().collect(),
        None => vec![char.to_ascii_lowercase(), char.to_ascii_uppercase()],
    }
}

/// A class with a name. What is negated by name is negated with all its cases.
fn named(name: &str, fold: bool) -> Test {
    let (negated, test): (bool, fn(char) -> bool) = match name {
        r"\d" => (false, |found| found.is_ascii_digit()),
        r"\D" => (true, |found| found.is_ascii_digit()),
        r"\s" => (false, |found| "\t\n\u{c}\r ".contains(found)),
        r"\S" => (true, |found| "\t\n\u{c}\r ".contains(found)),
        r"\w" => (false, is_word),
        r"\W" => (true, is_word),
        "[:alpha:]" => (false, |found| found.is_ascii_alphabetic()),
        "[:^alpha:]" => (true, |found| found.is_ascii_alphabetic()),
        "[:upper:]" => (false, |found| found.is_ascii_uppercase()),
        "[:space:]" => (false, |found| "\t\n\u{b}\u{c}\r ".contains(found)),
        _ => (true, |found| found.is_ascii_punctuation()),
    };
    Box::new(move |found| {
        let is = test(found) || (fold && cases(found).into_iter().any(test));
        is != negated
    })
}

pub(super) fn is_word(found: char) -> bool {
    found == '_' || found.is_ascii_alphanumeric()
}
