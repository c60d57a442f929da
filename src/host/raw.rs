//! The system calls that rustix does not wrap, or only unsafely. All `unsafe` of the crate is here;
//! every block says why it is sound.
#![expect(unsafe_code, reason = "the one audited place")]

use std::ffi::{CStr, c_char};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicI32, Ordering};

use super::strings::Strings;

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

/// A file's content as memory that the kernel fills when it is read, and may take back: it counts as the file's.
#[derive(Debug)]
pub struct Mapped {
    address: NonNull<u8>,
    length: usize,
    /// Nobody else has it, so that it cannot become shorter.
    _file: File,
}

// SAFETY: the memory is read-only from its making to its end, so any thread may read it.
unsafe impl Send for Mapped {}
// SAFETY: as above.
unsafe impl Sync for Mapped {}

impl Mapped {
    /// Maps the first `length` bytes, at least one, of a file that has no name and no other holder.
    pub fn new(file: File, length: usize) -> io::Result<Self> {
        let (protection, flags) = (rustix::mm::ProtFlags::READ, rustix::mm::MapFlags::PRIVATE);
        // SAFETY: a new mapping at a place of the kernel's choice touches no memory that is in use.
        let address =
            unsafe { rustix::mm::mmap(std::ptr::null_mut(), length, protection, flags, &file, 0) }?;
        let address = NonNull::new(address.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Mapped {
            address,
            length,
            _file: file,
        })
    }
}

impl std::ops::Deref for Mapped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: so much is mapped until `drop`, the file is at least as long and is written by nobody.
        unsafe { std::slice::from_raw_parts(self.address.as_ptr(), self.length) }
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: it is our mapping, and whoever borrowed from it is gone. It fails for wrong arguments only.
        unsafe { rustix::mm::munmap(self.address.as_ptr().cast(), self.length) }.ok();
    }
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

/// What a new process is to become.
#[derive(Debug)]
pub struct Image<'a> {
    /// The file to execute, seen from `directory`.
    pub path: &'a CStr,
    /// All words, `argv[0]` first.
    pub words: &'a Strings,
    /// The whole environment, `NAME=VALUE`.
    pub environment: &'a Strings,
    /// Where it runs.
    pub directory: &'a CStr,
    /// Its descriptors 0, 1 and 2; none of them is one of these numbers here.
    pub standard: [BorrowedFd<'a>; 3],
}

/// What a new process stands on until it is its image: 32 KiB.
#[derive(Debug)]
pub struct Stack(Vec<u128>);

impl Default for Stack {
    fn default() -> Self {
        Stack(vec![0; 2048])
    }
}

/// An [`Image`] as the kernel takes it.
struct Plan {
    path: *const c_char,
    words: *const *const c_char,
    environment: *const *const c_char,
    directory: *const c_char,
    standard: [RawFd; 3],
    /// Why it did not become its image.
    error: AtomicI32,
}

/// Starts a process in a group of its own, with no signal blocked or handled, and gives its id and a descriptor of it.
/// This thread stands still until the image is loaded: nothing is copied, and the error of the loading is ours
/// to return. About 130 system calls less than glibc's `posix_spawn`, which asks for every signal.
///
/// `ErrorKind::Unsupported`: this machine cannot do it (a kernel before 5.5, a seccomp filter), another way may.
pub fn start(image: &Image<'_>, stack: &mut Stack) -> io::Result<(i32, OwnedFd)> {
    let words = image.words.pointers();
    let environment = image.environment.pointers();
    let plan = Plan {
        path: image.path.as_ptr(),
        words: words.as_ptr(),
        environment: environment.as_ptr(),
        directory: image.directory.as_ptr(),
        standard: image.standard.map(|fd| fd.as_raw_fd()),
        error: AtomicI32::new(0),
    };
    if plan.standard.iter().any(|fd| *fd < 3) {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let (pid, pidfd) = clone_into(&plan, stack)?;
    match plan.error.load(Ordering::Relaxed) {
        0 => Ok((pid, pidfd)),
        error => {
            let mut status = 0;
            // SAFETY: waitpid writes one int to the address given, a live local; the child is ours and has ended.
            while unsafe { libc::waitpid(pid, &raw mut status, libc::__WALL) } < 0
                && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
            {}
            Err(io::Error::from_raw_os_error(error))
        }
    }
}

/// As `clone3(2)` has it; libc's type is not there for every C library.
#[repr(C)]
#[derive(Default)]
struct CloneArguments {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
}

/// Handlers are reset in the child alone; a handler of ours must not run on memory that is shared.
const CLONE_CLEAR_SIGHAND: u64 = 1 << 32;

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn clone_into(plan: &Plan, stack: &mut Stack) -> io::Result<(i32, OwnedFd)> {
    let mut pidfd: RawFd = -1;
    let shared = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD;
    let arguments = CloneArguments {
        flags: u64::from(shared.cast_unsigned()) | CLONE_CLEAR_SIGHAND,
        pidfd: (&raw mut pidfd).expose_provenance() as u64,
        exit_signal: u64::from(libc::SIGCHLD.cast_unsigned()),
        stack: stack.0.as_mut_ptr().expose_provenance() as u64,
        stack_size: size_of_val(stack.0.as_slice()) as u64,
        ..CloneArguments::default()
    };
    let result: i64;
    // SAFETY: the arguments are as clone3 wants them and live until the parent goes on, which is when the child
    // has left this memory: CLONE_VFORK. The child stands on `stack`, which nobody else uses (it is borrowed
    // mutably) and which is aligned to 16 bytes; it leaves this block only into `become_image`, which does
    // not return. The parent's registers are saved by the kernel but for those named.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        std::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r13",
            "call r12",
            "ud2",
            "2:",
            inlateout("rax") libc::SYS_clone3 => result,
            in("rdi") &raw const arguments,
            in("rsi") size_of::<CloneArguments>(),
            in("r12") become_image as extern "C" fn(&Plan) -> !,
            in("r13") plan,
            lateout("rcx") _,
            lateout("r11") _,
        );
        #[cfg(target_arch = "aarch64")]
        std::arch::asm!(
            "svc #0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x0, x21",
            "blr x20",
            "brk #1",
            "2:",
            in("x8") libc::SYS_clone3,
            inlateout("x0") &raw const arguments => result,
            in("x1") size_of::<CloneArguments>(),
            in("x20") become_image as extern "C" fn(&Plan) -> !,
            in("x21") plan,
        );
    }
    match i32::try_from(result) {
        // SAFETY: the kernel has just opened this descriptor for us and told nobody else.
        Ok(pid) if pid > 0 => Ok((pid, unsafe { OwnedFd::from_raw_fd(pidfd) })),
        Ok(errno) => Err(match -errno {
            libc::ENOSYS | libc::EPERM | libc::EINVAL | libc::E2BIG => {
                io::ErrorKind::Unsupported.into()
            }
            errno => io::Error::from_raw_os_error(errno),
        }),
        Err(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn clone_into(_: &Plan, _: &mut Stack) -> io::Result<(i32, OwnedFd)> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The new process's way to its image. It shares our memory, so it makes system calls and nothing else: it
/// allocates nothing, takes no lock, and cannot panic.
extern "C" fn become_image(plan: &Plan) -> ! {
    let [stdin, stdout, stderr] = plan.standard;
    // SAFETY: plain system calls on descriptors that are open, and on strings and lists of strings that end
    // with a zero (`Strings`, `CStr`) and live until this thread's parent goes on. `errno` is the parent's,
    // which stands still. The signal set and the action are live locals.
    unsafe {
        let prepared = libc::setpgid(0, 0) == 0
            && libc::dup2(stdin, 0) == 0
            && libc::dup2(stdout, 1) == 1
            && libc::dup2(stderr, 2) == 2
            && libc::chdir(plan.directory) == 0;
        if prepared {
            // What was ignored stays ignored, but for what Rust's start-up ignores.
            let mut default: libc::sigaction = std::mem::zeroed();
            default.sa_sigaction = libc::SIG_DFL;
            libc::sigaction(libc::SIGPIPE, &raw const default, std::ptr::null_mut());
            let mut none: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&raw mut none);
            libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
            libc::execve(plan.path, plan.words, plan.environment);
        }
        plan.error
            .store(*libc::__errno_location(), Ordering::Relaxed);
        libc::_exit(127)
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
