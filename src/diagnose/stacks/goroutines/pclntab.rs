//! Go's table of functions, the one that its own tracebacks use and that stripping leaves in: from an address
//! to a name and to the size of the frame there.
//!
//! The format of go1.18 and its successor of go1.20, as `runtime/symtab.go` and `debug/gosym` read it. Read a
//! block at a time, for it may be tens of megabytes and few of them are needed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;

use super::super::image::Image;

/// The table's first four bytes.
pub(super) const MAGICS: [u32; 2] = [MAGIC_18, MAGIC_20];
const MAGIC_18: u32 = 0xffff_fff0;
const MAGIC_20: u32 = 0xffff_fff1;

/// What follows the magic on x86-64: padding, instructions of any size, pointers of 8 bytes.
pub(super) const MACHINE: [u8; 4] = [0, 0, 1, 8];

/// Bytes read at a time.
const BLOCK: u64 = 16 << 10;
/// Blocks kept: no table is larger than that.
const BLOCKS: usize = 8192;
/// More functions than this no program has.
const FUNCTIONS_CAP: u64 = 4 << 20;
/// A longer name is cut.
const NAME_CAP: usize = 512;
/// Steps of a table of frame sizes that are followed.
const STEPS_CAP: usize = 100_000;

/// A function's flags, of `abi.FuncFlag`.
const TOP_FRAME: u8 = 1;
const SP_WRITE: u8 = 2;

/// The table of one program.
#[derive(Debug)]
pub(super) struct Functions<'a> {
    image: &'a Image,
    /// The table's address in the file.
    table: u64,
    /// Where the code begins in the process.
    text: u64,
    count: u64,
    names: u64,
    sizes: u64,
    /// One row a function, by address: where it begins, and where its entry is, from here.
    rows: u64,
    /// Where a function's flags are in its entry.
    flags: u64,
    blocks: RefCell<BTreeMap<u64, Rc<[u8]>>>,
}

/// One function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Function {
    /// Its first address in the process.
    pub(super) start: u64,
    /// Its entry's address in the table.
    entry: u64,
}

impl<'a> Functions<'a> {
    /// The table at an address of the file, of code that begins at `text` in the process.
    pub(super) fn at(image: &'a Image, table: u64, text: u64) -> io::Result<Self> {
        let mut header = [0; 72];
        image.read(table, &mut header)?;
        let word = |index: usize| {
            let bytes = header.get(8 + 8 * index..).and_then(<[u8]>::first_chunk);
            bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
        };
        let magic = u32::from_le_bytes([header[0], header[1], header[2], header[3]]);
        let count = word(0);
        if !MAGICS.contains(&magic) || header[4..8] != MACHINE || count > FUNCTIONS_CAP {
            return Err(strange());
        }
        let at = |offset: u64| table.checked_add(offset).ok_or_else(strange);
        Ok(Functions {
            image,
            table,
            text,
            count,
            names: at(word(3))?,
            sizes: at(word(6))?,
            rows: at(word(7))?,
            flags: if magic == MAGIC_18 { 37 } else { 41 },
            blocks: RefCell::default(),
        })
    }

    /// The function that an address of the process is in.
    pub(super) fn around(&self, address: u64) -> io::Result<Function> {
        let offset = address.checked_sub(self.text).ok_or_else(strange)?;
        // The first function that begins after the address; the table ends with where the code ends.
        let (mut low, mut high) = (0, self.count + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            if u64::from(self.u32_at(self.rows + 8 * middle)?) <= offset {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        if low == 0 || low > self.count {
            return Err(strange());
        }
        self.function(low - 1)
    }

    fn function(&self, index: u64) -> io::Result<Function> {
        let row = self.rows + 8 * index;
        let start = u64::from(self.u32_at(row)?);
        let entry = u64::from(self.u32_at(row + 4)?);
        Ok(Function {
            start: self.text.wrapping_add(start),
            entry: self.rows + entry,
        })
    }

    /// The first address of the function of this name.
    pub(super) fn named(&self, name: &str) -> io::Result<Option<u64>> {
        let wanted: Vec<u8> = name.bytes().chain([0]).collect();
        let mut found = vec![0; wanted.len()];
        for index in 0..self.count {
            let function = self.function(index)?;
            // Near the end of the names a shorter one cannot be read at that length.
            if self.read(self.name_at(function)?, &mut found).is_ok() && found == wanted {
                return Ok(Some(function.start));
            }
        }
        Ok(None)
    }

    fn name_at(&self, function: Function) -> io::Result<u64> {
        Ok(self.names + u64::from(self.u32_at(function.entry + 4)?))
    }

    /// A function's name, with its package: `os/exec.(*Cmd).Wait`.
    pub(super) fn name(&self, function: Function) -> io::Result<String> {
        let start = self.name_at(function)?;
        let mut name = Vec::new();
        while name.len() < NAME_CAP {
            match self.u8_at(start + name.len() as u64)? {
                0 => break,
                byte => name.push(byte),
            }
        }
        Ok(String::from_utf8_lossy(&name).into_owned())
    }

    /// Nothing called it: a goroutine begins there.
    pub(super) fn is_outermost(&self, function: Function) -> io::Result<bool> {
        Ok(self.u8_at(function.entry + self.flags)? & TOP_FRAME != 0)
    }

    /// It sets the stack pointer as it likes, so that its caller's frame cannot be found.
    pub(super) fn leads_nowhere(&self, function: Function) -> io::Result<bool> {
        Ok(self.u8_at(function.entry + self.flags)? & SP_WRITE != 0)
    }

    /// Bytes between the stack pointer and the return address when execution is at `address`: the row of the
    /// function's table of (change of size, length of code) in which the address is.
    pub(super) fn frame(&self, function: Function, address: u64) -> io::Result<u64> {
        let mut at = self.sizes + u64::from(self.u32_at(function.entry + 16)?);
        let (mut size, mut code) = (-1_i64, function.start);
        for step in 0..STEPS_CAP {
            let change = self.varint(&mut at)?;
            if change == 0 && step > 0 {
                break;
            }
            let magnitude = i64::from(change >> 1);
            size += if change & 1 == 0 {
                magnitude
            } else {
                !magnitude
            };
            code += u64::from(self.varint(&mut at)?);
            if address < code {
                return u64::try_from(size).map_err(|_| strange());
            }
        }
        Err(strange())
    }

    /// A number of 7 bits a byte, lowest first.
    fn varint(&self, at: &mut u64) -> io::Result<u32> {
        let mut value = 0;
        for shift in (0..32).step_by(7) {
            let byte = self.u8_at(*at)?;
            *at += 1;
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(strange())
    }

    fn u8_at(&self, address: u64) -> io::Result<u8> {
        let mut byte = [0];
        self.read(address, &mut byte)?;
        Ok(byte[0])
    }

    fn u32_at(&self, address: u64) -> io::Result<u32> {
        let mut bytes = [0; 4];
        self.read(address, &mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn read(&self, address: u64, into: &mut [u8]) -> io::Result<()> {
        let offset = address.checked_sub(self.table).ok_or_else(strange)?;
        let (mut block, mut skip) = (offset / BLOCK, usize::try_from(offset % BLOCK).unwrap_or(0));
        let mut done = 0;
        while done < into.len() {
            let bytes = self.block(block)?;
            let there = bytes.get(skip..).filter(|there| !there.is_empty());
            let there = there.ok_or_else(strange)?;
            let length = there.len().min(into.len() - done);
            into[done..done + length].copy_from_slice(&there[..length]);
            done += length;
            (block, skip) = (block + 1, 0);
        }
        Ok(())
    }

    /// A block of the file from the table on; the last one is shorter.
    fn block(&self, number: u64) -> io::Result<Rc<[u8]>> {
        if let Some(block) = self.blocks.borrow().get(&number) {
            return Ok(Rc::clone(block));
        }
        let start = self.table + number * BLOCK;
        let length = self.image.length_from(start).min(BLOCK);
        if length == 0 || self.blocks.borrow().len() >= BLOCKS {
            return Err(strange());
        }
        let mut bytes = vec![0; usize::try_from(length).map_err(|_| strange())?];
        self.image.read(start, &mut bytes)?;
        let block: Rc<[u8]> = bytes.into();
        self.blocks.borrow_mut().insert(number, Rc::clone(&block));
        Ok(block)
    }
}

fn strange() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "the table of functions is not as expected",
    )
}
