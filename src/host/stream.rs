//! A captured output stream: exact, in memory while small, in a file when large, refused past its cap.

use std::fmt;
use std::path::PathBuf;

/// Output of a command, whole.
#[derive(Debug, Clone, Default)]
pub struct Stream {
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    Memory(Vec<u8>),
    #[expect(dead_code, reason = "made by the capture that spills to a file")]
    Overflow(Overflow),
}

impl Default for Content {
    fn default() -> Self {
        Content::Memory(Vec::new())
    }
}

/// The stream grew past its cap, so nothing true can be said about its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overflow {
    /// The cap in bytes.
    pub cap: u64,
    /// Where the part up to the cap is.
    pub file: PathBuf,
}

impl fmt::Display for Overflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "output is larger than the cap of {} bytes", self.cap)
    }
}

impl Stream {
    /// A stream that is whole in memory.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Stream {
            content: Content::Memory(bytes),
        }
    }

    /// The whole of it, or the reason why it cannot be used.
    pub fn bytes(&self) -> Result<&[u8], &Overflow> {
        match &self.content {
            Content::Memory(bytes) => Ok(bytes),
            Content::Overflow(overflow) => Err(overflow),
        }
    }
}
