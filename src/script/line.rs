//! The prefixes of a line as data: conditions in order, then `!`, then the command. What is wrong
//! with the command counts only once every condition before it held, so it is data too.

use super::txtar::trim;

/// A line's words, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// To be evaluated from left to right; the first that does not hold ends the line.
    pub conditions: Vec<Guard>,
    /// What to do when all of them hold.
    pub command: Result<Command, Incomplete>,
}

/// One `[condition]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// Written with a `!`: the condition must not hold.
    pub negated: bool,
    /// The condition without brackets, blanks and `!`.
    pub condition: Vec<u8>,
}

/// A command with its expectation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Written with a `!`.
    pub negated: bool,
    /// The command's name.
    pub name: Vec<u8>,
    /// Its words.
    pub arguments: Vec<Vec<u8>>,
}

/// A line that ends before its command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    /// `[condition]`, then nothing.
    #[error("missing command after condition")]
    NothingAfterCondition,
    /// `!`, then nothing.
    #[error("! on line by itself")]
    NothingAfterBang,
}

impl Line {
    /// Takes the expanded words of a line apart; `None` when there are none.
    pub fn new(words: Vec<Vec<u8>>) -> Option<Line> {
        let mut words = words.into_iter().peekable();
        words.peek()?;
        let mut conditions = Vec::new();
        loop {
            let word = words.next()?;
            let Some(guard) = Guard::new(&word) else {
                let command = Command::new(word, words);
                return Some(Line {
                    conditions,
                    command,
                });
            };
            // Go looks for the next word before it evaluates the condition.
            if words.peek().is_none() {
                let command = Err(Incomplete::NothingAfterCondition);
                return Some(Line {
                    conditions,
                    command,
                });
            }
            conditions.push(guard);
        }
    }
}

impl Guard {
    fn new(word: &[u8]) -> Option<Guard> {
        let inside = trim(word.strip_prefix(b"[")?.strip_suffix(b"]")?);
        let (negated, condition) = match inside.strip_prefix(b"!") {
            Some(rest) => (true, trim(rest)),
            None => (false, inside),
        };
        Some(Guard {
            negated,
            condition: condition.to_vec(),
        })
    }
}

impl Command {
    /// Takes `!` and the command's name off; what follows are its words.
    pub fn new(
        first: Vec<u8>,
        mut rest: impl Iterator<Item = Vec<u8>>,
    ) -> Result<Command, Incomplete> {
        let negated = first == b"!";
        let name = if negated {
            rest.next().ok_or(Incomplete::NothingAfterBang)?
        } else {
            first
        };
        Ok(Command {
            negated,
            name,
            arguments: rest.collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows a line as `[guards] ! name words`, or as the guards and the error.
    #[track_caller]
    fn check(words: &[&str], expected: &str) {
        let words = words.iter().map(|word| (*word).into()).collect();
        let shown = Line::new(words).map_or_else(String::new, |line| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let guards = line.conditions.iter().map(|guard| {
                let bang = if guard.negated { "!" } else { "" };
                format!("[{bang}{}]", text(&guard.condition))
            });
            let command = match &line.command {
                Ok(command) => {
                    let bang = if command.negated {
                        vec!["!".to_owned()]
                    } else {
                        vec![]
                    };
                    let words = command.arguments.iter().map(|word| text(word));
                    let name = std::iter::once(text(&command.name));
                    bang.into_iter().chain(name).chain(words).collect()
                }
                Err(error) => vec![error.to_string()],
            };
            guards.chain(command).collect::<Vec<_>>().join(" ")
        });
        assert_eq!(shown, expected);
    }

    #[test]
    fn conditions_come_first_then_the_negation() {
        check(&[], "");
        check(&["exec", "x"], "exec x");
        check(&["[a]", "[!b]", "!", "exec", "x"], "[a] [!b] ! exec x");
        check(&["[ ! a ]", "stop"], "[!a] stop");
        check(&["!", "[a]", "x"], "! [a] x");
        check(&["!", "!", "x"], "! ! x");
    }

    #[test]
    fn odd_brackets_are_odd_conditions_or_commands() {
        check(&["[a][b]", "x"], "[a][b] x");
        check(&["[", "a", "]"], "[ a ]");
        check(&["[]", "x"], "[] x");
        check(&["[!]", "x"], "[!] x");
        check(&["[!!a]", "x"], "[!!a] x");
        check(&[""], "");
    }

    #[test]
    fn an_incomplete_line_is_an_error_only_behind_its_conditions() {
        check(&["[a]"], "missing command after condition");
        check(&["[a]", "[b]"], "[a] missing command after condition");
        check(&["!"], "! on line by itself");
        check(&["[a]", "!"], "[a] ! on line by itself");
    }
}
