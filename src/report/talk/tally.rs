//! The closing lines of a run on stderr.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use super::{TalkLook, Volume};
use crate::model::{
    AttemptId, AttemptReport, Bearing, RunId, ShardFacts, TrialFacts, Verdict, duration,
};
use crate::report::paint::{Paint, count, one_line, seconds};

/// What is counted for the closing lines.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// With what it does to the run.
    pub(super) verdicts: Vec<(Verdict, Bearing)>,
    /// Trials that were held, and how long.
    pub(super) held: BTreeMap<u32, Duration>,
    leftovers: BTreeMap<AttemptId, usize>,
    leaks: usize,
}

const ORDER: [Verdict; 9] = [
    Verdict::Passed,
    Verdict::Flaky,
    Verdict::Failed,
    Verdict::Hung,
    Verdict::Slow,
    Verdict::Faulted,
    Verdict::NotRun,
    Verdict::Skipped,
    Verdict::Ignored,
];

/// `2/4 (from CI_NODE_INDEX): 31 of 122 scripts, est. 6m12s, digest 84222325cbf29ce4`
pub(super) fn shard(facts: &ShardFacts) -> String {
    let ShardFacts {
        index,
        total,
        origin,
        scripts,
        of,
        estimate,
        digest,
    } = facts;
    let by = match estimate {
        // Nobody wants the milliseconds of an estimate.
        Some(time) => format!(
            "est. {}",
            duration::format(Duration::from_secs(time.as_secs()))
        ),
        None => "divided by name".to_owned(),
    };
    let origin = one_line(origin);
    let of = count(*of, "script");
    format!("{index}/{total} (from {origin}): {scripts} of {of}, {by}, digest {digest}")
}

impl Tally {
    pub(super) fn add(&mut self, attempt: AttemptId, report: &AttemptReport) {
        self.left(attempt, report.cleanup.leftovers.len());
        self.leaks += report.leaks.len();
    }

    /// So many resources of the attempt are left, whatever was known before.
    pub(super) fn left(&mut self, attempt: AttemptId, number: usize) {
        self.leftovers.insert(attempt, number);
    }

    pub(super) fn text(
        &self,
        duration: Duration,
        look: &TalkLook,
        run: Option<&RunId>,
        trials: &BTreeMap<u32, TrialFacts>,
    ) -> String {
        let wrong = self
            .verdicts
            .iter()
            .any(|(verdict, bearing)| verdict.effect(bearing).is_bad());
        let leftovers: usize = self.leftovers.values().sum();
        let unclean = leftovers + self.leaks > 0;
        if look.nextest || (look.volume == Volume::Quiet && !wrong && !unclean) {
            return String::new();
        }
        let mut text = String::new();
        let mut line =
            |line: String| writeln!(text, "{line}").expect("writing to a string cannot fail");
        let run = run.map_or("?", RunId::as_str);
        line(format!(
            "run {run}: {} in {}",
            self.counts(look),
            seconds(duration)
        ));
        for (trial, waited) in &self.held {
            if let Some(facts) = trials.get(trial) {
                let (name, file, waited) = (&facts.name, &facts.file, seconds(*waited));
                line(format!(
                    "  {name} was held for {waited}: add `#: container = true` to {file}"
                ));
            }
        }
        if unclean {
            let leftovers = Some(leftovers).filter(|number| *number > 0);
            let leaks = Some(self.leaks).filter(|number| *number > 0);
            let parts = [
                leftovers.map(|number| count(number, "resource")),
                leaks.map(|number| format!("{} held open", count(number, "output"))),
            ];
            let parts: Vec<String> = parts.into_iter().flatten().collect();
            line(format!("  left behind: {}", parts.join("; ")));
        }
        if !look.record.is_empty() {
            let again = Some(&look.again).filter(|again| !again.is_empty());
            let again = again.map_or(String::new(), |again| format!("   again: {again} {run}"));
            line(format!("  record: {}{again}", look.record));
        }
        text
    }

    fn counts(&self, look: &TalkLook) -> String {
        let paint = Paint(look.color);
        let mut parts = Vec::new();
        for verdict in ORDER {
            let found = || self.verdicts.iter().filter(|(found, _)| *found == verdict);
            let quarantined =
                |(_, bearing): &&(Verdict, Bearing)| matches!(bearing, Bearing::Quarantined(_));
            let number = found().count();
            let apart = found().filter(quarantined).count();
            if let Some((_, bearing)) =
                found().max_by_key(|(_, bearing)| verdict.effect(bearing).is_bad())
            {
                let note = match apart {
                    0 => String::new(),
                    all if all == number => " (quarantined)".to_owned(),
                    some => format!(" ({some} quarantined)"),
                };
                let part = format!("{number} {verdict}{note}");
                parts.push(paint.word(verdict.effect(bearing).libtest(), &part));
            }
        }
        if parts.is_empty() {
            parts.push("no trials".to_owned());
        }
        parts.join(", ")
    }
}
