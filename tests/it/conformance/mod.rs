//! The script language, point by point: every block of `fixtures/conformance` ends as it says, in the words
//! of the original.

mod point;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use shakedown::model::Bytes;

use super::project::{Project, Record};
use point::{Point, Result};

/// Where we differ from the original, on purpose. Each says in its block what the original does.
const DIFFERENCES: &[&str] = &[
    "01-txtar-file-clashes-with-folder",
    "01-txtar-marker-minimal-is-text",
    "02-environment-file-absolute",
    "02-environment-file-name-expanded",
    "02-environment-file-name-with-work",
    "02-environment-file-outside",
    "05-conditions-exec-asked-anew",
    "07-files-chmod-several",
    "09-programs-usage-background-named",
    "12-flow-continue-setup",
    "12-flow-continue-skip",
];

const SETTINGS: &str = r#"
scripts = ["scripts"]
dialect = "testscript"

[programs]
registered = "registered"
"#;

/// A program that scripts call by its bare name: tells its arguments, its input and its place, and fails when
/// it is told to.
const REGISTERED: &str = r#"#!/bin/sh
echo "$# arguments: $*"
cat
echo "in $PWD" >&2
test "$1" != fail
"#;

#[test]
fn every_point_of_the_language_comes_out_as_the_original_has_it() {
    let points = point::all();
    let mut differences = String::new();
    let runs: BTreeSet<&[String]> = points.iter().map(|point| &*point.options).collect();
    for options in runs {
        let of_run = points.iter().filter(|point| point.options == options);
        differences += &differences_of_run(options, &of_run.collect::<Vec<_>>());
    }
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn each_point_has_a_name_of_its_own() {
    let points = point::all();
    let names: BTreeSet<&str> = points.iter().map(|point| &*point.name).collect();
    assert_eq!(names.len(), points.len());
    // A folder that is not read would pass, too.
    assert!(points.len() >= 600, "{} points", points.len());
}

#[test]
fn the_differences_from_the_original_are_the_listed_ones() {
    let points = point::all();
    let differing: BTreeSet<&str> = points
        .iter()
        .filter(|point| point.original.is_some())
        .map(|point| &*point.name)
        .collect();
    assert_eq!(differing, DIFFERENCES.iter().copied().collect());
}

#[test]
fn names_are_without_folder_and_extension_and_each_is_given_once() {
    let script = "exec true\n";
    let settings = "scripts = [\"x\", \"y\"]\ndialect = \"testscript\"\n";
    let project = Project::with_settings(settings)
        .file("x/one.txt", script)
        .file("x/bar.txtar", script)
        .file("x/two.txtar.txt", script)
        .file("x/three.txt.txtar", script)
        .file("x/notes.md", "no script\n")
        .file("x/txtar", "no script\n")
        .file("y/bar.txtar", script)
        .file("y/bar#1.txtar", script);
    project.run().without_engine().finish().expect_code(0);
    let record = project.record();
    let planned = record.of("trial_planned");
    let names: BTreeSet<&str> = planned
        .map(|trial| trial["name"].as_str().unwrap())
        .collect();
    let expected = ["bar", "bar#1", "bar#2", "one", "three.txt", "two.txtar"];
    assert_eq!(names, BTreeSet::from(expected));
}

#[test]
fn a_folder_without_scripts_is_refused_in_the_words_of_the_original() {
    let project = Project::new().file("scripts/notes.md", "no script\n");
    let output = project.run().without_engine().finish();
    output.expect_stderr("no txtar nor txt scripts found in dir scripts");
    assert_ne!(output.code(), 0);
}

/// Runs the points that share their options; answers what is not as it should be, for people.
fn differences_of_run(options: &[String], points: &[&Point]) -> String {
    let add = |project: Project, point: &&Point| project.script(&point.name, &point.script);
    let project = Project::with_settings(SETTINGS).program("registered", REGISTERED);
    let project = points.iter().fold(project, add);
    project.run().args(options).without_engine().finish();
    let record = project.record();
    let mut differences = String::new();
    for point in points {
        let found = found(&record, point);
        if found != point.expected {
            writeln!(
                differences,
                "=== {}: {}\n{}--- expected: {}\n{}--- found: {}\n{}",
                point.name,
                point.title,
                String::from_utf8_lossy(&point.script),
                point.expected.verdict,
                String::from_utf8_lossy(&point.expected.log),
                found.verdict,
                String::from_utf8_lossy(&found.log),
            )
            .unwrap();
        }
    }
    differences
}

/// What the record tells of a point.
fn found(record: &Record, point: &Point) -> Result {
    let (verdict, reason) = record.verdict(&point.name);
    let report = record.report(&point.name);
    let verdict = match verdict {
        "passed" => "pass".to_owned(),
        "skipped" => format!("skip {reason}").trim_end().to_owned(),
        "failed" => {
            let failure = &report["outcome"]["failed"];
            let message = serde_json::from_value::<Bytes>(failure["message"].clone()).unwrap();
            let verdict = format!("fail {} {}", failure["place"]["line"], message.lossy());
            verdict.trim_end().to_owned()
        }
        other => format!("{other}: {reason}"),
    };
    let log: Bytes = serde_json::from_value::<Bytes>(report["log"].clone()).unwrap();
    Result {
        verdict,
        log: comparable(&log.0, point),
    }
}

/// The log without what changes from run to run: times, `$PATH`, the script's folder; without the dump of the
/// environment if the point leaves it out.
fn comparable(log: &[u8], point: &Point) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for line in log.split(|byte| *byte == b'\n') {
        lines.push(comparable_line(line, &point.name));
    }
    let leaves_out = point.expected.log.starts_with(b"...\n");
    if let Some(end) = lines.iter().position(Vec::is_empty)
        && leaves_out
    {
        lines.splice(..=end, [b"...".to_vec()]);
    }
    lines.join(&b'\n')
}

fn comparable_line(line: &[u8], name: &str) -> Vec<u8> {
    if line.starts_with(b"PATH=") {
        return b"PATH=$PATH".to_vec();
    }
    let failure = format!("FAIL: scripts/{name}.txtar:");
    let line = match line.strip_prefix(failure.as_bytes()) {
        Some(rest) => [b"FAIL: $FILE:", rest].concat(),
        None => line.to_vec(),
    };
    let Ok(text) = str::from_utf8(&line) else {
        return line;
    };
    let timed = text
        .strip_suffix("s)")
        .and_then(|text| text.rsplit_once(" ("));
    match timed {
        Some((phase, time)) if phase.starts_with('#') && time.parse::<f64>().is_ok() => {
            format!("{phase} (0.000s)").into_bytes()
        }
        _ => line,
    }
}
