//! The reports that were asked for: which form, how it looks, where it goes. Knows nothing of what is reported.

use std::fs;
use std::io::{self, IsTerminal, Write};

use super::{Format, Options, PassingLogs, Runner};
use crate::report::{Json, Look, Passing, Pretty, Report, Talk, TalkLook, Terse, Volume};

/// Where the report on stdout goes.
pub(super) fn output(options: &Options) -> Result<Box<dyn Write>, String> {
    match &options.output.logfile {
        None => Ok(Box::new(io::stdout())),
        Some(file) => match fs::File::create(file) {
            Ok(file) => Ok(Box::new(file)),
            Err(error) => Err(format!("cannot write {file}: {error}")),
        },
    }
}

/// The report on stdout.
pub(super) fn report(options: &Options) -> Box<dyn Report> {
    let output = &options.output;
    let passing = match output.passing {
        PassingLogs::Hidden => Passing::Hidden,
        PassingLogs::Shown | PassingLogs::Whole => Passing::Shown,
    };
    let look = Look {
        color: output.color.paints(io::stdout().is_terminal()),
        times: output.times,
        passing,
    };
    match output.format {
        Format::Pretty => Box::new(Pretty::report(look)),
        Format::Terse => Box::new(Terse::report(look)),
        Format::Json => Box::new(Json::report()),
    }
}

/// What is said on stderr.
pub(super) fn talk(options: &Options, record: String) -> Talk {
    let terminal = console::Term::stderr();
    let is_terminal = io::stderr().is_terminal();
    Talk::new(TalkLook {
        color: options.output.color.paints(is_terminal),
        nextest: options.runner == Runner::Nextest,
        width: terminal
            .size_checked()
            .map(|(_, columns)| usize::from(columns)),
        volume: match options.output.passing {
            PassingLogs::Whole => Volume::Verbose,
            PassingLogs::Hidden | PassingLogs::Shown => Volume::Normal,
        },
        record,
        again: again(options),
    })
}

/// How a run is printed again. A test target has no such command.
fn again(options: &Options) -> String {
    let state = options.overrides.state_dir.as_ref();
    match options.runner {
        Runner::Cargo | Runner::Nextest => String::new(),
        Runner::Shakedown => {
            let state = state.map_or(String::new(), |state| format!(" --state-dir {state}"));
            format!("shakedown report{state}")
        }
    }
}
