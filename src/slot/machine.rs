//! What the machine went through while an attempt ran: pressure, kills for want of memory, free disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::host::clock;
use crate::model::MachineDelta;

/// Reading the kernel's counters costs as much as a trivial script, so readings are shared by attempts
/// that are closer together than this.
const SHARED: Duration = Duration::from_millis(100);

/// The counters at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    at: Instant,
    cpu_us: Option<u64>,
    memory_us: Option<u64>,
    io_us: Option<u64>,
    oom_kills: Option<u64>,
    disk_free: Option<u64>,
}

/// Reads the counters, seldom.
#[derive(Debug)]
pub(super) struct Machine {
    work_root: PathBuf,
    last: Option<Reading>,
}

impl Machine {
    pub(super) fn new(work_root: PathBuf) -> Self {
        Machine {
            work_root,
            last: None,
        }
    }

    /// The counters now, or a moment ago.
    pub(super) fn reading(&mut self) -> Reading {
        let now = clock::now();
        let reading = self
            .last
            .filter(|last| now - last.at < SHARED)
            .unwrap_or_else(|| read(now, &self.work_root));
        self.last = Some(reading);
        reading
    }
}

/// The change from one reading to the next.
pub(super) fn delta(before: &Reading, after: &Reading) -> MachineDelta {
    let grown = |before: Option<u64>, after: Option<u64>| Some(after?.saturating_sub(before?));
    let disk_free_bytes = before
        .disk_free
        .zip(after.disk_free)
        .and_then(|(before, after)| i64::try_from(i128::from(after) - i128::from(before)).ok());
    MachineDelta {
        cpu_stall_us: grown(before.cpu_us, after.cpu_us),
        memory_stall_us: grown(before.memory_us, after.memory_us),
        io_stall_us: grown(before.io_us, after.io_us),
        oom_kills: grown(before.oom_kills, after.oom_kills),
        disk_free_bytes,
    }
}

fn read(at: Instant, work_root: &Path) -> Reading {
    let disk = rustix::fs::statvfs(work_root).ok();
    Reading {
        at,
        cpu_us: stalled("cpu"),
        memory_us: stalled("memory"),
        io_us: stalled("io"),
        oom_kills: oom_kills(),
        disk_free: disk.map(|disk| disk.f_bavail * disk.f_frsize),
    }
}

fn stalled(what: &str) -> Option<u64> {
    let text = fs::read_to_string(Path::new("/proc/pressure").join(what)).ok()?;
    let some = text.lines().find(|line| line.starts_with("some "))?;
    some.rsplit_once("total=")?.1.parse().ok()
}

fn oom_kills() -> Option<u64> {
    let text = fs::read_to_string("/proc/vmstat").ok()?;
    text.lines()
        .find_map(|line| line.strip_prefix("oom_kill ")?.parse().ok())
}
