//! `stdout`, `stderr`, `ttyout`, `grep`: whether a pattern matches. Knows nothing of how patterns are compiled.

use std::num::{IntErrorKind, ParseIntError};

use super::Command;
use crate::host::stream::Stream;
use crate::interp::gotext::{quote, quote_pattern};
use crate::interp::halt::{Step, fail, mistake};
use crate::interp::registry::Expect;
use crate::interp::session::{Session, usable};
use crate::script::check::{Flag, Form, Role};
use crate::script::go_regex;

pub(super) const STDOUT: Command = Command {
    name: "stdout",
    usage: "stdout [-count=N] 'pattern'",
    summary: "match the last standard output",
    details: "The pattern has Go's syntax; `^` and `$` match at the ends of lines. `-count=N` wants exactly N matches and cannot be negated. `! stdout .` wants no output at all.",
    example: "stdout '^done$'",
    negatable: true,
    form: Form::words(1, Some(1), &[Role::Pattern]).after(Flag::Beginning("-count=")),
    run: |session, expect, arguments| output(session, expect, arguments, &STDOUT),
};

pub(super) const STDERR: Command = Command {
    name: "stderr",
    usage: "stderr [-count=N] 'pattern'",
    summary: "match the last standard error",
    details: "As `stdout`, for what the last program wrote to its standard error.",
    example: "! stderr .",
    negatable: true,
    form: Form::words(1, Some(1), &[Role::Pattern]).after(Flag::Beginning("-count=")),
    run: |session, expect, arguments| output(session, expect, arguments, &STDERR),
};

pub(super) const TTYOUT: Command = Command {
    name: "ttyout",
    usage: "ttyout [-count=N] 'pattern'",
    summary: "match what came out of the last terminal",
    details: "As `stdout`, for what the last program wrote to the terminal that `ttyin` gave it.",
    example: "ttyout 'Password:'",
    negatable: true,
    form: Form::words(1, Some(1), &[Role::Pattern]).after(Flag::Beginning("-count=")),
    run: |session, expect, arguments| output(session, expect, arguments, &TTYOUT),
};

pub(super) const GREP: Command = Command {
    name: "grep",
    usage: "grep [-count=N] 'pattern' file",
    summary: "match a file",
    details: "The pattern has Go's syntax; `^` and `$` match at the ends of lines. `-count=N` wants exactly N matches and cannot be negated. The second word is always a file: for outputs there are `stdout` and `stderr`.",
    example: "grep -count=2 '^INFO' log.txt",
    negatable: true,
    form: Form::words(2, Some(2), &[Role::Pattern, Role::Read]).after(Flag::Beginning("-count=")),
    run: grep,
};

fn output(session: &Session<'_>, expect: Expect, arguments: &[Vec<u8>], command: &Command) -> Step {
    let name = command.name.as_bytes();
    let (count, arguments) = count(expect, arguments)?;
    let [pattern] = arguments else {
        return command.misused();
    };
    let query = Query::new(expect, count, pattern)?;
    let stream = session.saved(name);
    query.check(stream.map_or(Ok([].as_slice()), usable)?, name)
}

fn grep(session: &mut Session<'_>, expect: Expect, arguments: &[Vec<u8>]) -> Step {
    let (count, arguments) = count(expect, arguments)?;
    let [pattern, file] = arguments else {
        return GREP.misused();
    };
    let query = Query::new(expect, count, pattern)?;
    let contents = session.read_file(file)?;
    query.check(&contents, file).inspect_err(|_| {
        session.log.raw(&[b"[", file.as_slice(), b"]\n"].concat());
        session.log.line(&contents);
    })
}

/// Takes `-count=N` off the arguments; zero when there is none.
fn count(expect: Expect, arguments: &[Vec<u8>]) -> Step<(usize, &[Vec<u8>])> {
    let [first, rest @ ..] = arguments else {
        return Ok((0, arguments));
    };
    let Some(number) = first.strip_prefix(b"-count=") else {
        return Ok((0, arguments));
    };
    if expect == Expect::Failure {
        return fail("cannot use -count= with negated match");
    }
    let parsed = str::from_utf8(number).ok().map(str::parse::<i64>);
    let wrong = match parsed {
        Some(Ok(number)) => {
            return match usize::try_from(number) {
                Ok(number) if number > 0 => Ok((number, rest)),
                _ => fail("bad -count=: must be at least 1"),
            };
        }
        Some(Err(error)) if is_overflow(&error) => "value out of range",
        _ => "invalid syntax",
    };
    let quoted = quote(number);
    fail(format!(
        "bad -count=: strconv.Atoi: parsing {quoted}: {wrong}"
    ))
}

fn is_overflow(error: &ParseIntError) -> bool {
    matches!(
        error.kind(),
        IntErrorKind::PosOverflow | IntErrorKind::NegOverflow
    )
}

/// A pattern and what is expected of it.
struct Query<'a> {
    expect: Expect,
    count: usize,
    pattern: &'a [u8],
    regex: regex::bytes::Regex,
}

impl<'a> Query<'a> {
    fn new(expect: Expect, count: usize, pattern: &'a [u8]) -> Step<Self> {
        let regex = go_regex::compile(pattern).or_else(|error| mistake(error.message()))?;
        Ok(Query {
            expect,
            count,
            pattern,
            regex,
        })
    }

    fn check(&self, contents: &[u8], name: &[u8]) -> Step {
        let matches = || go_regex::matches_as_is(&self.regex, contents);
        if self.expect == Expect::Success && self.count == 0 && matches() {
            return Ok(());
        }
        let decoded = decoded(contents);
        let decoded = match &decoded {
            Some(stream) => usable(stream)?,
            None => contents,
        };
        let pattern = quote_pattern(self.pattern);
        let found = go_regex::find_decoded(&self.regex, contents, decoded);
        match (found, self.expect) {
            (None, Expect::Failure) => Ok(()),
            (None, Expect::Success) => {
                fail([format!("no match for {pattern} found in ").as_bytes(), name].concat())
            }
            (Some(found), Expect::Failure) => {
                let found = contents.get(found).unwrap_or_default();
                let words = format!("unexpected match for {pattern} found in ");
                fail([words.as_bytes(), name, b": ", found].concat())
            }
            (Some(_), Expect::Success) if self.count == 0 => Ok(()),
            (Some(_), Expect::Success) => match go_regex::count_decoded(&self.regex, decoded) {
                have if have == self.count => Ok(()),
                have => fail(format!(
                    "have {have} matches for {pattern}, want {}",
                    self.count
                )),
            },
        }
    }
}

/// What is searched in place of a text that is not UTF-8; a long one is not kept in memory a second time.
fn decoded(text: &[u8]) -> Option<Stream> {
    let pieces = || Stream::of_pieces(go_regex::decoded_pieces(text));
    str::from_utf8(text).is_err().then(pieces)
}
