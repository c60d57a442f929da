//! Threads of another process, each stopped for a moment so that its registers and its stack fit together.
//!
//! Knows nothing of what the stack says. It stops by `PTRACE_INTERRUPT`, which sends no signal: handlers do not
//! run, and a stopped process stays stopped. What the kernel does for any stop it does here: `epoll_wait` and
//! few other calls return early with `EINTR`.

use std::fs;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::memory::ProcessMemory;
use super::raw::Registers;
use super::{clock, raw};

/// Bytes of a stack that are copied.
const STACK_CAP: usize = 64 << 10;
/// Longer than this no thread is waited for to stop.
const STOP_LIMIT: Duration = Duration::from_millis(20);

/// One thread at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its id.
    pub tid: i32,
    /// Where it was.
    pub registers: Registers,
    /// The stack from its top on: as much as there is, 64 kB at most.
    pub stack: Vec<u8>,
    /// How long it was stopped, at most: from the request on.
    pub stopped: Duration,
}

/// A thread that could not be looked at, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// Its id.
    pub tid: i32,
    /// Why.
    pub why: String,
}

/// The ids of a process's threads, the first one first.
pub fn threads(pid: i32) -> io::Result<Vec<i32>> {
    let number = |entry: fs::DirEntry| entry.file_name().to_str()?.parse().ok();
    let entries = fs::read_dir(format!("/proc/{pid}/task"))?;
    let mut found: Vec<i32> = entries.flatten().filter_map(number).collect();
    found.sort_unstable();
    Ok(found)
}

/// Looks at these threads of a process, one after the other, until time is up.
///
/// A thread of our own does it and ends: with a tracer's end the kernel lets go of whatever it still traces, so
/// that nothing stays stopped, whatever happened.
pub fn snapshots(
    pid: i32,
    tids: &[i32],
    until: Instant,
) -> io::Result<Vec<Result<Snapshot, Missed>>> {
    let memory = ProcessMemory::open(pid)?;
    let look = || {
        let in_time = tids.iter().take_while(|_| clock::now() < until);
        in_time
            .map(|tid| snapshot(pid, *tid, &memory, until).map_err(|why| Missed { tid: *tid, why }))
            .collect()
    };
    thread::scope(|scope| {
        let tracer = thread::Builder::new().spawn_scoped(scope, look)?;
        let gone = |_| io::Error::other("the tracing thread came to grief");
        tracer.join().map_err(gone)
    })
}

fn snapshot(
    pid: i32,
    tid: i32,
    memory: &ProcessMemory,
    until: Instant,
) -> Result<Snapshot, String> {
    match state(pid, tid) {
        None | Some('Z' | 'X') => return Err("it has ended".to_owned()),
        Some('D') => return Err("it is in an uninterruptible wait".to_owned()),
        Some('t') => return Err("another program traces it".to_owned()),
        Some(_) => {}
    }
    let start = clock::now();
    raw::begin_stop(tid).map_err(|error| error.to_string())?;
    let registers = await_stop(tid, (start + STOP_LIMIT).min(until))?;
    let mut stack = vec![0; STACK_CAP];
    let copied = memory.read_some(registers.stack, &mut stack);
    let released = raw::end_stop(tid);
    let stopped = clock::now() - start;
    released.map_err(|error| error.to_string())?;
    stack.truncate(copied.map_err(|error| error.to_string())?);
    Ok(Snapshot {
        tid,
        registers,
        stack,
        stopped,
    })
}

/// Asks for the registers until there are any. The stop itself is not waited for: another thread of this
/// process, which reaps, may be told of it first.
fn await_stop(tid: i32, until: Instant) -> Result<Registers, String> {
    loop {
        match raw::registers(tid) {
            Ok(registers) => return Ok(registers),
            Err(error) if error.raw_os_error() != Some(Errno::SRCH.raw_os_error()) => {
                return Err(error.to_string());
            }
            Err(_) if clock::now() >= until => {
                return Err("it did not stop in time".to_owned());
            }
            Err(_) => thread::yield_now(),
        }
    }
}

/// The kernel's letter for a thread.
fn state(pid: i32, tid: i32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/task/{tid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}
