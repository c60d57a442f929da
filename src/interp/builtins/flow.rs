//! Commands about the script itself: where it is, what it knows, when it ends.

use std::fs;
use std::io;

use crate::script::{Variables, path};

use crate::interp::execution::Execution;
use crate::interp::halt::{Halt, fail, text};
use crate::interp::os_error;
use crate::interp::setup::to_path;

use super::Call;

pub(super) fn cd(execution: &mut Execution<'_>, call: &Call<'_>) -> Result<(), Halt> {
    let [directory] = call.arguments else {
        return call.misused();
    };
    let target = path::absolute(&execution.directory, directory);
    match fs::metadata(to_path(&target)) {
        Ok(known) if known.is_dir() => {
            execution.log.line(&target);
            execution.directory = target;
            Ok(())
        }
        Ok(_) => fail!(target, " is not a directory"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fail!("directory ", directory, " does not exist")
        }
        Err(error) => Err(os_error::failure("stat", &target, &error)),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "all commands have one type")]
pub(super) fn env(execution: &mut Execution<'_>, call: &Call<'_>) -> Result<(), Halt> {
    if call.arguments.is_empty() {
        execution.log_environment();
    }
    for argument in call.arguments {
        if let Some(equals) = argument.iter().position(|b| *b == b'=') {
            let (name, value) = (&argument[..equals], &argument[equals + 1..]);
            execution.environment.set(name, value);
        } else {
            let value = execution.environment.value(argument).unwrap_or_default();
            execution.log.line(&text!(argument, "=", value));
        }
    }
    Ok(())
}

pub(super) fn skip(execution: &mut Execution<'_>, call: &Call<'_>) -> Result<(), Halt> {
    let reason = match call.arguments {
        [] => Vec::new(),
        [reason] => reason.clone(),
        _ => return call.misused(),
    };
    // A job that ends in another way than it should is a failure, not a skip.
    execution.interrupt_jobs();
    execution.wait_for_all()?;
    Err(Halt::Skipped(reason))
}

pub(super) fn stop(execution: &mut Execution<'_>, call: &Call<'_>) -> Result<(), Halt> {
    match call.arguments {
        [] => execution.log.line(b"stop"),
        [reason] => execution.log.line(&text!("stop: ", reason)),
        _ => return call.misused(),
    }
    Err(Halt::Stopped)
}
