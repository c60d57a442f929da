//! Runs an engine's client inside a slot, where only the reaper may wait.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use crate::host::clock;
use crate::host::process::{Completed, Ending, Invocation, Runner};
use crate::host::reaper::{self, Input, JobState, Reap, Reaper};
use crate::host::spawn::{Spec, Tty};

/// The bounded runner of a slot.
#[derive(Debug)]
pub(super) struct Reaping<'a> {
    pub(super) reaper: &'a mut Reaper,
}

/// How long a killed client may take to go.
const KILL_GRACE: Duration = Duration::from_millis(500);

impl Runner for Reaping<'_> {
    fn run(&mut self, invocation: &Invocation, limit: Duration) -> Completed {
        let begun = clock::now();
        let arguments: Vec<Vec<u8>> = invocation
            .arguments
            .iter()
            .map(|word| word.as_bytes().to_vec())
            .collect();
        let environment: Vec<(&[u8], &[u8])> = invocation
            .environment
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
            .collect();
        let spec = Spec {
            path: &invocation.program,
            arguments: &arguments,
            environment: &environment,
            directory: invocation.directory.as_deref().unwrap_or(Path::new("/")),
            stdin: false,
            terminal: Tty::None,
        };
        let job = match self.reaper.start(&spec, Input::default()) {
            Ok(job) => job,
            Err(error) => return Completed::not_started(&error),
        };
        let in_time = self.wait(job, limit);
        if !in_time {
            self.reaper.signal(job, libc::SIGKILL);
            self.wait(job, KILL_GRACE);
        }
        let Some(collected) = self.reaper.collect(job) else {
            return Completed::not_started(&"its end was lost");
        };
        let ending = match collected.ending {
            _ if !in_time => Ending::TimedOut,
            Some(reaper::Ending::Exited(code)) => Ending::Exited(code),
            Some(reaper::Ending::Signaled(signal) | reaper::Ending::Dumped(signal)) => {
                Ending::Signaled(signal)
            }
            None => Ending::TimedOut,
        };
        let text = |stream: &crate::host::stream::Stream| {
            stream.bytes().map(<[u8]>::to_vec).unwrap_or_default()
        };
        Completed {
            ending,
            stdout: text(&collected.stdout),
            stderr: text(&collected.stderr),
            took: clock::now() - begun,
        }
    }
}

impl Reaping<'_> {
    /// Waits for the client and its output; a conmon that inherited the output does not keep us.
    fn wait(&mut self, job: u32, limit: Duration) -> bool {
        let give_up = clock::now() + limit;
        loop {
            let now = clock::now();
            let wake = match self.reaper.state(job) {
                JobState::Over => return true,
                JobState::Held(since) if now >= since + KILL_GRACE => return true,
                JobState::Held(since) => since + KILL_GRACE,
                JobState::Running if now >= give_up => return false,
                JobState::Running => give_up,
            };
            self.reaper
                .turn(&[], Some(wake.saturating_duration_since(now)), Reap::All);
        }
    }
}
