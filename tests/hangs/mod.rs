//! A program that hangs, each time for exactly one reason.
//!
//! `hangs KIND` becomes the one who waits; it starts whoever makes it wait as `hangs KIND ROLE`. The process that
//! a report must name writes its id to `$PIDS/KIND` before anybody waits. `fixtures/hangs` are the scripts.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, PipeReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};

use rustix::fs::{FlockOperation, fcntl_lock, flock};

/// How long what only has to be there sleeps; every deadline is shorter.
const LONG: &str = "1000";

/// The program's `main`.
pub(crate) fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let kind = words.first().map_or("", String::as_str);
    let role = words.get(1).map_or("", String::as_str);
    let rest = words.get(2).map_or("", String::as_str);
    match perform(kind, role, rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hangs {kind} {role}: {error}");
            ExitCode::from(2)
        }
    }
}

fn perform(kind: &str, role: &str, rest: &str) -> io::Result<()> {
    match (kind, role) {
        ("own_end", "") => own_end(kind),
        ("output_held", "") => output_held(kind),
        ("copied_by_thread", "") => copied_by_thread(leaving(kind)),
        ("copies", script) => copied_by_thread(shell(&[script])),
        ("stderr_full", _) => stderr_full(kind, role),
        ("flock" | "posix_lock", _) => lock(kind, role),
        ("hold", path) => hold_until_told(path, rest),
        ("deadlock_locks", _) => deadlock_locks(kind, role),
        ("deadlock_pipes", _) => deadlock_pipes(kind, role),
        ("unix_backlog", _) => unix_backlog(kind, role),
        ("unix_silent" | "behind_lock", _) => unix_silent(kind, role),
        ("tcp_silent", _) => tcp_silent(kind, role),
        ("serve", path) => serve(path, rest),
        ("child" | "grandchild", _) => child(kind, role),
        ("busy", "") => busy(kind),
        _ => Err(io::Error::other("no such kind")),
    }
}

// ---- who is there ----------------------------------------------------------------------------------------------------

/// This process is the one to be named.
fn note(kind: &str) -> io::Result<()> {
    let folder = std::env::var_os("PIDS").map_or_else(|| PathBuf::from("."), PathBuf::from);
    fs::write(folder.join(kind), std::process::id().to_string())
}

/// Starts another role of this kind.
fn start(words: &[&str]) -> Command {
    let mut command = Command::new("hangs");
    command.args(words);
    command
}

/// Starts another role, and waits until it says that it is ready.
fn start_ready(words: &[&str]) -> io::Result<(Child, String)> {
    let mut child = start(words).stdout(Stdio::piped()).spawn()?;
    let mut said = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout).read_line(&mut said)?;
    }
    Ok((child, said.trim().to_owned()))
}

/// Tells the starter, who then goes on.
fn ready(word: &str) -> io::Result<()> {
    println!("{word}");
    io::stdout().flush()
}

fn park() -> ! {
    loop {
        std::thread::park();
    }
}

// ---- pipes -----------------------------------------------------------------------------------------------------------

/// Reads a pipe whose writing end nobody but itself has.
fn own_end(kind: &str) -> io::Result<()> {
    let (mut reader, writer) = io::pipe()?;
    note(kind)?;
    let read = reader.read(&mut [0]);
    drop(writer);
    read.map(drop)
}

/// A child that ends at once, and leaves in the background what has its output.
fn leaving(kind: &str) -> Command {
    let note = format!("echo $$ >\"$PIDS/{kind}\"");
    shell(&[
        "-c",
        &format!("setsid sh -c '{note}; exec sleep {LONG}' & exit 0"),
    ])
}

fn shell(words: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.args(words);
    command
}

/// Collects both outputs of a child that has gone, by `poll`.
fn output_held(kind: &str) -> io::Result<()> {
    leaving(kind).output().map(drop)
}

/// As `exec.Cmd.Wait` of Go: reaps the child, then waits for the thread that copies its output.
fn copied_by_thread(mut command: Command) -> io::Result<()> {
    let (reader, writer) = io::pipe()?;
    let mut child = command.stdout(writer).stderr(Stdio::null()).spawn()?;
    // It has our writing end.
    drop(command);
    let copy = |mut reader: PipeReader| io::copy(&mut reader, &mut io::sink());
    let copier = std::thread::spawn(move || copy(reader));
    child.wait()?;
    copier.join().map_or(Ok(()), |copied| copied.map(drop))
}

/// A child writes a megabyte to stderr while its parent reads stdout to the end.
fn stderr_full(kind: &str, role: &str) -> io::Result<()> {
    if role == "write" {
        return io::stderr().write_all(&vec![b'x'; 1 << 20]);
    }
    let mut child = start(&[kind, "write"]);
    let mut child = child
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    note(kind)?;
    let mut stdout = child.stdout.take();
    let read = stdout
        .as_mut()
        .map(|stdout| io::copy(stdout, &mut io::sink()));
    drop(child.stderr.take());
    read.map_or(Ok(()), |read| read.map(drop))
}

/// Parent and child each wait for the other to say something.
fn deadlock_pipes(kind: &str, role: &str) -> io::Result<()> {
    let mut byte = [0];
    if role == "child" {
        return io::stdin().read(&mut byte).map(drop);
    }
    let mut child = start(&[kind, "child"]);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    note(kind)?;
    let stdout = child.stdout.as_mut();
    stdout
        .map_or(Ok(0), |stdout| stdout.read(&mut byte))
        .map(drop)
}

// ---- locks -----------------------------------------------------------------------------------------------------------

fn take(kind: &str, path: &str) -> io::Result<File> {
    let file = File::options()
        .create(true)
        .read(true)
        .write(true)
        .truncate(false)
        .open(path)?;
    match kind {
        "posix_lock" => fcntl_lock(file.as_fd(), FlockOperation::LockExclusive)?,
        _ => flock(&file, FlockOperation::LockExclusive)?,
    }
    Ok(file)
}

/// A child holds a lock, the parent wants it.
fn lock(kind: &str, role: &str) -> io::Result<()> {
    if role == "hold" {
        let _file = take(kind, "lock")?;
        note(kind)?;
        ready("held")?;
        park();
    }
    let (_child, _) = start_ready(&[kind, "hold"])?;
    take(kind, "lock").map(drop)
}

/// `hangs hold PATH KIND`: holds a lock of somebody else's file, for a script.
fn hold_until_told(path: &str, kind: &str) -> io::Result<()> {
    let _file = take("posix_lock", path)?;
    note(kind)?;
    park();
}

/// Each holds what the other wants.
fn deadlock_locks(kind: &str, role: &str) -> io::Result<()> {
    if role == "child" {
        let _mine = take("flock", "second")?;
        note(kind)?;
        ready("held")?;
        return take("flock", "first").map(drop);
    }
    let _mine = take("flock", "first")?;
    let (_child, _) = start_ready(&[kind, "child"])?;
    take("flock", "second").map(drop)
}

// ---- sockets ---------------------------------------------------------------------------------------------------------

/// A server that lets one in, and is not looking.
fn unix_backlog(kind: &str, role: &str) -> io::Result<()> {
    if role == "server" {
        let listener = UnixListener::bind("socket")?;
        rustix::net::listen(&listener, 0)?;
        note(kind)?;
        ready("listening")?;
        park();
    }
    let (_child, _) = start_ready(&[kind, "server"])?;
    let mut waiting = Vec::new();
    loop {
        waiting.push(UnixStream::connect("socket")?);
    }
}

/// A server that takes a connection, reads what is asked, and says nothing. With `behind_lock` it first wants a
/// lock, which somebody else holds.
fn unix_silent(kind: &str, role: &str) -> io::Result<()> {
    let behind_lock = kind == "behind_lock";
    match role {
        "hold" => return lock(kind, role),
        "server" => {
            let listener = UnixListener::bind("socket")?;
            if !behind_lock {
                note(kind)?;
            }
            ready("listening")?;
            let (mut stream, _) = listener.accept()?;
            stream.read_exact(&mut [0; 4])?;
            let _lock = behind_lock.then(|| take("flock", "lock")).transpose()?;
            park();
        }
        _ => {}
    }
    let _holder = behind_lock
        .then(|| start_ready(&[kind, "hold"]))
        .transpose()?;
    let (_child, _) = start_ready(&[kind, "server"])?;
    ask(UnixStream::connect("socket")?)
}

fn tcp_silent(kind: &str, role: &str) -> io::Result<()> {
    if role == "server" {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        note(kind)?;
        ready(&listener.local_addr()?.to_string())?;
        let (mut stream, _) = listener.accept()?;
        stream.read_exact(&mut [0; 4])?;
        park();
    }
    let (_child, address) = start_ready(&[kind, "server"])?;
    ask(TcpStream::connect(address)?)
}

fn ask(mut stream: impl Read + Write) -> io::Result<()> {
    stream.write_all(b"ask\n")?;
    stream.read(&mut [0]).map(drop)
}

/// `hangs serve PATH KIND`: accepts whoever comes on a socket, and never answers, for a script.
fn serve(path: &str, kind: &str) -> io::Result<()> {
    let listener = UnixListener::bind(path)?;
    note(kind)?;
    let mut guests = Vec::new();
    loop {
        guests.push(listener.accept()?);
    }
}

// ---- processes -------------------------------------------------------------------------------------------------------

/// Waits for a child that waits for nothing that can be seen.
fn child(kind: &str, role: &str) -> io::Result<()> {
    if role == "child" {
        note(kind)?;
        park();
    }
    start(&[kind, "child"]).spawn()?.wait().map(drop)
}

fn busy(kind: &str) -> io::Result<()> {
    note(kind)?;
    loop {
        std::hint::spin_loop();
    }
}
