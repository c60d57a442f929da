//! One attempt from its work directory to its report.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use super::aftermath::{put_away, why_retire};
use super::beginning::prepare;
use super::cleaning::clean;
use super::logs::store_log;
use super::machine;
use super::serve::Slot;
use super::watch::Watch;
use super::{bypass, stand_in, taken};
use crate::interp::{self, Executed, ScriptEnding, Setup};
use crate::ledger::proxy::Proxy;
use crate::model::{
    AttemptReport, EndedProcess, FailedProgram, Failure, Hash, LadderStep, Leak, MachineDelta,
    Outcome, QuietSample, Resource, Timings,
};
use crate::script::{Script, txtar};
use crate::wire::{FromSlot, Job, Keep, Rewrite, Variables};

/// What programs built by Go for coverage and race detection want to know; testscript hands them on.
const GO_VARIABLES: [&str; 2] = ["GOCOVERDIR", "GORACE"];
/// How long the work directory's removal may take.
const CLOSING: Duration = Duration::from_secs(30);

/// What was learnt of a script while it ran.
#[derive(Debug, Default)]
struct Seen {
    timings: Timings,
    ended: Vec<EndedProcess>,
    leaks: Vec<Leak>,
    calls: u32,
    /// How often it used the engine, by a client or by its socket.
    uses: u32,
    /// Removed by the ladder.
    removed: Vec<Resource>,
    samples: Vec<QuietSample>,
    steps: Vec<LadderStep>,
    /// New data for files of the archive.
    updates: BTreeMap<usize, Vec<u8>>,
    /// Those of them that the script should unquote, and does not.
    quoted: Vec<String>,
    /// The program whose end made the failing line fail.
    failed: Option<FailedProgram>,
}

/// A job that is over.
pub(super) struct Done {
    pub(super) report: AttemptReport,
    pub(super) rewrite: Option<Box<Rewrite>>,
    /// Why the slot takes no more.
    pub(super) retire: Option<String>,
}

/// Executes one job and cleans up after it.
pub(super) fn execute(slot: &mut Slot<'_>, job: &Job) -> Done {
    let (before, attempt) = (slot.machine.reading(), job.attempt);
    let (outcome, log, seen, work, rewrite) = match prepare(slot, job) {
        Err(fault) => {
            let (log, seen) = (Vec::new(), Seen::default());
            (Outcome::Faulted(fault), log, seen, None, None)
        }
        Ok((script, bytes, work)) => {
            let (outcome, log, seen) = run(slot, job, &script, &work);
            let rewrite = rewrite(&outcome, &seen, &bytes);
            let log = if slot.setup.rules.keep_work {
                // In place of the first line of the dump, if there is one.
                let rest = log.strip_prefix(b"WORK=$WORK\n").unwrap_or(&log);
                [b"WORK=", work.as_os_str().as_bytes(), b"\n", rest].concat()
            } else {
                log
            };
            (outcome, log, seen, Some(work), rewrite)
        }
    };
    tell_closing(slot, job, &seen);
    let keep = keeps(slot.setup.rules.keep, &outcome);
    let keep_work = keep || slot.setup.rules.keep_work;
    let mut cleanup = clean(slot, attempt, seen.uses, keep, work.as_deref());
    // The ladder's removals are found gone by the cleaning: told once, as what they are.
    cleanup
        .gone
        .retain(|resource| seen.removed.iter().all(|removed| removed.id != resource.id));
    cleanup.removed.splice(0..0, seen.removed);
    slot.desk.dismiss();
    bypass::name(slot, attempt, work.as_deref(), &mut cleanup);
    let retire = why_retire(slot, &seen.ended, &mut cleanup);
    let log = taken::explain(slot, attempt, &outcome, log);
    let work_dir = work.map_or_else(String::new, |work| {
        // A container that is left may have a file of the script's mounted.
        slot.dirs.reuse_files(seen.uses == 0);
        put_away(slot, work, keep_work, &mut cleanup)
    });
    let (log, log_file) = store_log(slot, attempt, log);
    let after = slot.machine.reading();
    let report = AttemptReport {
        outcome,
        log,
        log_file,
        timings: seen.timings,
        cleanup,
        ended: seen.ended,
        leaks: seen.leaks,
        engine_calls: seen.calls,
        machine: machine::delta(&before, &after),
        work_dir,
        updated: String::new(),
        quoted: Vec::new(),
        samples: seen.samples,
        ladder: seen.steps,
        hang_file: String::new(),
        failed: seen.failed,
    };
    Done {
        report,
        rewrite,
        retire,
    }
}

/// What follows may take longer than what is left of the deadline: then the harness has to know.
fn tell_closing(slot: &mut Slot<'_>, job: &Job, seen: &Seen) {
    let left = job.deadline.saturating_sub(seen.timings.script);
    if seen.uses > 0 || left < CLOSING {
        slot.tell(&FromSlot::Busy {
            attempt: job.attempt,
            at_most: slot.setup.rules.cleanup_limit + CLOSING,
        });
    }
}

/// What becomes of the script's file. After a failure or a skip nothing does: the rest was not seen.
fn rewrite(outcome: &Outcome, seen: &Seen, bytes: &[u8]) -> Option<Box<Rewrite>> {
    if *outcome != Outcome::Passed || seen.updates.is_empty() {
        return None;
    }
    let after = txtar::replace(bytes, &seen.updates);
    (after != bytes).then(|| {
        Box::new(Rewrite {
            before: Hash::of(bytes),
            after: after.into(),
            quoted: seen.quoted.clone(),
        })
    })
}

fn run(slot: &mut Slot<'_>, job: &Job, script: &Script, work: &Path) -> (Outcome, Vec<u8>, Seen) {
    let registry = slot.registry;
    bypass::look_out(slot);
    let proxy = stand_in::open_first(slot, job);
    let setup = setup(
        slot,
        job,
        work,
        proxy.as_ref().ok().and_then(Option::as_ref),
    );
    let mut watch = Watch::new(slot, job, &setup, script.dialect);
    watch.stand_in(proxy);
    let Executed {
        ending,
        log,
        updates,
        quoted,
    } = interp::execute(script, &setup, registry, &mut watch);
    let (script_time, held) = watch.times();
    let script_time = script_time.saturating_sub(watch.ladder);
    watch.end_processes();
    watch.end_stand_in();
    let timings = Timings {
        script: script_time,
        held,
        ladder: watch.ladder,
    };
    let failed = matches!(ending, ScriptEnding::Failed(_));
    let late = watch.late.take().filter(|_| !failed);
    // What the watch saw outranks the interpreter, which knows only that it was interrupted.
    let outcome = watch.verdict.take().or(late).unwrap_or(match ending {
        ScriptEnding::Passed | ScriptEnding::Stopped => Outcome::Passed,
        ScriptEnding::Skipped { reason } => Outcome::Skipped { reason },
        ScriptEnding::Failed(failure) => Outcome::Failed(failure),
        ScriptEnding::Interrupted(_) => Outcome::Cancelled,
    });
    let seen = Seen {
        timings,
        ended: std::mem::take(&mut watch.ended),
        leaks: std::mem::take(&mut watch.leaks),
        calls: watch.calls,
        uses: watch.calls + watch.visits(),
        removed: std::mem::take(&mut watch.removed),
        samples: watch.samples(&outcome),
        steps: std::mem::take(&mut watch.steps),
        updates,
        quoted,
        failed: watch.failures.of(&outcome),
    };
    (outcome, log, seen)
}

fn setup(slot: &Slot<'_>, job: &Job, work: &Path, proxy: Option<&Proxy>) -> Setup {
    let rules = &slot.setup.rules;
    let mut search_path = slot.setup.directory.0.clone();
    if let Some(rest) = inherited(slot, "PATH") {
        search_path.push(b':');
        search_path.extend_from_slice(rest);
    }
    let go_variable = |name: &str| {
        let value = inherited(slot, name).filter(|value| !value.is_empty())?;
        Some((name.as_bytes().to_vec(), value.to_vec()))
    };
    Setup {
        work_dir: work.to_owned(),
        file: job.file.clone(),
        search_path,
        go_variables: GO_VARIABLES.into_iter().filter_map(go_variable).collect(),
        engine_variables: stand_in::variables(slot, proxy),
        variables: owned(&rules.variables),
        typed: owned(&rules.typed),
        engine: job.engine,
        sandboxed: is_sandboxed(slot),
        tag: job.attempt.tag(&slot.setup.run),
        run_id: slot.setup.run.to_string(),
        detail: rules.detail,
        after_failure: rules.after_failure,
        length: rules.length,
        demands: rules.demands,
        golden: job.golden,
        spares: slot.dirs.spares(),
    }
}

fn owned(variables: &Variables) -> Vec<(Vec<u8>, Vec<u8>)> {
    variables
        .iter()
        .map(|(name, value)| (name.0.clone(), value.0.clone()))
        .collect()
}

/// A variable of the harness.
fn inherited<'s>(slot: &'s Slot<'_>, name: &str) -> Option<&'s [u8]> {
    let mut variables = slot.setup.environment.iter().rev();
    let (_, value) = variables.find(|(known, _)| known.0 == name.as_bytes())?;
    Some(&value.0)
}

/// Inside Flatpak or Snap, where a container engine is out of reach or is the host's.
fn is_sandboxed(slot: &Slot<'_>) -> bool {
    let snap = |name| inherited(slot, name).is_some_and(|value| !value.is_empty());
    snap("SNAP") || snap("SNAP_NAME") || Path::new("/.flatpak-info").exists()
}

fn keeps(keep: Keep, outcome: &Outcome) -> bool {
    match keep {
        Keep::Nothing => false,
        Keep::Everything => true,
        Keep::Failures => !matches!(outcome, Outcome::Passed | Outcome::Skipped { .. }),
    }
}

/// What can be said of an attempt whose interpreter never came back.
pub(super) fn report_without_log(watch: &mut Watch<'_, '_>) -> AttemptReport {
    let (script, held) = watch.times();
    let work = Some(watch.setup.work_dir.as_path());
    let used = watch.calls + watch.visits();
    let cleanup = clean(watch.slot, watch.attempt, used, false, work);
    let lost = match watch.deferred {
        None => Outcome::Cancelled,
        // Whether the script was well until then is lost, and it is not well now.
        Some(_) => Outcome::Failed(Failure {
            place: watch.place.clone(),
            message: "deferred: the command did not return".into(),
        }),
    };
    let outcome = watch.verdict.take().unwrap_or(lost);
    AttemptReport {
        samples: watch.samples(&outcome),
        outcome,
        log: b"[the log is lost: a custom command did not return]\n"
            .to_vec()
            .into(),
        log_file: String::new(),
        timings: Timings {
            script: script.saturating_sub(watch.ladder),
            held,
            ladder: watch.ladder,
        },
        cleanup,
        ended: std::mem::take(&mut watch.ended),
        leaks: std::mem::take(&mut watch.leaks),
        engine_calls: watch.calls,
        machine: MachineDelta::default(),
        work_dir: String::new(),
        updated: String::new(),
        quoted: Vec::new(),
        ladder: std::mem::take(&mut watch.steps),
        hang_file: String::new(),
        failed: None,
    }
}
