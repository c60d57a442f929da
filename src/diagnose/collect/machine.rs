//! The machine at this moment: load, memory, open files, and last the disk, whose file system may not answer.

use super::{Enough, Say, Subject};
use crate::model::{Finding, MachineNow};

pub(super) fn learn(subject: &Subject, say: &Say) -> Result<(), Enough> {
    let text = |name: &str| subject.proc.text(name).unwrap_or_default();
    let after = |text: &str, key: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let load = text("loadavg");
    let load: Vec<&str> = load.split_whitespace().take(3).collect();
    let mut now = MachineNow {
        load: load.join(" "),
        blocked: after(&text("stat"), "procs_blocked"),
        memory_available_bytes: after(&text("meminfo"), "MemAvailable:").map(|kib| kib << 10),
        open_files: after(&text("sys/fs/file-nr"), ""),
        ..MachineNow::default()
    };
    say.say(Finding::Machine(now.clone()))?;
    match rustix::fs::statvfs(&subject.work_root) {
        Ok(disk) => {
            now.disk_free_bytes = Some(disk.f_bavail * disk.f_frsize);
            now.inodes_free = Some(disk.f_favail);
            say.say(Finding::Machine(now))
        }
        Err(errno) => say.gap("free disk", errno.to_string()),
    }
}
