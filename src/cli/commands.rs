//! The commands of the `shakedown` program: which one, and what was typed after it.

use std::str::FromStr;

use super::{Action, Door, Environment, Mistake, Misuse, Options, Typed, options};
use crate::config::nearest;
use crate::interp;
use crate::model::RunId;

/// What the program was asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Run scripts.
    Run(Box<Options>),
    /// List them.
    List(Box<Options>),
    /// Look at them without running any.
    Check(Box<Options>),
    /// Print the report of a run again.
    Report {
        /// Which.
        run: WhichRun,
        /// Where it is and how to print it.
        options: Box<Options>,
    },
    /// Clean after runs that were killed.
    Reap {
        /// Only tell what would be done.
        dry_run: bool,
    },
    /// Show what a run made in engines; `None`: which runs made something.
    Ledger(Option<WhichRun>),
    /// Explain.
    Help(&'static Topic),
    /// Explain a command of the script language, by its name.
    HelpOn(String),
    /// Say which version this is.
    Version,
}

/// A run, by id or by age.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhichRun {
    /// The last one that was started.
    Latest,
    /// This one.
    Id(RunId),
}

impl FromStr for WhichRun {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "latest" => Ok(WhichRun::Latest),
            id => id.parse().map(WhichRun::Id).map_err(|_| {
                format!("expected `latest` or a run id (a-z, 0-9, -), found `{text}`")
            }),
        }
    }
}

/// Something that `shakedown help` explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: &'static str,
    /// How it is typed, when it is a command; else empty.
    pub usage: &'static str,
    /// What it is about.
    pub about: &'static str,
}

const fn topic(name: &'static str, usage: &'static str, about: &'static str) -> Topic {
    Topic { name, usage, about }
}

/// The commands, then the other topics. The first is the overview.
pub static TOPICS: &[Topic] = &[
    topic(
        "help",
        "shakedown help [TOPIC|COMMAND]",
        "Explain a topic, or a command of scripts",
    ),
    topic(
        "run",
        "shakedown run [FLAGS] [PATH...] [-- FILTER...]",
        "Run the scripts of folders and files",
    ),
    topic(
        "list",
        "shakedown list [FLAGS] [PATH...] [-- FILTER...]",
        "List the scripts of folders and files",
    ),
    topic(
        "check",
        "shakedown check [FLAGS] [PATH...] [-- FILTER...]",
        "Tell what looks wrong in scripts, and run nothing",
    ),
    topic(
        "report",
        "shakedown report [FLAGS] RUN|latest",
        "Print the report of a recorded run again",
    ),
    topic(
        "reap",
        "shakedown reap [--dry-run]",
        "Remove what killed runs of this account left behind",
    ),
    topic(
        "ledger",
        "shakedown ledger [RUN|latest]",
        "Show what a run made in engines, and what became of it",
    ),
    topic("version", "shakedown version", "Print the version"),
    topic(
        "flags",
        "",
        "The flags of run, list and report, and their environment variables",
    ),
    topic("settings", "", "The settings of harness.toml"),
    topic("exit-codes", "", "What the exit codes mean"),
    topic("language", "", "The commands and conditions of scripts"),
];

/// Reads the words after the program's name.
pub fn command(words: &[String], environment: &Environment) -> Result<Command, Misuse> {
    let Some((first, rest)) = words.split_first() else {
        return Ok(Command::Help(overview()));
    };
    match first.as_str() {
        "help" | "--help" | "-h" => help_on(rest),
        "version" | "--version" | "-V" => nothing_after("version", rest).map(|()| Command::Version),
        "run" => read("run", rest, environment, |options| {
            Ok(Command::Run(options))
        }),
        "list" => read("list", rest, environment, |mut options| {
            options.action = Action::List;
            Ok(Command::List(options))
        }),
        "check" => read("check", rest, environment, |options| {
            Ok(Command::Check(options))
        }),
        "report" => read("report", rest, environment, report),
        "reap" => reap(rest),
        "ledger" => ledger(rest),
        other => Err(unknown(other)),
    }
}

fn overview() -> &'static Topic {
    &TOPICS[0]
}

fn find(name: &str) -> Option<&'static Topic> {
    TOPICS.iter().find(|topic| topic.name == name)
}

fn commands() -> impl Iterator<Item = &'static str> {
    let commands = TOPICS.iter().filter(|topic| !topic.usage.is_empty());
    commands.map(|topic| topic.name)
}

fn unknown(word: &str) -> Misuse {
    let known: Vec<&str> = commands().collect();
    let message = format!(
        "unknown command `{word}`: expected one of {}",
        known.join(", ")
    );
    let mistake = Mistake::new(message);
    if word.starts_with('-') {
        return mistake
            .hint("flags follow a command: `shakedown run …`")
            .into();
    }
    if word.contains(['/', '.']) {
        return mistake
            .hint(format!("did you mean `shakedown run {word}`?"))
            .into();
    }
    mistake.did_you_mean(nearest(word, known)).into()
}

fn read(
    name: &'static str,
    words: &[String],
    environment: &Environment,
    make: impl FnOnce(Box<Options>) -> Result<Command, Misuse>,
) -> Result<Command, Misuse> {
    match options(words, environment, Door::Program)? {
        Typed::Help => Ok(Command::Help(find(name).expect("every command is a topic"))),
        Typed::Options(options) => make(options),
    }
}

fn report(mut options: Box<Options>) -> Result<Command, Misuse> {
    match &std::mem::take(&mut options.paths)[..] {
        [] => {
            let mistake = Mistake::new("expected a run: an id, or `latest`");
            Err(mistake.hint("`shakedown report latest`").into())
        }
        [run] => match run.parse() {
            Ok(run) => Ok(Command::Report { run, options }),
            Err(message) => Err(Mistake::new(message)
                .did_you_mean(nearest(run, ["latest"]))
                .into()),
        },
        [_, more, ..] => Err(Mistake::new(format!("expected one run, found also `{more}`")).into()),
    }
}

fn reap(words: &[String]) -> Result<Command, Misuse> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        [] => Ok(Command::Reap { dry_run: false }),
        ["--dry-run" | "-n"] => Ok(Command::Reap { dry_run: true }),
        ["--help" | "-h"] => Ok(Command::Help(find("reap").expect("reap is a topic"))),
        [word, ..] => Err(Mistake::new(format!(
            "expected nothing but `--dry-run`, found `{word}`"
        ))
        .did_you_mean(nearest(word, ["--dry-run"]))
        .into()),
    }
}

fn ledger(words: &[String]) -> Result<Command, Misuse> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        [] => Ok(Command::Ledger(None)),
        ["--help" | "-h"] => Ok(Command::Help(find("ledger").expect("ledger is a topic"))),
        [run] => run
            .parse()
            .map(|run| Command::Ledger(Some(run)))
            .map_err(|message| {
                Mistake::new(message)
                    .did_you_mean(nearest(run, ["latest"]))
                    .into()
            }),
        [_, more, ..] => Err(Mistake::new(format!("expected one run, found also `{more}`")).into()),
    }
}

fn help_on(words: &[String]) -> Result<Command, Misuse> {
    let Some((name, rest)) = words.split_first() else {
        return Ok(Command::Help(overview()));
    };
    nothing_after("help", rest)?;
    if interp::explain(name).is_some() {
        return Ok(Command::HelpOn(name.clone()));
    }
    find(name).map(Command::Help).ok_or_else(|| {
        let mut known: Vec<&str> = TOPICS.iter().map(|topic| topic.name).collect();
        let message = format!(
            "unknown topic `{name}`: expected a command of scripts, or one of {}",
            known.join(", ")
        );
        known.extend(interp::command_names());
        Mistake::new(message)
            .did_you_mean(nearest(name, known))
            .into()
    })
}

fn nothing_after(name: &str, words: &[String]) -> Result<(), Misuse> {
    match words.first() {
        None => Ok(()),
        Some(word) => {
            Err(Mistake::new(format!("expected nothing after `{name}`, found `{word}`")).into())
        }
    }
}
