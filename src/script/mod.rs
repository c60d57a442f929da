//! The script language: bytes in, words and facts out.
//!
//! Pure: knows no clock, file, environment or process, and no room but `model`. What a command does
//! is the interpreter's; here is only how a script is written. Bytes throughout: a script need not
//! be UTF-8. Lines are taken apart one by one as they are reached, since what follows a `stop` may
//! be malformed; only the header is read beforehand.

pub mod check;
pub mod condition;
pub mod diff;
pub mod expand;
pub mod go_regex;
mod guess;
mod header;
pub mod lex;
mod line;
mod suggest;
pub mod txtar;
pub mod value;

use crate::model::Diagnostic;
pub use crate::model::Dialect;

pub use condition::{Addition, ConditionFacts, Facts, Standard, conditions};
pub use expand::expand;
pub use guess::drives_engine;
pub use header::{At, Header};
pub use lex::{UnterminatedQuote, is_phase, words};
pub use line::{Condition, Line, LineError, is_background};
pub use suggest::{did_you_mean, suggest};
pub use txtar::Archive;

/// A script as it was read, before any of its lines is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The file as the user named it.
    pub file: String,
    /// Its lines and its files.
    pub archive: Archive,
    /// What it asks for itself.
    pub header: Header,
    /// Its language.
    pub dialect: Dialect,
}

impl Script {
    /// Reads a script; mistakes of its header are handed back, and the rest of it stands.
    /// Testscript has no header: there, such lines are comments.
    pub fn parse(file: &str, bytes: &[u8], dialect: Dialect) -> (Self, Vec<Diagnostic>) {
        let archive = txtar::parse(bytes);
        let (header, mistakes) = match dialect {
            Dialect::Shakedown => header::read(file, &archive.comment),
            Dialect::Testscript => (Header::default(), Vec::new()),
        };
        let file = file.to_owned();
        (
            Self {
                file,
                archive,
                header,
                dialect,
            },
            mistakes,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_read_in_our_dialect_alone() {
        let text = b"#: cpus = 2\n#: colour = 1\nexec true\n-- a --\n#: cpus = 0\n";
        let (script, mistakes) = Script::parse("a.txtar", text, Dialect::Shakedown);
        assert_eq!(script.header.cpus, Some(At { value: 2, line: 1 }));
        assert_eq!(script.archive.files.len(), 1);
        assert_eq!(mistakes.len(), 1);
        let (script, mistakes) = Script::parse("a.txtar", text, Dialect::Testscript);
        assert_eq!((script.header, mistakes.len()), (Header::default(), 0));
    }
}
