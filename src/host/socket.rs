//! Unix sockets by directory and name, however long the path (the kernel's limit is 108 bytes).

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, socket_with};

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

/// Connects to the socket at this path. Somebody who accepts nobody any more, as a stopped daemon, is waited for within
/// the limit only.
pub fn connect_within(path: &Path, limit: Duration) -> io::Result<UnixStream> {
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    // The kernel takes the limit of sending for the wait in the listener's queue (unix(7), SO_SNDTIMEO).
    let limit = limit.max(Duration::from_millis(1));
    set_socket_timeout(&socket, Timeout::Send, Some(limit))?;
    match rustix::net::connect(&socket, &SocketAddrUnix::new(path)?) {
        Ok(()) => {}
        Err(Errno::AGAIN) => {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "nobody accepts the connection",
            ));
        }
        Err(errno) => return Err(errno.into()),
    }
    set_socket_timeout(&socket, Timeout::Send, None)?;
    Ok(UnixStream::from(socket))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_that_accepts_nobody_is_waited_for_within_the_limit() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("s");
        let kind = SocketType::STREAM;
        let listener = rustix::net::socket(AddressFamily::UNIX, kind, None).unwrap();
        rustix::net::bind(&listener, &SocketAddrUnix::new(&path).unwrap()).unwrap();
        rustix::net::listen(&listener, 0).unwrap();
        let limit = Duration::from_millis(50);
        let connected: Vec<_> = (0..10).map(|_| connect_within(&path, limit)).collect();
        assert!(connected[0].is_ok());
        let last = connected[9].as_ref().unwrap_err();
        assert_eq!(last.kind(), io::ErrorKind::TimedOut);
        let gone = connect_within(&place.path().join("none"), limit).unwrap_err();
        assert_eq!(gone.kind(), io::ErrorKind::NotFound);
    }

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
