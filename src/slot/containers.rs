//! What the engine says of a script's containers when its deadline has passed: state and last lines, by the
//! ids that the ledger knows. Bounded, and given up at the first question that is not answered in time.

use std::time::{Duration, Instant};

use super::cleaning::clients;
use super::runner::Reaping;
use super::serve::{Slot, path};
use crate::engine::client::Client;
use crate::engine::container;
use crate::engine::trouble::essence;
use crate::host::process::{Completed, Ending};
use crate::host::{clock, procfs};
use crate::ledger::intents::Ledger;
use crate::ledger::proof::made;
use crate::model::{AttemptId, ContainerFact, Finding, Gap, ResourceKind};

/// All questions together.
pub(super) const LIMIT: Duration = Duration::from_secs(5);
/// One question.
const QUESTION: Duration = Duration::from_secs(3);
/// How much of a container's log is asked for.
const LINES: usize = 20;
/// Logs are asked of so many containers; running ones first.
const LOGS: usize = 4;

/// Asks every engine that the attempt used.
pub(super) fn ask(slot: &mut Slot<'_>, attempt: AttemptId, limit: Duration) -> Vec<Finding> {
    let mut found = Vec::new();
    let end = clock::now() + limit;
    let contents = match Ledger::at(path(&slot.setup.ledger)).read() {
        Ok(contents) => contents,
        Err(error) => {
            found.push(gap("containers", error.to_string()));
            return found;
        }
    };
    for client in clients(slot, &contents, attempt) {
        let intents = contents.intents(attempt, client.kind());
        let containers = intents
            .iter()
            .filter(|intent| intent.kind == ResourceKind::Container);
        let ids: Vec<String> = containers.filter_map(made).collect();
        if ids.is_empty() {
            continue;
        }
        let mut questions = Questions {
            slot,
            client: &client,
            end,
        };
        match questions.states(&ids) {
            Ok(mut containers) => {
                let gap = questions.logs(&mut containers);
                found.extend(containers.into_iter().map(Finding::Container));
                found.extend(gap);
            }
            Err(why) => found.push(gap("containers", why)),
        }
    }
    found
}

fn gap(what: &str, why: String) -> Finding {
    let what = what.to_owned();
    Finding::Gap(Gap { what, why })
}

/// One engine, while there is time.
struct Questions<'q, 'r> {
    slot: &'q mut Slot<'r>,
    client: &'q Client,
    end: Instant,
}

impl Questions<'_, '_> {
    fn call(&mut self, words: &[String]) -> Completed {
        let left = self.end.saturating_duration_since(clock::now());
        let mut runner = Reaping {
            reaper: &mut self.slot.reaper,
        };
        self.client.call(&mut runner, words, left.min(QUESTION))
    }

    /// All in one question. A container that is gone is not spoken of.
    fn states(&mut self, ids: &[String]) -> Result<Vec<ContainerFact>, String> {
        let words = ["container", "inspect"].map(str::to_owned);
        let words: Vec<String> = words.into_iter().chain(ids.iter().cloned()).collect();
        let done = self.call(&words);
        match unanswered(&done) {
            Some(why) => return Err(why),
            None if done.stdout.trim_ascii().is_empty() => return Err(essence(&done.stderr)),
            None => {}
        }
        let mut containers = container::facts(&done.stdout, clock::since_1970())?;
        for container in &mut containers {
            // An engine elsewhere has pids of its own.
            container.pid = container
                .pid
                .filter(|pid| procfs::is_in_container(*pid, &container.id));
        }
        Ok(containers)
    }

    /// The last lines of each; the first question without an answer is the last.
    fn logs(&mut self, containers: &mut [ContainerFact]) -> Option<Finding> {
        containers.sort_by_key(|container| container.state != "running");
        let tail = LINES.to_string();
        for container in containers.iter_mut().take(LOGS) {
            let words = ["logs", "--tail", &tail, &container.id].map(str::to_owned);
            let done = self.call(&words);
            if let Some(why) = unanswered(&done) {
                return Some(gap("logs of containers", why));
            }
            if done.succeeded() {
                // Of two streams the order between them is lost; errors tell more, and stand last.
                let output = [done.stdout, done.stderr].concat();
                container.log = container::log_lines(&output, LINES);
            }
        }
        None
    }
}

/// Why the engine has not answered at all, if it has not.
fn unanswered(done: &Completed) -> Option<String> {
    match &done.ending {
        Ending::Exited(_) => None,
        Ending::Signaled(signal) => Some(format!("the client was killed by signal {signal}")),
        Ending::TimedOut => Some(format!("no answer within {:.1} s", done.took.as_secs_f64())),
        Ending::NotStarted(why) => Some(format!("the client cannot be started: {why}")),
    }
}
