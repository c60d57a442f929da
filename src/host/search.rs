//! Finding programs in a search path.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::FileType;

/// The first executable file of this name in a `PATH`-like list; an empty element means `.`, but in an
/// empty list nothing is found.
pub fn executable(name: &[u8], path: &[u8]) -> Option<PathBuf> {
    if path.is_empty() {
        return None;
    }
    let directories = || path.split(|byte| *byte == b':');
    let mut file = Vec::with_capacity(128);
    for (at, directory) in directories().enumerate() {
        // What was just looked at need not be looked at again.
        if directories().take(at).any(|earlier| earlier == directory) {
            continue;
        }
        file.clear();
        file.extend_from_slice(if directory.is_empty() {
            b"."
        } else {
            directory
        });
        if !file.ends_with(b"/") {
            file.push(b'/');
        }
        file.extend_from_slice(name);
        let file = Path::new(OsStr::from_bytes(&file));
        if is_executable(file) {
            return Some(file.to_owned());
        }
    }
    None
}

/// A file, not a directory, that somebody may execute.
pub fn is_executable(file: &Path) -> bool {
    rustix::fs::stat(file).is_ok_and(|stat| {
        FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile && stat.st_mode & 0o111 != 0
    })
}

/// Bytes as a path.
pub fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

/// A path as bytes.
pub fn bytes(path: &Path) -> Vec<u8> {
    path.as_os_str().as_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_first_executable_file_is_found() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        for directory in ["a", "b", "c", "a/tool"] {
            fs::create_dir(at(directory)).unwrap();
        }
        for (file, mode) in [("b/tool", 0o644), ("c/tool", 0o710)] {
            fs::write(at(file), "").unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
            fs::set_permissions(at(file), mode).unwrap();
        }
        let find = |path: &str| {
            let path = path.replace('@', root.path().to_str().unwrap());
            executable(b"tool", path.as_bytes())
        };
        let found = Some(at("c/tool"));
        assert_eq!(find("@/a:@/b:@/none:@/c"), found);
        assert_eq!(find("@/c/:@/c:@/c"), found);
        assert_eq!(find("@/a:@/a:@/b:@/a::@/c:@/b"), found);
        assert_eq!(find("@/a:@/b"), None);
        assert_eq!(find("@/c/tool"), None);
        assert_eq!(find(""), None);
        // Cargo runs the tests in the package's directory.
        assert_eq!(executable(b"Cargo.toml", b":"), None);
        assert_eq!(
            executable(b"scripts/bench", b"/none:"),
            Some("./scripts/bench".into())
        );
    }
}
