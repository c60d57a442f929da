//! Reads a whole script without running it and tells everything that looks wrong.
//!
//! Pure. Knows no command by name: what it is told of them comes from the table that executes them. What
//! cannot be known before the script runs is taken to be right.

mod archive;
mod calls;
mod facts;
mod jobs;
mod lines;
mod marker;
mod meaning;
mod nested;
mod paths;
mod unused;
mod words;

use std::collections::BTreeSet;
use std::fmt;

use super::{Facts, Script};
use crate::model::Diagnostic;

pub use facts::{CommandFacts, Flag, Form, Outer, Role};

/// What a script may use.
#[derive(Debug, Clone)]
pub struct Vocabulary {
    /// The commands of the language.
    pub commands: Vec<CommandFacts>,
    /// Programs that are called without `exec`.
    pub programs: BTreeSet<String>,
    /// Commands that an executable carries out.
    pub externals: BTreeSet<String>,
    /// Commands of the user's.
    pub customs: BTreeSet<String>,
    /// Conditions of the user's.
    pub conditions: BTreeSet<String>,
    /// The machine on which the script would run.
    pub machine: Facts,
    /// Programs may not be called without `exec` after all.
    pub explicit_exec: bool,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// The script cannot do what it says.
    Mistake,
    /// It may be meant so.
    Note,
}

/// Something that looks wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where and what.
    pub diagnostic: Diagnostic,
    /// How bad.
    pub weight: Weight,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.weight {
            Weight::Mistake => self.diagnostic.fmt(f),
            Weight::Note => {
                let message = format!("note: {}", self.diagnostic.message);
                Diagnostic {
                    message,
                    ..self.diagnostic.clone()
                }
                .fmt(f)
            }
        }
    }
}

/// Everything that looks wrong in a script, in the order of its lines. Mistakes of its header are not
/// among them: reading it has told of those.
pub fn check(script: &Script, vocabulary: &Vocabulary) -> Vec<Finding> {
    let mut findings = Findings {
        file: &script.file,
        found: Vec::new(),
    };
    let files = archive::check(script, vocabulary, &mut findings);
    let seen = lines::check(script, vocabulary, &files, &mut findings);
    unused::check(script, &files, &seen, &mut findings);
    let mut found = findings.found;
    found.sort_by_key(|finding| (finding.diagnostic.line, finding.diagnostic.col));
    found
}

/// What has been found so far.
struct Findings<'a> {
    file: &'a str,
    found: Vec<Finding>,
}

impl Findings<'_> {
    fn tell(
        &mut self,
        weight: Weight,
        (line, col): (u32, u32),
        message: String,
        hint: Option<String>,
    ) {
        let file = self.file.to_owned();
        self.found.push(Finding {
            diagnostic: Diagnostic {
                file,
                line,
                col,
                message,
                hint,
            },
            weight,
        });
    }

    fn mistake(&mut self, place: (u32, u32), message: impl Into<String>, hint: impl Into<String>) {
        let hint = Some(hint.into()).filter(|hint| !hint.is_empty());
        self.tell(Weight::Mistake, place, message.into(), hint);
    }

    fn note(&mut self, place: (u32, u32), message: impl Into<String>, hint: impl Into<String>) {
        let hint = Some(hint.into()).filter(|hint| !hint.is_empty());
        self.tell(Weight::Note, place, message.into(), hint);
    }
}

/// A text of a script for a message.
fn shown(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let text = text.replace(words::WORK, "$WORK");
    text.replace(words::UNKNOWN, "…")
}
