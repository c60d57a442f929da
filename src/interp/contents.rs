//! Whole files, as built-in commands read and write them. A named pipe or a device is waited for as a program is:
//! nothing here blocks, so the deadline holds. Knows no command.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::gotext::{about_path, path_error};
use super::halt::{Step, fail};
use super::world::{Waiting, World};
use crate::model::HangClass;

/// The pause between two tries with a pipe or a device that is not ready.
const PAUSE: Duration = Duration::from_millis(5);
/// As good as no pause, yet the world looks whether the script must end.
const BREATH: Duration = Duration::from_nanos(1);
/// What is no regular file may have no end.
const MOST: usize = 64 << 20;
/// Neither waits for another process nor takes its terminal.
const FLAGS: i32 = libc::O_NONBLOCK | libc::O_NOCTTY;

/// A file's contents, in Go's words when there are none.
pub(super) fn read_file(world: &mut dyn World, path: &Path) -> Step<Vec<u8>> {
    let mut options = OpenOptions::new();
    let opened = options.read(true).custom_flags(FLAGS).open(path);
    let mut file = opened.or_else(|error| fail(path_error("open", path, &error)))?;
    let kind = file.metadata().map(|meta| meta.file_type());
    match kind {
        Ok(kind) if !kind.is_file() && !kind.is_dir() => {
            Patient { world, path }.read(&mut file, kind.is_fifo())
        }
        Ok(_) | Err(_) => {
            let mut contents = Vec::new();
            let read = file.read_to_end(&mut contents);
            read.or_else(|error| fail(path_error("read", path, &error)))?;
            Ok(contents)
        }
    }
}

/// Makes the contents those of the file. One that exists keeps its own mode.
pub(super) fn write_file(
    world: &mut dyn World,
    path: &Path,
    contents: &[u8],
    mode: u32,
) -> Step<()> {
    let mut patient = Patient { world, path };
    let mut file = loop {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        match options.mode(mode).custom_flags(FLAGS).open(path) {
            Ok(file) => break file,
            // A pipe that nobody reads as yet.
            Err(error) if error.raw_os_error() == Some(libc::ENXIO) && is_pipe(path) => {
                patient.wait("writes to", "nobody has open for reading")?;
            }
            Err(error) => return fail(path_error("open", path, &error)),
        }
    };
    patient.write(&mut file, contents)
}

fn is_pipe(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.file_type().is_fifo())
}

/// Somebody who can be told that it takes too long.
struct Patient<'a> {
    world: &'a mut dyn World,
    path: &'a Path,
}

impl Patient<'_> {
    fn read(&mut self, file: &mut File, pipe: bool) -> Step<Vec<u8>> {
        let mut contents = Vec::new();
        let mut chunk = vec![0; 64 << 10];
        loop {
            // Asked before the read: what a writer left that closes in between is read the next time.
            let over = !pipe || has_hung_up(file);
            match file.read(&mut chunk) {
                // Without a writer a pipe reads as if it had ended, although the first is still to come.
                Ok(0) if !over => self.wait("reads", "nobody has open for writing")?,
                Ok(0) => return Ok(contents),
                Ok(read) if contents.len() + read > MOST => {
                    let most = format!(": expected an end within {} MB", MOST >> 20);
                    return fail(about_path("read", self.path, &most));
                }
                Ok(read) => {
                    contents.extend_from_slice(&chunk[..read]);
                    self.pause(BREATH)?;
                }
                Err(error) if is_early(&error) => self.wait("reads", "brings nothing")?,
                Err(error) => return fail(path_error("read", self.path, &error)),
            }
        }
    }

    fn write(&mut self, file: &mut File, mut contents: &[u8]) -> Step<()> {
        // Nothing is written, too: `/dev/full` refuses even that.
        loop {
            match file.write(contents) {
                Ok(written) if written == contents.len() => return Ok(()),
                Ok(0) => return fail(path_error("write", self.path, &ErrorKind::WriteZero.into())),
                Ok(written) => contents = &contents[written..],
                Err(error) if is_early(&error) => self.wait("writes to", "takes nothing")?,
                Err(error) => return fail(path_error("write", self.path, &error)),
            }
        }
    }

    fn wait(&mut self, does: &str, which: &str) -> Step<()> {
        let (class, what) = if is_pipe(self.path) {
            (HangClass::Fifo, "the named pipe")
        } else {
            (HangClass::DeadFs, "the device")
        };
        let path = self.path.display();
        self.world.waiting(Some(Waiting {
            class,
            sentence: format!("the script {does} {what} {path}, which {which}"),
            resource: path.to_string(),
        }));
        self.pause(PAUSE)?;
        self.world.waiting(None);
        Ok(())
    }

    fn pause(&mut self, duration: Duration) -> Step<()> {
        self.world.pause(duration)?;
        if self.world.was_cut() {
            return fail(about_path("", self.path, " was not ready in time"));
        }
        Ok(())
    }
}

fn is_early(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// Whoever wrote to the pipe since it was opened has closed it.
fn has_hung_up(file: &File) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(file.as_fd(), PollFlags::IN)];
    let polled = poll(&mut fds, Some(&Timespec::default()));
    polled.is_ok() && fds[0].revents().contains(PollFlags::HUP)
}
