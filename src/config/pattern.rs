//! Name patterns: `*` and `?` within one part of a path, `**` across parts. Everything else is itself.

use std::fmt;

/// A pattern for names of scripts. Without a `/` it is held against the last part of the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    tokens: Vec<Token>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Literal(u8),
    /// `?`
    One,
    /// `*`
    Many,
    /// `**`
    Deep,
    /// `**/`: nothing, or anything that ends in a slash.
    Folders,
}

impl Pattern {
    /// Reads a pattern; only the empty one is refused.
    pub fn new(text: &str) -> Result<Pattern, String> {
        if text.is_empty() {
            return Err("expected a pattern, found an empty string".to_owned());
        }
        let mut tokens = Vec::new();
        let mut rest = text.as_bytes();
        loop {
            let (token, length) = match rest {
                [] => break,
                [b'*', b'*', b'/', ..] => (Token::Folders, 3),
                [b'*', b'*', ..] => (Token::Deep, 2),
                [b'*', ..] => (Token::Many, 1),
                [b'?', ..] => (Token::One, 1),
                [byte, ..] => (Token::Literal(*byte), 1),
            };
            tokens.push(token);
            rest = &rest[length..];
        }
        let text = text.to_owned();
        Ok(Pattern { text, tokens })
    }

    /// Whether a name, with `/` between its parts, fits.
    pub fn matches(&self, name: &str) -> bool {
        let name = if self.text.contains('/') {
            name
        } else {
            name.rsplit('/').next().unwrap_or(name)
        };
        let name = name.as_bytes();
        // reached[i]: the tokens so far can stand for the first i bytes. No backtracking, so no
        // pattern is slow.
        let mut reached = vec![false; name.len() + 1];
        reached[0] = true;
        for token in &self.tokens {
            reached = token.step(name, &reached);
        }
        reached[name.len()]
    }
}

impl Token {
    fn step(self, name: &[u8], reached: &[bool]) -> Vec<bool> {
        let mut next = vec![false; reached.len()];
        if matches!(self, Token::Many | Token::Deep | Token::Folders) {
            next.copy_from_slice(reached);
        }
        let mut inside = false;
        for (at, byte) in name.iter().copied().enumerate() {
            inside |= reached[at];
            next[at + 1] |= match self {
                Token::Literal(wanted) => reached[at] && byte == wanted,
                // A character outside ASCII is several bytes: `?` takes its first, `trail` the rest.
                Token::One => (reached[at] && byte != b'/') || (next[at] && trail(byte)),
                Token::Many => next[at] && byte != b'/',
                Token::Deep => inside,
                Token::Folders => inside && byte == b'/',
            };
        }
        if self == Token::One {
            for (at, byte) in name.iter().copied().enumerate() {
                next[at] &= !trail(byte);
            }
        }
        next
    }
}

/// A byte that continues a character of UTF-8.
fn trail(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, name: &str, expected: bool) {
        let found = Pattern::new(pattern).unwrap().matches(name);
        assert_eq!(found, expected, "`{pattern}` on `{name}`");
    }

    #[test]
    fn a_star_stays_within_one_part() {
        check("container_*", "container_exit", true);
        check("container_*", "container_", true);
        check("container_*", "a_container_exit", false);
        check("a/*", "a/b", true);
        check("a/*", "a/b/c", false);
        check("*a*b", "xxaxxb", true);
        check("*a*b", "xxbxxa", false);
    }

    #[test]
    fn without_a_slash_only_the_last_part_counts() {
        check("container_*", "net/container_exit", true);
        check("container_*", "container_net/exit", false);
    }

    #[test]
    fn two_stars_cross_folders() {
        check("**/slow.txtar", "slow.txtar", true);
        check("**/slow.txtar", "a/b/slow.txtar", true);
        check("**/slow.txtar", "a/bslow.txtar", false);
        check("a/**", "a/b/c", true);
        check("a/**/z", "a/z", true);
        check("a/**/z", "a/b/c/z", true);
    }

    #[test]
    fn a_question_mark_is_one_character() {
        check("a?c", "abc", true);
        check("a?c", "aéc", true);
        check("a?c", "ac", false);
        check("a?", "aéé", false);
        check("x/a?c", "x/a/c", false);
    }

    #[test]
    fn the_empty_pattern_is_refused() {
        assert!(Pattern::new("").is_err());
    }
}
