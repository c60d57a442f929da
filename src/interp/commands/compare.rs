//! `cmp` and `cmpenv`: whether a file or an output is what it should be. Knows nothing of patterns.

use std::path::Path;

use super::{Command, text};
use crate::interp::Golden;
use crate::interp::gotext;
use crate::interp::halt::{Step, fail};
use crate::interp::registry::Expect;
use crate::interp::session::{Session, usable};
use crate::script::check::{Form, Role};
use crate::script::{diff, expand};

pub(super) const CMP: Command = Command {
    name: "cmp",
    usage: "cmp file1 file2",
    summary: "compare two files; the first may be stdout, stderr or ttyout",
    details: "Byte for byte. Of files that differ the log shows the difference. The second word is always a file, also when it is `stdout`. Negated, the files must differ, and both must be there.",
    example: "cmp stdout wanted.txt",
    negatable: true,
    form: Form::words(2, Some(2), &[Role::Read, Role::Wanted]),
    run: cmp,
};

pub(super) const CMPENV: Command = Command {
    name: "cmpenv",
    usage: "cmpenv file1 file2",
    summary: "compare two files, with variables expanded in the second",
    details: "As `cmp`; but first `$NAME` and `${NAME}` in the second file are replaced by their values. A `$` that shall stay is written `$$`.",
    example: "cmpenv stdout wanted.txt",
    negatable: true,
    form: Form::words(2, Some(2), &[Role::Read, Role::Wanted]),
    run: cmpenv,
};

fn cmp(session: &mut Session<'_>, expect: Expect, arguments: &[Vec<u8>]) -> Step {
    let [first, second] = arguments else {
        return CMP.misused();
    };
    let path = session.path(second);
    // What is tried again is not there yet, and nothing to keep.
    let updates = expect == Expect::Success
        && session.setup.golden == Golden::Update
        && !session.trying
        && session.goldens.holds(&path);
    let (file, wanted) = contents(session, first, second)?;
    let actual = actual(session, first, file.as_deref())?;
    if updates && actual != wanted {
        let actual = actual.to_vec();
        return update(session, second, &path, &actual);
    }
    let compared = compare(expect, (first, actual), (second, &wanted));
    conclude(session, compared)
}

/// Takes what was found for what is wanted from now on.
fn update(session: &mut Session<'_>, name: &[u8], path: &Path, actual: &[u8]) -> Step {
    let shown = text(name);
    session.goldens.update(path, actual).or_else(|error| {
        let quoted = gotext::quote(name);
        fail(format!("cannot update script file {quoted}: {error}"))
    })?;
    if session.goldens.lacks_unquote(path) {
        let advice =
            format!("[{shown} is quoted from now on: add `unquote {shown}` to the script]");
        session.log.line(advice.as_bytes());
    }
    Ok(())
}

fn cmpenv(session: &mut Session<'_>, expect: Expect, arguments: &[Vec<u8>]) -> Step {
    let [first, second] = arguments else {
        return CMPENV.misused();
    };
    let (file, wanted) = contents(session, first, second)?;
    let actual = actual(session, first, file.as_deref())?;
    let wanted = expand(&wanted, &|name| session.lookup(name));
    let compared = compare(expect, (first, actual), (second, &wanted));
    conclude(session, compared)
}

/// What is read of the two: the second is always a file, whatever its name.
fn contents(
    session: &mut Session<'_>,
    first: &[u8],
    second: &[u8],
) -> Step<(Option<Vec<u8>>, Vec<u8>)> {
    if first == second {
        return fail("cmp: cannot compare a file against itself");
    }
    Ok((
        session.read_unless_saved(first)?,
        session.read_file(second)?,
    ))
}

/// What the first word stands for: the file that was read, or a saved output.
fn actual<'s>(session: &'s Session<'_>, name: &[u8], file: Option<&'s [u8]>) -> Step<&'s [u8]> {
    let saved = || session.saved(name).map_or(Ok([].as_slice()), usable);
    file.map_or_else(saved, Ok)
}

/// Why the line fails.
struct Unexpected {
    /// The difference, for the log.
    difference: Option<Vec<u8>>,
    message: Vec<u8>,
}

fn compare(
    expect: Expect,
    (name, actual): (&[u8], &[u8]),
    (wanted_name, wanted): (&[u8], &[u8]),
) -> Result<(), Unexpected> {
    let words = |verb: &str| [name, b" and ", wanted_name, b" ", verb.as_bytes()].concat();
    match (actual == wanted, expect) {
        (true, Expect::Success) | (false, Expect::Failure) => Ok(()),
        (true, Expect::Failure) => Err(Unexpected {
            difference: None,
            message: words("do not differ"),
        }),
        (false, Expect::Success) => Err(Unexpected {
            difference: Some(diff::diff(name, actual, wanted_name, wanted)),
            message: words("differ"),
        }),
    }
}

fn conclude(session: &mut Session<'_>, compared: Result<(), Unexpected>) -> Step {
    compared.or_else(|unexpected| {
        if let Some(difference) = unexpected.difference {
            session.log.line(&difference);
        }
        fail(unexpected.message)
    })
}
