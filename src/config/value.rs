//! One value of the document, read as what its setting expects; a mistake knows its place.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeArray, DeValue};

use super::{External, Origin, Pattern, Sourced, duration, nearest, size};

/// A mistake, before it is known as a line and column.
#[derive(Debug)]
pub(super) struct Mistake {
    pub(super) span: Range<usize>,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Mistake {
    pub(super) fn new(span: Range<usize>, message: impl Into<String>) -> Mistake {
        Mistake {
            span,
            message: message.into(),
            hint: None,
        }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Mistake {
        Mistake {
            hint: Some(hint.into()),
            ..self
        }
    }
}

/// The value of one setting, with what is needed to complain about it.
#[derive(Debug)]
pub(super) struct Given<'a> {
    /// The key as written; for open sections the name that the user chose.
    pub(super) key: &'a str,
    /// What the setting expects, for messages.
    pub(super) expected: &'a str,
    pub(super) value: &'a Spanned<DeValue<'a>>,
    /// The file's name as the user knows it.
    pub(super) file: &'a str,
    /// Line and column of the value.
    pub(super) place: (u32, u32),
}

impl Given<'_> {
    /// A mistake about the value as a whole.
    pub(super) fn wrong(&self, message: impl Into<String>) -> Mistake {
        Mistake::new(self.value.span(), message)
    }

    fn unexpected(&self, found: &Spanned<DeValue<'_>>) -> Mistake {
        let kind = found.get_ref().type_str();
        let article = if kind.starts_with(['a', 'i']) {
            "an"
        } else {
            "a"
        };
        let message = format!("expected {}, found {article} {kind}", self.expected);
        Mistake::new(found.span(), message)
    }

    pub(super) fn sourced<T>(&self, value: T) -> Sourced<T> {
        Sourced {
            value,
            origin: Origin::File {
                file: self.file.to_owned(),
                line: self.place.0,
            },
        }
    }

    pub(super) fn text(&self) -> Result<String, Mistake> {
        match self.value.get_ref().as_str() {
            Some("") => {
                Err(self.wrong(format!("expected {}, found an empty string", self.expected)))
            }
            Some(text) => Ok(text.to_owned()),
            None => Err(self.unexpected(self.value)),
        }
    }

    pub(super) fn external(&self) -> Result<External, Mistake> {
        let (line, col) = self.place;
        Ok(External {
            path: self.text()?,
            file: self.file.to_owned(),
            line,
            col,
        })
    }

    /// Text that may be empty.
    pub(super) fn any_text(&self) -> Result<String, Mistake> {
        let text = self.value.get_ref().as_str();
        text.map(str::to_owned)
            .ok_or_else(|| self.unexpected(self.value))
    }

    pub(super) fn flag(&self) -> Result<bool, Mistake> {
        let flag = self.value.get_ref().as_bool();
        flag.ok_or_else(|| self.unexpected(self.value))
    }

    /// A whole number that fits.
    pub(super) fn number(&self) -> Result<u32, Mistake> {
        let integer = self.value.get_ref().as_integer();
        let integer = integer.ok_or_else(|| self.unexpected(self.value))?;
        u32::from_str_radix(integer.as_str(), integer.radix())
            .map_err(|_| self.wrong(format!("expected {}, found `{integer}`", self.expected)))
    }

    pub(super) fn duration(&self) -> Result<Duration, Mistake> {
        duration::parse(&self.text()?).map_err(|message| self.wrong(message))
    }

    pub(super) fn size(&self) -> Result<u64, Mistake> {
        size::parse(&self.text()?).map_err(|message| self.wrong(message))
    }

    /// One of a few words.
    pub(super) fn one_of<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, Mistake> {
        let found = self.text()?;
        let known = words.iter().find(|(word, _)| *word == found);
        known.map(|(_, value)| *value).ok_or_else(|| {
            let mistake = self.wrong(format!("expected {}, found `{found}`", self.expected));
            match nearest(&found, words.iter().map(|(word, _)| *word)) {
                Some(word) => mistake.hint(format!("did you mean `{word}`?")),
                None => mistake,
            }
        })
    }

    /// A list of different texts, none of them empty.
    pub(super) fn list(&self) -> Result<Vec<String>, Vec<Mistake>> {
        self.each(|text| Ok(text.to_owned()))
    }

    pub(super) fn patterns(&self) -> Result<Vec<Pattern>, Vec<Mistake>> {
        self.each(Pattern::new)
    }

    /// A list of different names of variables.
    pub(super) fn variables(&self) -> Result<Vec<String>, Vec<Mistake>> {
        self.each(|name| variable(name).map(|()| name.to_owned()))
    }

    fn each<T>(&self, make: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, Vec<Mistake>> {
        let array = self.value.get_ref().as_array();
        let array: &DeArray<'_> = array.ok_or_else(|| {
            let mistake = self.unexpected(self.value);
            vec![match self.value.get_ref().as_str() {
                Some(text) => mistake.hint(format!("write `[{text:?}]`")),
                None => mistake,
            }]
        })?;
        let (mut made, mut mistakes, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
        for item in array {
            let span = item.span();
            match item.get_ref().as_str() {
                None => mistakes.push(self.unexpected(item)),
                Some("") => {
                    mistakes.push(Mistake::new(span, "expected a text, found an empty string"));
                }
                Some(text) if !seen.insert(text) => {
                    mistakes.push(Mistake::new(span, format!("`{text}` is given twice")));
                }
                Some(text) => match make(text) {
                    Ok(value) => made.push(value),
                    Err(message) => mistakes.push(Mistake::new(span, message)),
                },
            }
        }
        if mistakes.is_empty() {
            Ok(made)
        } else {
            Err(mistakes)
        }
    }
}

/// Whether scripts can be given a variable of this name. A lowercase fragment says why not.
pub(super) fn variable(name: &str) -> Result<(), String> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(format!("expected the name of a variable, found `{name}`"));
    }
    if name == "WORK" {
        return Err("cannot override `WORK`, the work directory".to_owned());
    }
    Ok(())
}
