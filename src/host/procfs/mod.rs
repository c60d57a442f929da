//! Reading `/proc`: the children of a process, what each is and does, what it has open. Read-only, never
//! follows a descriptor link (a dead file system behind one would block us for good), and says why it
//! could not read.
//!
//! `cmdline`, `maps` and `mem` wait for the process's memory lock, which a dead file system can hold. So
//! they have functions of their own, to be asked last.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

mod below;
mod descriptors;
mod locks;
mod memory;
mod syscalls;
mod tcp;
mod threads;

pub use below::{Below, below, descendants};
pub use descriptors::{DescriptorInfo, HeldLock};
pub use locks::{FileLock, LockLine};
pub use memory::Mapping;
pub use syscalls::{Shape, Syscall};
pub use tcp::TcpSocket;
pub use threads::{Task, TaskCall};

/// Why something of a process could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// The kernel refuses it to this user.
    #[error("not permitted")]
    Refused,
    /// The process has ended, or never was.
    #[error("it is gone")]
    Gone,
    /// The kernel's answer has another form than the one known here.
    #[error("expected {expected}, found '{found}'")]
    Unfamiliar {
        /// What it should look like.
        expected: &'static str,
        /// What came.
        found: String,
    },
    /// The system's words.
    #[error("{0}")]
    Failed(String),
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::EACCES | libc::EPERM) => Unread::Refused,
            Some(libc::ENOENT | libc::ESRCH) => Unread::Gone,
            _ => Unread::Failed(error.to_string()),
        }
    }
}

/// The place where the kernel shows processes, or a copy of such a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proc {
    root: PathBuf,
}

impl Default for Proc {
    fn default() -> Self {
        Proc::at("/proc")
    }
}

/// One process, as far as this user may see it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: i32,
    /// Its parent's id.
    pub parent: i32,
    /// Its process group.
    pub group: i32,
    /// The kernel's letter.
    pub state: char,
    /// The kernel's short name, 15 bytes at most.
    pub name: String,
    /// Its words; empty for a zombie or a kernel thread.
    pub words: Vec<String>,
    /// The file name of its executable; empty when not permitted.
    pub executable: String,
    /// Processor time used so far.
    pub cpu: Duration,
    /// When it started, in clock ticks since the machine did: with the id it names a process for good.
    pub started: u64,
}

impl Process {
    /// The command line for people: words joined by blanks, or the short name in brackets.
    pub fn command(&self) -> String {
        if self.words.is_empty() {
            format!("[{}]", self.name)
        } else {
            self.words.join(" ")
        }
    }

    /// When it started, since the machine did.
    pub fn started_at(&self) -> Duration {
        Duration::from_millis(self.started.saturating_mul(10))
    }
}

/// The clock tick of `/proc/PID/stat`: `USER_HZ` is 100 on every Linux that Rust runs on.
const TICK: Duration = Duration::from_millis(10);

impl Proc {
    /// A place that looks like `/proc`.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Proc { root: root.into() }
    }

    /// A file of the whole machine.
    pub fn text(&self, name: &str) -> Result<String, Unread> {
        Ok(fs::read_to_string(self.root.join(name))?)
    }

    fn path(&self, pid: i32, name: &str) -> PathBuf {
        self.root.join(pid.to_string()).join(name)
    }

    fn text_of(&self, pid: i32, name: &str) -> Result<String, Unread> {
        // Names of files and programs need not be UTF-8.
        let bytes = fs::read(self.path(pid, name))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn link(&self, pid: i32, name: &str) -> Result<String, Unread> {
        let target = fs::read_link(self.path(pid, name))?;
        Ok(target.to_string_lossy().into_owned())
    }

    /// The process, with its words.
    pub fn process(&self, pid: i32) -> Result<Process, Unread> {
        let mut process = self.bare_process(pid)?;
        process.words = self.words(pid);
        Ok(process)
    }

    /// The process without its words: nothing that could wait for its memory is read.
    pub fn bare_process(&self, pid: i32) -> Result<Process, Unread> {
        let stat = self.text_of(pid, "stat")?;
        let mut process = parse_stat(pid, &stat).ok_or_else(|| Unread::Unfamiliar {
            expected: "a line of /proc/PID/stat",
            found: stat.clone(),
        })?;
        process.executable = self.executable(pid);
        Ok(process)
    }

    /// The words of a process's command line; none when it is gone, a zombie or the kernel's.
    pub fn words(&self, pid: i32) -> Vec<String> {
        let cmdline = fs::read(self.path(pid, "cmdline")).unwrap_or_default();
        let words = cmdline
            .split(|byte| *byte == 0)
            .map(|word| String::from_utf8_lossy(word).into_owned());
        let mut words: Vec<String> = words.collect();
        words.pop();
        words
    }

    fn executable(&self, pid: i32) -> String {
        let target = self.link(pid, "exe").unwrap_or_default();
        let name = target.rsplit('/').next().unwrap_or_default();
        name.strip_suffix(" (deleted)").unwrap_or(name).to_owned()
    }

    /// The kernel function the process's first thread sleeps in; empty when it runs or must not be known.
    pub fn wait_channel(&self, pid: i32) -> String {
        let name = self.text_of(pid, "wchan").unwrap_or_default();
        if name == "0" { String::new() } else { name }
    }

    /// Bytes that the process has read and written through system calls.
    pub fn io_bytes(&self, pid: i32) -> Result<u64, Unread> {
        let text = self.text_of(pid, "io")?;
        let value = |key: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(key)?.trim().parse::<u64>().ok())
        };
        let sum = || Some(value("rchar:")? + value("wchar:")?);
        sum().ok_or_else(|| Unread::Unfamiliar {
            expected: "rchar and wchar",
            found: text.clone(),
        })
    }

    /// The id of the process's owner.
    pub fn owner(&self, pid: i32) -> Option<u32> {
        let status = self.text_of(pid, "status").ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
        line.split_whitespace().next()?.parse().ok()
    }

    /// The process that a thread belongs to.
    pub fn process_of(&self, tid: i32) -> Option<i32> {
        let status = self.text_of(tid, "status").ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("Tgid:"))?;
        line.trim().parse().ok()
    }

    /// Its control groups, as the kernel prints them.
    pub fn control_groups(&self, pid: i32) -> Result<String, Unread> {
        self.text_of(pid, "cgroup")
    }

    /// How long the machine has run.
    pub fn uptime(&self) -> Option<Duration> {
        let text = self.text("uptime").ok()?;
        let seconds = text.split_whitespace().next()?.parse().ok()?;
        Duration::try_from_secs_f64(seconds).ok()
    }

    /// The direct children of a process, of all its threads.
    pub fn children(&self, pid: i32) -> Vec<i32> {
        let mut found = Vec::new();
        for tid in self.tasks(pid).unwrap_or_default() {
            match self.text_of(pid, &format!("task/{tid}/children")) {
                Ok(text) => found.extend(
                    text.split_whitespace()
                        .filter_map(|word| word.parse::<i32>().ok()),
                ),
                // A kernel without CONFIG_PROC_CHILDREN: look at everybody's parent.
                Err(_) if !self.root.join("thread-self/children").exists() => {
                    return self.children_by_parent(pid);
                }
                Err(_) => {}
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn children_by_parent(&self, pid: i32) -> Vec<i32> {
        let is_child = |child: &i32| {
            self.bare_process(*child)
                .is_ok_and(|child| child.parent == pid)
        };
        self.pids().into_iter().filter(is_child).collect()
    }

    /// Every process that this user may see.
    pub fn pids(&self) -> Vec<i32> {
        numbers(&self.root).unwrap_or_default()
    }
}

/// The entries of a folder whose names are numbers, in their order.
fn numbers(folder: &Path) -> Result<Vec<i32>, Unread> {
    let mut found: Vec<i32> = fs::read_dir(folder)?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    found.sort_unstable();
    Ok(found)
}

fn parse_stat(pid: i32, stat: &str) -> Option<Process> {
    // The short name may hold blanks and brackets: it ends at the last `)`.
    let (head, tail) = stat.rsplit_once(')')?;
    let name = head.split_once('(')?.1.to_owned();
    let fields: Vec<&str> = tail.split_whitespace().collect();
    let number = |index: usize| {
        fields
            .get(index)
            .and_then(|field| field.parse::<u64>().ok())
    };
    let ticks = u32::try_from(number(11)? + number(12)?).unwrap_or(u32::MAX);
    Some(Process {
        pid,
        parent: fields.get(1)?.parse().ok()?,
        group: fields.get(2)?.parse().ok()?,
        state: fields.first()?.chars().next()?,
        name,
        words: Vec::new(),
        executable: String::new(),
        cpu: TICK * ticks,
        started: number(19)?,
    })
}

/// The process, or `None` when it is gone.
pub fn process(pid: i32) -> Option<Process> {
    Proc::default().process(pid).ok()
}

/// The direct children of a process, of all its threads.
pub fn children(pid: i32) -> Vec<i32> {
    Proc::default().children(pid)
}

/// The processes whose environment, as they were started with it, holds this text. Those that may not be looked at
/// are not among them.
pub fn with_environment(text: &[u8]) -> Vec<Process> {
    let proc = Proc::default();
    let holds = |pid: &i32| {
        let environment = fs::read(proc.path(*pid, "environ")).unwrap_or_default();
        environment.windows(text.len()).any(|window| window == text)
    };
    let pids = proc.pids().into_iter().filter(holds);
    pids.filter_map(process).collect()
}

/// The descriptors by which a process holds a pipe open for writing, by the pipe's inode.
pub fn writing_ends(pid: i32, inode: u64) -> Vec<i32> {
    let proc = Proc::default();
    let wanted = format!("pipe:[{inode}]");
    let descriptors = proc.descriptors(pid).unwrap_or_default();
    let writes = |fd: &i32| {
        proc.descriptor_info(pid, *fd)
            .is_ok_and(|info| info.writes())
    };
    let ends = descriptors.into_iter().filter(|end| end.target == wanted);
    let mut ends: Vec<i32> = ends.map(|end| end.fd).filter(writes).collect();
    ends.sort_unstable();
    ends
}

/// The process is in the control group of the container with this id.
pub fn is_in_container(pid: i32, id: &str) -> bool {
    let groups = Proc::default().control_groups(pid).unwrap_or_default();
    !id.is_empty() && groups.contains(id)
}

/// Sends a signal to one process, unless its number has passed to another one meanwhile: the pidfd pins
/// whoever has the number now, and only then is it compared with what was seen.
pub fn signal(process: &Process, signal: i32) -> bool {
    let (Some(pid), Some(signal)) = (Pid::from_raw(process.pid), Signal::from_named_raw(signal))
    else {
        return false;
    };
    let Ok(pidfd) = pidfd_open(pid, PidfdFlags::empty()) else {
        return false;
    };
    let same = self::process(process.pid).is_some_and(|now| now.started == process.started);
    same && pidfd_send_signal(&pidfd, signal).is_ok()
}
