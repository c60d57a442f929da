//! The settings of tries, quarantine and signatures, as entries of the table. Those of `[[quarantine]]` and
//! `[[signature]]` are set in the entry that was begun last.

use regex::bytes::Regex;

use super::entry::{Setting, setting};
use super::value::{Given, Mistake};
use super::{FlakyResult, Pattern, Quarantine, Settings};
use crate::model::{Date, EngineKind, EngineVersion, Scope, Signature, TroubleClass, Where};

/// Sections that may stand more than once, as `[[section]]`, with the keys that each must have.
pub(super) const LISTS: [(&str, &[&str]); 2] = [
    ("quarantine", &["name", "reason", "issue", "until"]),
    ("signature", &["id", "regex"]),
];

/// Begins an entry of a list; `line` is where.
pub(super) fn begin(section: &str, line: u32, settings: &mut Settings) {
    match section {
        "quarantine" => settings.quarantine.push(Quarantine {
            name: Pattern::new("*").expect("it is not empty"),
            reason: String::new(),
            issue: String::new(),
            until: Date::of_unix(0),
            engine: None,
            line,
        }),
        _ => settings.signatures.push(Signature {
            id: String::new(),
            scope: Scope::Any,
            versions: None,
            regex: String::new(),
            place: Where::Stderr,
            class: TroubleClass::TransientEngine,
            env: false,
            exit: Vec::new(),
            retry: Vec::new(),
            max: 1,
            absent: false,
            benign_for: Vec::new(),
            cause: String::new(),
            remedy: String::new(),
        }),
    }
}

fn quarantine(settings: &mut Settings) -> &mut Quarantine {
    settings.quarantine.last_mut().expect("one was begun")
}

fn signature(settings: &mut Settings) -> &mut Signature {
    settings.signatures.last_mut().expect("one was begun")
}

const ENGINES: [(&str, EngineKind); 2] = [
    ("docker", EngineKind::Docker),
    ("podman", EngineKind::Podman),
];

pub(super) static TABLE: &[Setting] = &[
    setting(
        ("retry", "failures"),
        "a number",
        "0",
        "How often a script that does not pass is tried again, whatever the reason. What passes then is `flaky`. A script's `#: retries = …` goes before it, and `--retries` before that.",
        |settings, given| {
            let number = given.number().map_err(one)?;
            settings.retry.failures = given.sourced(number);
            Ok(())
        },
    ),
    setting(
        ("retry", "signatures"),
        "`true` or `false`",
        "true",
        "Try again what fails with words of an engine's that are known to pass by themselves, after commands for which that is safe.",
        |settings, given| {
            settings.retry.signatures = given.flag().map_err(one)?;
            Ok(())
        },
    ),
    setting(
        ("retry", "budget"),
        "a number",
        "",
        "How many tries beyond the first the whole run has. Unless it is set, those for signatures are three, or one for each twenty laps of all trials if that is more, and those for failures are not limited.",
        |settings, given| {
            settings.retry.budget = Some(given.number().map_err(one)?);
            Ok(())
        },
    ),
    setting(
        ("retry", "flaky-result"),
        "`pass` or `fail`",
        r#""pass""#,
        "What a flaky script means: it is told, or it fails the run. `--flaky-result` goes before it.",
        |settings, given| {
            settings.retry.flaky = given.one_of(&FlakyResult::WORDS).map_err(one)?;
            Ok(())
        },
    ),
    setting(
        ("quarantine", "name"),
        "a pattern",
        "",
        "Which scripts: they run, are reported as ignored with their verdict for a reason, and do not fail the run. `[[quarantine]]` may stand more than once; the first that fits counts.",
        |settings, given| {
            let text = given.text().map_err(one)?;
            let pattern = Pattern::new(&text).map_err(|why| one(given.wrong(why)))?;
            quarantine(settings).name = pattern;
            Ok(())
        },
    ),
    setting(
        ("quarantine", "reason"),
        "a text",
        "",
        "Why.",
        |settings, given| {
            quarantine(settings).reason = given.text().map_err(one)?;
            Ok(())
        },
    ),
    setting(
        ("quarantine", "issue"),
        "a text",
        "",
        "Where it is worked on: an address, or what your tracker calls it.",
        |settings, given| {
            quarantine(settings).issue = given.text().map_err(one)?;
            Ok(())
        },
    ),
    setting(
        ("quarantine", "until"),
        "a date such as `2026-12-31`, without quotes",
        "",
        "The last day, in UTC. From the next on the scripts count again, and the run says that the quarantine is over.",
        |settings, given| {
            let until = given.date().map_err(one)?;
            quarantine(settings).until = until;
            Ok(())
        },
    ),
    setting(
        ("quarantine", "engine"),
        "`docker` or `podman`",
        "",
        "Only on this engine. Without it on every one, and without one.",
        |settings, given| {
            quarantine(settings).engine = Some(given.one_of(&ENGINES).map_err(one)?);
            Ok(())
        },
    ),
    setting(
        ("signature", "id"),
        "a name",
        "",
        "The name of known trouble. `[[signature]]` may stand more than once; these go before the catalogue that comes with shakedown, and the first that fits counts.",
        |settings, given| {
            let id = given.text().map_err(one)?;
            if settings.signatures.iter().any(|known| known.id == id) {
                return Err(one(given.wrong(format!("`{id}` is given twice"))));
            }
            signature(settings).id = id;
            Ok(())
        },
    ),
    setting(
        ("signature", "regex"),
        "a regular expression",
        "",
        "What the trouble looks like, in the syntax of the regex crate, held against each line.",
        |settings, given| {
            let text = given.text().map_err(one)?;
            Regex::new(&text).map_err(|error| {
                let why = error.to_string();
                let why = why.lines().last().unwrap_or_default();
                let why = why.trim_start_matches("error: ");
                one(given.wrong(format!(
                    "expected a regular expression, found `{text}`: {why}"
                )))
            })?;
            signature(settings).regex = text;
            Ok(())
        },
    ),
    setting(
        ("signature", "engine"),
        "`docker`, `podman`, `podman-service`, `any`, `host`, `guest` or `harness`",
        "",
        "Whose words they are. With an engine, the failing program must have called it (`podman-service`: behind a socket; `any`, unless given: some engine); the last three count whatever it called.",
        |settings, given| {
            signature(settings).scope = given.one_of(&Scope::WORDS).map_err(one)?;
            Ok(())
        },
    ),
    setting(
        ("signature", "versions"),
        "an operator and a version, such as `>=4.8`",
        "",
        "Only these versions of the engine's server.",
        |settings, given| {
            let text = given.text().map_err(one)?;
            let versions = EngineVersion::parse(&text).ok_or_else(|| {
                one(given.wrong(format!("expected {}, found `{text}`", given.expected)))
            })?;
            signature(settings).versions = Some(versions);
            Ok(())
        },
    ),
    setting(
        ("signature", "where"),
        "`stderr`, `warning`, `log` or `stack`",
        "",
        "Where they are looked for: in the failing program's stderr, unless given; there, for lines that are never the cause; in the script's log; in the stacks of a script that hangs.",
        |settings, given| {
            signature(settings).place = given.one_of(&Where::WORDS).map_err(one)?;
            Ok(())
        },
    ),
    setting(
        ("signature", "class"),
        "`transient-engine`, `resource-exhaustion`, `timing`, `stale-state`, `artifact-collision`, `user-error` or `hang`",
        "",
        "The kind of trouble; `transient-engine`, unless given.",
        |settings, given| {
            signature(settings).class = given.one_of(&TroubleClass::WORDS).map_err(one)?;
            Ok(())
        },
    ),
    setting(
        ("signature", "exit"),
        "a list of exit codes",
        "",
        "Exit codes of the engine's client that the words come with; any, unless given.",
        |settings, given| {
            signature(settings).exit = given.numbers()?;
            Ok(())
        },
    ),
    setting(
        ("signature", "retry"),
        "a list of engine commands, such as `run` and `network rm`",
        "",
        "Commands of the engine after which another try of the script is safe and can help; none, unless given.",
        |settings, given| {
            signature(settings).retry = given.list()?;
            Ok(())
        },
    ),
    setting(
        ("signature", "max"),
        "a number above zero",
        "",
        "How many tries beyond the first; 1, unless given, and never more than 3.",
        |settings, given| {
            let max = given.number().map_err(one)?;
            if max == 0 {
                return Err(one(given.wrong("expected a number above zero, found `0`")));
            }
            signature(settings).max = max;
            Ok(())
        },
    ),
    setting(
        ("signature", "cause"),
        "a text",
        "",
        "Why it happens; reports show it.",
        |settings, given| {
            signature(settings).cause = given.text().map_err(one)?;
            Ok(())
        },
    ),
    setting(
        ("signature", "remedy"),
        "a text",
        "",
        "What to do; reports show it.",
        |settings, given| {
            signature(settings).remedy = given.text().map_err(one)?;
            Ok(())
        },
    ),
];

fn one(mistake: Mistake) -> Vec<Mistake> {
    vec![mistake]
}

impl Given<'_> {
    fn date(&self) -> Result<Date, Mistake> {
        let found = self.value.get_ref().as_datetime();
        let day = found
            .filter(|found| found.time.is_none())
            .and_then(|found| found.date);
        day.map(|day| Date {
            year: day.year,
            month: day.month,
            day: day.day,
        })
        .ok_or_else(|| {
            let found = match (found, self.value.get_ref().as_str()) {
                (Some(moment), _) => format!("`{moment}`"),
                (None, Some(text)) => format!("the text {text:?}"),
                (None, None) => format!("a {}", self.value.get_ref().type_str()),
            };
            self.wrong(format!("expected {}, found {found}", self.expected))
        })
    }

    fn numbers(&self) -> Result<Vec<i32>, Vec<Mistake>> {
        let array = self.value.get_ref().as_array().ok_or_else(|| {
            let found = self.value.get_ref().type_str();
            one(self.wrong(format!("expected {}, found a {found}", self.expected)))
        })?;
        let number = |item: &toml::Spanned<toml::de::DeValue<'_>>| {
            let integer = item.get_ref().as_integer();
            let number = integer
                .and_then(|number| i32::from_str_radix(number.as_str(), number.radix()).ok())
                .filter(|number| (0..=255).contains(number));
            number.ok_or_else(|| Mistake::new(item.span(), "expected an exit code from 0 to 255"))
        };
        let (mut numbers, mut mistakes) = (Vec::new(), Vec::new());
        for item in array {
            match number(item) {
                Ok(number) => numbers.push(number),
                Err(mistake) => mistakes.push(mistake),
            }
        }
        if mistakes.is_empty() {
            Ok(numbers)
        } else {
            Err(mistakes)
        }
    }
}
