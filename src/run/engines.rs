//! Finding the engine, on a thread of its own, so that the plain lane never waits for it.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::driver::Occurrence;
use super::images::{self, Provided};
use super::orphans;
use crate::config::{EngineChoice, Settings};
use crate::engine::client::Client;
use crate::engine::detect::{CALL_LIMIT, Choice, Detection};
use crate::engine::turn::{self, At, Turn};
use crate::engine::{detect, share};
use crate::host::post::Inbox;
use crate::host::process::{Bounded, Invocation, Runner};
use crate::host::{clock, environment};
use crate::ledger::intents::{Entry, Ledger};
use crate::ledger::life::Dead;
use crate::model::{EngineFacts, EngineKind, EngineState, Reaped, duration};

/// How long Podman may take to start its pause process.
const PAUSE_LIMIT: Duration = Duration::from_secs(20);
/// How long another process of the same nextest run may take to find the engine.
const SHARE_LIMIT: Duration = Duration::from_secs(60);
/// How often it is said that the engine is waited for.
const REMINDER: Duration = Duration::from_secs(60);
/// How long a stand-in may take to say that it starts.
const TRIAL_LIMIT: Duration = Duration::from_secs(10);

/// What the search needs to know.
#[derive(Debug)]
pub(super) struct Search {
    pub(super) settings: Settings,
    /// Under nextest: where detection is shared between the processes of one run.
    pub(super) shared: Option<PathBuf>,
    /// The account's state directory: where turns are taken.
    pub(super) ledgers: PathBuf,
    /// A stand-in to try under an empty environment.
    pub(super) stand_in: PathBuf,
    /// What it stands on: this executable.
    pub(super) executable: PathBuf,
    /// Killed runs that left something in an engine.
    pub(super) dead: Vec<Dead>,
    /// This run's own ledger.
    pub(super) ledger: Ledger,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) state: EngineState,
    pub(super) warnings: Vec<String>,
    /// It is this run's turn on the engine.
    pub(super) turn: Option<Turn>,
    /// Why the engine may not be used though it is there: others have kept it too long.
    pub(super) taken: Option<String>,
    /// Images that the suite names and that cannot be had, and why.
    pub(super) missing: BTreeMap<String, String>,
    /// What became of killed runs' resources.
    pub(super) reaped: Vec<Reaped>,
}

/// Starts the search; its result comes as an occurrence.
pub(super) fn search(search: Search, inbox: Inbox<Occurrence>) {
    std::thread::spawn(move || {
        let found = find(search, &inbox);
        // A run that has ended meanwhile needs no answer.
        inbox.send(Occurrence::Engine(Box::new(found)));
    });
}

fn find(mut search: Search, inbox: &Inbox<Occurrence>) -> Found {
    let mut warnings = Vec::new();
    let dead = std::mem::take(&mut search.dead);
    let search = &search;
    let mut state = match try_stand_in(search) {
        Err(why) => EngineState::Missing { why: vec![why] },
        Ok(()) => match detected(search) {
            Detection {
                selected: Some(facts),
                ..
            } => select(search, facts, &mut warnings),
            Detection {
                selected: None,
                tried,
            } => EngineState::Missing { why: tried },
        },
    };
    let (turn, taken) = match &state {
        EngineState::Selected { facts, policy, .. } => {
            let at = At::run_under(*policy);
            wait_for_turn(search, facts, at, inbox).unwrap_or_else(|error| {
                warnings.push(format!(
                    "other runs on {} are not kept away: {error}",
                    facts.kind
                ));
                (None, None)
            })
        }
        EngineState::Missing { .. } => (None, None),
    };
    let reaped = match &state {
        EngineState::Selected { facts, .. } if taken.is_none() => {
            let entry = Entry::Engine {
                engine: facts.kind,
                store: facts.store(),
            };
            if let Err(error) = search.ledger.append(&[entry]) {
                warnings.push(error.to_string());
            }
            orphans::in_engine(&search.ledgers, dead, facts)
        }
        EngineState::Selected { .. } | EngineState::Missing { .. } => Vec::new(),
    };
    let missing = match &mut state {
        EngineState::Selected { facts, images, .. } if taken.is_none() => {
            let provided = provide_images(search, facts, inbox);
            *images = provided.digests;
            provided.missing
        }
        EngineState::Selected { .. } | EngineState::Missing { .. } => BTreeMap::new(),
    };
    Found {
        state,
        warnings,
        turn,
        taken,
        missing,
        reaped,
    }
}

/// When it is this run's turn.
fn provide_images(search: &Search, facts: &EngineFacts, inbox: &Inbox<Occurrence>) -> Provided {
    let engine = &search.settings.engine;
    let client = Client::of(facts, environment::variables());
    // A driver that is gone hears nothing.
    let mut tell = |line| {
        inbox.send(Occurrence::Waiting(line));
    };
    let limit = engine.pull_limit;
    images::provide(&engine.images, &client, &mut Bounded, limit, &mut tell)
}

/// Serial means serial for everybody of this account. The wait is shown, names who is waited for, and is charged to no
/// script; when it has lasted too long, the second text says so.
fn wait_for_turn(
    search: &Search,
    facts: &EngineFacts,
    at: At,
    inbox: &Inbox<Occurrence>,
) -> io::Result<(Option<Turn>, Option<String>)> {
    let begun = clock::now();
    let limit = search.settings.policy.wait;
    let mut told: Option<Instant> = None;
    let mut taken = None;
    let turn = turn::take(&search.ledgers, facts, at, &mut |holder| {
        let now = clock::now();
        let who = format!(
            "{}, for {} now",
            holder.who,
            duration::format(whole_seconds(holder.held))
        );
        if now - begun >= limit {
            taken = Some(format!(
                "{} was not free for {}: it is used by {who}",
                facts.kind,
                duration::format(limit)
            ));
            return false;
        }
        if told.is_some_and(|told| now - told < REMINDER) {
            return true;
        }
        told = Some(now);
        // A driver that is gone waits no more.
        inbox.send(Occurrence::Waiting(format!(
            "waiting for {}, which is used by {who}",
            facts.kind
        )))
    })?;
    Ok((turn, taken))
}

/// A wait is told to people, to the second.
fn whole_seconds(duration: Duration) -> Duration {
    Duration::from_secs(duration.as_secs())
}

fn detected(search: &Search) -> Detection {
    let choice = match search.settings.engine.choice.value {
        EngineChoice::Auto => None,
        EngineChoice::Only(kind) => Some(Choice {
            kind,
            origin: search.settings.engine.choice.origin.to_string(),
        }),
    };
    let variables = environment::variables();
    let look = || detect::detect(choice.as_ref(), &variables, &mut Bounded, CALL_LIMIT);
    match &search.shared {
        Some(directory) => share::shared(directory, SHARE_LIMIT, look),
        None => look(),
    }
}

fn select(search: &Search, facts: EngineFacts, warnings: &mut Vec<String>) -> EngineState {
    let decided = match search.settings.policy_for(&facts) {
        Ok(decided) => decided,
        Err(refused) => {
            return EngineState::Missing {
                why: vec![refused.to_string()],
            };
        }
    };
    let client = Client::of(&facts, environment::variables());
    if facts.server == EngineKind::Podman && !facts.remote && facts.rootless {
        // The pause process outlives every slot; started here, no slot has to adopt it.
        let started = client.call(&mut Bounded, &["unshare", "true"], PAUSE_LIMIT);
        if !started.succeeded() {
            warnings.push(format!(
                "`podman unshare true` failed: {}",
                String::from_utf8_lossy(&started.stderr).trim()
            ));
        }
    }
    if facts.remote && facts.socket().is_none() {
        warnings.push(format!(
            "{} is reached at {}, where nobody can stand in for its socket: what scripts make is known by their calls of the client and by labels alone",
            facts.kind, facts.endpoint
        ));
    }
    EngineState::Selected {
        facts: Box::new(facts),
        policy: decided.value,
        reason: decided.reason,
        images: BTreeMap::new(),
    }
}

/// Starts a stand-in with no environment at all, as a script may do: an executable that leans on
/// `LD_LIBRARY_PATH` fails here, once and clearly, and not in the middle of a script.
fn try_stand_in(search: &Search) -> Result<(), String> {
    symlink(&search.executable, &search.stand_in)
        .map_err(|error| format!("cannot make a stand-in: {error}"))?;
    let invocation = Invocation {
        program: search.stand_in.clone(),
        arguments: vec![crate::shim::TRIAL.into()],
        environment: Vec::new(),
        directory: Some("/".into()),
    };
    let done = Bounded.run(&invocation, TRIAL_LIMIT);
    if done.succeeded() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
    Err(format!(
        "this executable does not start with an empty environment, as stand-ins must: {:?} {said}",
        done.ending
    ))
}
