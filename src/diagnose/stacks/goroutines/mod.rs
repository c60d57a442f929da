//! The goroutines of a running Go program, read from its memory while it goes on: no signal, no stop.
//!
//! What Go's own traceback does, from outside: the list `runtime.allgs`, for each goroutine where it was
//! parked, and from there frame by frame by the compiler's table of frame sizes. Inlined calls are left out,
//! and what a traceback leaves out too: dead goroutines, the runtime's own, and its inner functions.

mod layout;
mod pclntab;
mod program;
#[cfg(test)]
mod tests;

use std::io;
use std::time::Instant;

use super::image::Image;
use super::{FRAMES_CAP, Target, Unknown};
use crate::host::clock;
use crate::model::{Stack, StackKind};
use layout::{G, SCHED, STACK};
use program::{Program, word};

/// Goroutines that are told.
const TOLD_CAP: usize = 512;
/// Entries of the list that are looked at; most of a long list is dead or alike.
const LOOKED_AT_CAP: u64 = 16_384;
/// A list that claims to be longer than this is none.
const LIST_CAP: u64 = 1 << 28;
/// Frames walked, told or not.
const WALK_CAP: usize = 512;

/// The statuses of a `g`, without the bit that says that its stack is being scanned.
const SCAN: u32 = 0x1000;
const RUNNABLE: u32 = 1;
const RUNNING: u32 = 2;
const SYSCALL: u32 = 3;
const WAITING: u32 = 4;
const PREEMPTED: u32 = 9;
const LEAKED: u32 = 10;

/// Whether it is a Go program, whatever its release.
pub(super) fn is_go(image: &Image) -> bool {
    program::release(image).is_some()
}

/// Tells every goroutine that a traceback would show, oldest first. `Ok(Some(why))`: not all of them.
///
/// Fails when nothing can be read; then nothing was told.
pub(super) fn goroutines(
    target: &Target,
    until: Instant,
    each: &mut dyn FnMut(Stack),
) -> Result<Option<String>, Unknown> {
    let program = Program::find(target)?;
    let unreadable = |error: io::Error| Unknown::of("memory", &error);
    let array = word(target.memory, program.array).map_err(unreadable)?;
    let length = word(target.memory, program.length).map_err(unreadable)?;
    if length > LIST_CAP || array % 8 != 0 || (length > 0 && array == 0) {
        return Err(Unknown::Unreadable(
            "the list of goroutines is none".to_owned(),
        ));
    }
    let mut told = 0;
    let mut strange = 0;
    for index in 0..length.min(LOOKED_AT_CAP) {
        if clock::now() >= until {
            return Ok(Some(format!("time was up after {told} goroutines")));
        }
        if told == TOLD_CAP {
            return Ok(Some(format!("the first {TOLD_CAP} goroutines of {length}")));
        }
        match goroutine(target, &program, array + 8 * index) {
            Ok(Found::Told(stack)) => {
                told += 1;
                each(stack);
            }
            Ok(Found::LeftOut) => {}
            Ok(Found::Strange) => strange += 1,
            Err(error) if told == 0 => return Err(unreadable(error)),
            Err(_) => return Ok(Some(format!("the process went after {told} goroutines"))),
        }
    }
    match (told, strange) {
        (0, 1..) => Err(Unknown::Unreadable(
            "no goroutine looks as it should".to_owned(),
        )),
        (_, 0) => Ok(
            (length > LOOKED_AT_CAP).then(|| format!("{told} goroutines of a list of {length}"))
        ),
        _ => Ok(Some(format!(
            "{strange} goroutines look otherwise than they should"
        ))),
    }
}

/// What an entry of the list turned out to be.
enum Found {
    Told(Stack),
    /// Dead, or the runtime's own.
    LeftOut,
    /// Not what this release's goroutines look like.
    Strange,
}

/// Some of a `g`.
struct Goroutine {
    bytes: [u8; G],
}

impl Goroutine {
    fn word(&self, offset: usize) -> u64 {
        let bytes = self.bytes.get(offset..).and_then(<[u8]>::first_chunk);
        bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }

    fn status(&self, offset: usize) -> u32 {
        // The upper half is another field.
        let bytes = self.word(offset).to_le_bytes();
        u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) & !SCAN
    }
}

/// Reads one goroutine; fails when the process is gone.
fn goroutine(target: &Target, program: &Program, entry: u64) -> io::Result<Found> {
    let layout = &program.layout;
    let mut it = Goroutine { bytes: [0; G] };
    let address = word(target.memory, entry)?;
    target.memory.read(address, &mut it.bytes)?;
    let status = it.status(layout.status);
    if status > layout.statuses {
        return Ok(Found::Strange);
    }
    let from = match status {
        // The stack of one that runs is in the registers of a thread.
        RUNNING => None,
        SYSCALL => Some(layout.syscall),
        RUNNABLE | WAITING | PREEMPTED | LEAKED => Some(SCHED),
        _ => return Ok(Found::LeftOut),
    };
    let id = it.word(layout.id);
    if id == 0 {
        return Ok(Found::Strange);
    }
    let mut frames = Vec::new();
    if let Some(from) = from {
        let stack = (it.word(STACK), it.word(STACK + 8));
        let at = (it.word(from), it.word(from + 8));
        let Some(walked) = walk(target, program, stack, at) else {
            return Ok(Found::Strange);
        };
        frames = walked.names;
        // As in Go's own tracebacks.
        frames.retain(|name| is_shown(name));
        if frames.is_empty() {
            return Ok(if walked.whole {
                Found::LeftOut
            } else {
                Found::Strange
            });
        }
        frames.truncate(FRAMES_CAP);
    }
    let reason = it.bytes.get(layout.reason).copied().unwrap_or(0);
    let state = match status {
        RUNNABLE => "runnable",
        RUNNING => "running",
        SYSCALL => "syscall",
        PREEMPTED => "preempted",
        _ => layout
            .reason(reason)
            .filter(|word| !word.is_empty())
            .unwrap_or("waiting"),
    };
    Ok(Found::Told(Stack {
        pid: target.pid,
        thread: id,
        kind: StackKind::Goroutine,
        state: state.to_owned(),
        frames,
        stopped: None,
    }))
}

/// The functions that called each other, innermost first.
struct Walked {
    names: Vec<String>,
    /// Up to the one that nothing called.
    whole: bool,
}

/// Follows the calls back from a stack pointer and an address of code; `None` when these are not a goroutine's.
fn walk(
    target: &Target,
    program: &Program,
    (low, high): (u64, u64),
    (mut sp, mut pc): (u64, u64),
) -> Option<Walked> {
    if !(low < sp && sp < high && sp % 8 == 0) {
        return None;
    }
    let functions = &program.functions;
    let mut walked = Walked {
        names: Vec::new(),
        whole: false,
    };
    while walked.names.len() < WALK_CAP {
        let Ok(function) = functions.around(pc) else {
            break;
        };
        walked.names.push(functions.name(function).ok()?);
        walked.whole = functions.is_outermost(function).ok()?;
        if walked.whole || (walked.names.len() > 1 && functions.leads_nowhere(function).ok()?) {
            break;
        }
        let back = functions.frame(function, pc).ok();
        let back = back.and_then(|size| sp.checked_add(size));
        let back = back.filter(|back| (sp..high).contains(back) && back % 8 == 0);
        let Some((back, Ok(caller))) = back.map(|back| (back, word(target.memory, back))) else {
            break;
        };
        (sp, pc) = (back + 8, caller);
    }
    // Without a name, the first address of code was none of this program's.
    (!walked.names.is_empty()).then_some(walked)
}

/// Whether Go would show the function: of its runtime only those that a program calls itself.
fn is_shown(name: &str) -> bool {
    name.strip_prefix("runtime.")
        .is_none_or(|rest| rest.starts_with(|first: char| first.is_ascii_uppercase()))
}
