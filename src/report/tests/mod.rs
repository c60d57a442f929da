//! Reports against what they imitate, and against goldens.

mod libtest;
mod talk;
mod tries;

use std::time::Duration;

use super::Report;
use crate::model::Event;

/// What a report writes of these events.
fn written(mut report: impl Report, events: &[Event]) -> String {
    let mut out = Vec::new();
    for event in events {
        report.event(Duration::ZERO, event, &mut out).unwrap();
    }
    String::from_utf8(out).unwrap()
}
