//! HTTP/1.1 as the engines' sockets speak it: heads, and where bodies end. Pure; knows no socket and no engine.
//!
//! RFC 9112 decides. What it leaves open is an error here, so that nobody acts on a guess.

mod body;
mod head;

pub use body::{Body, Framing};
pub use head::{RequestHead, ResponseHead, request, response};

/// Bytes that have no single meaning as HTTP/1.1. The text is a clause for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Ambiguous(pub &'static str);
