//! Finding programs in a search path.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The first executable file of this name in a `PATH`-like list; an empty element means `.`, but in an
/// empty list nothing is found.
pub fn executable(name: &[u8], path: &[u8]) -> Option<PathBuf> {
    if path.is_empty() {
        return None;
    }
    path.split(|byte| *byte == b':').find_map(|directory| {
        let directory = if directory.is_empty() {
            b"."
        } else {
            directory
        };
        let file = Path::new(OsStr::from_bytes(directory)).join(OsStr::from_bytes(name));
        is_executable(&file).then_some(file)
    })
}

/// A file, not a directory, that somebody may execute.
pub fn is_executable(file: &Path) -> bool {
    std::fs::metadata(file)
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// A path as bytes.
pub fn bytes(path: &Path) -> Vec<u8> {
    path.as_os_str().as_bytes().to_vec()
}
