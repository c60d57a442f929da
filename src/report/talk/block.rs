//! A paragraph about one attempt: a word in front that grep finds, then facts, then what was done.

use std::collections::BTreeMap;

use crate::model::{
    AttemptReport, Cleanup, EndedProcess, Evidence, How, Leak, Leftover, Outcome, ProcessFact,
    Resource, ResourceKind, Timeout,
};
use crate::report::cause::{cause, deadline_word, place, waited};
use crate::report::paint::{Paint, count, one_line, seconds};

/// A conmon's command line is two thousand characters long.
const LONGEST_COMMAND: usize = 160;
/// Processes shown of a hang; the record has all.
const SHOWN: usize = 20;

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
            "LEAK" | "LEFT" | "held" => self.paint.yellow(&padded),
            _ => self.paint.bold(&padded),
        };
        self.text += " ";
        self.text += line;
        self.text.push('\n');
    }

    /// A line that may be cut at the terminal's edge: the record has the rest.
    fn cut(&mut self, word: &str, line: &str) {
        match self.width.map(|width| width.saturating_sub(7)) {
            Some(room) => self.line(word, &console::truncate_str(line, room, "…")),
            None => self.line(word, line),
        }
    }

    pub(super) fn text(self) -> String {
        self.text
    }
}

/// What is said of an attempt when it ends; nothing when all is well.
pub(super) fn attempt(name: &str, report: &AttemptReport, mut block: Block) -> String {
    match &report.outcome {
        Outcome::TimedOut(timeout) => deadline(name, timeout, &mut block),
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
    }
    for leak in &report.leaks {
        leaked(leak, &mut block);
    }
    if !report.work_dir.is_empty() {
        block.line("KEPT", &format!("{name}: $WORK is {}", report.work_dir));
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

fn deadline(name: &str, timeout: &Timeout, block: &mut Block) {
    let word = deadline_word(&timeout.movement);
    let text = timeout.place.text.lossy();
    let line = one_line(text.trim());
    block.line(word, &format!("{}   {line}", place(&timeout.place)));
    block.line("WHY", &format!("{name}: the line {}", waited(timeout)));
    match &timeout.evidence {
        Evidence::Seen(scene) if scene.processes.is_empty() => {
            block.line("TREE", "no process of the script was left");
        }
        Evidence::Seen(scene) => {
            let processes = &scene.processes;
            let depths = depths(processes);
            for (number, process) in processes.iter().take(SHOWN).enumerate() {
                let word = if number == 0 { "TREE" } else { "" };
                let depth = depths.get(&process.pid).copied().unwrap_or(0);
                block.cut(word, &process_line(process, depth));
            }
            if processes.len() > SHOWN {
                block.line(
                    "",
                    &format!("and {} more, in the record", processes.len() - SHOWN),
                );
            }
        }
        Evidence::Unavailable { why } => block.line("TREE", &format!("unknown: {}", one_line(why))),
    }
}

/// How deep each process stands below the first ones.
fn depths(processes: &[ProcessFact]) -> BTreeMap<i32, usize> {
    let mut depths = BTreeMap::new();
    for process in processes {
        let depth = depths.get(&process.parent).map_or(0, |depth| depth + 1);
        depths.insert(process.pid, depth);
    }
    depths
}

fn process_line(process: &ProcessFact, depth: usize) -> String {
    let line = format!(
        "{}{} {} {}",
        "  ".repeat(depth),
        process.pid,
        process.state,
        console::truncate_str(&one_line(&process.command), LONGEST_COMMAND, "…")
    );
    let mut facts = Vec::new();
    if !process.wchan.is_empty() && process.wchan != "0" {
        facts.push(format!("in {}", process.wchan));
    }
    facts.push(format!("used {} of processor time", seconds(process.cpu)));
    if process.engine_helper {
        facts.push("serves the engine, left alone".to_owned());
    }
    line + "   (" + &facts.join(", ") + ")"
}

/// What was done at a deadline. A script that ends by itself and leaves processes or resources to us
/// is daily business, and not told.
fn done(name: &str, report: &AttemptReport, block: &mut Block) {
    if matches!(report.outcome, Outcome::TimedOut(_)) {
        let ended = ended(&report.ended);
        let removed = Some(&report.cleanup).filter(|cleanup| !cleanup.removed.is_empty());
        let parts: Vec<_> = ended.into_iter().chain(removed.map(removed_line)).collect();
        if !parts.is_empty() {
            block.line("DONE", &parts.join("; "));
        }
    }
    for process in &report.ended {
        if process.how == How::Survived {
            let (pid, command) = (process.pid, one_line(&process.command));
            block.line(
                "LEFT",
                &format!("process {pid} of {name} could not be ended: {command}"),
            );
        }
    }
}

/// `ended 3 processes: 2 by SIGTERM, 1 by SIGKILL`.
fn ended(processes: &[EndedProcess]) -> Option<String> {
    let by = |how: How| {
        processes
            .iter()
            .filter(|process| process.how == how)
            .count()
    };
    let (terminated, killed) = (by(How::Terminated), by(How::Killed));
    let all = count(terminated + killed, "process");
    match (terminated, killed) {
        (0, 0) => None,
        (_, 0) => Some(format!("ended {all} by SIGTERM")),
        (0, _) => Some(format!("ended {all} by SIGKILL")),
        (_, _) => Some(format!(
            "ended {all}: {terminated} by SIGTERM, {killed} by SIGKILL"
        )),
    }
}

fn removed_line(cleanup: &Cleanup) -> String {
    let took = seconds(cleanup.duration);
    format!("removed {} in {took}", resources(&cleanup.removed))
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
        let command = one_line(command);
        block.line(
            "",
            &format!("it ended, but its output is still open in process {pid}: {command}"),
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
