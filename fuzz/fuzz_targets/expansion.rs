//! Variables in text: against a regular expression that says the same, and `@R` against the patterns that it is for.
//! It must not know where values come from.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use regex::bytes::{Captures, Regex};
use shakedown::script::{expand, go_regex};

/// What begins at a `$`, in the order in which it is tried. `$` and anything else stays.
static REFERENCE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?s-u)\$(?:\{([^}]*)\}|\{|([*#$@!?0-9-])|([A-Za-z0-9_]+))").expect("it is valid")
});

/// Shows which name was asked for; `no` has no value.
fn lookup(name: &[u8]) -> Option<Vec<u8>> {
    (name != b"no").then(|| [b"<", name, b">"].concat())
}

fn second_reading(text: &[u8]) -> Vec<u8> {
    let value = |found: &Captures<'_>| {
        let name = (1..=3).find_map(|group| found.get(group));
        let Some(name) = name
            .map(|name| name.as_bytes())
            .filter(|name| !name.is_empty())
        else {
            return Vec::new();
        };
        match name.strip_suffix(b"@R") {
            Some(name) => quoted(&lookup(name).unwrap_or_default()),
            None => lookup(name).unwrap_or_default(),
        }
    };
    REFERENCE.replace_all(text, value).into_owned()
}

fn quoted(value: &[u8]) -> Vec<u8> {
    let escaped = |byte: &u8| match byte {
        b'\\' | b'.' | b'+' | b'*' | b'?' | b'(' | b')' | b'|' | b'[' | b']' | b'{' | b'}'
        | b'^' | b'$' => vec![b'\\', *byte],
        _ => vec![*byte],
    };
    value.iter().flat_map(escaped).collect()
}

fuzz_target!(|text: &[u8]| {
    assert_eq!(expand(text, &lookup), second_reading(text));
    // A value put into a pattern with `@R` matches itself and all of itself.
    let pattern = expand(b"${VALUE@R}", &|_| Some(text.to_vec()));
    if let Ok(text) = str::from_utf8(text) {
        let regex = go_regex::compile(&pattern).expect("what is quoted is a pattern");
        let found = regex.find(text.as_bytes()).map(|found| found.range());
        assert_eq!(found, Some(0..text.len()));
    }
});
