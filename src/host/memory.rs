//! The memory of another process, read and never written, and the file it was started from.
//!
//! Knows nothing of what lies in there. Reading needs the permission to trace: an ancestor has it even where
//! siblings have not.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt};

/// Memory that can be read at an address.
pub trait Memory {
    /// Fills the buffer with what is at the address, or fails: the process is gone, nothing is mapped there,
    /// or it is not permitted.
    fn read(&self, address: u64, into: &mut [u8]) -> io::Result<()>;
}

/// The memory of a live process.
#[derive(Debug)]
pub struct ProcessMemory(File);

impl ProcessMemory {
    /// Opens the memory of a process. It stays that process's, even when the number passes to another one.
    pub fn open(pid: i32) -> io::Result<Self> {
        File::open(format!("/proc/{pid}/mem")).map(ProcessMemory)
    }

    /// Reads from an address on as much as is mapped there, and says how many bytes.
    pub fn read_some(&self, address: u64, into: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.0.read_at(rest, address + done as u64) {
                Ok(0) => break,
                Ok(more) => done += more,
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(done)
    }
}

impl Memory for ProcessMemory {
    fn read(&self, address: u64, into: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(into, address)
    }
}

/// Opens the file that a process was started from, deleted or replaced though it may be meanwhile.
pub fn executable(pid: i32) -> io::Result<File> {
    File::open(format!("/proc/{pid}/exe"))
}

/// The number under which the auxiliary vector has the address of the program's first instruction
/// (`AT_ENTRY` of `getauxval(3)`).
const ENTRY: u64 = 9;

/// Where the program's first instruction is in the process: tells how far the program was moved when it
/// was loaded.
pub fn entry(pid: i32) -> io::Result<u64> {
    let vector = fs::read(format!("/proc/{pid}/auxv"))?;
    let word = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_ne_bytes);
    vector
        .chunks_exact(16)
        .map(|pair| pair.split_at(8))
        .find(|(key, _)| word(key) == ENTRY)
        .map(|(_, value)| word(value))
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no entry in the auxiliary vector"))
}

/// A file mapped into a process so that its code can run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeMapping {
    /// First address.
    pub start: u64,
    /// First address after it.
    pub end: u64,
    /// Where in the file the mapping begins.
    pub offset: u64,
    /// The file's path, as the kernel prints it; `[vdso]` for the kernel's own.
    pub path: String,
    /// Device and inode, as the kernel prints them: `08:01 77`.
    pub file: String,
}

/// More of `/proc/PID/maps` than this is not read.
const MAPS_CAP: u64 = 4 << 20;

/// The mappings that code can run in, by address.
pub fn code(pid: i32) -> io::Result<Vec<CodeMapping>> {
    let mut text = Vec::new();
    File::open(format!("/proc/{pid}/maps"))?
        .take(MAPS_CAP)
        .read_to_end(&mut text)?;
    let text = String::from_utf8_lossy(&text);
    Ok(text.lines().filter_map(code_mapping).collect())
}

/// One line of `/proc/PID/maps`, as `proc_pid_maps(5)` describes.
fn code_mapping(line: &str) -> Option<CodeMapping> {
    let hexadecimal = |word: &str| u64::from_str_radix(word, 16).ok();
    let (range, rest) = line.split_once(' ')?;
    let (permissions, rest) = rest.split_once(' ')?;
    let (offset, rest) = rest.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    // Device and inode come before the path, which is padded and may hold blanks itself.
    let (device, rest) = rest.split_once(' ')?;
    let (inode, path) = rest.split_once(' ')?;
    let mapping = CodeMapping {
        start: hexadecimal(start)?,
        end: hexadecimal(end)?,
        offset: hexadecimal(offset)?,
        path: path.trim_start().to_owned(),
        file: format!("{device} {inode}"),
    };
    (permissions.contains('x') && !mapping.path.is_empty()).then_some(mapping)
}

/// Opens a mapped file. Fails when it is not the one that was mapped any more, or not a file.
pub fn mapped(pid: i32, mapping: &CodeMapping) -> io::Result<File> {
    // By the mapping itself, which root may do and which finds deleted files; else by the process's own root.
    let (start, end) = (mapping.start, mapping.end);
    let file = File::open(format!("/proc/{pid}/map_files/{start:x}-{end:x}"))
        .or_else(|_| File::open(format!("/proc/{pid}/root{}", mapping.path)))?;
    let inode = format!(" {}", file.metadata()?.ino());
    if mapping.file.ends_with(&inode) {
        Ok(file)
    } else {
        Err(io::Error::new(
            io::ErrorKind::NotFound,
            "another file is there now",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_memory_can_be_read_and_what_is_not_mapped_cannot() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let memory = ProcessMemory::open(pid).unwrap();
        let here = 0x1122_3344_5566_7788_u64;
        let mut bytes = [0; 8];
        memory.read(&raw const here as u64, &mut bytes).unwrap();
        assert_eq!(u64::from_ne_bytes(bytes), here);
        assert!(memory.read(0, &mut bytes).is_err());
        assert!(entry(pid).unwrap() > 0);
    }

    #[test]
    fn a_line_of_maps_is_kept_when_code_of_a_file_can_run_in_it() {
        let check = |line: &str, expected: Option<(u64, u64, u64, &str)>| {
            let found = code_mapping(line);
            let found = found.as_ref();
            assert_eq!(
                found.map(|it| (it.start, it.end, it.offset, it.path.as_str())),
                expected,
                "{line}"
            );
        };
        check(
            "00401000-004a0000 r-xp 00001000 08:01 77                         /usr/bin/a b (deleted)",
            Some((0x40_1000, 0x4a_0000, 0x1000, "/usr/bin/a b (deleted)")),
        );
        check(
            "00401000-004a0000 r--p 00001000 08:01 77                         /usr/bin/a",
            None,
        );
        check("7f0000000000-7f0000001000 r-xp 00000000 00:00 0 ", None);
        check(
            "7ffd1f5fe000-7ffd1f600000 r-xp 00000000 00:00 0                          [vdso]",
            Some((0x7ffd_1f5f_e000, 0x7ffd_1f60_0000, 0, "[vdso]")),
        );
        check("nonsense", None);
    }

    #[test]
    fn the_code_of_this_process_has_this_function_in_it() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let this = the_code_of_this_process_has_this_function_in_it as fn() as usize as u64;
        let found = code(pid).unwrap();
        assert!(found.iter().any(|it| (it.start..it.end).contains(&this)));
    }
}
