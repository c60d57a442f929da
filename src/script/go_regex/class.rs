//! Character classes: `[…]`, `\d` and its kin, `\pN`. Written so that nothing in them is taken for
//! one of the crate's set operators.

use std::fmt::Write;

use regex::bytes::Regex;

use super::PatternError;
use super::escape::{self, Source};

/// A class as the crate shall read it.
pub(super) struct Class {
    negated: bool,
    /// What stands between the brackets.
    items: String,
}

impl Class {
    fn new(negated: bool, items: impl Into<String>) -> Class {
        let items = items.into();
        Class { negated, items }
    }

    /// As an element of a pattern or of another class.
    pub(super) fn written(&self) -> String {
        match (self.negated, self.items.as_str()) {
            // The crate has no notation for an empty class.
            (false, "") => "[a&&b]".to_owned(),
            (true, "") => r"[\x{0}-\x{10FFFF}]".to_owned(),
            (false, items) => format!("[{items}]"),
            (true, items) => format!("[^{items}]"),
        }
    }

    /// Reads `\d`, `\D`, …, `\pN`, `\p{Name}`, if that is what comes next.
    pub(super) fn escaped(source: &mut Source<'_>) -> Result<Option<Class>, PatternError> {
        let (negated, items) = match source.rest().as_bytes() {
            [b'\\', b'd', ..] => (false, "0-9"),
            [b'\\', b'D', ..] => (true, "0-9"),
            [b'\\', b's', ..] => (false, r"\t\n\f\r\x20"),
            [b'\\', b'S', ..] => (true, r"\t\n\f\r\x20"),
            [b'\\', b'w', ..] => (false, "0-9A-Za-z_"),
            [b'\\', b'W', ..] => (true, "0-9A-Za-z_"),
            [b'\\', b'p' | b'P', ..] => return unicode(source).map(Some),
            _ => return Ok(None),
        };
        source.skip(2);
        Ok(Some(Class::new(negated, items)))
    }
}

/// Reads a class in brackets, the opening one included.
pub(super) fn bracketed(source: &mut Source<'_>) -> Result<Class, PatternError> {
    let start = *source;
    source.next();
    let mut class = Class::new(source.peek() == Some('^'), "");
    if class.negated {
        source.next();
    }
    let mut first = true;
    // A bracket right at the start is an ordinary character.
    while first || source.peek() != Some(']') {
        first = false;
        if let Some(name) = posix(source)? {
            class.items.push_str(name);
        } else if let Some(inner) = Class::escaped(source)? {
            class.items.push_str(&inner.written());
        } else {
            let (low, high) = range(source, &start)?;
            push_range(&mut class.items, low, high);
        }
    }
    source.next();
    Ok(class)
}

/// Reads a character or a range of them.
fn range<'p>(source: &mut Source<'p>, class: &Source<'p>) -> Result<(u32, u32), PatternError> {
    let start = *source;
    let low = class_character(source, class)?;
    match source.rest().as_bytes() {
        [b'-', next, ..] if *next != b']' => {
            source.next();
            let high = class_character(source, class)?;
            if high < low {
                let part = source.since(&start);
                return Err(PatternError::new("invalid character class range", part));
            }
            Ok((low, high))
        }
        _ => Ok((low, low)),
    }
}

fn class_character(source: &mut Source<'_>, class: &Source<'_>) -> Result<u32, PatternError> {
    match source.peek() {
        None => Err(PatternError::new("missing closing ]", class.rest())),
        Some('\\') => escape::character(source),
        Some(character) => {
            source.next();
            Ok(u32::from(character))
        }
    }
}

/// Reads `[:name:]` or `[:^name:]`. A `[:` without `:]` behind it is no such thing.
fn posix<'p>(source: &mut Source<'p>) -> Result<Option<&'p str>, PatternError> {
    let inside = source.rest().strip_prefix("[:");
    let Some((name, _)) = inside.and_then(|inside| inside.split_once(":]")) else {
        return Ok(None);
    };
    let start = *source;
    source.skip(name.len() + 4);
    let written = source.since(&start);
    let known = [
        "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
        "space", "upper", "word", "xdigit",
    ];
    if !known.contains(&name.strip_prefix('^').unwrap_or(name)) {
        return Err(PatternError::new("invalid character class range", written));
    }
    Ok(Some(written))
}

/// General categories with their long names.
pub(super) const CATEGORIES: [(&str, &str); 38] = [
    ("C", "other"),
    ("Cc", "control"),
    ("Cf", "format"),
    ("Cn", "unassigned"),
    ("Co", "privateuse"),
    ("Cs", "surrogate"),
    ("L", "letter"),
    ("LC", "casedletter"),
    ("Ll", "lowercaseletter"),
    ("Lm", "modifierletter"),
    ("Lo", "otherletter"),
    ("Lt", "titlecaseletter"),
    ("Lu", "uppercaseletter"),
    ("M", "mark"),
    ("Mc", "spacingmark"),
    ("Me", "enclosingmark"),
    ("Mn", "nonspacingmark"),
    ("N", "number"),
    ("Nd", "decimalnumber"),
    ("Nl", "letternumber"),
    ("No", "othernumber"),
    ("P", "punctuation"),
    ("Pc", "connectorpunctuation"),
    ("Pd", "dashpunctuation"),
    ("Pe", "closepunctuation"),
    ("Pf", "finalpunctuation"),
    ("Pi", "initialpunctuation"),
    ("Po", "otherpunctuation"),
    ("Ps", "openpunctuation"),
    ("S", "symbol"),
    ("Sc", "currencysymbol"),
    ("Sk", "modifiersymbol"),
    ("Sm", "mathsymbol"),
    ("So", "othersymbol"),
    ("Z", "separator"),
    ("Zl", "lineseparator"),
    ("Zp", "paragraphseparator"),
    ("Zs", "spaceseparator"),
];

/// Reads `\pN`, `\p{Name}`, `\p{^Name}` or one with `\P`: a general category or a script.
fn unicode(source: &mut Source<'_>) -> Result<Class, PatternError> {
    let start = *source;
    let mut negated = source.rest().starts_with(r"\P");
    source.skip(2);
    let mut name = if let Some(inside) = source.rest().strip_prefix('{') {
        let (name, _) = inside
            .split_once('}')
            .ok_or_else(|| PatternError::new("invalid character class range", start.rest()))?;
        source.skip(name.len() + 2);
        name
    } else {
        let before = *source;
        source.next();
        source.since(&before)
    };
    if let Some(rest) = name.strip_prefix('^') {
        negated = !negated;
        name = rest;
    }
    let items = property(name)
        .ok_or_else(|| PatternError::new("invalid character class range", source.since(&start)))?;
    Ok(Class::new(negated, items))
}

/// What the crate calls a class of Go's, if Go has it. Case, blanks, `-` and `_` do not count.
fn property(name: &str) -> Option<String> {
    let plain: String = name
        .chars()
        .filter(|c| !matches!(c, ' ' | '-' | '_'))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    match plain.as_str() {
        "any" => return Some(r"\x{0}-\x{10FFFF}".to_owned()),
        "ascii" => return Some(r"\x{0}-\x{7F}".to_owned()),
        "assigned" => return Some(r"\P{gc=Cn}".to_owned()),
        // Surrogates are no characters.
        "cs" | "surrogate" => return Some(String::new()),
        _ => {}
    }
    let category = CATEGORIES
        .iter()
        .find(|(short, long)| short.eq_ignore_ascii_case(&plain) || *long == plain);
    if let Some((short, _)) = category {
        return Some(format!(r"\p{{gc={short}}}"));
    }
    // Only the crate knows all scripts, so it is asked.
    let word = !plain.is_empty() && plain.bytes().all(|b| b.is_ascii_alphanumeric());
    let script = format!(r"\p{{sc={plain}}}");
    (word && Regex::new(&script).is_ok()).then_some(script)
}

/// Appends a range to a class, without the surrogates in it.
fn push_range(items: &mut String, low: u32, high: u32) {
    let low = char::from_u32(low).unwrap_or('\u{e000}');
    let high = char::from_u32(high).unwrap_or('\u{d7ff}');
    if low > high {
        return;
    }
    push_class_character(items, low);
    if low < high {
        items.push('-');
        push_class_character(items, high);
    }
}

fn push_class_character(items: &mut String, character: char) {
    if character.is_alphanumeric() {
        items.push(character);
    } else {
        write!(items, "\\x{{{:X}}}", u32::from(character))
            .expect("writing to a string cannot fail");
    }
}

/// Appends a character that stands for itself to a pattern; a surrogate matches nothing.
pub(super) fn push_character(pattern: &mut String, code: u32) {
    match char::from_u32(code) {
        Some(character) => {
            if r"\.+*?()|[]{}^$".contains(character) {
                pattern.push('\\');
            }
            pattern.push(character);
        }
        None => pattern.push_str("[a&&b]"),
    }
}
