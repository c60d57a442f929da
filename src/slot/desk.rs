//! Where shims ask their slot for leave: a unix socket in the slot's directory.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixListener;
use std::path::Path;

use crate::host::channel::{Channel, ReceiveError};
use crate::host::socket;
use crate::model::EngineKind;
use crate::wire::{DESK, FromShim, Gate, ToShim};

/// A shim that is connected.
#[derive(Debug)]
struct Caller {
    number: u32,
    channel: Channel,
}

/// What a shim said.
#[derive(Debug)]
pub(super) enum Heard {
    /// It was called under this name and waits for an answer.
    Call {
        caller: u32,
        kind: EngineKind,
        command: String,
    },
    /// It waits at the gate.
    Gate { caller: u32, gate: Box<Gate> },
    /// It could not write down what it was about to make.
    Fault(String),
}

/// The listening socket and those who came.
#[derive(Debug)]
pub(super) struct Desk {
    listener: UnixListener,
    callers: Vec<Caller>,
    last: u32,
}

impl Desk {
    pub(super) fn open(directory: &Path) -> io::Result<Self> {
        let listener = socket::listen(directory, DESK)?;
        listener.set_nonblocking(true)?;
        Ok(Desk {
            listener,
            callers: Vec::new(),
            last: 0,
        })
    }

    /// What to watch.
    pub(super) fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let callers = self.callers.iter().map(|caller| caller.channel.as_fd());
        std::iter::once(self.listener.as_fd()).chain(callers)
    }

    /// Lets in who waits at the door and hears what was said. Whoever has gone is forgotten: a shim that
    /// became the client closes its end by that.
    pub(super) fn hear(&mut self) -> Vec<Heard> {
        while let Ok((socket, _)) = self.listener.accept() {
            self.last += 1;
            self.callers.push(Caller {
                number: self.last,
                channel: Channel::new(socket),
            });
        }
        let mut heard = Vec::new();
        self.callers.retain_mut(|caller| {
            loop {
                match caller.channel.receive_now::<FromShim>() {
                    Ok(Some(FromShim::Call { kind, command })) => {
                        heard.push(Heard::Call {
                            caller: caller.number,
                            kind,
                            command,
                        });
                    }
                    Ok(Some(FromShim::Gate(gate))) => heard.push(Heard::Gate {
                        caller: caller.number,
                        gate,
                    }),
                    Ok(Some(FromShim::Fault(message))) => heard.push(Heard::Fault(message)),
                    Ok(None) => return true,
                    Err(
                        ReceiveError::Ended
                        | ReceiveError::Garbled { .. }
                        | ReceiveError::Socket(_),
                    ) => return false,
                }
            }
        });
        heard
    }

    /// Answers a caller; one that has gone meanwhile needs no answer.
    pub(super) fn answer(&mut self, caller: u32, answer: &ToShim) {
        let gone = |caller: &Caller| caller.channel.send(answer).is_err();
        self.callers
            .retain(|known| known.number != caller || !gone(known));
    }

    /// Forgets all callers: their script is over.
    pub(super) fn dismiss(&mut self) {
        self.callers.clear();
    }
}
