//! Gathers the facts of a hang: several collectors at once, each in a thread of its own and with the same
//! limit, each telling what it learns fact by fact.
//!
//! Whoever does not finish is left behind, named as a gap, and what it had said is kept. So no dead file
//! system, and no process that holds its memory's lock, can keep the report from coming. Knows nothing of
//! why anything is as it is.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::host::clock;
use crate::model::{Finding, Gap, Scene};

mod libpod;
mod locks;
mod machine;
mod pipes;
mod processes;
mod sockets;
mod stacks;
mod subject;
mod threads;
mod waits;

pub(super) use processes::place;
use subject::Right;
pub use subject::Subject;

/// How long the collectors have. With it the whole stays below half a second.
pub const LIMIT: Duration = Duration::from_millis(400);

/// What a collector's thread needs of stack; files are read into the heap.
const STACK: usize = 512 << 10;

/// Facts said and not yet heard; whoever says more waits, so that nobody drowns the others.
const QUEUE: usize = 256;

/// Nobody listens any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enough;

/// Where a collector says what it learns.
#[derive(Debug)]
pub struct Say {
    collector: usize,
    to: SyncSender<Heard>,
}

#[derive(Debug)]
enum Heard {
    Finding(Finding),
    /// The collector of this number has finished, or broken down.
    End(usize, bool),
}

impl Say {
    /// Says one fact. An error means that the collector may stop.
    pub fn say(&self, finding: Finding) -> Result<(), Enough> {
        self.to.send(Heard::Finding(finding)).map_err(|_| Enough)
    }

    /// Says that something could not be learnt.
    pub fn gap(&self, what: impl Into<String>, why: impl Into<String>) -> Result<(), Enough> {
        let (what, why) = (what.into(), why.into());
        self.say(Finding::Gap(Gap { what, why }))
    }
}

impl Drop for Say {
    fn drop(&mut self) {
        // Nobody may be left to hear it.
        self.to
            .send(Heard::End(self.collector, thread::panicking()))
            .ok();
    }
}

/// How a collector learns.
type Learn = Box<dyn FnOnce(&Subject, &Say) -> Result<(), Enough> + Send>;

/// One kind of evidence.
pub struct Collector {
    /// What it gathers, as a gap names it.
    pub what: &'static str,
    learn: Learn,
}

impl std::fmt::Debug for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collector")
            .field("what", &self.what)
            .finish_non_exhaustive()
    }
}

impl Collector {
    /// A collector of this name.
    pub fn new(
        what: &'static str,
        learn: impl FnOnce(&Subject, &Say) -> Result<(), Enough> + Send + 'static,
    ) -> Self {
        Collector {
            what,
            learn: Box::new(learn),
        }
    }

    /// The one that finds the processes, which all others are about.
    pub fn processes() -> Self {
        Collector::new("processes", processes::learn)
    }
}

/// All that start from the processes found.
pub fn collectors() -> Vec<Collector> {
    vec![
        Collector::new("threads", threads::learn),
        Collector::new("pipes", pipes::learn),
        Collector::new("locks", locks::learn),
        Collector::new("libpod's locks", libpod::learn),
        Collector::new("sockets", sockets::learn),
        Collector::new("machine", machine::learn),
        Collector::new("stacks", stacks::learn),
    ]
}

/// What was gathered, and who was left behind.
#[derive(Debug)]
pub struct Collected {
    /// The facts.
    pub scene: Scene,
    /// Who did not finish in time.
    pub left: Left,
}

/// Collectors that were left behind.
#[derive(Debug, Default)]
pub struct Left {
    threads: Vec<(&'static str, JoinHandle<()>)>,
}

impl Left {
    /// Those that hang to this moment, in the kernel most likely. A process with such a thread cannot
    /// end: the slot must take no more work.
    pub fn stuck(&self) -> Vec<&'static str> {
        let stuck = self
            .threads
            .iter()
            .filter(|(_, thread)| !thread.is_finished());
        stuck.map(|(what, _)| *what).collect()
    }

    /// Takes those of another look in.
    pub fn join(&mut self, other: Left) {
        self.threads.extend(other.threads);
    }
}

/// Gathers the facts about the subject within the limit. `heard` is told each as it comes; the scene that
/// is returned is their sum.
pub fn collect(
    mut subject: Subject,
    collectors: Vec<Collector>,
    limit: Duration,
    heard: &mut dyn FnMut(&Finding),
) -> Collected {
    let begun = clock::now();
    subject.until = Some(begun + limit);
    let mut gathering = Gathering {
        scene: Scene::default(),
        heard,
        working: Vec::new(),
    };
    for process in subject.processes() {
        gathering.learn(Finding::Process(process.clone()));
    }
    let subject = Arc::new(subject);
    let (to, from) = sync_channel(QUEUE);
    for (number, collector) in collectors.into_iter().enumerate() {
        let what = collector.what;
        match start(number, collector, &subject, &to) {
            Ok(thread) => gathering.working.push((number, what, thread)),
            Err(error) => gathering.gap(what, format!("no thread for it: {error}")),
        }
    }
    drop(to);
    gathering.listen(&from, begun + limit);
    let left: Vec<_> = std::mem::take(&mut gathering.working)
        .into_iter()
        .map(|(_, what, thread)| (what, thread))
        .collect();
    for (what, _) in &left {
        let why = format!("no answer within {} s", limit.as_secs_f64());
        gathering.gap(what, why);
    }
    let mut scene = gathering.scene;
    scene.took = clock::now() - begun;
    Collected {
        scene,
        left: Left { threads: left },
    }
}

/// What is known so far, and who still works.
struct Gathering<'h> {
    scene: Scene,
    heard: &'h mut dyn FnMut(&Finding),
    working: Vec<(usize, &'static str, JoinHandle<()>)>,
}

impl Gathering<'_> {
    /// Listens until all have finished or the time is over; then to what has been said by now.
    fn listen(&mut self, from: &Receiver<Heard>, give_up: Instant) {
        loop {
            let left = give_up.saturating_duration_since(clock::now());
            if left.is_zero() {
                break;
            }
            match from.recv_timeout(left) {
                Ok(heard) => self.take(heard),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        for heard in from.try_iter().take(QUEUE) {
            self.take(heard);
        }
    }

    fn take(&mut self, heard: Heard) {
        match heard {
            Heard::Finding(finding) => self.learn(finding),
            Heard::End(number, broken) => {
                let place = self.working.iter().position(|(known, ..)| *known == number);
                let ended = place.map(|place| self.working.remove(place));
                if let Some((_, what, _)) = ended.filter(|_| broken) {
                    self.gap(what, "the collector broke down".to_owned());
                }
            }
        }
    }

    fn learn(&mut self, finding: Finding) {
        (self.heard)(&finding);
        self.scene.learn(finding);
    }

    fn gap(&mut self, what: &str, why: String) {
        let what = what.to_owned();
        self.learn(Finding::Gap(Gap { what, why }));
    }
}

fn start(
    number: usize,
    collector: Collector,
    subject: &Arc<Subject>,
    to: &SyncSender<Heard>,
) -> std::io::Result<JoinHandle<()>> {
    let subject = Arc::clone(subject);
    let say = Say {
        collector: number,
        to: to.clone(),
    };
    thread::Builder::new()
        .name(collector.what.to_owned())
        .stack_size(STACK)
        .spawn(move || {
            // It stops early when nobody listens, and then nobody asks.
            (collector.learn)(&subject, &say).ok();
        })
}

#[cfg(test)]
mod fake;
#[cfg(test)]
mod faked_tests;
#[cfg(test)]
mod real_tests;
#[cfg(test)]
mod tests;
