//! The memory of another process: what is mapped where, and bytes out of it. Needs the right to trace it,
//! and waits for its memory lock: to be asked last.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::{Proc, Unread};

/// A range of a process's memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// Its first address.
    pub start: u64,
    /// The address behind it.
    pub end: u64,
    /// Processes that map the file see each other's changes.
    pub shared: bool,
    /// Where in the file it begins.
    pub offset: u64,
    /// The file; empty for memory of nobody's, `[stack]` and the like for the kernel's.
    pub path: String,
}

impl Proc {
    /// The process's memory map.
    pub fn mappings(&self, pid: i32) -> Result<Vec<Mapping>, Unread> {
        let text = self.text_of(pid, "maps")?;
        Ok(text.lines().filter_map(mapping).collect())
    }

    /// Bytes of the process's memory; fewer where the mapping ends.
    pub fn memory(&self, pid: i32, address: u64, length: usize) -> Result<Vec<u8>, Unread> {
        let file = File::open(self.path(pid, "mem"))?;
        let mut bytes = vec![0; length];
        let mut have = 0;
        while let Some(rest) = bytes.get_mut(have..).filter(|rest| !rest.is_empty()) {
            match file.read_at(rest, address.saturating_add(have as u64)) {
                Ok(0) => break,
                Ok(count) => have += count,
                Err(error) if have == 0 => return Err(error.into()),
                Err(_) => break,
            }
        }
        bytes.truncate(have);
        Ok(bytes)
    }

    /// Text in the process's memory, up to its zero byte.
    pub fn text_at(&self, pid: i32, address: u64) -> Result<String, Unread> {
        const LONGEST: usize = 4096;
        let bytes = self.memory(pid, address, LONGEST)?;
        let end = bytes.iter().position(|byte| *byte == 0);
        let text = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
        Ok(String::from_utf8_lossy(text).into_owned())
    }
}

/// `7f1c2000-7f1c3000 rw-s 00001000 00:1a 9   /dev/shm/libpod_lock`
fn mapping(line: &str) -> Option<Mapping> {
    let mut rest = line;
    let mut word = || {
        let (word, tail) = rest
            .trim_start()
            .split_once(' ')
            .unwrap_or((rest.trim(), ""));
        rest = tail;
        word
    };
    let (start, end) = word().split_once('-')?;
    let number = |text: &str| u64::from_str_radix(text, 16).ok();
    let shared = word().ends_with('s');
    let offset = number(word())?;
    let (_device, _inode) = (word(), word());
    Some(Mapping {
        start: number(start)?,
        end: number(end)?,
        shared,
        offset,
        path: rest.trim().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_map_is_read_with_blanks_in_its_path() {
        let line = "7f1c2000-7f1c3000 rw-s 00001000 00:1a 9                  /dev/shm/a b";
        let expected = Mapping {
            start: 0x7f1c_2000,
            end: 0x7f1c_3000,
            shared: true,
            offset: 0x1000,
            path: "/dev/shm/a b".to_owned(),
        };
        assert_eq!(mapping(line), Some(expected));
        let nameless = mapping("1000-2000 rw-p 00000000 00:00 0 ").unwrap();
        assert!(nameless.path.is_empty() && !nameless.shared);
        assert_eq!(mapping("nonsense"), None);
    }

    #[test]
    fn our_own_memory_is_read_and_an_empty_address_is_not() {
        let text = std::ffi::CString::new("seen from outside").unwrap();
        let me = rustix::process::getpid().as_raw_nonzero().get();
        let proc = Proc::default();
        let address = text.as_ptr().addr() as u64;
        assert_eq!(proc.text_at(me, address).unwrap(), "seen from outside");
        assert!(proc.memory(me, 0, 8).is_err());
    }
}
