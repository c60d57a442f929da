//! The native stacks of a process: each thread is stopped for a moment, its registers and stack are copied, and
//! only when it goes on again are its calls followed back, by the unwind tables of the files that are mapped.

mod library;

use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;
use std::time::Instant;

use framehop::x86_64::{CacheX86_64, UnwindRegsX86_64, UnwinderX86_64};
use framehop::{FrameAddress, MayAllocateDuringUnwind, Module, Unwinder};

use super::image::Image;
use super::{FRAMES_CAP, Unknown};
use crate::host::memory::{CodeMapping, FileId, Files};
use crate::host::trace::{self, Snapshot};
use crate::model::{Stack, StackKind};
use library::Library;

/// Threads of one process that are looked at.
const THREADS_CAP: usize = 32;
/// Libraries kept for further processes.
const LIBRARIES_CAP: usize = 256;

/// What was read of files, for all processes that share them.
#[derive(Debug, Default)]
pub(super) struct Libraries {
    /// `None` when the file could not be read.
    read: BTreeMap<FileId, Option<Rc<Library>>>,
}

/// Tells a stack for each thread, the first thread's first. `Ok(Some(why))`: not for all of them.
pub(super) fn threads(
    pid: i32,
    files: &Files,
    libraries: &mut Libraries,
    until: Instant,
    each: &mut dyn FnMut(Stack),
) -> Result<Option<String>, Unknown> {
    let unreadable = |what| move |error: io::Error| Unknown::of(what, &error);
    let mut tids = trace::threads(pid).map_err(unreadable("threads"))?;
    let all = tids.len();
    tids.truncate(THREADS_CAP);
    let snapshots = trace::snapshots(pid, &tids, until).map_err(unreadable("memory"))?;
    let mut process = Process::new(pid, files, libraries);
    let (mut told, mut missed) = (0, Vec::new());
    for snapshot in snapshots {
        match snapshot {
            Ok(snapshot) => {
                told += 1;
                each(process.stack(&snapshot));
            }
            Err(it) => missed.push(it),
        }
    }
    let unseen = all - told - missed.len();
    match missed.first() {
        Some(first) if told == 0 => Err(Unknown::Unreadable(first.why.clone())),
        Some(first) => Ok(Some(format!("thread {}: {}", first.tid, first.why))),
        None if unseen > 0 => Ok(Some(format!("{told} of {all} threads"))),
        None => Ok(None),
    }
}

/// A process whose calls are followed back.
struct Process<'a> {
    pid: i32,
    files: &'a Files,
    libraries: &'a mut Libraries,
    /// By the first address of the mapping; with what the file was moved by.
    loaded: BTreeMap<u64, Option<(u64, Rc<Library>)>>,
    unwinder: UnwinderX86_64<Rc<[u8]>>,
    cache: CacheX86_64<MayAllocateDuringUnwind>,
}

impl<'a> Process<'a> {
    fn new(pid: i32, files: &'a Files, libraries: &'a mut Libraries) -> Self {
        Process {
            pid,
            files,
            libraries,
            loaded: BTreeMap::new(),
            unwinder: UnwinderX86_64::new(),
            cache: CacheX86_64::new(),
        }
    }

    fn stack(&mut self, snapshot: &Snapshot) -> Stack {
        let at = snapshot.registers;
        let mut registers = UnwindRegsX86_64::new(at.instruction, at.stack, at.frame);
        let mut word = |address: u64| {
            let skip = usize::try_from(address.checked_sub(at.stack).ok_or(())?).map_err(drop)?;
            let bytes = snapshot.stack.get(skip..).and_then(<[u8]>::first_chunk);
            bytes.map(|bytes| u64::from_le_bytes(*bytes)).ok_or(())
        };
        let mut frames = Vec::new();
        let mut next = Some(FrameAddress::from_instruction_pointer(at.instruction));
        while let Some(address) = next.filter(|_| frames.len() < FRAMES_CAP) {
            // Which also has the unwinder know the file.
            frames.push(self.function(address.address_for_lookup()));
            let caller =
                self.unwinder
                    .unwind_frame(address, &mut registers, &mut self.cache, &mut word);
            next = caller
                .ok()
                .flatten()
                .and_then(FrameAddress::from_return_address);
        }
        Stack {
            pid: self.pid,
            thread: u64::try_from(snapshot.tid).unwrap_or(0),
            kind: StackKind::Native,
            state: String::new(),
            frames,
            stopped: Some(snapshot.stopped),
        }
    }

    /// What the function at an address of the process is called; the address when no file has it.
    fn function(&mut self, address: u64) -> String {
        let holds = |it: &&CodeMapping| (it.start..it.end).contains(&address);
        let Some(mapping) = self.files.code.iter().find(holds) else {
            return format!("{address:#x}");
        };
        match self.library(mapping) {
            Some((bias, library)) => library.function(address.wrapping_sub(bias)),
            None => mapping.path.clone(),
        }
    }

    fn library(&mut self, mapping: &CodeMapping) -> Option<(u64, Rc<Library>)> {
        if let Some(loaded) = self.loaded.get(&mapping.start) {
            return loaded.clone();
        }
        let loaded = self.libraries.get(self.files, mapping).and_then(|library| {
            let bias = library.bias(mapping.start, mapping.offset)?;
            let range = mapping.start..mapping.end;
            let module = Module::new(mapping.path.clone(), range, bias, library.sections());
            self.unwinder.add_module(module);
            Some((bias, library))
        });
        self.loaded.insert(mapping.start, loaded.clone());
        loaded
    }
}

impl Libraries {
    fn get(&mut self, files: &Files, mapping: &CodeMapping) -> Option<Rc<Library>> {
        if let Some(known) = self.read.get(&mapping.file) {
            return known.clone();
        }
        if self.read.len() >= LIBRARIES_CAP {
            return None;
        }
        let image = files.mapped(mapping).and_then(Image::of);
        let library = image.map(|image| Rc::new(Library::of(image, &mapping.path)));
        let library = library.ok();
        self.read.insert(mapping.file, library.clone());
        library
    }
}
