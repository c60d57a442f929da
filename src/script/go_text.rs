//! Text as Go prints it: `%q`, `%#q`, a list in `%q`. Knows only bytes.

use std::fmt::Write;

/// `%q`: in double quotes, with Go's escapes.
pub fn quote(text: &[u8]) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            push_escaped(&mut quoted, character);
        }
        for byte in chunk.invalid() {
            push_format(&mut quoted, format_args!("\\x{byte:02x}"));
        }
    }
    quoted.push('"');
    quoted
}

fn push_escaped(quoted: &mut String, character: char) {
    match character {
        '"' => quoted.push_str("\\\""),
        '\\' => quoted.push_str("\\\\"),
        '\x07' => quoted.push_str("\\a"),
        '\x08' => quoted.push_str("\\b"),
        '\x0c' => quoted.push_str("\\f"),
        '\n' => quoted.push_str("\\n"),
        '\r' => quoted.push_str("\\r"),
        '\t' => quoted.push_str("\\t"),
        '\x0b' => quoted.push_str("\\v"),
        printable if is_print(printable) => quoted.push(printable),
        control if control < ' ' || control == '\x7f' => {
            push_format(quoted, format_args!("\\x{:02x}", u32::from(control)));
        }
        other if u32::from(other) < 0x10000 => {
            push_format(quoted, format_args!("\\u{:04x}", u32::from(other)));
        }
        other => push_format(quoted, format_args!("\\U{:08x}", u32::from(other))),
    }
}

fn push_format(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments)
        .expect("writing to a string cannot fail");
}

/// Go's `strconv.IsPrint`, as near as the standard library tells: Rust escapes for debugging what is
/// not printable, and every blank but the ASCII one is none for Go.
fn is_print(character: char) -> bool {
    match character {
        ' '..='~' => true,
        other if other.is_ascii() || other.is_whitespace() => false,
        // Combining marks are escaped by Rust but printable for Go; they are written with braces.
        other => !other.escape_debug().to_string().starts_with("\\u{") || is_mark(other),
    }
}

/// The blocks of combining marks.
fn is_mark(character: char) -> bool {
    matches!(u32::from(character), 0x300..=0x36f | 0x1ab0..=0x1ace | 0x1dc0..=0x1dff | 0x20d0..=0x20f0 | 0xfe00..=0xfe0f | 0xfe20..=0xfe2f)
}

/// `%#q`: in back quotes where these can hold the text, else as [`quote`].
pub fn back_quote(text: &[u8]) -> String {
    let plain = |c: char| (c == '\t' || c >= ' ') && !matches!(c, '`' | '\x7f' | '\u{feff}');
    match std::str::from_utf8(text) {
        Ok(text) if text.chars().all(plain) => format!("`{text}`"),
        _ => quote(text),
    }
}

/// `%q` of a list: `["a" "b"]`.
pub fn quote_list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| quote(name.as_bytes())).collect();
    format!("[{}]", quoted.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &[u8], quoted: &str, back_quoted: &str) {
        assert_eq!(quote(text), quoted);
        assert_eq!(back_quote(text), back_quoted);
    }

    #[test]
    fn text_is_quoted_as_go_does() {
        check(b"", r#""""#, "``");
        check(b"a b", r#""a b""#, "`a b`");
        check(br#"a"\"#, r#""a\"\\""#, r#"`a"\`"#);
        check(b"a\tb", r#""a\tb""#, "`a\tb`");
        check(b"a\nb\x01\x7f", r#""a\nb\x01\x7f""#, r#""a\nb\x01\x7f""#);
        check(b"`", r#""`""#, r#""`""#);
        check(b"\xff\xc3", r#""\xff\xc3""#, r#""\xff\xc3""#);
        check("é😀e\u{301}".as_bytes(), "\"é😀e\u{301}\"", "`é😀e\u{301}`");
        check(
            "\u{a0}\u{200b}".as_bytes(),
            r#""\u00a0\u200b""#,
            "`\u{a0}\u{200b}`",
        );
        check("\u{feff}".as_bytes(), r#""\ufeff""#, r#""\ufeff""#);
    }

    #[test]
    fn a_list_is_quoted_word_by_word() {
        assert_eq!(quote_list(&["a", "b"]), r#"["a" "b"]"#);
    }
}
