//! Folders whose modes keep even their owner out: opened, and removed. Knows nothing of what is in them.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

/// Lets the owner into a folder and everything below. Links are not followed.
pub fn open_up(path: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_dir() {
        return Ok(());
    }
    if metadata.mode() & 0o700 != 0o700 {
        fs::set_permissions(path, fs::Permissions::from_mode(metadata.mode() | 0o700))?;
    }
    for entry in fs::read_dir(path)? {
        open_up(&entry?.path())?;
    }
    Ok(())
}

/// Removes a folder of one's own with all that is in it, whatever the modes.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(path)?;
            fs::remove_dir_all(path)
        }
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_closed_to_its_owner_is_removed() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("mnt");
        fs::create_dir_all(folder.join("rootfs")).unwrap();
        fs::write(folder.join("rootfs/file"), "").unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o100)).unwrap();
        remove(&folder).unwrap();
        assert!(!folder.exists());
        assert_eq!(remove(&folder).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
