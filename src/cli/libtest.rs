//! libtest's own flags: which are followed, which change nothing here, which are refused, and why.

use libtest_mimic::{Arguments, ColorSetting, FormatSetting};

use super::{Action, Color, Format, Ignoring, Options, PassingLogs, Selection};

/// What becomes of a flag of libtest's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Read by `libtest_mimic::Arguments`.
    Read,
    /// Read here, since `Arguments` does not know it.
    ReadHere,
    /// Accepted; it changes nothing.
    Harmless,
    /// Refused, with the reason.
    Refused(&'static str),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct LibtestFlag {
    pub(super) name: &'static str,
    pub(super) short: Option<char>,
    pub(super) value: Option<&'static str>,
    pub(super) fate: Fate,
    pub(super) about: &'static str,
}

const fn flag(
    name: &'static str,
    value: Option<&'static str>,
    fate: Fate,
    about: &'static str,
) -> LibtestFlag {
    LibtestFlag {
        name,
        short: None,
        value,
        fate,
        about,
    }
}

const fn short(short: char, flag: LibtestFlag) -> LibtestFlag {
    LibtestFlag {
        short: Some(short),
        ..flag
    }
}

/// All of them, in the order of libtest's help.
pub(super) static TABLE: &[LibtestFlag] = &[
    flag(
        "--include-ignored",
        None,
        Fate::Read,
        "Run ignored and not ignored trials",
    ),
    flag("--ignored", None, Fate::Read, "Run only ignored trials"),
    flag("--force-run-in-process", None, Fate::Harmless, ""),
    flag("--exclude-should-panic", None, Fate::Harmless, ""),
    flag("--test", None, Fate::Read, "Run tests and not benchmarks"),
    flag(
        "--bench",
        None,
        Fate::Read,
        "Run benchmarks; there are none",
    ),
    flag("--list", None, Fate::Read, "List all trials"),
    flag(
        "--fail-fast",
        None,
        Fate::ReadHere,
        "Begin nothing more after a failure, as --max-fail 1",
    ),
    short(
        'h',
        flag("--help", None, Fate::ReadHere, "Display this message"),
    ),
    flag(
        "--logfile",
        Some("PATH"),
        Fate::Read,
        "Write to this file in place of stdout",
    ),
    flag(
        "--no-capture",
        None,
        Fate::Harmless,
        "No effect: scripts never write to the terminal",
    ),
    flag("--nocapture", None, Fate::Harmless, ""),
    flag(
        "--test-threads",
        Some("N"),
        Fate::ReadHere,
        "Trials at once [RUST_TEST_THREADS]",
    ),
    flag(
        "--skip",
        Some("FILTER"),
        Fate::Read,
        "Skip trials whose names contain FILTER (can be repeated)",
    ),
    short(
        'q',
        flag(
            "--quiet",
            None,
            Fate::Read,
            "One character per trial, as --format=terse",
        ),
    ),
    flag("--exact", None, Fate::Read, "Filters are whole names"),
    flag(
        "--color",
        Some("WHEN"),
        Fate::Read,
        "Paint: auto, always or never",
    ),
    flag(
        "--format",
        Some("FORMAT"),
        Fate::Read,
        "The form of stdout: pretty, terse or json",
    ),
    flag(
        "--show-output",
        None,
        Fate::Read,
        "Show the logs of passing trials too",
    ),
    short('Z', flag("-Z", Some("FEATURE"), Fate::Harmless, "")),
    flag(
        "--report-time",
        None,
        Fate::ReadHere,
        "Show the time of each trial",
    ),
    flag(
        "--ensure-time",
        None,
        Fate::Refused("a script's time is limited by its deadline: `--deadline TIME`"),
        "",
    ),
    flag(
        "--shuffle-seed",
        Some("SEED"),
        Fate::ReadHere,
        "As --shuffle=SEED",
    ),
];

/// Takes over what `Arguments` read.
pub(super) fn apply(options: &mut Options, arguments: Arguments) {
    if arguments.list {
        options.action = Action::List;
    }
    options.selection = Selection {
        filters: std::mem::take(&mut options.selection.filters),
        skip: arguments.skip,
        exact: arguments.exact,
        ignoring: match (
            arguments.bench,
            arguments.ignored,
            arguments.include_ignored,
        ) {
            (true, _, _) => Ignoring::Everything,
            (false, true, _) => Ignoring::Unmarked,
            (false, false, true) => Ignoring::Nothing,
            (false, false, false) => Ignoring::Marked,
        },
    };
    let output = &mut options.output;
    output.format = match (arguments.quiet, arguments.format) {
        (true, _) | (false, Some(FormatSetting::Terse)) => Format::Terse,
        (false, Some(FormatSetting::Json)) => Format::Json,
        (false, Some(FormatSetting::Pretty) | None) => Format::Pretty,
    };
    match arguments.color {
        Some(ColorSetting::Always) => output.color = Color::Always,
        Some(ColorSetting::Never) => output.color = Color::Never,
        Some(ColorSetting::Auto) | None => {}
    }
    if arguments.show_output && output.passing == PassingLogs::Hidden {
        output.passing = PassingLogs::Shown;
    }
    output.logfile = arguments.logfile;
}
