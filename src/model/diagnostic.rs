//! What the user wrote wrong: a place, a message, perhaps a hint. Collected, then shown together.

use std::fmt;

/// One mistake in a file of the user's. `line` and `col` count from 1; 0 means the whole file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Diagnostic {
    /// The file as the user named it.
    pub file: String,
    /// Line, from 1; 0 when no line is to blame.
    pub line: u32,
    /// Column in bytes, from 1; 0 when no column is to blame.
    pub col: u32,
    /// A lowercase fragment: what was expected and what was found.
    pub message: String,
    /// What to do about it, only where something can be done.
    pub hint: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.col) {
            (0, _) => write!(f, "{}: {}", self.file, self.message)?,
            (line, 0) => write!(f, "{}:{line}: {}", self.file, self.message)?,
            (line, col) => write!(f, "{}:{line}:{col}: {}", self.file, self.message)?,
        }
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}
