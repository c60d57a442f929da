//! Whose turn it is on an engine that takes one at a time: a lock for all processes of this account,
//! whatever their workspace or shell, keyed by the engine's identity.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::host::flock::{self, FileLock};
use crate::model::{EngineFacts, Hash};

/// The right to use an engine that takes one at a time; given back when dropped.
#[derive(Debug)]
pub struct Turn {
    #[expect(dead_code, reason = "the held lock is the turn")]
    lock: FileLock,
}

/// How often a long wait looks whether it is still wanted.
const PULSE: Duration = Duration::from_secs(1);

/// Waits for the turn, as long as it takes. `waiting` is told once who has it, if somebody has; it ends the
/// wait by saying `false` at any pulse.
pub fn take(
    state: &Path,
    facts: &EngineFacts,
    waiting: &mut dyn FnMut(&str) -> bool,
) -> io::Result<Option<Turn>> {
    let directory = state.join("locks");
    fs::create_dir_all(&directory)?;
    let file = directory.join(Hash::of(facts.identity.as_bytes()));
    let mut limit = Duration::ZERO;
    loop {
        if let Some(lock) = flock::lock(&file, limit)? {
            // Who reads it half-written sees half a courtesy.
            fs::write(holder_file(&file), myself()).ok();
            return Ok(Some(Turn { lock }));
        }
        let holder = fs::read_to_string(holder_file(&file)).unwrap_or_default();
        if !waiting(holder.trim()) {
            return Ok(None);
        }
        limit = PULSE;
    }
}

fn holder_file(lock: &Path) -> PathBuf {
    lock.with_extension("holder")
}

fn myself() -> Vec<u8> {
    let words = crate::host::environment::words();
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    let mut text = Vec::new();
    write!(
        text,
        "process {}: {}",
        crate::host::facts::pid(),
        words.join(" ")
    )
    .ok();
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples;

    #[test]
    fn a_turn_is_one_at_a_time_and_names_its_holder() {
        let state = tempfile::tempdir().unwrap();
        let facts = samples::podman();
        let first = take(state.path(), &facts, &mut |_| false).unwrap().unwrap();
        let mut named = String::new();
        let second = take(state.path(), &facts, &mut |holder| {
            holder.clone_into(&mut named);
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
        let third = take(state.path(), &facts, &mut |_| {
            pulses -= 1;
            pulses > 0
        });
        assert!(third.unwrap().is_some());
    }

    #[test]
    fn other_engines_have_turns_of_their_own() {
        let state = tempfile::tempdir().unwrap();
        let one = samples::podman();
        let other = EngineFacts {
            identity: "another".to_owned(),
            ..one.clone()
        };
        let _first = take(state.path(), &one, &mut |_| false).unwrap().unwrap();
        assert!(
            take(state.path(), &other, &mut |_| false)
                .unwrap()
                .is_some()
        );
    }
}
