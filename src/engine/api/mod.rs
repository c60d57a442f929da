//! Questions to an engine over its own unix socket: HTTP/1.1 without a client's start, which costs 30 to 60 ms.
//! Only asks; every question is under a limit. Knows the transport, not what an answer means.

mod batch;
mod events;
mod presence;

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::http::{self, Body, Framing};
use crate::host::{clock, socket};

pub use batch::presences;
pub use events::{Creation, Creations, Stopper};
pub use presence::{Thing, account, dangling, images, is_anonymous, labelled, presence, thing};

/// No answer that is asked for here is longer, in bytes.
const LONGEST: usize = 64 << 20;

/// An engine's socket, with a connection that is used again.
#[derive(Debug)]
pub struct Api {
    socket: PathBuf,
    stream: Option<UnixStream>,
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no answer. Reads well as a clause.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Nobody listens there, or not for us.
    #[error("cannot connect to `{}`: {source}", .socket.display())]
    Unreachable {
        /// Where.
        socket: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The conversation failed.
    #[error("the engine's answer to `{target}` broke off: {why}")]
    Broken {
        /// What was asked.
        target: String,
        /// Why.
        why: String,
    },
    /// It took too long.
    #[error("no answer to `{target}` within {limit:.1?}")]
    Late {
        /// What was asked.
        target: String,
        /// The limit.
        limit: Duration,
    },
    /// It answered that it cannot, or not what was asked.
    #[error("the engine answered `{target}` with {status}: {said}")]
    Refused {
        /// What was asked.
        target: String,
        /// The status code.
        status: u16,
        /// Its words.
        said: String,
    },
}

impl Api {
    /// The engine behind this socket.
    pub fn at(socket: &Path) -> Self {
        Api {
            socket: socket.to_owned(),
            stream: None,
        }
    }

    /// Asks for a path, its query included.
    pub fn get(&mut self, target: &str, limit: Duration) -> Result<Answer, ApiError> {
        let end = clock::now() + limit;
        let late = || ApiError::Late {
            target: target.to_owned(),
            limit,
        };
        // An engine may have closed a connection that was not used for a while: that is no answer.
        if let Some(stream) = self.stream.take()
            && let Ok((answer, stays)) = ask(&stream, target, end)
        {
            self.stream = stays.then_some(stream);
            return Ok(answer);
        }
        if clock::now() >= end {
            return Err(late());
        }
        let left = end.saturating_duration_since(clock::now());
        let stream = socket::connect_within(&self.socket, left).map_err(|source| {
            if source.kind() == io::ErrorKind::TimedOut {
                return late();
            }
            ApiError::Unreachable {
                socket: self.socket.clone(),
                source,
            }
        })?;
        match ask(&stream, target, end) {
            Ok((answer, stays)) => {
                self.stream = stays.then_some(stream);
                Ok(answer)
            }
            Err(error) if is_late(&error) => Err(late()),
            Err(error) => Err(ApiError::Broken {
                target: target.to_owned(),
                why: error.to_string(),
            }),
        }
    }
}

fn is_late(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

/// One question and its answer, and whether the connection may carry another.
fn ask(mut stream: &UnixStream, target: &str, end: Instant) -> io::Result<(Answer, bool)> {
    let left = || {
        let left = end.saturating_duration_since(clock::now());
        Some(left.max(Duration::from_micros(1)))
    };
    stream.set_write_timeout(left())?;
    stream.write_all(format!("GET {target} HTTP/1.1\r\nHost: engine\r\n\r\n").as_bytes())?;
    let other = |why: &str| io::Error::other(why.to_owned());
    let (mut bytes, mut chunk) = (Vec::new(), [0; 16 * 1024]);
    let mut received: Option<(http::ResponseHead, Body)> = None;
    let mut data = Vec::new();
    loop {
        if clock::now() >= end {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(left())?;
        let count = match stream.read(&mut chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            count => count?,
        };
        if let (0, Some((head, _))) = (count, &received)
            && head.framing == Framing::Close
        {
            let status = head.status;
            return Ok((Answer { status, body: data }, false));
        }
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(chunk.get(..count).unwrap_or_default());
        if received.is_none()
            && let Some((head, length)) =
                http::response(&bytes, "GET").map_err(|why| other(why.0))?
        {
            bytes.drain(..length);
            let body = Body::new(head.framing);
            received = Some((head, body));
        }
        if let Some((head, body)) = &mut received {
            let take = |piece: &[u8]| data.extend_from_slice(piece);
            let taken = body
                .take(&bytes, &mut { take })
                .map_err(|why| other(why.0))?;
            bytes.drain(..taken);
            if body.is_over() {
                let (status, stays) = (head.status, head.stays_open && bytes.is_empty());
                return Ok((Answer { status, body: data }, stays));
            }
            if data.len() > LONGEST {
                return Err(other("it is too long"));
            }
        }
    }
}

#[cfg(test)]
#[path = "api_tests.rs"]
mod tests;
