//! What is said on stderr: the engine and the policy with their reasons, what went wrong with the
//! machine, what was done about it, and a closing tally. stdout stays libtest's.

mod block;
mod done;
mod engine;
mod hang;
mod host;
mod live;
mod reaped;
mod tally;
mod tries;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use super::Report;
use super::cause::{cause, place};
use super::paint::{Paint, one_line, seconds};
use crate::model::{
    self, AttemptId, AttemptReport, Bearing, EngineState, Event, Hold, Look, Outcome, RunFacts,
    RunId, StillRunning, Timeout, TrialFacts, Verdict,
};
use block::Block;
use host::Surroundings;
use live::Live;
use tally::Tally;

/// How much is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volume {
    /// Only what is wrong.
    Quiet,
    /// The engine, what is wrong, and a tally.
    #[default]
    Normal,
    /// Workers replaced and waits ended, too.
    Verbose,
}

/// How the talk looks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TalkLook {
    /// Paint it.
    pub color: bool,
    /// One trial in this process, and nextest reads stderr: a failure begins with `Error: `.
    pub nextest: bool,
    /// Columns of the terminal; without a terminal no line is cut.
    pub width: Option<usize>,
    /// How much.
    pub volume: Volume,
    /// The path of the record, as the user may type it; empty when there is none.
    pub record: String,
    /// The words that, with the run's id behind them, print the run again; empty when there are none.
    pub again: String,
}

/// The report on stderr.
#[derive(Debug)]
pub struct Talk {
    look: TalkLook,
    run: Option<RunId>,
    trials: BTreeMap<u32, TrialFacts>,
    /// The last cause of each trial that is not settled.
    causes: BTreeMap<u32, String>,
    /// Under nextest: what is said of a trial waits for its verdict, so that `Error: ` comes first.
    waiting: String,
    tally: Tally,
    /// The engine and the policy, in short.
    engine: String,
    /// The engine's command.
    client: String,
    /// Attempts that run, and with how many others they began.
    together: BTreeMap<AttemptId, u32>,
    /// The words that run one trial again.
    repeat: Vec<String>,
    /// Tries of each trial after which it was tried again.
    tries: BTreeMap<u32, usize>,
    live: Live,
}

impl Talk {
    /// A talk that has said nothing.
    pub fn new(look: TalkLook) -> Talk {
        Talk {
            look,
            run: None,
            trials: BTreeMap::new(),
            causes: BTreeMap::new(),
            waiting: String::new(),
            tally: Tally::default(),
            engine: String::new(),
            client: String::new(),
            together: BTreeMap::new(),
            repeat: Vec::new(),
            tries: BTreeMap::new(),
            live: Live::default(),
        }
    }

    fn paint(&self) -> Paint {
        Paint(self.look.color)
    }

    fn name(&self, trial: u32) -> String {
        let facts = self.trials.get(&trial);
        facts.map_or_else(|| format!("trial {trial}"), |facts| facts.name.clone())
    }

    fn held(&mut self, attempt: AttemptId, command: &str) -> String {
        let name = self.name(attempt.trial);
        let file = self
            .trials
            .get(&attempt.trial)
            .map(|facts| facts.file.clone());
        self.tally.held.insert(attempt.trial, Duration::ZERO);
        let mut block = Block::new(self.paint(), self.look.width);
        let command = one_line(command);
        block.line("held", &format!("{name} runs `{command}` outside the container lane; it waits its turn, on no deadline"));
        if let Some(file) = file {
            block.line("", &format!("hint: add `#: container = true` to {file}"));
        }
        block.text()
    }

    fn admitted(&mut self, attempt: AttemptId, waited: Duration) -> String {
        *self.tally.held.entry(attempt.trial).or_default() += waited;
        if self.look.volume < Volume::Verbose {
            return String::new();
        }
        let name = self.name(attempt.trial);
        format!(
            "{name} goes on after {} of waiting for the engine\n",
            seconds(waited)
        )
    }

    fn ended(&mut self, attempt: AttemptId, report: &AttemptReport) -> String {
        self.tally.add(attempt, report);
        let text = match &report.outcome {
            Outcome::Passed | Outcome::Skipped { .. } => None,
            outcome @ (Outcome::Failed(_)
            | Outcome::TimedOut(_)
            | Outcome::Faulted(_)
            | Outcome::Cancelled) => Some(cause(outcome)),
        };
        if let Some(text) = text {
            self.causes.insert(attempt.trial, text);
        }
        let name = self.name(attempt.trial);
        let around = Surroundings {
            engine: &self.engine,
            together: self.together.remove(&attempt),
            machine: &report.machine,
            timings: &report.timings,
            repeat: &self.repeat,
        };
        let block = Block::new(self.paint(), self.look.width);
        block::attempt(&name, report, &around, block)
    }

    fn seen(&self, attempt: AttemptId, look: &Look) -> String {
        let mut block = Block::new(self.paint(), self.look.width);
        hang::look(&self.name(attempt.trial), look, &mut block);
        block.text()
    }

    fn hung(&self, attempt: AttemptId, timeout: &Timeout, hold: &Hold) -> String {
        let mut block = Block::new(self.paint(), self.look.width);
        hang::deadline(&self.name(attempt.trial), timeout, None, &mut block);
        hang::hold(hold, timeout, &self.client, &mut block);
        block.text()
    }

    /// Whoever looks at a terminal sees that something runs; a log that grows no longer looks dead.
    fn beat(&self, running: &[StillRunning]) -> String {
        let told = self.look.width.is_none() && !self.look.nextest;
        if !told || self.look.volume == Volume::Quiet {
            return String::new();
        }
        let one = |running: &StillRunning| {
            let name = self.name(running.attempt.trial);
            let line = running.place.as_ref().filter(|place| place.line > 0);
            let line = line.map_or_else(String::new, |at| format!(", {}", place(at)));
            format!("{name} ({}{line})", seconds(running.elapsed))
        };
        let running: Vec<String> = running.iter().map(one).collect();
        format!("still running: {}\n", running.join("; "))
    }

    /// Keeps what later words are made of.
    fn learn(&mut self, event: &Event) {
        if let Event::RunStarted(facts) = event {
            self.run = Some(facts.run.clone());
            self.repeat.clone_from(&facts.repeat);
        } else if let Event::TrialPlanned(facts) = event {
            self.trials.insert(facts.trial, facts.clone());
        } else if let Event::AttemptStarted(start) = event {
            self.together.insert(start.attempt, start.parallelism);
        } else if let Event::Engine(state) = event {
            self.engine = host::engine(state);
            if let EngineState::Selected { facts, .. } = state {
                facts.kind.command().clone_into(&mut self.client);
            }
        }
    }

    fn settled(
        &mut self,
        (trial, verdict): (u32, Verdict),
        reason: &str,
        bearing: &Bearing,
        tally: Option<&model::Tally>,
    ) -> String {
        let said = self.laps(trial, verdict, tally);
        self.tally.verdicts.push((verdict, bearing.clone()));
        let cause = self.causes.remove(&trial);
        if !self.look.nextest {
            return said;
        }
        let waiting = std::mem::take(&mut self.waiting) + &said;
        if !verdict.effect(bearing).is_bad() {
            return waiting;
        }
        let cause = cause.unwrap_or_else(|| one_line(reason));
        format!("Error: {verdict}: {cause}\n{waiting}")
    }

    fn closing(&mut self, duration: Duration) -> String {
        let run = self.run.as_ref();
        let tally = self.tally.text(duration, &self.look, run, &self.trials);
        // What waits is of a trial that was never judged: the run was cut short.
        std::mem::take(&mut self.waiting) + &tally
    }

    fn begun(&self, facts: &RunFacts) -> String {
        let mut block = Block::new(self.paint(), self.look.width);
        if facts.shuffled {
            let repeat = format!("`--shuffle={}` repeats this order", facts.seed);
            block.line("shuffled", &repeat);
        }
        if let Some(shard) = facts.shard.as_ref().map(tally::shard) {
            block.line("shard", &shard);
        }
        block.text()
    }

    fn said(&mut self, event: &Event) -> String {
        match event {
            Event::Engine(state) if self.look.volume > Volume::Quiet => {
                engine::header(state, Block::new(self.paint(), self.look.width))
            }
            Event::SlotReplaced { slot, why } if self.look.volume > Volume::Normal => {
                format!("worker {slot} was replaced: {}\n", one_line(why))
            }
            Event::RunStarted(facts) if self.look.volume > Volume::Quiet => self.begun(facts),
            Event::RunStarted(_)
            | Event::TrialPlanned(_)
            | Event::Engine(_)
            | Event::Programs { .. }
            | Event::AttemptStarted(_)
            | Event::GatePassed { .. }
            | Event::SlotReplaced { .. } => String::new(),
            Event::AttemptHeld { attempt, command } => self.held(*attempt, command),
            Event::AttemptAdmitted { attempt, waited } => self.admitted(*attempt, *waited),
            Event::AttemptSeen { attempt, look } => self.seen(*attempt, look),
            Event::AttemptHung {
                attempt,
                timeout,
                hold,
            } => self.hung(*attempt, timeout, hold),
            Event::Heartbeat { running } => self.beat(running),
            Event::AttemptEnded {
                attempt,
                report,
                judgement,
            } => {
                self.ended(*attempt, report) + &self.judged(*attempt, report, judgement.as_deref())
            }
            Event::TrialSettled {
                trial,
                verdict,
                reason,
                bearing,
                tally,
            } => self.settled((*trial, *verdict), reason, bearing, tally.as_deref()),
            Event::Cancelled { signal } => {
                let signal = self.paint().yellow(&signal_name(*signal));
                format!("{signal}: ending what runs\n")
            }
            Event::Reaped(reaped) => {
                reaped::paragraph(reaped, Block::new(self.paint(), self.look.width))
            }
            Event::CleanedAtLast { attempt, cleanup } => {
                self.tally.left(*attempt, cleanup.leftovers.len());
                let block = Block::new(self.paint(), self.look.width);
                reaped::at_last(&self.name(attempt.trial), cleanup, block)
            }
            Event::Note { message } => format!("note: {}\n", one_line(message)),
            Event::Warning { message } => {
                let warning = self.paint().yellow("warning");
                format!("{warning}: {}\n", one_line(message))
            }
            Event::RunEnded { duration, .. } => self.closing(*duration),
        }
    }
}

impl Report for Talk {
    fn event(&mut self, at: Duration, event: &Event, out: &mut dyn Write) -> io::Result<()> {
        self.hide(out)?;
        self.learn(event);
        self.live.learn(event);
        let said = self.said(event);
        let of_a_trial = matches!(event, Event::AttemptEnded { .. });
        if self.look.nextest && of_a_trial {
            self.waiting += &said;
            return Ok(());
        }
        if !said.is_empty() {
            // One write for each paragraph: other processes write to the same terminal.
            out.write_all(said.as_bytes())?;
            out.flush()?;
        }
        self.draw(at, out)
    }

    fn hide(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.erase(out)
    }
}

fn signal_name(signal: i32) -> String {
    match signal {
        1 => "SIGHUP".to_owned(),
        2 => "SIGINT".to_owned(),
        3 => "SIGQUIT".to_owned(),
        15 => "SIGTERM".to_owned(),
        other => format!("signal {other}"),
    }
}
