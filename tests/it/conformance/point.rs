//! The format of `fixtures/conformance`: one point of the language per block. Knows nothing of running them.

use std::fs;

use crate::project::package;

/// One script and what must come of it.
#[derive(Debug, Default)]
pub(super) struct Point {
    /// The topic and the name: what the trial is called.
    pub(super) name: String,
    /// What it shows, and where the language's documentation says so.
    pub(super) title: String,
    /// The flags of the run.
    pub(super) options: Vec<String>,
    pub(super) script: Vec<u8>,
    /// What the original does instead, where we differ on purpose.
    pub(super) original: Option<String>,
    pub(super) expected: Result,
}

/// What comes of a script.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Result {
    /// `pass`, `skip REASON` or `fail LINE MESSAGE`.
    pub(super) verdict: String,
    pub(super) log: Vec<u8>,
}

/// Whose lines are being read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Head,
    /// With escapes or without.
    Script(bool),
    Log(bool),
}

/// Every point of every topic, in the order of the files.
pub(super) fn all() -> Vec<Point> {
    let folder = package().join("fixtures/conformance");
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut points = Vec::new();
    for path in paths {
        let topic = path.file_stem().unwrap().to_str().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        points.extend(read(topic, &text));
    }
    points
}

fn read(topic: &str, text: &str) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::new();
    let mut part = Part::Head;
    for (number, line) in (1..).zip(text.lines()) {
        let refuse = || -> ! { panic!("{topic}:{number}: what is this? {line}") };
        if let Some(head) = line.strip_prefix("=== ") {
            let (name, title) = head.split_once(": ").unwrap_or_else(|| refuse());
            assert!(title.contains("(section "), "{topic}:{number}: no citation");
            points.push(Point {
                name: format!("{topic}-{name}"),
                title: title.to_owned(),
                ..Point::default()
            });
            part = Part::Head;
            continue;
        }
        let Some(point) = points.last_mut() else {
            // Before the first point: a word to the reader.
            continue;
        };
        if let Some(bytes) = contents(line, part) {
            match part {
                Part::Head => refuse(),
                Part::Script(_) => point.script.extend(bytes),
                Part::Log(_) => point.expected.log.extend(bytes),
            }
            continue;
        }
        let (key, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.trim();
        match key {
            "" => {}
            "options" => point.options = value.split(' ').map(str::to_owned).collect(),
            "original" => point.original = Some(value.to_owned()),
            "expect" => value.clone_into(&mut point.expected.verdict),
            "script" => part = Part::Script(false),
            "script bytes" => part = Part::Script(true),
            "log" => part = Part::Log(false),
            "log bytes" => part = Part::Log(true),
            _ => refuse(),
        }
    }
    points
}

/// What a line of a script or of a log holds: `| text` ends in a newline, `|- text` does not.
fn contents(line: &str, part: Part) -> Option<Vec<u8>> {
    let (text, end) = match line.strip_prefix("|-") {
        Some(text) => (text, ""),
        None => (line.strip_prefix('|')?, "\n"),
    };
    let text = text.strip_prefix(' ').unwrap_or(text);
    let escaped = matches!(part, Part::Script(true) | Part::Log(true));
    let mut bytes = if escaped {
        unescape(text)
    } else {
        text.as_bytes().to_vec()
    };
    bytes.extend_from_slice(end.as_bytes());
    Some(bytes)
}

/// `\xNN` is a byte, `\\` a backslash.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        rest = if let Some(after) = after.strip_prefix('\\') {
            bytes.push(b'\\');
            after
        } else {
            let digits = after.strip_prefix('x').unwrap();
            let (digits, after) = digits.split_at(2);
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
            after
        };
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}
