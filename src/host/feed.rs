//! What is still to be written to a program, through a descriptor that does not block. Knows no process.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Bytes on their way into a pipe or a terminal.
#[derive(Debug)]
pub(super) struct Feed {
    to: OwnedFd,
    bytes: Vec<u8>,
    written: usize,
}

impl Feed {
    pub(super) fn new(to: OwnedFd, bytes: Vec<u8>) -> Self {
        Feed {
            to,
            bytes,
            written: 0,
        }
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.to.as_fd()
    }

    /// Writes what is taken now. `true`: all is written, or the reader is gone.
    pub(super) fn push(&mut self) -> bool {
        loop {
            let rest = self.bytes.get(self.written..).unwrap_or_default();
            if rest.is_empty() {
                return true;
            }
            match rustix::io::write(&self.to, rest) {
                Ok(count) => self.written += count,
                Err(rustix::io::Errno::AGAIN) => return false,
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return true,
            }
        }
    }
}
