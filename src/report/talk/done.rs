//! What was done to end a script, shortly: what was removed, which signals, how long they took, who is left.

use super::block::{Block, resources};
use crate::model::{AttemptReport, Cleanup, EndedProcess, How, LadderStep, Outcome, Rung};
use crate::report::paint::{count, one_line, seconds};

/// What was done at a deadline. A script that ends by itself and leaves processes or resources to us
/// is daily business, and not told.
pub(super) fn done(name: &str, report: &AttemptReport, block: &mut Block) {
    if matches!(report.outcome, Outcome::TimedOut(_)) {
        let removed = Some(&report.cleanup).filter(|cleanup| !cleanup.removed.is_empty());
        let mut parts: Vec<String> = removed.map(removed_line).into_iter().collect();
        if report.ladder.is_empty() {
            parts.extend(ended(&report.ended));
        } else {
            parts.extend(signals(&report.ladder));
        }
        if !report.hang_file.is_empty() {
            parts.push(format!("full report: {}", one_line(&report.hang_file)));
        }
        if !parts.is_empty() {
            block.line("DONE", &parts.join("; "));
        }
    }
    for process in report
        .ended
        .iter()
        .filter(|ended| ended.how == How::Survived)
    {
        block.line("LEFT", &survivor(name, process));
    }
}

fn survivor(name: &str, process: &EndedProcess) -> String {
    let (pid, command) = (process.pid, one_line(&process.command));
    let state = process.state.map(|state| format!("state {state}"));
    let wchan = Some(&process.wchan).filter(|wchan| !wchan.is_empty());
    let facts = [state, wchan.map(|wchan| format!("in {wchan}"))];
    let facts: Vec<String> = facts.into_iter().flatten().collect();
    let facts = if facts.is_empty() {
        String::new()
    } else {
        format!(" ({})", facts.join(", "))
    };
    format!("process {pid} of {name} cannot be killed{facts}: {command}")
}

/// The steps that touched something: `SIGTERM to 3 processes, all gone after 0.3 s`.
fn signals(ladder: &[LadderStep]) -> Vec<String> {
    let processes = |number: u32| count(usize::try_from(number).unwrap_or(usize::MAX), "process");
    let mut parts: Vec<String> = Vec::new();
    for step in ladder {
        let took = seconds(step.took);
        match &step.rung {
            // What touched nothing, or is told as what was removed.
            Rung::Evidence { .. }
            | Rung::Engine { .. }
            | Rung::Containers { .. }
            | Rung::Terminate { processes: 0 } => {}
            Rung::Held => parts.push(format!("kept alive for {took}")),
            Rung::Quit { pid, .. } => parts.push(format!("SIGQUIT to {pid}")),
            Rung::Terminate { processes: number } => {
                parts.push(format!("SIGTERM to {}", processes(*number)));
            }
            Rung::Grace { left, .. } => {
                let left = match left {
                    0 => "all gone".to_owned(),
                    left => format!("{left} left"),
                };
                let asked = parts.pop_if(|part| part.starts_with("SIGTERM"));
                let asked = asked.map_or_else(String::new, |asked| asked + ", ");
                parts.push(format!("{asked}{left} after {took}"));
            }
            Rung::Kill {
                processes: number, ..
            } => {
                parts.push(format!("SIGKILL to {} ({took})", processes(*number)));
            }
            Rung::Survivors { pids } => {
                parts.push(format!("{} cannot be killed", count(pids.len(), "process")));
            }
        }
    }
    parts
}

/// `ended 3 processes: 2 by SIGTERM, 1 by SIGKILL`, where the steps are not known.
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
