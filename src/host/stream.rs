//! A captured output stream: exact, in memory while small, in a file when large, refused past its cap.
//!
//! Knows nothing of what the bytes mean.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::raw::Mapped;

/// More than this is kept in a file.
const IN_MEMORY: usize = 1 << 20;

/// So much is read at once.
const CHUNK: usize = 16 * 1024;

/// Output of a command, whole.
#[derive(Debug, Default)]
pub struct Stream {
    content: Content,
}

#[derive(Debug)]
enum Content {
    Memory(Vec<u8>),
    /// In a file, and read from there again and again rather than kept.
    Spilled(Mapped),
    Unusable(Unusable),
}

impl Default for Content {
    fn default() -> Self {
        Content::Memory(Vec::new())
    }
}

/// Nothing true can be said about the stream's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unusable {
    /// It grew past its cap, in bytes.
    Overflow(u64),
    /// It could not be kept: the operating system's words.
    Lost(String),
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unusable::Overflow(cap) => write!(f, "output is larger than the cap of {cap} bytes"),
            Unusable::Lost(why) => write!(f, "output could not be kept: {why}"),
        }
    }
}

impl Stream {
    /// A stream that is whole in memory.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Stream {
            content: Content::Memory(bytes),
        }
    }

    /// What is put together from pieces; in a file when it is large.
    pub fn of_pieces<'p>(pieces: impl Iterator<Item = &'p [u8]>) -> Self {
        let mut capture = Capture {
            pipe: None,
            cap: u64::MAX,
            memory: Vec::new(),
            spill: Spill::None,
        };
        let mut chunk = Vec::with_capacity(CHUNK);
        for piece in pieces {
            if chunk.len() + piece.len() > CHUNK {
                capture.keep(&chunk);
                chunk.clear();
            }
            if piece.len() > CHUNK {
                capture.keep(piece);
            } else {
                chunk.extend_from_slice(piece);
            }
        }
        capture.keep(&chunk);
        capture.finish()
    }

    /// The whole of it, or the reason why it cannot be used.
    pub fn bytes(&self) -> Result<&[u8], &Unusable> {
        match &self.content {
            Content::Memory(bytes) => Ok(bytes),
            Content::Spilled(mapped) => Ok(mapped),
            Content::Unusable(why) => Err(why),
        }
    }
}

/// The reading end of a pipe and what came out of it so far.
#[derive(Debug)]
pub(super) struct Capture {
    pipe: Option<OwnedFd>,
    /// More than this is not kept, in bytes: what is asked of such a stream fails loudly.
    cap: u64,
    memory: Vec<u8>,
    spill: Spill,
}

#[derive(Debug)]
enum Spill {
    None,
    File { file: File, length: u64 },
    Unusable(Unusable),
}

impl Capture {
    /// Takes a pipe that does not block.
    pub(super) fn new(pipe: OwnedFd, cap: u64) -> Self {
        Capture {
            pipe: Some(pipe),
            cap,
            memory: Vec::new(),
            spill: Spill::None,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.pipe.is_some()
    }

    pub(super) fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// The pipe's inode, by which its holders are found; `None` once it has ended.
    pub(super) fn inode_if_open(&self) -> Option<u64> {
        let pipe = self.pipe.as_ref()?;
        rustix::fs::fstat(pipe).ok().map(|stat| stat.st_ino)
    }

    /// Reads what is there, up to a bound, so that an endless writer cannot keep us here; closes the
    /// pipe at its end. Returns how many bytes came.
    pub(super) fn drain(&mut self) -> u64 {
        let mut came = 0;
        let mut chunk = [MaybeUninit::uninit(); CHUNK];
        for _ in 0..64 {
            let Some(pipe) = &self.pipe else { return came };
            match rustix::io::read(pipe, &mut chunk[..]) {
                Ok(([], _)) => self.pipe = None,
                Ok((bytes, _)) => {
                    came += bytes.len() as u64;
                    self.keep(bytes);
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => return came,
                Err(_) => self.pipe = None,
            }
        }
        came
    }

    fn keep(&mut self, bytes: &[u8]) {
        if let Spill::None = self.spill {
            let length = self.memory.len() + bytes.len();
            if length <= IN_MEMORY && length as u64 <= self.cap {
                self.memory.extend_from_slice(bytes);
                return;
            }
            self.spill = match tempfile::tempfile()
                .and_then(|mut file| file.write_all(&self.memory).map(|()| file))
            {
                Ok(file) => Spill::File {
                    file,
                    length: self.memory.len() as u64,
                },
                Err(error) => Spill::Unusable(Unusable::Lost(error.to_string())),
            };
            self.memory = Vec::new();
        }
        let Spill::File { file, length } = &mut self.spill else {
            return;
        };
        *length += bytes.len() as u64;
        if *length > self.cap {
            self.spill = Spill::Unusable(Unusable::Overflow(self.cap));
        } else if let Err(error) = file.write_all(bytes) {
            self.spill = Spill::Unusable(Unusable::Lost(error.to_string()));
        }
    }

    pub(super) fn finish(self) -> Stream {
        let content = match self.spill {
            Spill::None => Content::Memory(self.memory),
            Spill::File { file, length } => usize::try_from(length)
                .map_err(io::Error::other)
                .and_then(|length| Mapped::new(file, length))
                .map_or_else(
                    |error| Content::Unusable(Unusable::Lost(error.to_string())),
                    Content::Spilled,
                ),
            Spill::Unusable(why) => Content::Unusable(why),
        };
        Stream { content }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_stream_is_read_back_whole() {
        let (read, write) = rustix::pipe::pipe().unwrap();
        let sent: Vec<u8> = (0..3 * IN_MEMORY)
            .map(|n| u8::try_from(n % 251).unwrap())
            .collect();
        let expected = sent.clone();
        let writer = std::thread::spawn(move || File::from(write).write_all(&sent).unwrap());
        let mut capture = Capture::new(read, u64::MAX);
        while capture.is_open() {
            capture.drain();
        }
        writer.join().unwrap();
        assert!(matches!(capture.spill, Spill::File { .. }));
        assert_eq!(capture.finish().bytes().unwrap(), expected);
    }

    #[test]
    fn pieces_are_put_together_in_memory_and_in_a_file() {
        for (number, length, spills) in [
            (0, 1, false),
            (3, 5, false),
            (2, CHUNK + 1, false),
            (IN_MEMORY, 3, true),
            (1, 2 * IN_MEMORY, true),
        ] {
            let piece: Vec<u8> = (0..=250).cycle().take(length).collect();
            let stream = Stream::of_pieces(std::iter::repeat_n(&*piece, number));
            assert_eq!(matches!(stream.content, Content::Spilled(_)), spills);
            assert_eq!(stream.bytes().unwrap(), piece.repeat(number));
        }
    }

    #[test]
    fn a_stream_past_its_cap_is_refused() {
        let (read, write) = rustix::pipe::pipe().unwrap();
        File::from(write).write_all(b"12345").unwrap();
        for (cap, expected) in [
            (5, Ok("12345".as_bytes())),
            (4, Err(&Unusable::Overflow(4))),
        ] {
            let mut capture = Capture::new(rustix::io::dup(&read).unwrap(), cap);
            capture.keep(b"12345");
            assert_eq!(capture.finish().bytes(), expected);
        }
    }
}
