//! Paragraphs about what was cleaned later: what a killed run had left, and what an attempt of this run had.

use super::block::{Block, left, resources};
use crate::model::{Cleanup, How, Reaped};
use crate::report::paint::count;

pub(super) fn paragraph(reaped: &Reaped, mut block: Block) -> String {
    let Reaped {
        run,
        ended,
        cleanup,
    } = reaped;
    let survived = ended.iter().filter(|process| process.how == How::Survived);
    let survived = survived.count();
    let mut done = Vec::new();
    if ended.len() > survived {
        done.push(format!(
            "ended {}",
            count(ended.len() - survived, "process")
        ));
    }
    if !cleanup.removed.is_empty() {
        done.push(format!("removed {}", resources(&cleanup.removed)));
    }
    if !done.is_empty() {
        block.line(
            "REAPED",
            &format!("{} of run {run}, which was killed", done.join(", ")),
        );
    }
    for process in ended.iter().filter(|process| process.how == How::Survived) {
        block.line(
            "LEFT",
            &format!(
                "run {run}: process {} cannot be ended: {}",
                process.pid, process.command
            ),
        );
    }
    for leftover in &cleanup.leftovers {
        left(&format!("run {run}"), leftover, &mut block);
    }
    block.text()
}

pub(super) fn at_last(name: &str, cleanup: &Cleanup, mut block: Block) -> String {
    let done = if cleanup.removed.is_empty() {
        "all that it left is gone".to_owned()
    } else {
        format!("removed {} after all", resources(&cleanup.removed))
    };
    block.line("CLEANED", &format!("{name}: {done}"));
    block.text()
}
