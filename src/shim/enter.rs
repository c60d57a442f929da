//! How a stand-in comes to its ticket: it finds its slot by the path it was started by, and asks there.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::gate;
use super::role::{self, Answer, ShimError, Ticket};
use crate::host::channel::{Channel, ReceiveError};
use crate::host::process::variable;
use crate::host::{environment, facts, socket};
use crate::model::{Bytes, EngineKind};
use crate::wire::{DESK, FromShim, Gate, Pass, ToShim, Until, os_variables};

/// The one word that makes a stand-in say that it starts, and no more.
pub const TRIAL: &str = "--shakedown-trial";

/// Why a stand-in has no ticket.
#[derive(Debug, thiserror::Error)]
enum EnterError {
    #[error("shakedown: cannot reach the worker of this script: {0}")]
    Connect(std::io::Error),
    #[error("shakedown: the worker of this script is gone: {0}")]
    Silent(ReceiveError),
    #[error("{message}")]
    Refused { message: String, code: u8 },
    #[error(transparent)]
    Shim(ShimError),
}

impl EnterError {
    fn exit_code(&self) -> u8 {
        match self {
            EnterError::Connect(_) | EnterError::Silent(_) => 125,
            EnterError::Refused { code, .. } => *code,
            EnterError::Shim(error) => error.exit_code(),
        }
    }
}

/// The slot that a process belongs to: the directory it was started from, or one in its `PATH`, when there
/// is a desk in it.
pub fn slot_directory() -> Option<PathBuf> {
    let has_desk = |directory: &PathBuf| directory.join(DESK).exists();
    let variables = environment::variables();
    let by_path = || {
        let path = variable(&variables, "PATH")?;
        let directories = path.as_bytes().split(|byte| *byte == b':');
        let mut directories =
            directories.map(|directory| PathBuf::from(OsStr::from_bytes(directory)));
        directories.find(has_desk)
    };
    let started_from = environment::executed_as().parent().map(Path::to_owned);
    started_from.filter(has_desk).or_else(by_path)
}

/// The engine that this process stands in for, by the name it was called by.
pub fn called_as(words: &[OsString]) -> Option<EngineKind> {
    let name = Path::new(words.first()?).file_name()?.to_str()?;
    name.parse().ok()
}

/// Stands in for an engine. Returns the exit code when it did not become the client.
pub fn enter(kind: EngineKind, words: &[OsString], slot: &Path) -> (String, u8) {
    match try_enter(kind, words, slot) {
        Ok(never) => match never {},
        Err(error) => (error.to_string(), error.exit_code()),
    }
}

fn try_enter(
    kind: EngineKind,
    words: &[OsString],
    slot: &Path,
) -> Result<std::convert::Infallible, EnterError> {
    let mut channel = Channel::new(socket::connect(slot, DESK).map_err(EnterError::Connect)?);
    let typed: Vec<_> = words
        .iter()
        .skip(1)
        .map(|word| word.to_string_lossy())
        .collect();
    let command = format!("{kind} {}", typed.join(" "));
    channel
        .send(&FromShim::Call {
            kind,
            command: command.clone(),
        })
        .map_err(EnterError::Connect)?;
    let pass = match channel.receive::<ToShim>().map_err(EnterError::Silent)? {
        ToShim::Go(pass) => *pass,
        ToShim::Refuse { message, code } => return Err(EnterError::Refused { message, code }),
        // Nobody was told that it waits for that.
        ToShim::Open => return Err(EnterError::Silent(ReceiveError::Ended)),
    };
    let facts = pass.gated.then(|| pass.facts.clone());
    let ticket = ticket(kind, pass);
    let cwd = environment::directory();
    let mut at_gate = |arguments: &[OsString]| {
        let until = facts
            .as_ref()
            .filter(|facts| facts.kind == kind)
            .and_then(|facts| gate::until(facts, arguments, &cwd));
        until.map_or(Ok(()), |until| wait_at_gate(&mut channel, until, &command))
    };
    let stopped = role::run(
        &ticket,
        words,
        &environment::variables(),
        &cwd,
        &mut at_gate,
    );
    stopped.map_err(|error| {
        if matches!(error, ShimError::Ledger { .. } | ShimError::IdFiles { .. }) {
            // The slot faults the attempt; one that is gone needs no telling.
            drop(channel.send(&FromShim::Fault(error.to_string())));
        }
        EnterError::Shim(error)
    })
}

/// The process is the same when it has become the client.
fn wait_at_gate(channel: &mut Channel, until: Until, command: &str) -> Result<(), String> {
    let gate = Gate {
        pid: i32::try_from(facts::pid()).unwrap_or(0),
        command: command.to_owned(),
        until,
    };
    channel
        .send(&FromShim::Gate(Box::new(gate)))
        .map_err(|error| error.to_string())?;
    match channel.receive::<ToShim>() {
        Ok(ToShim::Open) => Ok(()),
        Ok(ToShim::Go(_) | ToShim::Refuse { .. }) => Err("it was refused".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn ticket(kind: EngineKind, pass: Pass) -> Ticket {
    let path = |bytes: &Bytes| PathBuf::from(OsStr::from_bytes(&bytes.0));
    let become_client = Answer::Become(path(&pass.client));
    let refuse = Answer::Refuse(role::masked(
        match kind {
            EngineKind::Docker => EngineKind::Podman,
            EngineKind::Podman => EngineKind::Docker,
        },
        kind,
    ));
    let (docker, podman) = match kind {
        EngineKind::Docker => (become_client, refuse),
        EngineKind::Podman => (refuse, become_client),
    };
    Ticket {
        docker,
        podman,
        run: pass.run,
        attempt: pass.attempt,
        place: pass.place,
        ledger: path(&pass.ledger),
        id_files: path(&pass.id_files),
        journal: pass
            .journal
            .as_ref()
            .map(|(variable, file)| (variable.clone(), path(file))),
        credentials: path(&pass.credentials),
        harness: os_variables(&pass.harness),
        initial: os_variables(&pass.script),
        facts: Some(pass.facts),
        proxy: pass.proxy.map(|address| path(&address).into_os_string()),
    }
}
