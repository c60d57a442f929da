//! The one driver loop: performs what `schedule` decides, feeds back what happened, tells every report.
//! It decides nothing itself.

mod dirs;
mod discover;
mod driver;
mod engines;
mod slots;
mod start;
mod tell;

pub use discover::{Discovered, DiscoverError, discover, find_exact};
pub use driver::drive;
pub use start::{Brief, Prepared, StartError, prepare};
pub use tell::Teller;
