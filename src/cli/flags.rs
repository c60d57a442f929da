//! Our own flags, one entry each: name, value, environment twin, help, how it is set.
//!
//! libtest's flags are in `libtest`; this table is what `--help` and the documentation show as ours.

use std::num::NonZeroU32;

use super::{Action, Options, PassingLogs, StartOrder};
use crate::config::{
    CleanupWhen, Dialect, EngineChoice, FlakyResult, LeakRule, OnHang, Origin, Sourced, duration,
    nearest,
};
use crate::model::{Golden, Length};
use crate::run::Kept;

/// A flag as people are told about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlagFacts {
    /// With its dashes.
    pub name: &'static str,
    /// Its short form.
    pub short: Option<char>,
    /// The word for its value; a switch has none.
    pub value: Option<&'static str>,
    /// The word for a value that a switch may have behind `=`.
    pub attached: Option<&'static str>,
    /// The environment variable that says the same.
    pub twin: &'static str,
    /// What it does.
    pub about: &'static str,
}

/// Sets what the flag says; a switch gets an empty text. The error is a lowercase fragment.
type Set = fn(&mut Options, &str, Origin) -> Result<(), String>;

#[derive(Clone, Copy)]
pub(super) struct Flag {
    pub(super) facts: FlagFacts,
    pub(super) set: Set,
}

/// All our flags, in the order of the help.
pub fn flags() -> impl Iterator<Item = &'static FlagFacts> {
    TABLE.iter().map(|flag| &flag.facts)
}

const fn valued(
    name: &'static str,
    value: &'static str,
    twin: &'static str,
    about: &'static str,
    set: Set,
) -> Flag {
    Flag {
        facts: FlagFacts {
            name,
            short: None,
            value: Some(value),
            attached: None,
            twin,
            about,
        },
        set,
    }
}

const fn switch(name: &'static str, twin: &'static str, about: &'static str, set: Set) -> Flag {
    Flag {
        facts: FlagFacts {
            name,
            short: None,
            value: None,
            attached: None,
            twin,
            about,
        },
        set,
    }
}

const fn with_short(flag: Flag, short: char) -> Flag {
    Flag {
        facts: FlagFacts {
            short: Some(short),
            ..flag.facts
        },
        set: flag.set,
    }
}

const fn with_attached(flag: Flag, value: &'static str) -> Flag {
    Flag {
        facts: FlagFacts {
            attached: Some(value),
            ..flag.facts
        },
        set: flag.set,
    }
}

pub(super) static TABLE: &[Flag] = &[
    valued(
        "--engine",
        "NAME",
        "SHAKEDOWN_ENGINE",
        "The engine of the container lane: docker, podman or auto",
        |options, text, origin| {
            let value = word(text, &EngineChoice::WORDS)?;
            options.overrides.engine = Some(Sourced { value, origin });
            Ok(())
        },
    ),
    switch(
        "--require-engine",
        "SHAKEDOWN_REQUIRE_ENGINE",
        "Without a usable engine the container lane is a fault, not ignored",
        |options, _, _| {
            options.overrides.require_engine = true;
            Ok(())
        },
    ),
    valued(
        "--policy",
        "POLICY",
        "SHAKEDOWN_POLICY",
        "How container trials share the engine: serial, gated or parallel",
        |options, text, origin| {
            let value = text.parse()?;
            options.overrides.policy = Some(Sourced { value, origin });
            Ok(())
        },
    ),
    valued(
        "--lane",
        "LANE",
        "SHAKEDOWN_LANE",
        "Only the trials of this lane: container or plain",
        |options, text, _| {
            options.lane = Some(text.parse()?);
            Ok(())
        },
    ),
    valued(
        "--shard",
        "M/N",
        "SHAKEDOWN_SHARD",
        "Only the trials of part M of N; auto, auto/N: as the CI system numbers this machine",
        |options, text, origin| {
            let value = text.parse()?;
            options.shard = Some(Sourced { value, origin });
            Ok(())
        },
    ),
    valued(
        "--deadline",
        "TIME",
        "SHAKEDOWN_DEADLINE",
        "How long a script may take, whatever it says itself: 90s, 3m",
        |options, text, origin| {
            let value = duration::parse(text)?;
            if value.is_zero() {
                return Err(format!("expected a deadline above zero, found `{text}`"));
            }
            options.overrides.deadline = Some(Sourced { value, origin });
            Ok(())
        },
    ),
    valued(
        "--on-hang",
        "WORD",
        "SHAKEDOWN_ON_HANG",
        "What happens at a deadline: end, or hold (keeps all alive and says how to attach)",
        |options, text, _| {
            options.overrides.on_hang = Some(word(text, &OnHang::WORDS)?);
            Ok(())
        },
    ),
    valued(
        "--leak",
        "WORD",
        "SHAKEDOWN_LEAK",
        "What an output left open means, whatever the script says: warn or fail",
        |options, text, origin| {
            let value = word(text, &LeakRule::WORDS)?;
            options.overrides.leak = Some(Sourced { value, origin });
            Ok(())
        },
    ),
    valued(
        "--retries",
        "NUMBER",
        "SHAKEDOWN_RETRIES",
        "How often a script that does not pass is tried again, whatever it says itself",
        |options, text, origin| {
            let value = text
                .parse()
                .map_err(|_| format!("expected a number, found `{text}`"))?;
            options.overrides.retries = Some(Sourced { value, origin });
            Ok(())
        },
    ),
    valued(
        "--flaky-result",
        "WORD",
        "SHAKEDOWN_FLAKY_RESULT",
        "What a script means that passes on another try: pass or fail",
        |options, text, _| {
            options.overrides.flaky = Some(word(text, &FlakyResult::WORDS)?);
            Ok(())
        },
    ),
    valued(
        "--count",
        "NUMBER",
        "SHAKEDOWN_COUNT",
        "Run every trial so often: one queue, and each trial keeps one line",
        |options, text, _| {
            options.laps.count = Some(above_zero(text)?);
            Ok(())
        },
    ),
    switch(
        "--until-fail",
        "SHAKEDOWN_UNTIL_FAIL",
        "Run all trials again and again until one fails, or as often as --count says",
        |options, _, _| {
            options.laps.until_failure = true;
            Ok(())
        },
    ),
    valued(
        "--for",
        "TIME",
        "SHAKEDOWN_FOR",
        "Run all trials again and again for so long; what has begun then is finished",
        |options, text, _| {
            options.laps.until = Some(duration::parse(text)?);
            Ok(())
        },
    ),
    valued(
        "--max-fail",
        "NUMBER",
        "SHAKEDOWN_MAX_FAIL",
        "Begin nothing more after so many failures",
        |options, text, _| {
            options.laps.failures = Some(above_zero(text)?);
            Ok(())
        },
    ),
    with_attached(
        switch(
            "--shuffle",
            "SHAKEDOWN_SHUFFLE",
            "Begin in random order, in every lap anew; a seed repeats one",
            |options, text, _| {
                let wrong = |_| format!("expected a number as seed, found `{text}`");
                let seed = match text {
                    "" => None,
                    text => Some(text.parse().map_err(wrong)?),
                };
                options.order = StartOrder::Shuffled(seed);
                Ok(())
            },
        ),
        "SEED",
    ),
    valued(
        "--order",
        "RUN",
        "SHAKEDOWN_ORDER",
        "Begin in the order of a recorded run: latest, its id, or its record's file",
        |options, text, origin| {
            let value = text.to_owned();
            options.order = StartOrder::Repeated(Sourced { value, origin });
            Ok(())
        },
    ),
    valued(
        "--durations",
        "FILE",
        "SHAKEDOWN_DURATIONS",
        "The durations.json that says what is long, for the order and for shards",
        |options, text, origin| {
            let value = text.to_owned();
            options.durations = Some(Sourced { value, origin });
            Ok(())
        },
    ),
    valued(
        "--config",
        "FILE",
        "SHAKEDOWN_CONFIG",
        "The harness.toml to read",
        |options, text, origin| {
            let value = text.to_owned();
            options.config = Some(Sourced { value, origin });
            Ok(())
        },
    ),
    valued(
        "--state-dir",
        "DIR",
        "SHAKEDOWN_DIR",
        "Where records and history live",
        |options, text, _| {
            options.overrides.state_dir = Some(text.to_owned());
            Ok(())
        },
    ),
    valued(
        "--dialect",
        "NAME",
        "SHAKEDOWN_DIALECT",
        "The language of the scripts: shakedown or testscript",
        |options, text, _| {
            options.overrides.dialect = Some(word(text, &Dialect::WORDS)?);
            Ok(())
        },
    ),
    switch(
        "--strict",
        "SHAKEDOWN_STRICT",
        "Leftovers and leaked pipes fail the run",
        |options, _, _| {
            options.overrides.strict = true;
            Ok(())
        },
    ),
    switch(
        "--keep",
        "SHAKEDOWN_KEEP",
        "Keep work directories, containers and the rest for a look",
        |options, _, _| {
            options.kept = Kept::Everything;
            options.overrides.cleanup = Some(CleanupWhen::Never);
            Ok(())
        },
    ),
    switch(
        "--work",
        "SHAKEDOWN_WORK",
        "Keep work directories, and say where they are",
        |options, _, _| {
            if options.kept == Kept::AsConfigured {
                options.kept = Kept::Work;
            }
            Ok(())
        },
    ),
    with_short(
        valued(
            "--env",
            "VAR[=VALUE]",
            "SHAKEDOWN_ENV",
            "Set a variable for scripts, or copy it from here; may be repeated",
            |options, text, origin| {
                // There is but one twin: it has one variable a line.
                if matches!(origin, Origin::Environment(_)) {
                    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
                    lines.try_for_each(|line| variable(options, line))
                } else {
                    variable(options, text)
                }
            },
        ),
        'e',
    ),
    switch(
        "--continue",
        "SHAKEDOWN_CONTINUE",
        "Go on after a line that fails",
        |options, _, _| {
            options.go_on = true;
            Ok(())
        },
    ),
    switch(
        "--short",
        "SHAKEDOWN_SHORT",
        "Scripts leave out what takes long: `[short]` holds, and `[net]` does not",
        |options, _, _| {
            options.length = Length::Short;
            Ok(())
        },
    ),
    switch(
        "--check",
        "SHAKEDOWN_CHECK",
        "Tell what looks wrong in the scripts, and run nothing",
        |options, _, _| {
            options.action = Action::Check;
            Ok(())
        },
    ),
    with_short(
        switch(
            "--update",
            "SHAKEDOWN_UPDATE",
            "Rewrite scripts that pass, so that `cmp` finds what their files should hold",
            |options, _, _| {
                options.golden = Golden::Update;
                Ok(())
            },
        ),
        'u',
    ),
    with_short(
        switch(
            "--verbose",
            "SHAKEDOWN_VERBOSE",
            "Whole logs, and those of passing scripts too",
            |options, _, _| {
                options.output.passing = PassingLogs::Whole;
                Ok(())
            },
        ),
        'v',
    ),
];

/// A word as our flags are spelled: Go's have one dash, and those of its testscript are taken so, too.
pub(super) fn spelled(word: &str) -> &str {
    match word {
        "-continue" => "--continue",
        "-work" => "--work",
        word => word,
    }
}

fn above_zero(text: &str) -> Result<NonZeroU32, String> {
    text.parse()
        .map_err(|_| format!("expected a number above zero, found `{text}`"))
}

/// `VAR=VALUE`, or `VAR` for a copy.
fn variable(options: &mut Options, text: &str) -> Result<(), String> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, None),
    };
    match name {
        "" => Err(format!("expected VAR or VAR=VALUE, found `{text}`")),
        "WORK" => Err("cannot override WORK variable".to_owned()),
        _ => {
            options.variables.push((name.to_owned(), value));
            Ok(())
        }
    }
}

/// One of a few words.
fn word<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, String> {
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
        return Ok(*value);
    }
    let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let near = match nearest(text, known.iter().copied()) {
        Some(near) => format!(" (did you mean `{near}`?)"),
        None => String::new(),
    };
    Err(format!(
        "expected one of {}, found `{text}`{near}",
        known.join(", ")
    ))
}
