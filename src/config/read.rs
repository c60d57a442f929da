//! Walks a harness.toml with the table of settings and collects every mistake.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::entry::Setting;
use super::table::all;
use super::tries::{self, LISTS};
use super::value::{Given, Mistake};
use super::{Settings, line_and_column, nearest};
use crate::model::Diagnostic;

/// Reads the text of a harness.toml. `file` is its name as the user knows it.
///
/// All mistakes in the order of their places, and the settings as far as they are right: with them can be seen what
/// else is wrong, and with mistakes nothing may run.
pub fn read(file: &str, text: &str) -> (Settings, Vec<Diagnostic>) {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut walk = Walk {
        file,
        text,
        settings: Settings::default(),
        mistakes: Vec::new(),
    };
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        walk.mistakes.push(Mistake::new(span, error.message()));
    }
    // Where the text is no TOML, what was recovered of the rest may not mean what it says.
    if walk.mistakes.is_empty() {
        walk.document(document.get_ref());
    }
    let mut diagnostics: Vec<_> = walk.mistakes.iter().map(|m| walk.diagnostic(m)).collect();
    diagnostics.sort();
    diagnostics.dedup();
    (walk.settings, diagnostics)
}

struct Walk<'a> {
    file: &'a str,
    text: &'a str,
    settings: Settings,
    mistakes: Vec<Mistake>,
}

type Entry<'a> = (
    &'a Spanned<std::borrow::Cow<'a, str>>,
    &'a Spanned<DeValue<'a>>,
);

impl Walk<'_> {
    fn document(&mut self, document: &DeTable<'_>) {
        for entry in document {
            let (key, value) = entry;
            let section = key.get_ref().as_ref();
            let known = all().any(|setting| setting.facts.section == section);
            if let Some((_, needed)) = LISTS.iter().find(|(list, _)| *list == section) {
                self.list(section, needed, value);
                continue;
            }
            match value.get_ref().as_table() {
                Some(table) if known => {
                    for entry in table {
                        self.entry(section, entry);
                    }
                }
                None if known => {
                    let found = value.get_ref().type_str();
                    let message =
                        format!("expected a table `[{section}]`, found `{section}` as {found}");
                    self.mistakes.push(Mistake::new(key.span(), message));
                }
                Some(_) | None => self.entry("", entry),
            }
        }
    }

    /// `[[section]]`, as often as it stands there.
    fn list(&mut self, section: &str, needed: &[&str], value: &Spanned<DeValue<'_>>) {
        let Some(array) = value.get_ref().as_array() else {
            let message =
                format!("expected a list of tables `[[{section}]]`, found one `{section}`");
            self.mistakes.push(Mistake::new(value.span(), message));
            return;
        };
        for item in array {
            let Some(table) = item.get_ref().as_table() else {
                let found = item.get_ref().type_str();
                let message = format!("expected a table `[[{section}]]`, found {found}");
                self.mistakes.push(Mistake::new(item.span(), message));
                continue;
            };
            let (line, _) = line_and_column(self.text, item.span().start);
            tries::begin(section, line, &mut self.settings);
            for entry in table {
                self.entry(section, entry);
            }
            for key in needed.iter().filter(|key| !table.contains_key(**key)) {
                let message = format!("`[[{section}]]` needs `{key}`");
                self.mistakes.push(Mistake::new(item.span(), message));
            }
        }
    }

    fn entry(&mut self, section: &str, (key, value): Entry<'_>) {
        let name = key.get_ref().as_ref();
        let fits = |setting: &&Setting| {
            setting.facts.section == section && (setting.facts.key == name || setting.is_open())
        };
        let Some(setting) = all().find(fits) else {
            self.mistakes.push(unknown(section, key));
            return;
        };
        let given = Given {
            key: name,
            expected: setting.facts.expected,
            value,
            file: self.file,
            place: line_and_column(self.text, value.span().start),
        };
        if let Err(mistakes) = (setting.set)(&mut self.settings, &given) {
            self.mistakes.extend(mistakes);
        }
    }

    fn diagnostic(&self, mistake: &Mistake) -> Diagnostic {
        let (line, col) = line_and_column(self.text, mistake.span.start);
        Diagnostic {
            file: self.file.to_owned(),
            line,
            col,
            message: mistake.message.clone(),
            hint: mistake.hint.clone(),
        }
    }
}

fn unknown(section: &str, key: &Spanned<std::borrow::Cow<'_, str>>) -> Mistake {
    let name = key.get_ref().as_ref();
    let place = match section {
        "" => String::new(),
        section => format!(" in `[{section}]`"),
    };
    let mistake = Mistake::new(key.span(), format!("unknown setting `{name}`{place}"));
    let elsewhere = all().find(|setting| setting.facts.key == name);
    if let Some(setting) = elsewhere {
        return mistake.hint(match setting.facts.section {
            "" => format!("`{name}` stands at the top of the file, before the first `[table]`"),
            section => format!("`{name}` belongs in `[{section}]`"),
        });
    }
    let here = all().filter(|setting| setting.facts.section == section);
    let sections = all().map(|setting| setting.facts.section);
    let sections = sections.filter(|_| section.is_empty());
    let known = here.map(|setting| setting.facts.key).chain(sections);
    if let Some(near) = nearest(name, known.filter(|known| !known.is_empty())) {
        return mistake.hint(format!("did you mean `{near}`?"));
    }
    let all: Vec<String> = all().map(Setting::path).collect();
    match nearest(name, all.iter().map(String::as_str)) {
        Some(near) => mistake.hint(format!("did you mean `{near}`?")),
        None => mistake,
    }
}
