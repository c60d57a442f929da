//! Directives: `#: key = value` in the comment lines before the first command, the value in TOML.
//! Any other line, `#: note to self` too, is an ordinary comment. Knows nothing of the policy that
//! the values end up in.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::model::Diagnostic;

use super::{duration, lex, suggest};

/// What a script says about how it wants to be run. `None` where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Header {
    /// How long an attempt may take.
    pub deadline: Option<Duration>,
    /// Nothing of its lane may run beside it.
    pub serial: Option<bool>,
    /// How many slots it takes.
    pub cpus: Option<NonZeroU32>,
    /// It belongs to the container lane, or does not, whatever its lines look like.
    pub container: Option<bool>,
    /// How often a failure is tried again.
    pub retries: Option<u32>,
}

const KEYS: [&str; 5] = ["deadline", "serial", "cpus", "container", "retries"];

/// A mistake in one directive: where in the line, what, and what to do about it.
struct Mistake {
    col: usize,
    message: String,
    hint: Option<String>,
}

impl Header {
    /// Reads the directives of a script. What cannot be used is in the diagnostics, and only there.
    pub fn parse(file: &str, script: &[u8]) -> (Header, Vec<Diagnostic>) {
        let mut header = Header::default();
        let mut seen = Vec::new();
        let mut diagnostics = Vec::new();
        for (line, number) in script.split(|b| *b == b'\n').zip(1..) {
            let Some(text) = line.strip_prefix(b"#:") else {
                match lex::split(line) {
                    Ok(words) if words.is_empty() => continue,
                    _ => break,
                }
            };
            let Some(key) = key(text) else { continue };
            let result = header.set(key, text, &seen);
            seen.push(key);
            if let Err(mistake) = result {
                diagnostics.push(Diagnostic {
                    file: file.to_owned(),
                    line: number,
                    col: u32::try_from(mistake.col + 3).unwrap_or(0),
                    message: mistake.message,
                    hint: mistake.hint,
                });
            }
        }
        (header, diagnostics)
    }

    /// Takes one directive in; `text` is what follows `#:`.
    fn set(&mut self, key: &str, text: &[u8], seen: &[&str]) -> Result<(), Mistake> {
        let key_at = text.iter().position(|b| !b.is_ascii_whitespace());
        let wrong = |col: usize, message: String| Mistake {
            col,
            message,
            hint: None,
        };
        let at_key = |message: String| wrong(key_at.unwrap_or(0), message);
        if !KEYS.contains(&key) {
            let near = suggest::nearest(key, &KEYS);
            return Err(Mistake {
                hint: Some(near.map_or_else(
                    || format!("the directives are {}", KEYS.join(", ")),
                    |near| format!("did you mean `{near}`?"),
                )),
                ..at_key(format!("unknown directive `{key}`"))
            });
        }
        if seen.contains(&key) {
            return Err(at_key(format!("`{key}` is set twice")));
        }
        let text = std::str::from_utf8(text).map_err(|error| {
            let col = error.valid_up_to();
            wrong(col, "expected UTF-8".to_owned())
        })?;
        let table: toml::Table = toml::from_str(text.trim_end()).map_err(|error| {
            let col = error.span().map_or(0, |span| span.start);
            wrong(col, error.message().to_owned())
        })?;
        let value = table
            .get(key)
            .ok_or_else(|| at_key(format!("expected one value for `{key}`")))?;
        self.store(key, value).map_err(|expected| {
            let written = text.split_once('=').map_or("", |(_, value)| value);
            wrong(text.len() - written.trim_start().len(), expected)
        })
    }

    fn store(&mut self, key: &str, value: &toml::Value) -> Result<(), String> {
        match key {
            "deadline" => self.deadline = Some(positive(value)?),
            "serial" => self.serial = Some(boolean(value)?),
            "container" => self.container = Some(boolean(value)?),
            "cpus" => {
                let count = NonZeroU32::new(count(value)?);
                self.cpus = Some(count.ok_or("expected at least 1, found 0")?);
            }
            _ => self.retries = Some(count(value)?),
        }
        Ok(())
    }
}

/// The key, if the text after `#:` is a directive: a bare word, then `=`.
fn key(text: &[u8]) -> Option<&str> {
    let equals = text.iter().position(|b| *b == b'=')?;
    let key = std::str::from_utf8(&text[..equals]).ok()?.trim();
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    (!key.is_empty() && key.chars().all(bare) && text.get(equals + 1) != Some(&b'=')).then_some(key)
}

fn positive(value: &toml::Value) -> Result<Duration, String> {
    let text = value.as_str().ok_or_else(|| {
        format!(
            "expected a duration such as \"30s\", found {}",
            shown(value)
        )
    })?;
    match duration::parse(text)? {
        Duration::ZERO => Err(format!("expected more than nothing, found `{text}`")),
        duration => Ok(duration),
    }
}

fn boolean(value: &toml::Value) -> Result<bool, String> {
    value
        .as_bool()
        .ok_or_else(|| format!("expected true or false, found {}", shown(value)))
}

/// A value as it could have been written.
fn shown(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => format!("{text:?}"),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Float(number) => number.to_string(),
        toml::Value::Boolean(value) => value.to_string(),
        toml::Value::Datetime(time) => time.to_string(),
        toml::Value::Array(_) => "an array".to_owned(),
        toml::Value::Table(_) => "a table".to_owned(),
    }
}

fn count(value: &toml::Value) -> Result<u32, String> {
    value
        .as_integer()
        .and_then(|number| u32::try_from(number).ok())
        .ok_or_else(|| format!("expected a number, found {}", shown(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header and the diagnostics as they are shown.
    #[track_caller]
    fn check(script: &str, expected: &Header, diagnostics: &[&str]) {
        let (header, found) = Header::parse("x.txtar", script.as_bytes());
        assert_eq!(&header, expected);
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, diagnostics);
    }

    #[test]
    fn directives_stand_before_the_first_command() {
        check(
            "# about\n#: deadline = \"1m30s\"\n#:serial=true # yes\n\n  # more\n#: cpus = 2\r\n#: container = false\n#: retries = 0\nexec true\n#: cpus = 3\n",
            &Header {
                deadline: Some(Duration::from_secs(90)),
                serial: Some(true),
                cpus: NonZeroU32::new(2),
                container: Some(false),
                retries: Some(0),
            },
            &[],
        );
    }

    #[test]
    fn only_a_key_with_an_equals_sign_is_a_directive() {
        check(
            "#: note to self\n#: a b = c\n#: x == y\n#: = 1\n#:\n# : cpus = 2\n #: cpus = 2\n#:: cpus = 2\n",
            &Header::default(),
            &[],
        );
    }

    #[test]
    fn mistakes_are_shown_where_they_are() {
        check(
            "#: deadlin = \"30s\"\n#: colour = 1\n#: deadline = \"30\"\n#: deadline = 30\n#: cpus = 0\n#: serial = \"yes\"\n#: retries = -1\n#: container = tru\n",
            &Header::default(),
            &[
                "x.txtar:1:4: unknown directive `deadlin`\n  hint: did you mean `deadline`?",
                "x.txtar:2:4: unknown directive `colour`\n  hint: the directives are deadline, serial, cpus, container, retries",
                "x.txtar:3:15: expected a duration such as `30s`, found `30`",
                "x.txtar:4:4: `deadline` is set twice",
                "x.txtar:5:11: expected at least 1, found 0",
                "x.txtar:6:13: expected true or false, found \"yes\"",
                "x.txtar:7:14: expected a number, found -1",
                "x.txtar:8:16: invalid boolean, expected `true`",
            ],
        );
    }
}
