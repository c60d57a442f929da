//! Programs in the background: `wait`, `kill`, and the end of those that nobody waits for. Knows nothing of
//! how they were started.

use super::Command;
use crate::host::stream::Stream;
use crate::interp::halt::{Halt, Step, fail};
use crate::interp::registry::Expect;
use crate::interp::session::{Job, Session, usable};
use crate::interp::{Finished, Interrupted, Status, gotext};
use crate::script::check::{Flag, Form, Role};

pub(super) const WAIT: Command = Command {
    name: "wait",
    usage: "wait [name]",
    summary: "wait for the programs in the background, or for one of them",
    details: "Each must end as its line expects. Then the outputs are theirs, one after the other in the order of their start; with a name, those of that one.",
    example: "wait server",
    negatable: false,
    form: Form::words(0, Some(1), &[Role::Awaited]),
    run: wait,
};

pub(super) const KILL: Command = Command {
    name: "kill",
    usage: "kill [-SIGNAL] [name]",
    summary: "signal the programs in the background, or one of them",
    details: "The signal is KILL, or INT when `-INT` comes first. Without a name all programs in the background get it. It does not wait for their end.",
    example: "kill -INT server",
    negatable: false,
    form: Form::words(0, Some(1), &[Role::Job]).after(Flag::Beginning("-")),
    run: kill,
};

fn wait(session: &mut Session<'_>, expect: Expect, arguments: &[Vec<u8>]) -> Step {
    match arguments {
        [_, _, ..] => WAIT.misused(),
        _ if expect == Expect::Failure => WAIT.not_negatable(),
        [] => wait_all(session),
        [name] => wait_one(session, name),
    }
}

fn wait_one(session: &mut Session<'_>, name: &[u8]) -> Step {
    let Some(at) = session.jobs.iter().position(|job| job.is_named(name)) else {
        return unknown(name);
    };
    finish(session, at)?;
    let Some(job) = session.jobs.get_mut(at) else {
        return Ok(());
    };
    if let Some(finished) = &mut job.finished {
        session.status = Some(finished.status);
        // A job that fails the line stays listed, so that its outputs are told again at the end.
        let told = (copy(&finished.stdout), copy(&finished.stderr));
        session.stdout = std::mem::replace(&mut finished.stdout, told.0);
        session.stderr = std::mem::replace(&mut finished.stderr, told.1);
        session.log.output("stdout", &session.stdout);
        session.log.output("stderr", &session.stderr);
    }
    check(job)?;
    session.jobs.remove(at);
    Ok(())
}

/// The same bytes; of what cannot be used, none.
fn copy(stream: &Stream) -> Stream {
    Stream::from_bytes(stream.bytes().map(<[u8]>::to_vec).unwrap_or_default())
}

/// Waits for all, in the order of their start, and checks each. The first bad one ends the line.
pub(super) fn wait_all(session: &mut Session<'_>) -> Step {
    for at in 0..session.jobs.len() {
        finish(session, at)?;
        log(session, at);
        let finished = session.jobs.get(at).and_then(|job| job.finished.as_ref());
        session.status = finished.map(|finished| finished.status);
        session.jobs.get(at).map_or(Ok(()), check)?;
    }
    let finished: Vec<Finished> = session
        .jobs
        .drain(..)
        .filter_map(|job| job.finished)
        .collect();
    let (stdouts, stderrs) = finished.into_iter().map(|f| (f.stdout, f.stderr)).unzip();
    session.stdout = join(stdouts);
    session.stderr = join(stderrs);
    Ok(())
}

fn kill(session: &mut Session<'_>, expect: Expect, arguments: &[Vec<u8>]) -> Step {
    // A second word behind a name is not looked at.
    let (signal, name) = match arguments {
        [] => (libc::SIGKILL, None),
        [_, _, _, ..] => return KILL.misused(),
        [first, rest @ ..] => match first.strip_prefix(b"-") {
            None => (libc::SIGKILL, Some(first)),
            Some(b"KILL") => (libc::SIGKILL, rest.first()),
            Some(b"INT") => (libc::SIGINT, rest.first()),
            Some(other) => return fail([b"unknown signal: ", other].concat()),
        },
    };
    if expect == Expect::Failure {
        return KILL.not_negatable();
    }
    let one = name.filter(|name| !name.is_empty());
    if let Some(name) = one
        && !session.jobs.iter().any(|job| job.is_named(name))
    {
        return unknown(name);
    }
    for job in &session.jobs {
        if one.is_some_and(|name| !job.is_named(name)) {
            continue;
        }
        let over = job.finished.is_some() || !session.world.signal(job.id, signal);
        if over {
            let quoted = gotext::quote(job.name.as_deref().unwrap_or_default());
            return fail(format!(
                "unexpected error terminating background command {quoted}: os: process already finished"
            ));
        }
    }
    Ok(())
}

fn unknown<T>(name: &[u8]) -> Step<T> {
    let quoted = gotext::quote(name);
    fail(format!("unknown background process {quoted}"))
}

/// One after the other; a stream that cannot be used spoils the whole, loudly.
fn join(mut streams: Vec<Stream>) -> Stream {
    if let Some(at) = streams.iter().position(|stream| usable(stream).is_err()) {
        return streams.swap_remove(at);
    }
    if streams.len() == 1 {
        return streams.pop().unwrap_or_default();
    }
    let parts = streams.iter().filter_map(|stream| stream.bytes().ok());
    Stream::from_bytes(parts.collect::<Vec<_>>().concat())
}

/// Sends `SIGINT` to every job that is still listed.
pub(super) fn interrupt_all(session: &mut Session<'_>) {
    for job in &session.jobs {
        if job.finished.is_none() {
            // A job that ended by itself meanwhile is just as over.
            session.world.signal(job.id, libc::SIGINT);
        }
    }
}

/// The end of a script: whatever still runs is interrupted and awaited; nobody asks how it ended.
pub(in crate::interp) fn end_all(session: &mut Session<'_>) -> Result<(), Interrupted> {
    interrupt_all(session);
    for at in 0..session.jobs.len() {
        // A job that does not end now hangs because of the line that started it, not of the last one.
        if let Some(job) = session.jobs.get(at)
            && job.finished.is_none()
        {
            session.world.line(&job.place);
        }
        match finish(session, at) {
            Err(Halt::Interrupted(how)) => return Err(how),
            Ok(()) | Err(_) => log(session, at),
        }
    }
    session.jobs.clear();
    Ok(())
}

/// After the world ended the script: what the jobs wrote that are not in the log yet.
pub(in crate::interp) fn log_rest(session: &mut Session<'_>) {
    for at in 0..session.jobs.len() {
        let new = |job: &Job| job.finished.is_none();
        // A job that had to be ended is logged where that is found out.
        if session.jobs.get(at).is_some_and(new) && finish(session, at).is_ok() {
            log(session, at);
        }
    }
    session.jobs.clear();
}

/// Waits for one job, unless that was done before.
fn finish(session: &mut Session<'_>, at: usize) -> Step {
    let Some(job) = session.jobs.get_mut(at) else {
        return Ok(());
    };
    if job.finished.is_some() {
        return Ok(());
    }
    match session.world.finish(job.id) {
        Ok(finished) => {
            job.finished = Some(finished);
            Ok(())
        }
        Err((how, finished)) => {
            job.finished = Some(*finished);
            log(session, at);
            Err(how.into())
        }
    }
}

fn log(session: &mut Session<'_>, at: usize) {
    let Some(job) = session.jobs.get(at) else {
        return;
    };
    let Some(finished) = &job.finished else {
        return;
    };
    let log = &mut session.log;
    log.raw(b"[background] ");
    log.raw(&job.label);
    log.line(format!(": {}", gotext::status(finished.status)).as_bytes());
    log.output("stdout", &finished.stdout);
    log.output("stderr", &finished.stderr);
}

fn check(job: &Job) -> Step {
    let succeeded = job
        .finished
        .as_ref()
        .is_some_and(|finished| finished.status == Status::Exited(0));
    match (succeeded, job.expect) {
        (true, Expect::Failure) => fail("unexpected command success"),
        (false, Expect::Success) => fail("unexpected command failure"),
        (true, Expect::Success) | (false, Expect::Failure) => Ok(()),
    }
}
