//! The system's errors in Go's words: `open PATH: no such file or directory`.

use std::io;

use super::halt::{Halt, text};

/// The error alone.
pub(super) fn words(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(errno) => errno_words(errno),
        // Names with a NUL byte never reach the system.
        None if error.kind() == io::ErrorKind::InvalidInput => "invalid argument".to_owned(),
        None => error.to_string(),
    }
}

/// An error number. Go has its own table; it is the C library's, begun in lower case.
pub(super) fn errno_words(errno: i32) -> String {
    let shown = io::Error::from_raw_os_error(errno).to_string();
    let words = shown
        .rsplit_once(" (os error")
        .map_or(shown.as_str(), |(words, _)| words);
    let mut letters = words.chars();
    match (letters.next(), letters.clone().next()) {
        // An abbreviation stays as it is.
        (Some(_), Some(second)) if second.is_uppercase() => words.to_owned(),
        (Some(first), _) => first.to_lowercase().chain(letters).collect(),
        (None, _) => format!("errno {errno}"),
    }
}

/// A failure of an operation on a path.
pub(super) fn failure(operation: &str, path: &[u8], error: &io::Error) -> Halt {
    Halt::Failed(text!(operation, " ", path, ": ", words(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_in_lower_case() {
        assert_eq!(errno_words(2), "no such file or directory");
        assert_eq!(errno_words(8), "exec format error");
        assert_eq!(errno_words(21), "is a directory");
        assert_eq!(
            words(&io::Error::from(io::ErrorKind::InvalidInput)),
            "invalid argument"
        );
    }
}
