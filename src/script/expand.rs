//! Variables in words: Go's `os.Expand`, byte for byte.
//!
//! Must not know where the values come from, nor anything of quotes and words.

/// Puts the values of the variables into the text. An unset one gives nothing.
pub fn expand(text: &[u8], lookup: &dyn Fn(&[u8]) -> Option<Vec<u8>>) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, after @ ..] = rest {
        rest = after;
        if *byte != b'$' || after.is_empty() {
            out.push(*byte);
            continue;
        }
        match reference(after) {
            Reference::Name { name, width } => {
                out.extend(value(name, lookup));
                rest = after.get(width..).unwrap_or_default();
            }
            Reference::Nothing { width } => rest = after.get(width..).unwrap_or_default(),
            Reference::Literal => out.push(b'$'),
        }
    }
    out
}

/// What follows a `$`.
enum Reference<'a> {
    /// A name; it takes `width` bytes after the `$`.
    Name { name: &'a [u8], width: usize },
    /// Bad syntax that vanishes.
    Nothing { width: usize },
    /// The `$` stands for itself.
    Literal,
}

fn reference(after: &[u8]) -> Reference<'_> {
    match after {
        [b'{', inner @ ..] => match inner.iter().position(|byte| *byte == b'}') {
            None => Reference::Nothing { width: 1 },
            Some(0) => Reference::Nothing { width: 2 },
            Some(end) => Reference::Name {
                name: inner.get(..end).unwrap_or_default(),
                width: end + 2,
            },
        },
        [
            b'*' | b'#' | b'$' | b'@' | b'!' | b'?' | b'-' | b'0'..=b'9',
            ..,
        ] => Reference::Name {
            name: after.get(..1).unwrap_or_default(),
            width: 1,
        },
        _ => {
            let width = after
                .iter()
                .position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')
                .unwrap_or(after.len());
            match after.get(..width) {
                Some(name) if !name.is_empty() => Reference::Name { name, width },
                _ => Reference::Literal,
            }
        }
    }
}

fn value(name: &[u8], lookup: &dyn Fn(&[u8]) -> Option<Vec<u8>>) -> Vec<u8> {
    match name.strip_suffix(b"@R") {
        Some(name) => quote_regex(&lookup(name).unwrap_or_default()),
        None => lookup(name).unwrap_or_default(),
    }
}

/// Go's `regexp.QuoteMeta`.
fn quote_regex(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for byte in value {
        if br"\.+*?()|[]{}^$".contains(byte) {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lookup(name: &[u8]) -> Option<Vec<u8>> {
        let value: &[u8] = match name {
            b"A" => b"one",
            b"A_1" => b"two words",
            b"WORK" => b"/tmp/a.b(c)",
            b"$" => b"$",
            b"/" => b"/",
            b"1" => b"first",
            b"a b" => b"spaced",
            _ => return None,
        };
        Some(value.to_vec())
    }

    #[track_caller]
    fn check(text: &str, wanted: &str) {
        let found = expand(text.as_bytes(), &lookup);
        assert_eq!(String::from_utf8_lossy(&found), wanted, "{text}");
    }

    #[test]
    fn names_take_the_longest_run() {
        check("x$A.y", "xone.y");
        check("$A_1", "two words");
        check("$A_", "");
        check("$UNSET|", "|");
    }

    #[test]
    fn braces_hold_any_name() {
        check("${A}_1", "one_1");
        check("${/}", "/");
        check("${$}", "$");
        check("${a b}", "spaced");
        check("a${}b", "ab");
        check("a${b", "ab");
        check("${", "");
    }

    #[test]
    fn single_characters_are_names_of_their_own() {
        check("$$", "$");
        check("$10", "first0");
        check("$?$-$*$@$!", "");
    }

    #[test]
    fn a_dollar_before_anything_else_stays() {
        check("^foo$", "^foo$");
        check("$/", "$/");
        check("$=$", "$=$");
        check("$.", "$.");
        check("$é", "$é");
    }

    #[test]
    fn the_suffix_quotes_for_regular_expressions() {
        check("${WORK@R}", r"/tmp/a\.b\(c\)");
        check("${UNSET@R}", "");
        check("$A@R", "one@R");
    }

    proptest! {
        #[test]
        fn text_without_dollars_stays_as_it_is(text: Vec<u8>) {
            let text: Vec<u8> = text.into_iter().filter(|byte| *byte != b'$').collect();
            prop_assert_eq!(expand(&text, &lookup), text);
        }

        #[test]
        fn any_text_is_expanded(text: Vec<u8>) {
            expand(&text, &lookup);
        }
    }
}
