//! The txtar archive: a comment, then files behind marker lines. Bytes in, bytes out; parsing cannot
//! fail. Knows nothing of scripts: the comment is just bytes here.

/// A parsed archive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Archive {
    /// Everything before the first marker line.
    pub comment: Vec<u8>,
    /// The files, in order; names may repeat.
    pub files: Vec<File>,
}

/// One file of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The name between the marker's dashes, trimmed, as written.
    pub name: Vec<u8>,
    /// Its content; not empty means that it ends in a newline.
    pub data: Vec<u8>,
    /// The line of its marker, from 1.
    pub line: u32,
}

/// Why data cannot be quoted or unquoted. The words are those of Go's package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuoteError {
    /// The last line lacks its newline.
    #[error("data has no final newline")]
    NoFinalNewline,
    /// Only text can be quoted.
    #[error("data contains non-UTF-8 characters")]
    NotUtf8,
    /// The first line does not start with `>`, or the last lacks its newline.
    #[error("data does not appear to be quoted")]
    NotQuoted,
}

impl Archive {
    /// Parses any bytes.
    pub fn parse(bytes: &[u8]) -> Archive {
        let mut archive = Archive::default();
        let mut section_start = 0;
        let mut at = 0;
        for (line, number) in bytes.split_inclusive(|b| *b == b'\n').zip(1..) {
            let next = at + line.len();
            if let Some(name) = marker(line) {
                archive.end_section(&bytes[section_start..at]);
                archive.files.push(File {
                    name: name.to_vec(),
                    data: Vec::new(),
                    line: number,
                });
                section_start = next;
            }
            at = next;
        }
        archive.end_section(&bytes[section_start..]);
        archive
    }

    fn end_section(&mut self, data: &[u8]) {
        let section = match self.files.last_mut() {
            Some(file) => &mut file.data,
            None => &mut self.comment,
        };
        section.reserve_exact(data.len() + 1);
        push_completed(section, data);
    }

    /// The canonical text: what was parsed from it parses to the same archive.
    pub fn format(&self) -> Vec<u8> {
        let mut text = Vec::new();
        push_completed(&mut text, &self.comment);
        for file in &self.files {
            text.extend_from_slice(b"-- ");
            text.extend_from_slice(&file.name);
            text.extend_from_slice(b" --\n");
            push_completed(&mut text, &file.data);
        }
        text
    }
}

fn push_completed(text: &mut Vec<u8>, data: &[u8]) {
    text.extend_from_slice(data);
    if data.last().is_some_and(|last| *last != b'\n') {
        text.push(b'\n');
    }
}

/// The name, if this line (with its newline, if it has one) is a marker.
fn marker(line: &[u8]) -> Option<&[u8]> {
    if !line.starts_with(b"-- ") {
        return None;
    }
    // Only a line that ends may end in CRLF: an unfinished last line keeps its `\r`.
    let line = match line.strip_suffix(b"\n") {
        Some(ended) => ended.strip_suffix(b"\r").unwrap_or(ended),
        None => line,
    };
    let name = trim(line.strip_prefix(b"-- ")?.strip_suffix(b" --")?);
    (!name.is_empty()).then_some(name)
}

/// Without Unicode white space at both ends.
pub(super) fn trim(bytes: &[u8]) -> &[u8] {
    let Some(first) = bytes.utf8_chunks().next() else {
        return bytes;
    };
    let start = first.valid().len() - first.valid().trim_start().len();
    let bytes = &bytes[start..];
    match bytes.utf8_chunks().last() {
        Some(last) if last.invalid().is_empty() => {
            let blank = last.valid().len() - last.valid().trim_end().len();
            &bytes[..bytes.len() - blank]
        }
        _ => bytes,
    }
}

/// Whether data holds a line that an archive would take for a marker.
pub fn needs_quote(data: &[u8]) -> bool {
    data.split_inclusive(|b| *b == b'\n')
        .any(|line| line.ends_with(b"\n") && marker(line).is_some())
}

/// Puts `>` before every line.
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
    let mut quoted = Vec::with_capacity(data.len() + data.len() / 16);
    for line in data.split_inclusive(|b| *b == b'\n') {
        quoted.push(b'>');
        quoted.extend_from_slice(line);
    }
    Ok(quoted)
}

/// Undoes [`quote`]. A later line without `>` is left alone.
pub fn unquote(data: &[u8]) -> Result<Vec<u8>, QuoteError> {
    if data.is_empty() {
        return Ok(Vec::new());
    }
    if !data.starts_with(b">") || !data.ends_with(b"\n") {
        return Err(QuoteError::NotQuoted);
    }
    let mut plain = Vec::with_capacity(data.len());
    for line in data.split_inclusive(|b| *b == b'\n') {
        plain.extend_from_slice(line.strip_prefix(b">").unwrap_or(line));
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Shows an archive as `comment|name@line=data|…`.
    fn show(archive: &Archive) -> String {
        let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
        archive
            .files
            .iter()
            .fold(text(&archive.comment), |shown, file| {
                format!(
                    "{shown}|{}@{}={}",
                    text(&file.name),
                    file.line,
                    text(&file.data)
                )
            })
    }

    #[track_caller]
    fn check(bytes: &[u8], expected: &str) {
        assert_eq!(show(&Archive::parse(bytes)), expected);
    }

    #[test]
    fn sections_end_at_the_next_marker() {
        check(b"", "");
        check(b"a\nb\n", r"a\nb\n");
        check(b"a\n-- x --\n1\n-- y --\n2\n", r"a\n|x@2=1\n|y@4=2\n");
        check(b"-- x --\n", "|x@1=");
        check(b"-- x --", "|x@1=");
        check(b"-- x --\n-- x --\n1\n", r"|x@1=|x@2=1\n");
    }

    #[test]
    fn a_missing_final_newline_is_added_and_crlf_data_is_kept() {
        check(b"a", r"a\n");
        check(b"-- x --\nb", r"|x@1=b\n");
        check(b"-- x --\r\nb\r\n", r"|x@1=b\r\n");
        check(b"-- x --\r", r"-- x --\r\n");
    }

    #[test]
    fn names_are_trimmed_and_never_empty() {
        check(b"--   want   --\n", "|want@1=");
        check("-- \u{a0}x\u{2003} --\n".as_bytes(), "|x@1=");
        check(b"-- \xa0x --\n", r"|\xa0x@1=");
        check(b"-- a b --\n", "|a b@1=");
        check(b"-- --\n", r"-- --\n");
        check(b"--  --\n", r"--  --\n");
        check(b"--   --\n", r"--   --\n");
    }

    #[test]
    fn what_only_looks_like_a_marker_is_text() {
        for text in [
            " -- a --\n",
            "--a --\n",
            "-- a--\n",
            "-- a -- \n",
            "- a -\n",
        ] {
            check(text.as_bytes(), &text.as_bytes().escape_ascii().to_string());
        }
    }

    #[test]
    fn only_data_with_a_finished_marker_line_needs_quotes() {
        assert!(needs_quote(b"a\n-- x --\nb\n"));
        assert!(!needs_quote(b"a\n-- x --"));
        assert!(!needs_quote(b"a\n> -- x --\n"));
    }

    #[test]
    fn quoting_refuses_what_it_could_not_give_back() {
        assert_eq!(quote(b""), Ok(Vec::new()));
        assert_eq!(quote(b"a\n\nb\n"), Ok(b">a\n>\n>b\n".to_vec()));
        assert_eq!(quote(b"a"), Err(QuoteError::NoFinalNewline));
        assert_eq!(quote(b"\xff\n"), Err(QuoteError::NotUtf8));
        assert_eq!(unquote(b""), Ok(Vec::new()));
        assert_eq!(unquote(b">a\nb\n"), Ok(b"a\nb\n".to_vec()));
        assert_eq!(unquote(b"a\n"), Err(QuoteError::NotQuoted));
        assert_eq!(unquote(b">a"), Err(QuoteError::NotQuoted));
    }

    /// Lines that are markers, nearly markers, or plain.
    fn archive_text() -> impl Strategy<Value = Vec<u8>> {
        let line = prop_oneof![
            "-- [ a-z./$]{0,6} --",
            "-{0,3} {0,2}[a-z]{0,2} {0,2}-{0,3}",
            ">?[a-z ]{0,8}",
            "\\PC{0,8}",
        ];
        (proptest::collection::vec(line, 0..12), any::<bool>()).prop_map(|(lines, ended)| {
            let end = if ended { "\n" } else { "" };
            (lines.join("\n") + end).into_bytes()
        })
    }

    proptest! {
        #[test]
        fn a_formatted_archive_parses_to_itself(text in archive_text()) {
            let archive = Archive::parse(&text);
            prop_assert_eq!(Archive::parse(&archive.format()), archive);
        }

        #[test]
        fn parsing_keeps_every_byte_of_any_input(bytes: Vec<u8>) {
            let archive = Archive::parse(&bytes);
            let kept = archive.comment.len() + archive.files.iter().map(|f| f.data.len()).sum::<usize>();
            prop_assert!(archive.files.is_empty() == (kept == bytes.len() || kept == bytes.len() + 1));
        }

        #[test]
        fn quoted_text_comes_back_and_is_no_marker(text in archive_text()) {
            prop_assume!(text.is_empty() || text.ends_with(b"\n"));
            let quoted = quote(&text).unwrap();
            prop_assert!(!needs_quote(&quoted));
            prop_assert_eq!(unquote(&quoted).unwrap(), text);
        }
    }
}
