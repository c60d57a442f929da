//! Commands that compare files.

use std::borrow::Cow;

use crate::script::{diff, expand};

use crate::interp::execution::Execution;
use crate::interp::halt::{Halt, fail};

use super::Call;

pub(super) fn cmp(execution: &mut Execution<'_>, call: &Call<'_>) -> Result<(), Halt> {
    compare(execution, call, |_, wanted| wanted)
}

pub(super) fn cmpenv(execution: &mut Execution<'_>, call: &Call<'_>) -> Result<(), Halt> {
    compare(execution, call, |execution, wanted| {
        expand(&wanted, &execution.environment)
    })
}

fn compare(
    execution: &mut Execution<'_>,
    call: &Call<'_>,
    prepare: fn(&Execution<'_>, Vec<u8>) -> Vec<u8>,
) -> Result<(), Halt> {
    let [actual_name, wanted_name] = call.arguments else {
        return call.misused();
    };
    if actual_name == wanted_name {
        return fail!("cmp: cannot compare a file against itself");
    }
    let actual = execution.read(actual_name)?;
    let wanted = execution.read_file(wanted_name)?;
    let wanted = prepare(execution, wanted);
    match (*actual == *wanted, call.negated) {
        (true, false) | (false, true) => Ok(()),
        (true, true) => fail!(actual_name, " and ", wanted_name, " do not differ"),
        (false, false) => {
            let names = [actual_name, wanted_name].map(|name| String::from_utf8_lossy(name));
            let difference = diff::diff(&names[0], &actual, &names[1], &wanted);
            drop::<Cow<'_, [u8]>>(actual);
            execution.log.line(&difference);
            fail!(actual_name, " and ", wanted_name, " differ")
        }
    }
}
