//! Commands of the user's: their outputs become the last outputs, their panics become failures.

use std::any::Any;
use std::os::unix::ffi::OsStrExt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::host::stream::Stream;
use crate::script;

use crate::interp::execution::Execution;
use crate::interp::halt::Halt;
use crate::interp::registry::{CommandContext, CommandError, CommandFunction, Written};

/// Runs a command of the user's while the world keeps watch.
pub(super) fn run(
    execution: &mut Execution<'_>,
    custom: &CommandFunction,
    command: &script::Command,
) -> Result<(), Halt> {
    let mut context = CommandContext {
        work_dir: execution.setup.work_dir.as_os_str().as_bytes(),
        directory: &mut execution.directory,
        environment: &mut execution.environment,
        last_stdout: &execution.stdout,
        last_stderr: &execution.stderr,
        stdin: &execution.stdin,
        log: Vec::new(),
        written: None,
    };
    let mut result = Ok(());
    let called = execution.world.call(&mut || {
        let run = || custom(&mut context, command.negated, &command.arguments);
        result = caught(run).unwrap_or_else(|panic| Err(CommandError::new(panic)));
    });
    let CommandContext { log, written, .. } = context;
    execution.log.text(&log);
    if let Some(Written { stdout, stderr }) = written {
        for (name, bytes) in [("[stdout]", &stdout), ("[stderr]", &stderr)] {
            if !bytes.is_empty() {
                execution.log.line(name.as_bytes());
                execution.log.shortened(bytes);
                // Unlike the output of programs, this is always completed, as Go does.
                execution.log.text(b"\n");
            }
        }
        execution.stdout = Stream::from_bytes(stdout);
        execution.stderr = Stream::from_bytes(stderr);
    }
    called?;
    result.map_err(|error| Halt::Failed(error.0))
}

/// Runs code of the user's; a panic becomes an error.
pub(in crate::interp) fn caught<T>(code: impl FnOnce() -> T) -> Result<T, String> {
    // Whatever the panic left half done belongs to the command, and the script fails.
    catch_unwind(AssertUnwindSafe(code)).map_err(|panic| format!("panicked: {}", message(&*panic)))
}

fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("with no message")
}
