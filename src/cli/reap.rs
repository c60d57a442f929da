//! `shakedown reap` and `shakedown ledger`: cleaning after killed runs, and what the ledgers say. Both are about the
//! account, whatever the directory they are called in.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use super::WhichRun;
use super::door::{exit, misused, print};
use super::entries::rows;
use super::harness::complain;
use crate::engine::detect::{self, CALL_LIMIT, Choice};
use crate::engine::turn::{self, At};
use crate::host::process::Bounded;
use crate::host::tickets::Holder;
use crate::host::{clock, environment};
use crate::ledger::intents::{Contents, Entry, Ledger};
use crate::ledger::life::{self, Dead};
use crate::ledger::orphans::Engine;
use crate::ledger::{orphans, runs, state};
use crate::model::{Conclusion, EngineFacts, EngineKind, Event, Policy, Reaped, RunId};
use crate::report::{Report, Talk, TalkLook, Volume};
use crate::run;

/// How long one engine may take for all orphans in it.
const LIMIT: Duration = Duration::from_secs(120);

/// A run that is over, and what is still open of it.
struct Candidate {
    run: RunId,
    ledger: Ledger,
    contents: Contents,
    /// It was killed.
    dead: Option<Dead>,
}

/// Removes what killed runs left, and tries again what ended runs could not remove.
pub(super) fn reap(dry_run: bool) -> ExitCode {
    let state = match state::directory(&environment::variables()) {
        Ok(state) => state,
        Err(error) => return misused(&error.to_string()),
    };
    let candidates = candidates(&state);
    if candidates.is_empty() {
        return print("nothing to reap: every run of this account has ended and is clean");
    }
    if dry_run {
        return print(&candidates.iter().map(plan).collect::<String>());
    }
    let mut talk = talk();
    let mut did_something = false;
    let mut tell = |reaped: Reaped| {
        let clean = reaped.cleanup.leftovers.is_empty();
        did_something |= !clean || !reaped.ended.is_empty() || !reaped.cleanup.removed.is_empty();
        let event = Event::Reaped(Box::new(reaped));
        // A terminal that is gone changes nothing about what is done.
        talk.event(Duration::ZERO, &event, &mut io::stderr()).ok();
        clean
    };
    let mut clean = true;
    for candidate in &candidates {
        if let Some(dead) = &candidate.dead {
            clean &= tell(run::without_engine(dead));
        }
    }
    for kind in EngineKind::ALL {
        for reaped in in_engine(&state, kind, &candidates) {
            clean &= tell(reaped);
        }
    }
    if !did_something {
        let runs: Vec<&str> = candidates.iter().map(|one| one.run.as_str()).collect();
        complain(&format!("nothing is left of {}", runs.join(", ")));
    }
    for candidate in candidates {
        let open = candidate
            .ledger
            .read()
            .is_ok_and(|now| !now.open().is_empty());
        if let (Some(dead), false) = (candidate.dead, open) {
            dead.bury();
        }
    }
    exit(if clean {
        Conclusion::Passed
    } else {
        Conclusion::Unclean
    })
}

fn candidates(state: &Path) -> Vec<Candidate> {
    let mut dead: BTreeMap<RunId, Dead> = life::dead(state)
        .into_iter()
        .map(|dead| (dead.run.clone(), dead))
        .collect();
    let of = |run: RunId| {
        let dead = dead.remove(&run);
        let ledger = Ledger::of(state, &run);
        let contents = ledger.read_with_unannounced().unwrap_or_default();
        let lives = dead.is_none() && life::is_alive(state, &run);
        let matters = dead.is_some() || !contents.open().is_empty();
        (matters && !lives).then_some(Candidate {
            run,
            ledger,
            contents,
            dead,
        })
    };
    runs(state).into_iter().filter_map(of).collect()
}

/// What would be done, for people.
fn plan(candidate: &Candidate) -> String {
    let Candidate {
        run,
        ledger: _,
        contents,
        dead,
    } = candidate;
    let how = match dead {
        Some(_) => "was killed",
        None => "ended and left something",
    };
    let mut text = format!("run {run} {how}\n");
    for process in dead.iter().flat_map(orphans::processes) {
        writeln!(text, "  process {}  {}", process.pid, process.command())
            .expect("writing to a string cannot fail");
    }
    let open = contents.open();
    text + &rows(contents, &|attempt| {
        open.iter().any(|(of, _)| *of == attempt)
    })
}

fn in_engine(state: &Path, kind: EngineKind, candidates: &[Candidate]) -> Vec<Reaped> {
    let has = |candidate: &&Candidate| {
        let open = candidate.contents.open();
        open.iter().any(|(_, engine)| *engine == kind)
    };
    let open: Vec<&Candidate> = candidates.iter().filter(has).collect();
    if open.is_empty() {
        return Vec::new();
    }
    let facts = match facts(kind) {
        Ok(facts) => facts,
        Err(why) => {
            complain(&format!(
                "error: {kind} cannot be asked, so what runs left there stays: {why}"
            ));
            return open
                .iter()
                .map(|candidate| unasked(candidate, &why))
                .collect();
        }
    };
    // Podman takes one at a time; whoever runs scripts there is waited for.
    let mut told = false;
    let waiting = &mut |holder: &Holder| {
        if !std::mem::replace(&mut told, true) {
            complain(&format!(
                "waiting for {kind}, which is used by {}",
                holder.who
            ));
        }
        true
    };
    let serial = facts.server == EngineKind::Podman;
    let at = At::run_under(Policy::Serial);
    let _turn = serial.then(|| turn::take(state, &facts, at, waiting));
    let engine = Engine::of(&facts, environment::variables());
    let end = clock::now() + LIMIT;
    let clean = |candidate: &&Candidate| {
        let work = candidate.dead.as_ref().and_then(Dead::work);
        let within = (work.as_deref(), end);
        let (run, ledger) = (&candidate.run, &candidate.ledger);
        Reaped {
            run: run.clone(),
            ended: Vec::new(),
            cleanup: orphans::clean_run(run, ledger, &engine, &mut Bounded, within),
        }
    };
    open.iter().map(clean).collect()
}

fn facts(kind: EngineKind) -> Result<EngineFacts, String> {
    let choice = Choice {
        kind,
        origin: "the ledger".to_owned(),
    };
    let variables = environment::variables();
    let found = detect::detect(Some(&choice), &variables, &mut Bounded, CALL_LIMIT);
    found.selected.ok_or_else(|| found.tried.join("; "))
}

fn unasked(candidate: &Candidate, why: &str) -> Reaped {
    Reaped {
        run: candidate.run.clone(),
        ended: Vec::new(),
        cleanup: orphans::unasked(why),
    }
}

fn talk() -> Talk {
    Talk::new(TalkLook {
        color: console::colors_enabled_stderr() && io::stderr().is_terminal(),
        nextest: false,
        width: None,
        volume: Volume::Normal,
        record: String::new(),
        again: String::new(),
    })
}

/// Shows a ledger, or which there are.
pub(super) fn show(which: Option<&WhichRun>) -> ExitCode {
    let state = match state::directory(&environment::variables()) {
        Ok(state) => state,
        Err(error) => return misused(&error.to_string()),
    };
    let runs = runs(&state);
    let run = match which {
        None => return print(&overview(&state, &runs)),
        Some(WhichRun::Id(run)) if runs.contains(run) => run.clone(),
        Some(WhichRun::Id(run)) => {
            return misused(&format!("no ledger of run {run} in {}", state.display()));
        }
        Some(WhichRun::Latest) => match runs.last() {
            Some(run) => run.clone(),
            None => return misused(&format!("no ledger in {}", state.display())),
        },
    };
    match Ledger::of(&state, &run).read_with_unannounced() {
        Ok(contents) => print(&format!(
            "run {run} {}\n{}",
            standing(&state, &run, &contents),
            rows(&contents, &|_| true)
        )),
        Err(error) => misused(&error.to_string()),
    }
}

fn overview(state: &Path, runs: &[RunId]) -> String {
    let mut text = String::new();
    for run in runs {
        let contents = Ledger::of(state, run).read().unwrap_or_default();
        let made = contents
            .entries
            .iter()
            .filter(|entry| matches!(entry, Entry::Intent { .. }))
            .count();
        writeln!(
            text,
            "{run}  {made} made or about to be made  {}",
            standing(state, run, &contents)
        )
        .expect("writing to a string cannot fail");
    }
    if text.is_empty() {
        text = format!("no run has made anything: {} is empty", state.display());
    }
    text
}

fn standing(state: &Path, run: &RunId, contents: &Contents) -> String {
    let open = contents.open().len();
    let what = match open {
        0 => "clean".to_owned(),
        1 => "1 attempt not clean".to_owned(),
        _ => format!("{open} attempts not clean"),
    };
    if life::is_alive(state, run) {
        format!("(alive, {what})")
    } else {
        format!("({what})")
    }
}
