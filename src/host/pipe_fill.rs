//! How full a pipe of another process is. The one place that opens what a descriptor link leads to, and
//! only links that name a pipe: those lead to no file system. For a moment the pipe has one more reader.

use rustix::fs::{Mode, OFlags};

use super::procfs::{Proc, Unread};

/// Bytes in a pipe, and how many it can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fill {
    /// Written and not yet read.
    pub waiting: u64,
    /// What it can hold.
    pub capacity: u64,
}

/// Looks into the pipe behind a descriptor of a process, which must be named `pipe:[…]`.
pub fn of(proc: &Proc, pid: i32, fd: i32) -> Result<Fill, Unread> {
    let target = proc.descriptor(pid, fd)?.target;
    if !target.starts_with("pipe:[") {
        return Err(Unread::Unfamiliar {
            expected: "a pipe",
            found: target,
        });
    }
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let failed = |errno: rustix::io::Errno| Unread::from(std::io::Error::from(errno));
    let pipe =
        rustix::fs::open(proc.descriptor_link(pid, fd), flags, Mode::empty()).map_err(failed)?;
    let waiting = rustix::io::ioctl_fionread(&pipe).map_err(failed)?;
    let capacity = rustix::pipe::fcntl_getpipe_size(&pipe).map_err(failed)? as u64;
    Ok(Fill { waiting, capacity })
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;

    fn me() -> i32 {
        rustix::process::getpid().as_raw_nonzero().get()
    }

    #[test]
    fn bytes_in_a_pipe_are_counted_and_stay_there() {
        let (read, write) = rustix::pipe::pipe().unwrap();
        rustix::io::write(&write, b"12345").unwrap();
        let expected = Fill {
            waiting: 5,
            capacity: rustix::pipe::fcntl_getpipe_size(&read).unwrap() as u64,
        };
        for end in [read.as_raw_fd(), write.as_raw_fd()] {
            assert_eq!(of(&Proc::default(), me(), end), Ok(expected));
        }
        let mut bytes = [0; 8];
        assert_eq!(rustix::io::read(&read, &mut bytes).unwrap(), 5);
    }

    #[test]
    fn what_is_no_pipe_is_not_opened() {
        let file = std::fs::File::open("/dev/null").unwrap();
        let refused = of(&Proc::default(), me(), file.as_raw_fd());
        assert!(
            matches!(refused, Err(Unread::Unfamiliar { .. })),
            "{refused:?}"
        );
    }
}
