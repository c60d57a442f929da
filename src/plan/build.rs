//! From scripts to the plan.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::mentions::mentioned;
use crate::config::{Origin, Pattern, Sourced};
use crate::model::{Diagnostic, Dialect, Hash, Lane, LeakRule};
use crate::script::{self, At, Script};

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
    /// Images that are pulled beforehand.
    pub images: &'a [String],
    /// Variables that every script has.
    pub environment: &'a BTreeMap<String, String>,
    /// The rule for leaks, likewise.
    pub leaks: &'a dyn Fn(Option<LeakRule>) -> LeakRule,
    /// How often it is tried again, likewise.
    pub retries: &'a dyn Fn(Option<u32>) -> u32,
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
    /// What an output that it leaves open means.
    pub leaks: LeakRule,
    /// How much of its lane's width it takes; the maximum is all of it.
    pub cpus: u32,
    /// What the header asks for by `cpus`, and in which line; `None` when something else decides.
    pub cpus_asked: Option<At<u32>>,
    /// Nothing else of the run may run beside it, in neither lane.
    pub exclusive: bool,
    /// The groups that it belongs to, each once.
    pub groups: BTreeSet<String>,
    /// Of the images that are pulled beforehand, those that it names.
    pub images: Vec<String>,
    /// How often it is tried again when it does not pass.
    pub retries: u32,
    /// Hash of the script.
    pub hash: String,
}

/// Plans one trial; mistakes of its header are collected.
pub fn build(candidate: Candidate, rules: &Rules<'_>, mistakes: &mut Vec<Diagnostic>) -> Planned {
    let Candidate { name, file, bytes } = candidate;
    let hash = Hash::of(&bytes);
    let images = mentioned(&bytes, rules.images, rules.environment);
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
    let leaks = (rules.leaks)(script.header.leak.as_ref().map(|leak| leak.value));
    let lane = lane(&name, &script, rules.container_names);
    let alone = script
        .header
        .serial
        .as_ref()
        .is_some_and(|serial| serial.value);
    let cpus_asked = script.header.cpus.filter(|_| !alone);
    let cpus = if alone {
        u32::MAX
    } else {
        cpus_asked.as_ref().map_or(1, |cpus| cpus.value)
    };
    let exclusive = script.header.exclusive.as_ref();
    let exclusive = exclusive.is_some_and(|exclusive| exclusive.value);
    let groups = script.header.groups.map(|groups| groups.value);
    let retries = (rules.retries)(script.header.retries.as_ref().map(|retries| retries.value));
    Planned {
        name,
        file,
        lane,
        deadline,
        leaks,
        cpus,
        cpus_asked,
        exclusive,
        groups: groups.unwrap_or_default(),
        images,
        retries,
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The plan of a script without mistakes, in `NAME.txtar`.
    pub(in super::super) fn planned(name: &str, script: &str) -> Planned {
        let mut mistakes = Vec::new();
        let planned = build_of(name, script, &mut mistakes);
        assert_eq!(mistakes, []);
        planned
    }

    fn build_of(name: &str, script: &str, mistakes: &mut Vec<Diagnostic>) -> Planned {
        let default = Duration::from_secs(180);
        let patterns = [Pattern::new("container_*").unwrap()];
        let rules = Rules {
            dialect: Dialect::Shakedown,
            container_names: &patterns,
            deadline: &|header| header.unwrap_or(Sourced::default_of(default)),
            leaks: &|header| header.unwrap_or(LeakRule::Warn),
            images: &[],
            environment: &BTreeMap::new(),
            retries: &|header| header.unwrap_or(0),
        };
        let candidate = Candidate {
            name: name.to_owned(),
            file: format!("{name}.txtar"),
            bytes: script.into(),
        };
        build(candidate, &rules, mistakes)
    }

    #[track_caller]
    fn check(name: &str, script: &str, expected: (Lane, u32, u64), mistakes: &[&str]) {
        let mut found = Vec::new();
        let planned = build_of(name, script, &mut found);
        assert_eq!(
            (planned.lane, planned.cpus, planned.deadline.as_secs()),
            expected
        );
        assert_eq!(
            found.iter().map(ToString::to_string).collect::<Vec<_>>(),
            mistakes
        );
    }

    #[test]
    fn the_header_decides_then_the_name_then_the_lines() {
        use Lane::{Container, Plain};
        check("a", "exec true\n", (Plain, 1, 180), &[]);
        check("a", "exec docker ps\n", (Container, 1, 180), &[]);
        check("deep/container_a", "exec true\n", (Container, 1, 180), &[]);
        check(
            "container_a",
            "#: container = false\nexec docker ps\n",
            (Plain, 1, 180),
            &[],
        );
        check(
            "a",
            "#: container = true\n#: deadline = \"5s\"\n",
            (Container, 1, 5),
            &[],
        );
        check(
            "a",
            "#: serial = true\n#: cpus = 2\n",
            (Plain, u32::MAX, 180),
            &[],
        );
        check(
            "a",
            "#: cpus = 2\n#: serial = false\n",
            (Plain, 2, 180),
            &[],
        );
    }
}
