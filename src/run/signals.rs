//! What comes to a run from outside: signals, and lines that are typed.

use super::driver::Occurrence;
use crate::host::post::Inbox;

/// What ends a run, and what asks it something.
#[cfg(not(target_os = "macos"))]
const SIGNALS: [i32; 4] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGUSR1];
/// Where there is a key for it (Ctrl-T), too.
#[cfg(target_os = "macos")]
const SIGNALS: [i32; 5] = [
    libc::SIGINT,
    libc::SIGTERM,
    libc::SIGHUP,
    libc::SIGUSR1,
    libc::SIGINFO,
];

/// The signal asks what runs; it ends nothing.
pub(super) fn asks(signal: i32) -> bool {
    #[cfg(target_os = "macos")]
    if signal == libc::SIGINFO {
        return true;
    }
    signal == libc::SIGUSR1
}

pub(super) fn watch_signals(inbox: Inbox<Occurrence>) -> Option<signal_hook::iterator::Handle> {
    let mut signals = signal_hook::iterator::Signals::new(SIGNALS).ok()?;
    let handle = signals.handle();
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if !inbox.send(Occurrence::Signal(signal)) {
                return;
            }
        }
    });
    Some(handle)
}

/// Tells of every line that is typed. A run in the background must not read from its terminal: that
/// would stop it.
pub(super) fn hear_lines(inbox: Inbox<Occurrence>) {
    let stdin = std::io::stdin();
    let in_front =
        rustix::termios::tcgetpgrp(&stdin).is_ok_and(|group| group == rustix::process::getpgrp());
    if rustix::termios::isatty(&stdin) && !in_front {
        return;
    }
    std::thread::spawn(move || {
        for line in stdin.lines() {
            if line.is_err() || !inbox.send(Occurrence::Line) {
                return;
            }
        }
    });
}
