//! How often every trial runs, in which order, and when a run stops by itself.

use std::num::NonZeroU32;
use std::time::Duration;

/// Rounds over all trials. Whatever ends them comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Laps {
    /// So many rounds; `None`: without end.
    pub count: Option<NonZeroU32>,
    /// No round but the first begins after so long.
    pub until: Option<Duration>,
    /// Nothing begins after so many laps have failed.
    pub failures: Option<NonZeroU32>,
}

impl Default for Laps {
    /// Once.
    fn default() -> Self {
        Laps {
            count: Some(NonZeroU32::MIN),
            until: None,
            failures: None,
        }
    }
}

/// The order in which trials start, as far as there is room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Order {
    /// As they are given, in every lap.
    #[default]
    Given,
    /// At random, in every lap anew.
    Shuffled {
        /// The same seed gives the same order.
        seed: u64,
    },
    /// First exactly so, one after the other over both lanes: trial and lap. What is not named comes
    /// afterwards as it is given.
    Repeated(Vec<(u32, u32)>),
}

impl Order {
    /// The rank of a trial in a lap; `place`: its place as it was given.
    pub(super) fn rank(&self, trial: u32, lap: u32, place: u32) -> u64 {
        match self {
            Order::Given | Order::Repeated(_) => u64::from(place),
            Order::Shuffled { seed } => {
                scramble(scramble(seed ^ u64::from(lap)) ^ u64::from(trial))
            }
        }
    }
}

/// A number that looks random: the finaliser of `SplitMix64` (Steele, Lea, Flood: "Fast splittable
/// pseudorandom number generators", 2014).
fn scramble(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// Why nothing more begins, although something was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Somebody cancelled the run.
    Cancelled,
    /// So many laps have failed.
    Failures(u32),
}
