//! Bounded questions and commands to the engine within one cleaning's time. Decides nothing.

use std::thread;
use std::time::{Duration, Instant};

use super::journal::{Journal, JournalFiles};
use crate::engine::api;
use crate::engine::client::Client;
use crate::engine::listing::{self, Leaving, Listed};
use crate::engine::trouble::Trouble;
use crate::engine::{images, inspect};
use crate::host::clock;
use crate::host::process::{Completed, Invocation, Runner};
use crate::model::{EngineKind, Presence, ResourceKind};

/// No single call of a client may use up more, so that one that hangs leaves time for the others.
const CALL_LIMIT: Duration = Duration::from_secs(10);

/// Between two questions about the same thing. No engine tells us when a removal by somebody else is done.
const PACE: Duration = Duration::from_millis(100);

/// How often an engine that gives no clear answer is asked.
const ASKED: usize = 3;

/// The engine, for as long as this cleaning may take.
pub(super) struct Calls<'a> {
    /// What the attempt did by Podman's own account; our removals are written there, too.
    pub(super) journal: &'a JournalFiles,
    pub(super) client: &'a Client,
    pub(super) runner: &'a mut dyn Runner,
    pub(super) end: Instant,
}

impl Calls<'_> {
    fn left(&self) -> Duration {
        self.end.saturating_duration_since(clock::now())
    }

    pub(super) fn is_over(&self) -> bool {
        self.left().is_zero()
    }

    pub(super) fn call(&mut self, words: &[String]) -> Completed {
        let limit = self.left().min(CALL_LIMIT);
        self.client.call(self.runner, words, limit)
    }

    /// Runs a program that is no client of the engine.
    pub(super) fn run(&mut self, invocation: &Invocation) -> Completed {
        let limit = self.left().min(CALL_LIMIT);
        self.runner.run(invocation, limit)
    }

    /// What builds leave when they are killed.
    pub(super) fn leavings(&mut self, kind: ResourceKind) -> Result<Vec<Leaving>, Trouble> {
        let limit = self.left().min(CALL_LIMIT);
        listing::leavings(self.client, self.runner, kind, limit)
    }

    /// What the journal says by now. One that cannot be read says nothing, and so proves nothing.
    pub(super) fn journal(&self) -> Journal {
        match self.client.dialect() {
            EngineKind::Docker => Journal::default(),
            EngineKind::Podman => self.journal.read().unwrap_or_default(),
        }
    }

    /// Who is there? The client is started for those only that the journal does not show as gone.
    pub(super) fn ask(&mut self, kind: ResourceKind, ids: &[String]) -> Vec<Presence> {
        let journal = self.journal();
        let is_open = |id: &&String| !journal.is_gone(kind, id);
        let open: Vec<String> = ids.iter().filter(is_open).cloned().collect();
        let mut answers = self.ask_engine(kind, &open).into_iter();
        let answer = |id: &String| {
            if journal.is_gone(kind, id) {
                Some(Presence::Absent)
            } else {
                answers.next()
            }
        };
        ids.iter().map_while(answer).collect()
    }

    /// Asked again for those without a clear answer.
    fn ask_engine(&mut self, kind: ResourceKind, ids: &[String]) -> Vec<Presence> {
        let mut answers = self.ask_once(kind, ids);
        for _ in 1..ASKED {
            let unclear: Vec<usize> = (0..ids.len())
                .filter(|at| is_unknown(&answers[*at]))
                .collect();
            if unclear.is_empty() || self.is_over() {
                break;
            }
            self.pause();
            let again: Vec<String> = unclear.iter().map(|at| ids[*at].clone()).collect();
            for (at, answer) in unclear.into_iter().zip(self.ask_once(kind, &again)) {
                answers[at] = answer;
            }
        }
        answers
    }

    pub(super) fn ask_once(&mut self, kind: ResourceKind, ids: &[String]) -> Vec<Presence> {
        if self.is_over() {
            let why = "the time for cleaning was over before it could be asked".to_owned();
            return vec![Presence::Unknown { why }; ids.len()];
        }
        let limit = self.left().min(CALL_LIMIT);
        inspect::ask(self.client, self.runner, kind, ids, limit)
    }

    /// Whether an image has a name, and when it was made, since 1970; `None` when that cannot be told.
    pub(super) fn image(&mut self, id: &str) -> Option<(bool, Duration)> {
        let limit = self.left().min(CALL_LIMIT);
        images::birth(self.client, self.runner, id, limit)
    }

    /// The nameless images that were committed from one of these containers. Nobody is told of one whose build lost its
    /// client at that moment.
    pub(super) fn committed_from(&mut self, containers: &[&str]) -> Vec<String> {
        let limit = self.left().min(CALL_LIMIT);
        let Some((mut api, _)) = self.client.api() else {
            return Vec::new();
        };
        let mut images = api::dangling(&mut api, limit).unwrap_or_default();
        images.retain(|image| {
            let limit = self.left().min(CALL_LIMIT);
            let image = api::thing(&mut api, ResourceKind::Image, image, limit);
            image.is_some_and(|image| containers.contains(&&*image.committed_from))
        });
        images
    }

    /// The id of the image that a name leads to, as `sha256:…`; `None` when there is none or it cannot be told.
    pub(super) fn image_id(&mut self, name: &str) -> Option<String> {
        let limit = self.left().min(CALL_LIMIT);
        let name = name.to_owned();
        let names = std::slice::from_ref(&name);
        images::digests(self.client, self.runner, names, limit).remove(&name)
    }

    /// What carries both labels.
    pub(super) fn labelled(
        &mut self,
        kind: ResourceKind,
        labels: &[String; 2],
    ) -> Result<Vec<Listed>, Trouble> {
        let mut once = || {
            let limit = self.left().min(CALL_LIMIT);
            listing::labelled(self.client, self.runner, kind, labels, limit)
        };
        once().or_else(|_| once())
    }

    /// Returns early when somebody wakes the thread, which does no harm.
    pub(super) fn pause(&self) {
        thread::park_timeout(PACE.min(self.left()));
    }
}

fn is_unknown(presence: &Presence) -> bool {
    matches!(presence, Presence::Unknown { .. })
}
