//! Text to [`Script`]: the archive, the line grammar, conditions, directives, patterns, differences.
//!
//! Pure: bytes in, values out. Knows no clock, file, environment or process, and nothing of running a
//! script. Scripts are bytes, not text; only what people see is turned into text.

pub mod condition;
pub mod diff;
pub mod duration;
mod expand;
pub mod go_regex;
pub mod go_text;
mod guess;
mod header;
mod lex;
mod line;
pub mod path;
pub mod suggest;
pub mod txtar;

pub use expand::{Variables, expand};
pub use guess::drives_engine;
pub use header::Header;
pub use lex::{Stretch, Unterminated, Word, split};
pub use line::{Command, Guard, Incomplete, Line};

use crate::model::Diagnostic;
use txtar::Archive;

/// Which language a script is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// Go's testscript and our additions.
    #[default]
    Shakedown,
    /// Go's testscript, nothing else.
    Testscript,
}

/// A script, parsed as far as it can be without running it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The file as it was given; it stands in every message.
    pub file: String,
    /// The archive; its comment is the script's text.
    pub archive: Archive,
    /// The language.
    pub dialect: Dialect,
    /// The directives.
    pub header: Header,
}

impl Script {
    /// Parses any bytes. Lines are not looked at, apart from the directives before the first command,
    /// so the only mistakes found are theirs.
    pub fn parse(file: &str, bytes: &[u8], dialect: Dialect) -> (Script, Vec<Diagnostic>) {
        let archive = Archive::parse(bytes);
        let (header, diagnostics) = match dialect {
            Dialect::Shakedown => Header::parse(file, &archive.comment),
            Dialect::Testscript => (Header::default(), Vec::new()),
        };
        let script = Script {
            file: file.to_owned(),
            archive,
            dialect,
            header,
        };
        (script, diagnostics)
    }

    /// The lines of the script with their numbers, from 1.
    pub fn lines(&self) -> impl Iterator<Item = (u32, &[u8])> {
        let text = self.archive.comment.as_slice();
        let lines = text.split_inclusive(|b| *b == b'\n');
        (1..).zip(lines.map(|line| line.strip_suffix(b"\n").unwrap_or(line)))
    }

    /// The first line that runs `docker`, `podman` or `$ENGINE`, as far as the text tells.
    pub fn drives_engine(&self) -> Option<u32> {
        drives_engine(&self.archive.comment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"#: cpu = 2\nexec true\n-- a --\n";

    #[test]
    fn directives_belong_to_our_dialect_only() {
        let (_, diagnostics) = Script::parse("x", TEXT, Dialect::Shakedown);
        assert_eq!(diagnostics.len(), 1);
        let (script, diagnostics) = Script::parse("x", TEXT, Dialect::Testscript);
        assert_eq!(diagnostics, []);
        assert_eq!(script.header, Header::default());
    }

    #[test]
    fn lines_are_numbered_from_one() {
        let (script, _) = Script::parse("x", b"a\n\nb", Dialect::Shakedown);
        let lines: Vec<_> = script.lines().collect();
        assert_eq!(lines, [(1, b"a".as_slice()), (2, b""), (3, b"b")]);
    }
}
