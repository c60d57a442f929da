//! One attempt: its verdict, were it the only one, and the kind of its failure.

use std::time::Duration;

use regex::Regex;

use crate::model::{
    Artefacts, AttemptId, AttemptReport, FaultKind, Known, LeakRule, Movement, Outcome, Signature,
    TroubleClass, Verdict,
};

/// What the judgement of a trial needs of one of its attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Which.
    pub attempt: AttemptId,
    /// The verdict, were it the only one.
    pub verdict: Verdict,
    /// Why it was skipped or not run, or what is wrong with the engine; empty otherwise.
    pub reason: String,
    /// The kind of its failure; empty where all is well.
    pub kind: String,
    /// How long its script took.
    pub took: Duration,
    /// What it left to be looked at.
    pub artefacts: Artefacts,
    /// The signature for which it was tried again; empty when it was not, or for another reason.
    pub again_for: String,
    /// It never began because the run was told beforehand when to stop; it counts only if nothing of its trial did.
    pub excused: bool,
    /// It never began because the engine is down.
    pub engine_down: bool,
}

impl Tried {
    /// An attempt that is over.
    pub fn of(
        attempt: AttemptId,
        report: &AttemptReport,
        leaks: LeakRule,
        known: Option<&Signature>,
    ) -> Tried {
        let gone = known.and_then(|known| met_by_cleaning(known, report));
        let mut verdict = verdict_of(report, leaks);
        if verdict == Verdict::Failed && gone.is_some() {
            verdict = Verdict::Faulted;
        }
        let reason = match &report.outcome {
            Outcome::Failed(_) => {
                gone.map_or_else(String::new, |why| format!("engine down: {why}"))
            }
            Outcome::Skipped { reason } => reason.clone(),
            Outcome::Cancelled => "the run was interrupted".to_owned(),
            Outcome::Passed | Outcome::TimedOut(_) | Outcome::Faulted(_) => String::new(),
        };
        Tried {
            attempt,
            verdict,
            reason,
            kind: kind(report, verdict, known),
            took: report.timings.script,
            artefacts: Artefacts {
                log_file: report.log_file.clone(),
                work_dir: report.work_dir.clone(),
                hang_file: report.hang_file.clone(),
            },
            again_for: String::new(),
            excused: false,
            engine_down: false,
        }
    }

    /// One that never began.
    pub fn never_begun(attempt: AttemptId, verdict: Verdict, reason: String) -> Tried {
        Tried {
            attempt,
            verdict,
            reason,
            kind: String::new(),
            took: Duration::ZERO,
            artefacts: Artefacts::default(),
            again_for: String::new(),
            excused: false,
            engine_down: false,
        }
    }
}

/// What our own questions after the attempt ran into, when that is the engine's trouble which made the line fail: then
/// the engine is gone, and the script had no part in it.
fn met_by_cleaning<'a>(known: &Signature, report: &'a AttemptReport) -> Option<&'a str> {
    if known.class != TroubleClass::TransientEngine {
        return None;
    }
    let words = Regex::new(&known.regex).ok()?;
    let whys = report.cleanup.leftovers.iter().map(|left| &*left.why);
    whys.into_iter().find(|why| words.is_match(why))
}

/// What reports tell of a signature.
pub fn known(signature: &Signature) -> Known {
    Known {
        signature: signature.id.clone(),
        class: signature.class,
        cause: signature.cause.clone(),
        remedy: signature.remedy.clone(),
    }
}

fn verdict_of(report: &AttemptReport, leaks: LeakRule) -> Verdict {
    match &report.outcome {
        Outcome::Passed if leaks == LeakRule::Fail && !report.leaks.is_empty() => Verdict::Failed,
        Outcome::Passed => Verdict::Passed,
        Outcome::Skipped { .. } => Verdict::Skipped,
        Outcome::Failed(_) => Verdict::Failed,
        Outcome::TimedOut(timeout) => match timeout.movement {
            Movement::Moving => Verdict::Slow,
            Movement::Still | Movement::Unknown { .. } => Verdict::Hung,
        },
        Outcome::Faulted(_) => Verdict::Faulted,
        Outcome::Cancelled => Verdict::NotRun,
    }
}

/// Failures of one kind look alike to whoever counts them: a hang by what it waits for, known trouble by its
/// signature, a program by its exit code, anything else by its line.
fn kind(report: &AttemptReport, verdict: Verdict, known: Option<&Signature>) -> String {
    if let (Some(signature), true) = (known, verdict.is_failure() || verdict.is_fault()) {
        return signature.id.clone();
    }
    match &report.outcome {
        Outcome::Passed if verdict == Verdict::Failed => "output left open".to_owned(),
        Outcome::Passed | Outcome::Skipped { .. } | Outcome::Cancelled => String::new(),
        Outcome::TimedOut(_) if verdict == Verdict::Slow => "slow".to_owned(),
        Outcome::TimedOut(timeout) => {
            let class = timeout
                .why
                .as_ref()
                .map_or("unknown", |why| why.class.word());
            format!("hang/{class}")
        }
        Outcome::Faulted(fault) => {
            let culprit = match fault.kind {
                FaultKind::Slot => "worker",
                FaultKind::Engine => "engine",
                FaultKind::Ledger => "ledger",
                FaultKind::Machine => "machine",
            };
            format!("fault/{culprit}")
        }
        Outcome::Failed(failure) => {
            let program = report.failed.as_ref();
            let exit = program.and_then(|program| program.exit);
            let signal = program.and_then(|program| program.signal);
            match (exit, signal) {
                (Some(exit), _) => format!("exit {exit}"),
                (None, Some(signal)) => format!("signal {signal}"),
                (None, None) => format!("line {}", failure.place.line),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::Catalogue;
    use crate::model::{EngineKind, Leftover, Resource, ResourceKind, samples};

    #[test]
    fn a_line_that_ran_into_an_engine_which_cleaning_cannot_reach_either_is_a_fault() {
        let check = |said: &str, left: &[&str], expected: Verdict, reason: &str| {
            let mut report = samples::called(EngineKind::Docker, "run", 125, said);
            let leftover = |why: &&str| Leftover {
                resource: Resource {
                    kind: ResourceKind::Container,
                    id: "a".to_owned(),
                    name: String::new(),
                },
                why: (*why).to_owned(),
                remedy: String::new(),
            };
            report.cleanup.leftovers = left.iter().map(leftover).collect();
            let catalogue = Catalogue::new(Vec::new());
            let known = catalogue.find(&report, None);
            let tried = Tried::of(samples::attempt(1, 1), &report, LeakRule::Warn, known);
            assert_eq!(
                (tried.verdict, &*tried.reason),
                (expected, reason),
                "{said} {left:?}"
            );
        };
        let dead =
            "Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?";
        let why = "its daemon cannot be reached: Cannot connect to the Docker daemon at unix:///x.";
        let down = format!("engine down: {why}");
        check(dead, &["in use", why], Verdict::Faulted, &down);
        // It was there for the cleaning, or the line failed for another reason.
        check(dead, &[], Verdict::Failed, "");
        check(dead, &["in use"], Verdict::Failed, "");
        check("no such image", &[why], Verdict::Failed, "");
        let busy = "driver failed programming external endpoints: port is already allocated";
        check(busy, &[busy], Verdict::Failed, "");
    }
}
