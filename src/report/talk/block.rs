//! A paragraph about one attempt: a word in front that grep finds, then facts, then what was done.

use std::collections::BTreeMap;

use super::done::done;
use super::hang::deadline;
use super::host::Surroundings;
use crate::model::{AttemptReport, Leak, Leftover, Outcome, Resource, ResourceKind};
use crate::report::cause::{cause, place};
use crate::report::paint::{Paint, count, one_line};

/// Lines with a word in front.
#[derive(Debug)]
pub(super) struct Block {
    paint: Paint,
    width: Option<usize>,
    text: String,
}

impl Block {
    pub(super) fn new(paint: Paint, width: Option<usize>) -> Block {
        let text = String::new();
        Block { paint, width, text }
    }

    /// One line, never cut: what does not fit into the terminal wraps.
    pub(super) fn line(&mut self, word: &str, line: &str) {
        let padded = format!("{word:<6}");
        self.text += &match word {
            "" => padded,
            "HANG" | "SLOW" | "LATE" | "FAULT" => self.paint.red(&padded),
            "LEAK" | "LEFT" | "HOLD" | "held" | "RETRY" | "FLAKY" | "KNOWN" => {
                self.paint.yellow(&padded)
            }
            _ => self.paint.bold(&padded),
        };
        self.text += " ";
        self.text += line;
        self.text.push('\n');
    }

    /// A line that may be cut at the terminal's edge: the record has the rest.
    pub(super) fn cut(&mut self, word: &str, line: &str) {
        match self.width.map(|width| width.saturating_sub(7)) {
            Some(room) => self.line(word, &console::truncate_str(line, room, "…")),
            None => self.line(word, line),
        }
    }

    /// Columns for a line behind its word, at most; as many as this without a terminal.
    pub(super) fn room(&self, otherwise: usize) -> usize {
        self.width
            .map_or(otherwise, |width| width.saturating_sub(7))
    }

    pub(super) fn text(self) -> String {
        self.text
    }
}

/// What is said of an attempt when it ends; nothing when all is well.
pub(super) fn attempt(
    name: &str,
    report: &AttemptReport,
    around: &Surroundings<'_>,
    mut block: Block,
) -> String {
    match &report.outcome {
        Outcome::TimedOut(timeout) => deadline(name, timeout, Some(around), &mut block),
        outcome @ Outcome::Faulted(fault) => {
            block.line("FAULT", &format!("{name}: {}", cause(outcome)));
            for line in fault.detail.lossy().lines() {
                block.line("", &one_line(line));
            }
        }
        Outcome::Passed | Outcome::Skipped { .. } | Outcome::Failed(_) | Outcome::Cancelled => {}
    }
    done(name, report, &mut block);
    if !report.updated.is_empty() {
        block.line("DONE", &format!("{} updated", report.updated));
        for file in &report.quoted {
            let hint =
                format!("hint: {file} is quoted from now on: add `unquote {file}` to the script");
            block.line("", &hint);
        }
    }
    for leak in &report.leaks {
        leaked(leak, &mut block);
    }
    if !report.work_dir.is_empty() {
        block.line("KEPT", &format!("{name}: $WORK is {}", report.work_dir));
    }
    for Resource { kind, id, .. } in &report.cleanup.unconfirmed {
        let why = "has its labels, but nothing else shows that it was made for it";
        block.line("NOTE", &format!("{kind} {id} of {name} {why}"));
    }
    for Resource { kind, id, .. } in &report.cleanup.unlabelled {
        let why = "was given its labels, and does not have them";
        block.line("NOTE", &format!("{kind} {id} of {name} {why}"));
    }
    for leftover in &report.cleanup.leftovers {
        left(name, leftover, &mut block);
    }
    if !report.cleanup.kept.is_empty() {
        block.line(
            "KEPT",
            &format!("{} of {name}", resources(&report.cleanup.kept)),
        );
    }
    block.text()
}

/// `2 containers, 1 volume`.
pub(super) fn resources(resources: &[Resource]) -> String {
    let mut kinds: BTreeMap<ResourceKind, usize> = BTreeMap::new();
    for resource in resources {
        *kinds.entry(resource.kind).or_default() += 1;
    }
    let kinds = kinds.into_iter();
    let parts: Vec<_> = kinds
        .map(|(kind, number)| count(number, &kind.to_string()))
        .collect();
    parts.join(", ")
}

fn leaked(leak: &Leak, block: &mut Block) {
    let text = leak.place.text.lossy();
    let line = one_line(text.trim());
    block.line("LEAK", &format!("{}   {line}", place(&leak.place)));
    if leak.holders.is_empty() {
        block.line(
            "",
            "it ended, but its output is still open; who holds it is unknown",
        );
    }
    for (pid, command) in &leak.holders {
        let ends = leak.descriptors.iter().filter(|(holder, _)| holder == pid);
        let ends: Vec<String> = ends.map(|(_, fd)| fd.to_string()).collect();
        let ends = match ends.as_slice() {
            [] => String::new(),
            [one] => format!(", descriptor {one}"),
            several => format!(", descriptors {}", several.join(" and ")),
        };
        let (line, command) = (leak.place.line, one_line(command));
        block.line(
            "",
            &format!("it ended, but its output is still open in process {pid}{ends}, begun by line {line}: {command}"),
        );
    }
}

pub(super) fn left(name: &str, leftover: &Leftover, block: &mut Block) {
    let Resource {
        kind,
        id,
        name: given,
    } = &leftover.resource;
    let shown = if given.is_empty() { id } else { given };
    let why = one_line(&leftover.why);
    block.line(
        "LEFT",
        &format!("{kind} {} of {name}: {why}", one_line(shown)),
    );
    if !leftover.remedy.is_empty() {
        block.line("", &format!("remove it: {}", one_line(&leftover.remedy)));
    }
}
