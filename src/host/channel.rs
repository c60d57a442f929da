//! Messages over a unix socket: one JSON object a line, read without ever blocking for long.
//!
//! Knows nothing of what the messages mean.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// How much is read at once, at least.
const CHUNK: usize = 16 * 1024;

/// A buffer that has become larger for one message is not kept.
const LARGE: usize = 1 << 20;

/// One end of a conversation.
#[derive(Debug)]
pub struct Channel {
    socket: UnixStream,
    buffer: Vec<u8>,
    /// How much of the buffer has been searched for a line's end.
    searched: usize,
    /// The last look has taken all that there was.
    drained: bool,
    ended: bool,
}

/// Why no message came.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// The other end is gone.
    #[error("the other end has closed the connection")]
    Ended,
    /// What came is no message.
    #[error("expected a message, found {found}")]
    Garbled {
        /// The beginning of it.
        found: String,
        /// What the parser said.
        #[source]
        source: serde_json::Error,
    },
    /// The socket failed.
    #[error("the connection failed")]
    Socket(#[source] io::Error),
}

impl From<OwnedFd> for Channel {
    fn from(fd: OwnedFd) -> Self {
        Channel::new(UnixStream::from(fd))
    }
}

impl Channel {
    /// Talks over this socket.
    pub fn new(socket: UnixStream) -> Self {
        Channel {
            socket,
            buffer: Vec::new(),
            searched: 0,
            drained: false,
            ended: false,
        }
    }

    /// A second handle to send with, from another thread.
    pub fn sender(&self) -> io::Result<Sender> {
        Ok(Sender {
            socket: self.socket.try_clone()?,
        })
    }

    /// Sends one message, whole.
    pub fn send<T: Serialize>(&self, message: &T) -> io::Result<()> {
        send(&self.socket, message)
    }

    /// Sends several messages, whole, with one write: the other side wakes once.
    pub fn send_all<T: Serialize>(&self, messages: &[T]) -> io::Result<()> {
        send_all(&self.socket, messages)
    }

    /// The next message that is already here. `Ok(None)`: none yet, as far as was looked; whoever waits for the
    /// socket then misses nothing.
    pub fn receive_now<T: DeserializeOwned>(&mut self) -> Result<Option<T>, ReceiveError> {
        if let Some(message) = self.take()? {
            return Ok(Some(message));
        }
        if self.ended {
            return Err(ReceiveError::Ended);
        }
        if std::mem::take(&mut self.drained) {
            return Ok(None);
        }
        self.fill()?;
        match self.take()? {
            None if self.ended => Err(ReceiveError::Ended),
            other => Ok(other),
        }
    }

    /// The next message, however long it takes; for threads that do nothing else.
    pub fn receive<T: DeserializeOwned>(&mut self) -> Result<T, ReceiveError> {
        loop {
            if let Some(message) = self.take()? {
                return Ok(message);
            }
            if self.ended {
                return Err(ReceiveError::Ended);
            }
            let mut chunk = [0; 16 * 1024];
            match self.socket.read(&mut chunk) {
                Ok(0) => self.ended = true,
                Ok(count) => self
                    .buffer
                    .extend_from_slice(chunk.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => self.ended = true,
                Err(error) => return Err(ReceiveError::Socket(error)),
            }
        }
    }

    fn fill(&mut self) -> Result<(), ReceiveError> {
        loop {
            self.buffer.reserve(CHUNK);
            let room = self.buffer.capacity() - self.buffer.len();
            let space = rustix::buffer::spare_capacity(&mut self.buffer);
            match rustix::net::recv(&self.socket, space, rustix::net::RecvFlags::DONTWAIT) {
                Ok((0, _)) | Err(rustix::io::Errno::CONNRESET) => {
                    self.ended = true;
                    return Ok(());
                }
                // Less than asked for was all there was.
                Ok((count, _)) if count < room => {
                    self.drained = true;
                    return Ok(());
                }
                Err(rustix::io::Errno::AGAIN) => return Ok(()),
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(ReceiveError::Socket(errno.into())),
            }
        }
    }

    fn take<T: DeserializeOwned>(&mut self) -> Result<Option<T>, ReceiveError> {
        let unsearched = self.buffer.get(self.searched..).unwrap_or_default();
        let Some(end) = unsearched.iter().position(|byte| *byte == b'\n') else {
            self.searched = self.buffer.len();
            return Ok(None);
        };
        let end = self.searched + end + 1;
        let line = self.buffer.get(..end).unwrap_or_default();
        let message = serde_json::from_slice(line).map_err(|source| {
            let found = String::from_utf8_lossy(line.get(..line.len().min(80)).unwrap_or_default())
                .into_owned();
            ReceiveError::Garbled { found, source }
        });
        self.searched = 0;
        self.buffer.drain(..end);
        if self.buffer.is_empty() && self.buffer.capacity() > LARGE {
            self.buffer = Vec::new();
        }
        message.map(Some)
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The sending half of a [`Channel`].
#[derive(Debug)]
pub struct Sender {
    socket: UnixStream,
}

impl Sender {
    /// Sends one message, whole.
    pub fn send<T: Serialize>(&self, message: &T) -> io::Result<()> {
        send(&self.socket, message)
    }

    /// Ends the conversation: the other side sees its end.
    pub fn close(&self) {
        // A socket that is already closed is what we want.
        drop(self.socket.shutdown(std::net::Shutdown::Both));
    }
}

fn send<T: Serialize>(socket: &UnixStream, message: &T) -> io::Result<()> {
    send_all(socket, std::slice::from_ref(message))
}

fn send_all<T: Serialize>(mut socket: &UnixStream, messages: &[T]) -> io::Result<()> {
    let mut lines = Vec::new();
    for message in messages {
        serde_json::to_writer(&mut lines, message)?;
        lines.push(b'\n');
    }
    socket.write_all(&lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_arrive_whole_and_in_order_however_they_are_cut() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut channel = Channel::new(ours);
        assert_eq!(channel.receive_now::<u32>().unwrap(), None);
        (&theirs).write_all(b"1\n2").unwrap();
        assert_eq!(channel.receive_now::<u32>().unwrap(), Some(1));
        assert_eq!(channel.receive_now::<u32>().unwrap(), None);
        (&theirs).write_all(b"3\n").unwrap();
        drop(theirs);
        assert_eq!(channel.receive::<u32>().unwrap(), 23);
        assert!(matches!(
            channel.receive_now::<u32>(),
            Err(ReceiveError::Ended)
        ));
        assert!(matches!(channel.receive::<u32>(), Err(ReceiveError::Ended)));
    }

    #[test]
    fn several_messages_go_with_one_write_and_are_received_one_by_one() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (ours, mut theirs) = (Channel::new(ours), Channel::new(theirs));
        ours.send_all(&[1, 2]).unwrap();
        assert_eq!(theirs.receive_now::<u32>().unwrap(), Some(1));
        assert_eq!(theirs.receive_now::<u32>().unwrap(), Some(2));
        assert_eq!(theirs.receive_now::<u32>().unwrap(), None);
    }

    #[test]
    fn what_is_no_message_is_shown() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (&theirs).write_all(b"hello\n").unwrap();
        let error = Channel::new(ours).receive_now::<u32>().unwrap_err();
        assert_eq!(error.to_string(), "expected a message, found hello\n");
    }
}
