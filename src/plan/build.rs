//! From scripts to the plan.

use std::time::Duration;

use crate::config::{Origin, Pattern, Sourced};
use crate::model::{Diagnostic, Dialect, Hash, Lane};
use crate::script::{self, Script};

/// A script that was found and selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The trial's name.
    pub name: String,
    /// The file as it is shown.
    pub file: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// What decides about a trial, apart from its script.
#[expect(missing_debug_implementations, reason = "it holds a function")]
pub struct Rules<'a> {
    /// The language.
    pub dialect: Dialect,
    /// Names of container scripts; matched against the last part of a trial's name.
    pub container_names: &'a [Pattern],
    /// The deadline by flag, environment, header, file or default.
    pub deadline: &'a dyn Fn(Option<Sourced<Duration>>) -> Sourced<Duration>,
}

/// A trial of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Its name.
    pub name: String,
    /// The script's file as it is shown.
    pub file: String,
    /// Its lane by the static guess.
    pub lane: Lane,
    /// Its deadline.
    pub deadline: Duration,
    /// Hash of the script.
    pub hash: String,
}

/// Plans one trial; mistakes of its header are collected.
pub fn build(candidate: Candidate, rules: &Rules<'_>, mistakes: &mut Vec<Diagnostic>) -> Planned {
    let Candidate { name, file, bytes } = candidate;
    let hash = Hash::of(&bytes);
    let (script, found) = Script::parse(&file, &bytes, rules.dialect);
    mistakes.extend(found);
    let header = script.header.deadline.as_ref().map(|deadline| Sourced {
        value: deadline.value,
        origin: Origin::Header {
            file: file.clone(),
            line: deadline.line,
        },
    });
    let deadline = (rules.deadline)(header).value;
    let lane = lane(&name, &script, rules.container_names);
    Planned {
        name,
        file,
        lane,
        deadline,
        hash,
    }
}

/// The header decides, then the name, then what the lines run.
fn lane(name: &str, script: &Script, container_names: &[Pattern]) -> Lane {
    let last = name.rsplit('/').next().unwrap_or(name);
    let by_name = || container_names.iter().any(|pattern| pattern.matches(last));
    let container = match &script.header.container {
        Some(container) => container.value,
        None => by_name() || script::drives_engine(script).is_some(),
    };
    if container {
        Lane::Container
    } else {
        Lane::Plain
    }
}
