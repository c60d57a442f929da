//! The user stacks of a script's processes: which function each thread or goroutine is in, and what called it.
//!
//! Read from memory where that is possible, with a brief stop of the thread where it is not, never by a signal.
//! What cannot be read is a gap with its reason. Bounded by a deadline and by caps, and told piece by piece.

mod goroutines;
mod image;
#[cfg_attr(
    not(all(feature = "native-stacks", target_os = "linux", target_arch = "x86_64")),
    path = "without_native.rs"
)]
mod native;

use std::fmt::Debug;
use std::io;
use std::time::Instant;

use thiserror::Error;

use crate::host::clock;
use crate::host::memory::{self, Files, Memory, ProcessMemory};
use crate::model::{Gap, Stack};
use image::Image;

/// Frames of one stack that are told.
const FRAMES_CAP: usize = 64;

/// Why there is no stack.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unknown {
    /// It has no goroutines.
    #[error("not a Go program")]
    NotGo,
    /// It may be read, but not understood.
    #[error("layout unknown: {release}: {what}")]
    Layout {
        /// The release of Go, as the program says.
        release: String,
        /// What is not as it should be, or not there.
        what: String,
    },
    /// The kernel refused.
    #[error("not permitted: {0}")]
    NotPermitted(String),
    /// The process is gone, or what was found makes no sense.
    #[error("{0}")]
    Unreadable(String),
}

impl Unknown {
    fn of(what: &str, error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::PermissionDenied {
            Unknown::NotPermitted(what.to_owned())
        } else if error.kind() == io::ErrorKind::NotFound {
            Unknown::Unreadable("the process is gone".to_owned())
        } else {
            Unknown::Unreadable(format!("{what}: {error}"))
        }
    }
}

/// A process to read from.
struct Target<'a> {
    pid: i32,
    memory: &'a dyn Memory,
    image: &'a Image,
    /// What to add to an address of the file to have one of the process.
    bias: u64,
}

impl Target<'_> {
    /// Where an address of the file is in the process.
    fn loaded(&self, address: u64) -> u64 {
        address.wrapping_add(self.bias)
    }
}

/// What is told while stacks are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A stack.
    Stack(Stack),
    /// Something that could not be read, or not all of it.
    Gap(Gap),
}

/// Reads the stacks of the processes in the order given, and tells each as soon as it is known. Ends soon
/// after `until`, with a gap for each process that was not reached.
pub fn take(pids: &[i32], until: Instant, tell: &mut dyn FnMut(Told)) {
    let mut reader = Reader::default();
    for pid in pids {
        let gap = |why: &dyn ToString| {
            Told::Gap(Gap {
                what: format!("stacks of {pid}"),
                why: why.to_string(),
            })
        };
        if clock::now() >= until {
            tell(gap(&"time was up"));
            continue;
        }
        match reader.read(*pid, until, tell) {
            Ok(None) => {}
            Ok(Some(why)) => tell(gap(&why)),
            Err(why) => tell(gap(&why)),
        }
    }
}

/// The process runs a Go program, as far as its executable may be read.
pub fn is_go(pid: i32) -> bool {
    let image = Files::of(pid)
        .and_then(|files| files.executable())
        .and_then(Image::of);
    image.is_ok_and(|image| goroutines::is_go(&image))
}

/// What is kept between processes.
#[derive(Debug, Default)]
struct Reader {
    libraries: native::Libraries,
}

impl Reader {
    /// Goroutines where there are any, else threads. A Go program that cannot be understood has threads too, and
    /// that it cannot is told besides.
    fn read(
        &mut self,
        pid: i32,
        until: Instant,
        tell: &mut dyn FnMut(Told),
    ) -> Result<Option<String>, Unknown> {
        let files = Files::of(pid).map_err(|error| Unknown::of("what is mapped", &error))?;
        match goroutines_of(pid, &files, until, &mut |stack| tell(Told::Stack(stack))) {
            Err(Unknown::NotGo) => self.threads(pid, &files, until, tell),
            Err(why @ Unknown::Layout { .. }) => {
                self.threads(pid, &files, until, tell)?;
                Err(why)
            }
            other => other,
        }
    }

    fn threads(
        &mut self,
        pid: i32,
        files: &Files,
        until: Instant,
        tell: &mut dyn FnMut(Told),
    ) -> Result<Option<String>, Unknown> {
        let libraries = &mut self.libraries;
        native::threads(pid, files, libraries, until, &mut |stack| {
            tell(Told::Stack(stack));
        })
    }
}

/// Tells the goroutines of a process; `Unknown::NotGo` when it has none.
fn goroutines_of(
    pid: i32,
    files: &Files,
    until: Instant,
    each: &mut dyn FnMut(Stack),
) -> Result<Option<String>, Unknown> {
    let unreadable = |what| move |error: io::Error| Unknown::of(what, &error);
    let file = files.executable().map_err(unreadable("its executable"))?;
    let image = Image::of(file).map_err(unreadable("its executable"))?;
    if !goroutines::is_go(&image) {
        return Err(Unknown::NotGo);
    }
    let entry = memory::entry(pid).map_err(unreadable("where it was loaded"))?;
    let memory = ProcessMemory::open(pid).map_err(unreadable("its memory"))?;
    let target = Target {
        pid,
        memory: &memory,
        image: &image,
        bias: entry.wrapping_sub(image.entry),
    };
    goroutines::goroutines(&target, until, each)
}
