//! The one driver loop: performs what `schedule` decides, feeds back what happened, tells every report.
//! It decides nothing itself.

mod dirs;
mod discover;
mod driver;
mod engines;
mod fingerprint;
mod slots;
mod start;
mod tell;

pub use dirs::DirError;
pub use discover::{DiscoverError, Discovered};
pub use driver::drive;
pub use start::{Brief, Nothing, Prepared, Selected, StartError, new_run_id, prepare, select};
pub use tell::Teller;
