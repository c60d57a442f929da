//! A hash that tells change, not attack: 64 bits of FNV-1a, stable for ever (the standard library's is
//! not). Constants from <http://www.isthe.com/chongo/tech/comp/fnv/>.

/// Hashes what it is given, piece by piece.
#[derive(Debug, Clone, Copy)]
pub struct Hash(u64);

impl Default for Hash {
    fn default() -> Self {
        Hash(0xcbf2_9ce4_8422_2325)
    }
}

impl Hash {
    /// The hash of some bytes, as 16 hex digits.
    pub fn of(bytes: &[u8]) -> String {
        let mut hash = Hash::default();
        hash.update(bytes);
        hash.finish()
    }

    /// Goes on with these bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    /// Goes on with these bytes eight at a time: for executables, which are large. It gives another hash than
    /// [`Hash::update`].
    pub fn update_words(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.0 = (self.0 ^ u64::from_le_bytes(*word)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        self.update(rest);
    }

    /// As 16 hex digits.
    pub fn finish(self) -> String {
        format!("{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vectors_hold() {
        assert_eq!(Hash::of(b""), "cbf29ce484222325");
        assert_eq!(Hash::of(b"a"), "af63dc4c8601ec8c");
        assert_eq!(Hash::of(b"foobar"), "85944171f73967e8");
    }
}
