//! libtest's `--format terse`: one character for each trial, names only for those that fail.

use std::io::{self, Write};

use super::board::{Settled, Totals};
use super::libtest::{Frame, Libtest, Look, Printer};
use super::paint::Paint;

/// Characters in a full line; libtest counts to 88 and ends the line one earlier.
const FULL: usize = 87;

/// Prints one character for each trial when it settles.
#[derive(Debug)]
pub struct Terse {
    look: Look,
    frame: Frame,
    trials: usize,
    settled: usize,
    column: usize,
}

impl Terse {
    /// The report.
    pub fn report(look: Look) -> Libtest<Terse> {
        let terse = Terse {
            look,
            frame: Frame::default(),
            trials: 0,
            settled: 0,
            column: 0,
        };
        Libtest::with(terse, look.passing)
    }

    fn progress(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.column = 0;
        writeln!(out, " {}/{}", self.settled, self.trials)
    }
}

impl Printer for Terse {
    fn title(&mut self, trials: usize, out: &mut dyn Write) -> io::Result<()> {
        self.trials = trials;
        Frame::title(trials, out)
    }

    fn settled(&mut self, trial: &Settled, out: &mut dyn Write) -> io::Result<()> {
        let paint = Paint(self.look.color);
        self.frame.keep(trial);
        let (word, mark) = match trial.effect.libtest() {
            "FAILED" => {
                if self.column > 0 {
                    self.progress(out)?;
                }
                self.settled += 1;
                return writeln!(out, "{} --- {}", trial.name, paint.red("FAILED"));
            }
            word @ "ok" => (word, "."),
            word => (word, "i"),
        };
        write!(out, "{}", paint.word(word, mark))?;
        self.settled += 1;
        self.column += 1;
        if self.column == FULL {
            self.progress(out)?;
        }
        Ok(())
    }

    fn summary(&mut self, totals: &Totals, out: &mut dyn Write) -> io::Result<()> {
        self.frame.summary(totals, self.look, out)
    }
}
