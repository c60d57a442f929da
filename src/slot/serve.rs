//! The slot's life: become its own session and subreaper, take the setup, execute one job after the
//! other, end when the harness does.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use super::attempt::{self, Done};
use super::desk::{self, Desk};
use super::hurry::Hurry;
use super::machine::Machine;
use super::workdir::WorkDirs;
use crate::diagnose::collect::Left;
use crate::host::channel::{Channel, ReceiveError};
use crate::host::progress::Progress;
use crate::host::reaper::{Reap, Reaper};
use crate::host::{clock, raw};
use crate::interp::Registry;
use crate::ledger::life;
use crate::ledger::lookout::Lookout;
use crate::model::{AttemptId, Bytes};
use crate::wire::{FromSlot, Grant, Job, SlotSetup, ToSlot};

/// How long the harness may take to send the setup.
const SETUP_LIMIT: Duration = Duration::from_secs(10);

/// A slot between and during scripts.
#[derive(Debug)]
pub(super) struct Slot<'r> {
    pub(super) setup: SlotSetup,
    pub(super) registry: &'r Registry,
    pub(super) reaper: Reaper,
    pub(super) desk: Desk,
    pub(super) dirs: WorkDirs,
    pub(super) machine: Machine,
    pub(super) grant: Option<Grant>,
    /// Sees who goes around the stand-ins.
    pub(super) lookout: Option<Lookout>,
    pub(super) progress: Progress,
    /// Threads that were gathering evidence and were left behind.
    pub(super) left: Left,
    /// The harness asked for the end, or is gone.
    pub(super) ending: bool,
    /// How quickly.
    pub(super) hurry: Hurry,
    harness: Channel,
    harness_gone: bool,
    inbox: VecDeque<Job>,
}

/// Something that concerns the script that runs.
#[derive(Debug)]
pub(super) enum Heard {
    /// The container lane admits it.
    Admit(AttemptId),
    /// The gate is open for this stand-in.
    Open(AttemptId, u32),
    /// Somebody asks what it does.
    Look(AttemptId),
    /// It need not be kept alive any longer.
    Release(AttemptId),
    /// A shim spoke.
    Desk(desk::Heard),
}

/// Why a slot could not begin.
#[derive(Debug, thiserror::Error)]
pub enum SlotError {
    /// The descriptor on the command line is not the socket.
    #[error("expected an inherited socket as descriptor {fd}")]
    Socket {
        /// What was named.
        fd: RawFd,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The process could not become a slot.
    #[error("cannot {what}")]
    Start {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The harness did not say what to do.
    #[error("no setup from the harness")]
    Setup(#[source] ReceiveError),
    /// The harness did not say anything.
    #[error("no setup from the harness within {} s", SETUP_LIMIT.as_secs())]
    Silent,
}

pub(super) fn path(bytes: &Bytes) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(&bytes.0))
}

/// Serves as a slot on the inherited descriptor `fd` until the harness ends the conversation.
pub fn serve(fd: RawFd, registry: Registry) -> Result<(), SlotError> {
    let start = |what| move |source: io::Error| SlotError::Start { what, source };
    let socket = raw::inherited(fd).map_err(|source| SlotError::Socket { fd, source })?;
    raw::close_on_exec_from(3).map_err(start("mark descriptors close-on-exec"))?;
    rustix::process::setsid().map_err(|errno| start("begin a session")(errno.into()))?;
    let me = rustix::process::getpid();
    rustix::process::set_child_subreaper(Some(me))
        .map_err(|errno| start("become a subreaper")(errno.into()))?;
    let mut harness = Channel::from(socket);
    let setup = *await_setup(&mut harness)?;
    // As long as this slot may have something to clean up, its run lives.
    let _life = path(&setup.ledger).parent().and_then(life::join);
    let external = setup.rules.programs.iter().map(|(name, _)| name.clone());
    let registry = external.fold(registry, Registry::program);
    let commands = setup.rules.commands.iter();
    let registry = &commands.fold(registry, |registry, (name, at)| {
        registry.external(name.clone(), path(at))
    });
    let desk = Desk::open(&path(&setup.directory)).map_err(start("listen for shims"))?;
    let mut slot = Slot {
        dirs: WorkDirs::new(path(&setup.work_root)),
        progress: Progress::open(&path(&setup.directory)),
        machine: Machine::new(path(&setup.work_root)),
        reaper: Reaper::new(setup.rules.output_cap),
        setup,
        registry,
        desk,
        grant: None,
        lookout: None,
        left: Left::default(),
        ending: false,
        hurry: Hurry::default(),
        harness,
        harness_gone: false,
        inbox: VecDeque::new(),
    };
    slot.live();
    slot.dirs.close();
    if slot.harness_gone {
        // Nobody else will; it fails as long as another slot has something in it.
        std::fs::remove_dir(path(&slot.setup.work_root)).ok();
    }
    Ok(())
}

fn await_setup(harness: &mut Channel) -> Result<Box<SlotSetup>, SlotError> {
    let give_up = clock::now() + SETUP_LIMIT;
    let mut nobody = Reaper::new(0);
    loop {
        match harness.receive_now::<ToSlot>() {
            Ok(Some(ToSlot::Setup(setup))) => return Ok(setup),
            // Nothing else can come first: both ends are the same executable.
            Ok(Some(_)) => {}
            Ok(None) => {
                let left = give_up.saturating_duration_since(clock::now());
                if left.is_zero() {
                    return Err(SlotError::Silent);
                }
                nobody.turn(&[harness.as_fd()], Some(left), Reap::Jobs);
            }
            Err(error) => return Err(SlotError::Setup(error)),
        }
    }
}

impl Slot<'_> {
    /// Where the running attempt's copies of credentials are.
    pub(super) fn credentials(&self) -> PathBuf {
        path(&self.setup.directory).join(".credentials")
    }

    /// Why it takes no more scripts: a process with a thread that hangs in the kernel cannot end.
    pub(super) fn stuck(&self) -> Option<String> {
        let stuck = self.left.stuck();
        let why = || {
            format!(
                "it hangs where it looked for evidence: {}",
                stuck.join(", ")
            )
        };
        (!stuck.is_empty()).then(why)
    }

    fn live(&mut self) {
        // What came with the setup is here already, and no poll will tell of it.
        drop(self.hear_harness());
        while !self.ending {
            let Some(mut job) = self.inbox.pop_front() else {
                // Between scripts nothing can concern one.
                drop(self.turn(None, Reap::All));
                continue;
            };
            self.tell(&FromSlot::Started(job.attempt));
            while let Some(next) = self.work(&job) {
                job = next;
            }
        }
    }

    /// Does a job and tells its end, and with it the beginning of the next if that is here already: telling
    /// both at once wakes the harness once.
    fn work(&mut self, job: &Job) -> Option<Job> {
        let Done {
            report,
            rewrite,
            retire,
        } = attempt::execute(self, job);
        self.ending |= retire.is_some();
        let next = if self.ending {
            None
        } else {
            self.inbox.pop_front()
        };
        let ended = FromSlot::Ended {
            attempt: job.attempt,
            report: Box::new(report),
            rewrite,
            retire,
        };
        match &next {
            Some(next) => self.tell_all(&[ended, FromSlot::Started(next.attempt)]),
            None => self.tell(&ended),
        }
        next.filter(|_| !self.ending)
    }

    /// Says something to the harness. One that is gone is noticed when its silence is read.
    pub(super) fn tell(&mut self, message: &FromSlot) {
        self.tell_all(std::slice::from_ref(message));
    }

    fn tell_all(&mut self, messages: &[FromSlot]) {
        if self.harness.send_all(messages).is_err() {
            self.lose_harness();
        }
    }

    fn lose_harness(&mut self) {
        self.harness_gone = true;
        self.ending = true;
    }

    /// One turn of the loop: waits for anything at all, at most `limit`. Returns what concerns the script.
    pub(super) fn turn(&mut self, limit: Option<Duration>, reap: Reap) -> Vec<Heard> {
        let harness = (!self.harness_gone).then(|| self.harness.as_fd());
        let watched: Vec<_> = harness.into_iter().chain(self.desk.fds()).collect();
        let mut ready = self.reaper.turn(&watched, limit, reap);
        let shims = ready.split_off(usize::from(!self.harness_gone));
        let mut heard = Vec::new();
        if ready.contains(&true) {
            heard.extend(self.hear_harness());
        }
        if shims.contains(&true) {
            heard.extend(self.desk.hear().into_iter().map(Heard::Desk));
        }
        heard
    }

    fn hear_harness(&mut self) -> Vec<Heard> {
        let mut heard = Vec::new();
        while !self.harness_gone {
            match self.harness.receive_now::<ToSlot>() {
                Ok(None) => break,
                Ok(Some(ToSlot::Run(job))) => self.inbox.push_back(*job),
                Ok(Some(ToSlot::Engine(grant))) => self.grant = Some(*grant),
                Ok(Some(ToSlot::Recall(attempt))) => self.hand_back(attempt),
                Ok(Some(ToSlot::Admit(attempt))) => heard.push(Heard::Admit(attempt)),
                Ok(Some(ToSlot::Open { attempt, caller })) => {
                    heard.push(Heard::Open(attempt, caller));
                }
                Ok(Some(ToSlot::Look(attempt))) => heard.push(Heard::Look(attempt)),
                Ok(Some(ToSlot::Release(attempt))) => heard.push(Heard::Release(attempt)),
                Ok(Some(ToSlot::Cancel(haste))) => {
                    self.ending = true;
                    self.hurry.heed(haste, clock::now());
                }
                Ok(Some(ToSlot::Setup(_))) => {}
                Err(_) => self.lose_harness(),
            }
        }
        heard
    }

    /// Hands back an attempt that has not begun. One that has is not handed back: its end will be told.
    fn hand_back(&mut self, attempt: AttemptId) {
        let before = self.inbox.len();
        self.inbox.retain(|job| job.attempt != attempt);
        if self.inbox.len() < before {
            self.tell(&FromSlot::Recalled(attempt));
        }
    }
}
