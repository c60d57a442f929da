//! Patterns: every one is answered, its translation grows no faster than it does, literals match themselves, and where
//! Go and the `regex` crate write alike they mean alike. It must not know how a pattern is translated.
#![no_main]

use libfuzzer_sys::fuzz_target;
use regex::bytes::Regex;
use shakedown::script::go_regex::{compile, count, decoded, find};

/// A translated character is at most `\x{10FFFF}`, and a class of one letter at most as long as that of all that are no
/// white space.
const GROWTH: usize = 64;

/// What both syntaxes know and read alike. Repetitions of repetitions are errors in Go alone.
const COMMON: &[u8] = b"abc.|()*+?^$\n ";

fuzz_target!(|bytes: &[u8]| {
    // The pattern, then what it is looked for in.
    let mut halves = bytes.splitn(2, |byte| *byte == 0);
    let (pattern, text) = (halves.next().unwrap_or(b""), halves.next().unwrap_or(b""));
    match compile(pattern) {
        Ok(regex) => {
            assert!(regex.as_str().len() <= GROWTH * (pattern.len() + 1));
            let seen = decoded(text);
            let found = find(&regex, &seen);
            assert_eq!(found.is_some(), count(&regex, text) > 0);
            if pattern.iter().all(|byte| COMMON.contains(byte)) {
                let pattern = str::from_utf8(pattern).expect("it is ASCII");
                // `(?)` sets nothing, in Go alone.
                if let Ok(plain) = Regex::new(&format!("(?m){pattern}")) {
                    let wanted = plain.find(&seen).map(|found| found.range());
                    assert_eq!(found, wanted);
                }
            }
        }
        Err(error) => {
            let message = error.to_string();
            assert!(message.starts_with("error parsing regexp: "), "{message}");
        }
    }
    literal(pattern);
});

/// `\Q` and the text, and each of its characters escaped.
fn literal(text: &[u8]) {
    let Ok(text) = str::from_utf8(text) else {
        return;
    };
    let escaped: String = text
        .chars()
        .map(|one| format!(r"\x{{{:x}}}", u32::from(one)))
        .collect();
    let mut patterns = vec![escaped];
    if !text.contains(r"\E") && !text.ends_with('\\') {
        patterns.push(format!(r"\Q{text}\E"));
        patterns.push(format!(r"\Q{text}"));
    }
    for pattern in patterns {
        let regex = compile(pattern.as_bytes()).expect("a literal is a pattern");
        let found = regex.find(text.as_bytes()).map(|found| found.range());
        assert_eq!(found, Some(0..text.len()), "{pattern}");
    }
}
