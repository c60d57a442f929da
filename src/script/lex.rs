//! A line to words: blanks separate, `'` quotes, `#` ends the line. One line at a time, because text
//! that is never reached may be malformed. Splitting and expanding are two steps, so that a line can
//! also be looked at without an environment.

use super::expand::{Variables, expand_into};

/// A line whose quotes do not end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unterminated quoted argument")]
pub struct Unterminated;

/// A word as written: stretches that join without a blank between them. Not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word<'a> {
    stretches: Vec<Stretch<'a>>,
}

/// A part of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stretch<'a> {
    /// Outside quotes: variables are expanded.
    Plain(&'a [u8]),
    /// Inside quotes: literal.
    Quoted(&'a [u8]),
}

impl<'a> Word<'a> {
    /// The parts of the word.
    pub fn stretches(&self) -> &[Stretch<'a>] {
        &self.stretches
    }

    /// The word with its variables replaced. Never split again, never dropped.
    pub fn expand(&self, variables: &dyn Variables) -> Vec<u8> {
        let mut word = Vec::new();
        for stretch in &self.stretches {
            match stretch {
                Stretch::Plain(text) => expand_into(&mut word, text, variables),
                Stretch::Quoted(text) => word.extend_from_slice(text),
            }
        }
        word
    }

    /// The word without its quotes, variables as written.
    pub fn literal(&self) -> Vec<u8> {
        let text = self.stretches.iter().map(|stretch| match stretch {
            Stretch::Plain(text) | Stretch::Quoted(text) => *text,
        });
        text.collect::<Vec<_>>().concat()
    }
}

/// Splits a line into words.
pub fn split(line: &[u8]) -> Result<Vec<Word<'_>>, Unterminated> {
    let mut words = Vec::new();
    let mut word: Option<Word<'_>> = None;
    let mut rest = line;
    while let Some(first) = rest.first() {
        match first {
            b' ' | b'\t' | b'\r' => {
                words.extend(word.take());
                rest = &rest[1..];
            }
            b'#' => break,
            b'\'' => {
                let word = word.get_or_insert_with(Word::begun);
                rest = quoted(&rest[1..], &mut word.stretches)?;
            }
            _ => {
                let ends = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'#' | b'\'');
                let length = rest.iter().position(ends).unwrap_or(rest.len());
                let (text, after) = rest.split_at(length);
                let word = word.get_or_insert_with(Word::begun);
                word.stretches.push(Stretch::Plain(text));
                rest = after;
            }
        }
    }
    words.extend(word);
    Ok(words)
}

impl Word<'_> {
    fn begun() -> Self {
        Word {
            stretches: Vec::with_capacity(1),
        }
    }
}

/// Reads to the closing quote; two quotes are one literal quote. Returns what follows.
fn quoted<'a>(text: &'a [u8], stretches: &mut Vec<Stretch<'a>>) -> Result<&'a [u8], Unterminated> {
    let mut from = 0;
    let mut search = 0;
    loop {
        let end = text[search..].iter().position(|b| *b == b'\'');
        let end = search + end.ok_or(Unterminated)?;
        stretches.push(Stretch::Quoted(&text[from..end]));
        if text.get(end + 1) != Some(&b'\'') {
            return Ok(&text[end + 1..]);
        }
        // The second quote of the pair begins the next stretch.
        from = end + 1;
        search = end + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn words(line: &[u8]) -> Result<Vec<String>, Unterminated> {
        let variables: BTreeMap<Vec<u8>, Vec<u8>> = [("X", "a b"), ("Q", "it's"), ("H", "#")]
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        let text = |word: Word<'_>| word.expand(&variables).escape_ascii().to_string();
        Ok(split(line)?.into_iter().map(text).collect())
    }

    #[track_caller]
    fn check(line: &str, expected: &[&str]) {
        assert_eq!(words(line.as_bytes()).unwrap(), expected, "{line}");
    }

    #[test]
    fn blanks_separate_and_a_hash_ends_the_line_even_in_a_word() {
        check("", &[]);
        check(" \t\r", &[]);
        check("a  b\tc\r", &["a", "b", "c"]);
        check("echo a#b", &["echo", "a"]);
        check("  # comment 'x", &[]);
        check("a\x0bb\x0c", &[r"a\x0bb\x0c"]);
    }

    #[test]
    fn quotes_join_and_double_quotes_inside_are_one() {
        check("'a b'", &["a b"]);
        check("''", &[""]);
        check("x '' y", &["x", "", "y"]);
        check("'a''b'", &[r"a\'b"]);
        check("''''", &[r"\'"]);
        check("a'b c'$X'd'", &["ab ca bd"]);
        check("'#' '$X'", &["#", "$X"]);
        check("a''b", &["ab"]);
    }

    #[test]
    fn values_are_neither_split_nor_dropped_nor_syntax() {
        check("$X $NONE end", &["a b", "", "end"]);
        check("$Q$H", &[r"it\'s#"]);
    }

    #[test]
    fn other_signs_have_no_meaning() {
        check(
            r#""a b" \ * ~ {} | > ;"#,
            &[r#"\"a"#, r#"b\""#, r"\\", "*", "~", "{}", "|", ">", ";"],
        );
    }

    #[test]
    fn a_name_does_not_reach_over_a_quote() {
        check("$X'1'", &["a b1"]);
        check("${X'}'", &["X}"]);
    }

    #[test]
    fn a_quote_must_end_on_its_line() {
        for line in ["'", "a 'b", "'a''", "x '# y"] {
            assert_eq!(words(line.as_bytes()), Err(Unterminated), "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_word_can_be_written_in_quotes(text in "[^\n]*") {
            let written = format!("'{}'", text.replace('\'', "''"));
            let split = split(written.as_bytes()).unwrap();
            prop_assert_eq!(split.len(), 1);
            prop_assert_eq!(split[0].expand(&BTreeMap::new()), text.as_bytes());
            prop_assert_eq!(split[0].literal(), text.into_bytes());
        }

        #[test]
        fn any_bytes_can_be_split(line: Vec<u8>) {
            drop(words(&line));
        }
    }
}
