//! The stand-in for the engine's socket during one script: opened when the script may use the engine, closed when its
//! processes have ended.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::serve::{Slot, path};
use super::watch::Watch;
use crate::host::{clock, search};
use crate::ledger::intents::Ledger;
use crate::ledger::proxy::{self, Proxy, Seat};
use crate::model::{AttemptId, FaultKind, Lane};
use crate::wire::{FromSlot, Job};

/// How long the engine may take to make what it was asked for before the script ended.
const LAST: Duration = Duration::from_secs(15);
/// Longer than that, and the harness has to know.
const SHORT: Duration = Duration::from_millis(200);

/// Opens it for a script that may use the engine from its beginning. What keeps it from being opened is the machine's
/// fault.
pub(super) fn open_first(slot: &Slot<'_>, job: &Job) -> Result<Option<Proxy>, String> {
    match job.lane {
        Lane::Container => open(slot, job.attempt),
        Lane::Plain => Ok(None),
    }
}

fn open(slot: &Slot<'_>, attempt: AttemptId) -> Result<Option<Proxy>, String> {
    let facts = slot.grant.as_ref().and_then(|grant| grant.facts.as_ref());
    let Some(facts) = facts else {
        return Ok(None);
    };
    let directory: PathBuf = path(&slot.setup.work_root);
    let account: PathBuf = path(&slot.setup.account);
    let seat = Seat {
        run: &slot.setup.run,
        attempt,
        ledger: Ledger::at(path(&slot.setup.ledger)),
        account: &account,
        directory: &directory,
    };
    Proxy::open(seat, facts).map_err(|error| {
        let directory = directory.display();
        format!("cannot stand in for the engine's socket in `{directory}`: {error}")
    })
}

/// What it adds to the script's environment.
pub(super) fn variables(slot: &Slot<'_>, proxy: Option<&Proxy>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let facts = slot.grant.as_ref().and_then(|grant| grant.facts.as_ref());
    let (Some(facts), Some(proxy)) = (facts, proxy) else {
        return Vec::new();
    };
    let of = proxy::variables(facts, proxy.address()).into_iter();
    of.map(|(name, value)| (name.as_bytes().to_vec(), value.into_bytes()))
        .collect()
}

impl Watch<'_, '_> {
    /// Takes over what was opened before the script began.
    pub(super) fn stand_in(&mut self, opened: Result<Option<Proxy>, String>) {
        match opened {
            Ok(proxy) => self.proxy = proxy,
            Err(why) => self.fault(FaultKind::Machine, why),
        }
    }

    /// Opens it for a script that was admitted only now.
    pub(super) fn stand_in_late(&mut self) {
        if self.proxy.is_none() {
            let opened = open(self.slot, self.attempt);
            self.stand_in(opened);
            self.place_stand_in();
        }
    }

    /// Tells it which line runs.
    pub(super) fn place_stand_in(&self) {
        if let Some(proxy) = &self.proxy {
            proxy.at(format!("{}:{}", self.place.file, self.place.line));
        }
    }

    /// How many connections to the engine's socket were made.
    pub(super) fn visits(&self) -> u32 {
        self.proxy.as_ref().map_or(self.visited, Proxy::visits)
    }

    /// How long the script's creations have waited for their turns.
    pub(super) fn queued(&self, now: Instant) -> Duration {
        let proxy = self.proxy.as_ref();
        proxy.map_or(self.queued, |proxy| proxy.waited(now))
    }

    /// Closes it when the script's processes have ended. What it could not write down is a fault of the attempt.
    pub(super) fn end_stand_in(&mut self) {
        let Some(mut proxy) = self.proxy.take() else {
            return;
        };
        if !proxy.ends_within(SHORT) {
            let attempt = self.attempt;
            let at_most = LAST + self.slot.setup.rules.cleanup_limit;
            self.slot.tell(&FromSlot::Busy { attempt, at_most });
        }
        if let Some(message) = proxy.trouble() {
            self.slot.tell(&FromSlot::Warning(message));
        }
        self.visited = proxy.visits();
        self.queued = proxy.waited(clock::now());
        if let Some(why) = proxy.close(LAST) {
            self.fault(FaultKind::Ledger, why);
        }
    }
}

/// Its path as bytes, for a stand-in of the client.
pub(super) fn address(watch: &Watch<'_, '_>) -> Option<crate::model::Bytes> {
    let address = watch.proxy.as_ref()?.address();
    Some(search::bytes(address.as_ref()).into())
}
