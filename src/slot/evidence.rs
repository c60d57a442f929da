//! Everything that can be seen of the script that runs: facts, stacks, what its engine says of its containers,
//! and the sentence that follows. Looks only; the harness hears of each fact as it comes.

use super::containers;
use super::serve::path;
use super::watch::Watch;
use crate::diagnose::{self, Around, Sample};
use crate::host::clock;
use crate::interp::Waiting;
use crate::model::{Evidence, Finding, Movement, Rung, Why};
use crate::wire::FromSlot;

/// Facts that go to the harness together.
const TOGETHER: usize = 32;

pub(super) fn me() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}

/// A command of the language waits, and says for what itself.
pub(super) fn why_waiting(waiting: Waiting) -> Why {
    Why {
        class: waiting.class,
        sentence: waiting.sentence,
        resource: waiting.resource,
        ..Why::default()
    }
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Whether the harness hears of facts as they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Telling {
    /// The script is late: what is found must not be lost.
    AsTheyCome,
    /// Somebody asked, and gets the whole.
    Together,
}

impl Watch<'_, '_> {
    /// Gathers the facts about what a sample saw. What could not be seen is in them.
    pub(super) fn see(&mut self, sample: Sample, telling: Telling) -> Evidence {
        let work_root = path(&self.slot.setup.work_root);
        let attempt = self.attempt;
        let mut waiting = Vec::new();
        let slot = &mut *self.slot;
        let around = Around {
            slot: me(),
            work_root: &work_root,
            started: &self.started,
        };
        let collected = diagnose::look(sample, around, &mut |finding| {
            if telling == Telling::AsTheyCome {
                waiting.push(finding.clone());
                if waiting.len() >= TOGETHER {
                    let findings = std::mem::take(&mut waiting);
                    slot.tell(&FromSlot::Found { attempt, findings });
                }
            }
        });
        if !waiting.is_empty() {
            let findings = waiting;
            slot.tell(&FromSlot::Found { attempt, findings });
        }
        let (evidence, left) = collected.into_evidence();
        slot.left.join(left);
        evidence
    }

    /// What the engine says of the script's containers.
    pub(super) fn ask_engine(&mut self, evidence: &mut Evidence) {
        if self.calls == 0 {
            return;
        }
        let begun = clock::now();
        let limit = self.left_for(containers::LIMIT);
        let findings = containers::ask(self.slot, self.attempt, limit);
        if findings.is_empty() {
            return;
        }
        let is_gap = |finding: &&Finding| matches!(finding, Finding::Gap(_));
        let gaps = small(findings.iter().filter(is_gap).count());
        let containers = small(findings.len()) - gaps;
        for finding in &findings {
            evidence.learn(finding.clone());
        }
        let attempt = self.attempt;
        self.slot.tell(&FromSlot::Found { attempt, findings });
        self.step(begun, Rung::Engine { containers, gaps });
    }
}

/// How much was seen, for the ladder's first step.
pub(super) fn seen(evidence: &Evidence) -> Rung {
    let (processes, gaps) = match evidence {
        Evidence::Seen(scene) => (scene.processes.len(), scene.gaps.len()),
        Evidence::Unavailable { .. } => (0, 1),
    };
    Rung::Evidence {
        processes: small(processes),
        gaps: small(gaps),
    }
}

/// The sentence, where there is anything that it can follow from.
pub(super) fn why(evidence: &Evidence, movement: &Movement) -> Option<Why> {
    match evidence {
        Evidence::Seen(scene) => Some(diagnose::explain(scene, movement)),
        Evidence::Unavailable { .. } => None,
    }
}
