//! One attempt: its verdict, were it the only one, and the kind of its failure.

use std::time::Duration;

use crate::model::{
    Artefacts, AttemptId, AttemptReport, FaultKind, Known, LeakRule, Movement, Outcome, Signature,
    Verdict,
};

/// What the judgement of a trial needs of one of its attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Which.
    pub attempt: AttemptId,
    /// The verdict, were it the only one.
    pub verdict: Verdict,
    /// Why it was skipped or not run; empty otherwise.
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
}

impl Tried {
    /// An attempt that is over.
    pub fn of(
        attempt: AttemptId,
        report: &AttemptReport,
        leaks: LeakRule,
        known: Option<&Signature>,
    ) -> Tried {
        let verdict = verdict_of(report, leaks);
        let reason = match &report.outcome {
            Outcome::Skipped { reason } => reason.clone(),
            Outcome::Cancelled => "the run was interrupted".to_owned(),
            Outcome::Passed | Outcome::Failed(_) | Outcome::TimedOut(_) | Outcome::Faulted(_) => {
                String::new()
            }
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
        }
    }
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
