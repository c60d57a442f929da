//! What stands before a command: conditions, then `!`.
//!
//! Hands the conditions out one by one, so that one behind a false one is never seen. Must not know
//! which conditions hold, nor which commands there are.

use super::txtar::trim;
use std::fmt;

/// The words of a line; what is taken off the front is gone from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The words not yet taken: in the end the command and its arguments.
    pub words: Vec<Vec<u8>>,
}

/// One condition, as it stands between the brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Whether a `!` stood before it.
    pub negated: bool,
    /// The rest, trimmed.
    pub text: Vec<u8>,
}

/// A line that stops before its command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineError {
    /// Nothing follows a condition.
    MissingCommand,
    /// Nothing follows the `!`.
    LoneNegation,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MissingCommand => "missing command after condition",
            Self::LoneNegation => "! on line by itself",
        })
    }
}

impl std::error::Error for LineError {}

impl Line {
    /// Takes the next condition, if one is next.
    pub fn next_condition(&mut self) -> Result<Option<Condition>, LineError> {
        let Some(text) = self.words.first().and_then(|word| inside(word)) else {
            return Ok(None);
        };
        // Before it is evaluated: a false condition does not excuse the line.
        if self.words.len() == 1 {
            return Err(LineError::MissingCommand);
        }
        let text = trim(text);
        let (negated, text) = match text.strip_prefix(b"!") {
            Some(text) => (true, trim(text)),
            None => (false, text),
        };
        let text = text.to_vec();
        self.words.remove(0);
        Ok(Some(Condition { negated, text }))
    }

    /// Takes the `!`, if it is next. A second one is a command, and unknown.
    pub fn negation(&mut self) -> Result<bool, LineError> {
        if self.words.first().is_none_or(|word| word != b"!") {
            return Ok(false);
        }
        if self.words.len() == 1 {
            return Err(LineError::LoneNegation);
        }
        self.words.remove(0);
        Ok(true)
    }
}

/// Whether a last word leaves a program in the background: `&` or `&name&`.
pub fn is_background(word: &[u8]) -> bool {
    match word {
        b"&" => true,
        [b'&', name @ .., b'&'] => {
            !name.is_empty() && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
        }
        _ => false,
    }
}

fn inside(word: &[u8]) -> Option<&[u8]> {
    word.strip_prefix(b"[")?.strip_suffix(b"]")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::lex;

    fn read(text: &str) -> Result<String, LineError> {
        let words = lex::words(text.as_bytes(), &|_| None).expect("words");
        let mut line = Line { words };
        let mut out = String::new();
        while let Some(condition) = line.next_condition()? {
            out.push_str(if condition.negated { "not <" } else { "<" });
            out.push_str(&String::from_utf8_lossy(&condition.text));
            out.push_str("> ");
        }
        if line.negation()? {
            out += "! ";
        }
        let words: Vec<_> = line
            .words
            .iter()
            .map(|word| String::from_utf8_lossy(word))
            .collect();
        Ok(out + &words.join("|"))
    }

    #[track_caller]
    fn check(text: &str, wanted: &str) {
        assert_eq!(read(text).as_deref(), Ok(wanted), "{text}");
    }

    #[test]
    fn conditions_come_before_the_negation_and_that_before_the_command() {
        check("exec a", "exec|a");
        check("[linux] exec a", "<linux> exec|a");
        check("[a] [!b] ! exec a", "<a> not <b> ! exec|a");
        check("! [a] exec", "! [a]|exec");
        check("! ! exec", "! !|exec");
        check("", "");
    }

    #[test]
    fn brackets_are_a_condition_only_around_one_word() {
        check("[ a ] exec", "[|a|]|exec");
        check("'[ ! a ]' exec", "not <a> exec");
        check("[a][b] exec", "<a][b> exec");
        check("[!!x] exec", "not <!x> exec");
        check("[] exec", "<> exec");
        check("[!] exec", "not <> exec");
        check("[", "[");
    }

    #[test]
    fn quoted_words_are_syntax_too() {
        check("'!' exec false", "! exec|false");
        check("'[linux]' exec true", "<linux> exec|true");
    }

    #[test]
    fn a_line_without_its_command_is_refused() {
        for (text, wanted) in [
            ("[a]", "missing command after condition"),
            ("[a] [b]", "missing command after condition"),
            ("!", "! on line by itself"),
            ("[a] !", "! on line by itself"),
        ] {
            let error = read(text).expect_err(text);
            assert_eq!(error.to_string(), wanted, "{text}");
        }
    }
}
