//! What an entry of `[programs]` or `[commands]` leads to, and where it stands. Whether anything is there, it does
//! not know.

use crate::model::Diagnostic;

/// An executable that harness.toml names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct External {
    /// Its path, as written: relative to the file's folder.
    pub path: String,
    /// The file that names it, as the user knows it.
    pub file: String,
    /// The line there, from 1.
    pub line: u32,
    /// The column there, in bytes, from 1.
    pub col: u32,
}

impl External {
    /// A mistake in the entry.
    pub fn wrong(&self, message: String, hint: Option<String>) -> Diagnostic {
        Diagnostic {
            file: self.file.clone(),
            line: self.line,
            col: self.col,
            message,
            hint,
        }
    }
}
