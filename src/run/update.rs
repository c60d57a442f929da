//! Rewrites a script that passed under `--update`: whole or not at all, and only if nobody else did.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::Path;

use super::driver::Driver;
use crate::model::{AttemptId, AttemptReport, Fault, FaultKind, Hash, Outcome};
use crate::wire::Rewrite;

impl Driver {
    /// Writes the script's file and says so in the report. The attempt passed for the sake of what is
    /// written here, so one that cannot be written is no pass.
    pub(super) fn rewrite(
        &self,
        attempt: AttemptId,
        report: &mut AttemptReport,
        rewrite: &Rewrite,
    ) {
        let trial = self.trial(attempt);
        let file = &trial.planned.file;
        match replace(&trial.path, rewrite) {
            Ok(()) => {
                let line = format!("{file} updated\n");
                report.log.0.extend_from_slice(line.as_bytes());
                report.updated.clone_from(file);
                report.quoted.clone_from(&rewrite.quoted);
            }
            Err(error) => {
                report.outcome = Outcome::Faulted(Fault {
                    kind: FaultKind::Machine,
                    message: format!("cannot update {file}: {error}"),
                    detail: Vec::new().into(),
                });
            }
        }
    }
}

/// Puts a new file in the place of the old one, with its mode and, where that may be, its owner; a link keeps leading
/// to it.
fn replace(path: &Path, rewrite: &Rewrite) -> io::Result<()> {
    let path = path.canonicalize()?;
    let now = fs::read(&path)?;
    if now == rewrite.after.0 {
        return Ok(());
    }
    if Hash::of(&now) != rewrite.before {
        return Err(io::Error::other("it changed while the script ran"));
    }
    let folder = path.parent().unwrap_or(Path::new("/"));
    // No extension of scripts, so that no other run takes it for one.
    let mut file = tempfile::Builder::new()
        .prefix(".shakedown-")
        .suffix(".new")
        .tempfile_in(folder)?;
    file.write_all(&rewrite.after.0)?;
    let meta = fs::metadata(&path)?;
    // Before the mode, which a change of the owner may take bits from; who is not root keeps what is theirs.
    drop(fchown(file.as_file(), Some(meta.uid()), Some(meta.gid())));
    file.as_file().set_permissions(meta.permissions())?;
    file.as_file().sync_all()?;
    file.persist(&path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn rewrite(before: &str, after: &str) -> Rewrite {
        Rewrite {
            before: Hash::of(before.as_bytes()),
            after: after.into(),
            quoted: Vec::new(),
        }
    }

    #[test]
    fn a_file_is_replaced_with_its_mode_and_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a.txtar"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("a.txtar", &link).unwrap();
        replace(&link, &rewrite("old", "new")).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_file_that_somebody_else_changed_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.txtar");
        fs::write(&file, "theirs").unwrap();
        let error = replace(&file, &rewrite("old", "new")).unwrap_err();
        assert_eq!(error.to_string(), "it changed while the script ran");
        assert_eq!(fs::read_to_string(&file).unwrap(), "theirs");
        // Another attempt of the same script came to the same end.
        replace(&file, &rewrite("old", "theirs")).unwrap();
    }
}
