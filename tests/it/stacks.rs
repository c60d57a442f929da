//! Stacks of live processes, read without a signal: each goes on afterwards as if nothing had been.

use std::io::Read;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use shakedown::diagnose::stacks::{Told, take};
use shakedown::model::{Gap, Stack, StackKind};

use super::project::eventually;

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
            assert_eq!(gaps, []);
            let reads = |stack: &Stack| {
                stack.state == "IO wait" && has(stack, &["net/http.(*persistConn).readLoop"])
            };
            for stack in &stacks {
                assert_eq!((stack.kind, stack.stopped), (StackKind::Goroutine, None));
            }
            (stacks.iter().any(asks) && stacks.iter().any(reads)).then_some(())
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
