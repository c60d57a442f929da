//! The system calls that a thread can wait in: their numbers on each processor, and what of their arguments
//! says what is waited for. Other calls are told by number.

/// A call and its arguments, as the kernel shows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Syscall {
    /// Its number on this processor.
    pub number: u32,
    /// Its six arguments, those it does not have too.
    pub arguments: [u64; 6],
}

/// What a call waits for. Numbers are places of arguments, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// The descriptor in argument 0.
    Descriptor,
    /// From the descriptor in argument 0 to the one in argument 2 (`splice`) or 1 (`tee`).
    Between(usize),
    /// `poll(fds, count, timeout)`; true: the time is in milliseconds, false: at an address.
    Poll(bool),
    /// `select(count, read, write, except, timeout)`.
    Select,
    /// `epoll_wait(epoll, …)`; true: the time is in milliseconds, false: at an address.
    Epoll(bool),
    /// Opens the path at the address in this argument; below the directory in the one before, if any.
    Open(usize),
    /// `futex(address, operation, …)`.
    Futex,
    /// Newer futex calls: the address is in argument 0, or behind it.
    OtherFutex,
    /// `wait4(pid, …)`.
    Wait4,
    /// `waitid(kind, id, …)`.
    Waitid,
    /// The parent of a `vfork` waits until the child has begun a program.
    Fork,
    /// Until some time has passed.
    Sleep,
    /// Until a signal comes.
    Signal,
    /// Goes on with the call before, which is not known any more.
    Restart,
    /// Anything else.
    Other,
}

/// Numbers of this processor are 64-bit ones.
pub(super) const NATIVE_64: bool = cfg!(target_pointer_width = "64");

impl Syscall {
    /// Its name; `None` for one that is not listed, or on a processor that is not.
    pub fn name(&self) -> Option<&'static str> {
        let find = |table: &[(u32, &'static str)]| {
            let found = table.iter().find(|(number, _)| *number == self.number);
            found.map(|(_, name)| *name)
        };
        find(NUMBERS).or_else(|| find(NUMBERS_OF_ALL))
    }

    /// What it waits for.
    pub fn shape(&self) -> Shape {
        self.name().map_or(Shape::Other, shape)
    }
}

fn shape(name: &str) -> Shape {
    match name {
        "splice" => Shape::Between(2),
        "tee" => Shape::Between(1),
        "poll" => Shape::Poll(true),
        "ppoll" => Shape::Poll(false),
        "select" | "pselect6" => Shape::Select,
        "epoll_wait" | "epoll_pwait" => Shape::Epoll(true),
        "epoll_pwait2" => Shape::Epoll(false),
        "open" | "creat" => Shape::Open(0),
        "openat" | "openat2" => Shape::Open(1),
        "futex" => Shape::Futex,
        "futex_wait" | "futex_waitv" => Shape::OtherFutex,
        "wait4" => Shape::Wait4,
        "waitid" => Shape::Waitid,
        "clone" | "clone3" | "vfork" => Shape::Fork,
        "nanosleep" | "clock_nanosleep" => Shape::Sleep,
        "pause" | "rt_sigsuspend" | "rt_sigtimedwait" => Shape::Signal,
        "restart_syscall" => Shape::Restart,
        "read" | "write" | "pread64" | "pwrite64" | "readv" | "writev" | "preadv" | "pwritev"
        | "preadv2" | "pwritev2" | "vmsplice" | "ioctl" | "fcntl" | "flock" | "fsync"
        | "fdatasync" | "close" | "lseek" | "fstat" | "ftruncate" | "fallocate" | "getdents64"
        | "connect" | "accept" | "accept4" | "sendto" | "recvfrom" | "sendmsg" | "recvmsg"
        | "sendmmsg" | "recvmmsg" | "sendfile" | "copy_file_range" | "io_uring_enter"
        | "mq_timedsend" | "mq_timedreceive" => Shape::Descriptor,
        _ => Shape::Other,
    }
}

/// Since Linux 5.1 a new call has the same number everywhere.
const NUMBERS_OF_ALL: &[(u32, &str)] = &[
    (424, "pidfd_send_signal"),
    (426, "io_uring_enter"),
    (435, "clone3"),
    (437, "openat2"),
    (439, "faccessat2"),
    (441, "epoll_pwait2"),
    (449, "futex_waitv"),
    (455, "futex_wait"),
];

#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
const NUMBERS: &[(u32, &str)] = &[
    (0, "read"), (1, "write"), (2, "open"), (3, "close"), (4, "stat"), (5, "fstat"), (6, "lstat"),
    (7, "poll"), (8, "lseek"), (9, "mmap"), (11, "munmap"), (16, "ioctl"), (17, "pread64"),
    (18, "pwrite64"), (19, "readv"), (20, "writev"), (21, "access"), (23, "select"), (26, "msync"),
    (34, "pause"), (35, "nanosleep"), (40, "sendfile"), (42, "connect"), (43, "accept"),
    (44, "sendto"), (45, "recvfrom"), (46, "sendmsg"), (47, "recvmsg"), (56, "clone"), (58, "vfork"),
    (59, "execve"), (60, "exit"), (61, "wait4"), (65, "semop"), (69, "msgsnd"), (70, "msgrcv"),
    (72, "fcntl"), (73, "flock"), (74, "fsync"), (75, "fdatasync"), (76, "truncate"),
    (77, "ftruncate"), (79, "getcwd"), (80, "chdir"), (82, "rename"), (83, "mkdir"), (84, "rmdir"),
    (85, "creat"), (86, "link"), (87, "unlink"), (88, "symlink"), (89, "readlink"), (101, "ptrace"),
    (128, "rt_sigtimedwait"), (130, "rt_sigsuspend"), (137, "statfs"), (138, "fstatfs"),
    (162, "sync"), (165, "mount"), (166, "umount2"), (202, "futex"), (208, "io_getevents"),
    (217, "getdents64"), (219, "restart_syscall"), (220, "semtimedop"), (230, "clock_nanosleep"),
    (231, "exit_group"), (232, "epoll_wait"), (242, "mq_timedsend"), (243, "mq_timedreceive"),
    (247, "waitid"), (257, "openat"), (258, "mkdirat"), (262, "newfstatat"), (263, "unlinkat"),
    (267, "readlinkat"), (269, "faccessat"), (270, "pselect6"), (271, "ppoll"), (275, "splice"),
    (276, "tee"), (278, "vmsplice"), (281, "epoll_pwait"), (285, "fallocate"), (288, "accept4"),
    (295, "preadv"), (296, "pwritev"), (299, "recvmmsg"), (306, "syncfs"), (307, "sendmmsg"),
    (316, "renameat2"), (318, "getrandom"), (322, "execveat"), (326, "copy_file_range"),
    (327, "preadv2"), (328, "pwritev2"), (332, "statx"), (333, "io_pgetevents"),
];

#[cfg(target_arch = "aarch64")]
#[rustfmt::skip]
const NUMBERS: &[(u32, &str)] = &[
    (4, "io_getevents"), (17, "getcwd"), (22, "epoll_pwait"), (25, "fcntl"), (29, "ioctl"),
    (32, "flock"), (34, "mkdirat"), (35, "unlinkat"), (36, "symlinkat"), (37, "linkat"),
    (39, "umount2"), (40, "mount"), (43, "statfs"), (44, "fstatfs"), (45, "truncate"),
    (46, "ftruncate"), (47, "fallocate"), (48, "faccessat"), (49, "chdir"), (56, "openat"),
    (57, "close"), (61, "getdents64"), (62, "lseek"), (63, "read"), (64, "write"), (65, "readv"),
    (66, "writev"), (67, "pread64"), (68, "pwrite64"), (69, "preadv"), (70, "pwritev"),
    (71, "sendfile"), (72, "pselect6"), (73, "ppoll"), (75, "vmsplice"), (76, "splice"), (77, "tee"),
    (78, "readlinkat"), (79, "newfstatat"), (80, "fstat"), (81, "sync"), (82, "fsync"),
    (83, "fdatasync"), (93, "exit"), (94, "exit_group"), (95, "waitid"), (98, "futex"),
    (101, "nanosleep"), (115, "clock_nanosleep"), (117, "ptrace"), (128, "restart_syscall"),
    (133, "rt_sigsuspend"), (137, "rt_sigtimedwait"), (182, "mq_timedsend"),
    (183, "mq_timedreceive"), (188, "msgrcv"), (189, "msgsnd"), (192, "semtimedop"), (193, "semop"),
    (202, "accept"), (203, "connect"), (206, "sendto"), (207, "recvfrom"), (211, "sendmsg"),
    (212, "recvmsg"), (215, "munmap"), (220, "clone"), (221, "execve"), (222, "mmap"),
    (227, "msync"), (242, "accept4"), (243, "recvmmsg"), (260, "wait4"), (267, "syncfs"),
    (269, "sendmmsg"), (276, "renameat2"), (278, "getrandom"), (281, "execveat"),
    (285, "copy_file_range"), (286, "preadv2"), (287, "pwritev2"), (291, "statx"),
    (292, "io_pgetevents"),
];

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const NUMBERS: &[(u32, &str)] = &[];

#[cfg(test)]
mod tests {
    use super::*;

    fn call(number: libc::c_long) -> Syscall {
        Syscall {
            number: u32::try_from(number).unwrap(),
            arguments: [0; 6],
        }
    }

    #[track_caller]
    fn check(number: libc::c_long, name: &str, shape: Shape) {
        assert_eq!(call(number).name(), Some(name));
        assert_eq!(call(number).shape(), shape);
    }

    #[test]
    fn the_numbers_are_those_of_this_processor() {
        check(libc::SYS_read, "read", Shape::Descriptor);
        check(libc::SYS_flock, "flock", Shape::Descriptor);
        check(libc::SYS_fcntl, "fcntl", Shape::Descriptor);
        check(libc::SYS_connect, "connect", Shape::Descriptor);
        check(libc::SYS_recvmsg, "recvmsg", Shape::Descriptor);
        check(
            libc::SYS_io_uring_enter,
            "io_uring_enter",
            Shape::Descriptor,
        );
        check(libc::SYS_splice, "splice", Shape::Between(2));
        check(libc::SYS_ppoll, "ppoll", Shape::Poll(false));
        check(libc::SYS_pselect6, "pselect6", Shape::Select);
        check(libc::SYS_epoll_pwait, "epoll_pwait", Shape::Epoll(true));
        check(libc::SYS_openat, "openat", Shape::Open(1));
        check(libc::SYS_futex, "futex", Shape::Futex);
        check(libc::SYS_wait4, "wait4", Shape::Wait4);
        check(libc::SYS_waitid, "waitid", Shape::Waitid);
        check(libc::SYS_clone3, "clone3", Shape::Fork);
        check(libc::SYS_clock_nanosleep, "clock_nanosleep", Shape::Sleep);
        check(libc::SYS_rt_sigsuspend, "rt_sigsuspend", Shape::Signal);
        check(libc::SYS_statx, "statx", Shape::Other);
        check(libc::SYS_semtimedop, "semtimedop", Shape::Other);
    }

    #[test]
    fn a_number_of_nobodys_has_no_name() {
        assert_eq!(call(9999).name(), None);
        assert_eq!(call(9999).shape(), Shape::Other);
    }
}
