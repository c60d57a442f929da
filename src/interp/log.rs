//! The log of a script, in the form of Go's testscript: sections fold to one line when they are over
//! and nothing in them failed.

use std::time::Duration;

use crate::host::stream::Stream;

/// So much of an output is shown at either end; the rest is only counted.
const SHOWN: usize = 512 << 10;

/// What was logged so far.
#[derive(Debug)]
pub(super) struct Log {
    text: Vec<u8>,
    /// Where the details of the current section begin; 0 before the first one.
    mark: usize,
    /// When the current section began, until its time is written.
    section_began: Option<Duration>,
    /// Details of sections in which nothing failed are kept.
    verbose: bool,
    /// Something failed in the current section.
    failed: bool,
}

impl Log {
    pub(super) fn new(verbose: bool) -> Log {
        Log {
            text: Vec::new(),
            mark: 0,
            section_began: None,
            verbose,
            failed: false,
        }
    }

    /// Adds a line; it gets its newline here.
    pub(super) fn line(&mut self, line: &[u8]) {
        self.text.extend_from_slice(line);
        self.text.push(b'\n');
    }

    /// Adds text as it is.
    pub(super) fn text(&mut self, text: &[u8]) {
        self.text.extend_from_slice(text);
    }

    /// Adds an output under its name, if there is any. A last line without newline stays so.
    pub(super) fn stream(&mut self, name: &str, stream: &Stream) {
        match stream.bytes() {
            Ok([]) => {}
            Ok(bytes) => {
                self.line(format!("[{name}]").as_bytes());
                self.shortened(bytes);
            }
            Err(overflow) => self.line(format!("[{name}]\n[{overflow}]").as_bytes()),
        }
    }

    /// Head and tail of a long text, all of a short one.
    pub(super) fn shortened(&mut self, text: &[u8]) {
        let omitted = text.len().saturating_sub(2 * SHOWN);
        if omitted == 0 {
            self.text(text);
        } else {
            self.text(&text[..SHOWN]);
            self.line(format!("\n[… {omitted} bytes not shown …]").as_bytes());
            self.text(&text[SHOWN + omitted..]);
        }
    }

    /// What was logged so far is kept, whatever happens: the dump of the environment.
    pub(super) fn keep(&mut self) {
        self.mark = self.text.len();
    }

    /// A `#` line begins a section.
    pub(super) fn begin_section(&mut self, line: &[u8], now: Duration) {
        if self.text.len() > self.mark {
            self.end_section(now);
        }
        self.text.extend_from_slice(line);
        self.text.push(b'\n');
        self.mark = self.text.len();
        self.section_began = Some(now);
        self.failed = false;
    }

    /// Something failed: the details of this section stay.
    pub(super) fn mark_failed(&mut self) {
        self.failed = true;
    }

    /// The section is over: its details go, its time comes.
    pub(super) fn end_section(&mut self, now: Duration) {
        if !self.verbose && !self.failed {
            self.text.truncate(self.mark);
        }
        self.end_time(now);
    }

    /// Writes the section's time on its line, once.
    pub(super) fn end_time(&mut self, now: Duration) {
        let Some(began) = self.section_began.take() else {
            return;
        };
        let seconds = now.saturating_sub(began).as_secs_f64();
        let time = format!(" ({seconds:.3}s)");
        let end = self.mark - 1;
        self.text.splice(end..end, time.bytes());
        self.mark += time.len();
    }

    /// The whole log, with the work directory written as `$WORK`.
    pub(super) fn finish(self, work_dir: &[u8]) -> Vec<u8> {
        abbreviated(self.text, work_dir)
    }
}

/// The text with the work directory written as `$WORK`.
pub(super) fn abbreviated(text: Vec<u8>, work_dir: &[u8]) -> Vec<u8> {
    let Some(mut next) = find(&text, work_dir) else {
        return text;
    };
    let mut short = Vec::with_capacity(text.len());
    let mut rest = text.as_slice();
    loop {
        short.extend_from_slice(&rest[..next]);
        short.extend_from_slice(b"$WORK");
        rest = &rest[next + work_dir.len()..];
        match find(rest, work_dir) {
            Some(found) => next = found,
            None => break,
        }
    }
    short.extend_from_slice(rest);
    short
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    let first = *part.first()?;
    let mut from = 0;
    loop {
        from += text.get(from..)?.iter().position(|b| *b == first)?;
        if text[from..].starts_with(part) {
            return Some(from);
        }
        from += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_output_shows_both_ends() {
        let mut log = Log::new(true);
        let text = [vec![b'a'; SHOWN], b"middle".to_vec(), vec![b'z'; SHOWN]].concat();
        log.stream("stdout", &Stream::from_bytes(text));
        let text = String::from_utf8(log.finish(b"/w")).unwrap();
        assert!(text.starts_with("[stdout]\naaa"));
        assert!(text.contains("aa\n[… 6 bytes not shown …]\nzz"));
        assert!(text.ends_with("zz"));
    }

    #[test]
    fn the_work_directory_is_abbreviated_everywhere() {
        let short = abbreviated(b"/tmp/w/a:/tmp/w /tmp/x/tmp/w".to_vec(), b"/tmp/w");
        assert_eq!(
            short.escape_ascii().to_string(),
            "$WORK/a:$WORK /tmp/x$WORK"
        );
    }
}
