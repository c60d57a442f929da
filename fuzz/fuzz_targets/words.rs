//! Words of a line: against a second reading of the rules, one byte at a time, and against quoting. It must not know
//! what a word means.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shakedown::script::lex::{words, written};

/// A value with everything that would be syntax if it were read again.
const VALUE: &[u8] = b" #'$X'";

fn lookup(_: &[u8]) -> Option<Vec<u8>> {
    Some(VALUE.to_vec())
}

/// Only whole stretches are expanded, and these values show where.
fn expand(stretch: &[u8]) -> Vec<u8> {
    shakedown::script::expand(stretch, &lookup)
}

/// The rules once more, as a machine with two states. `None`: a quote is left open.
fn second_reading(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (mut all, mut word, mut bare) = (Vec::new(), None::<Vec<u8>>, Vec::new());
    let mut quoted = false;
    let mut at = 0;
    loop {
        let byte = line.get(at).copied();
        at += 1;
        match (byte, quoted) {
            (None, true) => return None,
            (Some(b'\''), true) if line.get(at) == Some(&b'\'') => {
                word.get_or_insert_default().push(b'\'');
                at += 1;
            }
            (Some(b'\''), _) => {
                word.get_or_insert_default().extend(expand(&bare));
                bare.clear();
                quoted = !quoted;
            }
            (Some(byte), true) => word.get_or_insert_default().push(byte),
            (None | Some(b' ' | b'\t' | b'\r' | b'\n' | b'#'), false) => {
                if !bare.is_empty() {
                    word.get_or_insert_default().extend(expand(&bare));
                    bare.clear();
                }
                all.extend(word.take());
                if matches!(byte, None | Some(b'#')) {
                    return Some(all);
                }
            }
            (Some(byte), false) => bare.push(byte),
        }
    }
}

fuzz_target!(|line: &[u8]| {
    let found = words(line, &lookup);
    assert_eq!(found.as_ref().ok(), second_reading(line).as_ref());
    match written(line) {
        Ok(found) => {
            let starts: Vec<usize> = found.iter().map(|word| word.start).collect();
            assert!(starts.windows(2).all(|pair| pair[0] < pair[1]));
            assert!(starts.iter().all(|start| *start < line.len()));
        }
        Err(quote) => assert_eq!(line[quote.start], b'\''),
    }
    // Each piece, quoted, is read as itself.
    let pieces: Vec<Vec<u8>> = line.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect();
    let mut text = Vec::new();
    for piece in &pieces {
        text.extend(b" '");
        for byte in piece {
            text.push(*byte);
            if *byte == b'\'' {
                text.push(b'\'');
            }
        }
        text.push(b'\'');
    }
    assert_eq!(words(&text, &lookup), Ok(pieces));
});
