//! Whether a trial is tried again. A second try measures, and excuses nothing: what passes then is flaky.

use std::time::Duration;

use super::Tried;
use crate::model::{Again, AttemptReport, Hash, How, Signature, Verdict};

/// What is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryRules {
    /// How often a trial that does not pass is tried again, whatever the reason.
    pub failures: u32,
    /// Trouble whose signature says that a second try is safe is tried again.
    pub signatures: bool,
    /// The run's seed.
    pub seed: u64,
    /// What the whole run has left.
    pub budget: Budget,
}

/// How many tries the whole run has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// How many there were.
    pub all: u32,
    /// How many were used.
    pub used: u32,
    /// It was set, and so holds for failures too; the default is for signatures only.
    pub set: bool,
}

impl Budget {
    /// The number that was set, or three and never less than one of twenty laps, those of all trials counted.
    pub fn new(set: Option<u32>, laps: u32) -> Budget {
        let mut budget = Budget {
            all: set.unwrap_or(3),
            used: 0,
            set: set.is_some(),
        };
        budget.reach(laps);
        budget
    }

    /// So many laps there are by now, where no end of them was known.
    pub fn reach(&mut self, laps: u32) {
        if !self.set {
            self.all = self.all.max(laps.div_ceil(20));
        }
    }

    fn is_used_up(self) -> bool {
        self.used >= self.all
    }
}

/// What comes of an attempt that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Its lap is over.
    Over,
    /// Its lap is over, although it would have been tried again: why not, as a clause.
    Refused(String),
    /// The trial is tried again.
    Again(Again),
}

/// The waits before the second, third and every later try, in milliseconds.
const WAITS: [u64; 3] = [500, 1000, 2000];

/// What comes of an attempt. `earlier`: those of its lap before it; `known`: its signature.
pub fn again(
    tried: &Tried,
    report: &AttemptReport,
    earlier: &[&Tried],
    known: Option<&Signature>,
    rules: RetryRules,
) -> Next {
    // One that was interrupted is not run: the run is about to end.
    if !tried.verdict.is_failure() && tried.verdict != Verdict::Faulted {
        return Next::Over;
    }
    let safe = known
        .filter(|_| rules.signatures)
        .and_then(|known| safe(known, report, earlier));
    let counted = (tried.attempt.attempt <= rules.failures).then(|| {
        format!(
            "try {} of {}",
            tried.attempt.attempt + 1,
            rules.failures + 1
        )
    });
    let for_signature = safe.is_some();
    let Some(why) = safe.or(counted.clone()) else {
        return Next::Over;
    };
    if let Some(left) = left_behind(report) {
        return Next::Refused(left);
    }
    let budget = rules.budget;
    if budget.is_used_up() && (budget.set || counted.is_none()) {
        let all = budget.all;
        return Next::Refused(format!("the run's budget of {all} tries is used up"));
    }
    Next::Again(Again {
        after: wait(tried, rules.seed),
        why,
        for_signature,
    })
}

/// Why it is safe to try this again; `None` when it is not, or was done often enough.
fn safe(known: &Signature, report: &AttemptReport, earlier: &[&Tried]) -> Option<String> {
    let call = report.failed.as_ref()?.call.as_ref()?;
    let same = earlier.iter().filter(|tried| tried.again_for == known.id);
    let often = usize::try_from(known.max)
        .unwrap_or(usize::MAX)
        .min(WAITS.len());
    let helps = known.retry.contains(&call.command) && same.count() < often;
    helps.then(|| {
        let (engine, command) = (call.engine, &call.command);
        format!(
            "`{}` may pass by itself after `{engine} {command}`",
            known.id
        )
    })
}

/// What a second try could run into.
fn left_behind(report: &AttemptReport) -> Option<String> {
    let cleanup = &report.cleanup;
    let survives = report.ended.iter().any(|ended| ended.how == How::Survived);
    if survives {
        Some("a process of this try cannot be ended".to_owned())
    } else if !cleanup.leftovers.is_empty() {
        Some("something of this try is left behind".to_owned())
    } else if !cleanup.kept.is_empty() {
        Some("what this try made is kept for a look".to_owned())
    } else {
        None
    }
}

/// The wait, up to a quarter shorter or longer, so that those that failed together do not meet again.
fn wait(tried: &Tried, seed: u64) -> Duration {
    let tries = usize::try_from(tried.attempt.attempt).unwrap_or(usize::MAX);
    let base = WAITS[tries.clamp(1, WAITS.len()) - 1];
    let hash = Hash::of(format!("{seed} {}", tried.attempt).as_bytes());
    let chance = u64::from_str_radix(&hash, 16).unwrap_or(0) % 501;
    Duration::from_millis(base * (750 + chance) / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::Catalogue;
    use crate::model::{
        AttemptId, Cleanup, EndedProcess, EngineKind, LeakRule, Leftover, Outcome, Resource,
        ResourceKind, samples,
    };

    const NONE: RetryRules = RetryRules {
        failures: 0,
        signatures: true,
        seed: 7,
        budget: Budget {
            all: 3,
            used: 0,
            set: false,
        },
    };

    /// Says what comes of an attempt: nothing, the reason against it, or the reason for it.
    fn of(
        report: &AttemptReport,
        attempt: u32,
        earlier: &[&Tried],
        rules: RetryRules,
        budget: Budget,
    ) -> String {
        let catalogue = Catalogue::new(Vec::new());
        let known = catalogue.find(report, Some(&samples::podman()));
        let id = AttemptId {
            trial: 1,
            lap: 1,
            attempt,
        };
        let tried = Tried::of(id, report, LeakRule::Warn, known);
        let rules = RetryRules { budget, ..rules };
        match again(&tried, report, earlier, known, rules) {
            Next::Over => String::new(),
            Next::Refused(why) => why,
            Next::Again(again) => {
                let base = Duration::from_millis(WAITS[(attempt as usize).min(3) - 1]);
                assert!(
                    again.after >= base * 3 / 4 && again.after <= base * 5 / 4,
                    "{again:?}"
                );
                again.why
            }
        }
    }

    fn netns(command: &str) -> AttemptReport {
        samples::called(
            EngineKind::Podman,
            command,
            125,
            "Error: committing the finished image: creating image \"41778f8cf1\": layer not known",
        )
    }

    #[test]
    fn a_failure_is_tried_again_as_often_as_was_asked_for() {
        let report = samples::report(samples::failed("no match"), "");
        let plenty = Budget::new(None, 1);
        assert_eq!(of(&report, 1, &[], NONE, plenty), "");
        let twice = RetryRules {
            failures: 2,
            ..NONE
        };
        assert_eq!(of(&report, 1, &[], twice, plenty), "try 2 of 3");
        assert_eq!(of(&report, 2, &[], twice, plenty), "try 3 of 3");
        assert_eq!(of(&report, 3, &[], twice, plenty), "");
        for outcome in [Outcome::Passed, Outcome::Cancelled] {
            assert_eq!(of(&samples::report(outcome, ""), 1, &[], twice, plenty), "");
        }
    }

    #[test]
    fn known_trouble_is_tried_again_after_commands_for_which_it_is_safe() {
        let plenty = Budget::new(None, 1);
        let why = "`podman-build-commit-layer-gone` may pass by itself after `podman build`";
        assert_eq!(of(&netns("build"), 1, &[], NONE, plenty), why);
        assert_eq!(of(&netns("tag"), 1, &[], NONE, plenty), "");
        let off = RetryRules {
            signatures: false,
            ..NONE
        };
        assert_eq!(of(&netns("build"), 1, &[], off, plenty), "");
    }

    #[test]
    fn known_trouble_is_tried_again_no_more_often_than_its_entry_says() {
        let plenty = Budget::new(None, 1);
        let id = samples::attempt(1, 1);
        let mut before = Tried::of(id, &netns("build"), LeakRule::Warn, None);
        before.again_for = "podman-build-commit-layer-gone".to_owned();
        let two = [&before, &before];
        assert_ne!(of(&netns("build"), 3, &two, NONE, plenty), "");
        let three = [&before, &before, &before];
        assert_eq!(of(&netns("build"), 4, &three, NONE, plenty), "");
    }

    #[test]
    fn the_budget_of_the_run_ends_it() {
        let mut budget = Budget::new(None, 20);
        assert_eq!(budget.all, 3);
        budget.reach(100);
        budget.reach(40);
        assert_eq!(budget.all, 5);
        let mut own = Budget::new(Some(1), 100);
        own.reach(1000);
        assert_eq!(own.all, 1);
        budget.used = 5;
        let over = "the run's budget of 5 tries is used up";
        assert_eq!(of(&netns("build"), 1, &[], NONE, budget), over);
        // Who asked for tries by number gets them, unless the budget was set as well.
        let once = RetryRules {
            failures: 1,
            ..NONE
        };
        let report = samples::report(samples::failed("no match"), "");
        assert_eq!(of(&report, 1, &[], once, budget), "try 2 of 2");
        budget.set = true;
        assert_eq!(of(&report, 1, &[], once, budget), over);
    }

    #[test]
    fn what_is_left_of_a_try_forbids_the_next() {
        let once = RetryRules {
            failures: 1,
            ..NONE
        };
        let plenty = Budget::new(None, 1);
        let resource = Resource {
            kind: ResourceKind::Container,
            id: "c1".to_owned(),
            name: String::new(),
        };
        let clean = samples::report(samples::failed("no match"), "");
        let mut report = clean.clone();
        report.cleanup = Cleanup {
            kept: vec![resource.clone()],
            ..Cleanup::default()
        };
        assert_eq!(
            of(&report, 1, &[], once, plenty),
            "what this try made is kept for a look"
        );
        report.cleanup.leftovers.push(Leftover {
            resource,
            why: String::new(),
            remedy: String::new(),
        });
        assert_eq!(
            of(&report, 1, &[], once, plenty),
            "something of this try is left behind"
        );
        let mut report = clean;
        report.ended = vec![EndedProcess::new(1, "x".to_owned(), How::Survived)];
        assert_eq!(
            of(&report, 1, &[], once, plenty),
            "a process of this try cannot be ended"
        );
    }

    #[test]
    fn the_wait_follows_from_the_seed() {
        let report = samples::report(samples::failed("x"), "");
        let waits = |seed| {
            let tried = Tried::of(samples::attempt(1, 1), &report, LeakRule::Warn, None);
            wait(&tried, seed)
        };
        assert_eq!(waits(1), waits(1));
        assert!((2..20).any(|seed| waits(seed) != waits(1)));
    }
}
