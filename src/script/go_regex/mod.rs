//! Patterns in Go's RE2 syntax, matched by the `regex` crate: a small parser reads Go's syntax and
//! writes the other. Knows patterns and the bytes they are matched against.
//!
//! Go decodes text that is not UTF-8 byte by byte as U+FFFD. So do we, before matching.

mod class;
mod escape;
mod translate;

use std::borrow::Cow;

use regex::bytes::{Regex, RegexBuilder};

use super::go_text;

/// A compiled pattern, always with `(?m)`.
#[derive(Debug)]
pub struct Pattern {
    regex: Regex,
}

/// A pattern that Go refuses, in Go's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {what}: `{part}`")]
pub struct PatternError {
    what: &'static str,
    part: String,
}

impl PatternError {
    fn new(what: &'static str, part: impl Into<String>) -> PatternError {
        let part = part.into();
        PatternError { what, part }
    }
}

/// More than any sane pattern needs; Go's own limit is of this order.
const SIZE_LIMIT: usize = 64 << 20;

impl Pattern {
    /// Compiles `(?m)` + `pattern`.
    pub fn new(pattern: &[u8]) -> Result<Pattern, PatternError> {
        let whole = [b"(?m)", pattern].concat();
        let whole = str::from_utf8(&whole).map_err(|error| {
            let rest = String::from_utf8_lossy(&whole[error.valid_up_to()..]);
            PatternError::new("invalid UTF-8", rest)
        })?;
        let translated = translate::translate(whole)?;
        let regex = RegexBuilder::new(&translated)
            .multi_line(true)
            .size_limit(SIZE_LIMIT)
            .nest_limit(4 * translate::MAX_DEPTH)
            .build();
        match regex {
            Ok(regex) => Ok(Pattern { regex }),
            // The translation only writes what is valid, so only size is left.
            Err(_) => Err(PatternError::new("expression too large", whole)),
        }
    }

    /// Whether the pattern occurs.
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.regex.is_match(&decoded(text))
    }

    /// The first occurrence.
    pub fn find<'t>(&self, text: &'t [u8]) -> Option<&'t [u8]> {
        let decoded = decoded(text);
        let found = self.regex.find(&decoded)?;
        let original = |at| match &decoded {
            Cow::Borrowed(_) => at,
            Cow::Owned(_) => undecoded_offset(text, at),
        };
        Some(&text[original(found.start())..original(found.end())])
    }

    /// How often the pattern occurs, without overlaps; empty occurrences count.
    pub fn count(&self, text: &[u8]) -> usize {
        // Go ignores an empty match right behind another match, as the crate does.
        self.regex.find_iter(&decoded(text)).count()
    }
}

/// The text as Go sees it.
fn decoded(text: &[u8]) -> Cow<'_, [u8]> {
    if str::from_utf8(text).is_ok() {
        return Cow::Borrowed(text);
    }
    let mut decoded = Vec::with_capacity(text.len() + text.len() / 8);
    for chunk in text.utf8_chunks() {
        decoded.extend_from_slice(chunk.valid().as_bytes());
        for _ in chunk.invalid() {
            decoded.extend_from_slice(REPLACEMENT.as_bytes());
        }
    }
    Cow::Owned(decoded)
}

const REPLACEMENT: &str = "\u{fffd}";

/// The place in the text that a place in its decoded form stands for.
fn undecoded_offset(text: &[u8], decoded_offset: usize) -> usize {
    let (mut decoded, mut original) = (0, 0);
    for chunk in text.utf8_chunks() {
        let valid = chunk.valid().len();
        if decoded_offset <= decoded + valid {
            return original + (decoded_offset - decoded);
        }
        decoded += valid;
        original += valid;
        for _ in chunk.invalid() {
            decoded += REPLACEMENT.len();
            original += 1;
            if decoded_offset <= decoded {
                return original;
            }
        }
    }
    original
}

/// A pattern as messages show it.
pub fn shown(pattern: &[u8]) -> String {
    go_text::back_quote(pattern)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Checks how often a pattern occurs in a text.
    #[track_caller]
    fn check(pattern: &str, text: impl AsRef<[u8]>, expected: usize) {
        let compiled = Pattern::new(pattern.as_bytes()).unwrap();
        let text = text.as_ref();
        assert_eq!(
            compiled.count(text),
            expected,
            "{pattern} in {text:?}: {compiled:?}"
        );
        assert_eq!(compiled.is_match(text), expected > 0);
    }

    #[track_caller]
    fn check_error(pattern: impl AsRef<[u8]>, expected: &str) {
        let error = Pattern::new(pattern.as_ref()).unwrap_err().to_string();
        assert_eq!(error, format!("error parsing regexp: {expected}"));
    }

    #[test]
    fn a_brace_that_starts_no_repetition_is_literal() {
        check(r#"{"a": {}}"#, r#"{"a": {}}"#, 1);
        check("{{.Id}}", "{{.Id}}", 1);
        check("a{,2}", "a{,2}", 1);
        check("a{,2}", "aa", 0);
        check("a{x}", "a{x}", 1);
        check("a{01}", "a{01}", 1);
        check("a{1", "a{1", 1);
        check("a}b]", "a}b]", 1);
        check("a{2}", "aaaa", 2);
        check("^a{2,}$", "aaaa", 1);
        check("^a{1,2}$", "aaa", 0);
        check("a{0}b", "ab", 1);
    }

    #[test]
    fn quoted_stretches_are_literal() {
        check(r"\Qa.b\E.", "a.bx", 1);
        check(r"\Qa.b", "a.b", 1);
        check(r"\Qa.b", "axb", 0);
        check(r"\Q\E", "", 1);
        check(r"\Qab\E+", "abb", 1);
        check(r"^\Q\d\E$", r"\d", 1);
        check(r"^a\Q\E*$", "aaa", 1);
    }

    #[test]
    fn escaped_angles_are_literal() {
        check(r"\<a\>", "<a>", 1);
        check(r"\<a\>", "a", 0);
        check(r"\_\-\@\#\~\&\/\ ", "_-@#~&/ ", 1);
        check("<>#~&-/_ '\"`%", "<>#~&-/_ '\"`%", 1);
    }

    #[test]
    fn classes_hold_plain_characters() {
        check("[[]", "[", 1);
        check("[a&&b]", "a&b", 3);
        check("[+--]", "+,-", 3);
        check_error("[a--b]", "invalid character class range: `a--`");
        check("[a~~b]", "~", 1);
        check("[]a]", "]a", 2);
        check("[^]a]", "]ab", 1);
        check("[a-]", "a-", 2);
        check("[-a]", "a-", 2);
        check("[a^]", "^", 1);
        check("[.]", "x", 0);
        check("[$|()*+?{}]", "$|()*+?{}", 9);
        check(r"[\]\\]", r"\]", 2);
        check("[<>]", "<>", 2);
        check("[[:alpha:]_]", "a_1", 2);
        check("[[:^alpha:]]", "a_1", 2);
        check("[[:alpha]", "[:", 2);
        check(r"[^\n]", "a\nb", 2);
        check("[^a]", "\n", 1);
    }

    #[test]
    fn perl_classes_are_ascii() {
        check(r"\d", "1٣", 1);
        check(r"\w", "aé_", 2);
        check(r"\W", "aé_", 1);
        check(r"\s", " \t\n\r\x0c\x0b\u{a0}", 5);
        check(r"\S", "\x0b ", 1);
        check(r"[\d-]", "1-", 2);
        check(r"[^\D]", "a1", 1);
        check(r"[\W\d]", "a1-", 2);
        check(r"\bé", "é", 0);
        check(r"a\b", "aé a", 2);
        check(r"a\B", "ab a", 1);
    }

    #[test]
    fn a_dot_matches_a_character_or_a_stray_byte() {
        check("^.$", "é", 1);
        check("^.$", b"\xff", 1);
        check("^..$", b"\xe2\x82", 1);
        check(".", "\n", 0);
        check("(?s).", "\n", 1);
        check("[^a]", b"\xff", 1);
        check(r"\x{FFFD}", b"\xff", 1);
        let pattern = Pattern::new(b"b.c").unwrap();
        assert_eq!(
            pattern.find(b"\xff\xe9ab\xffcd"),
            Some(b"b\xffc".as_slice())
        );
        assert_eq!(pattern.find(b"a\xff"), None);
    }

    #[test]
    fn escapes_are_those_of_go() {
        check(r"\101\x41\x{41}\07", "AAA\x07", 1);
        check(r"\0", "\0", 1);
        check(r"\a\f\n\r\t\v", "\x07\x0c\n\r\t\x0b", 1);
        check(r"[\x41-\103]", "ABCD", 3);
        check(r"\x{D800}|a", "a", 1);
        check(r"[\x{D800}]|[^\x{D800}]", "a", 1);
        check(r"[\x{D000}-\x{DFFF}]", "\u{d000}\u{e000}", 1);
        check_error(r"\1", r"invalid escape sequence: `\1`");
        check_error(r"\8", r"invalid escape sequence: `\8`");
        check_error(r"\E", r"invalid escape sequence: `\E`");
        check_error(r"\Z", r"invalid escape sequence: `\Z`");
        check_error(r"\C", r"invalid escape sequence: `\C`");
        check_error(r"\é", r"invalid escape sequence: `\é`");
        check_error(r"\x4", r"invalid escape sequence: `\x4`");
        check_error(r"\x{110000}", r"invalid escape sequence: `\x{110000`");
        check_error(r"\x{}", r"invalid escape sequence: `\x{}`");
        check_error(r"a\", "trailing backslash at end of expression: ``");
        check_error(r"[\b]", r"invalid escape sequence: `\b`");
    }

    #[test]
    fn lines_are_the_unit_of_anchors() {
        check("^a$", "b\na\nc", 1);
        check(r"\Aa", "b\na", 0);
        check(r"a\z", "a\n", 0);
        check("(?-m)^a$", "b\na", 0);
        check("(?-m)^a$", "a\n", 0);
        check("(?-m:^a)|^b", "b\na\nb", 2);
        check("^", "a\nb\n", 3);
        check("$", "a\nb\n", 3);
        check("^*a", "a", 1);
    }

    #[test]
    fn flags_hold_to_the_end_of_their_group() {
        check("(?i)ab", "AB", 1);
        check("(?i:a)b", "AB", 0);
        check("(?i:a)b", "Ab", 1);
        check("a(?i)b|c", "aB C", 2);
        check("(a(?i)b)c", "aBC", 0);
        check("(?i)a(?-i)b", "AB", 0);
        check("(?i)[k]", "\u{212a}", 1);
        check(r"(?i)\w", "\u{212a}", 1);
        check("(?U)a+", "aaa", 3);
        check("(?U)a+?", "aaa", 1);
        check("a+?", "aaa", 3);
        check("(?P<n>a)(?<m>b)(?P<1>c)", "abc", 1);
        check("(?P<n>a)(?P<n>b)", "ab", 1);
        check("(?)a", "a", 1);
        check("^a(?i)*$", "aaa", 1);
    }

    #[test]
    fn unicode_classes_are_categories_and_scripts() {
        check(r"\pL", "aé1", 2);
        check(r"\PL", "aé1", 1);
        check(r"\p{Greek}", "aα", 1);
        check(r"\p{^Greek}", "aα", 1);
        check(r"\P{^Greek}", "aα", 1);
        check(r"[\p{Lu}\d]", "aA1", 2);
        check(r"\p{Any}", "\n", 1);
        check(r"\p{Cn}|\p{Co}|\p{LC}|\p{C}|\p{Assigned}", "a", 1);
        check(r"\p{Cs}|\P{Cs}", "a", 1);
        check(r"\p{Old_Italic}", "a", 0);
        check_error(r"\p{Nope}", r"invalid character class range: `\p{Nope}`");
        check_error(
            r"\p{Alphabetic}",
            r"invalid character class range: `\p{Alphabetic}`",
        );
        check_error(r"\p", r"invalid character class range: `\p`");
        check_error(r"\p{L", r"invalid character class range: `\p{L`");
    }

    #[test]
    fn all_categories_are_known_to_the_crate() {
        for (short, long) in class::CATEGORIES {
            for name in [short, long] {
                let pattern = format!(r"[\p{{{name}}}\P{{{name}}}]");
                check(&pattern, "a", 1);
            }
        }
    }

    #[test]
    fn repetitions_do_not_stack_or_explode() {
        check_error("a**", "invalid nested repetition operator: `**`");
        check_error("a*?*b", "invalid nested repetition operator: `*?*`");
        check_error("a+{2}", "invalid nested repetition operator: `+{2}`");
        check_error("a{2}{3}?b", "invalid nested repetition operator: `{2}{3}?`");
        check_error("*a", "missing argument to repetition operator: `*`");
        check_error("a|*?b", "missing argument to repetition operator: `*?`");
        check_error("(+)", "missing argument to repetition operator: `+`");
        check_error("{2}", "missing argument to repetition operator: `{2}`");
        check_error("a{1001}", "invalid repeat count: `{1001}`");
        check_error("a{2,1}b", "invalid repeat count: `{2,1}`");
        check_error("a{1001,}", "invalid repeat count: `{1001,}`");
        check_error("a{99999999999}", "invalid repeat count: `{99999999999}`");
        check_error("(a{100}){11}", "invalid repeat count: `{11}`");
        check_error("((a{2}b|c{100}){2}){6}?x", "invalid repeat count: `{6}?`");
        check("(a{100}){10}", "a".repeat(1000), 1);
        check("(a*)*", "aa", 1);
        check("(|a)+b", "aab", 1);
    }

    #[test]
    fn what_does_not_close_is_told() {
        check_error("foo(", "missing closing ): `(?m)foo(`");
        check_error("foo)", "unexpected ): `(?m)foo)`");
        check_error("a[bc", "missing closing ]: `[bc`");
        check_error("a[]", "missing closing ]: `[]`");
        check_error("a[^", "missing closing ]: `[^`");
        check_error("[z-a]", "invalid character class range: `z-a`");
        check_error(r"[a-\d]", r"invalid escape sequence: `\d`");
        check_error("[[:nope:]]", "invalid character class range: `[:nope:]`");
        check_error(b"a\xff", "invalid UTF-8: `\u{fffd}`");
    }

    #[test]
    fn perl_syntax_that_go_lacks_is_refused() {
        check_error("(?x)a", "invalid or unsupported Perl syntax: `(?x`");
        check_error("(?=a)", "invalid or unsupported Perl syntax: `(?=`");
        check_error("(?P>n)", "invalid or unsupported Perl syntax: `(?P`");
        check_error("(?<", "invalid or unsupported Perl syntax: `(?<`");
        check_error("(?i-)a", "invalid or unsupported Perl syntax: `(?i-)`");
        check_error("(?", "invalid or unsupported Perl syntax: `(?`");
        check_error("(?P<a b>c)", "invalid named capture: `(?P<a b>`");
        check_error("(?P<a", "invalid named capture: `(?P<a`");
        check_error("(?<>a)", "invalid named capture: `(?<>`");
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth| "(".repeat(depth) + "a" + &")".repeat(depth);
        check(&nested(900), "a", 1);
        let error = Pattern::new(nested(1001).as_bytes()).unwrap_err();
        assert_eq!(error.what, "expression nests too deeply");
    }

    proptest! {
        #[test]
        fn what_is_translated_is_accepted(pattern in r"([a-c]|[\]\[(){}|*+?^$.\\<>,:&~-]|\\[dDsSwWbBAzQEpxPL]|[0-9]|\(\?i\)|\(\?:|\[\^|\\pL|\\x41){0,12}") {
            if let Err(error) = Pattern::new(pattern.as_bytes()) {
                prop_assert_ne!(error.what, "expression too large");
            }
        }

        #[test]
        fn a_quoted_text_matches_itself(text in "[^\\\\]{1,20}") {
            let pattern = Pattern::new(format!(r"\A\Q{text}\E\z").as_bytes()).unwrap();
            prop_assert!(pattern.is_match(text.as_bytes()));
        }
    }
}
