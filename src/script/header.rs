//! What a script asks for itself: `#: key = value` in the lines before its first command.
//!
//! Every mistake is collected. Must not know defaults nor what flags say.

use crate::model::{Diagnostic, LeakRule, duration};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What the header sets; each with its line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Header {
    /// How long one attempt may take.
    pub deadline: Option<At<Duration>>,
    /// Whether nothing else of its lane may run at the same time.
    pub serial: Option<At<bool>>,
    /// Whether the script needs an engine, whatever its lines look like.
    pub container: Option<At<bool>>,
    /// How many processors it occupies.
    pub cpus: Option<At<u32>>,
    /// Whether nothing else of the run may run at the same time, in neither lane.
    pub exclusive: Option<At<bool>>,
    /// Groups of which only so many may run at once as the configuration says.
    pub groups: Option<At<BTreeSet<String>>>,
    /// What an output that stays open after its command means.
    pub leak: Option<At<LeakRule>>,
    /// How often it is tried again after a failure.
    pub retries: Option<At<u32>>,
}

/// A value and the line it stands in, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Its line.
    pub line: u32,
}

/// With its quotes: a bare `30s` is no TOML.
const DEADLINE: &str = "a duration such as `\"500ms\"`, `\"30s\"`, `\"1m30s\"`";

const KEYS: [&str; 8] = [
    "deadline",
    "serial",
    "exclusive",
    "groups",
    "container",
    "cpus",
    "leak",
    "retries",
];

/// A `#: key =` line in its parts.
struct Directive<'a> {
    key: &'a str,
    /// What follows the `=`.
    value: &'a [u8],
    line: u32,
    /// Columns in bytes, from 1.
    key_col: u32,
    value_col: u32,
}

/// What is wrong with a directive, before it has its place.
struct Mistake {
    col: u32,
    message: String,
    hint: Option<String>,
}

/// Reads the header of a script.
pub(super) fn read(file: &str, script: &[u8]) -> (Header, Vec<Diagnostic>) {
    let mut header = Header::default();
    let mut mistakes = Vec::new();
    for (text, line) in script.split(|byte| *byte == b'\n').zip(1_u32..) {
        let trimmed = text.trim_ascii_start();
        if !trimmed.is_empty() && !trimmed.starts_with(b"#") {
            break;
        }
        let Some(directive) = directive(text, line) else {
            continue;
        };
        if let Err(Mistake { col, message, hint }) = apply(&mut header, &directive) {
            let file = file.to_owned();
            mistakes.push(Diagnostic {
                file,
                line,
                col,
                message,
                hint,
            });
        }
    }
    (header, mistakes)
}

/// Takes a line apart; anything but `#:`, a bare key and `=` is a comment.
fn directive(text: &[u8], line: u32) -> Option<Directive<'_>> {
    let after = text
        .trim_ascii_start()
        .strip_prefix(b"#:")?
        .trim_ascii_start();
    let is_key = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let (key, after_key) = after.split_at(after.iter().take_while(|byte| is_key(byte)).count());
    let value = after_key
        .trim_ascii_start()
        .strip_prefix(b"=")?
        .trim_ascii();
    let key = std::str::from_utf8(key)
        .ok()
        .filter(|key| !key.is_empty())?;
    let col = |rest: usize| u32::try_from(text.len() - rest + 1).unwrap_or(u32::MAX);
    let behind_value = text.len() - text.trim_ascii_end().len();
    Some(Directive {
        key,
        value,
        line,
        key_col: col(after.len()),
        value_col: col(value.len() + behind_value),
    })
}

/// The key that a line sets, or would set if it stood in the header.
pub(super) fn key(text: &[u8]) -> Option<&str> {
    let directive = directive(text, 0)?;
    KEYS.contains(&directive.key).then_some(directive.key)
}

fn apply(header: &mut Header, directive: &Directive<'_>) -> Result<(), Mistake> {
    match directive.key {
        "deadline" => set(&mut header.deadline, directive, deadline),
        "serial" => set(&mut header.serial, directive, truth),
        "exclusive" => set(&mut header.exclusive, directive, truth),
        "groups" => set(&mut header.groups, directive, groups),
        "container" => set(&mut header.container, directive, truth),
        "cpus" => set(&mut header.cpus, directive, cpus),
        "leak" => set(&mut header.leak, directive, leak),
        "retries" => set(&mut header.retries, directive, retries),
        key => Err(Mistake {
            col: directive.key_col,
            message: format!("unknown key `{key}`"),
            hint: Some(match nearest(key) {
                Some(known) => format!("did you mean `{known}`?"),
                None => format!("known keys: {}", KEYS.join(", ")),
            }),
        }),
    }
}

fn set<T>(
    slot: &mut Option<At<T>>,
    directive: &Directive<'_>,
    read: impl FnOnce(&toml::Value) -> Result<T, Expected>,
) -> Result<(), Mistake> {
    let key = directive.key;
    if let Some(first) = slot {
        return Err(Mistake {
            col: directive.key_col,
            message: format!("`{key}` is set a second time"),
            hint: Some(format!("the first is in line {}", first.line)),
        });
    }
    let wrong = |message: String| Mistake {
        col: directive.value_col,
        message: format!("`{key}`: {message}"),
        hint: None,
    };
    let (value, found) = toml_value(directive.value).map_err(|message| {
        let bare = std::str::from_utf8(directive.value).ok();
        let bare = bare.filter(|text| duration::parse(text).is_ok());
        Mistake {
            hint: bare.map(|text| format!("put it in quotes: `{key} = \"{text}\"`")),
            ..wrong(message)
        }
    })?;
    let value =
        read(&value).map_err(|expected| wrong(format!("expected {expected}, found `{found}`")))?;
    *slot = Some(At {
        value,
        line: directive.line,
    });
    Ok(())
}

/// Reads the value alone, so that the key cannot be a table or a path of keys. With the value comes
/// its text, without a comment behind it.
fn toml_value(value: &[u8]) -> Result<(toml::Value, &str), String> {
    let text = std::str::from_utf8(value).map_err(|_| "the value is not UTF-8".to_owned())?;
    let wrong = || format!("expected a TOML value, found `{text}`");
    let start = "value = ".len();
    let mut table: BTreeMap<String, toml::Spanned<toml::Value>> =
        toml::from_str(&format!("value = {text}")).map_err(|_| wrong())?;
    let value = table.remove("value").ok_or_else(wrong)?;
    let span = value.span();
    let found = span
        .start
        .checked_sub(start)
        .zip(span.end.checked_sub(start));
    let found = found
        .and_then(|(start, end)| text.get(start..end))
        .unwrap_or(text);
    Ok((value.into_inner(), found))
}

/// What a key expects, for messages.
type Expected = &'static str;

fn deadline(value: &toml::Value) -> Result<Duration, Expected> {
    let text = value.as_str().ok_or(DEADLINE)?;
    match duration::parse(text).map_err(|_| DEADLINE)? {
        Duration::ZERO => Err("more than no time at all"),
        duration => Ok(duration),
    }
}

fn truth(value: &toml::Value) -> Result<bool, Expected> {
    value.as_bool().ok_or("`true` or `false`")
}

fn groups(value: &toml::Value) -> Result<BTreeSet<String>, Expected> {
    const GROUPS: Expected = "a list of names such as `[\"port-8080\"]`";
    let name = |value: &toml::Value| {
        let name = value.as_str().filter(|name| !name.is_empty());
        name.map(str::to_owned).ok_or(GROUPS)
    };
    value.as_array().ok_or(GROUPS)?.iter().map(name).collect()
}

fn cpus(value: &toml::Value) -> Result<u32, Expected> {
    let number = number(value).filter(|number| *number > 0);
    number.ok_or("a whole number from 1")
}

fn leak(value: &toml::Value) -> Result<LeakRule, Expected> {
    let word = value.as_str().unwrap_or_default();
    let known = LeakRule::WORDS.iter().find(|(known, _)| *known == word);
    known
        .map(|(_, leak)| *leak)
        .ok_or("`\"warn\"` or `\"fail\"`")
}

fn retries(value: &toml::Value) -> Result<u32, Expected> {
    number(value).ok_or("a whole number from 0")
}

fn number(value: &toml::Value) -> Option<u32> {
    u32::try_from(value.as_integer()?).ok()
}

/// The known key that a misspelt one was probably meant to be.
fn nearest(key: &str) -> Option<&'static str> {
    let key = key.to_lowercase();
    let near = (key.len() / 3).clamp(1, 3);
    KEYS.into_iter()
        .map(|known| (strsim::damerau_levenshtein(&key, known), known))
        .filter(|(distance, _)| *distance <= near)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, wanted: &Header) {
        assert_eq!(
            read("a.txtar", text.as_bytes()),
            (wanted.clone(), Vec::new()),
            "{text}"
        );
    }

    #[track_caller]
    fn check_mistake(text: &str, wanted: &str) {
        let (_, mistakes) = read("a.txtar", text.as_bytes());
        let found: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
        assert_eq!(found.join("\n"), wanted, "{text}");
    }

    #[test]
    fn every_key_is_read_with_its_line() {
        let text = "# What it shows.\n#: deadline = \"1m30s\"\n\n#: serial = true # why\n\
                    #:container=false\r\n  #: cpus = 2\n#: retries = 0\n\
                    #: leak = \"fail\"\n#: exclusive = true\n\
                    #: groups = [\"a\", \"b\", \"a\"]\nexec true\n";
        let wanted = Header {
            deadline: Some(At {
                value: Duration::from_secs(90),
                line: 2,
            }),
            serial: Some(At {
                value: true,
                line: 4,
            }),
            container: Some(At {
                value: false,
                line: 5,
            }),
            cpus: Some(At { value: 2, line: 6 }),
            leak: Some(At {
                value: LeakRule::Fail,
                line: 8,
            }),
            retries: Some(At { value: 0, line: 7 }),
            exclusive: Some(At {
                value: true,
                line: 9,
            }),
            groups: Some(At {
                value: ["a", "b"].map(str::to_owned).into(),
                line: 10,
            }),
        };
        check(text, &wanted);
    }

    #[test]
    fn the_first_command_ends_the_header() {
        check("exec true\n#: cpus = 0\n", &Header::default());
    }

    #[test]
    fn any_other_line_is_a_comment() {
        for text in [
            "",
            "#: see below\n",
            "#: = 3\n",
            "#: two words = 3\n",
            "#: a.b = 3\n",
            "#:\n",
            "# : cpus = 0\n",
            "## cpus = 0\n",
            "#: cpus\n",
            "#: http://example.com/?a=b\n",
        ] {
            check(text, &Header::default());
        }
    }

    #[test]
    fn an_unknown_key_names_its_neighbour() {
        check_mistake(
            "\n#: deadlin = \"3m\"\n",
            "a.txtar:2:4: unknown key `deadlin`\n  hint: did you mean `deadline`?",
        );
        check_mistake(
            "#:colour = 1\n",
            "a.txtar:1:3: unknown key `colour`\n  \
             hint: known keys: deadline, serial, exclusive, groups, container, cpus, leak, retries",
        );
    }

    #[test]
    fn a_value_of_the_wrong_type_is_shown_in_its_place() {
        check_mistake(
            "#: serial = 1",
            "a.txtar:1:13: `serial`: expected `true` or `false`, found `1`",
        );
        check_mistake(
            "#: deadline = 30 \r\n",
            "a.txtar:1:15: `deadline`: expected a duration such as `\"500ms\"`, `\"30s\"`, `\"1m30s\"`, found `30`",
        );
        check_mistake(
            "#: deadline = 3m",
            "a.txtar:1:15: `deadline`: expected a TOML value, found `3m`\n  \
             hint: put it in quotes: `deadline = \"3m\"`",
        );
        check_mistake(
            "#: cpus =",
            "a.txtar:1:10: `cpus`: expected a TOML value, found ``",
        );
        check_mistake(
            "#: retries = -1",
            "a.txtar:1:14: `retries`: expected a whole number from 0, found `-1`",
        );
    }

    #[test]
    fn an_impossible_value_is_refused() {
        check_mistake(
            "#: deadline = \"0s\"",
            "a.txtar:1:15: `deadline`: expected more than no time at all, found `\"0s\"`",
        );
        check_mistake(
            "#: cpus = 0",
            "a.txtar:1:11: `cpus`: expected a whole number from 1, found `0`",
        );
        check_mistake(
            "#: groups = \"a\"",
            "a.txtar:1:13: `groups`: expected a list of names such as `[\"port-8080\"]`, found `\"a\"`",
        );
        check_mistake(
            "#: cpus = 5000000000",
            "a.txtar:1:11: `cpus`: expected a whole number from 1, found `5000000000`",
        );
    }

    #[test]
    fn a_key_is_set_once_and_every_mistake_is_told() {
        check_mistake(
            "#: cpus = 1\n#: cpus = 2\n#: serial = 0\n",
            "a.txtar:2:4: `cpus` is set a second time\n  hint: the first is in line 1\n\
             a.txtar:3:13: `serial`: expected `true` or `false`, found `0`",
        );
    }

    #[test]
    fn a_value_that_is_no_text_is_refused() {
        let (_, mistakes) = read("a.txtar", b"#: deadline = \"\xff\"\n");
        assert_eq!(mistakes.len(), 1);
        let message = mistakes.first().map(|mistake| mistake.message.as_str());
        assert_eq!(message, Some("`deadline`: the value is not UTF-8"));
    }

    proptest! {
        #[test]
        fn any_script_is_answered(value in "[^\n]*") {
            read("a.txtar", format!("#: deadline = {value}\n").as_bytes());
        }
    }
}
