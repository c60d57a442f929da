//! Commands about programs: `exec`, in the foreground and behind `&`, `wait`, `kill`.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

use crate::script::{Command, Variables, go_text, path};

use crate::host::stream::Stream;
use crate::interp::execution::Execution;
use crate::interp::halt::{Halt, fail, text};
use crate::interp::jobs::{Job, SIGINT, expect, status_words, succeeded};
use crate::interp::os_error;
use crate::interp::setup::{BarePrograms, to_path, to_path_buf};
use crate::interp::world::{Finished, Interrupted, JobId, Program};

use super::Call;

const SIGKILL: i32 = 9;

/// A registered program called without `exec`.
pub(super) fn bare(execution: &mut Execution<'_>, command: &Command) -> Result<(), Halt> {
    let name = &command.name;
    if execution.setup.bare_programs == BarePrograms::Refused {
        let why = "(because RequireExplicitExec is enabled)";
        return fail!("use 'exec ", name, "' rather than '", name, "' ", why);
    }
    let mut words = Vec::with_capacity(command.arguments.len() + 1);
    words.push(name.clone());
    words.extend_from_slice(&command.arguments);
    let call = Call {
        name: b"exec",
        negated: command.negated,
        arguments: &words,
        usage: "exec program [args...] [&]",
    };
    exec(execution, &call)
}

pub(super) fn exec(execution: &mut Execution<'_>, call: &Call<'_>) -> Result<(), Halt> {
    let (words, job_name) = match call.arguments {
        [words @ .., last] => match background_name(last) {
            Some(name) => (words, Some(name)),
            None => (call.arguments, None),
        },
        [] => return call.misused(),
    };
    let Some((program, arguments)) = words.split_first() else {
        return call.misused();
    };
    match job_name {
        None => foreground(execution, call, program, arguments),
        Some(name) if execution.job_named(name).is_some() => {
            let name = go_text::quote(name);
            fail!("duplicate background process name ", name)
        }
        Some(name) => background(execution, call, name, words),
    }
}

/// The name in `&name&`, empty for `&`; `None` for an ordinary word.
fn background_name(word: &[u8]) -> Option<&[u8]> {
    match word.strip_prefix(b"&")? {
        [] => Some(b""),
        named => {
            let name = named.strip_suffix(b"&")?;
            let in_name = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
            (!name.is_empty() && name.iter().all(in_name)).then_some(name)
        }
    }
}

fn foreground(
    execution: &mut Execution<'_>,
    call: &Call<'_>,
    program: &[u8],
    arguments: &[Vec<u8>],
) -> Result<(), Halt> {
    let started = execution.start(program, arguments);
    let (finished, interrupted) = match started {
        Ok((_, job)) => match execution.world.finish(job) {
            Ok(finished) => (finished, None),
            Err((kind, finished)) => (*finished, Some(kind)),
        },
        Err(error) => return not_started(execution, call, &error),
    };
    let Finished {
        status,
        stdout,
        stderr,
    } = finished;
    execution.log.stream("stdout", &stdout);
    execution.log.stream("stderr", &stderr);
    (execution.stdout, execution.stderr) = (stdout, stderr);
    if let Some(kind) = interrupted {
        let why = match kind {
            Interrupted::Deadline => "[context deadline exceeded]",
            Interrupted::Cancelled => "[context canceled]",
            Interrupted::Faulted => "[context lost]",
        };
        execution.log.line(why.as_bytes());
        return Err(kind.into());
    }
    if !succeeded(status) {
        let words = format!("[{}]", status_words(status));
        execution.log.line(words.as_bytes());
    }
    expect(status, call.negated)
}

fn not_started(execution: &mut Execution<'_>, call: &Call<'_>, error: &[u8]) -> Result<(), Halt> {
    execution.stdout = Stream::default();
    execution.stderr = Stream::default();
    execution.log.line(&text!("[", error, "]"));
    if call.negated {
        Ok(())
    } else {
        fail!("unexpected command failure")
    }
}

fn background(
    execution: &mut Execution<'_>,
    call: &Call<'_>,
    name: &[u8],
    words: &[Vec<u8>],
) -> Result<(), Halt> {
    let (path, id) = match execution.start(&words[0], &words[1..]) {
        Ok(started) => started,
        Err(error) => return not_started(execution, call, &error),
    };
    let mut title = path::base(&path).to_vec();
    for argument in &words[1..] {
        title.push(b' ');
        title.extend_from_slice(argument);
    }
    execution.jobs.push(Job {
        id,
        name: name.to_vec(),
        title,
        negated: call.negated,
        place: execution.place.clone(),
        finished: None,
    });
    execution.stdout = Stream::default();
    execution.stderr = Stream::default();
    Ok(())
}

impl Execution<'_> {
    /// Starts a program; tells the file that was executed and its job, or why it could not be.
    fn start(
        &mut self,
        program: &[u8],
        arguments: &[Vec<u8>],
    ) -> Result<(Vec<u8>, JobId), Vec<u8>> {
        let path = if path::base(program) == program {
            self.look_up(program)?
        } else {
            program.to_vec()
        };
        if path.is_empty() {
            return Err(b"exec: no command".to_vec());
        }
        let program = Program {
            path: to_path_buf(path.clone()),
            arguments: arguments.to_vec(),
            environment: self.environment.for_program(&self.directory),
            directory: to_path_buf(self.directory.clone()),
            stdin: std::mem::take(&mut self.stdin),
        };
        match self.world.start(&program) {
            Ok(job) => Ok((path, job)),
            Err(error) => {
                // The directory is checked only now, because that costs a system call.
                let why = os_error::errno_words(error.errno);
                Err(fs::metadata(&program.directory).map_or_else(
                    |error| text!("chdir ", self.directory, ": ", os_error::words(&error)),
                    |_| text!("fork/exec ", path, ": ", why),
                ))
            }
        }
    }

    /// Finds a program as a shell does, by the script's `PATH`.
    pub(in crate::interp) fn look_up(&self, program: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        let harness = self.world.harness_directory().as_os_str().as_bytes();
        let not_found = |why: &str| text!("exec: ", go_text::quote(program), ": ", why);
        if program.contains(&b'/') {
            return match executable(&path::absolute(harness, program)) {
                Ok(()) => Ok(program.to_vec()),
                Err(why) => Err(not_found(&why)),
            };
        }
        let path = self.environment.value(b"PATH").unwrap_or_default();
        let directories = path.split(|b| *b == b':').filter(|_| !path.is_empty());
        for directory in directories {
            let directory = if directory.is_empty() {
                b"."
            } else {
                directory
            };
            let candidate = path::join(directory, program);
            // A relative directory counts from the harness's own.
            if executable(&path::absolute(harness, &candidate)).is_ok() {
                return Ok(candidate);
            }
        }
        Err(not_found("executable file not found in $PATH"))
    }
}

/// Whether a file could be executed by somebody.
fn executable(file: &[u8]) -> Result<(), String> {
    let known = fs::metadata(to_path(file)).map_err(|error| {
        format!(
            "stat {}: {}",
            String::from_utf8_lossy(file),
            os_error::words(&error)
        )
    })?;
    if !known.is_dir() && known.permissions().mode() & 0o111 != 0 {
        Ok(())
    } else {
        Err("permission denied".to_owned())
    }
}

pub(super) fn wait(execution: &mut Execution<'_>, call: &Call<'_>) -> Result<(), Halt> {
    match call.arguments {
        [] => execution.wait_for_all(),
        [name] => {
            let index = named(execution, name)?;
            execution.wait_for(index)
        }
        _ => call.misused(),
    }
}

pub(super) fn kill(execution: &mut Execution<'_>, call: &Call<'_>) -> Result<(), Halt> {
    let (signal, name) = match call.arguments {
        [] => (SIGKILL, None),
        [option, rest @ ..] if option.starts_with(b"-") && rest.len() < 2 => {
            let signal = match &option[1..] {
                b"INT" => SIGINT,
                b"KILL" => SIGKILL,
                other => return fail!("unknown signal: ", other),
            };
            (signal, rest.first())
        }
        [name] | [name, _] => (SIGKILL, Some(name)),
        _ => return call.misused(),
    };
    let jobs = match name.filter(|name| !name.is_empty()) {
        Some(name) => {
            let index = named(execution, name)?;
            index..index + 1
        }
        None => 0..execution.jobs.len(),
    };
    for job in &execution.jobs[jobs] {
        if !execution.world.signal(job.id, signal) {
            let name = go_text::quote(&job.name);
            let what = "unexpected error terminating background command ";
            return fail!(what, name, ": os: process already finished");
        }
    }
    Ok(())
}

fn named(execution: &Execution<'_>, name: &[u8]) -> Result<usize, Halt> {
    execution
        .job_named(name)
        .ok_or_else(|| Halt::Failed(text!("unknown background process ", go_text::quote(name))))
}
