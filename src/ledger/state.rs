//! Where ledgers live: a directory of this user's that outlives the run, so that the next run finds what a killed
//! one left. Knows nothing of their content.

use std::ffi::OsString;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::host::process::{user, variable};

/// No directory for ledgers.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It can be neither made nor used.
    #[error("cannot make the state directory `{}`", .directory.display())]
    NotMade {
        /// Which.
        directory: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Somebody else may write there, so nothing in it proves anything.
    #[error("the state directory `{}` is not this user's alone", .directory.display())]
    NotOurs {
        /// Which.
        directory: PathBuf,
    },
}

/// The state directory, made if need be: `XDG_STATE_HOME/shakedown`, else `HOME/.local/state/shakedown`, else one
/// in `/tmp` for users without a home that can be written.
pub fn directory(environment: &[(OsString, OsString)]) -> Result<PathBuf, StateError> {
    let absolute = |name: &str| {
        let path = variable(environment, name).map(PathBuf::from);
        path.filter(|path| path.is_absolute())
    };
    let home = || absolute("HOME").map(|home| home.join(".local/state"));
    let wanted = absolute("XDG_STATE_HOME").or_else(home);
    if let Some(directory) = wanted.map(|base| base.join("shakedown"))
        && make(&directory).is_ok()
        && is_ours(&directory)
    {
        return Ok(directory);
    }
    let directory = PathBuf::from(format!("/tmp/shakedown-{}", user()));
    match make(&directory) {
        Ok(()) if is_ours(&directory) => Ok(directory),
        Ok(()) => Err(StateError::NotOurs { directory }),
        Err(source) => Err(StateError::NotMade { directory, source }),
    }
}

fn make(directory: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
}

/// A link in a place where all may write could lead anywhere, so it is not followed.
fn is_ours(directory: &Path) -> bool {
    fs::symlink_metadata(directory)
        .is_ok_and(|facts| facts.is_dir() && facts.uid() == user() && facts.mode() & 0o022 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn directory_for(variables: &[(&str, &Path)]) -> PathBuf {
        let environment: Vec<_> = variables
            .iter()
            .map(|(k, v)| ((*k).into(), v.into()))
            .collect();
        directory(&environment).unwrap()
    }

    #[test]
    fn the_state_directory_is_the_users_and_falls_back_to_tmp() {
        let place = tempfile::tempdir().unwrap();
        let (home, state) = (place.path().join("home"), place.path().join("state"));
        let fallback = PathBuf::from(format!("/tmp/shakedown-{}", user()));
        assert_eq!(
            directory_for(&[("HOME", &home), ("XDG_STATE_HOME", &state)]),
            state.join("shakedown")
        );
        assert_eq!(
            directory_for(&[("HOME", &home)]),
            home.join(".local/state/shakedown")
        );
        assert_eq!(
            directory_for(&[("HOME", "/proc/no-home".as_ref())]),
            fallback
        );
        assert_eq!(
            directory_for(&[("XDG_STATE_HOME", "relative".as_ref())]),
            fallback
        );
        assert_eq!(
            fs::metadata(&fallback).unwrap().permissions().mode() & 0o777,
            0o700
        );
    }

    #[test]
    fn a_directory_that_others_may_write_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let open = place.path().join("open");
        make(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(!is_ours(&open));
        let link = place.path().join("link");
        symlink(place.path(), &link).unwrap();
        assert!(!is_ours(&link));
        assert!(is_ours(place.path()));
    }
}
