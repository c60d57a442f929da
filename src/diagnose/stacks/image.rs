//! An executable or library as its file tells: sections, segments, symbols. Only what is asked for is read,
//! and never more than a cap.
//!
//! Knows nothing of the process that it is mapped into: addresses are those of the file.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use object::elf::{self, FileHeader64, ProgramHeader64, SectionHeader64};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};
use object::{LittleEndian, ReadCache};

/// More of one section than this is not read: nothing that we look for is as large.
const SECTION_CAP: u64 = 64 << 20;

/// A section of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    /// Such as `.text`.
    pub(super) name: String,
    /// Its address; 0 when it is not loaded.
    pub(super) address: u64,
    /// Its bytes.
    pub(super) size: u64,
    /// Where it begins in the file.
    pub(super) offset: u64,
    kind: elf::SectionType,
    /// The section of its strings, for a table of symbols.
    strings: usize,
}

impl Section {
    /// The file has bytes for it.
    fn has_bytes(&self) -> bool {
        self.kind != elf::SHT_NOBITS && self.size > 0
    }
}

/// What of the file is loaded where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    /// First address.
    pub(super) address: u64,
    /// Where it begins in the file.
    pub(super) offset: u64,
    /// Bytes of the file in it.
    pub(super) size: u64,
}

/// An ELF file for x86-64.
#[derive(Debug)]
pub(super) struct Image {
    file: File,
    /// Its sections, in the file's order; empty when the table was stripped.
    pub(super) sections: Vec<Section>,
    /// Its loaded segments.
    pub(super) segments: Vec<Segment>,
    /// The address of its first instruction.
    pub(super) entry: u64,
}

fn malformed(why: &(impl ToString + ?Sized)) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_string())
}

impl Image {
    /// Reads the headers. Fails with what is wrong when it is not a 64-bit ELF file for x86-64.
    pub(super) fn of(file: File) -> io::Result<Self> {
        let cache = ReadCache::new(file.try_clone()?);
        let header = FileHeader64::<LittleEndian>::parse(&cache).map_err(|e| malformed(&e))?;
        let endian = header.endian().map_err(|e| malformed(&e))?;
        if header.e_machine(endian) != elf::EM_X86_64 {
            return Err(malformed("it is not for x86-64"));
        }
        let segments = header
            .program_headers(endian, &cache)
            .map_err(|e| malformed(&e))?;
        let table = header.sections(endian, &cache).map_err(|e| malformed(&e))?;
        let section = |it: &SectionHeader64<LittleEndian>| Section {
            name: String::from_utf8_lossy(table.section_name(endian, it).unwrap_or_default())
                .into_owned(),
            address: it.sh_addr(endian),
            size: it.sh_size(endian),
            offset: it.sh_offset(endian),
            kind: it.sh_type(endian),
            strings: it.sh_link(endian) as usize,
        };
        let segment = |it: &ProgramHeader64<LittleEndian>| Segment {
            address: it.p_vaddr(endian),
            offset: it.p_offset(endian),
            size: it.p_filesz(endian),
        };
        let loaded = segments
            .iter()
            .filter(|it| it.p_type(endian) == elf::PT_LOAD);
        Ok(Image {
            sections: table.iter().map(section).collect(),
            segments: loaded.map(segment).collect(),
            entry: header.e_entry(endian),
            file,
        })
    }

    /// The section of this name, when the file has bytes for it.
    pub(super) fn section(&self, name: &str) -> Option<&Section> {
        self.sections
            .iter()
            .find(|section| section.name == name && section.has_bytes())
    }

    /// All bytes of a section.
    pub(super) fn bytes(&self, section: &Section) -> io::Result<Vec<u8>> {
        if !section.has_bytes() || section.size > SECTION_CAP {
            return Err(malformed("a section has no bytes, or too many"));
        }
        let size = usize::try_from(section.size).map_err(|e| malformed(&e))?;
        let mut bytes = vec![0; size];
        self.file.read_exact_at(&mut bytes, section.offset)?;
        Ok(bytes)
    }

    /// Fills the buffer with what the file has for an address.
    pub(super) fn read(&self, address: u64, into: &mut [u8]) -> io::Result<()> {
        let length = into.len() as u64;
        let holds = |segment: &&Segment| {
            let skip = address.checked_sub(segment.address);
            let end = skip.and_then(|skip| skip.checked_add(length));
            end.is_some_and(|end| end <= segment.size)
        };
        let segment = self.segments.iter().find(holds);
        let segment = segment.ok_or_else(|| malformed("an address is not in the file"))?;
        let skip = address - segment.address;
        self.file.read_exact_at(into, segment.offset + skip)
    }

    /// How many bytes the file has from an address on, without a break.
    pub(super) fn length_from(&self, address: u64) -> u64 {
        let rest = |segment: &Segment| {
            let skip = address.checked_sub(segment.address)?;
            segment.size.checked_sub(skip)
        };
        self.segments.iter().find_map(rest).unwrap_or(0)
    }

    /// Hands every symbol with an address to `each`, from the full table when there is one, else from the
    /// one for the dynamic linker. `each` says when it has enough.
    pub(super) fn symbols(&self, each: &mut dyn FnMut(Symbol<'_>) -> Enough) -> io::Result<()> {
        let of_kind = |kind| self.sections.iter().find(|section| section.kind == kind);
        let Some(table) = of_kind(elf::SHT_SYMTAB).or_else(|| of_kind(elf::SHT_DYNSYM)) else {
            return Ok(());
        };
        let strings = self.sections.get(table.strings);
        let strings = self.bytes(strings.ok_or_else(|| malformed("symbols without names"))?)?;
        for entry in self.bytes(table)?.chunks_exact(SYMBOL) {
            let symbol = Symbol::of(entry, &strings);
            if symbol.is_some_and(|symbol| each(symbol) == Enough::Yes) {
                break;
            }
        }
        Ok(())
    }
}

/// Bytes of an entry of a table of symbols (`Elf64_Sym` of `elf(5)`).
const SYMBOL: usize = 24;

/// Whether a search can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Enough {
    Yes,
    No,
}

/// A name in the file, with where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Symbol<'a> {
    /// First address.
    pub(super) address: u64,
    /// Bytes; 0 when not told.
    pub(super) size: u64,
    /// It is a function.
    pub(super) function: bool,
    /// Its name, a zero, and what follows in the file.
    pub(super) name: &'a [u8],
}

impl<'a> Symbol<'a> {
    fn of(entry: &[u8], strings: &'a [u8]) -> Option<Self> {
        let name = u32::from_le_bytes(*entry.first_chunk()?);
        let info = *entry.get(4)?;
        let section = u16::from_le_bytes(*entry.get(6..)?.first_chunk()?);
        let address = u64::from_le_bytes(*entry.get(8..)?.first_chunk()?);
        let size = u64::from_le_bytes(*entry.get(16..)?.first_chunk()?);
        let defined = section != 0 && address != 0;
        defined.then_some(Symbol {
            address,
            size,
            // `STT_FUNC`, `STT_GNU_IFUNC`.
            function: matches!(info & 0xf, 2 | 10),
            name: strings.get(name as usize..)?,
        })
    }

    /// Whether it has this name.
    pub(super) fn is(&self, name: &str) -> bool {
        let rest = self.name.strip_prefix(name.as_bytes());
        rest.and_then(<[u8]>::first) == Some(&0)
    }
}
