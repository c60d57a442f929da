//! From what was typed to an exit code: reads the configuration, prepares a run, opens the reports, drives.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::configured::{self, state_dir, unread};
use super::harness::complain;
use super::reports::{output, report, talk};
use super::upkeep::{forget_old_runs, hold};
use super::{
    Action, Door, Environment, Format, Options, PassingLogs, Runner, StartOrder, Typed, check,
    given, help, options, past, repeat,
};
use crate::history::{self, Recorder};
use crate::host::{clock, environment};
use crate::model::{AfterFailure, Conclusion, Detail};
use crate::report::{ListForm, list};
use crate::run::{self, Brief, Kept, Nothing, Teller};

/// Where a harness stands, and which scripts it was given.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) base: PathBuf,
    pub(super) scripts: Vec<String>,
    /// The words that run one trial again, with its name behind them.
    pub(super) repeat: Vec<String>,
}

/// What a test target adds to the language, by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Registered {
    pub(super) programs: Vec<String>,
    pub(super) commands: Vec<String>,
    pub(super) conditions: Vec<String>,
}

pub(super) fn exit(conclusion: Conclusion) -> ExitCode {
    ExitCode::from(conclusion.exit_code())
}

pub(super) fn misused(text: &str) -> ExitCode {
    complain(&format!("error: {text}"));
    exit(Conclusion::Misused)
}

/// The words as text, and the environment as far as it is text.
pub(super) fn typed(words: &[OsString]) -> Result<(Vec<String>, Environment), String> {
    let text = |word: &OsString| {
        word.to_str()
            .map(str::to_owned)
            .ok_or_else(|| format!("expected text, found {}", word.display()))
    };
    let words = words.iter().skip(1).map(text).collect::<Result<_, _>>()?;
    let variables = environment::variables();
    let pair = |(name, value): &(OsString, OsString)| {
        Some((name.to_str()?.to_owned(), value.to_str()?.to_owned()))
    };
    Ok((words, variables.iter().filter_map(pair).collect()))
}

/// The main of a test target.
pub(super) fn target(words: &[OsString], mut place: Place, registered: Registered) -> ExitCode {
    let program = program(words);
    let (words, variables) = match typed(words) {
        Ok(typed) => typed,
        Err(message) => return misused(&message),
    };
    match options(&words, &variables, Door::Target) {
        Err(misuse) => {
            complain(&misuse.to_string());
            exit(Conclusion::Misused)
        }
        Ok(Typed::Help) => print(&help(
            "cargo test --test NAME -- [FLAGS] [FILTER...]",
            Door::Target,
        )),
        Ok(Typed::Options(options)) => {
            place.repeat = repeat::words(&program, &words, &variables, Door::Target);
            perform(&options, place, registered)
        }
    }
}

/// How this process was called.
pub(super) fn program(words: &[OsString]) -> String {
    let first = words.first().cloned().unwrap_or_default();
    first.to_string_lossy().into_owned()
}

/// Prints a text on stdout.
pub(super) fn print(text: &str) -> ExitCode {
    match writeln!(io::stdout(), "{}", text.trim_end()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

/// What was typed and what is configured, as what a run is asked to do; and where its records live.
pub(super) fn brief(
    options: &Options,
    place: Place,
    programs: Vec<String>,
) -> Result<(Brief, PathBuf), String> {
    let (settings, config_text, base) = configured::for_trials(options, &place)?;
    let state = state_dir(options, &settings, &base);
    let paths = if options.paths.is_empty() {
        place.scripts
    } else {
        options.paths.clone()
    };
    // What was typed counts from where one stands; what is configured, from the configuration.
    let base = match (options.paths.is_empty(), paths.is_empty()) {
        (false, _) => environment::directory(),
        (true, false) => place.base,
        (true, true) => base,
    };
    let variables = environment::variables();
    let nextest =
        crate::host::process::variable(&variables, "NEXTEST_RUN_ID").and_then(|id| id.to_str());
    let (shard, ignored) = given::shard(options, &variables)?;
    let warnings = options.warnings.iter().cloned();
    let brief = Brief {
        settings,
        config_text,
        base,
        paths,
        selection: options.selection.clone(),
        lane: options.lane,
        shard,
        memory: past::durations(options)?,
        together: options.overrides.width,
        laps: options.laps.laps(),
        shuffled: matches!(options.order, StartOrder::Shuffled(_)),
        repeated: past::order(options, &state)?,
        kept: options.kept,
        variables: given::variables(options, &variables),
        stdin: None,
        detail: match options.output.passing {
            PassingLogs::Whole => Detail::Whole,
            PassingLogs::Hidden | PassingLogs::Shown => Detail::Folded,
        },
        after_failure: if options.go_on {
            AfterFailure::GoOn
        } else {
            AfterFailure::Stop
        },
        length: options.length,
        golden: options.golden,
        warnings: warnings.chain(ignored).chain(unread(options)).collect(),
        nothing: match options.runner {
            Runner::Cargo => Nothing::Fine,
            Runner::Shakedown => Nothing::Noted,
            Runner::Nextest => Nothing::Wrong,
        },
        nextest: nextest
            .filter(|_| options.runner == Runner::Nextest)
            .map(str::to_owned),
        repeat: place.repeat,
        programs,
    };
    Ok((brief, state))
}

/// Runs, lists or checks.
pub(super) fn perform(options: &Options, place: Place, registered: Registered) -> ExitCode {
    if options.action == Action::Check {
        return check::perform(options, place, registered);
    }
    let (mut brief, state) = match brief(options, place, registered.programs) {
        Ok(brief) => brief,
        Err(message) => return misused(&message),
    };
    let script = match given::script(options) {
        Ok(script) => script,
        Err(message) => return misused(&message),
    };
    brief.stdin = script.as_ref().map(|file| file.path().to_owned());
    match options.action {
        Action::List => list_trials(options, &brief),
        Action::Run | Action::Check => run_trials(options, &brief, &state),
    }
}

fn list_trials(options: &Options, brief: &Brief) -> ExitCode {
    let selected = match run::select(brief) {
        Ok(selection) => selection.trials,
        Err(error) => return misused(&error.to_string()),
    };
    let form = match options.output.format {
        Format::Pretty => ListForm::Pretty,
        Format::Terse | Format::Json => ListForm::Bare,
    };
    let names = selected.iter().map(|trial| trial.planned.name.as_str());
    let mut out = io::BufWriter::new(io::stdout().lock());
    match list(names, form, &mut out).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn run_trials(options: &Options, brief: &Brief, state: &Path) -> ExitCode {
    let run = run::new_run_id();
    let seed = match options.order {
        StartOrder::Shuffled(Some(seed)) => seed,
        StartOrder::Shuffled(None) | StartOrder::Longest | StartOrder::Repeated(_) => {
            u64::from(clock::since_1970().subsec_nanos())
        }
    };
    let out = match output(options) {
        Ok(out) => out,
        Err(message) => return misused(&message),
    };
    let live = match hold(state, &run) {
        Ok(live) => live,
        Err(message) => return misused(&message),
    };
    let prepared = match run::prepare(brief, &run, state, seed) {
        Ok(prepared) => prepared,
        Err(error) => {
            drop(fs::remove_dir_all(state.join("live").join(run.as_str())));
            return match error {
                // nextest reads the first `Error:` of stderr as the reason.
                run::StartError::NoSuchTrial(_) => {
                    complain(&format!("Error: {error}"));
                    exit(Conclusion::Failed)
                }
                run::StartError::Discover(_)
                | run::StartError::Read { .. }
                | run::StartError::Mistakes(_)
                | run::StartError::Directory(_)
                | run::StartError::Life(..)
                | run::StartError::Ledger(_) => misused(&error.to_string()),
            };
        }
    };
    // Both at once: whoever compares two records counts on it.
    let (begun, unix) = (clock::now(), clock::since_1970());
    let recorder = Recorder::create(state, &run, unix);
    let record = recorder.path().display().to_string();
    let mut teller = Teller::new(begun, Some(recorder));
    teller.add(report(options), out);
    teller.add(Box::new(talk(options, record)), Box::new(io::stderr()));
    if brief.kept == Kept::Work {
        let work = prepared.work_root();
        complain(&format!("temporary work directory: {}", work.display()));
    }
    let (conclusion, summary) = run::drive(prepared, teller);
    drop(live);
    if brief.nextest.is_none()
        && let Err(error) = history::remember(state, (&run, &summary))
    {
        complain(&format!("warning: durations are not remembered: {error}"));
    }
    forget_old_runs(brief, state, &run);
    exit(conclusion)
}

/// Prints a recorded run again.
pub(super) fn replay(options: &Options, which: &super::WhichRun) -> ExitCode {
    let place = Place {
        base: environment::directory(),
        scripts: Vec::new(),
        repeat: Vec::new(),
    };
    let (settings, _, base) = match configured::for_records(options, &place) {
        Ok(settings) => settings,
        Err(message) => return misused(&message),
    };
    let state = state_dir(options, &settings, &base);
    let run = match which {
        super::WhichRun::Id(run) => run.clone(),
        super::WhichRun::Latest => match history::latest(&state) {
            Ok(Some(run)) => run,
            Ok(None) => return misused(&format!("no run is recorded in {}", state.display())),
            Err(error) => return misused(&format!("cannot read {}: {error}", state.display())),
        },
    };
    let path = history::record_path(&state, &run);
    let record = match history::read(&path) {
        Ok(record) => record,
        Err(error) if error.source.kind() == io::ErrorKind::NotFound => {
            let (run, runs) = (run.as_str(), state.join("runs"));
            return misused(&format!(
                "no run `{run}` is recorded\n  hint: the records are {}/*.jsonl; `latest` is the last one",
                runs.display()
            ));
        }
        Err(error) => return misused(&format!("{error}: {}", error.source)),
    };
    for note in record.notes() {
        complain(&format!("note: {note}"));
    }
    let mut talk = talk(options, path.display().to_string());
    let told = crate::report::replay(&record.events, &mut *report(options), &mut io::stdout())
        .and_then(|()| crate::report::replay(&record.events, &mut talk, &mut io::stderr()));
    // Printing a report is a success, whatever it says.
    if told.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
