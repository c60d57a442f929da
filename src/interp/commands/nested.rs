//! `until` and `defer`: commands that take a command, with its `!`. Knows none of those that it runs.

use std::time::Duration;

use super::{Command, Found, text};
use crate::interp::Waiting;
use crate::interp::halt::{Halt, Step, fail, mistake};
use crate::interp::registry::Expect;
use crate::interp::session::{Deferred, Session};
use crate::model::{HangClass, duration};
use crate::script::check::{Form, Outer, Role};
use crate::script::{is_background, value};

pub(super) const DEFER: Command = Command {
    name: "defer",
    usage: "defer [!] command...",
    summary: "run a command when the script is over, whatever its end",
    details: "Runs after the last line, also of a script that fails, is skipped, or passes its deadline, and the last one first. Its variables are expanded now, and it runs in the directory of now. It may take 30 s, and all of them together 60 s, which are not charged to the script. One that fails fails a script that was well, and hides no other failure.",
    example: "defer exec rm -rf /tmp/scratch-$TAG",
    negatable: false,
    form: Form::words(1, None, &[Role::Other]).around(Outer::Keeps),
    run: defer,
};

pub(super) const UNTIL: Command = Command {
    name: "until",
    usage: "until [-timeout=D] [-every=D] [!] command...",
    summary: "try a command until it does what is expected",
    details: "Gives up after 30 s, or what `-timeout=` says; a program that still runs then is ended. The pauses between two tries are 100 ms, 200 ms and so on up to 1 s, or what `-every=` says. The log shows the last try and their number.",
    example: "until -timeout=10s exec test -e ready",
    negatable: false,
    form: Form::words(1, None, &[Role::Other]).around(Outer::Tries(&["-timeout=", "-every="])),
    run: until,
};

/// How long `until` tries when the line does not say.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The first pause between two tries; each is twice as long as the one before it.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// No pause is longer than this when the line does not say.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A command of ours that takes another takes its `!` too.
pub(super) fn hint(command: &Command) -> String {
    match command.name {
        name @ ("defer" | "until") => format!("; write {name} ! COMMAND"),
        _ => String::new(),
    }
}

/// The `!` and the command behind it; one that is not there or that cannot be meant is refused at once.
fn command<'w>(
    session: &Session<'_>,
    outer: &Command,
    words: &'w [Vec<u8>],
) -> Step<(Expect, &'w [Vec<u8>])> {
    let (expect, words) = match words {
        [first, words @ ..] if first == b"!" => (Expect::Failure, words),
        words => (Expect::Success, words),
    };
    let Some(name) = words.first() else {
        return outer.misused();
    };
    match super::find(session, name)? {
        Found::Ours(inner) if matches!(inner.name, "defer" | "skip" | "stop") => {
            mistake(format!("unsupported: {} {}", outer.name, inner.name))
        }
        Found::Ours(inner) if expect == Expect::Failure && !inner.negatable => {
            inner.not_negatable()
        }
        Found::Program | Found::Ours(_) | Found::Theirs(..) | Found::External(..) => {
            Ok((expect, words))
        }
    }
}

fn defer(session: &mut Session<'_>, _: Expect, arguments: &[Vec<u8>]) -> Step {
    let (expect, words) = command(session, &DEFER, arguments)?;
    session.deferred.push(Deferred {
        place: session.place.clone(),
        directory: session.directory.clone(),
        expect,
        words: words.to_vec(),
    });
    Ok(())
}

/// What the line says about the tries.
struct Tries {
    timeout: Duration,
    every: Option<Duration>,
}

fn until(session: &mut Session<'_>, _: Expect, arguments: &[Vec<u8>]) -> Step {
    let mut tries = Tries {
        timeout: TIMEOUT,
        every: None,
    };
    let mut words = arguments;
    while let [first, rest @ ..] = words
        && first.starts_with(b"-")
    {
        if let Some(value) = first.strip_prefix(b"-timeout=") {
            tries.timeout = positive("-timeout", value)?;
        } else if let Some(value) = first.strip_prefix(b"-every=") {
            tries.every = Some(positive("-every", value)?);
        } else {
            return UNTIL.misused();
        }
        words = rest;
    }
    let (expect, words) = command(session, &UNTIL, words)?;
    refuse_pointless(session, words)?;
    let began = session.world.charged();
    session.world.bound(Some(tries.timeout));
    let (count, step) = retry(session, &tries, expect, words);
    session.world.bound(None);
    if matches!(step, Err(Halt::Mistake(_))) {
        return step;
    }
    let took = session.world.charged().saturating_sub(began);
    let count = counted(count);
    let line = format!("[until: {count}, {:.3}s]", took.as_secs_f64());
    session.log.line(line.as_bytes());
    match step {
        Err(Halt::Fail(message)) => {
            let timeout = duration::format(tries.timeout);
            let words = format!("until: gave up after {timeout} and {count}: ");
            fail([words.into_bytes(), message].concat())
        }
        other => other,
    }
}

fn positive(flag: &str, value: &[u8]) -> Step<Duration> {
    value::some_time(value).or_else(|error| mistake(format!("until: {flag}: {error}")))
}

/// A program in the background always starts, and tries within tries only multiply.
fn refuse_pointless(session: &Session<'_>, words: &[Vec<u8>]) -> Step {
    let [name, .., last] = words else {
        return Ok(());
    };
    match super::find(session, name)? {
        Found::Ours(inner) if inner.name == "until" => {
            mistake("unsupported: until until".to_owned())
        }
        Found::Program if is_background(last) => in_background(),
        Found::Ours(inner) if inner.name == "exec" && is_background(last) => in_background(),
        Found::Program | Found::Ours(_) | Found::Theirs(..) | Found::External(..) => Ok(()),
    }
}

fn in_background() -> Step {
    mistake("until: a program in the background cannot be tried".to_owned())
}

fn counted(count: u32) -> String {
    if count == 1 {
        "1 try".to_owned()
    } else {
        format!("{count} tries")
    }
}

/// What the script waits for between two tries.
fn between(count: u32, message: &[u8]) -> Waiting {
    let (tries, message) = (counted(count), text(message));
    Waiting {
        class: HangClass::Unknown,
        sentence: format!("`until` had no success in {tries}: {message}"),
        resource: String::new(),
    }
}

/// Tries until the command does what is expected, or the time is over: how often, and the last result. Of
/// the log, only the last try stays.
fn retry(
    session: &mut Session<'_>,
    tries: &Tries,
    expect: Expect,
    words: &[Vec<u8>],
) -> (u32, Step) {
    let began = session.world.charged();
    let log = session.log.position();
    // Each try reads them anew.
    let (stdin, terminal) = (session.stdin.clone(), session.terminal.clone());
    let mut pause = tries.every.unwrap_or(FIRST_PAUSE);
    let mut count = 0;
    let mut last = false;
    loop {
        count += 1;
        session.log.cut(log);
        session.stdin.clone_from(&stdin);
        session.terminal.clone_from(&terminal);
        session.trying = true;
        let step = super::run(session, expect, words);
        session.trying = false;
        let cut = session.world.was_cut();
        if cut && matches!(step, Ok(()) | Err(Halt::Fail(_))) {
            // It is neither the success nor the failure that was waited for.
            return (count, fail("the command did not end"));
        }
        let Err(Halt::Fail(message)) = step else {
            return (count, step);
        };
        let left = (began + tries.timeout).saturating_sub(session.world.charged());
        let ends = left <= pause;
        if ends && (last || left.is_zero()) {
            return (count, fail(message));
        }
        // What comes about during the last pause is not missed.
        last = ends;
        let wait = if ends { left / 2 } else { pause };
        session.world.waiting(Some(between(count, &message)));
        if let Err(how) = session.world.pause(wait) {
            return (count, Err(how.into()));
        }
        session.world.waiting(None);
        if tries.every.is_none() {
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}
