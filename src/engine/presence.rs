//! What can be told of an engine without asking it: is its client installed. Enough for a listing, which
//! must be instant; never enough to run on.

use std::ffi::OsStr;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::host::process::variable;
use crate::model::EngineKind;

/// The first executable file of that name in `path`, a list like `PATH`. Relative entries are not followed:
/// what they mean changes with the directory.
pub fn find(name: &str, path: &OsStr) -> Option<PathBuf> {
    std::env::split_paths(path)
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(name))
        .find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    file.metadata()
        .is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
}

/// The engine's client in the environment's `PATH`.
pub fn client(kind: EngineKind, environment: &[(OsString, OsString)]) -> Option<PathBuf> {
    find(kind.command(), variable(environment, "PATH")?)
}

/// The engines whose clients are installed, in the order in which they would be tried.
pub fn installed(environment: &[(OsString, OsString)]) -> Vec<EngineKind> {
    let kinds = EngineKind::ALL.into_iter();
    kinds
        .filter(|kind| client(*kind, environment).is_some())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn only_an_executable_file_in_an_absolute_entry_is_a_client() {
        let place = tempfile::tempdir().unwrap();
        let directory = |name: &str| place.path().join(name);
        for name in ["plain", "folder/docker", "good"] {
            fs::create_dir_all(directory(name)).unwrap();
        }
        fs::write(directory("plain/docker"), "").unwrap();
        fs::write(directory("good/docker"), "").unwrap();
        fs::set_permissions(directory("good/docker"), fs::Permissions::from_mode(0o755)).unwrap();

        let join =
            |names: &[&str]| std::env::join_paths(names.iter().map(|n| directory(n))).unwrap();
        let environment = |names: &[&str]| vec![("PATH".into(), join(names))];
        assert_eq!(
            client(
                EngineKind::Docker,
                &environment(&["missing", "plain", "folder", "good"])
            ),
            Some(directory("good/docker"))
        );
        assert_eq!(installed(&environment(&["good"])), [EngineKind::Docker]);
        assert_eq!(installed(&environment(&["plain", "folder"])), []);
        assert_eq!(find("sh", OsStr::new("bin:usr/bin:")), None);
    }
}
