//! The gate: one start of a container at a time on an engine, among all runs of the account. One thread for each
//! stand-in that has to pass, since its turn may be long in coming. Decides nothing about who passes first.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::driver::{Driver, Occurrence};
use crate::engine::client::Client;
use crate::engine::container;
use crate::engine::turn::{self, At};
use crate::host::post::Inbox;
use crate::host::process::Bounded;
use crate::host::stranger::Stranger;
use crate::host::{clock, environment};
use crate::ledger::proof::written_id;
use crate::model::{AttemptId, EngineFacts, Event, SlotId};
use crate::wire::{Gate, ToSlot, Until};

/// A start that takes longer hangs, or pulls an image; others go on meanwhile.
const LIMIT: Duration = Duration::from_secs(60);
/// Between two looks at a start. The engine tells nobody when a container runs.
const PACE: Duration = Duration::from_millis(10);
/// A wait that is longer is told.
const QUIET: Duration = Duration::from_secs(10);
/// How long the engine may take to say how a container is.
const QUESTION_LIMIT: Duration = Duration::from_secs(10);

/// A stand-in that waits at the gate, or has passed it.
#[derive(Debug, Clone)]
pub(super) struct Passage {
    slot: SlotId,
    attempt: AttemptId,
    caller: u32,
    command: String,
    /// How long it waited.
    waited: Duration,
    /// When the gate opened for it.
    opened: Instant,
    /// How long it had the gate.
    held: Duration,
    /// What went wrong meanwhile, as a lowercase fragment.
    trouble: Option<String>,
}

/// What happened at the gate.
#[derive(Debug)]
pub(super) enum AtGate {
    /// It opens for this one.
    Opened(Passage),
    /// This one has passed.
    Passed(Passage),
}

impl Driver {
    /// Its time stands still until the gate opens.
    pub(super) fn wait_at_gate(&mut self, attempt: AttemptId, caller: u32, gate: Gate) {
        let Some(running) = self.running.get_mut(&attempt) else {
            return;
        };
        running.gates += 1;
        running.give_up = None;
        let passage = Passage {
            slot: running.slot,
            attempt,
            caller,
            command: gate.command.clone(),
            waited: Duration::ZERO,
            opened: clock::now(),
            held: Duration::ZERO,
            trouble: None,
        };
        let Some(facts) = self.engine.clone() else {
            // Without an engine nobody is let through to it, so nobody is in the way.
            self.at_gate(AtGate::Opened(passage));
            return;
        };
        let keeper = Keeper {
            account: self.run.account.clone(),
            facts,
            inbox: self.inbox.clone(),
        };
        std::thread::spawn(move || keeper.keep(passage, &gate));
    }

    pub(super) fn at_gate(&mut self, what: AtGate) {
        match what {
            AtGate::Opened(Passage {
                slot,
                attempt,
                caller,
                ..
            }) => {
                let allowance = self.allowance(attempt);
                if let Some(running) = self.running.get_mut(&attempt) {
                    running.gates = running.gates.saturating_sub(1);
                    if running.gates == 0 && running.held.is_none() && !running.holding {
                        running.give_up = Some(clock::now() + allowance);
                    }
                }
                self.send(slot, &ToSlot::Open { attempt, caller });
            }
            AtGate::Passed(passage) => {
                if let Some(message) = passage.trouble {
                    self.teller.tell(&Event::Warning { message });
                }
                let ago = clock::now() - passage.opened;
                self.teller.tell(&Event::GatePassed {
                    attempt: passage.attempt,
                    command: passage.command,
                    waited: passage.waited,
                    opened: self.teller.elapsed().saturating_sub(ago),
                    held: passage.held,
                });
            }
        }
    }
}

/// What the thread of one passage needs.
struct Keeper {
    account: PathBuf,
    facts: EngineFacts,
    inbox: Inbox<Occurrence>,
}

impl Keeper {
    fn keep(self, mut passage: Passage, gate: &Gate) {
        let begun = clock::now();
        let client = Stranger::of(gate.pid);
        let mut told = false;
        let turn = turn::take(&self.account, &self.facts, At::Gate, &mut |holder| {
            if clock::now() - begun > QUIET && !std::mem::replace(&mut told, true) {
                self.inbox.send(Occurrence::Waiting(format!(
                    "`{}` waits at the gate of {}, which {} has",
                    passage.command, self.facts.kind, holder.who
                )));
            }
            // One that was killed meanwhile wants nothing any more.
            client
                .as_ref()
                .is_some_and(|client| !client.ends_within(Duration::ZERO))
        });
        let opened = clock::now();
        passage.waited = opened - begun;
        passage.opened = opened;
        if let Err(error) = &turn {
            passage.trouble = Some(format!(
                "starts on {} are not kept apart: {error}",
                self.facts.kind
            ));
        }
        if !self
            .inbox
            .send(Occurrence::Gate(AtGate::Opened(passage.clone())))
        {
            return;
        }
        if let (Some(client), Ok(Some(_))) = (client, &turn) {
            let late = self.watch(&client, &gate.until, opened + LIMIT);
            if late {
                passage.trouble = Some(format!(
                    "`{}` has not started its container within {} s; others are let through the gate",
                    passage.command,
                    LIMIT.as_secs()
                ));
            }
        }
        passage.held = clock::now() - opened;
        drop(turn);
        self.inbox.send(Occurrence::Gate(AtGate::Passed(passage)));
    }

    /// Waits until the client has ended or the container runs; tells when that takes too long.
    fn watch(&self, client: &Stranger, until: &Until, give_up: Instant) -> bool {
        let engine = Client::of(&self.facts, environment::variables());
        while !client.ends_within(PACE) {
            if clock::now() > give_up {
                return true;
            }
            let Until::Begun { id_file, names } = until else {
                continue;
            };
            let written = written_id(&id_file.lossy());
            let ids: Vec<String> = written.into_iter().chain(names.iter().cloned()).collect();
            if !ids.is_empty() && container::have_begun(&engine, &mut Bounded, &ids, QUESTION_LIMIT)
            {
                return false;
            }
        }
        false
    }
}
