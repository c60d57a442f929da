//! The environment and the place this process was started in, read once, at the door.

use std::ffi::OsString;
use std::path::PathBuf;

/// All variables, in the system's order.
#[expect(
    clippy::disallowed_methods,
    reason = "the one reader of the environment"
)]
pub fn variables() -> Vec<(OsString, OsString)> {
    std::env::vars_os().collect()
}

/// The words of the command line, the program's own first.
pub fn words() -> Vec<OsString> {
    std::env::args_os().collect()
}

/// The current directory; `/` when it has been removed.
pub fn directory() -> PathBuf {
    std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"))
}

/// Where temporary files go: `TMPDIR`, else the system's place.
pub fn temporary() -> PathBuf {
    std::env::temp_dir()
}

/// The path under which the kernel was asked to execute this process: with a stand-in's link, the link.
pub fn executed_as() -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    let name = rustix::param::linux_execfn();
    directory().join(std::ffi::OsStr::from_bytes(name.to_bytes()))
}
