//! Collectors before this very kernel: threads of this process block, each for one reason, and are found.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use super::tests::Sleeper;
use super::{Collector, Subject, collect};
use crate::host::clock;
use crate::host::procfs::Proc;
use crate::model::{Descriptor, LockKind, PipeEnd, ProcessFact, Scene, ThreadFact, Wait};

fn me() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}

/// What one collector says of this process, and of others, once it is as expected.
fn eventually(what: &str, also: &[i32], is_there: impl Fn(&Scene) -> bool) -> Scene {
    let give_up = clock::now() + Duration::from_secs(20);
    loop {
        let process = |pid: i32| ProcessFact {
            pid,
            state: 'S',
            ..ProcessFact::default()
        };
        let processes = also.iter().copied().chain([me()]).map(process).collect();
        let slot = rustix::process::getppid().map_or(1, |pid| pid.as_raw_nonzero().get());
        let subject = Subject::new(Proc::default(), slot, processes, "/".as_ref());
        let collectors: Vec<Collector> = super::collectors()
            .into_iter()
            .filter(|collector| collector.what == what)
            .collect();
        let scene = collect(subject, collectors, Duration::from_secs(20), &mut |_| {}).scene;
        if is_there(&scene) {
            return scene;
        }
        assert!(clock::now() < give_up, "{what}: {scene:#?}");
        thread::yield_now();
    }
}

/// A thread that does one thing, which is expected to block.
fn blocked(what: impl FnOnce() + Send + 'static) -> (i32, thread::JoinHandle<()>) {
    let (tell, told): (Sender<i32>, _) = channel();
    let thread = thread::spawn(move || {
        tell.send(rustix::thread::gettid().as_raw_nonzero().get())
            .unwrap();
        what();
    });
    (told.recv().unwrap(), thread)
}

/// Waits until this thread waits for that.
#[track_caller]
fn check(tid: i32, expected: impl Fn(&Wait) -> bool) -> ThreadFact {
    let mut of_thread = eventually("threads", &[], |scene| {
        let mut threads = scene.threads.iter();
        threads.any(|thread| thread.tid == tid && expected(&thread.wait))
    })
    .threads
    .into_iter()
    .filter(|thread| thread.tid == tid);
    of_thread.next().unwrap()
}

#[test]
fn a_reader_of_a_pipe_is_found_with_all_who_hold_it() {
    let (mut read, mut write) = std::io::pipe().unwrap();
    let name = Proc::default()
        .descriptor(me(), read.as_raw_fd())
        .unwrap()
        .target;
    let (reads, writes) = (read.as_raw_fd(), write.as_raw_fd());
    let holder = Sleeper::with_stdout(write.try_clone().unwrap());
    let (tid, thread) = blocked(move || {
        read.read_to_end(&mut Vec::new()).unwrap();
    });
    let seen = check(tid, |wait| {
        let on = Descriptor {
            fd: reads,
            target: name.clone(),
        };
        *wait
            == Wait::On {
                call: "read".to_owned(),
                on,
            }
    });
    assert_eq!((seen.pid, seen.state), (me(), 'S'));
    write.write_all(b"").unwrap();
    let scene = eventually("pipes", &[], |_| true);
    let pipe = scene.pipes.iter().find(|pipe| pipe.name == name).unwrap();
    let end = |pid: i32, fd: i32, reads: bool| PipeEnd {
        pid,
        fd,
        reads,
        writes: !reads,
    };
    for expected in [
        end(me(), reads, true),
        end(me(), writes, false),
        end(holder.pid(), 1, false),
    ] {
        assert!(pipe.ends.contains(&expected), "{expected:?} in {pipe:?}");
    }
    assert_eq!((pipe.waiting, pipe.ours), (Some(0), false));
    assert!(pipe.capacity.is_some_and(|capacity| capacity >= 4096));
    let other = scene
        .others
        .iter()
        .find(|other| other.pid == holder.pid())
        .unwrap();
    assert_eq!(other.command, "sleep 300");
    drop((holder, write));
    thread.join().unwrap();
}

#[test]
fn poll_names_its_descriptors() {
    let (read, write) = std::io::pipe().unwrap();
    let name = Proc::default()
        .descriptor(me(), read.as_raw_fd())
        .unwrap()
        .target;
    let fd = read.as_raw_fd();
    let (tid, thread) = blocked(move || {
        let flags = rustix::event::PollFlags::IN;
        rustix::event::poll(&mut [rustix::event::PollFd::new(&read, flags)], None).unwrap();
    });
    let expected = [Descriptor {
        fd,
        target: name.clone(),
    }];
    check(
        tid,
        |wait| matches!(wait, Wait::AnyOf { on, timed: false, .. } if *on == expected),
    );
    drop(write);
    thread.join().unwrap();
}

#[test]
fn a_fifo_without_a_partner_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fifo");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    let kind = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, &path, kind, mode, 0).unwrap();
    let opened = path.clone();
    let (tid, thread) = blocked(move || drop(File::open(opened).unwrap()));
    let expected = Wait::Open {
        path: path.to_str().unwrap().to_owned(),
    };
    check(tid, |wait| *wait == expected);
    drop(File::options().write(true).open(path).unwrap());
    thread.join().unwrap();
}

#[test]
fn a_thread_that_waits_for_another_has_a_futex_of_its_own() {
    let (release, parked) = channel::<()>();
    let (tid, thread) = blocked(move || assert!(parked.recv().is_err()));
    check(
        tid,
        |wait| matches!(wait, Wait::Futex { mapping, .. } if mapping.is_empty()),
    );
    drop(release);
    thread.join().unwrap();
}

#[test]
fn children_that_sleep_and_are_stopped_are_told_apart() {
    let (sleeps, stopped) = (Sleeper::new(), Sleeper::new());
    let pid = rustix::process::Pid::from_raw(stopped.pid()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    let expected = [(sleeps.pid(), Wait::Sleep), (stopped.pid(), Wait::Stopped)];
    eventually("threads", &[sleeps.pid(), stopped.pid()], |scene| {
        expected.iter().all(|(pid, wait)| {
            let mut threads = scene.threads.iter();
            threads.any(|thread| thread.pid == *pid && thread.wait == *wait)
        })
    });
}

#[test]
fn a_lock_on_a_file_has_holder_waiter_and_path() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.lock");
    let held = File::create(&path).unwrap();
    held.lock().unwrap();
    let again = File::open(&path).unwrap();
    let (_, thread) = blocked(move || again.lock().unwrap());
    let path = path.to_str().unwrap().to_owned();
    let scene = eventually("locks", &[], |scene| {
        let mut locks = scene.locks.iter();
        locks.any(|lock| lock.path == path && !lock.waiters.is_empty())
    });
    let lock = scene.locks.iter().find(|lock| lock.path == path).unwrap();
    assert_eq!(
        (lock.kind, &lock.holders, &lock.waiters),
        (LockKind::Flock, &vec![me()], &vec![me()])
    );
    drop(held);
    thread.join().unwrap();
}

/// That we hold a descriptor. A program that another test starts at this moment does too, until it executes.
#[track_caller]
fn assert_held(ends: &[(i32, i32)], descriptor: &impl AsRawFd) {
    let ours = (me(), descriptor.as_raw_fd());
    assert!(ends.contains(&ours), "{ours:?} is not among {ends:?}");
}

#[test]
fn both_ends_of_a_connection_are_found_with_what_is_unread() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("daemon.sock");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let mut client = UnixStream::connect(&path).unwrap();
    let (server, _) = listener.accept().unwrap();
    client.write_all(b"GET").unwrap();
    let name = |fd: i32| Proc::default().descriptor(me(), fd).unwrap().target;
    let scene = eventually("sockets", &[], |_| true);
    let find = |fd: i32| {
        scene
            .sockets
            .iter()
            .find(|socket| socket.name == name(fd))
            .unwrap()
    };
    let seen = find(client.as_raw_fd());
    assert_eq!(
        (seen.peer.as_str(), seen.state.as_str()),
        (path.to_str().unwrap(), "established")
    );
    assert_eq!((seen.unread, seen.peer_unread), (Some(0), Some(3)));
    assert_held(&seen.peer_ends, &server);
    let listening = find(listener.as_raw_fd());
    assert_eq!(
        (listening.peer.as_str(), listening.state.as_str()),
        (path.to_str().unwrap(), "listening")
    );
}

#[test]
fn whoever_waits_to_be_let_in_says_where() {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, listen, socket};
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("full.sock");
    let listener = socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
    bind(&listener, &SocketAddrUnix::new(&path).unwrap()).unwrap();
    listen(&listener, 0).unwrap();
    let first = UnixStream::connect(&path).unwrap();
    let to = path.clone();
    let (_, thread) = blocked(move || drop(UnixStream::connect(to).unwrap()));
    let path = path.to_str().unwrap().to_owned();
    let scene = eventually("sockets", &[], |scene| {
        let mut sockets = scene.sockets.iter();
        sockets.any(|socket| socket.state == "connecting" && socket.peer == path)
    });
    let waiting = scene
        .sockets
        .iter()
        .find(|socket| socket.state == "connecting")
        .unwrap();
    assert_held(&waiting.peer_ends, &listener);
    let accept = rustix::net::accept(&listener).unwrap();
    thread.join().unwrap();
    drop((first, accept));
}

#[test]
fn tcp_connections_have_addresses_and_queues() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let mut client = std::net::TcpStream::connect(at).unwrap();
    let (server, _) = listener.accept().unwrap();
    client.write_all(b"hello").unwrap();
    let name = |fd: i32| Proc::default().descriptor(me(), fd).unwrap().target;
    let of_client = name(client.as_raw_fd());
    let scene = eventually("sockets", &[], |scene| {
        let mut sockets = scene.sockets.iter();
        sockets.any(|socket| socket.name == of_client && socket.peer_unread == Some(5))
    });
    let seen = scene
        .sockets
        .iter()
        .find(|socket| socket.name == of_client)
        .unwrap();
    assert_eq!(
        (seen.peer.as_str(), seen.state.as_str()),
        (at.to_string().as_str(), "established")
    );
    assert_held(&seen.peer_ends, &server);
    let of_server = name(server.as_raw_fd());
    let served = scene
        .sockets
        .iter()
        .find(|socket| socket.name == of_server)
        .unwrap();
    assert_eq!(served.unread, Some(5));
}
