//! What a thread wants, who could give it, and how much that tells.

use std::rc::Rc;

use crate::model::{ContainerFact, HangClass, LockKind, PipeFact, SocketFact};

/// Somebody who could end a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) pid: i32,
    /// The descriptor by which it holds the thing.
    pub(super) fd: Option<i32>,
}

impl From<i32> for Holder {
    fn from(pid: i32) -> Self {
        Holder { pid, fd: None }
    }
}

/// What a thread waits for.
#[derive(Debug, Clone)]
pub(super) struct Want<'s> {
    pub(super) what: What<'s>,
    pub(super) tid: i32,
    /// The waiter's own descriptor.
    pub(super) fd: Option<i32>,
    /// Who could give it; nobody for a leaf, or when it is not known.
    /// Shared, since a crowd may hold one pipe.
    pub(super) holders: Rc<[Holder]>,
    /// Why it is not known for certain, or not in whole.
    pub(super) doubt: Option<&'s str>,
    /// One of several things that would wake it.
    pub(super) one_of_many: bool,
}

/// The thing itself.
#[derive(Debug, Clone)]
pub(super) enum What<'s> {
    /// Bytes of a pipe, or its end.
    End {
        pipe: &'s PipeFact,
        /// A stack says that the child who wrote has ended.
        child_gone: bool,
        /// Nobody but the reader itself can write.
        own: bool,
    },
    /// The output of a child that lives.
    Output(&'s PipeFact),
    /// Room in a pipe.
    Room(&'s PipeFact),
    /// A partner at the other end of a FIFO.
    Partner(&'s str),
    /// A lock on a file, or in a file mapped into memory.
    Lock {
        kind: Option<LockKind>,
        path: &'s str,
    },
    /// Bytes from the other end of a socket.
    Answer(&'s SocketFact),
    /// To be let in by whoever listens.
    Connection(&'s str),
    /// A child's end.
    Child,
    /// A signal; a child that ends sends one, and shells wait for it so.
    Signal,
    /// A container's end.
    Container {
        id: &'s str,
        known: Option<&'s ContainerFact>,
        /// A helper of an engine, which lives as long as the container.
        helper: bool,
    },
    /// To be continued.
    Continuation,
    /// A file system or device.
    Kernel { path: &'s str, wchan: &'s str },
    /// Somebody who types.
    Terminal(&'s str),
    /// A processor.
    Processor,
    /// Time to pass.
    Time,
    /// Something that does not say who could bring it about, in words: `waits for a signal`.
    Event(String),
    /// It cannot be told.
    Unknown(&'s str),
}

impl What<'_> {
    /// The class of a script that hangs for this.
    pub(super) fn class(&self) -> HangClass {
        match self {
            What::End { pipe, own, .. } if *own && pipe.name.starts_with('/') => HangClass::Fifo,
            What::End { .. } => HangClass::PipeHeld,
            What::Room(_) => HangClass::PipeFull,
            What::Partner(_) => HangClass::Fifo,
            What::Lock { kind, path } if is_libpod(*kind, path) => HangClass::LockLibpod,
            What::Lock { .. } => HangClass::LockFile,
            What::Answer(_) | What::Connection(_) => HangClass::Daemon,
            What::Output(_)
            | What::Child
            | What::Signal
            | What::Container { .. }
            | What::Event(_) => HangClass::Child,
            What::Continuation => HangClass::Stopped,
            What::Kernel { .. } => HangClass::DeadFs,
            What::Terminal(_) => HangClass::Terminal,
            What::Processor => HangClass::Busy,
            What::Time => HangClass::Sleeping,
            What::Unknown(_) => HangClass::Unknown,
        }
    }

    /// The state of a process, which says all without anything waited for.
    pub(super) fn is_state(&self) -> bool {
        matches!(
            self,
            What::Continuation
                | What::Signal
                | What::Processor
                | What::Time
                | What::Event(_)
                | What::Unknown(_)
                | What::Terminal(_)
                | What::Kernel { .. }
        )
    }

    /// Waiting for a child is how programs work, and no reason to hang.
    pub(super) fn is_child(&self) -> bool {
        matches!(self, What::Child | What::Signal | What::Output(_))
    }

    /// The name of the thing, as the record gives it.
    pub(super) fn resource(&self) -> String {
        match self {
            What::End { pipe, .. } | What::Output(pipe) | What::Room(pipe) => pipe.name.clone(),
            What::Partner(path) | What::Lock { path, .. } | What::Connection(path) => {
                (*path).to_owned()
            }
            What::Answer(socket) if socket.peer.is_empty() => socket.name.clone(),
            What::Answer(socket) => socket.peer.clone(),
            What::Container { id, .. } => format!("container {}", short_id(id)),
            What::Kernel { path: "", wchan } => (*wchan).to_owned(),
            What::Kernel { path, .. } => (*path).to_owned(),
            What::Terminal(name) => (*name).to_owned(),
            What::Child
            | What::Signal
            | What::Continuation
            | What::Processor
            | What::Time
            | What::Event(_)
            | What::Unknown(_) => String::new(),
        }
    }
}

impl<'s> Want<'s> {
    /// A certain want that nobody is known to fulfil.
    pub(super) fn new(tid: i32, what: What<'s>) -> Self {
        Want {
            what,
            tid,
            fd: None,
            holders: [].into(),
            doubt: None,
            one_of_many: false,
        }
    }

    /// How much this tells of a hang; more is better.
    pub(super) fn strength(&self) -> u8 {
        let several = matches!(&self.what, What::End { own: true, .. }) && self.one_of_many;
        if several {
            return 1;
        }
        strength(self.what.class()) - u8::from(self.one_of_many && self.is_strong())
    }

    /// It explains a hang by itself, whatever its holder does.
    pub(super) fn is_strong(&self) -> bool {
        strength(self.what.class()) > strength(HangClass::Busy)
    }
}

fn strength(class: HangClass) -> u8 {
    match class {
        HangClass::LockLibpod | HangClass::LockFile => 16,
        HangClass::Stopped => 14,
        HangClass::PipeFull | HangClass::Fifo => 12,
        HangClass::DeadFs => 10,
        HangClass::PipeHeld => 8,
        HangClass::Terminal => 6,
        HangClass::Daemon => 5,
        HangClass::Busy => 3,
        HangClass::Child => 2,
        HangClass::Sleeping => 1,
        HangClass::Unknown => 0,
    }
}

/// libpod keeps its locks in shared memory, `libpod_lock` or `libpod_rootless_lock_UID`.
fn is_libpod(kind: Option<LockKind>, path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let named = name.starts_with("libpod_lock") || name.starts_with("libpod_rootless_lock");
    named && kind.is_none_or(|kind| kind == LockKind::SharedMemory)
}

/// As many letters of an id as engines print.
pub(super) fn short_id(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}
