//! `capture`, `sleep`, `status`: small additions to testscript. Knows no program and no clock.

use super::{Command, text};
use crate::interp::halt::{Step, fail, mistake};
use crate::interp::registry::Expect;
use crate::interp::session::{Session, usable};
use crate::interp::{Status, Waiting, gotext};
use crate::model::HangClass;
use crate::script::check::{Flag, Form, Role};
use crate::script::value::{self, Value};

pub(super) const CAPTURE: Command = Command {
    name: "capture",
    usage: "capture name [-trim]",
    summary: "put the last standard output into a variable",
    details: "All of what the last program or command wrote, byte for byte; with `-trim` without the white space at its end. The name is made of letters, digits and `_`. A zero byte is refused.",
    example: "capture id -trim",
    negatable: false,
    form: Form::words(1, Some(1), &[Role::Value(Value::Variable)]).after(Flag::Around("-trim")),
    run: capture,
};

pub(super) const SLEEP: Command = Command {
    name: "sleep",
    usage: "sleep duration",
    summary: "let time pass",
    details: "A duration is written `500ms`, `30s`, `1m30s`. The script's deadline counts on. Where something can be waited for, `until` is quicker and surer.",
    example: "sleep 200ms",
    negatable: false,
    form: Form::words(1, Some(1), &[Role::Value(Value::Duration)]),
    run: sleep,
};

pub(super) const STATUS: Command = Command {
    name: "status",
    usage: "status code",
    summary: "check the last program's exit status",
    details: "Of the program that was last run, or awaited with `wait`. One that a signal ended counts as 128 and the signal's number, as in shells. Negated, the status must be another. Custom commands have none.",
    example: "status 3",
    negatable: true,
    form: Form::words(1, Some(1), &[Role::Value(Value::ExitStatus)]),
    run: status,
};

fn capture(session: &mut Session<'_>, _: Expect, arguments: &[Vec<u8>]) -> Step {
    let (name, trim) = match arguments {
        [name] => (name, false),
        [name, flag] | [flag, name] if flag == b"-trim" => (name, true),
        _ => return CAPTURE.misused(),
    };
    // Other names could be set, but `$NAME` would not find them.
    if !value::is_variable(name) {
        return unexpected("capture", Value::Variable, name);
    }
    let mut value = usable(&session.stdout)?;
    if trim {
        value = value.trim_ascii_end();
    }
    if value.contains(&0) {
        return fail("capture: stdout has a zero byte, which no variable can hold");
    }
    let value = value.to_vec();
    session.environment.set(name, value);
    Ok(())
}

fn sleep(session: &mut Session<'_>, _: Expect, arguments: &[Vec<u8>]) -> Step {
    let [word] = arguments else {
        return SLEEP.misused();
    };
    let duration =
        value::read_duration(word).or_else(|error| mistake(format!("sleep: {error}")))?;
    session.world.waiting(Some(Waiting {
        class: HangClass::Sleeping,
        sentence: format!("the script sleeps {}", text(word)),
        resource: String::new(),
    }));
    session.world.pause(duration)?;
    session.world.waiting(None);
    Ok(())
}

/// The failure of a word that is no such value.
fn unexpected<T>(command: &str, value: Value, word: &[u8]) -> Step<T> {
    let (expected, found) = (value.expected(), gotext::quote(word));
    mistake(format!("{command}: expected {expected}, found {found}"))
}

fn status(session: &mut Session<'_>, expect: Expect, arguments: &[Vec<u8>]) -> Step {
    let [word] = arguments else {
        return STATUS.misused();
    };
    let Some(want) = value::exit_status(word) else {
        return unexpected("status", Value::ExitStatus, word);
    };
    let Some(last) = session.status else {
        return fail(
            "status: there is none: no program has ended yet, or the last one did not start",
        );
    };
    let (have, by) = match last {
        Status::Exited(code) => (code, String::new()),
        // As shells and the engines' clients have it.
        Status::Signaled(signal) | Status::Dumped(signal) => {
            (128 + signal, format!(" ({})", gotext::status(last)))
        }
    };
    match (have == want, expect) {
        (true, Expect::Success) | (false, Expect::Failure) => Ok(()),
        (false, Expect::Success) => fail(format!("last exit status is {have}{by}, want {want}")),
        (true, Expect::Failure) => fail(format!("last exit status is {have}{by}, unexpectedly")),
    }
}
