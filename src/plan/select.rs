//! Which trials were asked for, by name, as libtest decides it.

/// Filters and their kin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// A trial is selected when one of them fits, or when there are none.
    pub filters: Vec<String>,
    /// A trial is left out when one of them fits.
    pub skip: Vec<String>,
    /// Filters are whole names, not parts of names.
    pub exact: bool,
    /// What becomes of trials marked as ignored.
    pub ignoring: Ignoring,
}

/// What becomes of trials marked as ignored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ignoring {
    /// They are listed and do not run.
    #[default]
    Marked,
    /// Only they run: `--ignored`.
    Unmarked,
    /// They run like the others: `--include-ignored`.
    Nothing,
    /// No trial runs, for none is a benchmark: `--bench`.
    Everything,
}

/// What a selection says of one trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Chosen {
    /// It runs.
    Runs,
    /// It is shown as ignored.
    Ignored,
    /// It is only counted.
    FilteredOut,
}

impl Selection {
    /// Whether the name is selected, ignored or not.
    pub fn selects(&self, name: &str) -> bool {
        let fits = |filter: &String| {
            if self.exact {
                name == filter
            } else {
                name.contains(filter.as_str())
            }
        };
        (self.filters.is_empty() || self.filters.iter().any(fits)) && !self.skip.iter().any(fits)
    }

    /// What becomes of a trial of this name; `ignored`: it is marked as ignored.
    pub fn choose(&self, name: &str, ignored: bool) -> Chosen {
        match (self.selects(name), self.ignoring, ignored) {
            (false, _, _) | (true, Ignoring::Unmarked, false) => Chosen::FilteredOut,
            (true, Ignoring::Everything, _) | (true, Ignoring::Marked, true) => Chosen::Ignored,
            (true, Ignoring::Nothing, _)
            | (true, Ignoring::Marked, false)
            | (true, Ignoring::Unmarked, true) => Chosen::Runs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use libtest_mimic::{Arguments, Trial};
    use proptest::prelude::*;

    fn name() -> impl Strategy<Value = String> {
        "[ab/]{0,4}"
    }

    proptest! {
        #[test]
        fn a_selection_decides_as_libtest_mimic_does(
            filter in proptest::option::of(name()), skip in proptest::collection::vec(name(), 0..3),
            exact: bool, flag in 0_usize..3, marked: bool, name in name(),
        ) {
            let ignoring = [Ignoring::Marked, Ignoring::Unmarked, Ignoring::Nothing][flag];
            let arguments = Arguments {
                filter: filter.clone(), skip: skip.clone(), exact,
                ignored: ignoring == Ignoring::Unmarked,
                include_ignored: ignoring == Ignoring::Nothing,
                ..Arguments::default()
            };
            let trial = Trial::test(&name, || Ok(())).with_ignored_flag(marked);
            let expected = match (arguments.is_filtered_out(&trial), arguments.is_ignored(&trial)) {
                (true, _) => Chosen::FilteredOut,
                (false, true) => Chosen::Ignored,
                (false, false) => Chosen::Runs,
            };
            let selection = Selection { filters: filter.into_iter().collect(), skip, exact, ignoring };
            prop_assert_eq!(selection.choose(&name, marked), expected);
        }
    }

    #[test]
    fn one_of_several_filters_is_enough() {
        let filters = vec!["a".to_owned(), "b".to_owned()];
        let selection = Selection {
            filters,
            ..Selection::default()
        };
        assert!(selection.selects("xax") && selection.selects("b") && !selection.selects("c"));
    }
}
