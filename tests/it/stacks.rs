//! Stacks of live processes, read without a signal: each goes on afterwards as if nothing had been.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use shakedown::diagnose::stacks::{Told, take};
use shakedown::host::raw::{self, Waited};
use shakedown::model::{Gap, Stack, StackKind};

use super::project::{eventually, package};

/// Longer than any reading may take, however busy the machine.
const LIMIT: Duration = Duration::from_secs(10);

/// A program that is ended when its test is.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        Running(command.spawn().unwrap())
    }

    fn pid(&self) -> i32 {
        i32::try_from(self.0.id()).unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// A program that says when it is ready, and answers.
struct Partner {
    program: Running,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Partner {
    fn start(program: &Path) -> Self {
        let piped = &mut Command::new(program);
        let mut program = Running::start(piped.stdin(Stdio::piped()).stdout(Stdio::piped()));
        let input = program.0.stdin.take().unwrap();
        let output = BufReader::new(program.0.stdout.take().unwrap());
        let mut partner = Partner {
            program,
            input,
            output,
        };
        partner.expect("ready");
        partner
    }

    #[track_caller]
    fn expect(&mut self, expected: &str) {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        assert_eq!(line.trim_end(), expected);
    }

    /// It goes on as if nothing had been, and ends when it should.
    #[track_caller]
    fn expect_undisturbed(mut self) {
        writeln!(self.input, "?").unwrap();
        self.expect("still here");
        drop(self.input);
        assert!(self.program.0.wait().unwrap().success());
    }
}

/// All that is told of these processes.
fn told(pids: &[i32]) -> (Vec<Stack>, Vec<Gap>) {
    let (mut stacks, mut gaps) = (Vec::new(), Vec::new());
    take(pids, Instant::now() + LIMIT, &mut |told| match told {
        Told::Stack(stack) => stacks.push(stack),
        Told::Gap(gap) => gaps.push(gap),
    });
    (stacks, gaps)
}

/// Whether the frames have these functions, the first one innermost, with others between them.
fn has(stack: &Stack, functions: &[&str]) -> bool {
    let mut frames = stack.frames.iter();
    functions
        .iter()
        .all(|wanted| frames.any(|frame| frame == wanted))
}

/// A client that asks a socket whose owner accepts and never answers.
struct Asking {
    client: Running,
    /// The other end of its connection.
    connection: UnixStream,
    _folder: tempfile::TempDir,
}

impl Asking {
    /// `None`, loudly, where there is no such client and there need not be one.
    fn start(client: &str, words: &dyn Fn(&str) -> Vec<String>) -> Option<Self> {
        let required = ["CI", "SHAKEDOWN_REQUIRE_ENGINES"]
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|it| it == "true" || it == "1"));
        if let Err(error) = Command::new(client).arg("--version").output() {
            assert!(!required, "{client} is required: {error}");
            eprintln!("SKIPPED: there is no {client} here: {error}");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let listener = UnixListener::bind(&socket).unwrap();
        let url = format!("unix://{}", socket.display());
        let client = Running::start(
            Command::new(client)
                .args(words(&url))
                .env("HOME", folder.path())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::piped()),
        );
        // Its question is read, and never answered.
        let mut connection = listener.accept().unwrap().0;
        connection.read_exact(&mut [0; 16]).unwrap();
        Some(Asking {
            client,
            connection,
            _folder: folder,
        })
    }

    /// Reads the stacks until the client has come to rest in these functions.
    fn expect(&self, functions: &[&str]) {
        let asks = |stack: &Stack| stack.state == "select" && has(stack, functions);
        eventually("a goroutine that asks", || {
            let (stacks, gaps) = told(&[self.client.pid()]);
            let reads = |stack: &Stack| {
                stack.state == "IO wait" && has(stack, &["net/http.(*persistConn).readLoop"])
            };
            for stack in &stacks {
                assert_eq!((stack.kind, stack.stopped), (StackKind::Goroutine, None));
            }
            let all = gaps.is_empty() && stacks.iter().any(asks) && stacks.iter().any(reads);
            all.then_some(())
        });
    }

    /// It did not notice: it still waits, and when the connection ends it says so itself.
    fn expect_undisturbed(mut self) {
        assert_eq!(self.client.0.try_wait().unwrap(), None);
        drop(self.connection);
        let mut said = String::new();
        let mut stderr = self.client.0.stderr.take().unwrap();
        // Asked a second time nobody would accept: the listener is gone.
        stderr.read_to_string(&mut said).unwrap();
        assert!(said.contains("socket"), "{said}");
        assert!(self.client.0.wait().unwrap().code().is_some());
    }
}

#[test]
fn the_goroutines_of_a_waiting_docker_are_read_and_it_goes_on() {
    let words = |url: &str| vec!["-H".to_owned(), url.to_owned(), "ps".to_owned()];
    let Some(docker) = Asking::start("docker", &words) else {
        return;
    };
    docker.expect(&[
        "net/http.(*persistConn).roundTrip",
        "net/http.(*Client).do",
        "github.com/docker/cli/cli/command/container.runPs",
        "main.main",
    ]);
    docker.expect_undisturbed();
}

#[test]
fn the_goroutines_of_a_waiting_podman_are_read_and_it_goes_on() {
    let words = |url: &str| ["--remote", "--url", url, "ps"].map(str::to_owned).to_vec();
    let Some(podman) = Asking::start("podman", &words) else {
        return;
    };
    podman.expect(&[
        "net/http.(*persistConn).roundTrip",
        "net/http.(*Client).do",
        "github.com/spf13/cobra.(*Command).execute",
        "main.main",
    ]);
    podman.expect_undisturbed();
}

/// `tests/stacks/blocked.c`, compiled for the test. Whoever builds Rust programs has a `cc`.
fn in_c(flags: &[&str]) -> (tempfile::TempDir, Partner) {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("blocked");
    let mut compiler = Command::new("cc");
    compiler.args(["-O2", "-pthread", "-o"]);
    compiler.arg(&program).args(flags);
    let done = compiler
        .arg(package().join("tests/stacks/blocked.c"))
        .output();
    let done = done.unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let partner = Partner::start(&program);
    (folder, partner)
}

/// Ends what loops until it is set, even when the test fails meanwhile.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[track_caller]
fn expect_both_threads(pid: i32) {
    let stacks = eventually("both threads wait", || {
        // On a busy machine a thread may not stop in time: then there is a gap, and another look.
        let (stacks, _gaps) = told(&[pid]);
        let [first, second] = stacks.as_slice() else {
            return None;
        };
        let waits = has(first, &["read", "answer", "serve", "main"])
            && has(second, &["innermost", "middle", "second"]);
        waits.then_some(stacks)
    });
    for stack in &stacks {
        assert_eq!((stack.pid, stack.kind), (pid, StackKind::Native));
        assert!(stack.stopped.is_some_and(|time| time < LIMIT));
    }
    assert_eq!(stacks[0].thread, u64::try_from(pid).unwrap());
}

#[test]
fn the_threads_of_a_c_program_are_read_by_its_unwind_tables_and_it_goes_on() {
    for flags in [
        ["-fomit-frame-pointer", "-no-pie"],
        ["-fomit-frame-pointer", "-pie"],
        ["-fno-omit-frame-pointer", "-fno-asynchronous-unwind-tables"],
    ] {
        let (_folder, partner) = in_c(&flags);
        expect_both_threads(partner.program.pid());
        partner.expect_undisturbed();
    }
}

#[test]
fn no_signal_is_lost_while_stacks_are_read() {
    let (_folder, mut partner) = in_c(&[]);
    let (pid, over) = (partner.program.pid(), AtomicBool::new(false));
    let read = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let _ends = Over(&over);
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                read.fetch_add(told(&[pid]).0.len(), Ordering::Relaxed);
            }
        });
        let mut signals = 0;
        eventually("100 signals, and stacks between them", || {
            kill_process(Pid::from_raw(pid).unwrap(), Signal::USR1).unwrap();
            partner.expect("signal");
            signals += 1;
            (signals >= 100 && read.load(Ordering::Relaxed) > 10).then_some(())
        });
    });
    partner.expect_undisturbed();
}

#[test]
fn a_stopped_process_is_read_and_stays_stopped() {
    let (_folder, partner) = in_c(&[]);
    let pid = Pid::from_raw(partner.program.pid()).unwrap();
    expect_both_threads(partner.program.pid());
    let state = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
        stat.unwrap()
            .rsplit_once(") ")
            .unwrap()
            .1
            .chars()
            .next()
            .unwrap()
    };
    kill_process(pid, Signal::STOP).unwrap();
    eventually("it is stopped", || (state() == 'T').then_some(()));
    expect_both_threads(partner.program.pid());
    eventually("it is stopped again", || (state() == 'T').then_some(()));
    kill_process(pid, Signal::CONT).unwrap();
    partner.expect_undisturbed();
}

#[test]
fn what_cannot_be_read_is_a_gap_with_its_reason() {
    let (stacks, gaps) = told(&[i32::MAX]);
    assert_eq!(stacks, []);
    let gap = |what: &str, why: &str| Gap {
        what: what.to_owned(),
        why: why.to_owned(),
    };
    assert_eq!(gaps, [gap("stacks of 2147483647", "the process is gone")]);
    let mut gaps = Vec::new();
    take(&[1, 2], Instant::now(), &mut |it| match it {
        Told::Gap(gap) => gaps.push(gap),
        Told::Stack(stack) => panic!("{stack:?}"),
    });
    assert_eq!(
        gaps,
        [
            gap("stacks of 1", "time was up"),
            gap("stacks of 2", "time was up")
        ]
    );
}

/// What blocks in `tests/stacks/blocked.go`: the release of Go from which on it waits like that, the word for it,
/// and functions, innermost first.
const BLOCKED: &[(u32, &str, &[&str])] = &[
    (0, "chan receive", &["main.inReceive"]),
    (0, "chan send", &["main.inSend"]),
    (0, "chan receive (nil chan)", &["main.inNilReceive"]),
    (0, "select", &["main.inSelect"]),
    (0, "select (no cases)", &["main.inEmptySelect"]),
    (
        0,
        "IO wait",
        &[
            "internal/poll.(*FD).Read",
            "os.(*File).Read",
            "main.inPipeRead",
        ],
    ),
    (0, "semacquire", &["main.inLock"]),
    (20, "sync.Mutex.Lock", &["main.inLock"]),
    (0, "semacquire", &["main.inReadLock"]),
    (20, "sync.RWMutex.RLock", &["main.inReadLock"]),
    (0, "sync.Cond.Wait", &["sync.(*Cond).Wait", "main.inCond"]),
    (
        0,
        "semacquire",
        &["sync.(*WaitGroup).Wait", "main.inWaitGroup"],
    ),
    (
        24,
        "sync.WaitGroup.Wait",
        &["sync.(*WaitGroup).Wait", "main.inWaitGroup"],
    ),
    (0, "sleep", &["time.Sleep", "main.inSleep"]),
    (0, "syscall", &["syscall.Flock", "main.inFlock"]),
    (
        0,
        "syscall",
        &["os.(*Process).wait", "os/exec.(*Cmd).Wait", "main.inChild"],
    ),
    (
        0,
        "chan receive",
        &[
            "os/exec.(*Cmd).Wait",
            "os/exec.(*Cmd).Run",
            "main.inLeakedPipe",
        ],
    ),
    (0, "IO wait", &["os.(*File).Read", "io.copyBuffer"]),
    (0, "chan receive", &["main.deep", "main.deep", "main.deep"]),
    (
        0,
        "syscall",
        &["syscall.read", "os.(*File).Read", "main.main"],
    ),
];

/// What is to be read of a program built by `go1.RELEASE`.
fn blocked(release: u32) -> Vec<(&'static str, &'static [&'static str])> {
    let applies = |row: &&(u32, &str, &[&str])| {
        let later = |other: &(u32, &str, &[&str])| {
            other.2.last() == row.2.last() && row.0 < other.0 && other.0 <= release
        };
        row.0 <= release && !BLOCKED.iter().any(later)
    };
    let rows = BLOCKED.iter().filter(applies);
    rows.map(|(_, state, functions)| (*state, *functions))
        .collect()
}

#[test]
#[ignore = "needs programs of several releases: scripts/go-releases"]
fn goroutines_are_read_whatever_the_release_and_the_build() {
    let folder = std::env::var("SHAKEDOWN_GO_PROGRAMS").unwrap();
    let mut programs: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    programs.sort();
    assert!(!programs.is_empty());
    let mut slowest = Duration::ZERO;
    for program in &programs {
        let name = program.file_name().unwrap().to_str().unwrap();
        let release = name.split(['-', '.']).nth(2).unwrap().parse().unwrap();
        let partner = Partner::start(program);
        let pid = partner.program.pid();
        let expected = blocked(release);
        let mut last = Vec::new();
        let there = |(state, functions): &(&str, &[&str]), stacks: &[Stack]| {
            let at = |stack: &Stack| stack.state == *state && has(stack, functions);
            stacks.iter().filter(|stack| at(stack)).count() == 1
        };
        eventually(name, || {
            let start = Instant::now();
            let (stacks, gaps) = told(&[pid]);
            slowest = slowest.max(start.elapsed());
            last = stacks;
            let all = gaps.is_empty() && expected.iter().all(|row| there(row, &last));
            (all && last.len() == expected.len()).then_some(())
        });
        let deep = last
            .iter()
            .find(|stack| has(stack, &["main.deep"]))
            .unwrap();
        assert_eq!(deep.frames.len(), 64, "{name}");
        partner.expect_undisturbed();
        eprintln!("{name}: {} goroutines, all as they should be", last.len());
    }
    eprintln!("{} programs, slowest reading {slowest:?}", programs.len());
}

#[test]
fn programs_as_they_are_installed_are_followed_back_to_where_they_began() {
    for (program, words) in [
        ("sh", &["-c", "read line"][..]),
        ("bash", &["-c", "read line"]),
        ("python3", &["-c", "input()"]),
        ("cat", &[]),
    ] {
        let mut command = Command::new(program);
        command
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::null());
        let Ok(child) = command.spawn() else {
            eprintln!("SKIPPED: there is no {program} here");
            continue;
        };
        let mut running = Running(child);
        eventually(program, || {
            // While it starts it may wait for the disk, where it cannot be stopped.
            let (stacks, _gaps) = told(&[running.pid()]);
            let whole = |stack: &Stack| has(stack, &["read", "__libc_start_main"]);
            stacks.first().is_some_and(whole).then_some(())
        });
        // What it waited for comes, and it ends as it would have.
        running.0.stdin.take().unwrap().write_all(b"\n").unwrap();
        assert!(running.0.wait().unwrap().success(), "{program}");
    }
}

#[test]
fn whoever_reaps_meanwhile_takes_a_stop_for_no_end() {
    let (_folder, partner) = in_c(&[]);
    let (pid, over) = (partner.program.pid(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let _ends = Over(&over);
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                assert_eq!(raw::wait(pid), Waited::Running);
                std::thread::yield_now();
            }
        });
        let mut read = 0;
        eventually("20 stacks were read beside it", || {
            read += told(&[pid]).0.len();
            (read >= 20).then_some(())
        });
    });
    partner.expect_undisturbed();
}
