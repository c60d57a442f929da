//! Small scenes of every class, and what is said of them.

use std::time::Duration;

use super::*;
use crate::model::{
    ContainerFact, Descriptor, Gap, LockFact, LockKind, PipeEnd, PipeFact, SocketFact, Stack,
    StackKind, ThreadFact, Wait,
};

/// The slot of every scene.
const SLOT: i32 = 100;

/// A scene in the making.
#[derive(Debug, Clone, Default)]
struct Made(Scene);

impl Made {
    /// A process of the script, with one thread that waits.
    fn process(self, pid: i32, parent: i32, command: &str, wait: Wait) -> Self {
        self.bare(pid, parent, command).thread(pid, pid, wait)
    }

    fn bare(mut self, pid: i32, parent: i32, command: &str) -> Self {
        self.0.processes.push(fact(pid, parent, command));
        self
    }

    fn thread(mut self, pid: i32, tid: i32, wait: Wait) -> Self {
        self.0.threads.push(ThreadFact {
            pid,
            tid,
            state: 'S',
            wchan: String::new(),
            wait,
            kernel: Vec::new(),
        });
        self
    }

    /// A process elsewhere.
    fn other(mut self, pid: i32, command: &str) -> Self {
        self.0.others.push(fact(pid, 1, command));
        self
    }

    /// Changes the process that came last.
    fn but(mut self, change: impl FnOnce(&mut ProcessFact)) -> Self {
        change(self.0.processes.last_mut().unwrap());
        self
    }

    /// The last thread sleeps in this kernel function.
    fn wchan(mut self, name: &str) -> Self {
        name.clone_into(&mut self.0.threads.last_mut().unwrap().wchan);
        self
    }

    /// An end is `(pid, fd, "r" | "w" | "rw")`.
    fn pipe(mut self, name: &str, ends: &[(i32, i32, &str)], waiting: u64) -> Self {
        let end = |(pid, fd, mode): &(i32, i32, &str)| PipeEnd {
            pid: *pid,
            fd: *fd,
            reads: mode.contains('r'),
            writes: mode.contains('w'),
        };
        self.0.pipes.push(PipeFact {
            name: name.to_owned(),
            ends: ends.iter().map(end).collect(),
            waiting: Some(waiting),
            capacity: Some(65536),
            ours: false,
        });
        self
    }

    fn ours(mut self) -> Self {
        self.0.pipes.last_mut().unwrap().ours = true;
        self
    }

    fn lock(mut self, kind: LockKind, path: &str, holders: &[i32], waiters: &[i32]) -> Self {
        self.0.locks.push(LockFact {
            kind,
            path: path.to_owned(),
            holders: holders.to_vec(),
            waiters: waiters.to_vec(),
        });
        self
    }

    #[expect(clippy::too_many_arguments, reason = "a row of a table")]
    fn socket(
        mut self,
        name: &str,
        pid: i32,
        peer: &str,
        peers: &[(i32, i32)],
        word: &str,
    ) -> Self {
        self.0.sockets.push(SocketFact {
            name: name.to_owned(),
            ends: vec![(pid, 3)],
            peer: peer.to_owned(),
            peer_ends: peers.to_vec(),
            state: word.to_owned(),
            unread: Some(0),
            peer_unread: None,
        });
        self
    }

    fn goroutine(mut self, pid: i32, number: u64, state: &str, frames: &[&str]) -> Self {
        self.0.stacks.push(Stack {
            pid,
            thread: number,
            kind: StackKind::Goroutine,
            state: state.to_owned(),
            frames: frames.iter().map(|frame| (*frame).to_owned()).collect(),
            stopped: None,
        });
        self
    }

    fn container(mut self, id: &str, name: &str, state: &str) -> Self {
        self.0.containers.push(ContainerFact {
            id: id.repeat(8),
            name: name.to_owned(),
            image: "base:1".to_owned(),
            state: state.to_owned(),
            exit_code: (state == "exited").then_some(1),
            command: "sleep 1000".to_owned(),
            since: Some(Duration::from_secs(42)),
            ..ContainerFact::default()
        });
        self
    }

    fn gap(mut self, what: &str, why: &str) -> Self {
        self.0.gaps.push(Gap {
            what: what.to_owned(),
            why: why.to_owned(),
        });
        self
    }
}

fn fact(pid: i32, parent: i32, command: &str) -> ProcessFact {
    ProcessFact {
        pid,
        parent,
        state: 'S',
        command: command.to_owned(),
        wchan: String::new(),
        cpu: Duration::ZERO,
        io_bytes: None,
        engine_helper: false,
        age: None,
        line: 0,
        adopted: parent == SLOT && pid >= 200,
        container: String::new(),
    }
}

fn on(call: &str, fd: i32, target: &str) -> Wait {
    Wait::On {
        call: call.to_owned(),
        on: descriptor(fd, target),
    }
}

fn descriptor(fd: i32, target: &str) -> Descriptor {
    Descriptor {
        fd,
        target: target.to_owned(),
    }
}

fn any_of(on: &[(i32, &str)]) -> Wait {
    Wait::AnyOf {
        call: "epoll_wait".to_owned(),
        on: on
            .iter()
            .map(|(fd, target)| descriptor(*fd, target))
            .collect(),
        timed: false,
    }
}

fn futex(mapping: &str) -> Wait {
    Wait::Futex {
        address: 0x7f00,
        mapping: mapping.to_owned(),
    }
}

fn unknown(why: &str) -> Wait {
    Wait::Unknown {
        why: why.to_owned(),
    }
}

fn child(pid: i32) -> Wait {
    Wait::Child { pid: Some(pid) }
}

const ANY_CHILD: Wait = Wait::Child { pid: None };

/// Class, holder, resource, and the sentence.
#[track_caller]
fn check(made: &Made, class: HangClass, holder: i32, resource: &str, sentence: &str) -> Why {
    let why = explain(&made.0, &Movement::Still);
    assert_eq!(why.sentence, sentence);
    let found = (why.class, why.holder, why.resource.as_str());
    assert_eq!(found, (class, Some(holder), resource), "{sentence}");
    why
}

#[test]
fn a_pipe_is_held_by_a_helper_that_lives_as_long_as_a_container() {
    let made = Made::default()
        .process(11, SLOT, "/bin/invowk cmd fail-command", futex(""))
        .thread(
            11,
            12,
            any_of(&[(4, "anon_inode:[eventfd]"), (7, "pipe:[77]")]),
        )
        .goroutine(11, 1, "chan receive", &["os/exec.(*Cmd).Wait", "main.main"])
        .goroutine(
            11,
            18,
            "IO wait",
            &["io.Copy", "os/exec.(*Cmd).writerDescriptor.func1"],
        )
        .bare(
            200,
            SLOT,
            &format!("/usr/bin/conmon -c {}", "c0ffee12".repeat(8)),
        )
        .but(|conmon| conmon.engine_helper = true)
        .pipe("pipe:[77]", &[(11, 7, "r"), (200, 9, "w")], 0)
        .container("c0ffee12", "lk", "running");
    let why = check(
        &made,
        HangClass::PipeHeld,
        200,
        "pipe:[77]",
        "invowk (11) waits for end-of-file on the output (pipe:[77]) of a child that has already exited; the pipe is still open \
         for writing in conmon (200), fd 9, which lives as long as container c0ffee12c0ff (\"lk\") [image base:1, running for 42.0 s]",
    );
    assert_eq!(why.subject, Some(11));
    assert!(
        why.hint.starts_with("a descriptor other than 0-2 leaks"),
        "{}",
        why.hint
    );
    assert!(why.hint.ends_with("exec.Cmd.WaitDelay"), "{}", why.hint);
    let waits = [
        "invowk 11",
        "     thread 12  epoll_wait on 2 descriptors",
        "     goroutine 1 [chan receive] os/exec.(*Cmd).Wait < main.main",
        "     goroutine 18 [IO wait] io.Copy < os/exec.(*Cmd).writerDescriptor.func1",
        "     fd 7 = pipe:[77], empty",
        "\\- writer: conmon 200, fd 9, its parent has ended",
        "          container c0ffee12c0ff sleep 1000 [image base:1, running for 42.0 s]",
    ];
    assert_eq!(why.waits, waits);
}

#[test]
fn a_pipe_is_held_by_what_was_left_in_the_background() {
    let made = Made::default()
        .process(10, SLOT, "sh -c x", ANY_CHILD)
        .process(11, 10, "sh", on("read", 3, "pipe:[1]"))
        .process(200, SLOT, "sleep 1000", Wait::Sleep)
        .pipe("pipe:[1]", &[(11, 3, "r"), (200, 1, "w")], 0);
    let why = check(
        &made,
        HangClass::PipeHeld,
        200,
        "pipe:[1]",
        "sh (11) waits for input or end-of-file on pipe:[1]; the pipe is still open for writing in sleep (200), fd 1, which sleeps",
    );
    assert_eq!(
        why.subject,
        Some(11),
        "who only waits for a child is left out"
    );
    assert!(why.hint.starts_with("redirect the output"), "{}", why.hint);
}

#[test]
fn of_two_holders_the_outer_one_is_named_first() {
    let made = Made::default()
        .process(10, SLOT, "cat", on("read", 0, "pipe:[1]"))
        .process(20, SLOT, "sh", child(21))
        .process(21, 20, "sleep 1000", Wait::Sleep)
        .pipe("pipe:[1]", &[(10, 0, "r"), (21, 1, "w"), (20, 1, "w")], 0);
    check(
        &made,
        HangClass::PipeHeld,
        20,
        "pipe:[1]",
        "cat (10) waits for input or end-of-file on pipe:[1]; the pipe is still open for writing in sh (20), fd 1 \
         (and in sleep (21), fd 1), which waits for its child sleep (21), which sleeps",
    );
}

#[test]
fn the_output_of_a_child_that_lives_leads_to_the_child() {
    let made = Made::default()
        .process(10, SLOT, "sh", on("read", 3, "pipe:[1]"))
        .process(11, 10, "sleep 1000", Wait::Sleep)
        .pipe("pipe:[1]", &[(10, 3, "r"), (11, 1, "w")], 0);
    check(
        &made,
        HangClass::Sleeping,
        11,
        "",
        "sh (10) waits for the output (pipe:[1]) of its child sleep (11), which sleeps",
    );
}

#[test]
fn a_reader_that_can_itself_write_holds_its_own_pipe() {
    let made = Made::default()
        .process(10, SLOT, "reader", on("read", 3, "pipe:[1]"))
        .pipe("pipe:[1]", &[(10, 3, "r"), (10, 4, "w")], 0);
    check(
        &made,
        HangClass::PipeHeld,
        10,
        "pipe:[1]",
        "reader (10) waits for input or end-of-file on pipe:[1]; the pipe is still open for writing only in itself, fd 4",
    );
}

#[test]
fn a_holder_that_nobody_may_see_is_not_made_up() {
    let made = Made::default()
        .process(10, SLOT, "cat", on("read", 0, "pipe:[1]"))
        .pipe("pipe:[1]", &[(10, 0, "r")], 0);
    check(
        &made,
        HangClass::PipeHeld,
        10,
        "pipe:[1]",
        "cat (10) waits for input or end-of-file on pipe:[1]; nobody was seen to have it open for writing",
    );
}

#[test]
fn a_full_pipe_that_nobody_reads() {
    let made = Made::default()
        .process(10, SLOT, "yes", on("write", 1, "pipe:[1]"))
        .process(11, SLOT, "sleep 1000", Wait::Sleep)
        .pipe("pipe:[1]", &[(10, 1, "w"), (11, 0, "r")], 65536);
    check(
        &made,
        HangClass::PipeFull,
        11,
        "pipe:[1]",
        "yes (10) waits for room in pipe:[1] (65536 of 65536 bytes), not read by sleep (11), fd 0, which sleeps",
    );
    let made = Made::default()
        .process(10, SLOT, "yes", on("write", 1, "pipe:[1]"))
        .pipe("pipe:[1]", &[(10, 1, "w"), (10, 5, "r")], 65536);
    check(
        &made,
        HangClass::PipeFull,
        10,
        "pipe:[1]",
        "yes (10) waits for room in pipe:[1] (65536 of 65536 bytes), which nobody else has open for reading",
    );
}

#[test]
fn a_slot_that_reads_too_slowly_is_named() {
    let made = Made::default()
        .process(10, SLOT, "yes", on("write", 1, "pipe:[1]"))
        .other(SLOT, "shakedown-slot")
        .pipe("pipe:[1]", &[(10, 1, "w"), (SLOT, 40, "r")], 65536)
        .ours();
    check(
        &made,
        HangClass::PipeFull,
        SLOT,
        "pipe:[1]",
        "yes (10) waits for room in its output pipe:[1] (65536 of 65536 bytes), not read by this script's slot (100)",
    );
}

#[test]
fn two_processes_over_two_pipes_are_a_deadlock() {
    let made = Made::default()
        .process(10, SLOT, "parent", on("read", 3, "pipe:[1]"))
        .process(11, 10, "child", on("write", 2, "pipe:[2]"))
        .pipe("pipe:[1]", &[(10, 3, "r"), (11, 1, "w")], 0)
        .pipe("pipe:[2]", &[(10, 4, "r"), (11, 2, "w")], 65536);
    let why = check(
        &made,
        HangClass::PipeFull,
        10,
        "pipe:[2]",
        "deadlock: child (11) waits for room in pipe:[2] (65536 of 65536 bytes), not read by parent (10), fd 4, \
         which waits for the output (pipe:[1]) of its child child (11)",
    );
    assert!(why.hint.starts_with("read both outputs"), "{}", why.hint);
    let made = Made::default()
        .process(10, SLOT, "left", on("read", 3, "pipe:[1]"))
        .process(11, SLOT, "right", on("read", 3, "pipe:[2]"))
        .pipe("pipe:[1]", &[(10, 3, "r"), (11, 4, "w")], 0)
        .pipe("pipe:[2]", &[(11, 3, "r"), (10, 4, "w")], 0);
    check(
        &made,
        HangClass::PipeHeld,
        11,
        "pipe:[1]",
        "deadlock: left (10) waits for input or end-of-file on pipe:[1]; the pipe is still open for writing in right (11), fd 4, \
         which waits for input or end-of-file on pipe:[2]; the pipe is still open for writing in left (10), fd 4",
    );
}

#[test]
fn two_processes_over_two_locks_are_a_deadlock() {
    let made = Made::default()
        .process(9, SLOT, "sh", ANY_CHILD)
        .process(10, 9, "left", on("flock", 3, "/w/b"))
        .process(11, 9, "right", on("flock", 3, "/w/a"))
        .lock(LockKind::Flock, "/w/a", &[10], &[11])
        .lock(LockKind::Flock, "/w/b", &[11], &[10]);
    let why = check(
        &made,
        HangClass::LockFile,
        11,
        "/w/b",
        "deadlock: left (10) waits for the lock (flock) on /w/b, held by right (11), which waits for the lock (flock) on /w/a, \
         held by left (10)",
    );
    assert_eq!(
        why.waits.last().unwrap(),
        "     \\- holder: left 10 (see above)"
    );
}

#[test]
fn a_lock_on_a_file_names_its_kind_and_who_has_it() {
    for (kind, call, words) in [
        (LockKind::Flock, "flock", "the lock (flock) on"),
        (LockKind::Posix, "fcntl", "the lock (fcntl) on"),
        (
            LockKind::OpenFile,
            "fcntl",
            "the lock (fcntl, of an open file) on",
        ),
    ] {
        let made = Made::default()
            .process(10, SLOT, "podman ps", on(call, 3, "/w/containers.lock"))
            .other(900, "/usr/bin/python3 hold.py")
            .lock(kind, "/w/containers.lock", &[900], &[10]);
        check(
            &made,
            HangClass::LockFile,
            900,
            "/w/containers.lock",
            &format!("podman ps (10) waits for {words} /w/containers.lock, held by python3 (900)"),
        );
    }
    let made = Made::default()
        .process(10, SLOT, "flock f true", on("flock", 3, "/w/f"))
        .gap("locks", "/proc/locks: not permitted");
    check(
        &made,
        HangClass::LockFile,
        10,
        "/w/f",
        "flock (10) waits for the lock (flock) on /w/f, whose holder is unknown (unknown: /proc/locks: not permitted)",
    );
}

#[test]
fn a_mutex_in_shared_memory_is_libpods_or_somebodys() {
    for (path, class, words) in [
        (
            "/dev/shm/libpod_rootless_lock_1001",
            HangClass::LockLibpod,
            "libpod's lock in",
        ),
        (
            "/dev/shm/libpod_lock",
            HangClass::LockLibpod,
            "libpod's lock in",
        ),
        ("/dev/shm/mine", HangClass::LockFile, "the mutex in"),
    ] {
        let made = Made::default()
            .process(10, SLOT, "podman run base", futex(""))
            .thread(10, 15, futex(path))
            .thread(10, 16, any_of(&[(4, "anon_inode:[eventfd]")]))
            .process(11, SLOT, "podman rm", Wait::Sleep)
            .lock(LockKind::SharedMemory, path, &[11], &[10]);
        check(
            &made,
            class,
            11,
            path,
            &format!(
                "podman run (10) waits for {words} {path}, held by podman rm (11), which sleeps"
            ),
        );
    }
}

#[test]
fn a_daemon_that_says_nothing_is_named_by_its_socket() {
    let made = Made::default()
        .process(10, SLOT, "docker ps", futex(""))
        .thread(
            10,
            11,
            any_of(&[(4, "anon_inode:[eventfd]"), (3, "socket:[5]")]),
        )
        .socket("socket:[5]", 10, "/run/docker.sock", &[], "established");
    check(
        &made,
        HangClass::Daemon,
        10,
        "/run/docker.sock",
        "docker ps (10) waits for an answer from the Docker daemon at /run/docker.sock",
    );
    let made = Made::default()
        .process(10, SLOT, "client", on("recvfrom", 3, "socket:[5]"))
        .process(11, SLOT, "server", on("accept", 4, "socket:[6]"))
        .socket(
            "socket:[5]",
            10,
            "127.0.0.1:5000",
            &[(11, 7)],
            "established",
        )
        .socket("socket:[6]", 11, "127.0.0.1:5000", &[], "listening");
    check(
        &made,
        HangClass::Daemon,
        11,
        "127.0.0.1:5000",
        "client (10) waits for an answer from 127.0.0.1:5000, served by server (11), \
         which waits for somebody to connect to 127.0.0.1:5000",
    );
    let made = Made::default()
        .process(10, SLOT, "client", on("connect", 3, "socket:[5]"))
        .process(11, SLOT, "server", Wait::Sleep)
        .socket("socket:[5]", 10, "/w/sock", &[(11, 4)], "connecting");
    check(
        &made,
        HangClass::Daemon,
        11,
        "/w/sock",
        "client (10) waits for /w/sock to accept its connection, served by server (11), which sleeps",
    );
}

#[test]
fn a_server_that_waits_for_a_lock_leads_to_the_lock() {
    let made = Made::default()
        .process(10, SLOT, "client", on("read", 3, "socket:[5]"))
        .process(11, SLOT, "server", on("flock", 4, "/w/f"))
        .other(900, "holder")
        .socket("socket:[5]", 10, "/w/sock", &[(11, 7)], "established")
        .lock(LockKind::Flock, "/w/f", &[900], &[11]);
    check(
        &made,
        HangClass::LockFile,
        900,
        "/w/f",
        "client (10) waits for an answer from /w/sock, served by server (11), which waits for the lock (flock) on /w/f, \
         held by holder (900)",
    );
}

#[test]
fn an_attached_client_leads_to_its_container() {
    for (command, name) in [
        ("podman run --rm --name lk base:1 sleep 1000", "podman run"),
        ("docker run --rm base:1 sleep 1000", "docker run"),
        ("docker exec lk true", "docker exec"),
        ("docker logs -f c0ffee12c0", "docker logs"),
    ] {
        let made = Made::default()
            .process(10, SLOT, "sh -c x", ANY_CHILD)
            .process(11, 10, command, futex(""))
            .thread(11, 12, any_of(&[(3, "socket:[5]"), (8, "pipe:[4]")]))
            .pipe("pipe:[4]", &[(11, 8, "r"), (11, 9, "w")], 0)
            .socket("socket:[5]", 11, "/run/docker.sock", &[], "established")
            .container("c0ffee12", "lk", "running");
        check(
            &made,
            HangClass::Child,
            11,
            "container c0ffee12c0ff",
            &format!(
                "{name} (11) waits for container c0ffee12c0ff (\"lk\") [image base:1, running for 42.0 s]"
            ),
        );
    }
}

#[test]
fn a_client_that_waits_for_a_lock_is_not_taken_for_one_that_waits_for_its_container() {
    let made = Made::default()
        .process(
            11,
            SLOT,
            "podman run --name lk base:1",
            futex("/dev/shm/libpod_lock"),
        )
        .process(12, SLOT, "podman rm", Wait::Sleep)
        .lock(LockKind::SharedMemory, "/dev/shm/libpod_lock", &[12], &[11])
        .container("c0ffee12", "lk", "exited");
    let why = explain(&made.0, &Movement::Still);
    assert_eq!((why.class, why.holder), (HangClass::LockLibpod, Some(12)));
}

#[test]
fn a_container_without_the_engines_answer_is_known_by_its_id() {
    let id = "beefbeef".repeat(8);
    let made = Made::default()
        .process(11, SLOT, "podman run base", futex(""))
        .thread(11, 12, any_of(&[(3, "socket:[5]")]))
        .bare(200, SLOT, &format!("conmon -c {id}"))
        .but(|conmon| conmon.engine_helper = true)
        .socket(
            "socket:[5]",
            11,
            "/run/x/attach",
            &[(200, 8)],
            "established",
        );
    check(
        &made,
        HangClass::Child,
        11,
        "container beefbeefbeef",
        "podman run (11) waits for container beefbeefbeef",
    );
}

#[test]
fn a_child_that_does_not_end_is_followed_to_the_last() {
    let made = Made::default()
        .process(10, SLOT, "sh -c x", ANY_CHILD)
        .process(11, 10, "bash", child(12))
        .process(12, 11, "python3 x.py", Wait::Signal);
    let why = check(
        &made,
        HangClass::Child,
        12,
        "",
        "bash (11) waits for its child python3 (12), which waits for a signal",
    );
    assert_eq!(why.subject, Some(11));
}

#[test]
fn a_shell_that_waits_for_a_signal_of_its_child_leads_to_the_child() {
    let made = Made::default()
        .process(10, SLOT, "sh -c x", Wait::Signal)
        .process(11, 10, "sleep 1000", Wait::Stopped)
        .but(|process| process.state = 'T');
    check(
        &made,
        HangClass::Stopped,
        11,
        "",
        "sh (10) waits for a signal, such as comes at the end of its child sleep (11), which is stopped and waits to be continued",
    );
}

#[test]
fn a_server_of_another_script_at_the_same_name_is_left_out() {
    let made = Made::default()
        .other(900, "server of somebody else")
        .process(10, SLOT, "client", on("connect", 3, "socket:[5]"))
        .process(11, SLOT, "server", Wait::Sleep)
        .socket(
            "socket:[5]",
            10,
            "socket",
            &[(900, 4), (11, 4)],
            "connecting",
        );
    check(
        &made,
        HangClass::Daemon,
        11,
        "socket",
        "client (10) waits for socket to accept its connection, served by server (11), which sleeps",
    );
}

#[test]
fn of_several_children_the_one_that_tells_most_is_told() {
    let made = Made::default()
        .process(10, SLOT, "sh", ANY_CHILD)
        .process(11, 10, "sleep 1000", Wait::Sleep)
        .process(12, 10, "cat", on("read", 0, "pipe:[1]"))
        .pipe("pipe:[1]", &[(12, 0, "r"), (11, 1, "w")], 0);
    check(
        &made,
        HangClass::PipeHeld,
        11,
        "pipe:[1]",
        "cat (12) waits for input or end-of-file on pipe:[1]; the pipe is still open for writing in sleep (11), fd 1, which sleeps",
    );
}

#[test]
fn the_last_line_that_started_something_is_the_one_that_hangs() {
    let made = Made::default()
        .process(10, SLOT, "server", on("flock", 3, "/w/f"))
        .but(|process| process.line = 2)
        .process(11, SLOT, "sleep 1000", Wait::Sleep)
        .but(|process| process.line = 3)
        .lock(LockKind::Flock, "/w/f", &[1], &[10]);
    check(&made, HangClass::Sleeping, 11, "", "sleep (11) sleeps");
}

#[test]
fn a_stopped_process_is_the_end_of_every_chain() {
    let made = Made::default()
        .process(10, SLOT, "sh", child(11))
        .process(11, 10, "worker", on("flock", 3, "/w/f"))
        .process(12, 10, "holder", Wait::Stopped)
        .but(|process| process.state = 'T')
        .lock(LockKind::Flock, "/w/f", &[12], &[11]);
    check(
        &made,
        HangClass::Stopped,
        12,
        "",
        "worker (11) waits for the lock (flock) on /w/f, held by holder (12), which is stopped and waits to be continued",
    );
}

#[test]
fn a_fifo_without_a_partner() {
    let open = Wait::Open {
        path: "/w/fifo".to_owned(),
    };
    let made = Made::default()
        .process(10, SLOT, "cat /w/fifo", open)
        .pipe("/w/fifo", &[], 0);
    check(
        &made,
        HangClass::Fifo,
        10,
        "/w/fifo",
        "cat (10) waits for somebody to open the other end of the FIFO /w/fifo, which nobody has open",
    );
    let made = Made::default()
        .process(10, SLOT, "cat", on("read", 3, "/w/fifo"))
        .pipe("/w/fifo", &[(10, 3, "rw")], 0);
    check(
        &made,
        HangClass::Fifo,
        10,
        "/w/fifo",
        "cat (10) waits for input or end-of-file on the FIFO /w/fifo; the pipe is still open for writing only in itself, fd 3",
    );
}

#[test]
fn a_file_system_that_does_not_answer() {
    let made = Made::default()
        .process(10, SLOT, "cat", on("read", 3, "/mnt/dead/file"))
        .wchan("request_wait_answer");
    check(
        &made,
        HangClass::DeadFs,
        10,
        "/mnt/dead/file",
        "cat (10) waits in the kernel for the file system or device of /mnt/dead/file (request_wait_answer)",
    );
    let made = Made::default()
        .process(10, SLOT, "ls", Wait::Kernel)
        .wchan("request_wait_answer");
    check(
        &made,
        HangClass::DeadFs,
        10,
        "request_wait_answer",
        "ls (10) waits in the kernel for a file system or device (request_wait_answer)",
    );
}

#[test]
fn a_terminal_where_nobody_types() {
    let made = Made::default().process(10, SLOT, "passwd", on("read", 0, "/dev/pts/4"));
    check(
        &made,
        HangClass::Terminal,
        10,
        "/dev/pts/4",
        "passwd (10) waits for input from the terminal /dev/pts/4",
    );
}

#[test]
fn what_computes_is_busy_and_says_whether_it_got_a_processor() {
    let made =
        Made::default()
            .process(10, SLOT, "sh", child(11))
            .process(11, 10, "spin", Wait::Running);
    let sentence = |movement: &Movement| {
        let why = explain(&made.0, movement);
        assert_eq!((why.class, why.holder), (HangClass::Busy, Some(11)));
        why.sentence
    };
    assert_eq!(
        sentence(&Movement::Moving),
        "sh (10) waits for its child spin (11), which computes"
    );
    assert_eq!(
        sentence(&Movement::Still),
        "sh (10) waits for its child spin (11), which has work, and got no processor time between two looks"
    );
}

#[test]
fn what_sleeps_sleeps() {
    let made = Made::default().process(10, SLOT, "sleep 1000", Wait::Sleep);
    check(&made, HangClass::Sleeping, 10, "", "sleep (10) sleeps");
    let timed = Wait::AnyOf {
        call: "poll".to_owned(),
        on: Vec::new(),
        timed: true,
    };
    let made = Made::default().process(10, SLOT, "nap", timed);
    check(&made, HangClass::Sleeping, 10, "", "nap (10) sleeps");
    let why = explain(&made.0, &Movement::Moving);
    assert!(why.hint.contains("polls"), "{}", why.hint);
}

#[test]
fn goroutines_that_wait_for_each_other_are_told_by_their_stack() {
    let made = Made::default()
        .process(10, SLOT, "prog", futex(""))
        .thread(10, 11, any_of(&[(4, "anon_inode:[eventfd]")]))
        .goroutine(10, 1, "chan receive", &["runtime.chanrecv1", "main.main"]);
    check(
        &made,
        HangClass::Child,
        10,
        "",
        "prog (10) waits for its own goroutines (goroutine 1 [chan receive] in main.main)",
    );
    let made = Made::default()
        .process(10, SLOT, "prog", futex(""))
        .goroutine(10, 1, "sleep", &["time.Sleep", "main.main"]);
    check(&made, HangClass::Sleeping, 10, "", "prog (10) sleeps");
}

#[test]
fn a_go_program_whose_child_lives_waits_for_the_child() {
    let made = Made::default()
        .process(10, SLOT, "prog", futex(""))
        .thread(
            10,
            11,
            any_of(&[(4, "anon_inode:[eventfd]"), (7, "pipe:[1]")]),
        )
        .thread(10, 12, child(13))
        .process(13, 10, "sleep 1000", Wait::Sleep)
        .pipe("pipe:[1]", &[(10, 7, "r"), (13, 1, "w")], 0)
        .goroutine(
            10,
            1,
            "syscall",
            &["os.(*Process).blockUntilWaitable", "os/exec.(*Cmd).Wait"],
        );
    let why = explain(&made.0, &Movement::Still);
    assert_eq!((why.class, why.holder), (HangClass::Sleeping, Some(13)));
}

#[test]
fn without_permission_the_kernel_function_still_tells_and_the_reason_is_said() {
    let scope = "not permitted (ptrace_scope=2)";
    let hidden = |wchan: &str| {
        Made::default()
            .process(10, SLOT, "victim", unknown(scope))
            .wchan(wchan)
    };
    let pipe = hidden("anon_pipe_read")
        .process(11, SLOT, "sleep 1000", unknown(scope))
        .wchan("hrtimer_nanosleep")
        .pipe("pipe:[1]", &[(10, 0, "r"), (11, 1, "w")], 0);
    check(
        &pipe,
        HangClass::PipeHeld,
        11,
        "pipe:[1]",
        "victim (10) waits for input or end-of-file on pipe:[1] (unknown which: not permitted (ptrace_scope=2)); \
         the pipe is still open for writing in sleep (11), fd 1, which sleeps",
    );
    let lock = hidden("locks_lock_inode_wait").lock(LockKind::Flock, "/w/f", &[900], &[10]);
    check(
        &lock,
        HangClass::LockFile,
        900,
        "/w/f",
        "victim (10) waits for the lock (flock) on /w/f, held by process 900",
    );
    for (wchan, class) in [
        ("hrtimer_nanosleep", HangClass::Sleeping),
        ("do_wait", HangClass::Child),
        ("wait_for_partner", HangClass::Fifo),
        ("n_tty_read", HangClass::Terminal),
        ("request_wait_answer", HangClass::DeadFs),
        ("unix_wait_for_peer", HangClass::Daemon),
        ("do_signal_stop", HangClass::Stopped),
    ] {
        let why = explain(&hidden(wchan).0, &Movement::Still);
        assert_eq!(why.class, class, "{wchan}: {}", why.sentence);
    }
    check(
        &hidden(""),
        HangClass::Unknown,
        10,
        "",
        "victim (10) waits for what cannot be told (unknown: not permitted (ptrace_scope=2))",
    );
}

#[test]
fn a_script_without_processes_says_so() {
    let why = explain(&Scene::default(), &Movement::Still);
    assert_eq!(why.class, HangClass::Unknown);
    assert_eq!(
        why.sentence,
        "no process of the script is left, and its line does not end"
    );
}

#[test]
fn helpers_and_the_adopted_come_last() {
    let made = Made::default()
        .process(200, SLOT, "daemon", on("flock", 3, "/w/f"))
        .lock(LockKind::Flock, "/w/f", &[900], &[200])
        .process(10, SLOT, "sleep 1000", Wait::Sleep);
    check(&made, HangClass::Sleeping, 10, "", "sleep (10) sleeps");
}

mod any_scene {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const PIDS: std::ops::Range<i32> = 1..9;

    fn name() -> impl Strategy<Value = String> + Clone {
        prop_oneof![
            "pipe:\\[[1-3]\\]",
            "socket:\\[[1-2]\\]",
            "/dev/shm/x",
            "/w/[ab]",
            "\\PC{0,4}|\n"
        ]
    }

    fn wait() -> impl Strategy<Value = Wait> {
        let on = (0..3_i32, name()).prop_map(|(fd, target)| Descriptor { fd, target });
        let call = prop_oneof!["read", "write", "flock", "fcntl", "connect", "accept"];
        prop_oneof![
            Just(Wait::Running),
            Just(Wait::Sleep),
            Just(Wait::Kernel),
            Just(Wait::Signal),
            proptest::option::of(PIDS).prop_map(|pid| Wait::Child { pid }),
            (call, on.clone()).prop_map(|(call, on)| Wait::On { call, on }),
            (vec(on, 0..3), any::<bool>()).prop_map(|(on, timed)| Wait::AnyOf {
                call: "poll".to_owned(),
                on,
                timed
            }),
            name().prop_map(|path| Wait::Open { path }),
            name().prop_map(|mapping| Wait::Futex {
                address: 1,
                mapping
            }),
            name().prop_map(|why| Wait::Unknown { why }),
            name().prop_map(|name| Wait::Call { name }),
        ]
    }

    fn processes() -> impl Strategy<Value = Vec<ProcessFact>> {
        let command = prop_oneof![
            "docker run x",
            "podman ps\n-a",
            "\\PC{0,6}",
            "conmon -c [0-9a-f]{64}"
        ];
        let one = (
            PIDS,
            PIDS,
            prop_oneof![Just('S'), Just('Z'), Just('T')],
            command,
            any::<bool>(),
        );
        let made = one.prop_map(|(pid, parent, state, command, engine_helper)| ProcessFact {
            state,
            engine_helper,
            ..fact(pid, parent, &command)
        });
        vec(made, 0..8)
    }

    fn threads() -> impl Strategy<Value = Vec<ThreadFact>> {
        let wchan = prop_oneof!["", "anon_pipe_read", "do_wait", "fuse_x"];
        let one = (PIDS, PIDS, wait(), wchan);
        let made = one.prop_map(|(pid, tid, wait, wchan)| ThreadFact {
            pid,
            tid,
            state: 'S',
            wchan,
            wait,
            kernel: Vec::new(),
        });
        vec(made, 0..12)
    }

    fn pipes() -> impl Strategy<Value = Vec<PipeFact>> {
        let end = (PIDS, 0..3_i32, any::<bool>(), any::<bool>());
        let end = end.prop_map(|(pid, fd, reads, writes)| PipeEnd {
            pid,
            fd,
            reads,
            writes,
        });
        let made = (name(), vec(end, 0..5)).prop_map(|(name, ends)| PipeFact {
            name,
            ends,
            ..PipeFact::default()
        });
        vec(made, 0..4)
    }

    fn locks() -> impl Strategy<Value = Vec<LockFact>> {
        let one = (name(), vec(PIDS, 0..3), vec(PIDS, 0..3));
        let made = one.prop_map(|(path, holders, waiters)| LockFact {
            kind: LockKind::Posix,
            path,
            holders,
            waiters,
        });
        vec(made, 0..3)
    }

    fn sockets() -> impl Strategy<Value = Vec<SocketFact>> {
        let ends = || vec((PIDS, 0..3_i32), 0..3);
        let one = (name(), ends(), name(), ends());
        let made = one.prop_map(|(name, ends, peer, peer_ends)| SocketFact {
            name,
            ends,
            peer,
            peer_ends,
            ..SocketFact::default()
        });
        vec(made, 0..3)
    }

    fn scenes() -> impl Strategy<Value = Scene> {
        let facts = (
            processes(),
            processes(),
            threads(),
            pipes(),
            locks(),
            sockets(),
        );
        facts.prop_map(
            |(processes, others, threads, pipes, locks, sockets)| Scene {
                processes,
                others,
                threads,
                pipes,
                locks,
                sockets,
                ..Scene::default()
            },
        )
    }

    proptest! {
        #[test]
        fn every_scene_gives_one_line_and_an_end(scene in scenes()) {
            let why = explain(&scene, &Movement::Still);
            prop_assert!(!why.sentence.is_empty());
            for text in why.waits.iter().chain([&why.sentence, &why.resource, &why.hint]) {
                prop_assert!(!text.contains(|letter: char| letter.is_control()), "{text:?}");
            }
            prop_assert_eq!(why, explain(&scene, &Movement::Still));
        }
    }
}

#[test]
fn a_crowd_over_one_pipe_is_explained_at_once() {
    let pids = 1000..1500;
    let ends: Vec<(i32, i32, &str)> = pids.clone().map(|pid| (pid, 3, "rw")).collect();
    let crowd = pids.fold(Made::default(), |made, pid| {
        made.process(pid, SLOT, "make", on("read", 3, "pipe:[1]"))
    });
    let why = explain(&crowd.pipe("pipe:[1]", &ends, 0).0, &Movement::Still);
    assert_eq!(why.class, HangClass::PipeHeld);
}
