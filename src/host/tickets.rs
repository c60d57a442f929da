//! Turns on something that processes share, admitted in the order in which they came. Knows nothing of what it is.
//!
//! Who comes draws a ticket: a file with the next number, locked as long as its owner lives. Who comes alone waits for
//! everybody before it; who can share waits only for those that came alone. A ticket that nobody holds is dead and is
//! skipped: the kernel lets go of the lock with its owner, so no pid has to be trusted.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::clock;
use super::flock::{self, FileLock};

/// How long the door may be shut: whoever holds it reads one directory.
const DOOR_LIMIT: Duration = Duration::from_secs(20);
/// How often a long wait looks again. It is woken when the one before it goes, so this matters only when a lock
/// outlives its owner for a moment in a child that has not become its own program yet.
const PULSE: Duration = Duration::from_millis(250);

/// How a turn is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Nobody else at the same time.
    Alone,
    /// With others who share.
    Shared,
}

impl Sharing {
    fn word(self) -> &'static str {
        match self {
            Sharing::Alone => "alone",
            Sharing::Shared => "shared",
        }
    }

    fn waits_for(self, other: Sharing) -> bool {
        self == Sharing::Alone || other == Sharing::Alone
    }
}

/// The place where tickets are drawn.
#[derive(Debug, Clone)]
pub struct Tickets {
    directory: PathBuf,
}

/// A place in the order; given back when dropped.
#[derive(Debug)]
pub struct Ticket {
    tickets: Tickets,
    number: u64,
    sharing: Sharing,
    lock: FileLock,
}

/// Who is served, as it says itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Process and command line.
    pub who: String,
    /// How long it has been served; zero while it is not.
    pub held: Duration,
}

/// What came of waiting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waited {
    /// It is the owner's turn.
    Served,
    /// Not yet: this one is before it.
    Behind(Holder),
}

impl Tickets {
    /// Drawn in this directory, which is made if need be. It is the account's own.
    pub fn at(directory: PathBuf) -> Self {
        Tickets { directory }
    }

    /// Draws the next ticket. `who` is told to those who wait behind it.
    pub fn draw(&self, sharing: Sharing, who: &str) -> io::Result<Ticket> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.directory)?;
        let door = self.door()?;
        let number = self.next_number()?;
        let path = self.path(number, sharing);
        let lock = flock::lock(&path, Duration::ZERO)?
            .ok_or_else(|| io::Error::other("a new ticket is held by somebody else"))?;
        fs::write(&path, format!("{}\n", who.replace('\n', " ")))?;
        drop(door);
        Ok(Ticket {
            tickets: self.clone(),
            number,
            sharing,
            lock,
        })
    }

    /// Shut while somebody draws a ticket or takes a dead one away, so that a new file is never taken for a dead one.
    fn door(&self) -> io::Result<FileLock> {
        flock::lock(&self.directory.join("door"), DOOR_LIMIT)?
            .ok_or_else(|| io::Error::new(io::ErrorKind::TimedOut, "nobody gives out tickets"))
    }

    /// Numbers are never given twice, so a file's name always means the same ticket.
    fn next_number(&self) -> io::Result<u64> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(self.directory.join("last"))?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        // A counter that was damaged goes on behind all that stand there.
        let behind = || {
            self.standing()
                .map(|all| all.last().map_or(0, |last| last.0))
        };
        let last = text.trim().parse().or_else(|_| behind())?;
        let number = last + 1;
        file.seek(SeekFrom::Start(0))?;
        file.set_len(0)?;
        file.write_all(number.to_string().as_bytes())?;
        Ok(number)
    }

    fn path(&self, number: u64, sharing: Sharing) -> PathBuf {
        self.directory
            .join(format!("{number:020}.{}", sharing.word()))
    }

    /// All tickets that lie there, dead ones too, in order.
    fn standing(&self) -> io::Result<Vec<(u64, Sharing)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let name = entry?.file_name();
            let parts = name.to_str().and_then(|name| name.split_once('.'));
            let Some((number, word)) = parts else {
                continue;
            };
            let known = [Sharing::Alone, Sharing::Shared];
            let sharing = known.into_iter().find(|sharing| sharing.word() == word);
            if let (Ok(number), Some(sharing)) = (number.parse(), sharing) {
                found.push((number, sharing));
            }
        }
        found.sort_unstable_by_key(|(number, _)| *number);
        Ok(found)
    }
}

impl Ticket {
    /// Waits until it is the owner's turn, at most so long.
    pub fn wait(&self, limit: Duration) -> io::Result<Waited> {
        let give_up = clock::now() + limit;
        let mut watched = None;
        loop {
            let ahead = self.ahead()?;
            let (Some(first), Some(next)) = (ahead.first(), ahead.last()) else {
                self.begin()?;
                return Ok(Waited::Served);
            };
            let left = give_up.saturating_duration_since(clock::now());
            if left.is_zero() {
                return Ok(Waited::Behind(holder(first)));
            }
            // One waiting thread for each ticket that stands before this one, however long that takes.
            if watched.as_ref().is_none_or(|(path, _)| path != next) {
                watched = flock::watch(next)?.map(|watch| (next.clone(), watch));
            }
            if let Some((_, watch)) = &watched {
                watch.is_released(left.min(PULSE));
            }
        }
    }

    /// The living tickets that are served before this one. Dead ones are taken away.
    fn ahead(&self) -> io::Result<Vec<PathBuf>> {
        let before = |standing: Vec<(u64, Sharing)>| {
            let blocks = |(number, sharing): &(u64, Sharing)| {
                *number < self.number && self.sharing.waits_for(*sharing)
            };
            standing.into_iter().filter(blocks).collect::<Vec<_>>()
        };
        if before(self.tickets.standing()?).is_empty() {
            return Ok(Vec::new());
        }
        let _door = self.tickets.door()?;
        let mut alive = Vec::new();
        for (number, sharing) in before(self.tickets.standing()?) {
            let path = self.tickets.path(number, sharing);
            if flock::is_held(&path)? {
                alive.push(path);
            } else {
                fs::remove_file(&path).ok();
            }
        }
        Ok(alive)
    }

    /// Says since when it is served.
    fn begin(&self) -> io::Result<()> {
        let now = clock::since_1970().as_secs_f64();
        let mut file: &File = self.lock.file();
        file.seek(SeekFrom::End(0))?;
        writeln!(file, "{now}")
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        // One that stays is dead by its lock, and the next one takes it away.
        fs::remove_file(self.tickets.path(self.number, self.sharing)).ok();
    }
}

fn holder(ticket: &Path) -> Holder {
    // Who reads it half-written sees half a courtesy.
    let text = fs::read_to_string(ticket).unwrap_or_default();
    let mut lines = text.lines();
    let who = lines.next().unwrap_or("somebody").to_owned();
    let since = lines.next().and_then(|since| since.parse().ok());
    let held = since.map_or(Duration::ZERO, |since: f64| {
        let since = Duration::try_from_secs_f64(since).unwrap_or_default();
        clock::since_1970().saturating_sub(since)
    });
    Holder { who, held }
}

#[cfg(test)]
#[path = "tickets_tests.rs"]
mod tests;
