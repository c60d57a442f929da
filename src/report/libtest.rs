//! Reports in libtest's form: one fold for all, one printer for each form.

use std::io::{self, Write};
use std::time::Duration;

use super::Report;
use super::board::{Board, Moment, Settled, Totals};
use super::paint::Paint;
use crate::model::Event;

/// How a report in libtest's form looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Look {
    /// Paint it.
    pub color: bool,
    /// The time of each trial is shown (pretty only, as in libtest).
    pub times: bool,
    /// Logs of passing trials are shown.
    pub passing: Passing,
}

/// Whether logs of passing trials are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Passing {
    /// Only failures have a log.
    #[default]
    Hidden,
    /// `--show-output`, `--verbose`.
    Shown,
}

/// Prints the moments of a run.
pub(super) trait Printer {
    fn title(&mut self, trials: usize, out: &mut dyn Write) -> io::Result<()>;
    fn settled(&mut self, trial: &Settled, out: &mut dyn Write) -> io::Result<()>;
    fn summary(&mut self, totals: &Totals, out: &mut dyn Write) -> io::Result<()>;
}

/// A report in libtest's form.
#[derive(Debug)]
pub struct Libtest<P> {
    board: Board,
    printer: P,
}

impl<P> Libtest<P> {
    pub(super) fn with(printer: P, passing: Passing) -> Libtest<P> {
        let board = Board::new(passing == Passing::Shown);
        Libtest { board, printer }
    }
}

impl<P: Printer> Report for Libtest<P> {
    fn event(&mut self, _at: Duration, event: &Event, out: &mut dyn Write) -> io::Result<()> {
        for moment in self.board.fold(event) {
            match moment {
                Moment::Begins(trials) => self.printer.title(trials, out)?,
                Moment::Settled(trial) => self.printer.settled(&trial, out)?,
                Moment::Ends(totals) => self.printer.summary(&totals, out)?,
            }
        }
        out.flush()
    }
}

/// The lines before and after the trials, the same for pretty and terse.
#[derive(Debug, Default)]
pub(super) struct Frame {
    failures: Vec<(String, String)>,
    successes: Vec<(String, String)>,
}

impl Frame {
    pub(super) fn title(trials: usize, out: &mut dyn Write) -> io::Result<()> {
        let s = if trials == 1 { "" } else { "s" };
        writeln!(out, "\nrunning {trials} test{s}")
    }

    pub(super) fn keep(&mut self, trial: &Settled) {
        let kept = (trial.name.clone(), trial.text.clone());
        match trial.effect.libtest() {
            "FAILED" => self.failures.push(kept),
            "ok" => self.successes.push(kept),
            _ => {}
        }
    }

    pub(super) fn summary(
        &self,
        totals: &Totals,
        look: Look,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        if look.passing == Passing::Shown {
            section("successes", &self.successes, out)?;
        }
        if !self.failures.is_empty() {
            section("failures", &self.failures, out)?;
        }
        let word = if self.failures.is_empty() {
            "ok"
        } else {
            "FAILED"
        };
        let counts = totals.counts;
        writeln!(
            out,
            "\ntest result: {}. {} passed; {} failed; {} ignored; 0 measured; {} filtered out; finished in {:.2}s\n",
            Paint(look.color).word(word, word),
            counts.ok,
            counts.failed + counts.faulted,
            counts.ignored,
            totals.filtered_out,
            totals.duration.as_secs_f64(),
        )
    }
}

/// The texts in the order of settling, then the names in order.
fn section(title: &str, trials: &[(String, String)], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{title}:")?;
    let mut first = true;
    for (name, text) in trials.iter().filter(|(_, text)| !text.is_empty()) {
        if std::mem::take(&mut first) {
            writeln!(out)?;
        }
        writeln!(out, "---- {name} stdout ----\n{text}")?;
    }
    writeln!(out, "\n{title}:")?;
    let mut names: Vec<&str> = trials.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    for name in names {
        writeln!(out, "    {name}")?;
    }
    Ok(())
}
