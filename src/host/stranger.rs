//! A process that is not our child, watched until it ends. Knows nothing of what it does.

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// A process by its descriptor, which means the same process even when its id is used again.
#[derive(Debug)]
pub struct Stranger {
    descriptor: OwnedFd,
}

impl Stranger {
    /// None of a process that is gone.
    pub fn of(pid: i32) -> Option<Self> {
        let descriptor = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()?;
        Some(Stranger { descriptor })
    }

    /// It has ended, or does so within the limit.
    pub fn ends_within(&self, limit: Duration) -> bool {
        let timeout = Timespec {
            tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: limit.subsec_nanos().into(),
        };
        // The descriptor can be read when the process has ended.
        let mut watched = [PollFd::new(&self.descriptor, PollFlags::IN)];
        poll(&mut watched, Some(&timeout)).is_ok_and(|ready| ready > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "somebody else's process")]
    fn the_end_of_a_stranger_is_seen() {
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let stranger = Stranger::of(i32::try_from(child.id()).unwrap()).unwrap();
        assert!(!stranger.ends_within(Duration::ZERO));
        drop(child.stdin.take());
        assert!(stranger.ends_within(Duration::from_secs(20)));
        child.wait().unwrap();
    }
}
