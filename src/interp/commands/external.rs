//! Commands that an executable carries out: it is told what the line expects, and says whether that was met.
//! Knows none of them.

use std::path::Path;

use super::exec::keep_output;
use crate::host::stream::Stream;
use crate::interp::halt::{Step, fail};
use crate::interp::registry::Expect;
use crate::interp::session::Session;
use crate::interp::{Program, Status, gotext};
use crate::script::is_background;

/// The variable that says what the line expects.
const EXPECT: &str = "SHAKEDOWN_EXPECT";

/// Runs the executable in the foreground, as `exec` runs a program.
pub(super) fn run(
    session: &mut Session<'_>,
    name: &str,
    path: &Path,
    expect: Expect,
    arguments: &[Vec<u8>],
) -> Step {
    if arguments.last().is_some_and(|word| is_background(word)) {
        return fail(format!("unsupported: {name} in the background"));
    }
    let wanted = match expect {
        Expect::Success => "success",
        Expect::Failure => "failure",
    };
    session.stdout = Stream::default();
    session.stderr = Stream::default();
    let terminal = session.terminal.take();
    let has_terminal = terminal.is_some();
    let mut environment = session.environment.for_program(&session.directory);
    environment.push((EXPECT.as_bytes(), wanted.as_bytes()));
    let program = Program {
        path,
        arguments,
        environment,
        directory: &session.directory,
        stdin: std::mem::take(&mut session.stdin),
        terminal,
    };
    let job = session.world.start(&program).or_else(|error| {
        let errno = gotext::errno(error.errno);
        let before = format!("{name}: fork/exec");
        fail(gotext::about_path(&before, path, &format!(": {errno}")))
    })?;
    // Only programs have a status that counts.
    let before = session.status;
    match session.world.finish(job) {
        Ok(finished) => {
            let status = finished.status;
            keep_output(session, finished, has_terminal);
            session.status = before;
            if status == Status::Exited(0) {
                return Ok(());
            }
            fail(format!("{name}: {}", gotext::status(status)))
        }
        Err((how, finished)) => {
            keep_output(session, *finished, has_terminal);
            session.status = before;
            Err(how.into())
        }
    }
}
