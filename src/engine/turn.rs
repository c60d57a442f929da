//! Whose turn it is on an engine, among all processes of this account, whatever their workspace or shell. Keyed by the
//! engine's identity, so that two ways to the same engine meet.
//!
//! There are three things to take turns at: being the run that uses the engine, starting a container, and creating
//! something on a service. Who has a turn at creating waits for no other, so whoever is at the gate may wait for it.

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::host::tickets::{Holder, Sharing, Ticket, Tickets, Waited};
use crate::model::{EngineFacts, Hash, Policy};

/// The right to use an engine, or to start or create a container on it; given back when dropped.
#[derive(Debug)]
pub struct Turn {
    #[expect(dead_code, reason = "the held ticket is the turn")]
    ticket: Ticket,
}

/// At what turns are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// At using the engine, for a whole run.
    Run(Sharing),
    /// At the gate, which admits one start of a container at a time.
    Gate,
    /// At the service's creating something, where it does not bear two at a time.
    Create,
}

impl At {
    /// What a run under this policy takes: serial means serial for everybody.
    pub fn run_under(policy: Policy) -> Self {
        match policy {
            Policy::Serial => At::Run(Sharing::Alone),
            Policy::Gated | Policy::Parallel => At::Run(Sharing::Shared),
        }
    }

    fn place(self) -> &'static str {
        match self {
            At::Run(_) => "run",
            At::Gate => "gate",
            At::Create => "create",
        }
    }

    fn sharing(self) -> Sharing {
        match self {
            At::Run(sharing) => sharing,
            At::Gate | At::Create => Sharing::Alone,
        }
    }
}

/// How often a long wait looks whether it is still wanted.
const PULSE: Duration = Duration::from_secs(1);

/// Waits for the turn, in the order of arrival. `waiting` is told at every pulse who has it and how long already; it
/// ends the wait by saying `false`.
pub fn take(
    state: &Path,
    facts: &EngineFacts,
    at: At,
    waiting: &mut dyn FnMut(&Holder) -> bool,
) -> io::Result<Option<Turn>> {
    let directory = state
        .join("turns")
        .join(Hash::of(facts.identity.as_bytes()))
        .join(at.place());
    let ticket = Tickets::at(directory).draw(at.sharing(), &myself())?;
    let mut limit = Duration::ZERO;
    loop {
        match ticket.wait(limit)? {
            Waited::Served => return Ok(Some(Turn { ticket })),
            Waited::Behind(holder) if !waiting(&holder) => return Ok(None),
            Waited::Behind(_) => limit = PULSE,
        }
    }
}

fn myself() -> String {
    let words = crate::host::environment::words();
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    format!("process {}: {}", crate::host::facts::pid(), words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples;

    const ALONE: At = At::Run(Sharing::Alone);

    #[test]
    fn a_turn_is_one_at_a_time_and_names_its_holder() {
        let state = tempfile::tempdir().unwrap();
        let facts = samples::podman();
        let first = take(state.path(), &facts, ALONE, &mut |_| false).unwrap();
        assert!(first.is_some());
        let mut named = String::new();
        let second = take(state.path(), &facts, ALONE, &mut |holder| {
            holder.who.clone_into(&mut named);
            false
        });
        assert!(second.unwrap().is_none());
        assert!(
            named.starts_with(&format!("process {}: ", std::process::id())),
            "{named}"
        );
        drop(first);
        // A child that another test starts has our descriptors until it is its own program, so the lock may seem held.
        let mut pulses = 20;
        let third = take(state.path(), &facts, ALONE, &mut |_| {
            pulses -= 1;
            pulses > 0
        });
        assert!(third.unwrap().is_some());
    }

    #[test]
    fn other_engines_other_places_and_those_who_share_do_not_wait() {
        let state = tempfile::tempdir().unwrap();
        let one = samples::podman();
        let other = EngineFacts {
            identity: "another".to_owned(),
            ..one.clone()
        };
        let shared = At::run_under(Policy::Gated);
        let at_once = |facts, at| take(state.path(), facts, at, &mut |_| false).unwrap();
        let held = [
            at_once(&one, shared),
            at_once(&one, shared),
            at_once(&one, At::Gate),
            at_once(&other, At::run_under(Policy::Serial)),
        ];
        assert!(held.iter().all(Option::is_some));
        assert!(at_once(&one, At::run_under(Policy::Serial)).is_none());
    }
}
