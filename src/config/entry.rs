//! One entry of the table of settings.

use super::Settings;
use super::value::{Given, Mistake};

/// One setting as people are told about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettingFacts {
    /// The table it stands in, or empty at the top of the file.
    pub section: &'static str,
    /// Its key; `NAME` where the user chooses it.
    pub key: &'static str,
    /// What is expected of its value.
    pub expected: &'static str,
    /// Its default, as it would be written.
    pub default: &'static str,
    /// What it is for.
    pub about: &'static str,
}

pub(super) type Set = fn(&mut Settings, &Given<'_>) -> Result<(), Vec<Mistake>>;

/// One setting.
pub(super) struct Setting {
    pub(super) facts: SettingFacts,
    pub(super) set: Set,
}

impl Setting {
    /// The user chooses the key.
    pub(super) fn is_open(&self) -> bool {
        self.facts.key == "NAME"
    }

    /// `policy.docker`, `deadline`.
    pub(super) fn path(&self) -> String {
        match self.facts.section {
            "" => self.facts.key.to_owned(),
            section => format!("{section}.{}", self.facts.key),
        }
    }
}

pub(super) const fn setting(
    place: (&'static str, &'static str),
    expected: &'static str,
    default: &'static str,
    about: &'static str,
    set: Set,
) -> Setting {
    let (section, key) = place;
    Setting {
        facts: SettingFacts {
            section,
            key,
            expected,
            default,
            about,
        },
        set,
    }
}
