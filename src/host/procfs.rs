//! Reading `/proc`: the children of a process, what each is, and who holds a pipe. Read-only, never
//! follows a descriptor link (a dead file system behind one would block us for good).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// One process, as far as this user may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: i32,
    /// Its parent's id.
    pub parent: i32,
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
}

/// The clock tick of `/proc/PID/stat`: `USER_HZ` is 100 on every Linux that Rust runs on.
const TICK: Duration = Duration::from_millis(10);

/// The process, or `None` when it is gone.
pub fn process(pid: i32) -> Option<Process> {
    let root = directory(pid);
    let stat = fs::read_to_string(root.join("stat")).ok()?;
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
    let cmdline = fs::read(root.join("cmdline")).unwrap_or_default();
    let words = cmdline
        .split(|byte| *byte == 0)
        .map(|word| String::from_utf8_lossy(word).into_owned());
    let mut words: Vec<String> = words.collect();
    words.pop();
    Some(Process {
        pid,
        parent: fields.get(1)?.parse().ok()?,
        state: fields.first()?.chars().next()?,
        name,
        words,
        executable: executable(&root),
        cpu: TICK * ticks,
        started: number(19)?,
    })
}

fn directory(pid: i32) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}"))
}

fn executable(root: &Path) -> String {
    let target = fs::read_link(root.join("exe")).unwrap_or_default();
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    name.strip_suffix(" (deleted)").unwrap_or(&name).to_owned()
}

/// The kernel function the process's first thread sleeps in; empty when it runs or must not be known.
pub fn wait_channel(pid: i32) -> String {
    let name = fs::read_to_string(directory(pid).join("wchan")).unwrap_or_default();
    if name == "0" { String::new() } else { name }
}

/// Bytes that the process has read and written through system calls.
pub fn io_bytes(pid: i32) -> Option<u64> {
    let text = fs::read_to_string(directory(pid).join("io")).ok()?;
    let value = |key: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(key)?.trim().parse::<u64>().ok())
    };
    Some(value("rchar:")? + value("wchar:")?)
}

/// The process is in the control group of the container with this id.
pub fn is_in_container(pid: i32, id: &str) -> bool {
    let groups = fs::read_to_string(directory(pid).join("cgroup")).unwrap_or_default();
    !id.is_empty() && groups.contains(id)
}

/// The direct children of a process, of all its threads.
pub fn children(pid: i32) -> Vec<i32> {
    let Ok(tasks) = fs::read_dir(directory(pid).join("task")) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for task in tasks.flatten() {
        match fs::read_to_string(task.path().join("children")) {
            Ok(text) => found.extend(
                text.split_whitespace()
                    .filter_map(|word| word.parse::<i32>().ok()),
            ),
            // A kernel without CONFIG_PROC_CHILDREN: look at everybody's parent.
            Err(_) if !Path::new("/proc/thread-self/children").exists() => {
                return children_by_parent(pid);
            }
            Err(_) => {}
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn children_by_parent(pid: i32) -> Vec<i32> {
    pids()
        .into_iter()
        .filter(|child| process(*child).is_some_and(|child| child.parent == pid))
        .collect()
}

fn pids() -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// The processes whose environment, as they were started with it, holds this text. Those that may not be looked at
/// are not among them.
pub fn with_environment(text: &[u8]) -> Vec<Process> {
    let holds = |pid: &i32| {
        let environment = fs::read(directory(*pid).join("environ")).unwrap_or_default();
        environment.windows(text.len()).any(|window| window == text)
    };
    pids()
        .into_iter()
        .filter(holds)
        .filter_map(process)
        .collect()
}

/// All descendants, parents before children. `enter` says whether to look below a process; one that it
/// refuses is listed, its descendants are not.
pub fn descendants(root: i32, enter: &dyn Fn(&Process) -> bool) -> Vec<Process> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    let mut queue = vec![root];
    while let Some(parent) = queue.pop() {
        for child in children(parent) {
            let Some(process) = process(child).filter(|_| seen.insert(child)) else {
                continue;
            };
            if enter(&process) {
                queue.push(child);
            }
            found.push(process);
        }
    }
    found
}

/// The descriptors by which a process holds a pipe open for writing, by the pipe's inode.
pub fn writing_ends(pid: i32, inode: u64) -> Vec<i32> {
    let wanted = format!("pipe:[{inode}]");
    let Ok(entries) = fs::read_dir(directory(pid).join("fd")) else {
        return Vec::new();
    };
    let end = |entry: fs::DirEntry| {
        let is_pipe =
            fs::read_link(entry.path()).is_ok_and(|target| target.as_os_str() == wanted.as_str());
        let name = entry.file_name();
        let name = name.to_str()?;
        (is_pipe && opened_for_writing(pid, name)).then(|| name.parse().ok())?
    };
    let mut ends: Vec<i32> = entries.flatten().filter_map(end).collect();
    ends.sort_unstable();
    ends
}

fn opened_for_writing(pid: i32, fd: &str) -> bool {
    let info = fs::read_to_string(directory(pid).join("fdinfo").join(fd)).unwrap_or_default();
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    let mode = flags.and_then(|octal| u32::from_str_radix(octal.trim(), 8).ok());
    mode.is_some_and(|mode| mode & 0b11 != 0)
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
