//! Programs run under a time limit, and the one place of this process that starts any.
//!
//! Knows nothing of what it runs. In a slot another [`Runner`] serves, for there one thread reaps everything.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use wait_timeout::ChildExt;

use super::clock;

/// What to run. The environment is the whole of it: nothing is inherited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The program's path; a bare name is not searched for.
    pub program: PathBuf,
    /// The arguments after the program's name.
    pub arguments: Vec<OsString>,
    /// The whole environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Where it runs; the caller's directory when `None`.
    pub directory: Option<PathBuf>,
}

/// The last value of a variable in a list that may name it twice, as a process would see it.
pub fn variable<'a>(environment: &'a [(OsString, OsString)], name: &str) -> Option<&'a OsStr> {
    let found = environment.iter().rev().find(|(key, _)| key == name);
    found.map(|(_, value)| value.as_os_str())
}

/// Who this process runs as.
pub fn user() -> u32 {
    rustix::process::getuid().as_raw()
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// With this exit code.
    Exited(i32),
    /// By this signal, which was not ours.
    Signaled(i32),
    /// Its limit passed, so its process group was killed.
    TimedOut,
    /// It could not be started, in the words of the system.
    NotStarted(String),
}

/// All that a bounded run gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completed {
    /// How it ended.
    pub ending: Ending,
    /// What it had written to stdout by then.
    pub stdout: Vec<u8>,
    /// What it had written to stderr by then.
    pub stderr: Vec<u8>,
    /// From start to end.
    pub took: Duration,
}

impl Completed {
    /// It exited with code 0.
    pub fn succeeded(&self) -> bool {
        self.ending == Ending::Exited(0)
    }

    /// The same for something that never ran.
    pub fn not_started(why: &impl ToString) -> Self {
        Completed {
            ending: Ending::NotStarted(why.to_string()),
            stdout: Vec::new(),
            stderr: Vec::new(),
            took: Duration::ZERO,
        }
    }
}

/// Something that runs a program for at most so long.
pub trait Runner {
    /// Runs it to its end or to the limit; never longer (a moment for the kill aside).
    fn run(&mut self, invocation: &Invocation, limit: Duration) -> Completed;
}

/// How long a killed process group may take to be gone before it is given up.
const KILL_WAIT: Duration = Duration::from_secs(2);

/// More output than this is not kept: whoever writes it is no engine client in good health.
const OUTPUT_CAP: u64 = 64 << 20;

/// The runner of the harness and of the stand-in. It waits for its own child, so it must not serve in a
/// process that reaps with `waitpid(-1)`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bounded;

impl Runner for Bounded {
    fn run(&mut self, invocation: &Invocation, limit: Duration) -> Completed {
        let start = clock::now();
        let mut completed =
            bounded(invocation, limit).unwrap_or_else(|e| Completed::not_started(&e));
        completed.took = clock::now() - start;
        completed
    }
}

/// Output goes to files, not pipes: a grandchild that keeps a descriptor then holds nobody up.
fn bounded(invocation: &Invocation, limit: Duration) -> io::Result<Completed> {
    let (stdout, stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
    let mut command = command(invocation);
    command
        .stdin(Stdio::null())
        .stdout(stdout.try_clone()?)
        .stderr(stderr.try_clone()?)
        .process_group(0);
    let mut child = spawn(&mut command)?;
    let ending = match child.wait_timeout(limit)? {
        Some(status) => ending(status),
        None => end_group(&mut child)?,
    };
    Ok(Completed {
        ending,
        stdout: content(&stdout)?,
        stderr: content(&stderr)?,
        took: Duration::ZERO,
    })
}

/// A child that ended in the very moment of the limit has ended by itself.
fn end_group(child: &mut Child) -> io::Result<Ending> {
    if let Some(status) = child.try_wait()? {
        return Ok(ending(status));
    }
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(group) = group {
        // It fails only when the group is gone, which is the aim.
        kill_process_group(group, Signal::KILL).ok();
    }
    // One in uninterruptible sleep does not die now; it is left to the system.
    child.wait_timeout(KILL_WAIT)?;
    Ok(Ending::TimedOut)
}

fn ending(status: ExitStatus) -> Ending {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ending::Exited(code),
        (None, signal) => Ending::Signaled(signal.unwrap_or(0)),
    }
}

/// Read by position: a grandchild that still writes shares the file's offset.
fn content(file: &File) -> io::Result<Vec<u8>> {
    let length = file.metadata()?.len().min(OUTPUT_CAP);
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

/// A command with exactly the invocation's arguments, environment and directory; descriptors are the caller's to set.
#[expect(clippy::disallowed_methods, reason = "the one maker of commands")]
pub fn command(invocation: &Invocation) -> Command {
    let mut command = Command::new(&invocation.program);
    command
        .args(&invocation.arguments)
        .env_clear()
        .envs(invocation.environment.iter().map(|(k, v)| (k, v)));
    if let Some(directory) = &invocation.directory {
        command.current_dir(directory);
    }
    command
}

static SPAWNING: Mutex<()> = Mutex::new(());

/// Held by whoever starts a process, and by whoever has a descriptor open to inheritance for a moment.
pub fn spawn_guard() -> MutexGuard<'static, ()> {
    SPAWNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ids of all processes started here, for ever: whoever ends orphans must know which are none.
static STARTED: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// Every process that was started through [`spawn`], ended or not.
pub fn started() -> BTreeSet<i32> {
    STARTED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
}

/// Starts a process; nobody else is in the middle of it meanwhile.
pub fn spawn(command: &mut Command) -> io::Result<Child> {
    let guard = spawn_guard();
    let child = spawn_guarded(command, &guard);
    drop(guard);
    child
}

/// Starts a process for a caller that holds the guard.
pub fn spawn_guarded(command: &mut Command, _guard: &MutexGuard<'static, ()>) -> io::Result<Child> {
    let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    let child = command.spawn()?;
    started.extend(i32::try_from(child.id()));
    Ok(child)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Completed {
        let invocation = Invocation {
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
            environment: vec![("WORD".into(), "wind".into())],
            directory: Some("/".into()),
        };
        Bounded.run(&invocation, limit)
    }

    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(200);

    #[track_caller]
    fn check(script: &str, ending: &Ending, stdout: &str, stderr: &str) {
        let done = shell(script, LONG);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(
            (&done.ending, text(&done.stdout), text(&done.stderr)),
            (ending, stdout.into(), stderr.into())
        );
    }

    #[test]
    fn a_run_gives_ending_and_both_outputs() {
        check(
            "echo $WORD; pwd; echo up >&2; exit 3",
            &Ending::Exited(3),
            "wind\n/\n",
            "up\n",
        );
        check("kill -9 $$", &Ending::Signaled(9), "", "");
        check(
            "read line; echo \"<$line>\"",
            &Ending::Exited(0),
            "<>\n",
            "",
        );
        check("echo ${HOME-none}", &Ending::Exited(0), "none\n", "");
    }

    #[test]
    fn a_run_over_its_limit_is_killed_with_its_group() {
        let done = shell("sleep 300 & echo $!; wait", SHORT);
        assert_eq!(done.ending, Ending::TimedOut);
        let grandchild: i32 = String::from_utf8_lossy(&done.stdout)
            .trim()
            .parse()
            .unwrap();
        let limit = clock::now() + Duration::from_secs(10);
        let gone = || {
            let stat = std::fs::read_to_string(format!("/proc/{grandchild}/stat"));
            stat.map_or(true, |line| line.contains(") Z "))
        };
        while !gone() && clock::now() < limit {
            std::thread::yield_now();
        }
        assert!(gone(), "process {grandchild} outlived the kill");
    }

    #[test]
    fn a_grandchild_that_holds_the_output_holds_nobody_up() {
        let done = shell("setsid sleep 5 & echo done", LONG);
        assert_eq!(
            (done.ending, done.stdout),
            (Ending::Exited(0), b"done\n".to_vec())
        );
        assert!(done.took < Duration::from_secs(4), "{:?}", done.took);
    }

    #[test]
    fn what_cannot_be_started_says_so() {
        let invocation = Invocation {
            program: "/nowhere/docker".into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            directory: None,
        };
        let done = Bounded.run(&invocation, LONG);
        assert!(
            matches!(&done.ending, Ending::NotStarted(why) if why.contains("No such file")),
            "{done:?}"
        );
    }
}
