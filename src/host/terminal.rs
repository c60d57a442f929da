//! A pseudo-terminal for one program: our side feeds it and captures what is written to it. Knows no
//! process but the one that it is given to.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};

use super::feed::Feed;
use super::stream::{Capture, Stream};

/// Ends the input of whoever reads lines, as Control-D does.
const END_OF_INPUT: u8 = 4;

/// Both sides of a new pseudo-terminal.
#[derive(Debug)]
pub struct Pair {
    /// Ours: what is written here was typed, what is read here is shown.
    pub ours: OwnedFd,
    /// The program's.
    pub theirs: OwnedFd,
}

/// Opens a pseudo-terminal that is nobody's controlling terminal: the slot leads a session and would
/// otherwise get it.
pub fn open() -> io::Result<Pair> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let ours = openpt(flags)?;
    unlockpt(&ours)?;
    let theirs = ioctl_tiocgptpeer(&ours, flags)?;
    Ok(Pair { ours, theirs })
}

/// What is typed: the bytes, then the end of input.
pub fn typed(mut input: Vec<u8>) -> Vec<u8> {
    input.push(END_OF_INPUT);
    input
}

/// A program's terminal while the program runs.
#[derive(Debug)]
pub(super) struct Terminal {
    feed: Option<Feed>,
    capture: Capture,
    /// Held, so that the terminal does not hang up while the program happens to have it closed.
    theirs: OwnedFd,
}

impl Terminal {
    pub(super) fn new(pair: Pair, input: Vec<u8>, cap: u64) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&pair.ours, true)?;
        Ok(Terminal {
            feed: Some(Feed::new(pair.ours.try_clone()?, typed(input))),
            capture: Capture::new(pair.ours, cap),
            theirs: pair.theirs,
        })
    }

    pub(super) fn readable(&self) -> Option<BorrowedFd<'_>> {
        self.capture.as_fd()
    }

    pub(super) fn writable(&self) -> Option<BorrowedFd<'_>> {
        self.feed.as_ref().map(Feed::as_fd)
    }

    /// Returns how many bytes were shown.
    pub(super) fn move_bytes(&mut self) -> u64 {
        if self.feed.as_mut().is_some_and(Feed::push) {
            self.feed = None;
        }
        self.capture.drain()
    }

    /// The program is over. What it wrote is still in the kernel and comes out until the hang-up; whoever
    /// else holds the terminal is not awaited.
    pub(super) fn finish(mut self) -> Stream {
        drop(self.theirs);
        self.capture.drain();
        self.capture.finish()
    }
}
