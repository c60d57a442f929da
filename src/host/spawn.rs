//! Starting the programs of a script, for the slot's one reaper. Keeps to what lets std use
//! `posix_spawn`: a path for the program, no `pre_exec` (measured: falling back to fork costs half again).
//! Only a program with a terminal of its own is forked: a session has no place in `posix_spawn`.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::pipe::{PipeFlags, pipe_with};

use super::raw;
use super::terminal::{self, Pair};

/// What to start. Relative paths count from `directory`.
#[derive(Debug, Clone, Copy)]
pub struct Spec<'a> {
    /// The file to execute; also `argv[0]`.
    pub path: &'a Path,
    /// The words after `argv[0]`.
    pub arguments: &'a [Vec<u8>],
    /// The whole environment; a later duplicate wins.
    pub environment: &'a [(Vec<u8>, Vec<u8>)],
    /// Working directory, absolute.
    pub directory: &'a Path,
    /// There is something to read on standard input; otherwise it is at its end at once.
    pub stdin: bool,
    /// Whether it has a controlling terminal.
    pub terminal: Tty,
}

/// What a program has of a terminal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tty {
    /// Nothing.
    #[default]
    None,
    /// A new pseudo-terminal controls it.
    Controlling,
    /// The same, and it is standard input too.
    Stdin,
}

/// A process that was just started, in a group of its own, and our ends of its pipes.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) pid: i32,
    pub(super) stdin: Option<OwnedFd>,
    pub(super) stdout: OwnedFd,
    pub(super) stderr: OwnedFd,
    pub(super) terminal: Option<Pair>,
}

/// Starts it. The caller reaps: the returned pid is the only handle.
#[expect(
    clippy::disallowed_methods,
    reason = "the slot's one place that starts programs"
)]
pub(super) fn spawn(spec: &Spec<'_>) -> io::Result<Started> {
    let (stdout, stdout_write) = pipe_with(PipeFlags::CLOEXEC)?;
    let (stderr, stderr_write) = pipe_with(PipeFlags::CLOEXEC)?;
    let terminal = match spec.terminal {
        Tty::None => None,
        Tty::Controlling | Tty::Stdin => Some(terminal::open()?),
    };
    let (stdin_read, stdin) = match &terminal {
        Some(pair) if spec.terminal == Tty::Stdin => (pair.theirs.try_clone()?.into(), None),
        _ if spec.stdin => {
            let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
            (Stdio::from(read), Some(write))
        }
        _ => (Stdio::null(), None),
    };
    for ours in [Some(&stdout), Some(&stderr), stdin.as_ref()]
        .into_iter()
        .flatten()
    {
        rustix::io::ioctl_fionbio(ours, true)?;
    }
    let mut command = Command::new(program(spec));
    command
        .arg0(spec.path)
        .args(spec.arguments.iter().map(|word| OsStr::from_bytes(word)))
        .env_clear()
        .envs(
            spec.environment
                .iter()
                .map(|(name, value)| (OsStr::from_bytes(name), OsStr::from_bytes(value))),
        )
        .current_dir(spec.directory)
        .stdin(stdin_read)
        .stdout(stdout_write)
        .stderr(stderr_write);
    match &terminal {
        None => {
            command.process_group(0);
        }
        Some(pair) => raw::lead_session(&mut command, pair.theirs.try_clone()?),
    }
    let child = command.spawn()?;
    let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
    Ok(Started {
        pid,
        stdin,
        stdout,
        stderr,
        terminal,
    })
}

/// What the kernel is given: a path as it was written, so that a `#!` script sees that very path; it is
/// followed from the new directory. A bare name becomes a path, or the search would begin.
fn program(spec: &Spec<'_>) -> PathBuf {
    if spec.path.as_os_str().as_bytes().contains(&b'/') {
        spec.path.to_owned()
    } else {
        spec.directory.join(spec.path)
    }
}
