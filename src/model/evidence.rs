//! What was seen of a script that did not end in time: its processes, what each thread waits for, and who
//! holds what.
//!
//! Facts as the kernel and the engine told them, before anything was touched. What could not be learnt is
//! a [`Gap`] with its reason, never a guess.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::seconds;

/// What was seen of a script at its deadline, before anything was touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// The script and its surroundings as they stood.
    Seen(Box<Scene>),
    /// Nothing could be seen.
    Unavailable {
        /// Why not.
        why: String,
    },
}

/// Everything seen at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Scene {
    /// The script's processes, parents before children.
    pub processes: Vec<ProcessFact>,
    /// Processes elsewhere that hold something which the script waits for; the slot itself may be one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<ProcessFact>,
    /// The threads of the script's processes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub threads: Vec<ThreadFact>,
    /// Every pipe and FIFO that a process of the script has open or waits to open.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pipes: Vec<PipeFact>,
    /// Every lock that a process of the script holds or waits for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub locks: Vec<LockFact>,
    /// Every connected or listening socket of the script's processes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sockets: Vec<SocketFact>,
    /// User stacks, of the tree's root first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stacks: Vec<Stack>,
    /// The containers that the script made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub containers: Vec<ContainerFact>,
    /// The machine at this moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine: Option<MachineNow>,
    /// What could not be learnt.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
    /// How long collecting took, the engine's answers aside.
    #[serde(with = "seconds", skip_serializing_if = "Duration::is_zero")]
    pub took: Duration,
}

/// One process, at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessFact {
    /// Its id.
    pub pid: i32,
    /// Its parent's id.
    pub parent: i32,
    /// The kernel's letter: `R`, `S`, `D`, `T`, `Z`.
    pub state: char,
    /// Its command line, words joined by blanks; the short name in brackets when there is none.
    pub command: String,
    /// The kernel function it sleeps in; empty when unknown.
    pub wchan: String,
    /// Processor time used so far.
    #[serde(with = "seconds")]
    pub cpu: Duration,
    /// Bytes read and written so far; `None` when not permitted.
    pub io_bytes: Option<u64>,
    /// It serves other scripts too (conmon, a network helper) and is never signalled.
    pub engine_helper: bool,
    /// How long it has lived; `None` in records of before this was kept.
    #[serde(
        default,
        with = "seconds::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub age: Option<Duration>,
    /// The script's line that started it, from 1; 0 when unknown.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub line: u32,
    /// It is not below the process that started it any more: its parent ended, and the slot adopted it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub adopted: bool,
    /// It runs in a container: the container's id, as far as its control group tells.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub container: String,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
pub(super) fn is_false(flag: &bool) -> bool {
    !flag
}

/// One thread, at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadFact {
    /// The process it belongs to.
    pub pid: i32,
    /// Its own id; the process's for the first thread.
    pub tid: i32,
    /// The kernel's letter.
    pub state: char,
    /// The kernel function it sleeps in, as this kernel calls it; empty when unknown.
    pub wchan: String,
    /// What it waits for.
    pub wait: Wait,
    /// Kernel frames, innermost first, where the kernel shows them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kernel: Vec<String>,
}

/// What a thread waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// For nothing: it has work.
    Running,
    /// In a call on one descriptor, which may be a pipe, a socket, a terminal or a locked file.
    On {
        /// `read`, `write`, `flock`, `fcntl`, `connect`, `accept`, `recvmsg`, …
        call: String,
        /// The descriptor.
        on: Descriptor,
    },
    /// In `poll`, `select` or `epoll_wait`.
    AnyOf {
        /// The call's name.
        call: String,
        /// What it would wake for.
        on: Vec<Descriptor>,
        /// It wakes after some time by itself.
        timed: bool,
    },
    /// Opening a file, usually a FIFO that has no partner.
    Open {
        /// What it opens; empty when not permitted to know.
        path: String,
    },
    /// On a word of memory: a lock or a condition of its own threads, or of several processes when it is
    /// in shared memory.
    Futex {
        /// Where.
        address: u64,
        /// The file mapped there (`/dev/shm/libpod_lock`); empty for private memory.
        mapping: String,
    },
    /// For a child to end.
    Child {
        /// For this one; `None` for any.
        pid: Option<i32>,
    },
    /// For time to pass.
    Sleep,
    /// For a signal (`pause`, `sigsuspend`, `sigtimedwait`).
    Signal,
    /// To be continued: it was stopped.
    Stopped,
    /// For a file system or device, in the kernel.
    Kernel,
    /// In another call.
    Call {
        /// Its name, or `system call 999`.
        name: String,
    },
    /// It could not be learnt.
    Unknown {
        /// Why not: `not permitted (ptrace_scope=2)`.
        why: String,
    },
}

/// An open descriptor of a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Descriptor {
    /// Its number.
    pub fd: i32,
    /// What it is, as the kernel names it: a path, `pipe:[2661273]`, `socket:[88]`, `anon_inode:[eventfd]`.
    pub target: String,
}

/// One process's end of a pipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PipeEnd {
    /// Whose.
    pub pid: i32,
    /// The descriptor's number.
    pub fd: i32,
    /// It can be read from.
    pub reads: bool,
    /// It can be written to.
    pub writes: bool,
}

/// A pipe, or a FIFO with a name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PipeFact {
    /// As the descriptors name it: `pipe:[2661273]`, or the FIFO's path.
    pub name: String,
    /// Who has it open, the script's processes and others.
    pub ends: Vec<PipeEnd>,
    /// Bytes written and not yet read; `None` when it could not be asked.
    pub waiting: Option<u64>,
    /// Bytes it can hold.
    pub capacity: Option<u64>,
    /// It is the output of a command of the script: this slot reads it.
    pub ours: bool,
}

/// The kind of a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LockKind {
    /// `flock`.
    Flock,
    /// `fcntl(F_SETLK)`.
    Posix,
    /// `fcntl(F_OFD_SETLK)`: of an open file, not of a process.
    OpenFile,
    /// A mutex in memory that processes share: libpod's container locks.
    SharedMemory,
}

/// A lock that somebody holds or waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockFact {
    /// Its kind.
    pub kind: LockKind,
    /// The locked file, or the shared mapping; `inode 08:01:1234` when no path is known.
    pub path: String,
    /// Processes that hold it; empty when it cannot be told.
    pub holders: Vec<i32>,
    /// Processes that wait for it.
    pub waiters: Vec<i32>,
}

/// A socket of one of the script's processes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SocketFact {
    /// As the descriptors name it: `socket:[88]`.
    pub name: String,
    /// Who has it open: pid and descriptor.
    pub ends: Vec<(i32, i32)>,
    /// Whom it talks to or listens for: a path (`/run/docker.sock`, `@abstract`), an address and port
    /// (`127.0.0.1:5000`), or empty.
    pub peer: String,
    /// The processes at the other end, where that can be told: pid and descriptor.
    pub peer_ends: Vec<(i32, i32)>,
    /// `listening`, `connecting`, `established`, `closed`, or the kernel's word.
    pub state: String,
    /// Bytes that came and were not read yet.
    pub unread: Option<u64>,
    /// Bytes that we sent and the other end has not read.
    pub peer_unread: Option<u64>,
}

/// How a stack was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StackKind {
    /// A goroutine, read from memory while the process went on.
    Goroutine,
    /// A thread's native frames.
    Native,
    /// A Python thread's frames.
    Python,
}

/// A user stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stack {
    /// The process.
    pub pid: i32,
    /// The goroutine's number, or the thread's id.
    pub thread: u64,
    /// What it is.
    pub kind: StackKind,
    /// What it waits for, in the words of its runtime: `chan receive`, `IO wait`; else empty.
    pub state: String,
    /// Functions, innermost first: `os/exec.(*Cmd).Wait`.
    pub frames: Vec<String>,
    /// How long the thread was stopped for it; `None` when it was not.
    #[serde(
        default,
        with = "seconds::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub stopped: Option<Duration>,
}

/// A container of the script, as the engine tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerFact {
    /// Its id, whole.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its image, as it was named.
    pub image: String,
    /// `running`, `exited`, `created`, `paused`, …
    pub state: String,
    /// What it exited with.
    pub exit_code: Option<i32>,
    /// The pid of its first process on this machine; `None` when it does not run here.
    pub pid: Option<i32>,
    /// What it runs.
    pub command: String,
    /// How long ago it started, or ended when it has.
    #[serde(with = "seconds::optional")]
    pub since: Option<Duration>,
    /// The last lines of its output.
    pub log: Vec<String>,
}

/// The machine at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MachineNow {
    /// Load averages as the kernel prints them: `0.42 0.30 0.25`.
    pub load: String,
    /// Processes blocked in the kernel (`procs_blocked` of `/proc/stat`).
    pub blocked: Option<u64>,
    /// Free bytes where work directories live.
    pub disk_free_bytes: Option<u64>,
    /// Free inodes there.
    pub inodes_free: Option<u64>,
    /// Memory that can be had without swapping (`MemAvailable`), bytes.
    pub memory_available_bytes: Option<u64>,
    /// Open files of the whole machine (`/proc/sys/fs/file-nr`).
    pub open_files: Option<u64>,
}

/// Something that could not be learnt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// What was asked: `pipes`, `stack of 4711`, `containers`.
    pub what: String,
    /// Why there is no answer: `not permitted (ptrace_scope=2)`, `no answer within 0.4 s`.
    pub why: String,
}
