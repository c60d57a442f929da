//! `exec`: programs in the foreground and the start of those in the background. Knows nothing of how
//! the world runs a program.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::Command;
use crate::host::search;
use crate::host::stream::Stream;
use crate::interp::gotext;
use crate::interp::halt::{Step, fail};
use crate::interp::registry::Expect;
use crate::interp::session::{Job, Session};
use crate::interp::{Finished, JobId, Program, StartError, Status};
use crate::script::check::{Form, Role};
use crate::script::{Dialect, is_background};

pub(super) const EXEC: Command = Command {
    name: "exec",
    usage: "exec program [args...] [&]",
    summary: "run a program, with & in the background",
    details: "A name without `/` is looked up in the script's `PATH`; a path counts from the current directory. There is no shell: `|`, `>` and `*` are plain words. A last word `&`, or `&name&`, leaves the program in the background, for `wait` and `kill`.",
    example: "exec sh -c 'ls | sort'",
    negatable: true,
    form: Form::words(1, None, &[Role::Other]).of_a_program(),
    run: program,
};

/// Runs the program that the first word names; a last word `&` or `&name&` leaves it in the background.
pub(super) fn program(session: &mut Session<'_>, expect: Expect, words: &[Vec<u8>]) -> Step {
    let (words, background) = match words {
        [words @ .., last] if is_background(last) => (words, Some(last)),
        _ => (words, None),
    };
    let [program, arguments @ ..] = words else {
        return EXEC.misused();
    };
    let Some(mark) = background else {
        return foreground(session, expect, program, arguments);
    };
    let name = mark.get(1..mark.len() - 1).filter(|name| !name.is_empty());
    let name = name.map(<[u8]>::to_vec);
    if name.is_some() && session.jobs.iter().any(|job| job.name == name) {
        let quoted = gotext::quote(&name.unwrap_or_default());
        return fail(format!("duplicate background process name {quoted}"));
    }
    let started = if session.terminal.is_some() {
        session.stdout = Stream::default();
        session.stderr = Stream::default();
        Err(b"ttyin is not supported by background commands".to_vec())
    } else {
        start(session, program, arguments)
    };
    match started {
        Ok((id, path)) => {
            session.jobs.push(Job {
                id,
                name,
                label: label(&path, arguments),
                expect,
                place: session.place.clone(),
                finished: None,
            });
            Ok(())
        }
        Err(why) => judge(session, expect, Some(&why)),
    }
}

fn label(path: &Path, arguments: &[Vec<u8>]) -> Vec<u8> {
    let base = path.file_name().unwrap_or(path.as_os_str());
    let mut label = base.as_bytes().to_vec();
    for argument in arguments {
        label.push(b' ');
        label.extend_from_slice(argument);
    }
    label
}

fn foreground(
    session: &mut Session<'_>,
    expect: Expect,
    program: &[u8],
    arguments: &[Vec<u8>],
) -> Step {
    let terminal = session.terminal.is_some();
    let job = match start(session, program, arguments) {
        Ok((job, _)) => job,
        Err(why) => return judge(session, expect, Some(&why)),
    };
    match session.world.finish(job) {
        Ok(finished) => {
            let status = finished.status;
            keep_output(session, finished, terminal);
            let failure = (status != Status::Exited(0)).then(|| gotext::status(status));
            judge(session, expect, failure.as_ref().map(String::as_bytes))
        }
        Err((how, finished)) => {
            keep_output(session, *finished, terminal);
            Err(how.into())
        }
    }
}

/// What a program without a terminal wrote leaves `ttyout` as it was.
pub(super) fn keep_output(session: &mut Session<'_>, finished: Finished, terminal: bool) {
    session.status = Some(finished.status);
    session.log.output("stdout", &finished.stdout);
    session.log.output("stderr", &finished.stderr);
    session.stdout = finished.stdout;
    session.stderr = finished.stderr;
    if terminal {
        // testscript does not show it.
        if session.script.dialect == Dialect::Shakedown {
            session.log.output("ttyout", &finished.terminal);
        }
        session.ttyout = finished.terminal;
    }
}

/// Compares what happened with what the line expects.
fn judge(session: &mut Session<'_>, expect: Expect, failure: Option<&[u8]>) -> Step {
    if let Some(failure) = failure {
        session.log.line(&[b"[", failure, b"]"].concat());
    }
    match (failure, expect) {
        (None, Expect::Failure) => fail("unexpected command success"),
        (Some(_), Expect::Success) => fail("unexpected command failure"),
        (None, Expect::Success) | (Some(_), Expect::Failure) => Ok(()),
    }
}

/// Starts a program and takes the standard input and the terminal that were set for it; they stay for the next one
/// when there is no such program. Whether or not it starts, the saved outputs are empty then.
fn start(
    session: &mut Session<'_>,
    word: &[u8],
    arguments: &[Vec<u8>],
) -> Result<(JobId, PathBuf), Vec<u8>> {
    session.stdout = Stream::default();
    session.stderr = Stream::default();
    session.status = None;
    let path = find(session, word)?;
    let stdin = std::mem::take(&mut session.stdin);
    let terminal = session.terminal.take();
    let environment = session.environment.for_program(&session.directory);
    if environment.iter().any(|(_, value)| value.contains(&0)) {
        return Err(b"exec: environment variable contains NUL".to_vec());
    }
    let program = Program {
        path: &path,
        arguments,
        environment,
        directory: &session.directory,
        stdin,
        terminal,
    };
    match session.world.start(&program) {
        Ok(job) => Ok((job, path)),
        Err(error) => Err(start_error(&path, &session.directory, error)),
    }
}

/// Go looks at the directory first, so that a missing one is not taken for a missing program.
fn start_error(path: &Path, directory: &Path, error: StartError) -> Vec<u8> {
    if let Err(error) = fs::metadata(directory) {
        return gotext::path_error("chdir", directory, &error);
    }
    let cause = format!(": {}", gotext::errno(error.errno));
    gotext::about_path("fork/exec", path, &cause)
}

/// A word with a slash is a path; any other is looked up in the script's `PATH`.
fn find(session: &Session<'_>, word: &[u8]) -> Result<PathBuf, Vec<u8>> {
    if word == b"/" {
        // Its base name is itself, so Go looks it up.
        return Err(b"exec: \"/\": permission denied".to_vec());
    }
    if word.contains(&b'/') {
        return Ok(PathBuf::from(OsStr::from_bytes(word)));
    }
    let path = session.environment.get(b"PATH").unwrap_or_default();
    // Go does not look nothing up: its base name is `.`, which is not nothing.
    if word.is_empty() {
        return Err(b"exec: no command".to_vec());
    }
    search::executable(word, path).ok_or_else(|| {
        let quoted = gotext::quote(word);
        format!("exec: {quoted}: executable file not found in $PATH").into_bytes()
    })
}
