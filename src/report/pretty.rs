//! libtest's `--format pretty`: one line for each trial.

use std::io::{self, Write};

use super::board::{Settled, Totals};
use super::libtest::{Frame, Libtest, Look, Printer};
use super::paint::{Paint, one_line};

/// Prints one line for each trial when it settles.
#[derive(Debug)]
pub struct Pretty {
    look: Look,
    frame: Frame,
}

impl Pretty {
    /// The report.
    pub fn report(look: Look) -> Libtest<Pretty> {
        let frame = Frame::default();
        Libtest::with(Pretty { look, frame }, look.passing)
    }
}

impl Printer for Pretty {
    fn title(&mut self, trials: usize, out: &mut dyn Write) -> io::Result<()> {
        Frame::title(trials, out)
    }

    fn settled(&mut self, trial: &Settled, out: &mut dyn Write) -> io::Result<()> {
        let word = trial.effect.libtest();
        let reason = one_line(&trial.reason);
        let text = match word {
            "ignored" if !reason.is_empty() => format!("ignored, {reason}"),
            // Where libtest has the reason of what it ignores, and only when a trial ran more than once.
            "ok" | "FAILED" if !trial.laps.is_empty() => format!("{word}, {}", trial.laps),
            _ => word.to_owned(),
        };
        let time = match word {
            "ok" | "FAILED" if self.look.times => format!(" <{:.3}s>", trial.took.as_secs_f64()),
            _ => String::new(),
        };
        let painted = Paint(self.look.color).word(word, &text);
        writeln!(out, "test {} ... {painted}{time}", trial.name)?;
        self.frame.keep(trial);
        Ok(())
    }

    fn summary(&mut self, totals: &Totals, out: &mut dyn Write) -> io::Result<()> {
        self.frame.summary(totals, self.look, out)
    }
}
