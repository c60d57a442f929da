//! From words to [`Options`]: our flags are taken out, libtest's go to `libtest_mimic::Arguments`.
//!
//! `Arguments` ends the process at what it does not like, so everything is checked before.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use libtest_mimic::Arguments;

use super::flags::{self, Flag};
use super::libtest::{self, Fate, LibtestFlag};
use super::{Color, Mistake, Misuse, Options, Runner, StartOrder};
use crate::config::{Origin, nearest};
use crate::model::Golden;

/// The environment, as far as it is text.
pub type Environment = BTreeMap<String, String>;

/// Which door the words came through; it says what a word without dashes means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// The harness of a test target: words are filters.
    Target,
    /// A command of `shakedown`: words are paths (or a run), and filters follow `--`.
    Program,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// Help.
    Help,
    /// Something to do.
    Options(Box<Options>),
}

/// Reads the words after the program's name (and after the command, for `shakedown`).
pub fn options(words: &[String], environment: &Environment, door: Door) -> Result<Typed, Misuse> {
    let runner = match door {
        Door::Program => Runner::Shakedown,
        Door::Target if environment.get("NEXTEST").is_some_and(|v| v == "1") => Runner::Nextest,
        Door::Target => Runner::Cargo,
    };
    let mut reading = Reading {
        options: Options::new(runner),
        door,
        seen: BTreeSet::new(),
        rest: Vec::new(),
        threads: None,
        help: false,
        mistakes: Vec::new(),
    };
    reading.words(words);
    if reading.help {
        return Ok(Typed::Help);
    }
    reading.environment(environment);
    reading.finish()
}

/// Flags with a value that may be given more than once.
const REPEATED: [&str; 3] = ["--skip", "-Z", "--env"];

struct Reading {
    options: Options,
    door: Door,
    seen: BTreeSet<&'static str>,
    /// What goes to `Arguments`, checked.
    rest: Vec<String>,
    threads: Option<NonZeroU32>,
    help: bool,
    mistakes: Vec<Mistake>,
}

#[derive(Clone, Copy)]
enum Known {
    Ours(&'static Flag),
    Libtest(&'static LibtestFlag),
}

impl Known {
    fn by_name(name: &str) -> Option<Known> {
        let ours = flags::TABLE.iter().find(|flag| flag.facts.name == name);
        let libtest = || libtest::TABLE.iter().find(|flag| flag.name == name);
        ours.map(Known::Ours)
            .or_else(|| libtest().map(Known::Libtest))
    }

    fn by_short(short: char) -> Option<Known> {
        let ours = flags::TABLE
            .iter()
            .find(|flag| flag.facts.short == Some(short));
        let libtest = || libtest::TABLE.iter().find(|flag| flag.short == Some(short));
        ours.map(Known::Ours)
            .or_else(|| libtest().map(Known::Libtest))
    }

    fn name(self) -> &'static str {
        match self {
            Known::Ours(flag) => flag.facts.name,
            Known::Libtest(flag) => flag.name,
        }
    }

    fn value(self) -> Option<&'static str> {
        match self {
            Known::Ours(flag) => flag.facts.value,
            Known::Libtest(flag) => flag.value,
        }
    }

    /// The word for a value that may follow behind `=`.
    fn attached(self) -> Option<&'static str> {
        match self {
            Known::Ours(flag) => flag.facts.attached,
            Known::Libtest(_) => None,
        }
    }

    /// Names of all flags, for suggestions.
    fn names() -> impl Iterator<Item = &'static str> {
        let ours = flags::TABLE.iter().map(|flag| flag.facts.name);
        ours.chain(libtest::TABLE.iter().map(|flag| flag.name))
    }
}

impl Reading {
    fn words(&mut self, words: &[String]) {
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let word = flags::spelled(word);
            if word == "--" {
                self.options
                    .selection
                    .filters
                    .extend(words.by_ref().cloned());
            } else if word.starts_with("--") {
                let (name, value) = match word.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (word, None),
                };
                match Known::by_name(name) {
                    Some(flag) => self.flag(flag, value, &mut words),
                    None => self.unknown(name),
                }
            } else if let Some(shorts) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) {
                self.shorts(shorts, &mut words);
            } else if word.is_empty() && self.door == Door::Program {
                let mistake = Mistake::new("expected a path or a run, found an empty word");
                self.mistakes
                    .push(mistake.hint("a variable that is not set leaves one behind in quotes"));
            } else {
                match self.door {
                    Door::Target => self.options.selection.filters.push(word.to_owned()),
                    Door::Program => self.options.paths.push(word.to_owned()),
                }
            }
        }
    }

    /// `-qv`, `-Zunstable-options`: letters until one takes a value.
    fn shorts(&mut self, shorts: &str, words: &mut std::slice::Iter<'_, String>) {
        let mut letters = shorts.chars();
        while let Some(letter) = letters.next() {
            let Some(flag) = Known::by_short(letter) else {
                self.unknown(&format!("-{letter}"));
                return;
            };
            let attached = letters.as_str();
            if flag.value().is_some() && !attached.is_empty() {
                self.flag(flag, Some(attached.to_owned()), words);
                return;
            }
            self.flag(flag, None, words);
        }
    }

    fn flag(
        &mut self,
        flag: Known,
        value: Option<String>,
        words: &mut std::slice::Iter<'_, String>,
    ) {
        let name = flag.name();
        let value = match (flag.value(), value) {
            (None, None) => String::new(),
            (None, Some(value)) if flag.attached().is_some() && !value.is_empty() => value,
            (None, Some(_)) => return self.wrong(format!("`{name}` takes no value")),
            (Some(_), Some(value)) => value,
            (Some(kind), None) => {
                let next = words.as_slice().first();
                if next.is_none_or(|next| looks_like_flag(next)) {
                    return self.wrong(format!("expected a value after `{name}`: {kind}"));
                }
                words.next().cloned().unwrap_or_default()
            }
        };
        if value.is_empty() && flag.value().is_some() && name != "--skip" {
            return self.wrong(format!("expected a value after `{name}`, found nothing"));
        }
        if !self.seen.insert(name) && flag.value().is_some() && !REPEATED.contains(&name) {
            return self.wrong(format!("`{name}` is given twice"));
        }
        match flag {
            Known::Ours(flag) => self.ours(flag, &value, Origin::Flag(name)),
            Known::Libtest(flag) => self.libtest(flag, &value),
        }
    }

    fn ours(&mut self, flag: &Flag, value: &str, origin: Origin) {
        let from = origin.to_string();
        if let Err(message) = (flag.set)(&mut self.options, value, origin) {
            self.wrong(format!("{from}: {message}"));
        }
    }

    fn libtest(&mut self, flag: &LibtestFlag, value: &str) {
        match (flag.fate, flag.name) {
            (Fate::Harmless, _) => {}
            (Fate::Refused(why), name) => {
                self.wrong(format!("`{name}` is not supported: {why}"));
            }
            (Fate::ReadHere, "--help") => self.help = true,
            (Fate::ReadHere, "--fail-fast") => self.options.laps.failures = Some(NonZeroU32::MIN),
            (Fate::ReadHere, "--shuffle-seed") => match value.parse() {
                Ok(seed) => self.options.order = StartOrder::Shuffled(Some(seed)),
                Err(_) => self.wrong(format!("{}: expected a number, found `{value}`", flag.name)),
            },
            (Fate::ReadHere, "--report-time") => self.options.output.times = true,
            (Fate::ReadHere, name) => self.threads(name, value),
            (Fate::Read, "--color") => self.one_of("--color", value, &["auto", "always", "never"]),
            (Fate::Read, "--format") => {
                self.one_of("--format", value, &["pretty", "terse", "json"]);
            }
            (Fate::Read, name) if flag.value.is_some() => self.rest.push(format!("{name}={value}")),
            (Fate::Read, name) => {
                // `Arguments` refuses a switch that is given twice; nothing is wrong with it.
                if !self.rest.iter().any(|word| word == name) {
                    self.rest.push(name.to_owned());
                }
            }
        }
    }

    fn one_of(&mut self, name: &str, value: &str, words: &[&str]) {
        if words.contains(&value) {
            self.rest.push(format!("{name}={value}"));
            return;
        }
        let message = format!(
            "{name}: expected one of {}, found `{value}`",
            words.join(", ")
        );
        let near = nearest(value, words.iter().copied());
        self.mistakes.push(Mistake::new(message).did_you_mean(near));
    }

    /// libtest refuses 0, and so must we: a pool of no threads waits for ever.
    fn threads(&mut self, from: &str, value: &str) {
        match value.parse() {
            Ok(threads) => self.threads = Some(threads),
            Err(_) => self.wrong(format!(
                "{from}: expected a number above zero, found `{value}`"
            )),
        }
    }

    fn unknown(&mut self, name: &str) {
        let near = nearest(name, Known::names());
        let mistake = Mistake::new(format!("unknown flag `{name}`")).did_you_mean(near);
        self.mistakes.push(mistake);
    }

    fn wrong(&mut self, message: String) {
        self.mistakes.push(Mistake::new(message));
    }

    /// The twins of flags that were not typed.
    fn environment(&mut self, environment: &Environment) {
        for flag in flags::TABLE {
            let twin = flag.facts.twin;
            let value = environment.get(twin).filter(|value| !value.is_empty());
            let Some(value) = value.filter(|_| !self.seen.contains(flag.facts.name)) else {
                continue;
            };
            let origin = Origin::Environment(twin);
            match (flag.facts.value, value.as_str()) {
                (Some(_), value) => self.ours(flag, value, origin),
                (None, "1" | "true" | "yes") => self.ours(flag, "", origin),
                (None, "0" | "false" | "no") => {}
                (None, value) if flag.facts.attached.is_some() => self.ours(flag, value, origin),
                (None, value) => {
                    self.wrong(format!("{twin}: expected `1` or `0`, found `{value}`"));
                }
            }
        }
        if let Some(value) = environment.get("RUST_TEST_THREADS")
            && self.threads.is_none()
            && !self.seen.contains("--test-threads")
        {
            self.threads("RUST_TEST_THREADS", value);
        }
        let set = |name: &str| environment.get(name).is_some_and(|value| !value.is_empty());
        self.options.output.color = match (set("NO_COLOR"), set("CLICOLOR_FORCE")) {
            (true, _) => Color::Never,
            (false, true) => Color::Always,
            (false, false) => Color::Auto,
        };
        self.misspelt(environment);
    }

    /// A variable that is nearly one of ours would silently do nothing.
    fn misspelt(&mut self, environment: &Environment) {
        let twins = || flags::TABLE.iter().map(|flag| flag.facts.twin);
        for name in environment
            .keys()
            .filter(|name| name.starts_with("SHAKEDOWN_"))
        {
            if twins().any(|twin| twin == name) {
                continue;
            }
            let near = twins().min_by_key(|twin| strsim::damerau_levenshtein(name, twin));
            if let Some(near) = near.filter(|twin| strsim::damerau_levenshtein(name, twin) <= 2) {
                let warning = format!("the variable `{name}` is not known; did you mean `{near}`?");
                self.options.warnings.push(warning);
            }
        }
    }

    fn finish(mut self) -> Result<Typed, Misuse> {
        if self.seen.contains("--ignored") && self.seen.contains("--include-ignored") {
            self.wrong("`--ignored` and `--include-ignored` exclude each other".to_owned());
        }
        if self.seen.contains("--test") && self.seen.contains("--bench") {
            self.wrong("`--test` and `--bench` exclude each other".to_owned());
        }
        let paths = &self.options.paths;
        let only_stdin = !paths.is_empty() && paths.iter().all(|path| path == "-");
        if only_stdin && self.options.golden == Golden::Update {
            self.wrong("cannot use -u when only reading from stdin".to_owned());
        }
        let one_lap = self.options.laps.laps().count == Some(NonZeroU32::MIN);
        if self.options.golden == Golden::Update && !one_lap {
            let message = "`--update` rewrites what ran: expected one lap, found `--count`, `--until-fail` or `--for`";
            self.wrong(message.to_owned());
        }
        if !self.mistakes.is_empty() {
            let mistakes = self.mistakes;
            return Err(Misuse { mistakes });
        }
        if self.seen.contains("--format") {
            // As in libtest, the format goes before the alias of another one.
            self.rest.retain(|word| word != "--quiet");
        }
        self.rest.insert(0, "shakedown".to_owned());
        let arguments = Arguments::from_iter(&self.rest);
        self.options.overrides.width = self.threads;
        libtest::apply(&mut self.options, arguments);
        Ok(Typed::Options(Box::new(self.options)))
    }
}

/// No flag is a number: `-1` is a value, though a wrong one.
fn looks_like_flag(word: &str) -> bool {
    let rest = word.strip_prefix('-').unwrap_or_default();
    !rest.is_empty() && !rest.starts_with(|first: char| first.is_ascii_digit())
}
