//! A Go program made by hand, down to the bytes: what is read of it, and what is said when it is not as it should.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use super::super::image::Image;
use super::super::{Target, Unknown};
use super::goroutines;
use super::layout::Layout;
use crate::host::clock;
use crate::host::memory::Memory;
use crate::model::Stack;

/// Where things are: in the file, which is loaded at `FILE`, and in the process.
const FILE: u64 = 0x40_0000;
const BUILD_INFO: u64 = 0x200;
const TABLE: u64 = 0x400;
const TEXT: u64 = 0x10_0000;
const LENGTH: u64 = 0x20_0000;
const ARRAY: u64 = 0x20_0008;
const LIST: u64 = 0x30_0000;
const G: u64 = 0x40_0000_0000;
const LOW: u64 = 0x7000_0000;
const SP: u64 = LOW + 0x100;
const HIGH: u64 = LOW + 0x8000;

/// Functions of 256 bytes each, in this order.
const FUNCTIONS: [&str; 5] = [
    "runtime.forEachGRace",
    "runtime.gopark",
    "main.wait",
    "main.main",
    "runtime.goexit",
];

/// An address within a function.
fn within(name: &str) -> u64 {
    let index = FUNCTIONS.iter().position(|it| *it == name).unwrap();
    TEXT + 256 * index as u64 + 16
}

fn put(bytes: &mut Vec<u8>, at: u64, what: &[u8]) {
    let at = usize::try_from(at).unwrap();
    bytes.resize(bytes.len().max(at + what.len()), 0);
    bytes[at..at + what.len()].copy_from_slice(what);
}

/// `.gopclntab` as go1.20 and later have it.
fn table() -> Vec<u8> {
    let (names, sizes, rows) = (0x48_u64, 0x100_u64, 0x120_u64);
    let mut bytes = vec![0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8];
    let count = FUNCTIONS.len() as u64;
    for word in [count, 0, TEXT, names, 0, 0, sizes, rows] {
        bytes.extend(word.to_le_bytes());
    }
    // Frames of 8 bytes: the size goes from -1 to 8, for 0x500 bytes of code.
    put(&mut bytes, sizes, &[18, 0x80, 0x0a, 0]);
    let mut name_at = 0_u64;
    for (index, name) in FUNCTIONS.iter().enumerate() {
        let index = index as u64;
        let entry = 0x40 + index * 0x40;
        put(&mut bytes, names + name_at, name.as_bytes());
        let row = u32::try_from(256 * index).unwrap();
        put(&mut bytes, rows + 8 * index, &row.to_le_bytes());
        put(&mut bytes, rows + 8 * index + 4, &entry.to_le_bytes()[..4]);
        put(&mut bytes, rows + entry, &row.to_le_bytes());
        put(&mut bytes, rows + entry + 4, &name_at.to_le_bytes()[..4]);
        put(&mut bytes, rows + entry + 0x3f, &[0]);
        let outermost = u8::from(*name == "runtime.goexit");
        put(&mut bytes, rows + entry + 41, &[outermost]);
        name_at += name.len() as u64 + 1;
    }
    put(&mut bytes, rows + 8 * count, &0x500_u32.to_le_bytes());
    bytes
}

/// An ELF file for x86-64 with the sections that matter.
fn file(release: &str) -> Vec<u8> {
    let mut info = b"\xff Go buildinf:\x08\x02".to_vec();
    info.resize(32, 0);
    info.push(u8::try_from(release.len()).unwrap());
    info.extend(release.bytes());
    let (table, names) = (table(), b"\0.go.buildinfo\0.gopclntab\0.shstrtab\0");
    let mut bytes = Vec::new();
    put(&mut bytes, BUILD_INFO, &info);
    put(&mut bytes, TABLE, &table);
    let names_at = bytes.len() as u64;
    put(&mut bytes, names_at, names);
    let sections_at = (bytes.len() as u64).next_multiple_of(8);
    let section = |name: u32, kind: u32, at: u64, size: usize| {
        let mut section = [name.to_le_bytes(), kind.to_le_bytes()].concat();
        for word in [2, FILE + at, at, size as u64, 0, 1, 0] {
            section.extend(word.to_le_bytes());
        }
        section
    };
    let sections = [
        vec![0; 64],
        section(1, 1, BUILD_INFO, info.len()),
        section(15, 1, TABLE, table.len()),
        section(26, 3, names_at, names.len()),
    ];
    put(&mut bytes, sections_at, &sections.concat());
    let end = bytes.len() as u64;
    let mut header = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0".to_vec();
    for word in [TEXT, 64, sections_at] {
        header.extend(u64::to_le_bytes(word));
    }
    header.extend([0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 64, 0, 4, 0, 3, 0]);
    // One segment, readable: the whole file.
    header.extend([1, 0, 0, 0, 4, 0, 0, 0]);
    for word in [0, FILE, FILE, end, end, 0x1000] {
        header.extend(u64::to_le_bytes(word));
    }
    put(&mut bytes, 0, &header);
    bytes
}

/// The process's memory, which may end at some read.
struct Fake {
    regions: BTreeMap<u64, Vec<u8>>,
    reads_left: Cell<usize>,
}

impl Fake {
    fn word(&mut self, address: u64, word: u64) {
        let (start, bytes) = self.regions.range_mut(..=address).next_back().unwrap();
        put(bytes, address - start, &word.to_le_bytes());
    }
}

impl Memory for Fake {
    fn read(&self, address: u64, into: &mut [u8]) -> io::Result<()> {
        let gone = || io::Error::other("no such process");
        let left = self.reads_left.get().checked_sub(1).ok_or_else(gone)?;
        self.reads_left.set(left);
        let region = self.regions.range(..=address).next_back();
        let (start, bytes) = region.ok_or_else(gone)?;
        let skip = usize::try_from(address - start).map_err(io::Error::other)?;
        let there = bytes.get(skip..skip + into.len()).ok_or_else(gone)?;
        into.copy_from_slice(there);
        Ok(())
    }
}

/// A process with one goroutine, which waits to receive in `main.wait`, called by `main.main`.
fn process() -> Fake {
    // The loads of `runtime.forEachGRace`: mov rcx, [rip+…]; mov rbx, [rip+…].
    let load = |at: u64, register: u8, what: u64| {
        let offset = i32::try_from(what.cast_signed() - (TEXT + at + 7).cast_signed()).unwrap();
        [&[0x48, 0x8b, register][..], &offset.to_le_bytes()].concat()
    };
    let mut code = vec![0x90; 0x500];
    put(&mut code, 6, &load(6, 0x0d, LENGTH));
    put(&mut code, 20, &load(20, 0x1d, ARRAY));
    let stack = vec![0; usize::try_from(HIGH - LOW).unwrap()];
    let mut fake = Fake {
        regions: BTreeMap::from([
            (FILE + TABLE, table()),
            (TEXT, code),
            (LENGTH, vec![0; 16]),
            (LIST, vec![0; 64]),
            (G, vec![0; 256]),
            (LOW, stack),
        ]),
        reads_left: Cell::new(usize::MAX),
    };
    let layout = Layout::of("go1.22").unwrap();
    for (address, word) in [
        (LENGTH, 1),
        (ARRAY, LIST),
        (LIST, G),
        (G, LOW),
        (G + 8, HIGH),
        (G + 56, SP),
        (G + 64, within("runtime.gopark")),
        (G + layout.status as u64, 4),
        (G + layout.id as u64, 7),
        (G + layout.reason as u64, 14),
        (SP + 8, within("main.wait")),
        (SP + 24, within("main.main")),
        (SP + 40, within("runtime.goexit")),
    ] {
        fake.word(address, word);
    }
    fake
}

type Answer = (Vec<Stack>, Result<Option<String>, Unknown>);

fn read_until(memory: &Fake, release: &str, until: Instant) -> Answer {
    let mut on_disk = tempfile::tempfile().unwrap();
    on_disk.write_all(&file(release)).unwrap();
    let image = Image::of(on_disk).unwrap();
    let target = Target {
        pid: 4711,
        memory,
        image: &image,
        bias: 0,
    };
    let mut stacks = Vec::new();
    let result = goroutines(&target, until, &mut |stack| stacks.push(stack));
    (stacks, result)
}

fn read(memory: &Fake) -> Answer {
    read_until(memory, "go1.22.3", clock::now() + Duration::from_secs(60))
}

#[test]
fn a_goroutine_is_told_with_its_state_and_the_functions_of_the_program() {
    let (stacks, result) = read(&process());
    assert_eq!(result, Ok(None));
    let [stack] = stacks.as_slice() else {
        panic!("{stacks:?}")
    };
    assert_eq!((stack.pid, stack.thread), (4711, 7));
    assert_eq!(stack.state, "chan receive");
    assert_eq!(stack.frames, ["main.wait", "main.main"]);
}

#[test]
fn an_unknown_release_is_said_and_not_guessed_at() {
    let (stacks, result) = read_until(&process(), "go1.99", clock::now());
    assert_eq!(stacks, []);
    let expected = "layout unknown: go1.99: this release is not known";
    assert_eq!(result.unwrap_err().to_string(), expected);
}

#[test]
fn whatever_does_not_look_like_a_goroutine_is_not_told() {
    let check = |address: u64, word: u64| {
        let mut memory = process();
        memory.word(address, word);
        let (stacks, result) = read(&memory);
        assert_eq!(stacks, [], "{address:#x} {word:#x}");
        let why = result.unwrap_err().to_string();
        assert_eq!(
            why, "no goroutine looks as it should",
            "{address:#x} {word:#x}"
        );
    };
    check(G + 144, 10);
    check(G + 144, 0x2004);
    check(G + 152, 0);
    check(G + 56, LOW);
    check(G + 56, HIGH);
    check(G + 56, SP + 1);
    check(G, HIGH);
    check(G + 64, TEXT - 1);
    check(G + 64, TEXT + 0x500);
    check(G + 64, 0);
}

#[test]
fn a_list_that_is_none_is_not_walked() {
    let check = |address: u64, word: u64| {
        let mut memory = process();
        memory.word(address, word);
        let why = read(&memory).1.unwrap_err().to_string();
        assert_eq!(why, "the list of goroutines is none", "{word:#x}");
    };
    check(LENGTH, 1 << 40);
    check(ARRAY, LIST + 1);
    check(ARRAY, 0);
}

#[test]
fn dead_goroutines_and_those_of_the_runtime_are_left_out() {
    let check = |address: u64, word: u64| {
        let mut memory = process();
        memory.word(address, word);
        assert_eq!(read(&memory), (Vec::new(), Ok(None)));
    };
    check(G + 144, 6);
    check(G + 144, 0x1006);
    check(SP + 8, within("runtime.goexit"));
}

#[test]
fn a_stack_that_never_ends_is_cut() {
    let mut memory = process();
    for frame in 0..1000 {
        memory.word(SP + 16 * frame + 8, within("main.wait"));
    }
    let (stacks, result) = read(&memory);
    assert_eq!(result, Ok(None));
    assert_eq!(stacks[0].frames, vec!["main.wait"; 64]);
}

#[test]
fn a_frame_outside_of_the_stack_ends_it() {
    let mut memory = process();
    memory.word(G + 8, SP + 24);
    assert_eq!(read(&memory).0[0].frames, ["main.wait"]);
}

#[test]
fn a_process_may_die_at_any_read() {
    let mut whole = 0;
    for reads in 0..64 {
        let mut memory = process();
        memory.word(LENGTH, 2);
        memory.word(LIST + 8, G);
        memory.reads_left.set(reads);
        let (stacks, result) = read(&memory);
        assert!(stacks.len() <= 2);
        // Without a stack there is an error; with one there may be a reason why it is alone.
        let cut = stacks.iter().any(|stack| stack.frames.len() < 2);
        match stacks.len() {
            0 => assert!(result.is_err(), "{reads}"),
            1 => assert!(matches!(result, Ok(Some(_))), "{reads} {result:?}"),
            _ if cut => {}
            _ => {
                assert_eq!(result, Ok(None), "{reads}");
                whole += 1;
            }
        }
    }
    assert!(whole > 0);
}

#[test]
fn when_time_is_up_it_says_so() {
    let (stacks, result) = read_until(&process(), "go1.22", clock::now());
    assert_eq!(stacks, []);
    assert_eq!(
        result,
        Ok(Some("time was up after 0 goroutines".to_owned()))
    );
}
