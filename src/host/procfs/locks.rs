//! `/proc/locks`: who holds a lock on a file, and who waits for it.

use super::{Proc, Unread};

/// One lock on a file, with those who wait for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileLock {
    /// The lock that is held.
    pub held: LockLine,
    /// Those who wait until it is let go.
    pub waiting: Vec<LockLine>,
}

/// One line of `/proc/locks`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockLine {
    /// `FLOCK`, `POSIX` or `OFDLCK`.
    pub kind: String,
    /// Who asked for it; -1 when it belongs to an open file. A process that took an `flock` and ended is
    /// named still, while the descriptor lives elsewhere.
    pub pid: i32,
    /// Device and inode: `08:01:1234`.
    pub file: String,
}

impl LockLine {
    /// The inode's number.
    pub fn inode(&self) -> Option<u64> {
        self.file.rsplit(':').next()?.parse().ok()
    }
}

impl Proc {
    /// Every lock on a file that the kernel shows.
    pub fn locks(&self) -> Result<Vec<FileLock>, Unread> {
        Ok(parse(&self.text("locks")?))
    }
}

fn parse(text: &str) -> Vec<FileLock> {
    let mut locks: Vec<FileLock> = Vec::new();
    for line in text.lines() {
        let mut words = line.split_whitespace().skip(1).peekable();
        let waits = words.next_if_eq(&"->").is_some();
        let Some(line) = lock_line(words) else {
            continue;
        };
        match locks.last_mut() {
            Some(lock) if waits => lock.waiting.push(line),
            _ => locks.push(FileLock {
                held: line,
                waiting: Vec::new(),
            }),
        }
    }
    locks
}

/// `FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF`; leases are no locks.
fn lock_line<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<LockLine> {
    let kind = words.next()?.to_owned();
    let pid = words.nth(2)?.parse().ok()?;
    let file = words.next()?.to_owned();
    matches!(kind.as_str(), "FLOCK" | "POSIX" | "OFDLCK").then_some(LockLine { kind, pid, file })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiters_stand_below_their_holder() {
        let text = "1: FLOCK  ADVISORY  WRITE 100 08:01:77 0 EOF\n\
                    1: -> FLOCK  ADVISORY  WRITE 200 08:01:77 0 EOF\n\
                    1:   -> FLOCK  ADVISORY  WRITE 201 08:01:77 0 EOF\n\
                    2: OFDLCK ADVISORY  READ  -1 00:1a:9 0 EOF\n\
                    3: LEASE  ACTIVE    READ  300 08:01:78 0 EOF\n";
        let locks = parse(text);
        let [flock, open] = locks.as_slice() else {
            panic!("{locks:?}");
        };
        assert_eq!(flock.held.pid, 100);
        assert_eq!(flock.held.inode(), Some(77));
        let waiting: Vec<i32> = flock.waiting.iter().map(|line| line.pid).collect();
        assert_eq!(waiting, [200, 201]);
        assert_eq!((open.held.kind.as_str(), open.held.pid), ("OFDLCK", -1));
        assert_eq!(open.held.file, "00:1a:9");
    }

    #[test]
    fn an_odd_line_is_passed_over() {
        assert_eq!(
            parse("nonsense\n\n1:\n1: FLOCK ADVISORY WRITE x 1:2:3\n"),
            []
        );
    }
}
