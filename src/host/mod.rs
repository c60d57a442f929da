//! The machine: clock, spawning and reaping, signals, file locks, environment. The only room that
//! touches them; every other room asks here. Knows nothing of scripts, engines or verdicts.

pub mod adopt;
pub mod channel;
pub mod clock;
pub mod duplex;
pub mod environment;
pub mod facts;
mod feed;
pub mod flock;
pub mod folders;
pub mod memory;
pub mod pipe_fill;
pub mod post;
pub mod process;
pub mod procfs;
pub mod progress;
pub mod raw;
pub mod reaper;
pub mod room;
pub mod search;
pub mod socket;
pub mod spares;
pub mod spawn;
pub mod stranger;
pub mod stream;
pub mod strings;
pub mod terminal;
pub mod tickets;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub mod trace;
pub mod unix_sockets;
