//! The machine: clock, spawning and reaping, signals, file locks, environment. The only room that
//! touches them; every other room asks here. Knows nothing of scripts, engines or verdicts.

pub mod clock;
pub mod flock;
pub mod process;
pub mod stream;
