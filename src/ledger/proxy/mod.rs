//! The stand-in for an engine's socket: what a script's clients say to the engine passes through it byte for byte,
//! and what the engine really made is written down.
#![expect(dead_code, reason = "the sockets follow")]

mod conversation;
mod exchange;
