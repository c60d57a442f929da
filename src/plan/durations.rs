//! How long scripts take: the median of each, from recorded runs. Knows no file and no run.

use std::collections::BTreeMap;
use std::time::Duration;

/// The medians of trials, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Durations {
    medians: BTreeMap<String, Duration>,
    /// What is expected of a trial that is not known: the median of the medians.
    default: Option<Duration>,
}

impl Durations {
    /// The recorded median of a trial.
    pub fn recorded(&self, name: &str) -> Option<Duration> {
        self.medians.get(name).copied()
    }

    /// What is expected of a trial: its own median, else the median of all; `None` when nothing is known.
    pub fn expected(&self, name: &str) -> Option<Duration> {
        self.recorded(name).or(self.default)
    }

    /// Nothing is known of any trial.
    pub fn is_empty(&self) -> bool {
        self.medians.is_empty()
    }
}

impl FromIterator<(String, Duration)> for Durations {
    fn from_iter<I: IntoIterator<Item = (String, Duration)>>(medians: I) -> Self {
        let medians: BTreeMap<String, Duration> = medians.into_iter().collect();
        let default = median(medians.values().copied().collect());
        Durations { medians, default }
    }
}

/// The middle one; of an even number the lower of the two in the middle. `None` of none.
pub fn median(mut durations: Vec<Duration>) -> Option<Duration> {
    durations.sort_unstable();
    durations
        .get(durations.len().saturating_sub(1) / 2)
        .copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(durations: &[u64], expected: Option<u64>) {
        let durations = durations.iter().copied().map(Duration::from_secs);
        let found = median(durations.collect());
        assert_eq!(found, expected.map(Duration::from_secs));
    }

    #[test]
    fn the_median_is_one_of_them() {
        check(&[], None);
        check(&[7], Some(7));
        check(&[9, 1], Some(1));
        check(&[9, 1, 100], Some(9));
        check(&[4, 3, 2, 1], Some(2));
    }

    #[test]
    fn a_script_that_is_not_known_is_expected_to_be_as_the_others() {
        let known = [("a", 1), ("b", 5), ("c", 60)];
        let known = known.map(|(name, seconds)| (name.to_owned(), Duration::from_secs(seconds)));
        let durations = Durations::from_iter(known);
        assert_eq!(durations.expected("c"), Some(Duration::from_secs(60)));
        assert_eq!(durations.expected("new"), Some(Duration::from_secs(5)));
        assert_eq!(durations.recorded("new"), None);
        assert_eq!(Durations::default().expected("new"), None);
    }
}
