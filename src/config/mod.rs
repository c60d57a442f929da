//! harness.toml: text in, [`Settings`] and every mistake at once out; then what was typed laid over it.
//!
//! Pure: knows no file, environment or clock. One table (`settings`) says for each setting its key,
//! what it expects, its default and how it is set; the help and docs/harness-toml.md come from it.

mod entry;
mod external;
mod nearest;
mod pattern;
mod place;
mod read;
mod reference;
mod resolve;
mod settings;
pub mod size;
mod table;
#[cfg(test)]
mod tests;
mod tries;
mod value;

pub use crate::model::duration;
pub use crate::model::{Dialect, FlakyResult, LeakRule};
pub use entry::SettingFacts;
pub use external::External;
pub use nearest::nearest;
pub use pattern::Pattern;
pub use place::line_and_column;
pub use read::read;
pub use reference::reference;
pub use resolve::{Origin, Overrides, PolicyRefused, Reasoned, Sourced};
pub use settings::{
    AdmissionSettings, CheckSettings, CleanupSettings, CleanupWhen, EngineChoice, EngineSettings,
    OnHang, PolicySettings, Quarantine, RecordSettings, RetrySettings, Settings, Width,
};
pub use table::settings;
