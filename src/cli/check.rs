//! `shakedown check`: reads scripts, runs nothing, and tells everything that looks wrong in them.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::process::ExitCode;

use super::door::{self, Place, Registered};
use super::harness::complain;
use super::{Options, given};
use crate::interp;
use crate::model::Conclusion;
use crate::plan::{self, Candidate, Rules};
use crate::run::{self, Brief, Nothing};
use crate::script::check::{Finding, Vocabulary, Weight, check};
use crate::script::{Facts, Script};

/// Checks what was asked for, prints what was found, gives the exit code.
pub(super) fn perform(options: &Options, place: Place, registered: Registered) -> ExitCode {
    let (findings, scripts) = match found(options, place, registered) {
        Ok(found) => found,
        Err(message) => return door::misused(&message),
    };
    let mut stdout = io::stdout().lock();
    for finding in &findings {
        if writeln!(stdout, "{finding}").is_err() {
            return ExitCode::FAILURE;
        }
    }
    let number = |weight| {
        findings
            .iter()
            .filter(|found| found.weight == weight)
            .count()
    };
    let mistakes = number(Weight::Mistake);
    complain(&format!(
        "{} and {} in {}",
        door::count(mistakes, "mistake"),
        door::count(number(Weight::Note), "note"),
        door::count(scripts, "script")
    ));
    door::exit(if mistakes > 0 {
        Conclusion::Failed
    } else {
        Conclusion::Passed
    })
}

/// All findings, script by script, and how many scripts there are.
fn found(
    options: &Options,
    place: Place,
    registered: Registered,
) -> Result<(Vec<Finding>, usize), String> {
    let (mut brief, _) = door::brief(options, place, Vec::new())?;
    for warning in &brief.warnings {
        complain(&format!("warning: {warning}"));
    }
    let given = given::script(options)?;
    brief.stdin = given.as_ref().map(|file| file.path().to_owned());
    let (findings, scripts) = findings(&brief, registered)?;
    // Of the many test targets of a workspace, filters may well be meant for another.
    if scripts == 0 && brief.nothing != Nothing::Fine {
        return Err("nothing to check: no script is selected".to_owned());
    }
    Ok((findings, scripts))
}

fn findings(brief: &Brief, registered: Registered) -> Result<(Vec<Finding>, usize), String> {
    let vocabulary = vocabulary(brief, registered);
    let mut findings = Vec::new();
    let mut scripts = 0;
    for script in run::candidates(brief).map_err(|error| error.to_string())? {
        if !brief.selection.selects(&script.name) {
            continue;
        }
        scripts += 1;
        let bytes = fs::read(&script.path)
            .map_err(|error| format!("cannot read {}: {error}", script.file))?;
        let dialect = brief.settings.dialect;
        let (parsed, _) = Script::parse(&script.file, &bytes, dialect);
        findings.extend(header(brief, script.name, script.file, bytes));
        findings.extend(check(&parsed, &vocabulary));
    }
    Ok((findings, scripts))
}

/// The mistakes that would stop a run before it begins.
fn header(brief: &Brief, name: String, file: String, bytes: Vec<u8>) -> Vec<Finding> {
    let rules = Rules {
        dialect: brief.settings.dialect,
        container_names: &brief.settings.container_names,
        deadline: &|header| brief.settings.deadline_for(header),
        images: &brief.settings.engine.images,
        environment: &brief.settings.environment,
        leaks: &|header| brief.settings.leak_for(header),
        retries: &|header| brief.settings.retries_for(header),
    };
    let mut mistakes = Vec::new();
    plan::build(Candidate { name, file, bytes }, &rules, &mut mistakes);
    let finding = |diagnostic| Finding {
        diagnostic,
        weight: Weight::Mistake,
    };
    mistakes.into_iter().map(finding).collect()
}

/// What scripts may use: the language, what harness.toml adds to it, and what the test target does.
fn vocabulary(brief: &Brief, registered: Registered) -> Vocabulary {
    let settings = &brief.settings;
    let check = &settings.check;
    Vocabulary {
        commands: interp::command_facts().collect(),
        programs: joined(settings.programs.keys(), registered.programs),
        externals: settings.commands.keys().cloned().collect(),
        customs: joined(&check.commands, registered.commands),
        conditions: joined(&check.conditions, registered.conditions),
        machine: Facts::of_this_build(brief.length),
        explicit_exec: settings.demands.explicit_exec,
    }
}

fn joined<'a>(some: impl IntoIterator<Item = &'a String>, more: Vec<String>) -> BTreeSet<String> {
    some.into_iter().cloned().chain(more).collect()
}
