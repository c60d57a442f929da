//! `skip` and `stop`: the ways to end a script that is not over. Knows nothing of what follows.

use super::{Command, jobs, text};
use crate::interp::halt::{Halt, Step};
use crate::interp::registry::Expect;
use crate::interp::session::Session;
use crate::script::check::{Form, Role};

pub(super) const SKIP: Command = Command {
    name: "skip",
    usage: "skip [msg]",
    summary: "end the script; it counts as skipped",
    details: "The message is one word: quote it. Programs in the background are interrupted first, and one that fails against its expectation fails the script.",
    example: "[!exec:git] skip 'needs git'",
    negatable: false,
    form: Form::words(0, Some(1), &[Role::Other]).at_the_end(),
    run: skip,
};

pub(super) const STOP: Command = Command {
    name: "stop",
    usage: "stop [msg]",
    summary: "end the script; it passes",
    details: "The message is one word: quote it. No line below is looked at.",
    example: "stop 'the rest is a draft'",
    negatable: false,
    form: Form::words(0, Some(1), &[Role::Other]).at_the_end(),
    run: stop,
};

fn skip(session: &mut Session<'_>, expect: Expect, arguments: &[Vec<u8>]) -> Step {
    let reason = match arguments {
        [_, _, ..] => return SKIP.misused(),
        _ if expect == Expect::Failure => return SKIP.not_negatable(),
        [] => String::new(),
        [message] => text(message).into_owned(),
    };
    jobs::interrupt_all(session);
    jobs::wait_all(session)?;
    Err(Halt::Skip(reason))
}

fn stop(session: &mut Session<'_>, _: Expect, arguments: &[Vec<u8>]) -> Step {
    match arguments {
        [] => session.log.line(b"stop"),
        [message] => {
            session.log.raw(b"stop: ");
            session.log.line(message);
        }
        _ => return STOP.misused(),
    }
    Err(Halt::Stop)
}
