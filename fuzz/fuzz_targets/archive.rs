//! Archives: what is written is read back, and what nobody changed stays byte for byte. It must not know what
//! a script means.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use shakedown::script::txtar::{format, needs_quote, parse, quote, replace, unquote};

fuzz_target!(|bytes: &[u8]| {
    let archive = parse(bytes);
    for file in &archive.files {
        assert!(!file.name.is_empty());
        assert!(!file.name.contains(&b'\n'));
    }
    // `-- x --\r` at the very end is text, and becomes a marker with its newline, in Go too.
    if !bytes.ends_with(b"\r") {
        assert!(archive.files.iter().all(|file| !needs_quote(&file.data)));
        assert_eq!(parse(&format(&archive)), archive);
    }
    assert_eq!(replace(bytes, &BTreeMap::new()), bytes);
    for (at, file) in archive.files.iter().enumerate() {
        let replaced = parse(&replace(bytes, &BTreeMap::from([(at, b"new\n".to_vec())])));
        assert_eq!(replaced.files.len(), archive.files.len());
        assert_eq!(replaced.comment, archive.comment);
        assert_eq!(replaced.files[at].name, file.name);
        assert_eq!(replaced.files[at].data, b"new\n");
    }
    if let Ok(quoted) = quote(bytes) {
        assert!(!needs_quote(&quoted));
        assert_eq!(unquote(&quoted).as_deref(), Ok(bytes));
    }
    if let Ok(text) = unquote(bytes) {
        assert!(text.len() <= bytes.len());
    }
});
