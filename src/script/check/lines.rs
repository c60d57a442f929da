//! The lines of the script, one after the other, as far as they can be followed.

use crate::script::condition::{addition, standard};
use crate::script::{Dialect, Line, LineError, Script, Standard, header, is_phase, suggest};

use super::archive::Files;
use super::facts::{CommandFacts, Role};
use super::jobs::Jobs;
use super::marker;
use super::paths::Below;
use super::words::{UNKNOWN, Word, words};
use super::{Findings, Vocabulary, calls, shown};

/// What the lines did, as far as it matters for the files.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Something in a line is known only when it runs, or the lines could not be read to their end.
    pub(super) unclear: bool,
    /// A program ran that may have read, or made, what it is not told of.
    pub(super) ran: bool,
    /// The words of lines that may have made something.
    pub(super) made: Vec<Vec<u8>>,
    /// Where the line is; `None` when nobody knows.
    pub(super) directory: Option<Below>,
}

/// One line on its way to its command.
pub(super) struct Walk<'a, 'f> {
    pub(super) script: &'a Script,
    pub(super) vocabulary: &'a Vocabulary,
    pub(super) files: &'a Files,
    pub(super) findings: &'a mut Findings<'f>,
    pub(super) seen: Seen,
    pub(super) jobs: Jobs,
    pub(super) line: u32,
    /// Where an unconditional command ended the script.
    pub(super) ended: Option<(u32, String)>,
    /// The command is kept for the end of the script: lines below may still make its files.
    pub(super) kept: bool,
}

pub(super) fn check(
    script: &Script,
    vocabulary: &Vocabulary,
    files: &Files,
    findings: &mut Findings<'_>,
) -> Seen {
    let mut walk = Walk {
        script,
        vocabulary,
        files,
        findings,
        seen: Seen {
            directory: Some(Below::new()),
            ..Seen::default()
        },
        jobs: Jobs::default(),
        line: 0,
        ended: None,
        kept: false,
    };
    walk.run();
    walk.seen
}

impl Walk<'_, '_> {
    fn run(&mut self) {
        let mut commands = 0;
        for text in self.script.archive.comment.split(|byte| *byte == b'\n') {
            self.line = self.line.saturating_add(1);
            if text.trim_ascii().is_empty() || text.trim_ascii_start().starts_with(b"#") {
                if commands > 0 && is_phase(text) {
                    self.late_header(text);
                }
                continue;
            }
            commands += 1;
            if let Some((line, name)) = &self.ended {
                let message = "this line and those below it are never reached";
                let hint = format!("`{name}` in line {line} ends the script");
                self.findings.note((self.line, 1), message, hint);
                break;
            }
            if let Some(found) = marker::look_alike(text) {
                marker::in_the_script(self.line, &found, self.findings);
                // What follows is probably the content of that file.
                self.seen.unclear = true;
                break;
            }
            match words(text) {
                Ok(words) => self.words(&words),
                Err(quote) => {
                    let col = column(quote.start);
                    let hint = "close it in the same line; inside quotes `''` is one quote";
                    self.mistake(col, "this quote is not closed", hint);
                    self.broken(text);
                }
            }
        }
    }

    /// A line that fails before it does anything. What it was to do, only its text says.
    fn broken(&mut self, text: &[u8]) {
        let separates = |byte: &u8| *byte == b'\'' || byte.is_ascii_whitespace();
        let words: Vec<&[u8]> = text.split(separates).collect();
        let enters = |command: &CommandFacts| {
            command.form.role(0) == Role::Enters && words.contains(&command.name.as_bytes())
        };
        if self.vocabulary.commands.iter().any(enters) {
            self.seen.directory = None;
        }
        self.seen.unclear |= text.contains(&b'$');
        self.seen.made.extend(words.into_iter().map(<[u8]>::to_vec));
        self.jobs.doubt();
    }

    pub(super) fn mistake(
        &mut self,
        col: u32,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.findings.mistake((self.line, col), message, hint);
    }

    /// A `#:` line that stands too low is a comment.
    fn late_header(&mut self, text: &[u8]) {
        if self.script.dialect == Dialect::Testscript {
            return;
        }
        if let Some(key) = header::key(text) {
            let message = format!("`{key}` counts for nothing here");
            let hint = "the header stands before the first command";
            self.findings.note((self.line, 1), message, hint);
        }
    }

    fn words(&mut self, words: &[Word]) {
        self.seen.unclear |= words.first().is_some_and(Word::is_unknown);
        let mut line = Line {
            words: words.iter().map(|word| word.text.clone()).collect(),
        };
        let at = |line: &Line| words.len() - line.words.len();
        let mut conditional = false;
        // One that is false on this machine hides those behind it.
        let mut hidden = false;
        loop {
            let place = at(&line);
            match line.next_condition() {
                Ok(None) => break,
                Ok(Some(condition)) => {
                    conditional = true;
                    if !hidden && let Some(word) = words.get(place) {
                        hidden = self.condition(word.col, condition.negated, &condition.text);
                    }
                }
                Err(error) => return self.no_command(words.get(place), error),
            }
        }
        let negation = words.get(at(&line)).map_or(1, |word| word.col);
        let negated = match line.negation() {
            Ok(negated) => negated.then_some(negation),
            Err(error) => return self.no_command(words.get(at(&line)), error),
        };
        if let Some(words) = words.get(at(&line)..) {
            calls::check(self, words, negated, conditional);
        }
    }

    fn no_command(&mut self, word: Option<&Word>, error: LineError) {
        let col = word.map_or(1, |word| word.col);
        let hint = match error {
            LineError::MissingCommand => "a condition stands before the command that it is for",
            LineError::LoneNegation => "`!` stands before the command that is to fail",
        };
        self.mistake(col, error.to_string(), hint);
    }

    /// Whether the condition is false on this machine whatever happens. Tells of one that is not known.
    fn condition(&mut self, col: u32, negated: bool, text: &[u8]) -> bool {
        match standard(text, &self.vocabulary.machine) {
            Standard::True => return negated,
            Standard::False => return !negated,
            Standard::Exec(_) => return false,
            Standard::Unknown => {}
        }
        let ours = addition(text).is_some();
        if text.contains(&UNKNOWN.as_bytes()[0])
            || self.registered(text)
            || (ours && self.script.dialect != Dialect::Testscript)
        {
            return false;
        }
        let hint = if ours {
            "it is one of the dialect `shakedown`".to_owned()
        } else {
            self.meant(text)
        };
        let message = format!("unknown condition `{}`", shown(text));
        self.findings.note((self.line, col), message, hint);
        false
    }

    /// `[name]` and `[name:suffix]`.
    fn registered(&self, text: &[u8]) -> bool {
        let known = |name: &str| self.vocabulary.conditions.contains(name);
        let Ok(text) = str::from_utf8(text) else {
            return false;
        };
        known(text) || text.split_once(':').is_some_and(|(name, _)| known(name))
    }

    fn meant(&self, text: &[u8]) -> String {
        let shown = shown(text);
        for prefix in ["GOOS:", "GOARCH:"] {
            if let Some(name) = shown.strip_prefix(prefix) {
                return format!("here it is `[{name}]`");
            }
        }
        let own = self.vocabulary.conditions.iter().map(String::as_str);
        let known = [
            "unix", "linux", "darwin", "windows", "amd64", "arm64", "short", "net", "symlink",
            "link",
        ];
        let ours = ["docker", "podman", "engine", "rootless"];
        let near = suggest(text, own.chain(known).chain(ours));
        match near.as_slice() {
            [one] => format!("did you mean `[{one}]`?"),
            _ => "a test target may have registered it: then name it in `[check]` of harness.toml"
                .to_owned(),
        }
    }
}

fn column(start: usize) -> u32 {
    u32::try_from(start + 1).unwrap_or(u32::MAX)
}
