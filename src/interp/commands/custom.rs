//! Commands of the user's: their call, and what they leave behind. Knows none of them.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::host::stream::Stream;
use crate::interp::halt::{Halt, Step, fail};
use crate::interp::registry::{Command, CommandContext, CommandError, Expect};
use crate::interp::session::Session;

pub(super) fn run(
    session: &mut Session<'_>,
    name: &str,
    command: &Command,
    expect: Expect,
    arguments: &[Vec<u8>],
) -> Step {
    let mut context = CommandContext {
        name,
        work_dir: &session.setup.work_dir,
        directory: &session.directory,
        environment: &mut session.environment,
        previous_stdout: &session.stdout,
        previous_stderr: &session.stderr,
        previous_ttyout: &session.ttyout,
        wrote: false,
        stdout: Vec::new(),
        stderr: Vec::new(),
        log: Vec::new(),
    };
    let mut result = Ok(Ok(()));
    let called = session.world.call(&mut || {
        result = caught(|| command(&mut context, expect, arguments));
    });
    let CommandContext {
        wrote,
        stdout,
        stderr,
        log,
        ..
    } = context;
    session.log.raw(&log);
    if wrote {
        session.stdout = Stream::from_bytes(stdout);
        session.stderr = Stream::from_bytes(stderr);
        for (name, output) in [("stdout", &session.stdout), ("stderr", &session.stderr)] {
            if output.bytes().is_ok_and(|bytes| !bytes.is_empty()) {
                session.log.output(name, output);
                // After what a program wrote, Go's log goes on at once; after a command's, on the next line.
                session.log.line(b"");
            }
        }
    }
    called?;
    match result {
        Ok(Ok(())) => Ok(()),
        Ok(Err(CommandError::Failed(message))) => fail(message),
        Ok(Err(CommandError::Skipped(reason))) => Err(Halt::Skip(reason)),
        Err(panic) => fail(panic),
    }
}

/// Runs code of the user's; a panic becomes words.
pub(in crate::interp) fn caught<T>(code: impl FnOnce() -> T) -> Result<T, String> {
    // Whatever a panic leaves half done is the user's, and the line fails.
    catch_unwind(AssertUnwindSafe(code)).map_err(|panic| format!("panicked: {}", words(&*panic)))
}

/// What a panic says, which is text unless somebody took pains.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a word")
}
