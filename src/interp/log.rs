//! The log of a script, in Go testscript's format: phases that passed shrink to their own line.
//! Knows no command, and no clock: it is told the time.

use std::path::Path;
use std::time::Duration;

use super::Detail;
use crate::host::search;
use crate::host::stream::Stream;

/// Of an output that is larger than twice this, only the head and the tail are shown.
const SHOWN: usize = 64 * 1024;

/// The log as far as it is written.
#[derive(Debug)]
pub(super) struct Log {
    bytes: Vec<u8>,
    detail: Detail,
    /// Where the current phase's details begin.
    mark: usize,
    /// When the current phase began; `None` before the first.
    began: Option<Duration>,
    /// The current phase keeps its details, for a line in it failed.
    failed: bool,
}

impl Log {
    pub(super) fn new(detail: Detail) -> Self {
        Log {
            bytes: Vec::with_capacity(256),
            detail,
            mark: 0,
            began: None,
            failed: false,
        }
    }

    /// What was logged until now stays, whatever becomes of the phases.
    pub(super) fn keep(&mut self) {
        self.mark = self.bytes.len();
    }

    /// A phase begins, so that the one before it is over.
    pub(super) fn phase(&mut self, line: &[u8], now: Duration) {
        // A phase in which nothing happened took no time worth telling.
        if self.bytes.len() > self.mark {
            self.fold();
            self.mark_time(now);
        }
        self.line(line);
        self.mark = self.bytes.len();
        self.began = Some(now);
        self.failed = false;
    }

    /// The last phase is over, and passed.
    pub(super) fn fold(&mut self) {
        if self.detail == Detail::Folded && !self.failed {
            self.bytes.truncate(self.mark);
        }
    }

    /// Adds the time that the phase took to its line.
    pub(super) fn mark_time(&mut self, now: Duration) {
        let Some(began) = self.began.take() else {
            return;
        };
        let took = format!(" ({:.3}s)", now.saturating_sub(began).as_secs_f64());
        let end_of_line = self.mark.saturating_sub(1);
        self.bytes
            .splice(end_of_line..end_of_line, took.into_bytes());
    }

    /// `FAIL: FILE:LINE: MESSAGE`
    pub(super) fn fail(&mut self, file: &str, line: u32, message: &[u8]) {
        self.raw(format!("FAIL: {file}:{line}: ").as_bytes());
        self.line(message);
        self.failed = true;
    }

    /// Where the next line will stand.
    pub(super) fn position(&self) -> usize {
        self.bytes.len()
    }

    /// Forgets what was logged since that position.
    pub(super) fn cut(&mut self, position: usize) {
        self.bytes.truncate(position);
    }

    pub(super) fn line(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.bytes.push(b'\n');
    }

    pub(super) fn raw(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
    }

    /// `[stdout]` and the text, if there is any. An unfinished last line stays unfinished, as in Go.
    pub(super) fn output(&mut self, name: &str, stream: &Stream) {
        match stream.bytes() {
            Ok([]) => {}
            Ok(text) => {
                self.line(format!("[{name}]").as_bytes());
                self.excerpt(text);
            }
            Err(why) => {
                self.line(format!("[{name}]").as_bytes());
                self.line(format!("[{why}]").as_bytes());
            }
        }
    }

    fn excerpt(&mut self, text: &[u8]) {
        let head = text.get(..SHOWN);
        let tail = text.get(text.len().saturating_sub(SHOWN)..);
        match (head, tail) {
            (Some(head), Some(tail)) if text.len() > 2 * SHOWN => {
                self.raw(head);
                let hidden = text.len() - 2 * SHOWN;
                let note = "a log has the first and the last 64 KB of an output";
                self.line(format!("\n[... {hidden} bytes not shown: {note} ...]").as_bytes());
                self.raw(tail);
            }
            _ => self.raw(text),
        }
    }

    /// The whole log, with the work directory shortened.
    pub(super) fn finish(self, work_dir: &Path) -> Vec<u8> {
        shorten(self.bytes, work_dir)
    }
}

/// Replaces the work directory's path by `$WORK`.
pub(super) fn shorten(text: Vec<u8>, work_dir: &Path) -> Vec<u8> {
    let work = search::bytes(work_dir);
    let mut short = Vec::new();
    let mut done = 0;
    let mut at = 0;
    while let Some(found) = find(&text, &work, at) {
        short.extend_from_slice(text.get(done..found).unwrap_or_default());
        short.extend_from_slice(b"$WORK");
        done = found + work.len();
        at = done;
    }
    if done == 0 {
        return text;
    }
    short.extend_from_slice(text.get(done..).unwrap_or_default());
    short
}

fn find(text: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    let first = *needle.first()?;
    let mut at = from;
    loop {
        let rest = text.get(at..)?;
        at += rest.iter().position(|byte| *byte == first)?;
        if text.get(at..)?.starts_with(needle) {
            return Some(at);
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_occurrence_of_the_work_directory_is_shortened() {
        let shortened =
            |text: &str| String::from_utf8(shorten(text.into(), Path::new("/tmp/w"))).unwrap();
        assert_eq!(shortened("a /tmp/w/x:/tmp/w\n"), "a $WORK/x:$WORK\n");
        assert_eq!(shortened("/tmp//tmp/w"), "/tmp/$WORK");
        assert_eq!(shortened("/tm"), "/tm");
    }

    #[test]
    fn a_large_output_shows_its_head_and_its_tail() {
        let mut log = Log::new(Detail::Whole);
        log.output("stdout", &Stream::from_bytes(vec![b'x'; 2 * SHOWN + 5]));
        let text = String::from_utf8(log.finish(Path::new("/w"))).unwrap();
        assert!(text.contains(
            "x\n[... 5 bytes not shown: a log has the first and the last 64 KB of an output ...]\nx"
        ));
    }
}
