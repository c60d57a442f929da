//! harness.toml as it is found, and what it names: text, paths and executables. Every mistake is told before anything
//! runs, with its place. What a setting means is known to `config` alone.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::door::{Place, count};
use super::{Action, Options};
use crate::config::{self, External, Settings};
use crate::host::{environment, search};
use crate::interp;
use crate::model::{Diagnostic, Dialect};

/// The name of the configuration file.
const CONFIG: &str = "harness.toml";

/// Settings without a mistake, the text that they came from, and the folder that they count from.
type Flawless = (Settings, String, PathBuf);

/// The settings of trials. Unless these are only listed, what harness.toml names must be there.
pub(super) fn for_trials(options: &Options, place: &Place) -> Result<Flawless, String> {
    let mut configured = Configured::read(options, place)?;
    if options.action != Action::List {
        configured.look();
    }
    configured.flawless()
}

/// The settings of somebody who only looks at records.
pub(super) fn for_records(options: &Options, place: &Place) -> Result<Flawless, String> {
    Configured::read(options, place)?.flawless()
}

/// What was found, with the mistakes in it.
struct Configured {
    settings: Settings,
    /// The text that they came from.
    text: String,
    /// The folder that they count from.
    base: PathBuf,
    /// The file as the user knows it.
    shown: String,
    mistakes: Vec<Diagnostic>,
}

impl Configured {
    /// Reads the file that was named, or the one at this place, if there is one; lays what was typed over it.
    fn read(options: &Options, place: &Place) -> Result<Configured, String> {
        let named = options
            .config
            .as_ref()
            .map(|config| environment::directory().join(&config.value));
        let file = named.clone().unwrap_or_else(|| place.base.join(CONFIG));
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => {
                String::new()
            }
            Err(error) => return Err(format!("cannot read {}: {error}", file.display())),
        };
        let shown = options
            .config
            .as_ref()
            .map_or_else(|| CONFIG.to_owned(), |config| config.value.clone());
        let (settings, mistakes) = config::read(&shown, &text);
        let mut settings = settings.resolve(&options.overrides);
        let base = file
            .parent()
            .map_or_else(|| place.base.clone(), Path::to_owned);
        let programs = settings.programs.values_mut();
        for external in programs.chain(settings.commands.values_mut()) {
            external.path = base.join(&external.path).to_string_lossy().into_owned();
        }
        Ok(Configured {
            settings,
            text,
            base,
            shown,
            mistakes,
        })
    }

    /// Looks whether programs and commands can be run. One that cannot would leave its name to whatever else has it.
    fn look(&mut self) {
        let Settings {
            programs, commands, ..
        } = &self.settings;
        for (table, named) in [("[programs]", programs), ("[commands]", commands)] {
            let wrong = |(name, external): (&String, &External)| unusable(table, name, external);
            self.mistakes.extend(named.iter().filter_map(wrong));
        }
    }

    /// All mistakes, or what was found when there is none.
    fn flawless(mut self) -> Result<Flawless, String> {
        self.mistakes.extend(taken(&self.settings));
        if self.mistakes.is_empty() {
            return Ok((self.settings, self.text, self.base));
        }
        self.mistakes.sort();
        let lines: Vec<String> = self.mistakes.iter().map(ToString::to_string).collect();
        Err(format!(
            "{} in {}; nothing ran\n{}",
            count(lines.len(), "mistake"),
            self.shown,
            lines.join("\n")
        ))
    }
}

/// Commands that have the name of one of the language, which depends on the dialect.
fn taken(settings: &Settings) -> impl Iterator<Item = Diagnostic> {
    let additions = settings.dialect == Dialect::Shakedown;
    let is_taken = move |name: &str| {
        let mut known = interp::command_facts().filter(|known| additions || !known.addition);
        known.any(|known| known.name == name)
    };
    let named = settings.commands.iter();
    named
        .filter(move |(name, _)| is_taken(name))
        .map(|(name, external)| {
            let message =
                format!("`[commands]` names `{name}`, which is a command of the language");
            external.wrong(message, Some("it needs a name of its own".to_owned()))
        })
}

fn unusable(table: &str, name: &str, external: &External) -> Option<Diagnostic> {
    let path = &external.path;
    if search::is_executable(Path::new(path)) {
        return None;
    }
    let (flaw, hint) = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => (
            "does not exist".to_owned(),
            Some("build it first".to_owned()),
        ),
        Err(error) => (format!("cannot be looked at: {error}"), None),
        Ok(facts) if facts.is_dir() => ("is a directory".to_owned(), None),
        Ok(facts) if facts.is_file() => {
            let hint = format!("`chmod +x {path}`");
            ("is not executable".to_owned(), Some(hint))
        }
        Ok(_) => ("is not a file".to_owned(), None),
    };
    Some(external.wrong(format!("`{table}` names `{name}`: {path} {flaw}"), hint))
}

/// What is to be told of a harness.toml beside scripts that were typed: only the one where somebody stands is read.
pub(super) fn unread(options: &Options) -> Option<String> {
    if options.config.is_some() || environment::directory().join(CONFIG).exists() {
        return None;
    }
    let beside = |typed: &String| {
        let path = Path::new(typed);
        let folder = if path.is_dir() { path } else { path.parent()? };
        let file = folder.join(CONFIG);
        file.is_file().then(|| (folder.to_owned(), file))
    };
    let (folder, file) = options.paths.iter().find_map(beside)?;
    let (folder, file) = (folder.display(), file.display());
    Some(format!(
        "`{file}` is not read, only one in the current directory is: `cd {folder}`, or name it with `--config {file}`"
    ))
}

/// Where records live.
pub(super) fn state_dir(options: &Options, settings: &Settings, base: &Path) -> PathBuf {
    match &options.overrides.state_dir {
        Some(typed) => environment::directory().join(typed),
        None => base.join(&settings.state_dir),
    }
}
