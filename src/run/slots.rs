//! Slots as the harness sees them: a process to start, a socket to talk over, an end to be noticed.

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::time::Duration;

use wait_timeout::ChildExt;

use crate::engine::helpers;
use crate::host::channel::{Channel, ReceiveError, Sender};
use crate::host::process::{self, Invocation};
use crate::host::{adopt, clock, procfs, progress};
use crate::model::{Bytes, Place};
use crate::wire::{self, FromSlot, SlotSetup, ToSlot};

/// How long a slot may take to exit when the conversation is over.
const EXIT_LIMIT: Duration = Duration::from_secs(10);
/// Where a slot's stdout and stderr go, in its directory.
const OUTPUT: &str = ".output";
/// How much of what a dead slot said is kept.
const LAST_WORDS: usize = 4 << 10;

/// A slot that runs.
#[derive(Debug)]
pub(super) struct SlotHandle {
    sender: Sender,
    pid: i32,
    directory: PathBuf,
}

/// What a slot says, and the process that says it.
#[derive(Debug)]
pub(super) struct Conversation {
    channel: Channel,
    child: Child,
    directory: PathBuf,
    /// Nothing of a script can be left when it ends now.
    orderly: bool,
}

/// How a slot ended.
#[derive(Debug)]
pub(super) struct Gone {
    /// As a clause: `exited with code 0`, `was killed by signal 6`.
    pub(super) how: String,
    /// It said goodbye: nothing of a script can be left.
    pub(super) orderly: bool,
    /// The end of what it wrote to its stdout and stderr.
    pub(super) last_words: Bytes,
    /// The line it was at.
    pub(super) place: Option<Place>,
}

impl SlotHandle {
    /// Sends a message; a slot that is gone will be noticed by its reader.
    pub(super) fn send(&self, message: &ToSlot) {
        drop(self.sender.send(message));
    }

    /// Ends the conversation; the slot exits.
    pub(super) fn close(&self) {
        self.sender.close();
    }

    /// Its process; below it are its script's.
    pub(super) fn pid(&self) -> i32 {
        self.pid
    }

    /// The line it is at.
    pub(super) fn place(&self) -> Option<Place> {
        progress::read(&self.directory)
    }

    /// Kills the slot. Its pid is ours until it is buried.
    pub(super) fn kill(&self) {
        if let Some(process) = procfs::process(self.pid) {
            procfs::signal(&process, libc::SIGKILL);
        }
    }
}

/// Starts a slot.
pub(super) fn open(setup: SlotSetup, directory: &Path) -> io::Result<(SlotHandle, Conversation)> {
    let (ours, theirs) = UnixStream::pair()?;
    let output = fs::File::create(directory.join(OUTPUT))?;
    let child = start(OwnedFd::from(theirs), &output)?;
    let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
    let channel = Channel::new(ours);
    let sender = channel.sender()?;
    sender.send(&ToSlot::Setup(Box::new(setup)))?;
    let conversation = Conversation {
        channel,
        child,
        directory: directory.to_owned(),
        orderly: true,
    };
    let handle = SlotHandle {
        sender,
        pid,
        directory: directory.to_owned(),
    };
    Ok((handle, conversation))
}

/// From `/proc/self/exe`: cargo may replace the file in mid-run. 0 is null, 1 and 2 go to a file, the
/// socket is the one descriptor that is inherited, and only while nobody else starts anything.
fn start(socket: OwnedFd, output: &fs::File) -> io::Result<Child> {
    let invocation = Invocation {
        program: PathBuf::from("/proc/self/exe"),
        arguments: vec![socket.as_raw_fd().to_string().into()],
        environment: crate::host::environment::variables(),
        directory: None,
    };
    let mut command = process::command(&invocation);
    command
        .arg0(wire::SLOT)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output.try_clone()?);
    let guard = process::spawn_guard();
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::empty())?;
    let child = process::spawn_guarded(&mut command, &guard);
    drop(socket);
    drop(guard);
    child
}

impl AsFd for Conversation {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.channel.as_fd()
    }
}

impl Conversation {
    /// What the slot said next; `None`: nothing yet. An error is the end of the conversation.
    pub(super) fn hear(&mut self) -> Result<Option<FromSlot>, ReceiveError> {
        let message = self.channel.receive_now::<FromSlot>()?;
        match &message {
            Some(FromSlot::Started(_)) => self.orderly = false,
            Some(FromSlot::Ended { .. }) => self.orderly = true,
            Some(
                FromSlot::Held { .. }
                | FromSlot::AtGate { .. }
                | FromSlot::AskEngine(_)
                | FromSlot::Recalled(_)
                | FromSlot::Warning(_)
                | FromSlot::Busy { .. }
                | FromSlot::Late { .. }
                | FromSlot::Found { .. }
                | FromSlot::Step { .. }
                | FromSlot::Holding { .. }
                | FromSlot::Seen { .. },
            )
            | None => {}
        }
        Ok(message)
    }

    /// Waits until the process is gone, and ends what it left behind.
    pub(super) fn bury(mut self) -> Gone {
        let status = self.child.wait_timeout(EXIT_LIMIT).ok().flatten();
        if status.is_none() {
            drop(self.child.kill());
            drop(self.child.wait_timeout(EXIT_LIMIT));
        }
        if !self.orderly {
            end_orphans();
        }
        adopt::reap_orphans();
        Gone {
            how: describe(status),
            orderly: self.orderly,
            last_words: last_words(&self.directory),
            place: progress::read(&self.directory),
        }
    }
}

fn describe(status: Option<ExitStatus>) -> String {
    match status {
        None => "did not exit and was killed".to_owned(),
        Some(status) => match (status.code(), status.signal()) {
            (Some(code), _) => format!("exited with code {code}"),
            (None, Some(signal)) => format!("was killed by signal {signal}"),
            (None, None) => "ended".to_owned(),
        },
    }
}

fn last_words(directory: &Path) -> Bytes {
    let text = fs::read(directory.join(OUTPUT)).unwrap_or_default();
    let from = text.len().saturating_sub(LAST_WORDS);
    text.get(from..).unwrap_or_default().to_vec().into()
}

/// Ends what a crashed slot left behind: orphans of this harness that no slot owns and no engine needs.
fn end_orphans() {
    let give_up = clock::now() + Duration::from_secs(5);
    let terminate_until = clock::now() + Duration::from_secs(1);
    loop {
        adopt::reap_orphans();
        let below = adopt::orphans(&|process| !helpers::serves_others(process));
        let mut left = below.found;
        left.retain(|process| process.state != 'Z' && !helpers::serves_others(process));
        let now = clock::now();
        if (left.is_empty() && below.gone.is_empty()) || now >= give_up {
            return;
        }
        let signal = if now < terminate_until {
            libc::SIGTERM
        } else {
            libc::SIGKILL
        };
        for process in &left {
            procfs::signal(process, signal);
        }
        adopt::pause(Duration::from_millis(20), give_up);
    }
}
