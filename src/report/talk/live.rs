//! How the laps go while they go: on a terminal one line that is drawn again and again, elsewhere a line now and
//! then. Knows only what has ended.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use super::{Talk, Volume};
use crate::model::{Event, Judgement, Verdict};
use crate::report::paint::one_line;

/// Without a terminal it is told so often, at most.
const PACE: Duration = Duration::from_secs(60);

/// What is known of laps while a run goes on.
#[derive(Debug, Default)]
pub(super) struct Live {
    /// Trials that are not settled.
    open: BTreeMap<u32, Progress>,
    /// Some trial began a second lap.
    many: bool,
    /// When it was told last, without a terminal.
    told: Duration,
    /// The line stands on the terminal.
    drawn: bool,
}

/// The laps of one trial so far.
#[derive(Debug, Default)]
struct Progress {
    over: u32,
    passed: u32,
    /// Failures by kind.
    kinds: BTreeMap<String, u32>,
}

impl Progress {
    /// `17/19 passed, 2 hang/pipe-held`.
    fn text(&self) -> String {
        let kinds = self.kinds.iter();
        let kinds = kinds.map(|(kind, laps)| format!(", {laps} {kind}"));
        let kinds: String = kinds.collect::<Vec<_>>().concat();
        format!("{}/{} passed{kinds}", self.passed, self.over)
    }
}

impl Live {
    /// Takes in what an event says of laps.
    pub(super) fn learn(&mut self, event: &Event) {
        if let Event::AttemptStarted(start) = event {
            self.many |= start.attempt.lap > 1;
        } else if let Event::AttemptEnded {
            attempt,
            judgement: Some(judgement),
            ..
        } = event
        {
            if judgement.again.is_none() {
                self.open.entry(attempt.trial).or_default().add(judgement);
            }
        } else if let Event::TrialSettled { trial, .. } = event {
            self.open.remove(trial);
        }
    }
}

impl Progress {
    fn add(&mut self, judgement: &Judgement) {
        match judgement.verdict {
            Verdict::NotRun | Verdict::Skipped => return,
            Verdict::Passed | Verdict::Flaky => self.passed += 1,
            Verdict::Failed
            | Verdict::Hung
            | Verdict::Slow
            | Verdict::Faulted
            | Verdict::Ignored => *self.kinds.entry(judgement.kind.clone()).or_default() += 1,
        }
        self.over += 1;
    }
}

impl Talk {
    /// Takes the line away, so that something else can be written.
    pub(super) fn erase(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if std::mem::take(&mut self.live.drawn) {
            out.write_all(b"\r\x1b[2K")?;
            out.flush()?;
        }
        Ok(())
    }

    /// Draws the line on a terminal; elsewhere it is told when it was not for a while.
    pub(super) fn draw(&mut self, at: Duration, out: &mut dyn Write) -> io::Result<()> {
        let wanted = self.live.many && !self.look.nextest && self.look.volume > Volume::Quiet;
        if !wanted || self.live.open.is_empty() {
            return Ok(());
        }
        if let Some(width) = self.look.width {
            // The last column is left alone: some terminals wrap when it is written.
            let line = self.progress();
            let line = console::truncate_str(&line, width.saturating_sub(1), "…");
            write!(out, "{line}")?;
            self.live.drawn = true;
        } else if at >= self.live.told + PACE {
            self.live.told = at;
            writeln!(out, "{}", self.progress())?;
        }
        out.flush()
    }

    /// Those that fail first.
    fn progress(&self) -> String {
        let mut open: Vec<(&u32, &Progress)> = self.live.open.iter().collect();
        open.sort_by_key(|(trial, progress)| (progress.kinds.is_empty(), **trial));
        let one = |(trial, progress): &(&u32, &Progress)| {
            format!("{} {}", one_line(&self.name(**trial)), progress.text())
        };
        let open: Vec<String> = open.iter().map(one).collect();
        format!("laps so far: {}", open.join("; "))
    }
}
