//! One executable or library as the unwinder needs it: its tables, and the names of its functions.
//!
//! Read once and used for every process that has it mapped. Knows nothing of where.

use std::cell::OnceCell;
use std::ffi::CStr;
use std::ops::Range;
use std::rc::Rc;

use framehop::ExplicitModuleSectionInfo;

use super::super::image::{Enough, Image, Segment};

/// A file with code.
#[derive(Debug)]
pub(super) struct Library {
    image: Image,
    /// Its file name, for functions without one.
    name: String,
    sections: OnceCell<Sections>,
    functions: OnceCell<Vec<Function>>,
}

/// The tables as the unwinder takes them.
type Sections = ExplicitModuleSectionInfo<Rc<[u8]>>;

#[derive(Debug)]
struct Function {
    start: u64,
    /// First address after it; `start` when that is not told.
    end: u64,
    name: String,
}

/// More functions than this are not kept.
const FUNCTIONS_CAP: usize = 1 << 20;

impl Library {
    /// The file that was mapped from this path.
    pub(super) fn of(image: Image, path: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path);
        Library {
            image,
            name: name.to_owned(),
            sections: OnceCell::new(),
            functions: OnceCell::new(),
        }
    }

    /// What was added to the file's addresses when the part at `offset` was mapped to `start`.
    pub(super) fn bias(&self, start: u64, offset: u64) -> Option<u64> {
        // Mappings begin at whole pages, so the offset may lie a little before the segment's.
        let holds = |it: &&Segment| {
            it.offset & !0xfff <= offset && offset < it.offset.saturating_add(it.size)
        };
        let segment = self.image.segments.iter().rfind(holds)?;
        let address = segment.address.wrapping_sub(segment.offset);
        Some(start.wrapping_sub(address.wrapping_add(offset)))
    }

    /// Its unwind tables. Without any, frames are found by the frame pointer.
    pub(super) fn sections(&self) -> Sections {
        self.sections.get_or_init(|| self.read_sections()).clone()
    }

    fn read_sections(&self) -> Sections {
        let range = |name: &str| -> Option<Range<u64>> {
            let section = self.image.section(name)?;
            Some(section.address..section.address.checked_add(section.size)?)
        };
        let data = |name: &str| -> Option<Rc<[u8]>> {
            let bytes = self.image.bytes(self.image.section(name)?).ok()?;
            Some(bytes.into())
        };
        ExplicitModuleSectionInfo {
            text_svma: range(".text"),
            got_svma: range(".got"),
            eh_frame_svma: range(".eh_frame"),
            eh_frame: data(".eh_frame"),
            eh_frame_hdr_svma: range(".eh_frame_hdr"),
            eh_frame_hdr: data(".eh_frame_hdr"),
            ..ExplicitModuleSectionInfo::default()
        }
    }

    /// What the function at an address of the file is called; without a name the place in the file.
    pub(super) fn function(&self, address: u64) -> String {
        let functions = self.functions.get_or_init(|| self.read_functions());
        let after = functions.partition_point(|function| function.start <= address);
        let last = after.checked_sub(1).and_then(|last| functions.get(last));
        let holds = |it: &&Function| it.end == it.start || address < it.end;
        last.filter(holds).map_or_else(
            || format!("{}+{address:#x}", self.name),
            |function| format!("{:#}", rustc_demangle::demangle(&function.name)),
        )
    }

    /// All functions with a name, by address; of several names for one the plainest.
    fn read_functions(&self) -> Vec<Function> {
        let mut functions = Vec::new();
        let read = self.image.symbols(&mut |symbol| {
            if symbol.function {
                functions.push(Function {
                    start: symbol.address,
                    end: symbol.address.saturating_add(symbol.size),
                    name: CStr::from_bytes_until_nul(symbol.name)
                        .map_or_else(|_| String::new(), |it| it.to_string_lossy().into_owned()),
                });
            }
            if functions.len() < FUNCTIONS_CAP {
                Enough::No
            } else {
                Enough::Yes
            }
        });
        if read.is_err() {
            return Vec::new();
        }
        let underscores = |name: &str| name.len() - name.trim_start_matches('_').len();
        functions.sort_by(|a, b| {
            let plain = |it: &Function| (it.start, underscores(&it.name), it.name.len());
            plain(a).cmp(&plain(b)).then_with(|| a.name.cmp(&b.name))
        });
        functions.dedup_by_key(|function| function.start);
        functions
    }
}
