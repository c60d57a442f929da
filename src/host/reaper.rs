//! The one reaper of a slot: starts programs, watches their pipes, collects their ends.
//!
//! A `waitpid(-1)` beside std's `Child::wait` steals statuses (measured), so in a slot only this room
//! waits, by pid. Single-threaded by design: the same poll loop serves pipes, process ends and the
//! slot's sockets, and no reader thread is paid for.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal};

use super::clock;
use super::feed::Feed;
use super::raw::{self, Waited};
use super::spawn::{Spec, Starter};
use super::stream::{Capture, Stream};
use super::terminal::Terminal;

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with this code.
    Exited(i32),
    /// By this signal.
    Signaled(i32),
    /// By this signal, and its memory was dumped.
    Dumped(i32),
}

impl Ending {
    fn from_raw(status: i32) -> Self {
        if libc::WIFSIGNALED(status) && libc::WCOREDUMP(status) {
            Ending::Dumped(libc::WTERMSIG(status))
        } else if libc::WIFSIGNALED(status) {
            Ending::Signaled(libc::WTERMSIG(status))
        } else {
            Ending::Exited(libc::WEXITSTATUS(status))
        }
    }
}

/// Who may be waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reap {
    /// Every child: jobs and adopted orphans.
    All,
    /// Jobs only: code of the user's runs in this process and may wait for children of its own.
    Jobs,
}

/// A program that was started here.
#[derive(Debug)]
struct Job {
    pid: i32,
    pidfd: OwnedFd,
    ending: Option<(Ending, Instant)>,
    stdin: Option<Feed>,
    stdout: Capture,
    stderr: Capture,
    terminal: Option<Terminal>,
}

/// What a program is given to read.
#[derive(Debug, Default)]
pub struct Input {
    /// On standard input, where [`Spec::stdin`] says that there is something.
    pub stdin: Vec<u8>,
    /// From its terminal, where [`Spec::terminal`] gives it one; then the end of input.
    pub terminal: Vec<u8>,
}

/// What a finished job left.
#[derive(Debug)]
pub struct Collected {
    /// How it ended; `None` when it was given up alive.
    pub ending: Option<Ending>,
    /// Its standard output.
    pub stdout: Stream,
    /// Its standard error.
    pub stderr: Stream,
    /// What came out of its terminal.
    pub terminal: Stream,
    /// Output pipes that somebody still held when they were given up.
    pub held: Vec<u64>,
}

/// Starts, watches and reaps.
#[derive(Debug)]
pub struct Reaper {
    /// The most that is kept of one output, in bytes.
    cap: u64,
    jobs: BTreeMap<u32, Job>,
    last: u32,
    /// Bytes that came out of all jobs so far.
    received: u64,
    starter: Starter,
}

/// The state of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// Its process runs.
    Running,
    /// Its process ended at this time, its output is still open somewhere.
    Held(Instant),
    /// Process and output have ended.
    Over,
}

impl Reaper {
    /// Keeps at most `cap` bytes of one output.
    pub fn new(cap: u64) -> Self {
        Reaper {
            cap,
            jobs: BTreeMap::new(),
            last: 0,
            received: 0,
            starter: Starter::default(),
        }
    }

    /// Starts a program in a process group of its own. A busy executable (ETXTBSY: another process has
    /// just written it and a fork still holds it open) is tried again for half a second.
    pub fn start(&mut self, spec: &Spec<'_>, input: Input) -> io::Result<u32> {
        let give_up = clock::now() + Duration::from_millis(500);
        let started = loop {
            match self.starter.start(spec) {
                Err(error)
                    if error.raw_os_error() == Some(libc::ETXTBSY) && clock::now() < give_up =>
                {
                    self.turn(&[], Some(Duration::from_millis(2)), Reap::Jobs);
                }
                other => break other?,
            }
        };
        let terminal = started
            .terminal
            .map(|pair| Terminal::new(pair, input.terminal, self.cap))
            .transpose()?;
        self.last += 1;
        let feed = started.stdin.map(|pipe| Feed::new(pipe, input.stdin));
        let job = Job {
            pid: started.pid,
            pidfd: started.pidfd,
            ending: None,
            stdin: feed,
            stdout: Capture::new(started.stdout, self.cap),
            stderr: Capture::new(started.stderr, self.cap),
            terminal,
        };
        self.jobs.insert(self.last, job);
        Ok(self.last)
    }

    /// The job's process id, for reports and signals while it has not been collected.
    pub fn pid(&self, job: u32) -> Option<i32> {
        self.jobs.get(&job).map(|job| job.pid)
    }

    /// Where a job stands. An unknown job is over.
    pub fn state(&self, job: u32) -> JobState {
        match self.jobs.get(&job) {
            None => JobState::Over,
            Some(Job { ending: None, .. }) => JobState::Running,
            Some(Job {
                ending: Some(_),
                stdout,
                stderr,
                ..
            }) if !stdout.is_open() && !stderr.is_open() => JobState::Over,
            Some(Job {
                ending: Some((_, at)),
                ..
            }) => JobState::Held(*at),
        }
    }

    /// Takes a job off the books with all that it wrote. Its open pipes are given up.
    pub fn collect(&mut self, job: u32) -> Option<Collected> {
        let mut job = self.jobs.remove(&job)?;
        job.stdout.drain();
        job.stderr.drain();
        let held = [&job.stdout, &job.stderr]
            .into_iter()
            .filter_map(Capture::inode_if_open)
            .collect();
        Some(Collected {
            ending: job.ending.map(|(ending, _)| ending),
            stdout: job.stdout.finish(),
            stderr: job.stderr.finish(),
            terminal: job.terminal.map_or_else(Stream::default, Terminal::finish),
            held,
        })
    }

    /// Bytes that all jobs ever wrote to their outputs, as far as they have been read.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Jobs that were started and not collected.
    pub fn jobs(&self) -> Vec<u32> {
        self.jobs.keys().copied().collect()
    }

    /// Signals the job's process group, as long as its leader has not been reaped (so that the number
    /// cannot have passed to somebody else). `false`: it had already ended.
    pub fn signal(&self, job: u32, signal: i32) -> bool {
        let live = self.jobs.get(&job).filter(|job| job.ending.is_none());
        let (Some(job), Some(signal)) = (live, Signal::from_named_raw(signal)) else {
            return false;
        };
        let Some(pid) = Pid::from_raw(job.pid) else {
            return false;
        };
        rustix::process::kill_process_group(pid, signal).is_ok()
    }

    /// One turn of the loop: waits until a pipe, a process end or one of `watched` is ready, or the time
    /// is over; moves bytes and reaps. Returns which of `watched` are ready, in their order.
    pub fn turn(
        &mut self,
        watched: &[BorrowedFd<'_>],
        limit: Option<Duration>,
        reap: Reap,
    ) -> Vec<bool> {
        let mut ready = self.poll(watched, limit);
        let mut of_jobs = ready.split_off(watched.len()).into_iter();
        for job in self.jobs.values_mut() {
            self.received += job.move_bytes(&mut of_jobs);
        }
        self.reap(reap);
        ready
    }

    /// Which are ready: those watched, then for each job what [`Job::waits_for`] has.
    fn poll(&self, watched: &[BorrowedFd<'_>], limit: Option<Duration>) -> Vec<bool> {
        let mut fds: Vec<PollFd<'_>> = Vec::with_capacity(watched.len() + 8);
        for fd in watched {
            fds.push(PollFd::from_borrowed_fd(*fd, PollFlags::IN));
        }
        for job in self.jobs.values() {
            for (fd, flags) in job.waits_for().into_iter().flatten() {
                fds.push(PollFd::from_borrowed_fd(fd, flags));
            }
        }
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        // An interrupted poll is a turn without news; the caller's loop comes back with a fresh limit.
        match poll(&mut fds, limit.as_ref()) {
            Ok(_) => fds.iter().map(|fd| !fd.revents().is_empty()).collect(),
            Err(_) => vec![false; fds.len()],
        }
    }

    /// Collects the ends of processes. `true`: no child is left.
    fn reap(&mut self, reap: Reap) -> bool {
        let now = clock::now();
        if reap == Reap::Jobs {
            for job in self.jobs.values_mut().filter(|job| job.ending.is_none()) {
                if let Waited::Ended { status, .. } = raw::wait(job.pid) {
                    job.ending = Some((Ending::from_raw(status), now));
                }
            }
            return false;
        }
        loop {
            match raw::wait(-1) {
                Waited::Ended { pid, status } => {
                    let job = self
                        .jobs
                        .values_mut()
                        .find(|job| job.pid == pid && job.ending.is_none());
                    if let Some(job) = job {
                        job.ending = Some((Ending::from_raw(status), now));
                    }
                }
                Waited::Running => return false,
                Waited::None => return true,
            }
        }
    }

    /// Reaps what has ended and says whether any child is left: `true` is the proof that every
    /// descendant of this subreaper is gone.
    pub fn nothing_left(&mut self) -> bool {
        self.reap(Reap::All)
    }
}

impl Job {
    /// What a turn waits for, in the order in which [`Self::move_bytes`] looks at it.
    fn waits_for(&self) -> [Option<(BorrowedFd<'_>, PollFlags)>; 6] {
        let read = |fd| (fd, PollFlags::IN);
        let write = |fd| (fd, PollFlags::OUT);
        let terminal = self.terminal.as_ref();
        [
            self.ending.is_none().then(|| read(self.pidfd.as_fd())),
            self.stdout.as_fd().map(read),
            self.stderr.as_fd().map(read),
            self.stdin.as_ref().map(Feed::as_fd).map(write),
            terminal.and_then(Terminal::readable).map(read),
            terminal.and_then(Terminal::writable).map(write),
        ]
    }

    /// Moves what can be moved, and returns how many bytes came out. `ready` goes on with what [`Self::waits_for`] waited for.
    fn move_bytes(&mut self, ready: &mut impl Iterator<Item = bool>) -> u64 {
        let mut is_ready = [false; 6];
        for (waited, is_ready) in self.waits_for().iter().zip(&mut is_ready) {
            *is_ready = waited.is_some() && ready.next().unwrap_or(false);
        }
        let [_, stdout, stderr, stdin, shown, typed] = is_ready;
        let mut came = 0;
        if stdout {
            came += self.stdout.drain();
        }
        if stderr {
            came += self.stderr.drain();
        }
        if stdin && self.stdin.as_mut().is_some_and(Feed::push) {
            self.stdin = None;
        }
        if let Some(terminal) = &mut self.terminal
            && (shown || typed)
        {
            came += terminal.move_bytes();
        }
        came
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_is_read_with_its_core() {
        assert_eq!(Ending::from_raw(3 << 8), Ending::Exited(3));
        assert_eq!(Ending::from_raw(libc::SIGABRT), Ending::Signaled(6));
        assert_eq!(Ending::from_raw(libc::SIGABRT | 0x80), Ending::Dumped(6));
    }
}
