//! From a system call and its arguments to what a thread waits for.

use super::{Right, Subject};
use crate::host::procfs::{Shape, Syscall, Task, TaskCall, Unread};
use crate::model::{Descriptor, Wait};

/// The operation bit of futex(2): of one process only.
const FUTEX_PRIVATE: u64 = 128;
/// Kinds of waitid(2).
const P_PID: u64 = 1;
const P_PIDFD: u64 = 3;
/// More descriptors than this in one `poll` are not read.
const MOST: u64 = 1024;

/// What is known without reading the process's memory.
pub(super) fn at_first_sight(
    subject: &Subject,
    pid: i32,
    task: &Task,
    call: &Result<TaskCall, Unread>,
) -> Wait {
    if matches!(task.state, 'T' | 't') {
        return Wait::Stopped;
    }
    let unknown = |why: String| by_channel(task).unwrap_or(Wait::Unknown { why });
    match call {
        Ok(TaskCall::Running) => Wait::Running,
        Ok(TaskCall::In(call)) => in_call(subject, pid, task, call),
        Ok(TaskCall::NoCall) if task.state == 'R' => Wait::Running,
        Ok(TaskCall::NoCall) => Wait::Kernel,
        Ok(TaskCall::Foreign) => unknown("it is a 32-bit program".to_owned()),
        Err(unread) => unknown(subject.why(unread, pid, Right::Trace)),
    }
}

/// What the kernel function alone tells. Its names change between releases, so prefixes are compared.
fn by_channel(task: &Task) -> Option<Wait> {
    let begins = |names: &[&str]| names.iter().any(|name| task.wchan.starts_with(name));
    if task.state == 'R' {
        Some(Wait::Running)
    } else if begins(&["hrtimer_nanosleep", "do_nanosleep", "common_nsleep"]) {
        Some(Wait::Sleep)
    } else if begins(&["do_wait"]) {
        Some(Wait::Child { pid: None })
    } else if begins(&["wait_for_partner"]) {
        let path = String::new();
        Some(Wait::Open { path })
    } else if begins(&["sigsuspend", "do_sigtimedwait", "__do_sys_pause"]) {
        Some(Wait::Signal)
    } else if task.state == 'D' || is_file_system(&task.wchan) {
        Some(Wait::Kernel)
    } else {
        None
    }
}

/// The function waits for a file system: its server, its network, its disk.
fn is_file_system(wchan: &str) -> bool {
    const PLACES: [&str; 8] = [
        "request_wait_answer",
        "fuse_",
        "__fuse_",
        "folio_wait",
        "rpc_wait",
        "nfs",
        "cifs_",
        "wait_on_page",
    ];
    PLACES.iter().any(|place| wchan.starts_with(place))
}

fn in_call(subject: &Subject, pid: i32, task: &Task, call: &Syscall) -> Wait {
    let [first, second, third, fourth, fifth, _] = call.arguments;
    let name = name(call);
    let on = |fd: u64| Wait::On {
        call: name.clone(),
        on: descriptor(subject, pid, number(fd)),
    };
    // `poll` and `select` of nothing wait for time or a signal.
    let any_of = |count: u64, timed: bool| match (count, timed) {
        (0, true) => Wait::Sleep,
        (0, false) => Wait::Signal,
        _ => Wait::AnyOf {
            call: name.clone(),
            on: Vec::new(),
            timed,
        },
    };
    match call.shape() {
        // Where the bytes go to is waited for when there is no room, else where they come from.
        Shape::Between(place) if task.wchan.contains("write") || task.wchan.contains("space") => {
            on(call.arguments.get(place).copied().unwrap_or_default())
        }
        Shape::Descriptor | Shape::Between(_) => on(first),
        Shape::Poll(milliseconds) => any_of(second, is_timed(milliseconds, third)),
        Shape::Select => any_of(first, fifth != 0),
        Shape::Epoll(milliseconds) => Wait::AnyOf {
            call: name,
            on: watched(subject, pid, number(first)),
            timed: is_timed(milliseconds, fourth),
        },
        Shape::Open(_) if task.state == 'D' || is_file_system(&task.wchan) => Wait::Kernel,
        Shape::Open(_) => Wait::Open {
            path: String::new(),
        },
        Shape::Futex | Shape::OtherFutex => Wait::Futex {
            address: first,
            mapping: String::new(),
        },
        Shape::Wait4 => Wait::Child {
            pid: Some(number(first)).filter(|pid| *pid > 0),
        },
        Shape::Waitid => Wait::Child {
            pid: awaited(subject, pid, first, number(second)),
        },
        // The parent of a vfork sleeps without being woken by signals.
        Shape::Fork if task.state == 'D' => Wait::Child { pid: None },
        Shape::Sleep => Wait::Sleep,
        Shape::Signal => Wait::Signal,
        Shape::Restart | Shape::Fork | Shape::Other => {
            by_channel(task).unwrap_or(Wait::Call { name })
        }
    }
}

fn name(call: &Syscall) -> String {
    let known = call.name().map(str::to_owned);
    known.unwrap_or_else(|| format!("system call {}", call.number))
}

/// An `int` that the kernel shows in a whole register.
fn number(argument: u64) -> i32 {
    let bytes = argument.to_le_bytes();
    i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

fn is_timed(milliseconds: bool, argument: u64) -> bool {
    if milliseconds {
        number(argument) >= 0
    } else {
        argument != 0
    }
}

/// A descriptor with its target, which is empty when it cannot be known.
fn descriptor(subject: &Subject, pid: i32, fd: i32) -> Descriptor {
    let known = subject.proc.descriptor(pid, fd);
    known.unwrap_or_else(|_| Descriptor {
        fd,
        target: String::new(),
    })
}

/// The FIFO that a thread reads or writes: the descriptor leads to a path, and the kernel waits for a pipe.
pub(super) fn fifo(subject: &Subject, pid: i32, task: &Task, call: &Syscall) -> Option<String> {
    let in_pipe = task.wchan.contains("pipe_read") || task.wchan.contains("pipe_write");
    if !in_pipe || call.shape() != Shape::Descriptor {
        return None;
    }
    let target = descriptor(subject, pid, number(call.arguments[0])).target;
    target.starts_with('/').then_some(target)
}

fn watched(subject: &Subject, pid: i32, epoll: i32) -> Vec<Descriptor> {
    let info = subject.proc.descriptor_info(pid, epoll);
    let watched = info.unwrap_or_default().watched;
    watched
        .into_iter()
        .map(|fd| descriptor(subject, pid, fd))
        .collect()
}

fn awaited(subject: &Subject, pid: i32, kind: u64, id: i32) -> Option<i32> {
    match kind {
        P_PID => Some(id),
        P_PIDFD => subject.proc.descriptor_info(pid, id).ok()?.process,
        _ => None,
    }
}

/// There is something in the process's memory that says what the call waits for.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "few calls have more to tell"
)]
pub(super) fn leaves_more(call: &Syscall) -> bool {
    let [first, second, ..] = call.arguments;
    match call.shape() {
        Shape::Poll(_) => second > 0,
        Shape::Select => first > 0,
        Shape::Futex => !is_private(call),
        shape => matches!(shape, Shape::Open(_)),
    }
}

/// The futex is of one process only.
pub(super) fn is_private(call: &Syscall) -> bool {
    call.arguments[1] & FUTEX_PRIVATE != 0
}

/// What the call waits for, by what its arguments point to. `None`: nothing beyond what was known.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "few calls have more to tell"
)]
pub(super) fn from_memory(
    subject: &Subject,
    pid: i32,
    call: &Syscall,
) -> Result<Option<Wait>, Unread> {
    let arguments = &call.arguments;
    let any_of = |fds: Vec<i32>, timed: bool| {
        let mut on: Vec<Descriptor> = fds
            .into_iter()
            .map(|fd| descriptor(subject, pid, fd))
            .collect();
        on.dedup();
        one_child(subject, pid, &on, timed).unwrap_or(Wait::AnyOf {
            call: name(call),
            on,
            timed,
        })
    };
    let wait = match call.shape() {
        Shape::Poll(milliseconds) => {
            let fds = polled(subject, pid, arguments[0], arguments[1])?;
            any_of(fds, is_timed(milliseconds, arguments[2]))
        }
        Shape::Select => any_of(selected(subject, pid, call)?, arguments[4] != 0),
        Shape::Open(place) => Wait::Open {
            path: opened(subject, pid, call, place)?,
        },
        Shape::Futex => {
            let address = arguments[0];
            let maps = subject.proc.mappings(pid)?;
            let around = |map: &&crate::host::procfs::Mapping| {
                map.shared && (map.start..map.end).contains(&address)
            };
            let mapping = maps.iter().find(around);
            let mapping = mapping.map_or_else(String::new, |map| map.path.clone());
            Wait::Futex { address, mapping }
        }
        _ => return Ok(None),
    };
    Ok(Some(wait))
}

/// `poll` of one pidfd and nothing else is another way to wait for a child.
fn one_child(subject: &Subject, pid: i32, on: &[Descriptor], timed: bool) -> Option<Wait> {
    let [one] = on else { return None };
    if timed || !one.target.contains("pidfd") {
        return None;
    }
    let child = subject.proc.descriptor_info(pid, one.fd).ok()?.process?;
    Some(Wait::Child { pid: Some(child) })
}

/// `struct pollfd`: a descriptor, what is asked, what is answered.
fn polled(subject: &Subject, pid: i32, address: u64, count: u64) -> Result<Vec<i32>, Unread> {
    let length = usize::try_from(count.min(MOST) * 8).unwrap_or_default();
    let bytes = subject.proc.memory(pid, address, length)?;
    let fds = bytes.chunks_exact(8).filter_map(|entry| {
        let fd = i32::from_ne_bytes(entry.get(..4)?.try_into().ok()?);
        (fd >= 0).then_some(fd)
    });
    Ok(fds.collect())
}

/// The three sets of `select`: one bit for each descriptor.
fn selected(subject: &Subject, pid: i32, call: &Syscall) -> Result<Vec<i32>, Unread> {
    let count = call.arguments[0].min(MOST);
    let mut found = std::collections::BTreeSet::new();
    for address in call.arguments[1..4].iter().filter(|address| **address != 0) {
        let length = usize::try_from(count.div_ceil(8)).unwrap_or_default();
        let bytes = subject.proc.memory(pid, *address, length)?;
        let set = |fd: &i32| {
            let place = usize::try_from(*fd).unwrap_or(usize::MAX);
            bytes
                .get(place / 8)
                .is_some_and(|byte| byte >> (place % 8) & 1 == 1)
        };
        found.extend((0..number(count)).filter(set));
    }
    Ok(found.into_iter().collect())
}

/// The path that is opened, made absolute where the process's directory can be known.
fn opened(subject: &Subject, pid: i32, call: &Syscall, place: usize) -> Result<String, Unread> {
    let address = call.arguments.get(place).copied().unwrap_or_default();
    let path = subject.proc.text_at(pid, address)?;
    if path.starts_with('/') {
        return Ok(path);
    }
    let below = match place
        .checked_sub(1)
        .and_then(|place| call.arguments.get(place))
    {
        Some(directory) if number(*directory) >= 0 => {
            descriptor(subject, pid, number(*directory)).target
        }
        _ => subject.proc.directory(pid).unwrap_or_default(),
    };
    Ok(if below.is_empty() {
        path
    } else {
        format!("{}/{path}", below.trim_end_matches('/'))
    })
}
