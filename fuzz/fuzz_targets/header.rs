//! The header: whatever it says is answered, every mistake has a place that there is, and nothing below the first command
//! counts. It must not know what the keys mean.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shakedown::script::{Dialect, Header, Script};

fuzz_target!(|bytes: &[u8]| {
    let (script, mistakes) = Script::parse("a.txtar", bytes, Dialect::Shakedown);
    let lines: Vec<&[u8]> = script
        .archive
        .comment
        .split(|byte| *byte == b'\n')
        .collect();
    for mistake in &mistakes {
        let line = lines[mistake.line as usize - 1];
        assert!((1..=line.len() + 1).contains(&(mistake.col as usize)));
        assert!(!mistake.message.is_empty());
        assert!(!mistake.message.ends_with('.'));
    }
    let is_comment =
        |line: &&[u8]| line.trim_ascii().is_empty() || line.trim_ascii_start().starts_with(b"#");
    let top = lines.iter().take_while(|line| is_comment(line)).count();
    for line in places(&script.header) {
        assert!((1..=top).contains(&(line as usize)));
    }
    let above = lines[..top].join(&b'\n');
    let (again, same) = Script::parse("a.txtar", &above, Dialect::Shakedown);
    assert_eq!((again.header, same), (script.header, mistakes));
    let (plain, none) = Script::parse("a.txtar", bytes, Dialect::Testscript);
    assert_eq!((plain.header, none.len()), (Header::default(), 0));
});

fn places(header: &Header) -> impl Iterator<Item = u32> {
    let Header {
        deadline,
        serial,
        container,
        cpus,
        exclusive,
        groups,
        leak,
        retries,
    } = header;
    [
        deadline.map(|at| at.line),
        serial.map(|at| at.line),
        container.map(|at| at.line),
        cpus.map(|at| at.line),
        exclusive.map(|at| at.line),
        groups.as_ref().map(|at| at.line),
        leak.map(|at| at.line),
        retries.map(|at| at.line),
    ]
    .into_iter()
    .flatten()
}
