//! Locks on files that are gone with their holder, waited for within a limit. Knows nothing of what they guard.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

/// A held lock; dropping it releases it. The descriptor is closed on exec, for a child that inherits it would keep
/// the lock.
#[derive(Debug)]
pub struct FileLock {
    file: File,
}

impl FileLock {
    /// The file that is locked, open for writing.
    pub fn file(&self) -> &File {
        &self.file
    }
}

/// Somebody else's lock, until it is released.
#[derive(Debug)]
pub struct Watched {
    released: mpsc::Receiver<()>,
}

impl Watched {
    /// It is released, or its file cannot be watched any more.
    pub fn is_released(&self, limit: Duration) -> bool {
        self.released.recv_timeout(limit) != Err(mpsc::RecvTimeoutError::Timeout)
    }
}

/// Watches a lock that somebody else holds; `None` when the file is gone. Its thread ends with that lock.
pub fn watch(path: &Path) -> io::Result<Option<Watched>> {
    let Some(file) = existing(path)? else {
        return Ok(None);
    };
    let (sender, released) = mpsc::sync_channel(1);
    thread::Builder::new()
        .name("file lock".to_owned())
        .spawn(move || {
            if flock(&file, FlockOperation::LockShared).is_ok() {
                sender.send(()).ok();
            }
        })?;
    Ok(Some(Watched { released }))
}

/// Somebody holds the file alone. One that is not there is held by nobody.
pub fn is_held(path: &Path) -> io::Result<bool> {
    let Some(file) = existing(path)? else {
        return Ok(false);
    };
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(false),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

fn existing(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Locks the file, made if need be; `None` when somebody else held it all the time.
pub fn lock(path: &Path, limit: Duration) -> io::Result<Option<FileLock>> {
    take(path, limit, true)
}

/// The same for a lock that several may hold together, against who wants it alone.
pub fn share(path: &Path, limit: Duration) -> io::Result<Option<FileLock>> {
    take(path, limit, false)
}

fn take(path: &Path, limit: Duration, alone: bool) -> io::Result<Option<FileLock>> {
    let (now, later) = if alone {
        (
            FlockOperation::NonBlockingLockExclusive,
            FlockOperation::LockExclusive,
        )
    } else {
        (
            FlockOperation::NonBlockingLockShared,
            FlockOperation::LockShared,
        )
    };
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    match flock(&file, now) {
        Ok(()) => return Ok(Some(FileLock { file })),
        Err(rustix::io::Errno::WOULDBLOCK) if limit.is_zero() => return Ok(None),
        Err(rustix::io::Errno::WOULDBLOCK) => {}
        Err(error) => return Err(error.into()),
    }
    // The kernel's wait has no limit, so a thread does it. One that comes too late finds nobody listening and
    // drops the lock.
    let (sender, receiver) = mpsc::sync_channel(0);
    thread::Builder::new()
        .name("file lock".to_owned())
        .spawn(move || {
            let locked = flock(&file, later);
            sender.send(locked.map(|()| FileLock { file })).ok();
        })?;
    match receiver.recv_timeout(limit) {
        Ok(locked) => Ok(Some(locked?)),
        Err(mpsc::RecvTimeoutError::Timeout | mpsc::RecvTimeoutError::Disconnected) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_exclusive_waited_for_and_released() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("lock");
        let first = lock(&path, Duration::ZERO).unwrap().unwrap();
        assert!(lock(&path, Duration::from_millis(20)).unwrap().is_none());
        let waiter = thread::spawn({
            let path = path.clone();
            move || lock(&path, Duration::from_secs(20)).unwrap().is_some()
        });
        drop(first);
        assert!(waiter.join().unwrap());
        assert!(lock(&path, Duration::from_secs(20)).unwrap().is_some());
    }

    #[test]
    fn a_shared_lock_keeps_out_only_who_wants_it_alone() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("lock");
        let one = share(&path, Duration::ZERO).unwrap().unwrap();
        let other = share(&path, Duration::ZERO).unwrap().unwrap();
        assert!(lock(&path, Duration::ZERO).unwrap().is_none());
        drop(one);
        assert!(lock(&path, Duration::ZERO).unwrap().is_none());
        drop(other);
        // A child that another test starts has our descriptors until it is its own program.
        assert!(lock(&path, Duration::from_secs(20)).unwrap().is_some());
    }
}
