//! Finding one's way into a Go program: its release, its table of functions, its list of goroutines.
//!
//! Every finding has a guard. What cannot be found, or looks otherwise than it should, is said and not guessed.

use std::io;

use super::super::image::{Enough, Image};
use super::super::{Target, Unknown};
use super::layout::{Layout, MODULE_TEXT};
use super::pclntab::{Functions, MACHINE, MAGICS};
use crate::host::memory::Memory;

/// A running Go program whose layout is known.
#[derive(Debug)]
pub(super) struct Program<'a> {
    /// The release's layout.
    pub(super) layout: Layout,
    /// Its functions.
    pub(super) functions: Functions<'a>,
    /// The word that has the address of the array of goroutines.
    pub(super) array: u64,
    /// The word that has the array's length.
    pub(super) length: u64,
}

/// The release in `.go.buildinfo`, as `debug/buildinfo` reads it; `None` when it is not a Go program.
pub(super) fn release(image: &Image) -> Option<String> {
    let bytes = image.bytes(image.section(".go.buildinfo")?).ok()?;
    // 14 bytes of magic, the size of a pointer, flags; up to go1.17 then pointers, later, which a flag tells,
    // from byte 32 on a text with its length in front.
    let header = bytes.strip_prefix(b"\xff Go buildinf:")?;
    let inline = header.get(1)? & 2 != 0;
    let length = bytes.get(32).copied().map_or(0, usize::from);
    let text = bytes.get(33..33 + length).filter(|_| inline);
    Some(String::from_utf8_lossy(text.unwrap_or(b"before go1.18")).into_owned())
}

impl<'a> Program<'a> {
    /// Looks for all that is needed.
    pub(super) fn find(target: &Target<'a>) -> Result<Self, Unknown> {
        let release = release(target.image).ok_or(Unknown::NotGo)?;
        let unknown = |what: &str| Unknown::Layout {
            release: release.clone(),
            what: what.to_owned(),
        };
        let layout = Layout::of(&release).ok_or_else(|| unknown("this release is not known"))?;
        let known = Known::of(target.image);
        let table = functions(target, known).ok_or_else(|| unknown("no table of functions"))?;
        let text = text(target, table, known)
            .ok_or_else(|| unknown("it is not told where the code begins"))?;
        let functions =
            Functions::at(target.image, table, text).map_err(|e| unknown(&e.to_string()))?;
        let (array, length) =
            list(target, &functions, known).ok_or_else(|| unknown("no list of goroutines"))?;
        Ok(Program {
            layout,
            functions,
            array,
            length,
        })
    }
}

/// Addresses that the file's symbols tell; 0 when they do not.
#[derive(Debug, Default, Clone, Copy)]
struct Known {
    functions: u64,
    module: u64,
    list: u64,
}

impl Known {
    fn of(image: &Image) -> Self {
        let mut known = Known::default();
        // Without symbols there is nothing to be known, and other ways are tried.
        let _stripped = image.symbols(&mut |symbol| {
            if symbol.is("runtime.pclntab") {
                known.functions = symbol.address;
            } else if symbol.is("runtime.firstmoduledata") {
                known.module = symbol.address;
            } else if symbol.is("runtime.allgs") {
                known.list = symbol.address;
            }
            if known.functions != 0 && known.module != 0 && known.list != 0 {
                Enough::Yes
            } else {
                Enough::No
            }
        });
        if let Some(section) = image.section(".go.module") {
            known.module = section.address;
        }
        known
    }
}

/// Sections that a linker may have put the table into, when it has none of its own.
const AMONG: [&str; 2] = [".data.rel.ro", ".rodata"];
/// Bytes searched at a time.
const WINDOW: usize = 1 << 20;

/// Where the table of functions is in the file.
fn functions(target: &Target, known: Known) -> Option<u64> {
    let own = [".gopclntab", ".data.rel.ro.gopclntab"];
    let section = own.iter().find_map(|name| target.image.section(name));
    let told = section.map_or(known.functions, |section| section.address);
    if told != 0 {
        return Some(told);
    }
    AMONG.iter().find_map(|name| by_magic(target.image, name))
}

/// The first place in a section that begins as the table does.
fn by_magic(image: &Image, section: &str) -> Option<u64> {
    let section = image.section(section)?;
    let end = section.address + section.size;
    let mut window = vec![0; WINDOW];
    let mut start = section.address;
    while start < end {
        let length = usize::try_from(end - start).unwrap_or(WINDOW).min(WINDOW);
        let window = window.get_mut(..length)?;
        image.read(start, window).ok()?;
        let found = window.chunks_exact(8).position(|eight| {
            let magic = eight.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
            magic.is_some_and(|magic| MAGICS.contains(&magic)) && eight.get(4..) == Some(&MACHINE)
        });
        if let Some(found) = found {
            return Some(start + 8 * found as u64);
        }
        start += length as u64;
    }
    None
}

/// Where the code begins in the process. The table's head tells, up to go1.25; then only `moduledata` does,
/// which is known by its first word.
fn text(target: &Target, table: u64, known: Known) -> Option<u64> {
    let table = target.loaded(table);
    let told = word(target.memory, table + 24).ok()?;
    if told != 0 || known.module == 0 {
        return Some(told).filter(|told| *told != 0);
    }
    let module = target.loaded(known.module);
    let of_this_table = word(target.memory, module).ok()? == table;
    let told = word(target.memory, module + MODULE_TEXT).ok()?;
    (of_this_table && told != 0).then_some(told)
}

/// The words that have the goroutines' array and its length: the symbol `runtime.allgs`, else what the
/// function that walks the list loads first.
fn list(target: &Target, functions: &Functions, known: Known) -> Option<(u64, u64)> {
    if known.list != 0 {
        let list = target.loaded(known.list);
        return Some((list, list + 8));
    }
    let walker = functions.named("runtime.forEachGRace").ok()??;
    let mut code = [0; 96];
    target.memory.read(walker, &mut code).ok()?;
    let mut loads = loads(&code, walker);
    // `allglen`, then `allgptr`: the order in which `atomicAllG` must read them.
    let (length, array) = (loads.next()?, loads.next()?);
    (length % 8 == 0 && array % 8 == 0).then_some((array, length))
}

/// The addresses of `mov register, [rip + offset]` in code that is at `start`.
fn loads(code: &[u8], start: u64) -> impl Iterator<Item = u64> {
    code.windows(7).enumerate().filter_map(move |(at, bytes)| {
        // REX.W, with or without REX.R; MOV; no base but the next instruction's address.
        let loads = matches!(bytes[0], 0x48 | 0x4c) && bytes[1] == 0x8b && bytes[2] & 0xc7 == 0x05;
        let offset = i32::from_le_bytes([bytes[3], bytes[4], bytes[5], bytes[6]]);
        let next = start + at as u64 + 7;
        loads.then(|| next.wrapping_add_signed(i64::from(offset)))
    })
}

/// Eight bytes of memory.
pub(super) fn word(memory: &dyn Memory, address: u64) -> io::Result<u64> {
    let mut bytes = [0; 8];
    memory.read(address, &mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}
