//! Colours, when asked for; and text made fit for one line of a terminal.

use std::fmt::Write;
use std::time::Duration;

/// Paints, or leaves text as it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint(pub(super) bool);

impl Paint {
    fn in_color(self, code: u8, text: &str) -> String {
        if self.0 {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    pub(super) fn red(self, text: &str) -> String {
        self.in_color(31, text)
    }

    pub(super) fn green(self, text: &str) -> String {
        self.in_color(32, text)
    }

    pub(super) fn yellow(self, text: &str) -> String {
        self.in_color(33, text)
    }

    pub(super) fn bold(self, text: &str) -> String {
        self.in_color(1, text)
    }

    /// By libtest's word.
    pub(super) fn word(self, word: &str, text: &str) -> String {
        match word {
            "ok" => self.green(text),
            "FAILED" => self.red(text),
            _ => self.yellow(text),
        }
    }
}

/// Text without anything that could leave its line or repaint the terminal.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.trim_end().chars() {
        if c.is_control() {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}

/// A word as a shell takes it: quoted where it must be.
pub(super) fn shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// `41.8 s`, `2 min 5 s`.
pub(super) fn seconds(duration: Duration) -> String {
    if duration < Duration::from_secs(120) {
        return format!("{:.1} s", duration.as_secs_f64());
    }
    let seconds = duration.as_secs();
    match seconds % 60 {
        0 => format!("{} min", seconds / 60),
        rest => format!("{} min {rest} s", seconds / 60),
    }
}

/// `1 container`, `2 containers`, `3 processes`.
pub(super) fn count(number: usize, noun: &str) -> String {
    let mut text = number.to_string();
    let plural = match noun {
        _ if number == 1 => noun.to_owned(),
        "directory" => "directories".to_owned(),
        "try" => "tries".to_owned(),
        noun if noun.ends_with('s') => format!("{noun}es"),
        noun => format!("{noun}s"),
    };
    write!(text, " {plural}").expect("writing to a string cannot fail");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_a_line() {
        assert_eq!(one_line("a\nb\x1b[2J\té\n"), "a\\nb\\u{1b}[2J\\té");
    }

    #[test]
    fn a_word_is_quoted_where_a_shell_would_read_more() {
        for (word, expected) in [
            ("fixtures/a_b.txtar", "fixtures/a_b.txtar"),
            ("--policy=serial", "--policy=serial"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's $HOME", r"'it'\''s $HOME'"),
            ("*", "'*'"),
        ] {
            assert_eq!(shell(word), expected);
        }
    }

    #[test]
    fn times_have_units() {
        assert_eq!(seconds(Duration::from_millis(41_840)), "41.8 s");
        assert_eq!(seconds(Duration::from_secs(180)), "3 min");
        assert_eq!(seconds(Duration::from_secs(185)), "3 min 5 s");
    }

    #[test]
    fn numbers_agree_with_their_nouns() {
        assert_eq!(count(1, "process"), "1 process");
        assert_eq!(count(2, "process"), "2 processes");
        assert_eq!(count(0, "directory"), "0 directories");
        assert_eq!(count(3, "volume"), "3 volumes");
    }
}
