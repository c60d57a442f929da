//! What a trial's laps come to, in words: how many passed, how the others failed, how sure that is.

use super::paint::seconds;
use crate::model::{FailureKind, Spread, Tally};

/// `17/20 passed, 3 failed: 2 hang/pipe-held, 1 exit 125`; where all is well it ends with `20/20 passed`.
pub(super) fn summary(tally: &Tally) -> String {
    let (laps, passed) = (tally.laps, tally.passed);
    let some = |number: u32, what: &str| (number > 0).then(|| format!("{number} {what}"));
    let kinds: Vec<String> = tally.kinds.iter().map(kind).collect();
    let parts = [
        Some(format!("{passed}/{laps} passed")),
        some(tally.flaky, "of them on another try"),
        some(tally.skipped, "skipped"),
        some(tally.failed(), &format!("failed: {}", kinds.join(", "))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join(", ")
}

fn kind(kind: &FailureKind) -> String {
    format!("{} {}", kind.laps, kind.kind)
}

/// What the numbers say of the rate, with how sure it is, and how long passes took; `None` where every lap was skipped.
pub(super) fn rate(tally: &Tally) -> Option<String> {
    let counted = f64::from(tally.laps - tally.skipped);
    let (low, high) = tally.rate;
    let mut parts = Vec::new();
    match tally.fails_below {
        Some(below) => parts.push(format!(
            "the failure rate is below {} (95 %)",
            percent(below)
        )),
        None if counted > 0.0 => parts.push(format!(
            "pass rate {} (95 %: {} to {})",
            percent(f64::from(tally.passed) / counted),
            percent(low),
            percent(high)
        )),
        None => {}
    }
    if let Some(took) = &tally.took {
        parts.push(spread(took));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn spread(took: &Spread) -> String {
    format!(
        "passes took {} (p50), {} (p90), {} (longest)",
        seconds(took.median),
        seconds(took.p90),
        seconds(took.longest)
    )
}

/// `first hang/pipe-held: lap 3`, and what there is to be looked at.
pub(super) fn first(kind: &FailureKind) -> String {
    let artefacts = &kind.artefacts;
    let files = [
        ("hang", &artefacts.hang_file),
        ("log", &artefacts.log_file),
        ("work directory", &artefacts.work_dir),
    ];
    let mut parts = vec![format!("first {}: lap {}", kind.kind, kind.first.lap)];
    let there = files.into_iter().filter(|(_, file)| !file.is_empty());
    parts.extend(there.map(|(what, file)| format!("{what} {file}")));
    parts.join(", ")
}

/// Two digits of it: `14 %`, `2.9 %`, `0.30 %`.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent == 0.0 || percent >= 9.95 {
        format!("{percent:.0} %")
    } else if percent >= 0.995 {
        format!("{percent:.1} %")
    } else {
        format!("{percent:.2} %")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::{Artefacts, samples};

    fn failures(kind: &str, laps: u32) -> FailureKind {
        FailureKind {
            kind: kind.to_owned(),
            laps,
            first: samples::attempt(1, 1),
            artefacts: Artefacts::default(),
        }
    }

    fn passes(number: u32) -> Tally {
        Tally {
            laps: number,
            passed: number,
            flaky: 0,
            skipped: 0,
            kinds: Vec::new(),
            rate: (0.838_875, 1.0),
            fails_below: Some(0.139_108),
            took: None,
        }
    }

    #[test]
    fn passes_alone_end_with_their_number() {
        assert_eq!(summary(&passes(20)), "20/20 passed");
        assert_eq!(
            rate(&passes(20)).unwrap(),
            "the failure rate is below 14 % (95 %)"
        );
    }

    #[test]
    fn where_every_lap_was_skipped_there_is_no_rate() {
        let tally = Tally {
            passed: 0,
            skipped: 20,
            fails_below: None,
            ..passes(20)
        };
        assert_eq!(summary(&tally), "0/20 passed, 20 skipped");
        assert_eq!(rate(&tally), None);
    }

    #[test]
    fn failures_are_grouped() {
        let tally = Tally {
            passed: 17,
            kinds: vec![failures("hang/pipe-held", 2), failures("exit 125", 1)],
            rate: (0.639_581, 0.947_631),
            fails_below: None,
            took: Some(Spread {
                median: Duration::from_millis(1200),
                p90: Duration::from_millis(1400),
                longest: Duration::from_secs(125),
            }),
            ..passes(20)
        };
        assert_eq!(
            summary(&tally),
            "17/20 passed, 3 failed: 2 hang/pipe-held, 1 exit 125"
        );
        assert_eq!(
            rate(&tally).unwrap(),
            "pass rate 85 % (95 %: 64 % to 95 %); passes took 1.2 s (p50), 1.4 s (p90), 2 min 5 s (longest)"
        );
    }

    #[test]
    fn what_is_kept_of_a_failure_is_named() {
        let mut kind = failures("exit 1", 1);
        assert_eq!(first(&kind), "first exit 1: lap 1");
        kind.artefacts.log_file = "a.log".to_owned();
        kind.artefacts.work_dir = "/w".to_owned();
        assert_eq!(
            first(&kind),
            "first exit 1: lap 1, log a.log, work directory /w"
        );
    }

    #[test]
    fn a_share_is_told_with_two_digits() {
        for (share, expected) in [
            (0.0, "0 %"),
            (1.0, "100 %"),
            (0.139_108, "14 %"),
            (0.029_513, "3.0 %"),
            (0.002_991, "0.30 %"),
        ] {
            assert_eq!(percent(share), expected);
        }
    }
}
