//! The memory of another process, read and never written, and the file it was started from.
//!
//! Knows nothing of what lies in there. Reading needs the permission to trace: an ancestor has it even where
//! siblings have not.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

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
    /// Which file, whatever its path.
    pub file: FileId,
}

/// A device's major and minor number.
type Device = (u32, u32);

/// A file of this machine: its device and its inode.
pub type FileId = (Device, u64);

/// More of a file of `/proc` than this is not read.
const TEXT_CAP: u64 = 4 << 20;

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
    let (major, minor) = device.split_once(':')?;
    let device = (
        u32::from_str_radix(major, 16).ok()?,
        u32::from_str_radix(minor, 16).ok()?,
    );
    let mapping = CodeMapping {
        start: hexadecimal(start)?,
        end: hexadecimal(end)?,
        offset: hexadecimal(offset)?,
        path: path.trim_start().to_owned(),
        file: (device, inode.parse().ok()?),
    };
    (permissions.contains('x') && !mapping.path.is_empty()).then_some(mapping)
}

/// File systems whose server may have gone: opening a file there could block for good, beyond any signal.
const DISTANT: [&str; 4] = ["fuse", "nfs", "cifs", "smb"];

/// The files that a process runs.
#[derive(Debug)]
pub struct Files {
    pid: i32,
    /// The mappings that code can run in, by address.
    pub code: Vec<CodeMapping>,
    /// Devices of distant file systems, and the kind of each.
    distant: BTreeMap<Device, String>,
}

impl Files {
    /// Looks at what is mapped, and opens nothing.
    pub fn of(pid: i32) -> io::Result<Self> {
        let maps = capped(&format!("/proc/{pid}/maps"))?;
        let mounts = capped(&format!("/proc/{pid}/mountinfo"))?;
        Ok(Files {
            pid,
            code: maps.lines().filter_map(code_mapping).collect(),
            distant: mounts.lines().filter_map(distant).collect(),
        })
    }

    /// Opens the file that the process was started from, deleted or replaced though it may be meanwhile.
    pub fn executable(&self) -> io::Result<File> {
        let link = format!("/proc/{}/exe", self.pid);
        let path = fs::read_link(&link)?;
        let mapping = self.code.iter().find(|it| path == Path::new(&it.path));
        mapping.map_or(Ok(()), |mapping| self.check(mapping))?;
        File::open(link)
    }

    /// Opens a mapped file. Fails when it is not the one that was mapped any more, or not a file.
    pub fn mapped(&self, mapping: &CodeMapping) -> io::Result<File> {
        self.check(mapping)?;
        // By the mapping itself, which root may do and which finds deleted files; else by the process's own root.
        let (pid, start, end) = (self.pid, mapping.start, mapping.end);
        let file = File::open(format!("/proc/{pid}/map_files/{start:x}-{end:x}"))
            .or_else(|_| File::open(format!("/proc/{pid}/root{}", mapping.path)))?;
        if file.metadata()?.ino() == mapping.file.1 {
            Ok(file)
        } else {
            Err(io::Error::other("another file is there now"))
        }
    }

    fn check(&self, mapping: &CodeMapping) -> io::Result<()> {
        let kind = self.distant.get(&mapping.file.0);
        kind.map_or(Ok(()), |kind| {
            let path = &mapping.path;
            let why = format!("{path} is on a file system that may not answer ({kind})");
            Err(io::Error::other(why))
        })
    }
}

fn capped(path: &str) -> io::Result<String> {
    let mut text = Vec::new();
    File::open(path)?.take(TEXT_CAP).read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// One line of `/proc/PID/mountinfo`, as `proc_pid_mountinfo(5)` describes, when it is a distant file system.
fn distant(line: &str) -> Option<(Device, String)> {
    let (head, tail) = line.split_once(" - ")?;
    let (major, minor) = head.split(' ').nth(2)?.split_once(':')?;
    let kind = tail.split(' ').next()?;
    let device = (major.parse().ok()?, minor.parse().ok()?);
    let far = DISTANT.iter().any(|prefix| kind.starts_with(prefix));
    far.then(|| (device, kind.to_owned()))
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
    fn a_file_system_with_a_server_is_told_by_its_kind() {
        let check = |kind: &str, expected: Option<(Device, String)>| {
            let line = format!("36 35 0:300 / /mnt rw,noatime shared:1 - {kind} /dev/x rw");
            assert_eq!(distant(&line), expected);
        };
        check("ext4", None);
        check("overlay", None);
        for kind in ["fuse.sshfs", "fuse", "nfs4", "cifs", "smb3"] {
            check(kind, Some(((0, 300), kind.to_owned())));
        }
        assert_eq!(distant("nonsense"), None);
    }

    #[test]
    fn a_file_that_may_not_answer_is_not_opened() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let mut files = Files::of(pid).unwrap();
        files.executable().unwrap();
        let path = fs::read_link("/proc/self/exe").unwrap();
        let this = files.code.iter().find(|it| path == Path::new(&it.path));
        let this = this.unwrap().clone();
        files.mapped(&this).unwrap();
        files.distant.insert(this.file.0, "fuse.sshfs".to_owned());
        for refused in [files.executable(), files.mapped(&this)] {
            let why = refused.unwrap_err().to_string();
            assert!(why.ends_with("that may not answer (fuse.sshfs)"), "{why}");
        }
    }

    #[test]
    fn the_code_of_this_process_has_this_function_in_it() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let this = the_code_of_this_process_has_this_function_in_it as fn() as usize as u64;
        let files = Files::of(pid).unwrap();
        assert!(
            files
                .code
                .iter()
                .any(|it| (it.start..it.end).contains(&this))
        );
    }
}
