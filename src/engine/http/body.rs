//! Where a body ends, and which of its bytes are data. Copies nothing, however large the body is.

use super::Ambiguous;

/// How a body is delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// It has so many bytes.
    Length(u64),
    /// It comes in chunks, each with its size.
    Chunked,
    /// It ends with the connection.
    Close,
}

/// The most hexadecimal digits of a chunk's size: more do not fit.
const DIGITS: u8 = 15;
/// The longest line of a chunk's size with its extensions, and all trailers together, in bytes.
const LINE: u32 = 16 * 1024;

/// A body that is being received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body(State);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// So many bytes are left.
    Plain(u64),
    /// In the digits of a chunk's size.
    Size {
        value: u64,
        digits: u8,
    },
    /// Behind them, up to the line's end; of so many bytes.
    Extension {
        value: u64,
        length: u32,
    },
    /// So many bytes of a chunk are left.
    Chunk(u64),
    /// Before the line's end that closes a chunk.
    ChunkEnd {
        returned: bool,
    },
    /// In the lines behind the last chunk; `empty`: the line has nothing yet.
    Trailer {
        empty: bool,
        length: u32,
    },
    /// Until the connection ends.
    Endless,
    Over,
}

impl Body {
    /// A body of which nothing has come yet.
    pub fn new(framing: Framing) -> Self {
        Body(match framing {
            Framing::Length(0) => State::Over,
            Framing::Length(length) => State::Plain(length),
            Framing::Chunked => State::Size {
                value: 0,
                digits: 0,
            },
            Framing::Close => State::Endless,
        })
    }

    /// All of it has come.
    pub fn is_over(&self) -> bool {
        self.0 == State::Over
    }

    /// Takes what belongs to the body from the beginning of `bytes` and tells how much that is. Its data goes to
    /// `data`, piece by piece.
    pub fn take(&mut self, bytes: &[u8], data: &mut dyn FnMut(&[u8])) -> Result<usize, Ambiguous> {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            at += match &mut self.0 {
                State::Over => break,
                State::Endless => {
                    data(rest);
                    rest.len()
                }
                State::Plain(left) => {
                    let piece = within(rest, *left);
                    data(piece);
                    *left -= piece.len() as u64;
                    if *left == 0 {
                        self.0 = State::Over;
                    }
                    piece.len()
                }
                State::Chunk(left) => {
                    let piece = within(rest, *left);
                    data(piece);
                    *left -= piece.len() as u64;
                    if *left == 0 {
                        self.0 = State::ChunkEnd { returned: false };
                    }
                    piece.len()
                }
                State::Size { .. }
                | State::Extension { .. }
                | State::ChunkEnd { .. }
                | State::Trailer { .. } => {
                    let [byte, ..] = rest else { break };
                    self.0 = self.0.after(*byte)?;
                    1
                }
            };
        }
        Ok(at)
    }
}

/// At most the first `left` bytes.
fn within(bytes: &[u8], left: u64) -> &[u8] {
    let length = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
    bytes.split_at(length).0
}

impl State {
    /// The state behind one byte between the chunks.
    fn after(self, byte: u8) -> Result<State, Ambiguous> {
        let next = match (self, byte) {
            (State::Size { value, digits }, _) if byte.is_ascii_hexdigit() => {
                if digits == DIGITS {
                    return Err(Ambiguous("a chunk larger than anything"));
                }
                let digit = char::from(byte).to_digit(16).unwrap_or_default();
                State::Size {
                    value: value * 16 + u64::from(digit),
                    digits: digits + 1,
                }
            }
            (State::Size { digits: 0, .. }, _) => return Err(Ambiguous("a chunk without a size")),
            (State::Size { value, .. }, b'\r' | b';' | b' ' | b'\t') => {
                State::Extension { value, length: 0 }
            }
            (State::Extension { value: 0, .. }, b'\n') => State::Trailer {
                empty: true,
                length: 0,
            },
            (State::Extension { value, .. }, b'\n') => State::Chunk(value),
            (State::Extension { value, length }, _) if length < LINE => State::Extension {
                value,
                length: length + 1,
            },
            (State::ChunkEnd { returned: false }, b'\r') => State::ChunkEnd { returned: true },
            (State::ChunkEnd { returned: true }, b'\n') => State::Size {
                value: 0,
                digits: 0,
            },
            (State::Trailer { empty: true, .. }, b'\n') => State::Over,
            (State::Trailer { length, .. }, b'\n') => State::Trailer {
                empty: true,
                length: length + 1,
            },
            (State::Trailer { empty, length }, _) if length < LINE => State::Trailer {
                empty: empty && byte == b'\r',
                length: length + 1,
            },
            (State::Size { .. }, _) => return Err(Ambiguous("a chunk's size that is no number")),
            (State::ChunkEnd { .. }, _) => return Err(Ambiguous("a chunk without an end")),
            (State::Extension { .. } | State::Trailer { .. }, _) => {
                return Err(Ambiguous("lines between chunks without an end"));
            }
            (State::Plain(_) | State::Chunk(_) | State::Endless | State::Over, _) => self,
        };
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What is data, how much was taken, and whether it is over; fed in pieces of this size.
    fn feed(
        framing: Framing,
        bytes: &[u8],
        piece: usize,
    ) -> Result<(Vec<u8>, usize, bool), Ambiguous> {
        let mut body = Body::new(framing);
        let (mut data, mut taken) = (Vec::new(), 0);
        for piece in bytes.chunks(piece) {
            let took = body.take(piece, &mut |piece| data.extend_from_slice(piece))?;
            taken += took;
            if took < piece.len() {
                break;
            }
        }
        Ok((data, taken, body.is_over()))
    }

    #[track_caller]
    fn check(framing: Framing, text: &str, expected: &str) {
        let bytes = text.replace('|', "\r\n");
        for piece in 1..=bytes.len().max(1) {
            let shown = match feed(framing, bytes.as_bytes(), piece) {
                Err(why) => why.to_string(),
                Ok((data, taken, over)) => {
                    let rest = bytes.split_at(taken).1.replace("\r\n", "|");
                    let data = String::from_utf8(data).unwrap();
                    format!("{data}{} {rest}", if over { "." } else { "…" })
                }
            };
            assert_eq!(shown.trim_end(), expected, "in pieces of {piece}");
        }
    }

    #[test]
    fn a_body_ends_where_its_framing_says_however_it_is_cut() {
        check(Framing::Length(5), "helloGET", "hello. GET");
        check(Framing::Length(5), "hel", "hel…");
        check(Framing::Length(0), "GET", ". GET");
        check(Framing::Close, "hello", "hello…");
        check(Framing::Chunked, "5|hello|0||GET", "hello. GET");
        check(Framing::Chunked, "2;a=b|he|3 ; x|llo|0||", "hello.");
        check(
            Framing::Chunked,
            "A|0123456789|0|X: y|Z: w||GET",
            "0123456789. GET",
        );
        check(Framing::Chunked, "5|hello|0|", "hello…");
    }

    #[test]
    fn chunks_with_two_meanings_are_none() {
        check(Framing::Chunked, "|", "a chunk without a size");
        check(Framing::Chunked, "5x|", "a chunk's size that is no number");
        check(Framing::Chunked, "1|ab", "a chunk without an end");
        check(Framing::Chunked, "1|a\rb", "a chunk without an end");
        check(
            Framing::Chunked,
            "1000000000000000|",
            "a chunk larger than anything",
        );
        let long = format!("1;{}", "x".repeat(20_000));
        assert_eq!(
            feed(Framing::Chunked, long.as_bytes(), 4096).unwrap_err().0,
            "lines between chunks without an end"
        );
    }

    proptest! {
        #[test]
        fn chunks_give_back_what_was_put_in_them(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..6),
            piece in 1_usize..20,
        ) {
            let mut bytes = Vec::new();
            for chunk in &chunks {
                bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                bytes.extend_from_slice(chunk);
                bytes.extend_from_slice(b"\r\n");
            }
            bytes.extend_from_slice(b"0\r\n\r\n");
            let body = bytes.len();
            bytes.extend_from_slice(b"NEXT");
            prop_assert_eq!(feed(Framing::Chunked, &bytes, piece).unwrap(), (chunks.concat(), body, true));
        }
    }
}
