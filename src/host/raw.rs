//! The system calls that rustix does not wrap, or only unsafely. All `unsafe` of the crate is here;
//! every block says why it is sound.
#![expect(unsafe_code, reason = "the one audited place")]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// What `waitpid` had to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// This process ended, with this raw wait status.
    Ended {
        /// Its id; it may be used again from now on.
        pid: i32,
        /// As `waitpid(2)` describes.
        status: i32,
    },
    /// Children are alive, none has ended.
    Running,
    /// There is no child: proof that nothing of a script is left.
    None,
}

/// `waitpid(pid, WNOHANG | __WALL)`; -1 for any child. `__WALL` sees children made by `clone` without SIGCHLD.
/// A stop is no end: another thread of this process looks at a stack for a moment (`trace`).
pub fn wait(pid: i32) -> Waited {
    let mut status = 0;
    loop {
        // SAFETY: waitpid writes one int to the address given, which is a live local.
        let waited = unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG | libc::__WALL) };
        match waited {
            0 => return Waited::Running,
            pid if pid > 0 && libc::WIFSTOPPED(status) => {}
            pid if pid > 0 => return Waited::Ended { pid, status },
            _ if io::Error::last_os_error().raw_os_error() == Some(libc::EINTR) => {}
            _ => return Waited::None,
        }
    }
}

/// Marks every descriptor from 3 up close-on-exec, so that nothing inherited by accident (a jobserver,
/// a log) reaches a script. Descriptors stay usable in this process.
pub fn close_on_exec_from(first: u32) -> io::Result<()> {
    // SAFETY: with CLOSE_RANGE_CLOEXEC the call closes nothing; it only sets a flag on descriptors.
    let result = unsafe {
        libc::syscall(
            libc::SYS_close_range,
            first,
            u32::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Takes ownership of a descriptor that this process inherited by agreement.
///
/// Fails when it is not open or is one of 0, 1, 2.
pub fn inherited(fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: F_GETFD only asks; an unused number gives EBADF.
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFD) };
    if fd < 3 || flags < 0 {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    // SAFETY: the descriptor is open, and by the protocol of the start nobody else in this process owns it:
    // this is called once, first thing, with the number that the parent passed for this purpose.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Lets the command begin a session, and with it a process group, whose controlling terminal this is.
/// The command must not be given a group besides: a group's leader cannot begin a session.
pub fn lead_session(command: &mut Command, terminal: OwnedFd) {
    let lead = move || {
        rustix::process::setsid()?;
        rustix::process::ioctl_tiocsctty(&terminal)?;
        Ok(())
    };
    // SAFETY: between fork and exec the closure makes two plain system calls on a descriptor that it
    // owns; it allocates nothing, takes no lock and touches no memory but its own.
    unsafe {
        command.pre_exec(lead);
    }
}

/// Where a thread is: what is needed to follow its calls back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registers {
    /// The next instruction.
    pub instruction: u64,
    /// The top of the stack.
    pub stack: u64,
    /// The frame, in code that keeps one.
    pub frame: u64,
}

/// Becomes the tracer of a thread and asks it to stop (`PTRACE_SEIZE`, `PTRACE_INTERRUPT`). It does so a little
/// later, or, in an uninterruptible wait, much later.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub fn begin_stop(tid: i32) -> io::Result<()> {
    // SAFETY: neither request reads or writes memory of this process.
    unsafe {
        traced(libc::ptrace(libc::PTRACE_SEIZE, tid, 0, 0))?;
        traced(libc::ptrace(libc::PTRACE_INTERRUPT, tid, 0, 0))
    }
}

/// The registers of a thread that this thread traces; fails with `ESRCH` until it has stopped.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub fn registers(tid: i32) -> io::Result<Registers> {
    let mut all = std::mem::MaybeUninit::<libc::user_regs_struct>::uninit();
    // SAFETY: the kernel writes one `user_regs_struct` to the address given, which has room for it.
    traced(unsafe { libc::ptrace(libc::PTRACE_GETREGS, tid, 0, all.as_mut_ptr()) })?;
    // SAFETY: the call succeeded, so the kernel has written all of it.
    let all = unsafe { all.assume_init() };
    Ok(Registers {
        instruction: all.rip,
        stack: all.rsp,
        frame: all.rbp,
    })
}

/// Lets a stopped thread go on as if nothing had been. When it stopped because a signal came before our request,
/// the signal is passed on.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub fn end_stop(tid: i32) -> io::Result<()> {
    let mut info = std::mem::MaybeUninit::<libc::siginfo_t>::zeroed();
    // SAFETY: the kernel writes one `siginfo_t` to the address given, which has room for it.
    let asked = traced(unsafe { libc::ptrace(libc::PTRACE_GETSIGINFO, tid, 0, info.as_mut_ptr()) });
    // SAFETY: every field is an integer or a pointer that is not followed, so zeros are a value too.
    let info = unsafe { info.assume_init() };
    let by_request = info.si_code >> 8 == libc::PTRACE_EVENT_STOP;
    let signal = if asked.is_err() || by_request {
        0
    } else {
        info.si_signo
    };
    // SAFETY: the last argument is a number, and no memory of this process is read or written.
    traced(unsafe { libc::ptrace(libc::PTRACE_DETACH, tid, 0, i64::from(signal)) })
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn traced(result: libc::c_long) -> io::Result<()> {
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_that_are_not_ours_are_refused() {
        for fd in [-1, 0, 2, 60_000] {
            assert!(inherited(fd).is_err(), "{fd}");
        }
    }
}
