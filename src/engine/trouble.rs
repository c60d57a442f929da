//! Why an engine cannot be used, as clauses for people. Knows how engine clients fail, not what follows from it.

use std::path::PathBuf;
use std::time::Duration;

use crate::host::process::{Completed, Ending};

/// Why an engine cannot be used; reads well after `docker: `.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Not installed, or not where programs are looked for.
    #[error("no `{program}` in PATH")]
    Missing {
        /// The client's name.
        program: &'static str,
    },
    /// Installed, but the system refuses to start it.
    #[error("`{}` cannot be started: {why}", .program.display())]
    NotStarted {
        /// The client.
        program: PathBuf,
        /// The system's words.
        why: String,
    },
    /// It gave no answer: no client has a limit of its own.
    #[error("`{command}` gave no answer within {limit:?}")]
    Silent {
        /// What was asked.
        command: String,
        /// How long.
        limit: Duration,
    },
    /// The client died.
    #[error("`{command}` was killed by signal {signal}")]
    Killed {
        /// What was asked.
        command: String,
        /// By which signal.
        signal: i32,
    },
    /// The daemon's socket is there, but not for this user.
    #[error("no permission to use its socket: {said}")]
    NoPermission {
        /// The client's words.
        said: String,
    },
    /// The client is there, the daemon is not.
    #[error("its daemon cannot be reached: {said}")]
    Unreachable {
        /// The client's words.
        said: String,
    },
    /// Any other failure.
    #[error("`{command}` failed with exit code {code}: {said}")]
    Failed {
        /// What was asked.
        command: String,
        /// The exit code.
        code: i32,
        /// The client's words.
        said: String,
    },
    /// It answered, but not in the form that was asked for.
    #[error("`{command}` did not answer in JSON: {said}")]
    Unreadable {
        /// What was asked.
        command: String,
        /// The beginning of what it said.
        said: String,
    },
}

/// A successful answer's stdout, or what went wrong. `command` is what was asked, as typed.
pub fn expect_success(
    command: &str,
    invocation_program: &std::path::Path,
    completed: Completed,
    limit: Duration,
) -> Result<Vec<u8>, Trouble> {
    let command = command.to_owned();
    match completed.ending {
        Ending::Exited(0) => Ok(completed.stdout),
        Ending::Exited(code) => Err(failed(command, code, &completed.stderr)),
        Ending::Signaled(signal) => Err(Trouble::Killed { command, signal }),
        Ending::TimedOut => Err(Trouble::Silent { command, limit }),
        Ending::NotStarted(why) => Err(Trouble::NotStarted {
            program: invocation_program.to_owned(),
            why,
        }),
    }
}

fn failed(command: String, code: i32, stderr: &[u8]) -> Trouble {
    let said = essence(stderr);
    let text = String::from_utf8_lossy(stderr).to_lowercase();
    let has = |needles: &[&str]| needles.iter().any(|needle| text.contains(needle));
    if text.contains("permission denied") && has(&["socket", "dial unix"]) {
        Trouble::NoPermission { said }
    } else if has(&UNREACHABLE) {
        Trouble::Unreachable { said }
    } else {
        Trouble::Failed {
            command,
            code,
            said,
        }
    }
}

/// The words of the clients for a daemon or service that does not answer at its address.
const UNREACHABLE: [&str; 6] = [
    "cannot connect to the docker daemon",
    "failed to connect to the docker api",
    "cannot connect to podman",
    "unable to connect to podman",
    "error during connect",
    "connection refused",
];

/// The line that says why: the last with `error` in front, else the last that is no warning. Cut to be read.
pub fn essence(stderr: &[u8]) -> String {
    const ENOUGH: usize = 300;
    let text = String::from_utf8_lossy(stderr);
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let is_error = |line: &&str| line.to_lowercase().starts_with("error");
    let line = lines()
        .rfind(is_error)
        .or_else(|| lines().rfind(|line| !is_warning(line)))
        .or_else(|| lines().next_back())
        .unwrap_or("it said nothing");
    line.chars().take(ENOUGH).collect()
}

/// Podman's log lines below the level of an error; they come with any exit code.
pub fn is_warning(line: &str) -> bool {
    let line = line.trim_start();
    ["WARN[", "INFO[", "DEBU[", "WARNING: ", "Emulate Docker CLI"]
        .iter()
        .any(|head| line.starts_with(head))
        || (line.starts_with("time=")
            && !line.contains("level=error")
            && !line.contains("level=fatal"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ending: Ending, stderr: &str, clause: &str) {
        let completed = Completed {
            ending,
            stdout: b"out".to_vec(),
            stderr: stderr.into(),
            took: Duration::ZERO,
        };
        let limit = Duration::from_secs(10);
        let answer = expect_success("docker version", "/bin/docker".as_ref(), completed, limit);
        let text = answer.map_or_else(|e| e.to_string(), |out| String::from_utf8(out).unwrap());
        assert_eq!(text, clause);
    }

    #[test]
    fn every_way_to_fail_has_its_clause() {
        check(Ending::Exited(0), "WARNING: anything", "out");
        check(
            Ending::TimedOut,
            "",
            "`docker version` gave no answer within 10s",
        );
        check(
            Ending::Signaled(11),
            "",
            "`docker version` was killed by signal 11",
        );
        check(
            Ending::NotStarted("Exec format error".into()),
            "",
            "`/bin/docker` cannot be started: Exec format error",
        );
        check(
            Ending::Exited(127),
            "",
            "`docker version` failed with exit code 127: it said nothing",
        );
        let dead = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?";
        check(
            Ending::Exited(1),
            dead,
            &format!("its daemon cannot be reached: {dead}"),
        );
        let new =
            "failed to connect to the docker API at unix:///x.sock; check if the path is correct";
        check(
            Ending::Exited(1),
            new,
            &format!("its daemon cannot be reached: {new}"),
        );
        let denied = "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get \"http://x/version\": dial unix /var/run/docker.sock: connect: permission denied";
        check(
            Ending::Exited(1),
            denied,
            &format!("no permission to use its socket: {denied}"),
        );
        let podman = "WARN[0000] \"/\" is not a shared mount\nError: cannot resolve /no-home: lstat /no-home: no such file or directory\n";
        check(
            Ending::Exited(1),
            podman,
            "`docker version` failed with exit code 1: Error: cannot resolve /no-home: lstat /no-home: no such file or directory",
        );
    }
}
