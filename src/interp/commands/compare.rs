//! `cmp` and `cmpenv`: whether a file or an output is what it should be. Knows nothing of patterns.

use super::{Command, text};
use crate::interp::halt::{Step, fail};
use crate::interp::registry::Expect;
use crate::interp::session::{Session, read_file};
use crate::script::{diff, expand};

pub(super) const CMP: Command = Command {
    name: "cmp",
    usage: "cmp file1 file2",
    summary: "compare two files; the first may be stdout, stderr or ttyout",
    negatable: true,
    run: cmp,
};

pub(super) const CMPENV: Command = Command {
    name: "cmpenv",
    usage: "cmpenv file1 file2",
    summary: "compare two files, with variables expanded in the second",
    negatable: true,
    run: cmpenv,
};

fn cmp(session: &mut Session<'_>, expect: Expect, arguments: &[Vec<u8>]) -> Step {
    let [first, second] = arguments else {
        return CMP.misused();
    };
    let (actual, wanted) = contents(session, first, second)?;
    compare(session, expect, (first, &actual), (second, &wanted))
}

fn cmpenv(session: &mut Session<'_>, expect: Expect, arguments: &[Vec<u8>]) -> Step {
    let [first, second] = arguments else {
        return CMPENV.misused();
    };
    let (actual, wanted) = contents(session, first, second)?;
    let wanted = expand(&wanted, &|name| session.lookup(name));
    compare(session, expect, (first, &actual), (second, &wanted))
}

/// The second is always a file, whatever its name.
fn contents(session: &Session<'_>, first: &[u8], second: &[u8]) -> Step<(Vec<u8>, Vec<u8>)> {
    if first == second {
        return fail("cmp: cannot compare a file against itself");
    }
    Ok((session.read(first)?, read_file(&session.path(second))?))
}

fn compare(
    session: &mut Session<'_>,
    expect: Expect,
    (name, actual): (&[u8], &[u8]),
    (wanted_name, wanted): (&[u8], &[u8]),
) -> Step {
    let differ = |verb: &str| format!("{} and {} {verb}", text(name), text(wanted_name));
    match (actual == wanted, expect) {
        (true, Expect::Success) | (false, Expect::Failure) => Ok(()),
        (true, Expect::Failure) => fail(differ("do not differ")),
        (false, Expect::Success) => {
            let difference = diff::diff(name, actual, wanted_name, wanted);
            session.log.line(&difference);
            fail(differ("differ"))
        }
    }
}
