//! Two unix sockets between which bytes go both ways: read and written without ever blocking, with the end of each
//! direction kept apart. Knows nothing of what is said.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::clock;

/// One of the two.
#[derive(Debug)]
pub struct Side {
    socket: UnixStream,
    /// It has said all that it will say.
    over: bool,
    /// It neither speaks nor hears any more.
    gone: bool,
    hears: Hears,
}

/// Whether more may be said to a side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hears {
    More,
    /// It was told that there is no more.
    NoMore,
}

/// What is waited for on one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wish {
    /// Something to read, or the end.
    pub reads: bool,
    /// Room to write.
    pub writes: bool,
}

impl Side {
    /// Takes over a connected socket.
    pub fn new(socket: UnixStream) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Side {
            socket,
            over: false,
            gone: false,
            hears: Hears::More,
        })
    }

    /// It has said all that it will say, and all of it was received.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// It neither speaks nor hears any more; what it said before may still wait to be received.
    pub fn is_gone(&self) -> bool {
        self.gone
    }

    /// The next bytes that are here; empty when there are none yet, or no more.
    pub fn receive<'b>(&mut self, buffer: &'b mut [u8]) -> &'b [u8] {
        if self.over {
            return &[];
        }
        match self.socket.read(buffer) {
            Ok(0) => self.over = true,
            Ok(count) => return buffer.get(..count).unwrap_or_default(),
            Err(error) if is_passing(&error) => {}
            // Reset: the other side is gone, and has not heard all.
            Err(_) => {
                self.over = true;
                self.gone = true;
            }
        }
        &[]
    }

    /// Sends as much as there is room for, and takes it out of the buffer. What is for somebody who is gone is dropped.
    pub fn send(&mut self, buffer: &mut Vec<u8>) {
        while !buffer.is_empty() && !self.gone {
            match self.socket.write(buffer) {
                Ok(count) => drop(buffer.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if is_passing(&error) => return,
                Err(_) => self.gone = true,
            }
        }
        if self.gone {
            buffer.clear();
        }
    }

    /// Tells it that there is no more for it to hear.
    pub fn end(&mut self) {
        if std::mem::replace(&mut self.hears, Hears::NoMore) == Hears::More {
            // One that is gone needs no telling.
            drop(self.socket.shutdown(std::net::Shutdown::Write));
        }
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

/// Waits until a wish comes true, a side is gone, `stop` has ended, or the time is over. Returns whether `stop` has
/// ended.
pub fn wait(
    sides: [(&mut Side, Wish); 2],
    stop: Option<&UnixStream>,
    limit: Option<Duration>,
) -> io::Result<bool> {
    let watched = stop.map(|stop| PollFd::from_borrowed_fd(stop.as_fd(), PollFlags::IN));
    let mut fds: Vec<PollFd> = watched.into_iter().collect();
    let mut which = Vec::with_capacity(2);
    for (number, (side, wish)) in sides.iter().enumerate() {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN, wish.reads && !side.over);
        flags.set(PollFlags::OUT, wish.writes && !side.gone);
        // That a side is gone is told again and again: one that is known to be is looked at only for what it said.
        if !flags.is_empty() || !side.gone {
            fds.push(PollFd::from_borrowed_fd(side.socket.as_fd(), flags));
            which.push(number);
        }
    }
    let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
    match poll(&mut fds, limit.as_ref()) {
        Ok(_) => {}
        Err(rustix::io::Errno::INTR) => return Ok(false),
        Err(errno) => return Err(errno.into()),
    }
    let mut happened = fds.iter().map(PollFd::revents);
    let stopped = stop.is_some() && happened.next().is_some_and(|flags| !flags.is_empty());
    let happened: Vec<PollFlags> = happened.collect();
    drop(fds);
    let [first, second] = sides;
    let mut sides = [first.0, second.0];
    for (number, flags) in which.into_iter().zip(happened) {
        if flags.intersects(PollFlags::HUP | PollFlags::ERR)
            && let Some(side) = sides.get_mut(number)
        {
            side.gone = true;
        }
    }
    Ok(stopped)
}

/// The next client; `None` when `stop` has ended.
pub fn accept(listener: &UnixListener, stop: &UnixStream) -> Option<io::Result<UnixStream>> {
    loop {
        let mut fds = [
            PollFd::from_borrowed_fd(stop.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(listener.as_fd(), PollFlags::IN),
        ];
        match poll(&mut fds, None) {
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return None,
            Ok(_) if !fds[0].revents().is_empty() => return None,
            Ok(_) => return Some(listener.accept().map(|(client, _)| client)),
        }
    }
}

/// Takes what somebody still says, until it ends or the time is over: who is cut off might miss what it was told.
pub fn hear_out(mut socket: UnixStream, limit: Duration) {
    let end = clock::now() + limit;
    let mut buffer = [0; 16 * 1024];
    loop {
        let left = end.saturating_duration_since(clock::now());
        if left.is_zero() || socket.set_read_timeout(Some(left)).is_err() {
            return;
        }
        match socket.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Option<Duration> = Some(Duration::from_secs(20));
    const READS: Wish = Wish {
        reads: true,
        writes: false,
    };

    struct Place {
        side: Side,
        other: Side,
        peer: UnixStream,
        #[expect(dead_code, reason = "its end would be the other side's")]
        far: UnixStream,
        stop: UnixStream,
        stopper: UnixStream,
    }

    fn place() -> Place {
        let (ours, peer) = UnixStream::pair().unwrap();
        let (other, far) = UnixStream::pair().unwrap();
        let (stop, stopper) = UnixStream::pair().unwrap();
        Place {
            side: Side::new(ours).unwrap(),
            other: Side::new(other).unwrap(),
            peer,
            far,
            stop,
            stopper,
        }
    }

    impl Place {
        fn wait(&mut self, limit: Option<Duration>) -> bool {
            let sides = [(&mut self.side, READS), (&mut self.other, READS)];
            wait(sides, Some(&self.stop), limit).unwrap()
        }

        /// `bytes over gone`.
        fn receive(&mut self) -> (Vec<u8>, bool, bool) {
            let bytes = self.side.receive(&mut [0; 100]).to_vec();
            (bytes, self.side.is_over(), self.side.is_gone())
        }
    }

    #[test]
    fn half_a_close_is_told_from_a_whole_one() {
        let mut place = place();
        place.peer.write_all(b"x").unwrap();
        place.peer.shutdown(std::net::Shutdown::Write).unwrap();
        place.wait(LONG);
        assert_eq!(place.receive(), (b"x".to_vec(), false, false));
        place.wait(LONG);
        assert_eq!(place.receive(), (Vec::new(), true, false));
        let mut bytes = b"still heard".to_vec();
        place.side.send(&mut bytes);
        assert!(bytes.is_empty() && !place.side.is_gone());
        let peer = std::mem::replace(&mut place.peer, UnixStream::pair().unwrap().0);
        drop(peer);
        place.wait(LONG);
        assert!(place.side.is_gone());
        // Known to be gone, it does not wake anybody again.
        place.wait(Some(Duration::ZERO));
    }

    #[test]
    fn what_was_said_before_the_end_is_received() {
        let mut place = place();
        place.peer.write_all(b"last words").unwrap();
        let peer = std::mem::replace(&mut place.peer, UnixStream::pair().unwrap().0);
        drop(peer);
        place.wait(LONG);
        assert_eq!(place.receive(), (b"last words".to_vec(), false, true));
        place.wait(LONG);
        assert_eq!(place.receive(), (Vec::new(), true, true));
        let mut bytes = b"for nobody".to_vec();
        place.side.send(&mut bytes);
        assert!(bytes.is_empty());
    }

    #[test]
    fn what_does_not_fit_stays_in_the_buffer() {
        let mut place = place();
        let mut bytes = vec![7; 10 << 20];
        place.side.send(&mut bytes);
        let left = bytes.len();
        assert!(left > 0 && left < 10 << 20);
        let mut chunk = vec![0; 1 << 20];
        let read = place.peer.read(&mut chunk).unwrap();
        place.side.send(&mut bytes);
        assert!(read > 0 && bytes.len() < left);
    }

    #[test]
    fn a_stop_is_heard_whatever_else_happens() {
        let mut place = place();
        assert!(!place.wait(Some(Duration::ZERO)));
        let stopper = std::mem::replace(&mut place.stopper, UnixStream::pair().unwrap().0);
        drop(stopper);
        assert!(place.wait(LONG));
    }
}
