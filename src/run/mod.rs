//! The one driver loop: performs what `schedule` decides, feeds back what happened, tells every report.
//! It decides nothing itself.

mod admission;
mod artefacts;
mod brief;
mod dirs;
mod discover;
mod driver;
mod engines;
mod fingerprint;
mod gate;
mod hear;
mod images;
mod interruption;
mod judge;
mod late;
mod loss;
mod opening;
mod order;
mod orphans;
mod quarantine;
mod select;
mod shards;
mod signals;
mod slots;
mod start;
mod tell;
mod untidy;
mod update;

pub use brief::{Brief, Kept, Nothing};
pub use dirs::DirError;
pub use discover::{DiscoverError, Discovered};
pub use driver::drive;
pub use orphans::without_engine;
pub use select::{Selected, Selecting, candidates, select};
pub use start::{Prepared, StartError, new_run_id, prepare};
pub use tell::Teller;
