//! The files of the archive: names that are taken, names that lead away.

use std::collections::BTreeMap;

use crate::script::Script;

use super::paths::{Below, resolve};
use super::{Findings, Vocabulary, marker, shown, words};

/// The files by their paths, each with the line of its marker.
pub(super) struct Files {
    pub(super) lines: BTreeMap<Below, u32>,
    /// Every name is known before the script runs.
    pub(super) known: bool,
}

pub(super) fn check(
    script: &Script,
    vocabulary: &Vocabulary,
    findings: &mut Findings<'_>,
) -> Files {
    let mut files = Files {
        lines: BTreeMap::new(),
        known: true,
    };
    let missing = marker::missing(script, vocabulary);
    for file in &script.archive.files {
        marker::in_a_file(file, &missing, findings);
        let name = words::name(&file.name);
        if words::has_unknown(&name) {
            files.known = false;
            continue;
        }
        let place = (file.line, 4);
        let written = shown(&file.name);
        let Some(path) = resolve(&[], &name).filter(|path| !path.is_empty()) else {
            let hint = "names count from the work directory, and stay in it";
            findings.mistake(
                place,
                format!("the file name `{written}` leads out of the work directory"),
                hint,
            );
            continue;
        };
        if let Some(first) = files.lines.get(&path) {
            let hint = format!("the first is in line {first}; only the last would be there");
            findings.mistake(
                place,
                format!("the file `{written}` is in the archive a second time"),
                hint,
            );
            continue;
        }
        files.lines.insert(path, file.line);
    }
    for (path, line) in &files.lines {
        let above = (1..path.len()).filter_map(|parts| path.get(..parts));
        for folder in above {
            if files.lines.contains_key(folder) {
                let folder = shown(&folder.join(&b'/'));
                findings.mistake(
                    (*line, 4),
                    format!("`{folder}` is a file of the archive and cannot be a folder"),
                    "",
                );
            }
        }
    }
    files
}
