//! What is wrong with a pattern, in the words of Go's compiler.
//!
//! It must not know how patterns are read.

use std::fmt;

/// A pattern that Go would not compile either.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {kind}: `{}`", String::from_utf8_lossy(part))]
pub struct GoRegexError {
    kind: Kind,
    part: Vec<u8>,
}

impl GoRegexError {
    /// The error `kind`, seen in this part of the pattern.
    pub(super) fn new(kind: Kind, part: &[u8]) -> Self {
        let part = part.to_vec();
        Self { kind, part }
    }

    /// The message with the pattern's own bytes, UTF-8 or not.
    pub fn message(&self) -> Vec<u8> {
        let words = format!("error parsing regexp: {}: `", self.kind);
        [words.as_bytes(), &self.part, b"`"].concat()
    }
}

/// The kinds of error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    CharRange,
    Escape,
    NamedCapture,
    PerlOp,
    RepeatOp,
    RepeatSize,
    Utf8,
    MissingBracket,
    MissingParen,
    MissingRepeatArgument,
    NestingDepth,
    TooLarge,
    TrailingBackslash,
    UnexpectedParen,
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::CharRange => "invalid character class range",
            Self::Escape => "invalid escape sequence",
            Self::NamedCapture => "invalid named capture",
            Self::PerlOp => "invalid or unsupported Perl syntax",
            Self::RepeatOp => "invalid nested repetition operator",
            Self::RepeatSize => "invalid repeat count",
            Self::Utf8 => "invalid UTF-8",
            Self::MissingBracket => "missing closing ]",
            Self::MissingParen => "missing closing )",
            Self::MissingRepeatArgument => "missing argument to repetition operator",
            Self::NestingDepth => "expression nests too deeply",
            Self::TooLarge => "expression too large",
            Self::TrailingBackslash => "trailing backslash at end of expression",
            Self::UnexpectedParen => "unexpected )",
        })
    }
}
