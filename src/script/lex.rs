//! One line of a script into words: quotes, comments, expansion.
//!
//! Must not know what a word means; each line is split only when it is reached.

use super::expand::expand;
use std::fmt;

/// A quote that the end of the line cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnterminatedQuote {
    /// Where it begins, in bytes from the line's start.
    pub start: usize,
}

impl fmt::Display for UnterminatedQuote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unterminated quoted argument")
    }
}

impl std::error::Error for UnterminatedQuote {}

/// Whether the line starts a phase. A `#` after blanks is only a comment.
pub fn is_phase(line: &[u8]) -> bool {
    line.starts_with(b"#")
}

/// A word as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written<'a> {
    /// Where it begins, in bytes from the line's start.
    pub start: usize,
    /// Its quoted and unquoted stretches, which join to one word.
    pub stretches: Vec<Stretch<'a>>,
}

/// A part of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stretch<'a> {
    /// Outside quotes: variables in it are expanded, for each stretch on its own.
    Bare(&'a [u8]),
    /// Inside quotes, without them.
    Quoted(Vec<u8>),
}

impl Written<'_> {
    /// The word with the values of its variables.
    pub fn expanded(&self, lookup: &dyn Fn(&[u8]) -> Option<Vec<u8>>) -> Vec<u8> {
        let mut word = Vec::new();
        for stretch in &self.stretches {
            match stretch {
                Stretch::Bare(text) => word.extend(expand(text, lookup)),
                Stretch::Quoted(text) => word.extend(text),
            }
        }
        word
    }
}

/// Splits a line into words and expands what is outside quotes.
pub fn words(
    line: &[u8],
    lookup: &dyn Fn(&[u8]) -> Option<Vec<u8>>,
) -> Result<Vec<Vec<u8>>, UnterminatedQuote> {
    let written = written(line)?;
    Ok(written.iter().map(|word| word.expanded(lookup)).collect())
}

/// Splits a line into words, and expands nothing.
pub fn written(line: &[u8]) -> Result<Vec<Written<'_>>, UnterminatedQuote> {
    let mut words = Vec::new();
    // An empty word differs from no word: `''` is an argument.
    let mut word: Option<Written<'_>> = None;
    let mut rest = line;
    while let [byte, after @ ..] = rest {
        let start = line.len() - rest.len();
        let stretch = match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {
                words.extend(word.take());
                rest = after;
                continue;
            }
            b'#' => break,
            b'\'' => {
                let text;
                (text, rest) = quoted(after).ok_or(UnterminatedQuote {
                    start: line.len() - rest.len(),
                })?;
                Stretch::Quoted(text)
            }
            _ => {
                let width = rest.iter().position(|byte| ends_bare(*byte));
                let text;
                (text, rest) = rest.split_at(width.unwrap_or(rest.len()));
                Stretch::Bare(text)
            }
        };
        let stretches = Vec::new();
        let word = word.get_or_insert(Written { start, stretches });
        word.stretches.push(stretch);
    }
    words.extend(word);
    Ok(words)
}

/// Where an unquoted stretch ends. Each stretch is expanded on its own.
fn ends_bare(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'#' | b'\'')
}

/// Takes a quoted stretch; answers its text and what follows its closing quote.
fn quoted(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut text = Vec::new();
    loop {
        match rest {
            [] => return None,
            [b'\'', b'\'', after @ ..] => {
                text.push(b'\'');
                rest = after;
            }
            [b'\'', after @ ..] => return Some((text, after)),
            [byte, after @ ..] => {
                text.push(*byte);
                rest = after;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lookup(name: &[u8]) -> Option<Vec<u8>> {
        match name {
            b"X" => Some(b"a b # '".to_vec()),
            b"NOT" => Some(b"!".to_vec()),
            _ => None,
        }
    }

    #[track_caller]
    fn check(line: &str, wanted: &[&str]) {
        let found = words(line.as_bytes(), &lookup).expect(line);
        let found: Vec<_> = found
            .iter()
            .map(|word| String::from_utf8_lossy(word))
            .collect();
        assert_eq!(found, wanted, "{line}");
    }

    #[test]
    fn blanks_separate_words() {
        check("", &[]);
        check("  \t\r ", &[]);
        check("exec  a\tb\r", &["exec", "a", "b"]);
        check("a\u{a0}b", &["a\u{a0}b"]);
    }

    #[test]
    fn a_hash_ends_the_line_even_inside_a_word() {
        check("echo a#b c", &["echo", "a"]);
        check("  # only a comment", &[]);
        check("a '#' b", &["a", "#", "b"]);
        check("a # it's", &["a"]);
    }

    #[test]
    fn quotes_are_literal_and_join() {
        check("'a  $X'", &["a  $X"]);
        check("a'b c'$UNSET'd'", &["ab cd"]);
        check("''", &[""]);
        check("a '' b", &["a", "", "b"]);
        check("'it''s'", &["it's"]);
        check("''''", &["'"]);
        check("'!' exec", &["!", "exec"]);
        check(r#"a\ "b c" *"#, &[r"a\", "\"b", "c\"", "*"]);
    }

    #[test]
    fn values_are_not_split_again_and_empty_ones_stay() {
        check("echo $X", &["echo", "a b # '"]);
        check("exec echo $UNSET", &["exec", "echo", ""]);
        check("$NOT exec", &["!", "exec"]);
        check("$'X'", &["$X"]);
    }

    #[test]
    fn a_quote_must_end_on_its_line() {
        for line in ["'", "a 'b", "'''", "'a''"] {
            let error = words(line.as_bytes(), &lookup).expect_err(line);
            assert_eq!(error.to_string(), "unterminated quoted argument");
        }
    }

    #[test]
    fn the_quote_that_is_not_closed_is_found() {
        for (line, wanted) in [
            ("a 'b", Some(2)),
            ("'a' 'b", Some(4)),
            ("'a''b", Some(0)),
            ("x'it''s' 'a''", Some(9)),
            ("a 'b'", None),
            ("a # it's", None),
        ] {
            let found = written(line.as_bytes()).err().map(|quote| quote.start);
            assert_eq!(found, wanted, "{line}");
        }
    }

    #[test]
    fn words_know_where_they_begin() {
        let starts = |line: &'static str| -> Vec<usize> {
            let words = written(line.as_bytes()).expect(line);
            words.iter().map(|word| word.start).collect()
        };
        assert_eq!(starts(" exec 'a b'c '' x#y"), [1, 6, 13, 16]);
    }

    #[test]
    fn only_a_hash_in_the_first_byte_is_a_phase() {
        assert!(is_phase(b"# build"));
        assert!(!is_phase(b" # build"));
        assert!(!is_phase(b""));
    }

    proptest! {
        #[test]
        fn a_quoted_word_is_read_as_itself(text in "[^\n]*") {
            let line = format!("'{}'", text.replace('\'', "''"));
            prop_assert_eq!(words(line.as_bytes(), &lookup), Ok(vec![text.into_bytes()]));
        }

        #[test]
        fn words_that_are_quoted_throughout_are_read_as_themselves(
            all in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..6), 0..6),
            blank in "[ \t\r]{1,3}",
        ) {
            let quote = |word: &Vec<u8>| {
                let doubled = word.iter().flat_map(|byte| {
                    std::iter::repeat_n(*byte, 1 + usize::from(*byte == b'\''))
                });
                let doubled: Vec<u8> = doubled.collect();
                [b"'", &*doubled, b"'"].concat()
            };
            let line = all.iter().map(quote).collect::<Vec<_>>().join(blank.as_bytes());
            prop_assert_eq!(words(&line, &lookup), Ok(all));
        }

        #[test]
        fn stretches_join_whether_quoted_or_not(pieces in prop::collection::vec(("[a-z$]{1,3}", any::<bool>()), 1..6)) {
            let (mut line, mut word, mut last) = (String::new(), Vec::new(), false);
            for (text, quoted) in pieces {
                // Two stretches of one kind would be one, or a doubled quote.
                let quoted = quoted && !last;
                last = quoted;
                let written = if quoted { format!("'{text}'") } else { text.replace('$', "$$") };
                line.push_str(&written);
                word.extend(text.into_bytes());
            }
            let dollar = |name: &[u8]| (name == b"$").then(|| b"$".to_vec());
            prop_assert_eq!(words(line.as_bytes(), &dollar), Ok(vec![word]));
        }

        #[test]
        fn any_line_is_answered(line: Vec<u8>) {
            drop(words(&line, &lookup));
        }
    }
}
