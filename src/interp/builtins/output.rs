//! Commands about what programs read and wrote: `stdin`, and patterns in outputs and files.

use crate::host::stream::Stream;
use crate::script::go_regex::{Pattern, shown};
use crate::script::go_text;

use crate::interp::execution::Execution;
use crate::interp::halt::{Halt, fail, text};

use super::Call;

pub(super) fn stdin(execution: &mut Execution<'_>, call: &Call<'_>) -> Result<(), Halt> {
    let [file] = call.arguments else {
        return call.misused();
    };
    execution.stdin = execution.read(file)?.into_owned();
    Ok(())
}

pub(super) fn stdout(execution: &mut Execution<'_>, call: &Call<'_>) -> Result<(), Halt> {
    match_stream(call, &execution.stdout)
}

pub(super) fn stderr(execution: &mut Execution<'_>, call: &Call<'_>) -> Result<(), Halt> {
    match_stream(call, &execution.stderr)
}

fn match_stream(call: &Call<'_>, stream: &Stream) -> Result<(), Halt> {
    let (search, rest) = Search::new(call)?;
    let [pattern] = rest else {
        return call.misused();
    };
    let compiled = compile(pattern)?;
    let text = stream
        .bytes()
        .map_err(|overflow| Halt::Failed(text!(call.name, ": ", overflow.to_string())))?;
    search.check(&compiled, pattern, call.name, text)
}

pub(super) fn grep(execution: &mut Execution<'_>, call: &Call<'_>) -> Result<(), Halt> {
    let (search, rest) = Search::new(call)?;
    let [pattern, file] = rest else {
        return call.misused();
    };
    let compiled = compile(pattern)?;
    let text = execution.read_file(file)?;
    let result = search.check(&compiled, pattern, file, &text);
    if result.is_err() {
        execution.log.line(&text!("[", file, "]"));
        execution.log.shortened(&text);
        execution.log.text(b"\n");
    }
    result
}

fn compile(pattern: &[u8]) -> Result<Pattern, Halt> {
    Pattern::new(pattern).map_err(|error| Halt::failed(error.to_string()))
}

/// What is asked of a pattern.
enum Search {
    Occurs,
    OccursNot,
    OccursTimes(usize),
}

impl Search {
    /// Reads `-count=N`, and tells what follows it.
    fn new<'c>(call: &Call<'c>) -> Result<(Search, &'c [Vec<u8>]), Halt> {
        let counted = call
            .arguments
            .split_first()
            .and_then(|(first, rest)| Some((first.strip_prefix(b"-count=")?, rest)));
        match (counted, call.negated) {
            (Some(_), true) => fail!("cannot use -count= with negated match"),
            (Some((count, rest)), false) => Ok((Search::OccursTimes(times(count)?), rest)),
            (None, true) => Ok((Search::OccursNot, call.arguments)),
            (None, false) => Ok((Search::Occurs, call.arguments)),
        }
    }

    fn check(
        &self,
        compiled: &Pattern,
        pattern: &[u8],
        name: &[u8],
        text: &[u8],
    ) -> Result<(), Halt> {
        match self {
            Search::OccursNot => match compiled.find(text) {
                Some(found) => {
                    let what = "unexpected match for ";
                    fail!(what, shown(pattern), " found in ", name, ": ", found)
                }
                None => Ok(()),
            },
            Search::Occurs | Search::OccursTimes(_) if !compiled.is_match(text) => {
                fail!("no match for ", shown(pattern), " found in ", name)
            }
            Search::Occurs => Ok(()),
            Search::OccursTimes(wanted) => {
                let count = compiled.count(text);
                if count == *wanted {
                    return Ok(());
                }
                let (count, wanted) = (count.to_string(), wanted.to_string());
                fail!(
                    "have ",
                    count,
                    " matches for ",
                    shown(pattern),
                    ", want ",
                    wanted
                )
            }
        }
    }
}

/// A count of at least one, with the complaints of Go's `strconv`.
fn times(text: &[u8]) -> Result<usize, Halt> {
    let quoted = go_text::quote(text);
    let digits = text
        .strip_prefix(b"+")
        .or(text.strip_prefix(b"-"))
        .unwrap_or(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return fail!(
            "bad -count=: strconv.Atoi: parsing ",
            quoted,
            ": invalid syntax"
        );
    }
    let number = str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse::<i64>().ok());
    match number.map(usize::try_from) {
        Some(Ok(count @ 1..)) => Ok(count),
        Some(_) => fail!("bad -count=: must be at least 1"),
        None => fail!(
            "bad -count=: strconv.Atoi: parsing ",
            quoted,
            ": value out of range"
        ),
    }
}
