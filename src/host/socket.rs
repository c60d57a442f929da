//! Unix sockets by directory and name, however long the path (the kernel's limit is 108 bytes).

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// The socket's path through a descriptor of its directory: always short.
fn short(directory: &File, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/{name}", directory.as_raw_fd()))
}

/// Listens on `directory/name`; what is left of an earlier one is replaced.
pub fn listen(directory: &Path, name: &str) -> io::Result<UnixListener> {
    match std::fs::remove_file(directory.join(name)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    UnixListener::bind(short(&File::open(directory)?, name))
}

/// Connects to `directory/name`.
pub fn connect(directory: &Path, name: &str) -> io::Result<UnixStream> {
    UnixStream::connect(short(&File::open(directory)?, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_longer_than_the_kernels_limit_serves() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("x".repeat(120));
        std::fs::create_dir(&deep).unwrap();
        let listener = listen(&deep, "desk").unwrap();
        connect(&deep, "desk").unwrap();
        listener.accept().unwrap();
        drop(listener);
        assert!(connect(&deep, "desk").is_err());
        listen(&deep, "desk").unwrap();
    }
}
