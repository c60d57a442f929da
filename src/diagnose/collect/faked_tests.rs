//! Collectors before a made-up `/proc`.

use super::fake::Fake;
use crate::model::{Descriptor, LockFact, LockKind, Wait};

fn lock(kind: LockKind, path: &str, holders: &[i32], waiters: &[i32]) -> LockFact {
    LockFact {
        kind,
        path: path.to_owned(),
        holders: holders.to_vec(),
        waiters: waiters.to_vec(),
    }
}

fn pids(scene: &crate::model::Scene) -> Vec<i32> {
    scene.others.iter().map(|process| process.pid).collect()
}

const STORE: &str = "/var/lib/containers/storage.lock";

#[test]
fn a_waiter_of_fcntl_and_the_holder_outside_are_named_with_the_file() {
    let scene = Fake::new()
        .with(20)
        .with(30)
        .call(20, libc::SYS_fcntl, [4, 7, 0, 0, 0, 0])
        .open(20, 4, STORE, "flags:\t02\nino:\t77\n")
        .file(
            "locks",
            "1: POSIX  ADVISORY  WRITE 30 08:01:77 0 EOF\n1: -> POSIX  ADVISORY  WRITE 20 08:01:77 0 EOF\n\
             2: POSIX  ADVISORY  WRITE 30 08:01:99 0 EOF\n",
        )
        .seen(&[20], &["locks"]);
    assert_eq!(scene.locks, [lock(LockKind::Posix, STORE, &[30], &[20])]);
    assert_eq!(pids(&scene), [30]);
}

#[test]
fn locks_of_open_files_are_traced_through_fdinfo() {
    let held = "flags:\t02\nino:\t77\nlock:\t1: OFDLCK ADVISORY  WRITE -1 08:01:77 0 EOF\n";
    let scene = Fake::new()
        .with(20)
        .with(30)
        .call(20, libc::SYS_fcntl, [4, 38, 0, 0, 0, 0])
        .open(20, 4, STORE, "flags:\t02\nino:\t77\n")
        .open(30, 5, STORE, held)
        .file(
            "locks",
            "1: OFDLCK ADVISORY  WRITE -1 08:01:77 0 EOF\n1: -> OFDLCK ADVISORY  WRITE -1 08:01:77 0 EOF\n",
        )
        .seen(&[20], &["locks"]);
    assert_eq!(scene.locks, [lock(LockKind::OpenFile, STORE, &[30], &[20])]);
}

#[test]
fn an_flock_belongs_to_whoever_has_its_descriptor_now() {
    // 29 took the lock and ended; 30 inherited the descriptor.
    let held = "flags:\t02\nlock:\t1: FLOCK  ADVISORY  WRITE 29 08:01:77 0 EOF\n";
    let scene = Fake::new()
        .with(20)
        .with(30)
        .call(20, libc::SYS_flock, [4, 2, 0, 0, 0, 0])
        .open(20, 4, STORE, "flags:\t02\n")
        .open(30, 5, STORE, held)
        .file(
            "locks",
            "1: FLOCK  ADVISORY  WRITE 29 08:01:77 0 EOF\n1: -> FLOCK  ADVISORY  WRITE 20 08:01:77 0 EOF\n",
        )
        .seen(&[20], &["locks"]);
    assert_eq!(scene.locks, [lock(LockKind::Flock, STORE, &[30], &[20])]);
}

#[test]
fn where_calls_must_not_be_read_the_inode_leads_to_the_file() {
    let scene = Fake::new()
        .with(20)
        .open(20, 3, "/etc/passwd", "flags:\t00\nino:\t5\n")
        .open(20, 4, STORE, "flags:\t02\nino:\t77\n")
        .file(
            "locks",
            "1: POSIX  ADVISORY  WRITE 31 08:01:77 0 EOF\n1: -> POSIX  ADVISORY  WRITE 20 08:01:77 0 EOF\n",
        )
        .seen(&[20], &["locks"]);
    // 31 may not be seen, or is gone.
    assert_eq!(scene.locks, [lock(LockKind::Posix, STORE, &[], &[20])]);
}

#[test]
fn a_lock_of_libpod_is_read_off_its_word() {
    const ADDRESS: u64 = 0x20_0100;
    let map = "00200000-00208000 rw-s 00000000 00:1a 9    /dev/shm/libpod_rootless_lock_1001\n";
    let private = "00300000-00308000 rw-p 00000000 00:00 0\n";
    for (word, owner) in [(0x8000_0021_u32, 0), (0x8000_0000, 33)] {
        let mutex = [word, 0, owner, 0].map(u32::to_ne_bytes).concat();
        let scene = Fake::new()
            .with(20)
            .with(30)
            .file("33/status", "Name:\tx\nTgid:\t30\nUid:\t0\t0\t0\t0\n")
            .call(20, libc::SYS_futex, [ADDRESS, 0, 0, 0, 0, 0])
            .file("20/maps", &format!("{private}{map}"))
            .memory(20, ADDRESS, &mutex)
            .seen(&[20], &["libpod's locks", "threads"]);
        let path = "/dev/shm/libpod_rootless_lock_1001";
        let expected = lock(LockKind::SharedMemory, path, &[30], &[20]);
        assert_eq!(scene.locks, [expected]);
        assert_eq!(pids(&scene), [30]);
        let wait = Wait::Futex {
            address: ADDRESS,
            mapping: path.to_owned(),
        };
        assert_eq!(scene.threads[0].wait, wait);
    }
}

#[test]
fn a_private_futex_is_nobody_elses() {
    let scene = Fake::new()
        .with(20)
        .call(20, libc::SYS_futex, [0x20_0100, 128, 0, 0, 0, 0])
        .seen(&[20], &["libpod's locks", "threads"]);
    assert_eq!(scene.locks, []);
    assert_eq!(scene.gaps, []);
    let wait = Wait::Futex {
        address: 0x20_0100,
        mapping: String::new(),
    };
    assert_eq!(scene.threads[0].wait, wait);
}

/// What the one thread waits for.
#[track_caller]
fn check(fake: Fake, expected: &Wait) {
    let scene = fake.with(20).seen(&[20], &["threads"]);
    assert_eq!(scene.threads[0].wait, *expected);
}

fn on(fd: i32, target: &str) -> Descriptor {
    Descriptor {
        fd,
        target: target.to_owned(),
    }
}

#[test]
fn epoll_names_what_it_watches() {
    let fake = Fake::new()
        .call(
            20,
            libc::SYS_epoll_pwait,
            [3, 0, 1, u64::from(u32::MAX), 0, 0],
        )
        .open(
            20,
            3,
            "anon_inode:[eventpoll]",
            "flags:\t02\ntfd: 5 events: 19\ntfd: 6 events: 1\n",
        )
        .open(20, 5, "pipe:[55]", "flags:\t00\n")
        .open(20, 6, "socket:[66]", "flags:\t02\n");
    let expected = Wait::AnyOf {
        call: "epoll_pwait".to_owned(),
        on: vec![on(5, "pipe:[55]"), on(6, "socket:[66]")],
        timed: false,
    };
    check(fake, &expected);
}

#[test]
fn select_names_the_bits_of_its_sets() {
    let fake = Fake::new()
        .call(20, libc::SYS_pselect6, [10, 0x1000, 0, 0x1040, 0x2000, 0])
        .memory(20, 0x1000, &[0b0000_1000, 0b10])
        .memory(20, 0x1040, &[0b0000_0001, 0])
        .open(20, 3, "pipe:[55]", "flags:\t00\n");
    let expected = Wait::AnyOf {
        call: "pselect6".to_owned(),
        on: vec![on(0, ""), on(3, "pipe:[55]"), on(9, "")],
        timed: true,
    };
    check(fake, &expected);
}

#[test]
fn a_pidfd_is_a_child() {
    let child = Wait::Child { pid: Some(42) };
    let info = "flags:\t02\nPid:\t42\n";
    let waitid = Fake::new()
        .call(20, libc::SYS_waitid, [3, 7, 0, 4, 0, 0])
        .open(20, 7, "anon_inode:[pidfd]", info);
    check(waitid, &child);
    let poll = Fake::new()
        .call(20, libc::SYS_ppoll, [0x1000, 1, 0, 0, 0, 0])
        .memory(20, 0x1000, &[7, 0, 0, 0, 1, 0, 0, 0])
        .open(20, 7, "anon_inode:[pidfd]", info);
    check(poll, &child);
}

#[test]
fn a_call_into_a_file_system_that_does_not_answer_is_the_kernels() {
    for number in [libc::SYS_statx, libc::SYS_openat] {
        let fake = Fake::new()
            .call(20, number, [0xffff_ff9c, 0x1000, 0, 0, 0, 0])
            .file("20/task/20/wchan", "request_wait_answer");
        check(fake, &Wait::Kernel);
    }
    let read = Fake::new()
        .call(20, libc::SYS_read, [4, 0x1000, 1, 0, 0, 0])
        .file("20/task/20/wchan", "folio_wait_bit_common")
        .open(20, 4, "/mnt/dead/file", "flags:\t00\n");
    let call = "read".to_owned();
    let on = on(4, "/mnt/dead/file");
    check(read, &Wait::On { call, on });
}

#[test]
fn what_could_not_be_understood_says_so() {
    let odd = Fake::new().file("20/task/20/syscall", "a new format\n");
    let why = "expected a line of /proc/PID/syscall, found 'a new format'".to_owned();
    check(odd, &Wait::Unknown { why });
    let narrow = Fake::new().file(
        "20/task/20/syscall",
        "3 0 0 0 0 0 0 0xffd1b0a8 0xf7f1c2ec\n",
    );
    let why = "it is a 32-bit program".to_owned();
    check(narrow, &Wait::Unknown { why });
    let none = Fake::new().call(20, 9999, [0; 6]);
    let name = "system call 9999".to_owned();
    check(none, &Wait::Call { name });
}
