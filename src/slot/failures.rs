//! Which program made a line fail, and which engine command was behind it: what a signature is looked for in.
//! Does not know what the line expected.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use crate::host::reaper::Ending;
use crate::host::stream::Stream;
use crate::interp::JobId;
use crate::model::{Bytes, EngineCall, EngineKind, FailedProgram, Outcome};
use crate::shim::command::command;

/// So much of the end of a stderr is kept: engines say last why they failed.
const KEPT: usize = 16 * 1024;

/// What is known of programs that failed.
#[derive(Debug, Default)]
pub(super) struct Failures {
    /// Programs that are an engine's client themselves.
    clients: BTreeMap<JobId, EngineCall>,
    /// The last engine command that some program ran, and in which line.
    heard: Option<(u32, EngineCall)>,
    /// The program of each line that ended last, if it failed.
    failed: BTreeMap<u32, FailedProgram>,
}

impl Failures {
    /// A program was started.
    pub(super) fn started(&mut self, job: JobId, path: &Path, arguments: &[Vec<u8>]) {
        let name = path.file_name().and_then(|name| name.to_str());
        if let Some(engine) = name.and_then(|name| name.parse::<EngineKind>().ok()) {
            let words: Vec<OsString> = arguments
                .iter()
                .map(|word| OsString::from_vec(word.clone()))
                .collect();
            let command = command(&words);
            let direct = true;
            self.clients.insert(
                job,
                EngineCall {
                    engine,
                    command,
                    direct,
                },
            );
        }
    }

    /// Some program called an engine with this command line, its name first.
    pub(super) fn called(&mut self, line: u32, engine: EngineKind, typed: &str) {
        let words: Vec<OsString> = typed
            .split_whitespace()
            .skip(1)
            .map(OsString::from)
            .collect();
        let command = command(&words);
        let direct = false;
        let call = EngineCall {
            engine,
            command,
            direct,
        };
        self.heard = Some((line, call));
    }

    /// A program is over. `lines`: where it was started, and which line waited for it.
    pub(super) fn ended(
        &mut self,
        job: JobId,
        lines: (u32, u32),
        ending: Option<Ending>,
        stderr: &Stream,
    ) {
        let (begun, awaited) = lines;
        let client = self.clients.remove(&job);
        let (exit, signal) = match ending {
            // A line fails by the last program that it waits for.
            Some(Ending::Exited(0)) => {
                self.failed.remove(&awaited);
                return;
            }
            Some(Ending::Exited(code)) => (Some(code), None),
            Some(Ending::Signaled(signal) | Ending::Dumped(signal)) => (None, Some(signal)),
            None => (None, None),
        };
        let heard = self.heard.as_ref();
        let heard = heard.filter(|(line, _)| [begun, awaited].contains(line));
        let bytes = stderr.bytes().unwrap_or_default();
        let program = FailedProgram {
            exit,
            signal,
            stderr: Bytes(bytes[bytes.len().saturating_sub(KEPT)..].to_vec()),
            call: client.or_else(|| heard.map(|(_, call)| call.clone())),
        };
        self.failed.insert(awaited, program);
    }

    /// The program that made this outcome.
    pub(super) fn of(&mut self, outcome: &Outcome) -> Option<FailedProgram> {
        match outcome {
            Outcome::Failed(failure) => self.failed.remove(&failure.place.line),
            Outcome::Passed
            | Outcome::Skipped { .. }
            | Outcome::TimedOut(_)
            | Outcome::Faulted(_)
            | Outcome::Cancelled => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Failure, Place};

    fn failed_in(line: u32) -> Outcome {
        Outcome::Failed(Failure {
            place: Place {
                line,
                ..Place::default()
            },
            message: "unexpected command failure".into(),
        })
    }

    fn stderr(text: &str) -> Stream {
        Stream::from_bytes(text.as_bytes().to_vec())
    }

    #[test]
    fn a_client_that_is_the_program_itself_is_known_by_its_arguments() {
        let mut failures = Failures::default();
        let words = ["--log-level", "debug", "run", "--rm", "x"].map(Into::into);
        failures.started(JobId(1), Path::new("/shims/podman"), &words);
        failures.ended(
            JobId(1),
            (3, 3),
            Some(Ending::Exited(125)),
            &stderr("Error: x"),
        );
        let program = failures.of(&failed_in(3)).unwrap();
        let call = program.call.unwrap();
        assert_eq!((call.command.as_str(), call.direct), ("run", true));
        assert_eq!(
            (program.exit, program.stderr),
            (Some(125), "Error: x".into())
        );
        assert_eq!(failures.of(&failed_in(3)), None);
    }

    #[test]
    fn behind_another_program_it_is_the_last_command_that_was_heard() {
        let mut failures = Failures::default();
        failures.started(JobId(1), Path::new("/bin/sh"), &[]);
        failures.called(2, EngineKind::Docker, "docker build -t x .");
        failures.called(2, EngineKind::Docker, "docker container run x");
        failures.ended(JobId(1), (2, 2), Some(Ending::Exited(1)), &stderr(""));
        let call = failures.of(&failed_in(2)).unwrap().call.unwrap();
        assert_eq!((call.command.as_str(), call.direct), ("run", false));
        // A later line has nothing to do with it.
        failures.started(JobId(2), Path::new("/bin/false"), &[]);
        failures.ended(JobId(2), (4, 4), Some(Ending::Exited(1)), &stderr(""));
        assert_eq!(failures.of(&failed_in(4)).unwrap().call, None);
    }

    #[test]
    fn what_failed_as_expected_is_not_what_made_another_line_fail() {
        let mut failures = Failures::default();
        failures.ended(JobId(1), (1, 1), Some(Ending::Exited(1)), &stderr("no"));
        assert_eq!(failures.of(&failed_in(2)), None);
        // Within one line, such as `wait`, the last counts.
        failures.ended(JobId(2), (3, 5), Some(Ending::Exited(1)), &stderr("no"));
        failures.ended(JobId(3), (4, 5), Some(Ending::Exited(0)), &stderr(""));
        assert_eq!(failures.of(&failed_in(5)), None);
    }

    #[test]
    fn only_the_end_of_a_long_stderr_is_kept() {
        let mut failures = Failures::default();
        let long = "x".repeat(KEPT) + "the end";
        failures.ended(JobId(1), (1, 1), Some(Ending::Exited(1)), &stderr(&long));
        let kept = failures.of(&failed_in(1)).unwrap().stderr;
        assert_eq!(kept.0.len(), KEPT);
        assert!(kept.0.ends_with(b"the end"));
    }
}
