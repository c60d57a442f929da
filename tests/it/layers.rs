//! The layers of `src/`: which room may name which, what the pure rooms must not touch, and the shape of files.

use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

use super::project::package;

/// A room and the rooms that it may name. `cli` may name all.
const ROOMS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("wire", &["model"]),
    ("script", &["model"]),
    ("config", &["model"]),
    ("plan", &["config", "script", "model"]),
    ("schedule", &["model"]),
    ("classify", &["model"]),
    ("host", &["model"]),
    ("engine", &["host", "model"]),
    ("ledger", &["engine", "host", "model"]),
    ("diagnose", &["engine", "host", "model"]),
    ("interp", &["script", "host", "model"]),
    ("shim", &["ledger", "engine", "wire", "host", "model"]),
    (
        "slot",
        &[
            "interp", "diagnose", "ledger", "engine", "shim", "script", "wire", "host", "model",
        ],
    ),
    ("history", &["model"]),
    ("report", &["model"]),
    (
        "run",
        &[
            "schedule", "classify", "plan", "config", "wire", "ledger", "engine", "shim",
            "history", "report", "host", "model",
        ],
    ),
    (
        "cli",
        &[
            "model", "wire", "script", "config", "plan", "schedule", "classify", "host", "engine",
            "ledger", "diagnose", "interp", "shim", "slot", "history", "report", "run",
        ],
    ),
];

/// Rooms without a clock, files, an environment or processes.
const PURE: &[&str] = &[
    "model", "wire", "script", "config", "plan", "schedule", "classify",
];

/// The longest file, without its tests.
const LONGEST: usize = 400;

/// Longer files, each a row of equal pieces or one piece that does not fall apart, with the reason.
const LONGER: &[(&str, &str)] = &[
    ("src/cli/flags.rs", "one entry for each flag"),
    (
        "src/schedule/step.rs",
        "one state machine: a step for each piece of news",
    ),
    ("src/config/table.rs", "one entry for each setting"),
];

/// A source file without its tests.
struct Source {
    /// Below `src`.
    path: PathBuf,
    lines: Vec<String>,
}

impl Source {
    fn room(&self) -> Option<&str> {
        let first = self.path.components().next()?.as_os_str().to_str()?;
        ROOMS
            .iter()
            .map(|(room, _)| *room)
            .find(|room| *room == first)
    }

    /// `src/plan/mod.rs:2`, with the line counted from 0.
    fn at(&self, line: usize) -> String {
        format!("src/{}:{}", self.path.display(), line + 1)
    }
}

/// Every source file, comments blanked out, up to its tests.
fn sources() -> Vec<Source> {
    let root = package().join("src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    found.sort();
    let below = |path: &PathBuf| path.strip_prefix(&root).unwrap().to_owned();
    found
        .iter()
        .map(|path| Source {
            path: below(path),
            lines: without_tests(&fs::read_to_string(path).unwrap()),
        })
        .filter(|source| !is_test(&source.path))
        .collect()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Files that are compiled for tests only: their names say so.
fn is_test(path: &Path) -> bool {
    let in_name = |name: &str| {
        name == "tests" || name == "fake" || name == "samples" || name.ends_with("_tests")
    };
    path.with_extension("")
        .iter()
        .any(|part| part.to_str().is_some_and(in_name))
}

/// The lines before `#[cfg(test)] mod tests {`.
fn without_tests(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let inline = lines.windows(2).position(|two| {
        two[0] == "#[cfg(test)]" && two[1].starts_with("mod ") && two[1].ends_with('{')
    });
    lines[..inline.unwrap_or(lines.len())]
        .iter()
        .map(|line| (*line).to_owned())
        .collect()
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

/// Every `crate::NAME` of a file, and every first name of `use crate::{…}`: line, and room.
fn named(source: &Source) -> Vec<(usize, String)> {
    let path = Regex::new(r"\bcrate::([a-z_]+)").unwrap();
    let mut found = Vec::new();
    // Depth of the braces of a `use crate::{` that is open.
    let mut depth = 0_usize;
    for (number, line) in source.lines.iter().enumerate() {
        if is_comment(line) {
            continue;
        }
        found.extend(
            path.captures_iter(line)
                .map(|name| (number, name[1].to_owned())),
        );
        let mut rest = line.as_str();
        if depth == 0 {
            let Some((_, group)) = line.split_once("crate::{") else {
                continue;
            };
            depth = 1;
            rest = group;
        }
        let mut name = String::new();
        for letter in rest.chars() {
            if depth == 1 && (letter.is_ascii_lowercase() || letter == '_') {
                name.push(letter);
                continue;
            }
            if !name.is_empty() {
                found.push((number, std::mem::take(&mut name)));
            }
            match letter {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                // After `::` come names within the room, up to the next comma.
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        if depth > 0 && !name.is_empty() {
            found.push((number, name));
        }
    }
    found
}

#[track_caller]
fn expect_none(what: &str, deviations: &[String]) {
    assert!(deviations.is_empty(), "{what}:\n{}", deviations.join("\n"));
}

#[test]
fn each_room_names_only_rooms_below_it() {
    let mut deviations = Vec::new();
    for source in sources() {
        let Some(room) = source.room() else { continue };
        let allowed = ROOMS.iter().find(|(name, _)| *name == room).unwrap().1;
        for (line, name) in named(&source) {
            let is_room = ROOMS.iter().any(|(room, _)| *room == name);
            if is_room && name != room && !allowed.contains(&name.as_str()) {
                deviations.push(format!("{}: {room} must not name {name}", source.at(line)));
            }
        }
    }
    expect_none("layers", &deviations);
}

#[test]
fn every_folder_of_src_is_a_room_of_the_table() {
    let mut folders: Vec<String> = fs::read_dir(package().join("src"))
        .unwrap()
        .map(Result::unwrap)
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    folders.sort();
    let mut rooms: Vec<&str> = ROOMS.iter().map(|(room, _)| *room).collect();
    rooms.sort_unstable();
    assert_eq!(folders, rooms);
}

#[test]
fn pure_rooms_touch_no_clock_file_environment_or_process() {
    let forbidden = Regex::new(
        r"\bstd::(fs|process|net|env)\b|\b(fs|process|net|env)::|\b(Instant|SystemTime)\b",
    )
    .unwrap();
    let mut deviations = Vec::new();
    for source in sources() {
        if !source.room().is_some_and(|room| PURE.contains(&room)) {
            continue;
        }
        for (number, line) in source.lines.iter().enumerate() {
            let line = line.replace("std::env::consts", "");
            if let Some(found) = forbidden.find(&line).filter(|_| !is_comment(&line)) {
                deviations.push(format!("{}: {}", source.at(number), found.as_str()));
            }
        }
    }
    expect_none("pure rooms", &deviations);
}

#[test]
fn model_leans_on_serde_alone() {
    let foreign = Regex::new(r"^(?:pub )?use ([a-z_]+)(::|;)").unwrap();
    let mut deviations = Vec::new();
    for source in sources() {
        if source.room() != Some("model") {
            continue;
        }
        for (number, line) in source.lines.iter().enumerate() {
            let name = foreign.captures(line).map(|found| found[1].to_owned());
            let known = ["std", "serde", "crate", "super", "self"];
            let local = |name: &String| source_exists(&format!("model/{name}.rs"));
            if let Some(name) = name.filter(|name| !known.contains(&name.as_str()) && !local(name))
            {
                deviations.push(format!("{}: model must not name {name}", source.at(number)));
            }
        }
    }
    expect_none("model", &deviations);
}

fn source_exists(below: &str) -> bool {
    package().join("src").join(below).is_file()
}

#[test]
fn every_file_opens_with_what_it_is_for() {
    let mut deviations = Vec::new();
    for folder in ["src", "tests"] {
        let mut files = Vec::new();
        walk(&package().join(folder), &mut files);
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            let first = text.lines().next().unwrap_or_default();
            if !first.starts_with("//! ") || first.len() < 12 {
                let shown = file.strip_prefix(package()).unwrap();
                deviations.push(format!("{}:1: {first}", shown.display()));
            }
        }
    }
    expect_none("files without a first line of their own", &deviations);
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    let mut deviations = Vec::new();
    for source in sources() {
        let path = format!("src/{}", source.path.display());
        let lines = source.lines.len();
        let excused = LONGER.iter().any(|(file, _)| *file == path);
        if lines > LONGEST && !excused {
            deviations.push(format!("{path}: {lines} lines"));
        } else if excused && lines <= LONGEST {
            deviations.push(format!(
                "{path}: {lines} lines, and needs no excuse any more"
            ));
        }
    }
    expect_none("long files", &deviations);
}

#[test]
fn no_module_has_a_name_that_says_nothing() {
    let mut deviations = Vec::new();
    for source in sources() {
        for name in &source.path.with_extension("") {
            // `engine::helpers` are the engine's helper processes: conmon, aardvark-dns.
            let excused = source.path == Path::new("engine/helpers.rs");
            let name = name.to_str().unwrap();
            let empty = [
                "utils", "util", "helpers", "helper", "common", "manager", "misc", "imp",
            ];
            if empty.contains(&name) && !excused {
                deviations.push(format!("src/{}", source.path.display()));
            }
        }
    }
    expect_none("names", &deviations);
}
