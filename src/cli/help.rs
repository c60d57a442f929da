//! The text of `--help`, made from the tables of flags.

use std::fmt::Write;

use super::libtest::{Fate, TABLE};
use super::{Door, flags};

/// The help of a door: libtest's flags, then ours. `usage` is its first line.
pub fn help(usage: &str, door: Door) -> String {
    let mut text = format!("Usage: {usage}\n\nFlags of the test harness, as libtest has them:\n");
    for flag in TABLE.iter().filter(|flag| !flag.about.is_empty()) {
        if !matches!(flag.fate, Fate::Refused(_)) {
            entry(&mut text, flag.name, flag.short, flag.value, flag.about);
        }
    }
    text += "\nFlags of shakedown; the environment variable behind each says the same:\n";
    for flag in flags() {
        let about = format!("{} [{}]", flag.about, flag.twin);
        let attached = flag
            .attached
            .map(|value| format!("{}[={value}]", flag.name));
        let name = attached.as_deref().unwrap_or(flag.name);
        entry(&mut text, name, flag.short, flag.value, &about);
    }
    text += match door {
        Door::Target => {
            "\nA trial runs when its name contains one of the filters, or when there is none.\n"
        }
        Door::Program => {
            "\nA path is a folder with scripts or a script; `-` is a script on standard input.\n\
             A trial runs when its name contains one of the filters, or when there is none.\n"
        }
    };
    text
}

fn entry(text: &mut String, name: &str, short: Option<char>, value: Option<&str>, about: &str) {
    let short = short.map_or("   ".to_owned(), |short| format!("-{short},"));
    let value = value.map_or(String::new(), |value| format!(" {value}"));
    let flag = format!("{short} {name}{value}");
    writeln!(text, "  {flag:<24} {about}").expect("writing to a string cannot fail");
}
