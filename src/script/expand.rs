//! Variables in text, by the rules of Go's `os.Expand`, with `${NAME@R}` for a value that is quoted
//! for patterns. Knows no environment: values come from a [`Variables`].

use std::collections::BTreeMap;

/// Where the values come from.
pub trait Variables {
    /// The value, `None` when unset (which expands to nothing).
    fn value(&self, name: &[u8]) -> Option<&[u8]>;
}

impl Variables for BTreeMap<Vec<u8>, Vec<u8>> {
    fn value(&self, name: &[u8]) -> Option<&[u8]> {
        self.get(name).map(Vec::as_slice)
    }
}

/// The text with its variables replaced.
pub fn expand(text: &[u8], variables: &dyn Variables) -> Vec<u8> {
    let mut expanded = Vec::with_capacity(text.len());
    expand_into(&mut expanded, text, variables);
    expanded
}

/// Appends the text with its variables replaced.
pub(super) fn expand_into(expanded: &mut Vec<u8>, text: &[u8], variables: &dyn Variables) {
    let mut rest = text;
    while let Some(dollar) = rest.iter().position(|b| *b == b'$') {
        // A final `$` is literal.
        if dollar + 1 == rest.len() {
            break;
        }
        expanded.extend_from_slice(&rest[..dollar]);
        rest = &rest[dollar + 1..];
        match reference(rest) {
            Reference::Name { name, length } => {
                push_value(expanded, name, variables);
                rest = &rest[length..];
            }
            Reference::Malformed { length } => rest = &rest[length..],
            Reference::None => expanded.push(b'$'),
        }
    }
    expanded.extend_from_slice(rest);
}

/// What follows a `$`.
enum Reference<'a> {
    /// A name, written in so many bytes.
    Name { name: &'a [u8], length: usize },
    /// `${}`, or `${` without its end: these bytes vanish.
    Malformed { length: usize },
    /// Nothing that could be a name: the `$` is literal.
    None,
}

fn reference(text: &[u8]) -> Reference<'_> {
    match text {
        [b'{', inside @ ..] => match inside.iter().position(|b| *b == b'}') {
            Some(0) => Reference::Malformed { length: 2 },
            Some(end) => Reference::Name {
                name: &inside[..end],
                length: end + 2,
            },
            None => Reference::Malformed { length: 1 },
        },
        [
            b'*' | b'#' | b'$' | b'@' | b'!' | b'?' | b'-' | b'0'..=b'9',
            ..,
        ] => Reference::Name {
            name: &text[..1],
            length: 1,
        },
        _ => {
            let in_name = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
            let length = text.iter().take_while(|b| in_name(b)).count();
            match length {
                0 => Reference::None,
                _ => Reference::Name {
                    name: &text[..length],
                    length,
                },
            }
        }
    }
}

fn push_value(expanded: &mut Vec<u8>, name: &[u8], variables: &dyn Variables) {
    match name.strip_suffix(b"@R") {
        Some(name) => quote_pattern(expanded, variables.value(name).unwrap_or_default()),
        None => expanded.extend_from_slice(variables.value(name).unwrap_or_default()),
    }
}

/// Appends text so that, as a pattern, it matches itself.
fn quote_pattern(quoted: &mut Vec<u8>, text: &[u8]) {
    for byte in text {
        if br"\.+*?()|[]{}^$".contains(byte) {
            quoted.push(b'\\');
        }
        quoted.push(*byte);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn variables() -> BTreeMap<Vec<u8>, Vec<u8>> {
        [
            ("A", "one"),
            ("A_1", "two"),
            ("$", "$"),
            ("/", "/"),
            (":", ":"),
            ("1", "first"),
            ("P", "/a.b/(c)"),
            ("a b", "odd"),
        ]
        .into_iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let expanded = expand(text.as_bytes(), &variables());
        assert_eq!(String::from_utf8(expanded).unwrap(), expected, "{text}");
    }

    #[test]
    fn names_are_as_long_as_they_can_be() {
        check("$A", "one");
        check("x$A.y", "xone.y");
        check("$A_1", "two");
        check("$A_2", "");
        check("$A$A", "oneone");
    }

    #[test]
    fn braces_take_everything_up_to_the_next_closing_one() {
        check("${A}x", "onex");
        check("${a b}", "odd");
        check("${/}${:}${$}", "/:$");
        check("${UNSET}", "");
        check("a${}b", "ab");
        check("a${Ab", "aAb");
        check("a${", "a");
    }

    #[test]
    fn special_names_are_one_character() {
        check("$$", "$");
        check("$10", "first0");
        check("$?$-$@$*$!$#", "");
    }

    #[test]
    fn a_dollar_before_anything_else_is_literal() {
        check("^foo$", "^foo$");
        check("$/", "$/");
        check("$=$", "$=$");
        check("a$ b", "a$ b");
        check("$é", "$é");
    }

    #[test]
    fn the_suffix_r_quotes_for_patterns() {
        check("${P@R}", r"/a\.b/\(c\)");
        check("${UNSET@R}", "");
        check("$P@R", "/a.b/(c)@R");
    }

    proptest! {
        #[test]
        fn text_without_a_dollar_is_unchanged(text in "[^$]*") {
            prop_assert_eq!(expand(text.as_bytes(), &variables()), text.into_bytes());
        }

        #[test]
        fn any_bytes_can_be_expanded(bytes: Vec<u8>) {
            expand(&bytes, &variables());
        }
    }
}
