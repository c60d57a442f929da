//! Fake clients for tests: small shell scripts, for faults that cannot be had from a real engine on demand.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::host::process::spawn_guard;

/// Writes an executable script. Nobody starts a process meanwhile, for a child that holds the file open
/// for writing makes starting it fail.
pub(crate) fn client(directory: &Path, name: &str, body: &str) -> PathBuf {
    let file = directory.join(name);
    let guard = spawn_guard();
    fs::write(&file, format!("#!/bin/sh\n{body}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    drop(guard);
    file
}
