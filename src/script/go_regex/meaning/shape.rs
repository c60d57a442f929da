//! The shapes of generated patterns. Knows neither how they are written nor what they mean.

use proptest::prelude::*;

/// What a pattern is made of, and of its many spellings the one to write.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    Char(char, Spelling),
    /// Text with a brace that begins no repetition.
    Brace(&'static str),
    Any,
    Class(bool, Vec<Item>),
    /// A class that a letter names.
    Letter(&'static str),
    Place(Place),
    Row(Vec<Shape>),
    Either(Vec<Shape>),
    Times(Box<Shape>, Counts),
    /// With the flags that it sets for itself, if any.
    Group(&'static str, Box<Shape>),
    /// Flags for the rest of the group.
    Flags(&'static str),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Spelling {
    Plain,
    Number,
    Octal,
    Quoted,
    Class,
}

#[derive(Debug, Clone)]
pub(super) enum Item {
    One(char),
    Range(char, char),
    Letter(&'static str),
    Named(&'static str),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    LineStart,
    LineEnd,
    Start,
    End,
    Boundary,
    NoBoundary,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Counts {
    pub(super) min: usize,
    pub(super) max: Option<usize>,
    pub(super) lazy: bool,
}

/// Letters with all their cases, then whatever is syntax somewhere. The last two fold to ASCII.
const CHARS: &[char] = &[
    'a', 'A', 'b', '_', 'k', 'K', 's', '1', 'é', 'É', ' ', '\n', '{', '}', '[', ']', '(', ')', '&',
    '~', '-', '<', '>', '^', '$', '.', '*', '+', '?', '|', '\\', ',', '"', '#', '\u{212A}', 'ſ',
];

const BRACES: &[&str] = &[
    r#"{""#, "{,2}", "{a}", "{}", "{01}", "{1,a}", "{ 1}", "]", "}",
];

const LETTERS: &[&str] = &[r"\d", r"\D", r"\s", r"\S", r"\w", r"\W"];

const NAMED: &[&str] = &[
    "[:alpha:]",
    "[:^alpha:]",
    "[:upper:]",
    "[:space:]",
    "[:^punct:]",
];

const PLACES: &[Place] = &[
    Place::LineStart,
    Place::LineEnd,
    Place::Start,
    Place::End,
    Place::Boundary,
    Place::NoBoundary,
];

const FLAGS: &[&str] = &["i", "s", "U", "U", "-m", "i-s", "-i", "-U", "-Us"];

const SPELLINGS: &[Spelling] = &[
    Spelling::Plain,
    Spelling::Plain,
    Spelling::Number,
    Spelling::Octal,
    Spelling::Quoted,
    Spelling::Class,
];

pub(super) fn any_of<T: Clone + std::fmt::Debug + 'static>(
    all: &'static [T],
) -> impl Strategy<Value = T> {
    prop::sample::select(all)
}

/// Few characters, so that patterns match.
pub(super) fn char() -> impl Strategy<Value = char> {
    prop_oneof![6 => any_of(&CHARS[..4]), 1 => any_of(CHARS)]
}

fn item() -> impl Strategy<Value = Item> {
    prop_oneof![
        4 => char().prop_map(Item::One),
        1 => (char(), char()).prop_map(|(a, b)| Item::Range(a.min(b), a.max(b))),
        1 => any_of(LETTERS).prop_map(Item::Letter),
        1 => any_of(NAMED).prop_map(Item::Named),
    ]
}

fn counts() -> impl Strategy<Value = Counts> {
    let bounds = prop_oneof![
        Just((0, None)),
        Just((1, None)),
        Just((0, Some(1))),
        Just((2, None)),
        Just((0, Some(0))),
        Just((1, Some(2))),
        Just((2, Some(2))),
    ];
    (bounds, any::<bool>()).prop_map(|((min, max), lazy)| Counts { min, max, lazy })
}

pub(super) fn shape() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        8 => (char(), any_of(SPELLINGS)).prop_map(|(char, how)| Shape::Char(char, how)),
        1 => any_of(BRACES).prop_map(Shape::Brace),
        1 => Just(Shape::Any),
        2 => (any::<bool>(), prop::collection::vec(item(), 1..4))
            .prop_map(|(negated, items)| Shape::Class(negated, items)),
        1 => any_of(LETTERS).prop_map(Shape::Letter),
        1 => any_of(PLACES).prop_map(Shape::Place),
        1 => any_of(FLAGS).prop_map(Shape::Flags),
    ];
    let tree = leaf.prop_recursive(4, 24, 3, |inner| {
        let flags = prop_oneof![Just("("), Just("?"), any_of(FLAGS)];
        prop_oneof![
            4 => prop::collection::vec(inner.clone(), 0..4).prop_map(Shape::Row),
            2 => prop::collection::vec(inner.clone(), 2..4).prop_map(Shape::Either),
            6 => (inner.clone(), counts()).prop_map(|(one, counts)| Shape::Times(one.into(), counts)),
            3 => (flags, inner).prop_map(|(flags, one)| Shape::Group(flags, one.into())),
        ]
    });
    prop::collection::vec(tree, 1..5).prop_map(Shape::Row)
}
