//! Properties of the translation: generated patterns, written in Go's syntax in one of many ways, mean what they were
//! generated to mean. The oracle is a matcher that tries everything; it knows no syntax at all.

mod oracle;
mod shape;
mod writer;

use std::cell::Cell;

use proptest::prelude::*;
use regex::bytes::Regex;

use super::{compile, count, find};
use oracle::{Oracle, bytes};
use shape::{any_of, char, shape};
use writer::{Set, Writer};

/// Pieces of patterns that both syntaxes read alike.
const COMMON: &[&str] = &[
    "a", "b", "é", ".", "*", "+", "?", "*?", "|", "(", "(?:", ")", "^", "$", "[ab]", "[^a]", "{2}",
    "{1,3}", "{2,}", r"\A", r"\z", "(?i)", "(?s:", r"\n", r"\.", "[a-c]", "A",
];

proptest! {
    #[test]
    fn a_pattern_means_what_it_was_made_to_mean(
        shape in shape(),
        texts in prop::collection::vec(prop::collection::vec(char(), 0..7), 24),
    ) {
        let set = Set { fold: false, lines: true, dot_newline: false, ungreedy: false };
        let mut writer = Writer { out: String::new(), set };
        let meaning = writer.write(&shape);
        let pattern = writer.out;
        let regex = compile(pattern.as_bytes());
        let regex = regex.map_err(|error| TestCaseError::fail(format!("{pattern}: {error}")))?;
        for text in texts {
            let oracle = Oracle { text: &text, left: Cell::new(20_000) };
            let wanted = oracle.find(&meaning, 0).map(|span| bytes(&text, span));
            let number = oracle.count(&meaning);
            if oracle.left.get() == 0 {
                continue;
            }
            let string: String = text.iter().collect();
            let found = find(&regex, string.as_bytes()).map(|found| (found.start, found.end));
            prop_assert_eq!(found, wanted, "{} in {:?}", &pattern, &string);
            prop_assert_eq!(count(&regex, string.as_bytes()), number, "{} in {:?}", &pattern, &string);
        }
    }

    #[test]
    fn what_both_syntaxes_accept_means_the_same(
        pieces in prop::collection::vec(any_of(COMMON), 0..8),
        text in prop::collection::vec(any_of(&['a', 'A', 'b', 'c', 'é', '\n', '.']), 0..8),
    ) {
        let pattern = pieces.concat();
        let plain = Regex::new(&format!("(?m){pattern}"));
        if let (Ok(ours), Ok(plain)) = (compile(pattern.as_bytes()), plain) {
            let text: String = text.into_iter().collect();
            let found = find(&ours, text.as_bytes());
            let wanted = plain.find(text.as_bytes()).map(|found| found.range());
            prop_assert_eq!(found, wanted, "{} in {:?}", pattern, text);
        }
    }
}
