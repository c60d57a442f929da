//! Why an attempt ended as it did, in one line, only from facts.

use super::paint::{one_line, seconds};
use crate::model::{Fault, FaultKind, Movement, Outcome, Place, Timeout};

/// `fixtures/a.txtar:25`; only the file before the first line.
pub(super) fn place(place: &Place) -> String {
    match place.line {
        0 => one_line(&place.file),
        line => format!("{}:{line}", one_line(&place.file)),
    }
}

/// One line without a full stop.
pub(super) fn cause(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Passed => "passed".to_owned(),
        Outcome::Skipped { reason } if reason.is_empty() => "skipped".to_owned(),
        Outcome::Skipped { reason } => format!("skipped: {}", one_line(reason)),
        Outcome::Failed(failure) => {
            format!(
                "{}: {}",
                place(&failure.place),
                one_line(&failure.message.lossy())
            )
        }
        Outcome::TimedOut(timeout) => {
            let text = timeout.place.text.lossy();
            let line = one_line(text.trim());
            let why = timeout
                .why
                .as_ref()
                .map_or_else(String::new, |why| format!(": {}", one_line(&why.sentence)));
            let waited = waited(timeout);
            format!("{}: `{line}` {waited}{why}", place(&timeout.place))
        }
        Outcome::Faulted(fault) => fault_line(fault),
        Outcome::Cancelled => "interrupted".to_owned(),
    }
}

/// `ran 41.8 s and nothing moved (deadline 43.0 s)`.
pub(super) fn waited(timeout: &Timeout) -> String {
    let movement = match &timeout.movement {
        Movement::Moving => "was still moving".to_owned(),
        Movement::Still => "nothing moved".to_owned(),
        Movement::Unknown { why } => {
            format!("whether anything moved is unknown, for {}", one_line(why))
        }
    };
    let (ran, deadline) = (seconds(timeout.line_elapsed), seconds(timeout.deadline));
    format!("ran {ran} and {movement} (deadline {deadline})")
}

fn fault_line(fault: &Fault) -> String {
    let culprit = match fault.kind {
        FaultKind::Slot => "the worker process",
        FaultKind::Engine => "the engine",
        FaultKind::Ledger => "the ledger",
        FaultKind::Machine => "the machine",
    };
    format!("fault of {culprit}: {}", one_line(&fault.message))
}

/// The word that opens the paragraph of a deadline: what grep finds.
pub(super) fn deadline_word(movement: &Movement) -> &'static str {
    match movement {
        Movement::Moving => "SLOW",
        Movement::Still => "HANG",
        Movement::Unknown { .. } => "LATE",
    }
}
