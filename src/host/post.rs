//! One place to wait at: for what other threads send, and for descriptors. Knows nothing of what is sent.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

/// Where other threads put what they have to say.
#[derive(Debug)]
pub struct Inbox<T> {
    sender: Sender<T>,
    wake: Arc<OwnedFd>,
}

impl<T> Clone for Inbox<T> {
    fn clone(&self) -> Self {
        Inbox {
            sender: self.sender.clone(),
            wake: self.wake.clone(),
        }
    }
}

impl<T> Inbox<T> {
    /// Sends it, and wakes whoever waits. `false`: nobody will ever take it.
    pub fn send(&self, what: T) -> bool {
        let sent = self.sender.send(what).is_ok();
        // It fails only when it has been woken 2^64 times and not yet looked.
        rustix::io::write(&self.wake, &1_u64.to_ne_bytes()).ok();
        sent
    }
}

/// The other end of an [`Inbox`].
#[derive(Debug)]
pub struct Post<T> {
    receiver: Receiver<T>,
    wake: Arc<OwnedFd>,
}

/// Both ends.
pub fn post<T>() -> io::Result<(Inbox<T>, Post<T>)> {
    let (sender, receiver) = mpsc::channel();
    let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
    let inbox = Inbox {
        sender,
        wake: wake.clone(),
    };
    Ok((inbox, Post { receiver, wake }))
}

impl<T> Post<T> {
    /// What was sent and not yet taken, in order.
    pub fn take(&self) -> Option<T> {
        self.receiver.try_recv().ok()
    }

    /// Waits until something was sent, one of `watched` can be read or has ended, or the time is over. Returns
    /// which of `watched` are ready, in their order. May return early, with nothing.
    pub fn wait(&self, watched: &[BorrowedFd<'_>], limit: Duration) -> Vec<bool> {
        let mut fds = Vec::with_capacity(watched.len() + 1);
        fds.push(PollFd::from_borrowed_fd(self.wake.as_fd(), PollFlags::IN));
        for fd in watched {
            fds.push(PollFd::from_borrowed_fd(*fd, PollFlags::IN));
        }
        let limit = Timespec::try_from(limit).ok();
        if poll(&mut fds, limit.as_ref()).is_err() {
            return vec![false; watched.len()];
        }
        let mut ready = fds.iter().map(|fd| !fd.revents().is_empty());
        if ready.next() == Some(true) {
            // Before anything is taken: whatever is sent from now on wakes again.
            rustix::io::read(&self.wake, &mut [0; 8]).ok();
        }
        ready.collect()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_wait_ends_for_what_is_sent_and_for_what_can_be_read() {
        let (inbox, post) = post().unwrap();
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let watched = [ours.as_fd()];
        assert!(inbox.send(1));
        assert_eq!(post.wait(&watched, LONG), [false]);
        assert_eq!((post.take(), post.take()), (Some(1), None));
        assert_eq!(post.wait(&watched, Duration::ZERO), [false]);
        let other = inbox.clone();
        let sender = std::thread::spawn(move || other.send(2));
        assert_eq!(post.wait(&watched, LONG), [false]);
        assert_eq!(post.take(), Some(2));
        sender.join().unwrap();
        theirs.write_all(b"x").unwrap();
        assert_eq!(post.wait(&watched, LONG), [true]);
        drop(theirs);
        assert_eq!(post.wait(&watched, LONG), [true]);
        drop(post);
        assert!(!inbox.send(3));
    }
}
