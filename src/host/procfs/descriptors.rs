//! What a process has open: the links of `/proc/PID/fd`, read and never followed, and what `fdinfo` says of
//! them.

use std::path::PathBuf;

use super::{Proc, Unread, numbers};
use crate::model::Descriptor;

/// What the kernel says of one descriptor beyond its target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DescriptorInfo {
    /// The flags it was opened with.
    pub flags: u32,
    /// The inode's number, where the kernel tells (Linux 5.14).
    pub inode: Option<u64>,
    /// Descriptors that an epoll watches, by their numbers when they were added.
    pub watched: Vec<i32>,
    /// Locks that this open file, or the process through it, holds.
    pub locks: Vec<HeldLock>,
    /// The process that a pidfd means.
    pub process: Option<i32>,
}

/// A lock in `fdinfo`: kind and inode as in `/proc/locks`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldLock {
    /// `FLOCK`, `POSIX` or `OFDLCK`.
    pub kind: String,
    /// Device and inode: `08:01:1234`.
    pub file: String,
}

impl DescriptorInfo {
    /// It can be read from.
    pub fn reads(&self) -> bool {
        matches!(self.flags & 0b11, 0 | 2)
    }

    /// It can be written to.
    pub fn writes(&self) -> bool {
        matches!(self.flags & 0b11, 1 | 2)
    }
}

impl Proc {
    /// Every open descriptor of a process, in order.
    pub fn descriptors(&self, pid: i32) -> Result<Vec<Descriptor>, Unread> {
        let found = numbers(&self.path(pid, "fd"))?;
        // One that was closed meanwhile is not open; a refusal has shown in the listing already.
        let open = |fd: i32| self.descriptor(pid, fd).ok();
        Ok(found.into_iter().filter_map(open).collect())
    }

    /// One descriptor of a process.
    pub fn descriptor(&self, pid: i32, fd: i32) -> Result<Descriptor, Unread> {
        let target = self.link(pid, &format!("fd/{fd}"))?;
        Ok(Descriptor { fd, target })
    }

    /// The link to what a descriptor means. To follow it can block for good: pipes only.
    pub(in crate::host) fn descriptor_link(&self, pid: i32, fd: i32) -> PathBuf {
        self.path(pid, &format!("fd/{fd}"))
    }

    /// What `fdinfo` says of a descriptor.
    pub fn descriptor_info(&self, pid: i32, fd: i32) -> Result<DescriptorInfo, Unread> {
        let text = self.text_of(pid, &format!("fdinfo/{fd}"))?;
        parse(&text).ok_or_else(|| Unread::Unfamiliar {
            expected: "flags in fdinfo",
            found: text.clone(),
        })
    }

    /// The directory that a process is in.
    pub fn directory(&self, pid: i32) -> Result<String, Unread> {
        self.link(pid, "cwd")
    }
}

fn parse(text: &str) -> Option<DescriptorInfo> {
    let mut info = DescriptorInfo::default();
    let mut flags = None;
    for line in text.lines() {
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        let value = value.trim();
        match key.trim() {
            "flags" => flags = u32::from_str_radix(value, 8).ok(),
            "ino" => info.inode = value.parse().ok(),
            "Pid" => info.process = value.parse().ok().filter(|pid| *pid > 0),
            "tfd" => {
                let number = value.split_whitespace().next();
                info.watched
                    .extend(number.and_then(|fd| fd.parse::<i32>().ok()));
            }
            "lock" => info.locks.extend(held_lock(value)),
            _ => {}
        }
    }
    info.flags = flags?;
    Some(info)
}

/// `1: FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF`
fn held_lock(line: &str) -> Option<HeldLock> {
    let mut words = line.split_whitespace().skip(1);
    let kind = words.next()?.to_owned();
    let file = words.nth(3)?.to_owned();
    Some(HeldLock { kind, file })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_locks_and_watched_descriptors_are_read() {
        let info = parse(
            "pos:\t0\nflags:\t02100001\nmnt_id:\t26\nino:\t77\nlock:\t1: FLOCK  ADVISORY  WRITE 4711 08:01:77 0 EOF\n",
        )
        .unwrap();
        assert!(info.writes() && !info.reads());
        assert_eq!(info.inode, Some(77));
        let lock = HeldLock {
            kind: "FLOCK".to_owned(),
            file: "08:01:77".to_owned(),
        };
        assert_eq!(info.locks, [lock]);
        let epoll = parse(
            "pos:\t0\nflags:\t02\ntfd:        5 events:       19 data: 5  pos:0 ino:1 sdev:e\ntfd: 11 events: 1\n",
        )
        .unwrap();
        assert_eq!(epoll.watched, [5, 11]);
        assert!(epoll.reads() && epoll.writes());
        assert_eq!(
            parse("pos:\t0\nflags:\t02\nPid:\t42\nNSpid:\t42\n")
                .unwrap()
                .process,
            Some(42)
        );
    }

    #[test]
    fn a_text_without_flags_is_unfamiliar() {
        assert_eq!(parse("pos: 0\n"), None);
    }
}
