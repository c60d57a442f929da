//! The txtar container: a comment, which is the script, then files. Any bytes are an archive.
//!
//! Must not know what the comment means or where the files go.

use std::collections::BTreeMap;
use std::fmt;

/// A parsed archive.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Archive {
    /// Everything before the first marker line: the script.
    pub comment: Vec<u8>,
    /// The files in their order; a name may occur twice.
    pub files: Vec<File>,
}

/// One file of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The name as the marker has it, trimmed.
    pub name: Vec<u8>,
    /// The bytes up to the next marker.
    pub data: Vec<u8>,
    /// Line of its marker, from 1.
    pub line: u32,
}

/// Why data cannot be quoted or unquoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuoteError {
    /// The last line of what is to be quoted does not end.
    NoFinalNewline,
    /// What is to be quoted is not UTF-8.
    NotUtf8,
    /// What is to be unquoted has no quoting.
    NotQuoted,
}

impl fmt::Display for QuoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoFinalNewline => "data has no final newline",
            Self::NotUtf8 => "data contains non-UTF-8 characters",
            Self::NotQuoted => "data does not appear to be quoted",
        })
    }
}

impl std::error::Error for QuoteError {}

/// Reads an archive.
pub fn parse(bytes: &[u8]) -> Archive {
    let mut archive = Archive::default();
    let mut number = 0_u32;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        number = number.saturating_add(1);
        if let Some(name) = marker(line) {
            archive.files.push(File {
                name: name.to_vec(),
                data: Vec::new(),
                line: number,
            });
        } else if let Some(file) = archive.files.last_mut() {
            file.data.extend_from_slice(line);
        } else {
            archive.comment.extend_from_slice(line);
        }
    }
    // Only the last section of a file can lack its newline.
    let last = match archive.files.last_mut() {
        Some(file) => &mut file.data,
        None => &mut archive.comment,
    };
    end_line(last);
    archive
}

/// Writes an archive; markers become canonical and missing final newlines are added.
pub fn format(archive: &Archive) -> Vec<u8> {
    let mut out = archive.comment.clone();
    end_line(&mut out);
    for file in &archive.files {
        out.extend_from_slice(b"-- ");
        out.extend_from_slice(&file.name);
        out.extend_from_slice(b" --\n");
        out.extend_from_slice(&file.data);
        end_line(&mut out);
    }
    out
}

/// Puts other data into some files of an archive, by their place in it. Every other byte stays.
pub fn replace(bytes: &[u8], updates: &BTreeMap<usize, Vec<u8>>) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut markers = 0;
    let mut replaced = false;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if marker(line).is_none() {
            if !replaced {
                out.extend_from_slice(line);
            }
            continue;
        }
        out.extend_from_slice(line);
        let update = updates.get(&markers);
        replaced = update.is_some();
        markers += 1;
        if let Some(data) = update {
            end_line(&mut out);
            out.extend_from_slice(data);
        }
    }
    out
}

/// Whether data, put into an archive as it is, would be read back as more than one file.
pub fn needs_quote(data: &[u8]) -> bool {
    data.split_inclusive(|byte| *byte == b'\n')
        .any(|line| line.ends_with(b"\n") && marker(line).is_some())
}

/// Prefixes every line with `>`, so that no line is a marker.
pub fn quote(data: &[u8]) -> Result<Vec<u8>, QuoteError> {
    if data.is_empty() {
        return Ok(Vec::new());
    }
    if !data.ends_with(b"\n") {
        return Err(QuoteError::NoFinalNewline);
    }
    if std::str::from_utf8(data).is_err() {
        return Err(QuoteError::NotUtf8);
    }
    let mut out = Vec::with_capacity(data.len() + 16);
    for line in data.split_inclusive(|byte| *byte == b'\n') {
        out.push(b'>');
        out.extend_from_slice(line);
    }
    Ok(out)
}

/// Takes back what [`quote`] did; a later line without `>` stays as it is.
pub fn unquote(data: &[u8]) -> Result<Vec<u8>, QuoteError> {
    if data.is_empty() {
        return Ok(Vec::new());
    }
    if !data.starts_with(b">") || !data.ends_with(b"\n") {
        return Err(QuoteError::NotQuoted);
    }
    let mut out = Vec::with_capacity(data.len());
    for line in data.split_inclusive(|byte| *byte == b'\n') {
        out.extend_from_slice(line.strip_prefix(b">").unwrap_or(line));
    }
    Ok(out)
}

/// The name in a marker line. `-- --` has no room for one: text (Go's parser crashes there).
fn marker(line: &[u8]) -> Option<&[u8]> {
    // The carriage return goes only together with its newline, as in Go.
    let line = match line.strip_suffix(b"\n") {
        Some(line) => line.strip_suffix(b"\r").unwrap_or(line),
        None => line,
    };
    let name = line.strip_prefix(b"-- ")?.strip_suffix(b" --")?;
    let name = trim(name);
    (!name.is_empty()).then_some(name)
}

/// Trims Unicode white space; bytes that are not UTF-8 are not white space.
pub(super) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let Some(width) = (1..=3).find(|width| is_space(bytes.get(..*width))) {
        bytes = bytes.get(width..).unwrap_or_default();
    }
    while let Some(width) = (1..=3).find(|width| {
        is_space(
            bytes
                .len()
                .checked_sub(*width)
                .and_then(|at| bytes.get(at..)),
        )
    }) {
        bytes = bytes.get(..bytes.len() - width).unwrap_or_default();
    }
    bytes
}

/// Whether the bytes are exactly one white space character.
fn is_space(bytes: Option<&[u8]>) -> bool {
    let Some(Ok(text)) = bytes.map(std::str::from_utf8) else {
        return false;
    };
    let mut chars = text.chars();
    chars.next().is_some_and(char::is_whitespace) && chars.next().is_none()
}

fn end_line(data: &mut Vec<u8>) {
    if data.last().is_some_and(|byte| *byte != b'\n') {
        data.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, comment: &str, files: &[(&str, &str, u32)]) {
        let archive = parse(text.as_bytes());
        let found: Vec<_> = archive
            .files
            .iter()
            .map(|file| {
                let name = String::from_utf8_lossy(&file.name).into_owned();
                (
                    name,
                    String::from_utf8_lossy(&file.data).into_owned(),
                    file.line,
                )
            })
            .collect();
        let files: Vec<_> = files
            .iter()
            .map(|(name, data, line)| ((*name).to_owned(), (*data).to_owned(), *line))
            .collect();
        assert_eq!(
            String::from_utf8_lossy(&archive.comment),
            comment,
            "{text:?}"
        );
        assert_eq!(found, files, "{text:?}");
    }

    #[test]
    fn a_marker_line_starts_a_file() {
        check("a\n-- x --\nb\n", "a\n", &[("x", "b\n", 2)]);
        check("-- x --", "", &[("x", "", 1)]);
        check("--   want   --\n", "", &[("want", "", 1)]);
        check("-- x --\r\nb\r\n", "", &[("x", "b\r\n", 1)]);
        check("-- x --\n-- x --\n", "", &[("x", "", 1), ("x", "", 2)]);
        check("-- \u{a0}x\u{3000} --\n", "", &[("x", "", 1)]);
        check("-- a b --\n", "", &[("a b", "", 1)]);
    }

    #[test]
    fn what_only_looks_like_a_marker_is_text() {
        for text in [
            "-- --\n",
            "--  --\n",
            "--   --\n",
            " -- x --\n",
            "--a --\n",
            "-- a--\n",
            "-- a -- \n",
            "--\n",
            "-- \n",
            "-- \u{2003} --\n",
        ] {
            check(text, text, &[]);
        }
        check("-- x --\r", "-- x --\r\n", &[]);
    }

    #[test]
    fn a_missing_final_newline_is_added() {
        check("a", "a\n", &[]);
        check("", "", &[]);
        check("-- x --\nb", "", &[("x", "b\n", 1)]);
    }

    #[test]
    fn writing_makes_markers_canonical() {
        let archive = parse(b"a\n--   x   --\r\nb");
        assert_eq!(format(&archive), b"a\n-- x --\nb\n");
    }

    #[test]
    fn replacing_a_file_leaves_every_other_byte() {
        for (before, at, data, after) in [
            ("a\n-- x --\nb\n", 0, "c\n", "a\n-- x --\nc\n"),
            ("a\n-- x --\nb\n", 1, "c\n", "a\n-- x --\nb\n"),
            ("a\n-- x --", 0, "c\n", "a\n-- x --\nc\n"),
            ("a\n-- x --\nb", 0, "", "a\n-- x --\n"),
            (
                "a\r\n--  x  --\r\nb\r\n-- y --\nz",
                0,
                "c\n",
                "a\r\n--  x  --\r\nc\n-- y --\nz",
            ),
            (
                "-- x --\n1\n-- x --\n2\n",
                1,
                "c\n",
                "-- x --\n1\n-- x --\nc\n",
            ),
        ] {
            let updates = BTreeMap::from([(at, data.as_bytes().to_vec())]);
            let replaced = replace(before.as_bytes(), &updates);
            assert_eq!(String::from_utf8(replaced).unwrap(), after, "{before:?}");
        }
    }

    #[test]
    fn quoting_is_needed_for_a_marker_that_ends_in_a_newline() {
        assert!(needs_quote(b"a\n-- x --\n"));
        assert!(!needs_quote(b"a\n-- x --"));
        assert!(!needs_quote(b"-- --\n"));
        assert!(!needs_quote(b""));
    }

    #[test]
    fn quoting_refuses_what_it_could_not_take_back() {
        assert_eq!(quote(b""), Ok(Vec::new()));
        assert_eq!(quote(b"a\nb\n"), Ok(b">a\n>b\n".to_vec()));
        assert_eq!(quote(b"a"), Err(QuoteError::NoFinalNewline));
        assert_eq!(quote(b"\xff\n"), Err(QuoteError::NotUtf8));
    }

    #[test]
    fn unquoting_leaves_a_later_bare_line_alone() {
        assert_eq!(unquote(b""), Ok(Vec::new()));
        assert_eq!(unquote(b">a\nb\n>>c\n"), Ok(b"a\nb\n>c\n".to_vec()));
        assert_eq!(unquote(b"a\n"), Err(QuoteError::NotQuoted));
        assert_eq!(unquote(b">a"), Err(QuoteError::NotQuoted));
    }

    /// Bytes of which archives are made, so that markers are common.
    fn text() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(b"-- ".to_vec()),
            Just(b" --".to_vec()),
            Just(b"\n".to_vec()),
            Just(b"\r".to_vec()),
            Just(b"x".to_vec()),
            Just(b">".to_vec()),
            any::<u8>().prop_map(|byte| vec![byte]),
        ];
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn replacing_nothing_changes_nothing_and_replacing_one_changes_one(bytes in text(), at in 0_usize..4) {
            prop_assert_eq!(&replace(&bytes, &BTreeMap::new()), &bytes);
            let data = b"new\n".to_vec();
            let mut archive = parse(&bytes);
            let replaced = parse(&replace(&bytes, &BTreeMap::from([(at, data.clone())])));
            for (number, file) in archive.files.iter_mut().enumerate() {
                if number == at {
                    file.data.clone_from(&data);
                }
                // Lines move.
                file.line = replaced.files.get(number).map_or(0, |file| file.line);
            }
            prop_assert_eq!(replaced, archive);
        }

        #[test]
        fn a_written_archive_is_read_back(bytes in text()) {
            // `-- x --\r` at the very end is text, and becomes a marker with its newline, in Go too.
            prop_assume!(!bytes.ends_with(b"\r"));
            let archive = parse(&bytes);
            let again = parse(&format(&archive));
            prop_assert_eq!(again, archive);
        }

        #[test]
        fn quoted_data_is_unquoted_to_itself_and_needs_no_quote(text in "(-- a --\n|x|>|\n)*\n") {
            let quoted = quote(text.as_bytes()).expect("quotable");
            prop_assert!(!needs_quote(&quoted));
            prop_assert_eq!(unquote(&quoted), Ok(text.into_bytes()));
        }
    }
}
