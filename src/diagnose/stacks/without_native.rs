//! Stands in for `native` where threads cannot be read: the feature is off, or it is not x86-64 Linux. Says so.

use std::time::Instant;

use super::Unknown;
use crate::host::memory::Files;
use crate::model::Stack;

/// Nothing is kept.
#[derive(Debug, Default)]
pub(super) struct Libraries;

/// Tells no stack.
pub(super) fn threads(
    _pid: i32,
    _files: &Files,
    _libraries: &mut Libraries,
    _until: Instant,
    _each: &mut dyn FnMut(Stack),
) -> Result<Option<String>, Unknown> {
    let why = "native stacks need x86-64 Linux and the feature native-stacks";
    Err(Unknown::Unreadable(why.to_owned()))
}
