//! What a command line only points at: a script on standard input, variables of the environment, the shard that a
//! CI system gave to this machine.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;

use tempfile::NamedTempFile;

use super::Options;
use crate::host::{environment, process};
use crate::plan::{Shard, ignored_under_exact};
use crate::wire::Variables;

/// A copy of standard input, where a path says `-`: each worker reads its script by itself. It is removed
/// when dropped.
pub(super) fn script(options: &Options) -> Result<Option<NamedTempFile>, String> {
    if !options.paths.iter().any(|path| path == "-") {
        return Ok(None);
    }
    let copy = || {
        let mut file = tempfile::Builder::new()
            .prefix("shakedown-stdin-")
            .tempfile_in(environment::temporary())?;
        io::copy(&mut io::stdin().lock(), &mut file)?;
        file.flush()?;
        Ok(file)
    };
    copy()
        .map(Some)
        .map_err(|error: io::Error| format!("cannot read <stdin>: {error}"))
}

/// The typed variables with their values. One that is copied and not set is empty, as in testscript.
pub(super) fn variables(options: &Options, environment: &[(OsString, OsString)]) -> Variables {
    let value = |name: &str| {
        let value = process::variable(environment, name);
        value.map_or_else(Vec::new, |value| value.as_bytes().to_vec())
    };
    options
        .variables
        .iter()
        .map(|(name, typed)| {
            let typed = typed.as_ref().map(|typed| typed.as_bytes().to_vec());
            let value = typed.unwrap_or_else(|| value(name));
            (name.as_str().into(), value.into())
        })
        .collect()
}

/// The shard of this process; or none, and why what was typed is ignored.
pub(super) fn shard(
    options: &Options,
    environment: &[(OsString, OsString)],
) -> Result<(Option<Shard>, Option<String>), String> {
    if options.selection.exact {
        let typed = options.shard.as_ref();
        return Ok((None, typed.map(|typed| ignored_under_exact(&typed.origin))));
    }
    let variable = |name: &str| {
        let value = process::variable(environment, name)?;
        let value = value.to_string_lossy().into_owned();
        Some(value).filter(|value| !value.is_empty())
    };
    let shard = Shard::find(options.shard.as_ref(), &variable)?;
    Ok((shard, None))
}
