//! What an executing script asks of the world. The slot answers in production, a fake in tests.

use std::path::Path;
use std::time::Duration;

use crate::host::stream::Stream;
use crate::model::{EngineFacts, HangClass, Place};

/// A program that was started and not yet finished; a number that is never reused within a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct JobId(pub u32);

/// What to start. The program is a path, never a bare name: look-up is the interpreter's business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program<'a> {
    /// The file to execute; relative paths count from `directory`.
    pub path: &'a Path,
    /// The words after the program's own.
    pub arguments: &'a [Vec<u8>],
    /// The whole environment; a later duplicate wins.
    pub environment: Vec<(&'a [u8], &'a [u8])>,
    /// The working directory, absolute.
    pub directory: &'a Path,
    /// Standard input: these bytes, then end of file.
    pub stdin: Vec<u8>,
    /// The pseudo-terminal that controls it, if it gets one.
    pub terminal: Option<Terminal>,
}

/// A terminal of a program's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terminal {
    /// What is typed there; then its input ends.
    pub input: Vec<u8>,
    /// It is standard input too.
    pub stdin: bool,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// By itself, with this code.
    Exited(i32),
    /// By this signal.
    Signaled(i32),
    /// By this signal, and its memory was dumped.
    Dumped(i32),
}

/// A program that is over: its process ended, and its output ended too or was given up after the
/// leak grace.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub status: Status,
    /// What it wrote to its standard output.
    pub stdout: Stream,
    /// What it wrote to its standard error.
    pub stderr: Stream,
    /// What came out of its terminal, if it had one.
    pub terminal: Stream,
}

/// The kernel refused to start a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartError {
    /// The error number, such as `ENOENT`.
    pub errno: i32,
}

/// The script must end now. The world has already ended its processes; the interpreter only writes
/// down where it stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interrupted {
    /// The deadline passed.
    Deadline,
    /// The run was cancelled.
    Cancelled,
    /// The machine or the harness failed; the world knows how.
    Faulted,
}

/// What a command of the language waits for, while no program is awaited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The class, should that be why the script hangs.
    pub class: HangClass,
    /// One sentence with subject and object, without a full stop.
    pub sentence: String,
    /// The path that is waited for, or nothing.
    pub resource: String,
}

/// The world around one script.
pub trait World {
    /// The script's own time: as [`Self::elapsed`], without what is not charged to it.
    fn charged(&self) -> Duration;

    /// Lets time pass, until the bound at most.
    fn pause(&mut self, duration: Duration) -> Result<(), Interrupted>;

    /// Says what the pauses from now on are for, should the deadline pass in one; `None`: for nothing any more.
    fn waiting(&mut self, waiting: Option<Waiting>);

    /// Sets or lifts a bound: a program that is still awaited after that much more of the script's own time is
    /// ended with its process group. A pause ends there, too. Nothing else is ended.
    fn bound(&mut self, patience: Option<Duration>);

    /// Whether a program or a pause was ended since the bound was set, because of it.
    fn was_cut(&self) -> bool;

    /// The script's lines are over, or were ended. What comes now is not under its deadline: it has `limit` of
    /// its own, and is interrupted as by a deadline when that has passed. May be called again and again.
    fn begin_deferred(&mut self, limit: Duration);

    /// A line begins. Cheap; lets the world name the line when the deadline passes.
    fn line(&mut self, place: &Place);

    /// Time since the script began, on a clock that only moves forward.
    fn elapsed(&self) -> Duration;

    /// Starts a program in its own process group. Does not wait.
    fn start(&mut self, program: &Program<'_>) -> Result<JobId, StartError>;

    /// Waits until the job is over. On a deadline or a cancel the whole script has been ended when
    /// this returns; what the job wrote until then is in `Err`.
    fn finish(&mut self, job: JobId) -> Result<Finished, (Interrupted, Box<Finished>)>;

    /// Sends a signal to the job's process group. `false`: it had already ended.
    fn signal(&mut self, job: JobId, signal: i32) -> bool;

    /// Runs code of the user's (a custom command), while the world keeps watch.
    fn call(&mut self, code: &mut (dyn FnMut() + Send)) -> Result<(), Interrupted>;

    /// The engine selected for this run; `None` when there is none. May wait for its detection,
    /// which is not charged to the script.
    fn engine(&mut self) -> Result<Option<EngineFacts>, Interrupted>;

    /// Where `exec:PROG` with a relative path with a slash is looked up: the harness's own directory.
    fn harness_directory(&self) -> &Path;
}
