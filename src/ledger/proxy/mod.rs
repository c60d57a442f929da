//! The stand-in for an engine's socket: what a script's clients say to the engine passes through it byte for byte,
//! and what the engine really made is written down.
//!
//! Threads of the slot serve it, so it ends with the slot, and so do the script's programs. It knows one attempt and
//! nothing of scripts; it removes nothing.

mod call;
mod conversation;
mod exchange;
mod queue;
mod relay;
mod scene;
mod stream;
mod witness;

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use self::queue::Queue;
use self::scene::{Scene, lock};
use self::witness::Watcher;
use super::intents::Ledger;
use crate::host::{duplex, facts, socket};
use crate::model::{AttemptId, EngineFacts, EngineKind, RunId};

/// The longest path of a socket that every client takes, in bytes; the kernel's limit is 108.
const LONGEST: usize = 100;

/// For whom a proxy stands in, and where.
#[derive(Debug)]
pub struct Seat<'a> {
    /// The run.
    pub run: &'a RunId,
    /// The attempt.
    pub attempt: AttemptId,
    /// The run's ledger.
    pub ledger: Ledger,
    /// The account's state directory, where turns are taken.
    pub account: &'a Path,
    /// A directory of the run, private to the user, for the socket.
    pub directory: &'a Path,
}

/// The stand-in of one attempt.
#[derive(Debug)]
pub struct Proxy {
    scene: Arc<Scene>,
    socket: PathBuf,
    address: String,
    /// Keeps a short path to a long directory.
    #[expect(dead_code, reason = "the path leads through the open descriptor")]
    directory: File,
    /// Whose end tells all threads that the attempt is over.
    stopper: Option<UnixStream>,
    over: Receiver<()>,
    ended: bool,
}

impl Proxy {
    /// Listens for an attempt's clients. `None` when the engine has no unix socket of its own.
    pub fn open(seat: Seat, engine: &EngineFacts) -> io::Result<Option<Proxy>> {
        let Some(upstream) = engine.socket() else {
            return Ok(None);
        };
        let name = format!("api-{}", seat.attempt);
        let listener = socket::listen(seat.directory, &name)?;
        let directory = File::open(seat.directory)?;
        let path = seat.directory.join(&name);
        let short = if path.as_os_str().len() < LONGEST {
            path.clone()
        } else {
            let (pid, fd) = (facts::pid(), directory.as_raw_fd());
            PathBuf::from(format!("/proc/{pid}/fd/{fd}/{name}"))
        };
        let scene = Arc::new(Scene {
            run: seat.run.clone(),
            attempt: seat.attempt,
            engine: engine.kind,
            ledger: seat.ledger,
            socket: PathBuf::from(upstream),
            queue: Queue::of(seat.account, engine),
            place: Mutex::default(),
            fault: Mutex::default(),
            calls: AtomicU32::new(0),
            visits: AtomicU32::new(0),
            made: Mutex::default(),
        });
        let (stopper, stop) = UnixStream::pair()?;
        let (sender, over) = mpsc::channel();
        let shared = scene.clone();
        std::thread::Builder::new().spawn(move || {
            serve(&listener, &shared, &stop);
            // Whoever waits no more needs no answer.
            sender.send(()).ok();
        })?;
        Ok(Some(Proxy {
            scene,
            socket: path,
            address: format!("unix://{}", short.display()),
            directory,
            stopper: Some(stopper),
            over,
            ended: false,
        }))
    }

    /// Where clients find it: `unix://…`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The script's line that runs now, as `file:line`.
    pub fn at(&self, place: String) {
        *lock(&self.scene.place) = place;
    }

    /// How many connections clients have made.
    pub fn visits(&self) -> u32 {
        self.scene.visits.load(Ordering::Relaxed)
    }

    /// Lets nobody in any more. Whether all connections end within this time; what the engine still makes for clients
    /// that are gone is awaited.
    pub fn ends_within(&mut self, limit: Duration) -> bool {
        if let Some(queue) = &self.scene.queue {
            queue.end();
        }
        drop(self.stopper.take());
        self.ended = self.ended
            || match self.over.recv_timeout(limit) {
                Ok(()) | Err(mpsc::RecvTimeoutError::Disconnected) => true,
                Err(mpsc::RecvTimeoutError::Timeout) => false,
            };
        self.ended
    }

    /// How long the attempt has waited for its creations' turns; none of these waits is longer than
    /// [`Proxy::LONGEST_WAIT`].
    pub fn waited(&self, now: Instant) -> Duration {
        let queue = self.scene.queue.as_ref();
        queue.map_or(Duration::ZERO, |queue| queue.waited(now))
    }

    /// After that a creation goes on beside others.
    pub const LONGEST_WAIT: Duration = queue::LIMIT;

    /// Why something was created beside other things, on a service that does not bear it; told once.
    pub fn trouble(&self) -> Option<String> {
        self.scene.queue.as_ref().and_then(Queue::trouble)
    }

    /// Ends it with its attempt, after at most this time. Gives the reason why something could not be written down.
    pub fn close(mut self, limit: Duration) -> Option<String> {
        if !self.ends_within(limit) {
            self.scene.unseen(
                "what its programs made last",
                "the engine has not answered them",
            );
        }
        // Nobody can find it any more; what stays goes with the directory.
        fs::remove_file(&self.socket).ok();
        lock(&self.scene.fault).take()
    }
}

/// The variables that lead a script's programs to it.
pub fn variables(engine: &EngineFacts, address: &str) -> Vec<(&'static str, String)> {
    let mut names = vec!["DOCKER_HOST"];
    if engine.server == EngineKind::Podman {
        names.push("CONTAINER_HOST");
    }
    names
        .into_iter()
        .map(|name| (name, address.to_owned()))
        .collect()
}

/// Lets clients in until the attempt is over, and waits for the last of them.
fn serve(listener: &UnixListener, scene: &Arc<Scene>, stop: &UnixStream) {
    let mut threads = Vec::new();
    while let Some(client) = duplex::accept(listener, stop) {
        let (Ok(client), Ok(stop)) = (client, stop.try_clone()) else {
            // Out of descriptors or memory: the client finds its connection closed.
            continue;
        };
        let scene = scene.clone();
        threads.retain(|thread: &std::thread::JoinHandle<()>| !thread.is_finished());
        let started = std::thread::Builder::new().spawn(move || connect(client, scene, &stop));
        threads.extend(started);
    }
    for thread in threads {
        // A thread that panicked has closed its connection.
        drop(thread.join());
    }
}

fn connect(client: UnixStream, scene: Arc<Scene>, stop: &UnixStream) {
    scene.visits.fetch_add(1, Ordering::Relaxed);
    match UnixStream::connect(&scene.socket) {
        Ok(engine) => {
            // What breaks a connection is seen by both of its sides.
            drop(relay::relay(client, engine, Watcher::new(scene), stop));
        }
        Err(error) => turn_away(client, &scene.socket, &error),
    }
}

/// The engine is not there. The words are those of Docker's client, which would have found nobody.
fn turn_away(mut client: UnixStream, socket: &Path, error: &io::Error) {
    let why = format!(
        "Cannot connect to the Docker daemon at unix://{}. Is the docker daemon running? ({error})",
        socket.display()
    );
    drop(client.write_all(conversation::refusal(503, &why).as_bytes()));
    drop(client.shutdown(std::net::Shutdown::Write));
    duplex::hear_out(client, Duration::from_secs(2));
}

#[cfg(test)]
#[path = "proxy_tests.rs"]
mod tests;
