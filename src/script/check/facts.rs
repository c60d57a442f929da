//! What is known of a command before it runs: its name, its words, what they mean. The interpreter makes
//! these values from the table that it executes.

use crate::script::value::Value;

/// A command of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandFacts {
    /// Its name.
    pub name: &'static str,
    /// How it is called.
    pub usage: &'static str,
    /// Whether `!` may stand before it.
    pub negatable: bool,
    /// Whether testscript knows nothing of it.
    pub addition: bool,
    /// Its words.
    pub form: Form,
}

/// The words that a command takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// What may come once, and is not counted.
    pub option: Option<Flag>,
    /// It runs a program: a last word `&` or `&name&` is not counted.
    pub program: bool,
    /// No line after it is reached.
    pub ends: bool,
    /// Its words, after any flags, are another command.
    pub outer: Option<Outer>,
    /// The fewest words.
    pub least: usize,
    /// The most; `None` when there is no limit.
    pub most: Option<usize>,
    /// What the words mean, in their order. The last meaning goes for all that follow.
    pub roles: &'static [Role],
}

/// What a command does with another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outer {
    /// Tries it again and again. These flags may come first, each with a duration.
    Tries(&'static [&'static str]),
    /// Keeps it for the end of the script.
    Keeps,
}

/// A word that changes what a command does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    /// This word.
    Whole(&'static str),
    /// A word that begins so.
    Beginning(&'static str),
    /// This word, before the others or after them.
    Around(&'static str),
}

impl Flag {
    /// Whether the word is this flag.
    pub fn is(self, word: &[u8]) -> bool {
        match self {
            Flag::Whole(flag) | Flag::Around(flag) => word == flag.as_bytes(),
            Flag::Beginning(flag) => word.starts_with(flag.as_bytes()),
        }
    }

    /// Whether it may also come last.
    pub fn trails(self) -> bool {
        matches!(self, Flag::Around(_))
    }
}

/// What a word means to its command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A pattern in Go's syntax.
    Pattern,
    /// A file or an output that is only looked at.
    Read,
    /// A file that must be there: what something is compared with.
    Wanted,
    /// The directory in which the next lines are.
    Enters,
    /// Exactly this word.
    Literal(&'static str),
    /// A value of this kind.
    Value(Value),
    /// The name of a program in the background.
    Job,
    /// The same, and it is not there any more. Without a word, none of them is.
    Awaited,
    /// Anything else.
    Other,
}

impl Form {
    /// So many words and no option, of these meanings.
    pub const fn words(least: usize, most: Option<usize>, roles: &'static [Role]) -> Form {
        Form {
            option: None,
            program: false,
            ends: false,
            outer: None,
            least,
            most,
            roles,
        }
    }

    /// The same, with a flag beside them.
    #[must_use]
    pub const fn after(self, option: Flag) -> Form {
        Form {
            option: Some(option),
            ..self
        }
    }

    /// The same, of a command that runs a program.
    #[must_use]
    pub const fn of_a_program(self) -> Form {
        Form {
            program: true,
            ..self
        }
    }

    /// The same, of a command that ends the script.
    #[must_use]
    pub const fn at_the_end(self) -> Form {
        Form { ends: true, ..self }
    }

    /// The same, of a command that takes another.
    #[must_use]
    pub const fn around(self, outer: Outer) -> Form {
        Form {
            outer: Some(outer),
            ..self
        }
    }

    /// Whether the command takes so many words.
    pub fn takes(&self, words: usize) -> bool {
        words >= self.least && self.most.is_none_or(|most| words <= most)
    }

    /// What the word at this place means.
    pub fn role(&self, at: usize) -> Role {
        let role = self.roles.get(at).or(self.roles.last());
        role.copied().unwrap_or(Role::Other)
    }

    /// Whether the command makes nothing and changes nothing.
    pub fn only_looks(&self) -> bool {
        let looks = |role: &Role| {
            matches!(
                role,
                Role::Pattern | Role::Read | Role::Wanted | Role::Enters
            )
        };
        !self.roles.is_empty() && self.roles.iter().all(looks)
    }
}
