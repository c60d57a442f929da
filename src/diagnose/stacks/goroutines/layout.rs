//! Where Go's runtime keeps what, per release: facts about compiled programs, and nothing read here.
//!
//! Read off the debug information of programs built with 1.19, 1.21 to 1.27; 1.18 and 1.20 lie between equal
//! neighbours. A release that is not listed is not guessed at.

/// Offsets in the runtime's `g` on x86-64, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// `syscallsp`; `syscallpc` follows.
    pub(super) syscall: usize,
    /// `atomicstatus`, 4 bytes.
    pub(super) status: usize,
    /// `goid`.
    pub(super) id: usize,
    /// `waitreason`, 1 byte.
    pub(super) reason: usize,
    /// The highest status that there is.
    pub(super) statuses: u32,
    /// The words for `waitreason`, by number.
    reasons: &'static [Reason],
    /// The release: 24 for go1.24.
    minor: u32,
}

/// `stack.lo`; `stack.hi` follows.
pub(super) const STACK: usize = 0;
/// `sched.sp`; `sched.pc` follows.
pub(super) const SCHED: usize = 56;
/// As much of a `g` as is ever looked at.
pub(super) const G: usize = 192;
/// `text` in `moduledata`, whose first word is the address of the table of functions.
pub(super) const MODULE_TEXT: u64 = 176;

/// One reason to wait, and the releases that have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Reason {
    word: &'static str,
    first: u32,
    last: u32,
}

const fn always(word: &'static str) -> Reason {
    since(0, word)
}

const fn since(first: u32, word: &'static str) -> Reason {
    Reason {
        word,
        first,
        last: u32::MAX,
    }
}

const fn until(last: u32, word: &'static str) -> Reason {
    Reason {
        word,
        first: 0,
        last,
    }
}

impl Layout {
    /// The layout of a release as `.go.buildinfo` names it: `go1.24.3`, `go1.27rc1`.
    pub(super) fn of(release: &str) -> Option<Self> {
        let number = release.strip_prefix("go1.")?;
        let end = number.find(|letter: char| !letter.is_ascii_digit());
        let minor = number.get(..end.unwrap_or(number.len()))?.parse().ok()?;
        let (syscall, status) = match minor {
            18..=22 => (112, 144),
            // `syscallbp` came.
            23 | 24 => (112, 152),
            // `sched.ret` went.
            25..=27 => (104, 144),
            _ => return None,
        };
        Some(Layout {
            syscall,
            status,
            id: status + 8,
            reason: status + 32,
            // `_Gleaked` and `_Gdeadextra` came.
            statuses: if minor < 26 { 9 } else { 11 },
            reasons: if minor < 26 { REASONS } else { REASONS_26 },
            minor,
        })
    }

    /// Go's own words for why a goroutine waits; `None` for a number that this release is not known to have.
    pub(super) fn reason(&self, number: u8) -> Option<&'static str> {
        // What follows `sync.Cond.Wait` in go1.20 was not to be had.
        if self.minor == 20 && number > 20 {
            return None;
        }
        let there = |reason: &&Reason| (reason.first..=reason.last).contains(&self.minor);
        let found = self.reasons.iter().filter(there).nth(usize::from(number));
        found.map(|reason| reason.word)
    }
}

/// `waitReasonStrings` up to go1.25.
const REASONS: &[Reason] = &[
    always(""),
    always("GC assist marking"),
    always("IO wait"),
    always("chan receive (nil chan)"),
    always("chan send (nil chan)"),
    always("dumping heap"),
    always("garbage collection"),
    always("garbage collection scan"),
    always("panicwait"),
    always("select"),
    always("select (no cases)"),
    always("GC assist wait"),
    always("GC sweep wait"),
    always("GC scavenge wait"),
    always("chan receive"),
    always("chan send"),
    always("finalizer wait"),
    always("force gc (idle)"),
    since(25, "GOMAXPROCS updater (idle)"),
    always("semacquire"),
    always("sleep"),
    always("sync.Cond.Wait"),
    until(19, "timer goroutine (idle)"),
    since(20, "sync.Mutex.Lock"),
    since(20, "sync.RWMutex.RLock"),
    since(20, "sync.RWMutex.Lock"),
    since(24, "sync.WaitGroup.Wait"),
    always("trace reader (blocked)"),
    always("wait for GC cycle"),
    always("GC worker (idle)"),
    since(20, "GC worker (active)"),
    always("preempted"),
    always("debug call"),
    since(21, "GC mark termination"),
    since(21, "stopping the world"),
    since(22, "flushing proc caches"),
    since(22, "trace goroutine status"),
    since(22, "trace proc status"),
    since(22, "page trace flush"),
    since(22, "coroutine"),
    since(23, "GC weak to strong wait"),
    since(24, "synctest.Run"),
    since(24, "synctest.Wait"),
    since(24, "chan receive (synctest)"),
    since(24, "chan send (synctest)"),
    since(24, "select (synctest)"),
    since(25, "sync.WaitGroup.Wait (durable)"),
    since(25, "cleanup wait"),
];

/// The same from go1.26, which has them in another order.
const REASONS_26: &[Reason] = &[
    always(""),
    always("GC assist marking"),
    always("IO wait"),
    always("dumping heap"),
    always("garbage collection"),
    always("garbage collection scan"),
    always("panicwait"),
    always("GC assist wait"),
    always("GC sweep wait"),
    always("GC scavenge wait"),
    always("finalizer wait"),
    always("force gc (idle)"),
    always("GOMAXPROCS updater (idle)"),
    always("semacquire"),
    always("sleep"),
    always("chan receive (nil chan)"),
    always("chan send (nil chan)"),
    always("select (no cases)"),
    always("select"),
    always("chan receive"),
    always("chan send"),
    always("sync.Cond.Wait"),
    always("sync.Mutex.Lock"),
    always("sync.RWMutex.RLock"),
    always("sync.RWMutex.Lock"),
    always("sync.WaitGroup.Wait"),
    always("trace reader (blocked)"),
    always("wait for GC cycle"),
    always("GC worker (idle)"),
    always("GC worker (active)"),
    always("preempted"),
    always("debug call"),
    always("GC mark termination"),
    always("stopping the world"),
    always("flushing proc caches"),
    always("trace goroutine status"),
    always("trace proc status"),
    always("page trace flush"),
    always("coroutine"),
    always("GC weak to strong wait"),
    always("synctest.Run"),
    always("synctest.Wait"),
    always("chan receive (durable)"),
    always("chan send (durable)"),
    always("select (durable)"),
    always("sync.WaitGroup.Wait (durable)"),
    always("cleanup wait"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_has_its_layout_and_a_strange_one_has_none() {
        let check = |release: &str, expected: Option<(usize, usize)>| {
            let found = Layout::of(release).map(|it| (it.syscall, it.id));
            assert_eq!(found, expected, "{release}");
        };
        check("go1.18", Some((112, 152)));
        check("go1.22.10", Some((112, 152)));
        check("go1.24.3 X:boringcrypto", Some((112, 160)));
        check("go1.27rc1", Some((104, 152)));
        check("go1.17.13", None);
        check("go1.28", None);
        check("go1.99", None);
        check("go2.1", None);
        check("go1.", None);
        check("devel +abc", None);
        check("", None);
    }

    #[test]
    fn a_reason_has_the_word_of_its_release() {
        let check = |release: &str, number, expected: Option<&str>| {
            let layout = Layout::of(release).unwrap();
            assert_eq!(layout.reason(number), expected, "{release} {number}");
        };
        check("go1.19.8", 14, Some("chan receive"));
        check("go1.19.8", 26, Some("debug call"));
        check("go1.19.8", 27, None);
        check("go1.20.1", 18, Some("semacquire"));
        check("go1.20.1", 21, None);
        check("go1.21.13", 21, Some("sync.Mutex.Lock"));
        check("go1.21.13", 31, Some("stopping the world"));
        check("go1.21.13", 32, None);
        check("go1.22.10", 36, Some("coroutine"));
        check("go1.23.9", 37, Some("GC weak to strong wait"));
        check("go1.24.11", 24, Some("sync.WaitGroup.Wait"));
        check("go1.24.11", 43, Some("select (synctest)"));
        check("go1.24.11", 44, None);
        check("go1.25.5", 18, Some("GOMAXPROCS updater (idle)"));
        check("go1.25.5", 46, Some("cleanup wait"));
        check("go1.26.6", 18, Some("select"));
        check("go1.27.3", 46, Some("cleanup wait"));
        check("go1.27.3", 47, None);
        check("go1.27.3", 255, None);
    }
}
