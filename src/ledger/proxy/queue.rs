//! One creation at a time on a Podman service, over all attempts and runs of the account. Knows no request.
//!
//! The service reads the account's sub-ids in as many threads as there are requests, with a library that is not made for
//! threads (libsubid): creations beside each other fail, or end the service. Docker has no such trouble, and no queue.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::scene::lock;
use crate::engine::turn::{self, At, Turn};
use crate::host::clock;
use crate::model::{EngineFacts, EngineKind};

/// A creation that takes longer hangs, or pulls an image; others go on beside it.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

/// Where the creations of one attempt wait.
#[derive(Debug)]
pub(super) struct Queue {
    account: PathBuf,
    facts: EngineFacts,
    limit: Duration,
    over: AtomicBool,
    trouble: Mutex<Option<String>>,
    waits: Mutex<Waits>,
}

/// When something of the attempt waited. Two that wait at the same time count once.
#[derive(Debug, Default)]
struct Waits {
    now: u32,
    since: Option<Instant>,
    total: Duration,
}

/// What came of waiting.
#[derive(Debug)]
pub(super) enum Entry {
    /// The creation may go on, with the turn as long as that is held. Without one it is not alone.
    Goes(Option<Turn>),
    /// The attempt is over: nothing is to be made for it any more.
    Over,
}

impl Queue {
    /// `None` where creations may overlap. `account` is the account's state directory.
    pub(super) fn of(account: &Path, facts: &EngineFacts) -> Option<Self> {
        (facts.server == EngineKind::Podman).then(|| Queue {
            account: account.to_path_buf(),
            facts: facts.clone(),
            limit: LIMIT,
            over: AtomicBool::new(false),
            trouble: Mutex::default(),
            waits: Mutex::default(),
        })
    }

    /// Waits until nobody else creates, and goes on beside the others when that takes too long.
    pub(super) fn enter(&self) -> Entry {
        self.begin_wait();
        let entry = self.wait();
        self.end_wait();
        entry
    }

    /// How long the attempt has waited until now.
    pub(super) fn waited(&self, now: Instant) -> Duration {
        let waits = lock(&self.waits);
        let open = waits
            .since
            .map(|since| now.saturating_duration_since(since));
        waits.total + open.unwrap_or_default()
    }

    fn begin_wait(&self) {
        let mut waits = lock(&self.waits);
        waits.now += 1;
        waits.since.get_or_insert_with(clock::now);
    }

    fn end_wait(&self) {
        let mut waits = lock(&self.waits);
        waits.now -= 1;
        if waits.now == 0
            && let Some(since) = waits.since.take()
        {
            waits.total += clock::now() - since;
        }
    }

    fn wait(&self) -> Entry {
        let begun = clock::now();
        let mut before = String::new();
        let turn = turn::take(&self.account, &self.facts, At::Create, &mut |holder| {
            before.clone_from(&holder.who);
            !self.is_over() && clock::now() - begun < self.limit
        });
        let trouble = match turn {
            Ok(Some(turn)) => return Entry::Goes(Some(turn)),
            Ok(None) if self.is_over() => return Entry::Over,
            Ok(None) => format!("{before} has not ended its own within {:?}", self.limit),
            Err(error) => error.to_string(),
        };
        lock(&self.trouble).get_or_insert_with(|| {
            format!("creations on Podman's service are not kept apart: {trouble}")
        });
        Entry::Goes(None)
    }

    /// Lets nobody wait any longer.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Why a creation was not alone, once.
    pub(super) fn trouble(&self) -> Option<String> {
        lock(&self.trouble).take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples;

    fn queue(account: &Path, limit: Duration) -> Queue {
        let queue = Queue::of(account, &samples::podman()).unwrap();
        Queue { limit, ..queue }
    }

    #[test]
    fn creations_of_two_attempts_take_turns() {
        let account = tempfile::tempdir().unwrap();
        let patient = queue(account.path(), Duration::from_secs(60));
        let hasty = queue(account.path(), Duration::ZERO);
        let held = patient.enter();
        assert!(matches!(held, Entry::Goes(Some(_))), "{held:?}");
        let beside = hasty.enter();
        assert!(matches!(beside, Entry::Goes(None)), "{beside:?}");
        let why = hasty.trouble().unwrap();
        assert!(why.contains("are not kept apart: process "), "{why}");
        assert_eq!(hasty.trouble(), None);
        std::thread::scope(|scope| {
            let next = scope.spawn(|| patient.enter());
            drop(held);
            let next = next.join().unwrap();
            assert!(matches!(next, Entry::Goes(Some(_))), "{next:?}");
        });
        assert_eq!(patient.trouble(), None);
    }

    #[test]
    fn the_time_in_which_something_waits_is_counted_once() {
        let account = tempfile::tempdir().unwrap();
        let first = queue(account.path(), LIMIT);
        let hasty = queue(account.path(), Duration::from_millis(50));
        let held = first.enter();
        let begun = clock::now();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| hasty.enter());
            }
        });
        let now = clock::now();
        let waited = hasty.waited(now);
        assert!(waited >= hasty.limit && waited <= now - begun, "{waited:?}");
        assert_eq!(hasty.waited(now + LIMIT), waited);
        drop(held);
    }

    #[test]
    fn who_waits_when_its_attempt_ends_creates_nothing() {
        let account = tempfile::tempdir().unwrap();
        let first = queue(account.path(), LIMIT);
        let second = queue(account.path(), LIMIT);
        let held = first.enter();
        second.end();
        assert!(matches!(second.enter(), Entry::Over));
        assert_eq!(second.trouble(), None);
        drop(held);
    }

    #[test]
    fn docker_has_no_queue_whatever_its_client_is_called() {
        let account = Path::new("/none");
        let docker = EngineFacts {
            server: EngineKind::Docker,
            ..samples::podman()
        };
        assert!(Queue::of(account, &docker).is_none());
        let podman = EngineFacts {
            kind: EngineKind::Docker,
            ..samples::podman()
        };
        assert!(Queue::of(account, &podman).is_some());
    }
}
