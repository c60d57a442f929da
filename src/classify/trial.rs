//! All attempts of a trial, lap by lap: its verdict, what that means for the run, and the tally of its laps.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Tried, rate};
use crate::model::{
    Artefacts, Bearing, FailureKind, FlakyResult, Quarantined, Spread, Tally, Verdict,
};

/// How sure a bound is.
const SURE: f64 = 0.95;

/// The verdict of a trial and why it was skipped or not run. A lap has the verdict of its last attempt, and is flaky when
/// that passed after one that had not. One lap that failed fails the trial: whoever runs it many times asks whether it ever
/// fails. `None` without an attempt.
pub fn of_trial(tried: &[Tried]) -> Option<(Verdict, String)> {
    let laps = laps(tried);
    let first = |wanted: &dyn Fn(Verdict) -> bool| laps.iter().find(|lap| wanted(lap.verdict));
    let all_skipped = laps.iter().all(|lap| lap.verdict == Verdict::Skipped);
    let decides = first(&Verdict::is_failure)
        .or_else(|| first(&|verdict| verdict == Verdict::Faulted))
        .or_else(|| first(&Verdict::is_fault))
        .or_else(|| first(&|verdict| verdict == Verdict::Flaky))
        .or_else(|| first(&|verdict| verdict != Verdict::Skipped || all_skipped))?;
    Some((decides.verdict, decides.reason.clone()))
}

/// What the verdict means for the run.
pub fn bearing(verdict: Verdict, flaky: FlakyResult, quarantine: Option<Quarantined>) -> Bearing {
    match quarantine {
        Some(quarantined) if !matches!(verdict, Verdict::Skipped | Verdict::Ignored) => {
            Bearing::Quarantined(quarantined)
        }
        Some(_) | None if verdict == Verdict::Flaky && flaky == FlakyResult::Fail => Bearing::Fails,
        Some(_) | None => Bearing::AsUsual,
    }
}

/// The tally of a trial that has more than one lap. Laps that never ran or were interrupted are not in it.
pub fn tally(tried: &[Tried]) -> Option<Tally> {
    let all = laps(tried);
    if all.len() < 2 {
        return None;
    }
    let judged = || all.iter().filter(|lap| lap.verdict != Verdict::NotRun);
    let number = |wanted: &dyn Fn(Verdict) -> bool| {
        count(judged().filter(|lap| wanted(lap.verdict)).count())
    };
    let laps = count(judged().count());
    let flaky = number(&|verdict| verdict == Verdict::Flaky);
    let passed = flaky + number(&|verdict| verdict == Verdict::Passed);
    let skipped = number(&|verdict| verdict == Verdict::Skipped);
    let counted = laps - skipped;
    let took = judged().filter(|lap| lap.verdict == Verdict::Passed);
    Some(Tally {
        laps,
        passed,
        flaky,
        skipped,
        kinds: kinds(judged()),
        rate: rate::interval(passed, counted),
        fails_below: (passed == counted && flaky == 0 && counted > 0)
            .then(|| rate::bound_without_failure(counted, SURE)),
        took: spread(took.map(|lap| lap.last.took).collect()),
    })
}

struct Lap<'a> {
    verdict: Verdict,
    /// Why it was skipped or not run, or not tried again; empty otherwise.
    reason: String,
    last: &'a Tried,
}

/// The laps in order, with their verdicts.
fn laps(tried: &[Tried]) -> Vec<Lap<'_>> {
    let mut laps: BTreeMap<u32, Vec<&Tried>> = BTreeMap::new();
    let some_ran = tried.iter().any(|one| !one.excused);
    for one in tried.iter().filter(|one| !(some_ran && one.excused)) {
        laps.entry(one.attempt.lap).or_default().push(one);
    }
    laps.into_values().filter_map(lap).collect()
}

fn lap(mut attempts: Vec<&Tried>) -> Option<Lap<'_>> {
    attempts.sort_by_key(|one| one.attempt.attempt);
    // Another try that never came leaves the lap as it was, unless it never came for what it was to get over.
    let mut engine_down = None;
    while attempts.len() > 1 && attempts.last().is_some_and(|last| never_came(last)) {
        engine_down = attempts.pop().filter(|never| never.engine_down);
    }
    let last = *attempts.last()?;
    if let Some(never) = engine_down.filter(|_| !last.again_for.is_empty()) {
        let (verdict, reason) = (Verdict::Faulted, never.reason.clone());
        return Some(Lap {
            verdict,
            reason,
            last,
        });
    }
    let disagree = attempts.iter().any(|one| one.verdict != last.verdict);
    let verdict = if last.verdict == Verdict::Passed && disagree {
        Verdict::Flaky
    } else {
        last.verdict
    };
    let reason = last.reason.clone();
    Some(Lap {
        verdict,
        reason,
        last,
    })
}

fn never_came(tried: &Tried) -> bool {
    matches!(tried.verdict, Verdict::NotRun | Verdict::Ignored)
}

/// Failures by kind, the most frequent first; of two that are as frequent, the one that came first.
fn kinds<'a>(laps: impl Iterator<Item = &'a Lap<'a>>) -> Vec<FailureKind> {
    let mut kinds: Vec<FailureKind> = Vec::new();
    let bad = |lap: &&Lap<'_>| lap.verdict.is_failure() || lap.verdict == Verdict::Faulted;
    for lap in laps.filter(bad) {
        let last = lap.last;
        match kinds.iter_mut().find(|known| known.kind == last.kind) {
            Some(known) => {
                known.laps += 1;
                // Of laps beside each other it is not always the lowest that left something.
                if known.artefacts == Artefacts::default() && last.artefacts != known.artefacts {
                    known.first = last.attempt;
                    known.artefacts = last.artefacts.clone();
                }
            }
            None => kinds.push(FailureKind {
                kind: last.kind.clone(),
                laps: 1,
                first: last.attempt,
                artefacts: last.artefacts.clone(),
            }),
        }
    }
    kinds.sort_by_key(|kind| std::cmp::Reverse(kind.laps));
    kinds
}

fn spread(mut took: Vec<Duration>) -> Option<Spread> {
    took.sort_unstable();
    Some(Spread {
        median: rate::quantile(&took, 0.5)?,
        p90: rate::quantile(&took, 0.9)?,
        longest: *took.last()?,
    })
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AttemptId;
    use Verdict::{Failed, Faulted, Flaky, Hung, NotRun, Passed, Skipped};

    /// Attempts in the order given: lap, attempt, verdict.
    fn tried(attempts: &[(u32, u32, Verdict)]) -> Vec<Tried> {
        let one = |(lap, attempt, verdict): &(u32, u32, Verdict)| {
            let id = AttemptId {
                trial: 1,
                lap: *lap,
                attempt: *attempt,
            };
            let mut one = Tried::never_begun(id, *verdict, String::new());
            one.took = Duration::from_secs(u64::from(*lap));
            if *verdict == Hung {
                one.kind = "hang/pipe-held".to_owned();
            } else if *verdict == Failed {
                one.kind = "exit 125".to_owned();
            }
            one
        };
        attempts.iter().map(one).collect()
    }

    #[track_caller]
    fn check(attempts: &[(u32, u32, Verdict)], expected: Option<Verdict>) {
        let verdict = of_trial(&tried(attempts)).map(|(verdict, _)| verdict);
        assert_eq!(verdict, expected, "{attempts:?}");
    }

    #[test]
    fn a_lap_has_the_verdict_of_its_last_attempt_and_is_flaky_when_they_disagree() {
        check(&[], None);
        check(&[(1, 1, Passed)], Some(Passed));
        check(&[(1, 1, Failed), (1, 2, Passed)], Some(Flaky));
        check(&[(1, 1, Faulted), (1, 2, Passed)], Some(Flaky));
        check(&[(1, 1, Failed), (1, 2, Failed)], Some(Failed));
        check(&[(1, 1, Failed), (1, 2, Hung)], Some(Hung));
        // The run was interrupted before the second try.
        check(&[(1, 1, Failed), (1, 2, NotRun)], Some(Failed));
    }

    #[test]
    fn trouble_of_the_engine_whose_second_try_never_came_for_the_engine_is_down_is_a_fault() {
        let check = |again_for: &str, engine_down, expected| {
            let mut attempts = tried(&[(1, 1, Failed), (1, 2, NotRun)]);
            attempts[0].again_for = again_for.to_owned();
            attempts[1].engine_down = engine_down;
            attempts[1].reason = "engine down: no answer".to_owned();
            assert_eq!(of_trial(&attempts), Some(expected));
        };
        let fault = (Faulted, "engine down: no answer".to_owned());
        check("docker-cannot-connect", true, fault);
        // It failed by itself, or the run was stopped by somebody.
        check("", true, (Failed, String::new()));
        check("docker-cannot-connect", false, (Failed, String::new()));
    }

    #[test]
    fn one_lap_that_failed_fails_the_trial() {
        check(
            &[(1, 1, Passed), (2, 1, Failed), (3, 1, Passed)],
            Some(Failed),
        );
        check(&[(2, 1, Hung), (1, 1, Failed)], Some(Failed));
        check(&[(1, 1, Passed), (2, 1, Faulted), (3, 1, Hung)], Some(Hung));
        check(
            &[(1, 1, Passed), (2, 1, NotRun), (3, 1, Faulted)],
            Some(Faulted),
        );
        check(&[(1, 1, Passed), (2, 1, NotRun)], Some(NotRun));
        check(
            &[(1, 1, Passed), (2, 1, Failed), (2, 2, Passed)],
            Some(Flaky),
        );
        check(&[(1, 1, Skipped), (2, 1, Passed)], Some(Passed));
        check(&[(1, 1, Skipped), (2, 1, Skipped)], Some(Skipped));
    }

    #[test]
    fn laps_that_the_run_was_not_to_begin_count_only_when_none_did() {
        let mut laps = tried(&[(1, 1, Passed), (2, 1, NotRun)]);
        laps[1].excused = true;
        assert_eq!(of_trial(&laps).unwrap().0, Passed);
        assert_eq!(tally(&laps), None);
        assert_eq!(of_trial(&laps[1..]).unwrap().0, NotRun);
    }

    #[test]
    fn laps_that_all_passed_bound_the_rate_of_failures() {
        let all: Vec<_> = (1..=20).map(|lap| (lap, 1, Passed)).collect();
        let tally = tally(&tried(&all)).unwrap();
        assert_eq!((tally.laps, tally.passed, tally.failed()), (20, 20, 0));
        assert!((tally.fails_below.unwrap() - 0.139_108).abs() < 5e-7);
        let took = tally.took.unwrap();
        let seconds = [took.median, took.p90, took.longest].map(|took| took.as_secs());
        assert_eq!(seconds, [10, 18, 20]);
        assert_eq!(super::tally(&tried(&all[..1])), None);
    }

    #[test]
    fn failures_are_told_by_kind_with_the_first_of_each() {
        let mut all: Vec<_> = (1..=17).map(|lap| (lap, 1, Passed)).collect();
        all.extend([
            (18, 1, Failed),
            (19, 1, Hung),
            (20, 1, Hung),
            (21, 1, NotRun),
        ]);
        let tally = tally(&tried(&all)).unwrap();
        assert_eq!((tally.laps, tally.passed, tally.failed()), (20, 17, 3));
        assert_eq!(tally.fails_below, None);
        let kinds: Vec<_> = tally
            .kinds
            .iter()
            .map(|kind| (kind.kind.as_str(), kind.laps, kind.first.lap))
            .collect();
        assert_eq!(kinds, [("hang/pipe-held", 2, 19), ("exit 125", 1, 18)]);
        let (low, high) = tally.rate;
        assert!((low - (1.0 - 0.360_419)).abs() < 5e-7 && (high - (1.0 - 0.052_369)).abs() < 5e-7);
    }

    #[test]
    fn quarantine_takes_a_verdict_its_bearing() {
        let quarantined = Quarantined {
            reason: "r".to_owned(),
            issue: "i".to_owned(),
            until: "2026-12-31".to_owned(),
        };
        let with = |verdict, flaky| bearing(verdict, flaky, Some(quarantined.clone()));
        let protected = Bearing::Quarantined(quarantined.clone());
        assert_eq!(with(Failed, FlakyResult::Pass), protected);
        assert_eq!(with(Flaky, FlakyResult::Fail), protected);
        assert_eq!(with(Passed, FlakyResult::Pass), protected);
        assert_eq!(with(Skipped, FlakyResult::Pass), Bearing::AsUsual);
        assert_eq!(bearing(Flaky, FlakyResult::Fail, None), Bearing::Fails);
        assert_eq!(bearing(Flaky, FlakyResult::Pass, None), Bearing::AsUsual);
        assert_eq!(bearing(Passed, FlakyResult::Fail, None), Bearing::AsUsual);
    }
}
