//! Strings as the kernel takes them for a new program: each ended by a zero byte, all in one buffer.

use std::ffi::{CStr, c_char};
use std::io;

/// A list of strings, such as the words of a command line.
#[derive(Debug, Default)]
pub struct Strings {
    bytes: Vec<u8>,
    /// Where each string begins in `bytes`.
    starts: Vec<usize>,
}

impl Strings {
    /// Adds a string that consists of these parts. A zero byte cannot be part of one: `EINVAL`, as Go has it.
    pub fn push(&mut self, parts: &[&[u8]]) -> io::Result<()> {
        let start = self.bytes.len();
        for part in parts {
            if part.contains(&0) {
                self.bytes.truncate(start);
                return Err(io::Error::from_raw_os_error(libc::EINVAL));
            }
            self.bytes.extend_from_slice(part);
        }
        self.bytes.push(0);
        self.starts.push(start);
        Ok(())
    }

    /// Where each string is, and a null pointer after the last. Of worth as long as nothing is added.
    pub(super) fn pointers(&self) -> Vec<*const c_char> {
        let base = self.bytes.as_ptr();
        let mut pointers = Vec::with_capacity(self.starts.len() + 1);
        for start in &self.starts {
            pointers.push(base.wrapping_add(*start).cast());
        }
        pointers.push(std::ptr::null());
        pointers
    }

    /// The first string; empty when there is none.
    pub fn first(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_end_with_a_zero_and_hold_none() {
        let mut strings = Strings::default();
        assert_eq!(strings.first(), c"");
        strings.push(&[b"A", b"=", b"1"]).unwrap();
        let error = strings.push(&[b"x", b"y\0z"]).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EINVAL));
        strings.push(&[]).unwrap();
        assert_eq!(strings.bytes, b"A=1\0\0");
        assert_eq!(strings.first(), c"A=1");
        assert_eq!(strings.pointers().len(), 3);
        assert_eq!(strings.pointers().last(), Some(&std::ptr::null()));
    }
}
