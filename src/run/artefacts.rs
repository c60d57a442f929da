//! What a failure leaves to be looked at: of failures of one kind in the laps of one trial, that of the first is kept. A
//! night of laps would fill the disk with likes of it.

use std::collections::BTreeSet;
use std::fs;

use crate::model::{AttemptId, AttemptReport, Judgement};

/// The kinds of failure whose first is kept, with their trials.
#[derive(Debug, Default)]
pub(super) struct Firsts(BTreeSet<(u32, String)>);

impl Firsts {
    /// Whether what is left of this attempt is kept. What another try follows is evidence of a flake, and is.
    pub(super) fn keep(&mut self, attempt: AttemptId, judgement: &Judgement) -> bool {
        let counts = !judgement.kind.is_empty() && judgement.again.is_none();
        !counts || self.0.insert((attempt.trial, judgement.kind.clone()))
    }
}

/// Removes the whole log and the report of a hang. What cannot be removed stays, and stays named.
pub(super) fn discard(report: &mut AttemptReport) {
    let named = format!("whole log: {}", report.log_file);
    for file in [&mut report.log_file, &mut report.hang_file] {
        if !file.is_empty() && fs::remove_file(&*file).is_ok() {
            file.clear();
        }
    }
    let log = &mut report.log.0;
    let stands = |window: &[u8]| window == named.as_bytes();
    if report.log_file.is_empty()
        && let Some(at) = log.windows(named.len()).position(stands)
    {
        let instead = b"the whole log of the first failure of its kind is kept".to_vec();
        log.splice(at..at + named.len(), instead);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Verdict, samples};

    #[test]
    fn the_first_of_each_kind_of_each_trial_is_kept_and_whatever_another_try_follows() {
        let mut firsts = Firsts::default();
        let mut keep = |trial: u32, kind: &str, again: bool| {
            let tried = samples::tried();
            let crate::model::Event::AttemptEnded { judgement, .. } = &tried[0] else {
                panic!("an end of an attempt first");
            };
            let mut judgement: Judgement = (**judgement.as_ref().unwrap()).clone();
            judgement.kind = kind.to_owned();
            judgement.verdict = Verdict::Failed;
            judgement.again = judgement.again.filter(|_| again);
            firsts.keep(samples::attempt(trial, 1), &judgement)
        };
        assert!(keep(1, "exit 1", true));
        assert!(keep(1, "exit 1", false));
        assert!(!keep(1, "exit 1", false));
        assert!(keep(1, "exit 1", true));
        assert!(keep(1, "slow", false));
        assert!(keep(2, "exit 1", false));
        // Nothing failed.
        assert!(keep(1, "", false) && keep(1, "", false));
    }

    #[test]
    fn what_is_discarded_is_gone_and_not_named_any_more() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("1.2.1.log");
        fs::write(&file, "long").unwrap();
        let mut report = samples::report(samples::failed("no"), "");
        report.log_file = file.display().to_string();
        report.hang_file = "/nowhere/h.json".to_owned();
        let log = format!(
            "a\n[… 9 bytes left out; whole log: {} …]\nb",
            file.display()
        );
        report.log = log.as_str().into();
        discard(&mut report);
        assert!(!file.exists());
        assert_eq!(
            (&*report.log_file, &*report.hang_file),
            ("", "/nowhere/h.json")
        );
        assert_eq!(
            report.log.lossy(),
            "a\n[… 9 bytes left out; the whole log of the first failure of its kind is kept …]\nb"
        );
    }
}
