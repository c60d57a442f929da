//! Starting the programs of a script, for the slot's one reaper. A program with a terminal of its own is forked,
//! for it leads a session; any other is cloned without a copy of anything (measured: 0.9 of the time of the
//! standard library's `posix_spawn`).

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::raw::{self, Image};
use super::strings::Strings;
use super::terminal::{self, Pair};

/// What to start. Relative paths count from `directory`.
#[derive(Debug, Clone, Copy)]
pub struct Spec<'a> {
    /// The file to execute; also `argv[0]`.
    pub path: &'a Path,
    /// The words after `argv[0]`.
    pub arguments: &'a [Vec<u8>],
    /// The whole environment; a later duplicate wins.
    pub environment: &'a [(&'a [u8], &'a [u8])],
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
    pub(super) pidfd: OwnedFd,
    pub(super) stdin: Option<OwnedFd>,
    pub(super) stdout: OwnedFd,
    pub(super) stderr: OwnedFd,
    pub(super) terminal: Option<Pair>,
}

/// What starting programs needs again and again.
#[derive(Debug, Default)]
pub(super) struct Starter {
    stack: raw::Stack,
    /// Opened when first needed.
    null: Option<OwnedFd>,
}

/// A program's ends of its pipes.
struct Ends {
    stdin: Option<OwnedFd>,
    stdout: OwnedFd,
    stderr: OwnedFd,
}

impl Starter {
    /// Starts it. The caller reaps: the returned pid is the only handle.
    pub(super) fn start(&mut self, spec: &Spec<'_>) -> io::Result<Started> {
        let (stdout, stdout_write) = pipe()?;
        let (stderr, stderr_write) = pipe()?;
        let terminal = match spec.terminal {
            Tty::None => None,
            Tty::Controlling | Tty::Stdin => Some(terminal::open()?),
        };
        let (stdin_read, stdin) = match &terminal {
            Some(pair) if spec.terminal == Tty::Stdin => (Some(pair.theirs.try_clone()?), None),
            _ if spec.stdin => {
                let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
                rustix::io::ioctl_fionbio(&write, true)?;
                (Some(read), Some(write))
            }
            _ => (None, None),
        };
        let ends = Ends {
            stdin: stdin_read,
            stdout: stdout_write,
            stderr: stderr_write,
        };
        let (pid, pidfd) = match &terminal {
            Some(pair) => forked(spec, ends, Some(pair))?,
            None => match self.cloned(spec, &ends) {
                Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                    forked(spec, ends, None)?
                }
                cloned => cloned?,
            },
        };
        Ok(Started {
            pid,
            pidfd,
            stdin,
            stdout,
            stderr,
            terminal,
        })
    }

    fn cloned(&mut self, spec: &Spec<'_>, ends: &Ends) -> io::Result<(i32, OwnedFd)> {
        if self.null.is_none() {
            self.null = Some(File::open("/dev/null")?.into());
        }
        let Some(stdin) = ends.stdin.as_ref().or(self.null.as_ref()) else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let mut places = Strings::default();
        let place = program(spec);
        places.push(&[place.as_os_str().as_bytes()])?;
        let mut directory = Strings::default();
        directory.push(&[spec.directory.as_os_str().as_bytes()])?;
        let mut words = Strings::default();
        words.push(&[spec.path.as_os_str().as_bytes()])?;
        for word in spec.arguments {
            words.push(&[word])?;
        }
        let mut environment = Strings::default();
        for (at, (name, value)) in spec.environment.iter().enumerate() {
            let later = spec.environment.get(at + 1..).unwrap_or_default();
            if later.iter().all(|(other, _)| other != name) {
                environment.push(&[name, b"=", value])?;
            }
        }
        let image = Image {
            path: places.first(),
            words: &words,
            environment: &environment,
            directory: directory.first(),
            standard: [stdin.as_fd(), ends.stdout.as_fd(), ends.stderr.as_fd()],
        };
        raw::start(&image, &mut self.stack)
    }
}

/// Our end, which does not block, and theirs.
fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&read, true)?;
    Ok((read, write))
}

/// The way of the standard library: for a terminal, and where there is no other.
#[expect(
    clippy::disallowed_methods,
    reason = "the slot's one place that starts programs"
)]
fn forked(spec: &Spec<'_>, ends: Ends, terminal: Option<&Pair>) -> io::Result<(i32, OwnedFd)> {
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
        .stdin(ends.stdin.map_or_else(Stdio::null, Stdio::from))
        .stdout(ends.stdout)
        .stderr(ends.stderr);
    match terminal {
        None => {
            command.process_group(0);
        }
        Some(pair) => raw::lead_session(&mut command, pair.theirs.try_clone()?),
    }
    let child = command.spawn()?;
    let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
    let pidfd = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?;
    Ok((pid, pidfd))
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

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    /// Waits for the process, and gives all that it wrote.
    fn output(started: io::Result<(i32, OwnedFd)>, stdout: OwnedFd) -> io::Result<Vec<u8>> {
        let (pid, pidfd) = started?;
        let mut text = Vec::new();
        File::from(stdout).read_to_end(&mut text)?;
        let mut ended = [rustix::event::PollFd::new(
            &pidfd,
            rustix::event::PollFlags::IN,
        )];
        rustix::event::poll(&mut ended, None)?;
        let status = raw::wait(pid);
        assert_eq!(status, raw::Waited::Ended { pid, status: 0 });
        Ok(text)
    }

    /// The same program by both ways. Its pipes block, so that it can be read to its end.
    fn both(spec: &Spec<'_>) -> [io::Result<Vec<u8>>; 2] {
        let ends = || {
            let (read, stdout) = pipe_with(PipeFlags::CLOEXEC).unwrap();
            let stderr = stdout.try_clone().unwrap();
            let stdin = None;
            (
                read,
                Ends {
                    stdin,
                    stdout,
                    stderr,
                },
            )
        };
        let (read, ends_of_clone) = ends();
        let cloned = Starter::default().cloned(spec, &ends_of_clone);
        drop(ends_of_clone);
        let cloned = output(cloned, read);
        let (read, ends_of_fork) = ends();
        [cloned, output(forked(spec, ends_of_fork, None), read)]
    }

    #[test]
    fn both_ways_of_starting_give_a_program_the_same() {
        // Its own id stands for the group that it leads. Of signals, those that are not glibc's own.
        let report = "exec 2>&1; pwd; env | sort; grep Sig[BIC] /proc/self/status | sed 's/[0-9a-f]*\\(........\\)$/\\1/'; cat; readlink /proc/$$/fd/0;
            ps -o pgid= -p $$ | grep -qw $$ && echo leads; echo \"$0|$1|$2\"";
        let arguments = [b"-c".as_slice(), report.as_bytes(), b"zero", b"", b"t w o"];
        let spec = Spec {
            path: Path::new("/bin/sh"),
            arguments: &arguments.map(<[u8]>::to_vec),
            environment: &[
                (b"PATH", b"/usr/bin:/bin"),
                (b"PWD", b"/lost"),
                (b"A", b"1=\xff"),
                (b"PWD", b"/usr"),
            ],
            directory: Path::new("/usr"),
            stdin: false,
            terminal: Tty::None,
        };
        let [cloned, forked] = both(&spec);
        assert_eq!(cloned.as_ref().ok(), forked.as_ref().ok());
        let text = String::from_utf8_lossy(&cloned.unwrap()).into_owned();
        assert!(text.starts_with("/usr\n"), "{text}");
        assert!(text.contains("leads\nzero||t w o\n"), "{text}");
    }

    #[test]
    fn both_ways_of_starting_fail_alike() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        std::fs::write(&file, "no program").unwrap();
        let missing = directory.path().join("missing");
        for (path, place, errno) in [
            (missing.as_path(), directory.path(), libc::ENOENT),
            (file.as_path(), directory.path(), libc::EACCES),
            (Path::new("/bin/true"), missing.as_path(), libc::ENOENT),
            (Path::new("/bin/true"), file.as_path(), libc::ENOTDIR),
        ] {
            let spec = Spec {
                path,
                arguments: &[],
                environment: &[],
                directory: place,
                stdin: false,
                terminal: Tty::None,
            };
            for result in both(&spec) {
                assert_eq!(result.unwrap_err().raw_os_error(), Some(errno), "{path:?}");
            }
        }
    }
}
