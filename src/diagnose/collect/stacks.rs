//! The user stacks of the script's processes, read by [`crate::diagnose::stacks`]: the tree's root first, what runs
//! in containers last, helpers of engines not at all.

use std::time::Duration;

use super::{Enough, Say, Subject};
use crate::diagnose::stacks::{self, Told};
use crate::model::{Finding, ProcessFact};

/// So much before the end reading stops, so that what was not reached is named.
const RESERVE: Duration = Duration::from_millis(50);

pub(super) fn learn(subject: &Subject, say: &Say) -> Result<(), Enough> {
    let Some(until) = subject.until.and_then(|until| until.checked_sub(RESERVE)) else {
        return Ok(());
    };
    let own = subject.living().filter(|process| !process.engine_helper);
    let (outside, inside): (Vec<&ProcessFact>, Vec<&ProcessFact>) =
        own.partition(|process| process.container.is_empty());
    let pids: Vec<i32> = outside
        .iter()
        .chain(&inside)
        .map(|process| process.pid)
        .collect();
    let mut heard = Ok(());
    stacks::take(&pids, until, &mut |told| {
        let finding = match told {
            Told::Stack(stack) => Finding::Stack(stack),
            Told::Gap(gap) => Finding::Gap(gap),
        };
        heard = heard.and_then(|()| say.say(finding));
    });
    heard
}
