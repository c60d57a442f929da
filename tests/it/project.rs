//! A project in a temporary directory, and runs of the harness on it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// How long a run may take unless its test says otherwise; then it is killed and the test fails.
const LIMIT: Duration = Duration::from_secs(120);
/// How long a condition may take to come true.
pub(crate) const SOON: Duration = Duration::from_secs(20);
/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(10);

/// What scripts of tests call; everything but engines.
const TOOLS: &[&str] = &[
    "bash", "cat", "cp", "cut", "echo", "env", "false", "grep", "head", "ln", "ls", "mkdir",
    "mkfifo", "mv", "printf", "ps", "rm", "sed", "seq", "setsid", "sh", "sleep", "sort", "tail",
    "tee", "test", "touch", "tr", "true", "wc", "yes",
];

/// Polls until the condition gives a value.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let give_up = Instant::now() + SOON;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < give_up, "not within {SOON:?}: {what}");
        std::thread::sleep(POLL);
    }
}

/// The folder of the package.
pub(crate) fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The `shakedown` program.
pub(crate) fn shakedown() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_shakedown"))
}

/// The executable of `tests/scripts.rs`, built once if it is not there yet.
pub(crate) fn target() -> PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(build_target).clone()
}

fn build_target() -> PathBuf {
    let cargo = option_env!("CARGO").unwrap_or("cargo");
    let mut command = Command::new(cargo);
    command
        .args([
            "test",
            "--test",
            "scripts",
            "--no-run",
            "--message-format=json",
        ])
        .current_dir(package());
    if shakedown()
        .parent()
        .is_some_and(|folder| folder.ends_with("release"))
    {
        command.arg("--release");
    }
    let done = command.output().unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let stdout = String::from_utf8(done.stdout).unwrap();
    let path = stdout
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "scripts")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from));
    path.expect("cargo names the executable that it built")
}

/// A project: harness.toml, scripts, and directories of its own for everything that a run writes.
#[derive(Debug)]
pub(crate) struct Project {
    root: TempDir,
}

impl Project {
    /// One whose scripts are in `scripts`.
    pub(crate) fn new() -> Self {
        Project::with_settings("scripts = [\"scripts\"]\n")
    }

    pub(crate) fn with_settings(text: &str) -> Self {
        Project::below(&std::env::temp_dir(), text)
    }

    /// One in a folder that another user can enter.
    pub(crate) fn below(folder: &Path, text: &str) -> Self {
        let root = tempfile::Builder::new()
            .prefix("it-")
            .tempdir_in(folder)
            .unwrap();
        for folder in ["scripts", "home", "tmp"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        Project { root }.file("harness.toml", text)
    }

    pub(crate) fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.root.path().join(below)
    }

    /// Adds a file.
    pub(crate) fn file(self, path: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// Adds a program.
    pub(crate) fn program(self, path: &str, text: &str) -> Self {
        use std::os::unix::fs::PermissionsExt;
        let project = self.file(path, text);
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(project.path(path), mode).unwrap();
        project
    }

    /// Adds a script of this name.
    pub(crate) fn script(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        self.file(&format!("scripts/{name}.txtar"), text)
    }

    /// A folder with the tools that scripts call and without any engine.
    pub(crate) fn tools(&self) -> PathBuf {
        let folder = self.path("tools");
        if fs::create_dir(&folder).is_ok() {
            let search = std::env::var_os("PATH").unwrap();
            for tool in TOOLS {
                let found = std::env::split_paths(&search).map(|folder| folder.join(tool));
                if let Some(found) = found.into_iter().find(|path| path.is_file()) {
                    symlink(found, folder.join(tool)).unwrap();
                }
            }
        }
        folder
    }

    /// `shakedown …`
    pub(crate) fn shakedown(&self) -> Run<'_> {
        Run::new(self, &shakedown())
    }

    /// `shakedown run …`
    pub(crate) fn run(&self) -> Run<'_> {
        self.shakedown().arg("run")
    }

    /// The test target, as `cargo test` starts it.
    pub(crate) fn target(&self) -> Run<'_> {
        Run::new(self, &target())
    }

    /// Any program, on this project.
    pub(crate) fn start(&self, program: &Path) -> Run<'_> {
        Run::new(self, program)
    }

    /// Where records are.
    pub(crate) fn state(&self) -> PathBuf {
        self.path("state")
    }

    /// The records, oldest first.
    pub(crate) fn record_files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.state().join("runs"))
            .into_iter()
            .flatten();
        let paths: BTreeSet<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        let is_record = |path: &PathBuf| path.extension() == Some(OsStr::new("jsonl"));
        paths.into_iter().filter(is_record).collect()
    }

    /// The record of the only run.
    #[track_caller]
    pub(crate) fn record(&self) -> Record {
        let files = self.record_files();
        assert_eq!(files.len(), 1, "{files:?}");
        Record::read(&files[0])
    }
}

/// A run that is about to start.
#[derive(Debug)]
#[must_use]
pub(crate) struct Run<'p> {
    project: &'p Project,
    command: Command,
    limit: Duration,
    stdout: Option<File>,
}

impl<'p> Run<'p> {
    fn new(project: &'p Project, program: &Path) -> Self {
        let mut command = Command::new(program);
        // Nothing of the run that we are part of: no NEXTEST, no CARGO, no CI, no colours.
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", project.path("home"))
            .env("TMPDIR", project.path("tmp"))
            .env("XDG_STATE_HOME", project.path("home/state"))
            .env("SHAKEDOWN_DIR", project.state())
            .current_dir(project.root.path())
            .process_group(0)
            .stdin(Stdio::null());
        Run {
            project,
            command,
            limit: LIMIT,
            stdout: None,
        }
    }

    pub(crate) fn arg(mut self, word: impl AsRef<OsStr>) -> Self {
        self.command.arg(word);
        self
    }

    pub(crate) fn args<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(mut self, words: I) -> Self {
        self.command.args(words);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// This folder first in PATH, then the tools; no engine but what is in the folder.
    pub(crate) fn path(self, first: &Path) -> Self {
        let tools = self.project.tools();
        let path = std::env::join_paths([first, &tools]).unwrap();
        self.env("PATH", path)
    }

    /// A machine without any engine.
    pub(crate) fn without_engine(self) -> Self {
        let tools = self.project.tools();
        self.env("PATH", tools)
    }

    /// As nextest starts a trial.
    pub(crate) fn nextest(self) -> Self {
        self.env("NEXTEST", "1")
            .env("NEXTEST_RUN_ID", "0f1e2d3c-0000-4000-8000-000000000001")
            .env("NEXTEST_EXECUTION_MODE", "process-per-test")
    }

    /// With this on its standard input.
    pub(crate) fn stdin(mut self, text: &str) -> Self {
        let file = self.project.path("typed");
        fs::write(&file, text).unwrap();
        self.command.stdin(File::open(file).unwrap());
        self
    }

    /// With this file as its standard input.
    pub(crate) fn stdin_from(mut self, file: File) -> Self {
        self.command.stdin(file);
        self
    }

    /// With this stdout.
    pub(crate) fn stdout(mut self, stdout: File) -> Self {
        self.stdout = Some(stdout);
        self
    }

    /// Without this variable.
    pub(crate) fn env_remove(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    pub(crate) fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Starts it.
    #[track_caller]
    pub(crate) fn start(mut self) -> Running {
        let output = tempfile::tempdir_in(self.project.root.path()).unwrap();
        let create = |name| File::create(output.path().join(name)).unwrap();
        let stdout = self.stdout.unwrap_or_else(|| create("stdout"));
        self.command.stdout(stdout).stderr(create("stderr"));
        Running {
            child: self.command.spawn().unwrap(),
            give_up: Instant::now() + self.limit,
            output,
        }
    }

    /// Runs it to its end.
    #[track_caller]
    pub(crate) fn finish(self) -> Output {
        self.start().finish()
    }
}

/// A run that goes on.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    give_up: Instant,
    output: TempDir,
}

impl Running {
    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    /// Sends a signal to the harness alone.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.pid()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Sends a signal to the harness's process group, as a terminal does.
    pub(crate) fn signal_group(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.pid()).unwrap();
        rustix::process::kill_process_group(pid, signal).unwrap();
    }

    pub(crate) fn stdout(&self) -> String {
        self.read("stdout")
    }

    pub(crate) fn stderr(&self) -> String {
        self.read("stderr")
    }

    fn read(&self, name: &str) -> String {
        // There is none when the test gave a file of its own.
        let bytes = fs::read(self.output.path().join(name)).unwrap_or_default();
        String::from_utf8(bytes).expect("what the harness prints is text")
    }

    /// Waits for its end; kills it and fails when it takes too long.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Output {
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Output {
                    status,
                    stdout: self.stdout(),
                    stderr: self.stderr(),
                };
            }
            if Instant::now() >= self.give_up {
                self.child.kill().unwrap();
                self.child.wait().unwrap();
                panic!(
                    "the run took too long\n{}\n{}",
                    self.stdout(),
                    self.stderr()
                );
            }
            std::thread::sleep(POLL);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // After a failed assertion; what has ended already cannot be killed, and need not be.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Output {
    status: ExitStatus,
    stdout: String,
    stderr: String,
}

impl Output {
    pub(crate) fn stdout(&self) -> &str {
        &self.stdout
    }

    pub(crate) fn stderr(&self) -> &str {
        &self.stderr
    }

    /// The exit code; 128 and the signal's number when there is none, as in a shell.
    pub(crate) fn code(&self) -> i32 {
        let signal = || 128 + self.status.signal().unwrap();
        self.status.code().unwrap_or_else(signal)
    }

    /// Fails, showing everything, unless the exit code is this.
    #[track_caller]
    pub(crate) fn expect_code(&self, code: i32) -> &Self {
        let Output { stdout, stderr, .. } = self;
        assert_eq!(
            self.code(),
            code,
            "exit code\n--- stdout\n{stdout}\n--- stderr\n{stderr}"
        );
        self
    }

    #[track_caller]
    pub(crate) fn expect_stdout(&self, part: &str) -> &Self {
        let Output { stdout, stderr, .. } = self;
        assert!(
            stdout.contains(part),
            "{part:?} in stdout\n{stdout}\n--- stderr\n{stderr}"
        );
        self
    }

    #[track_caller]
    pub(crate) fn expect_stderr(&self, part: &str) -> &Self {
        let stderr = &self.stderr;
        assert!(stderr.contains(part), "{part:?} in stderr\n{stderr}");
        self
    }
}

/// The record of a run.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) events: Vec<Value>,
}

impl Record {
    /// Reads it; a torn last line, which a killed run may leave, is left out.
    #[track_caller]
    pub(crate) fn read(file: &Path) -> Self {
        let text = fs::read_to_string(file).unwrap();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let events = whole
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        Record {
            events: events.collect(),
        }
    }

    /// The events of this name.
    pub(crate) fn of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Value> {
        self.events
            .iter()
            .filter(move |event| event["event"] == name)
    }

    pub(crate) fn run(&self) -> &str {
        self.events[0]["run"].as_str().unwrap()
    }

    /// The number of a trial in the plan.
    #[track_caller]
    fn number(&self, trial: &str) -> u64 {
        let planned = self
            .of("trial_planned")
            .find(|event| event["name"] == trial);
        let planned = planned.unwrap_or_else(|| panic!("no trial {trial} was planned"));
        planned["trial"].as_u64().unwrap()
    }

    /// The verdict of a trial, and its reason.
    #[track_caller]
    pub(crate) fn verdict(&self, trial: &str) -> (&str, &str) {
        let number = self.number(trial);
        let settled = self
            .of("trial_settled")
            .find(|event| event["trial"] == number);
        let settled = settled.unwrap_or_else(|| panic!("trial {trial} was not settled"));
        (
            settled["verdict"].as_str().unwrap(),
            settled["reason"].as_str().unwrap(),
        )
    }

    /// The report of a trial's only attempt.
    #[track_caller]
    pub(crate) fn report(&self, trial: &str) -> &Value {
        let id = format!("{}.1.1", self.number(trial));
        let ended = self
            .of("attempt_ended")
            .find(|event| event["attempt"] == id);
        &ended.unwrap_or_else(|| panic!("trial {trial} has no report"))["report"]
    }
}

/// Processes of scripts of this run that are still there, wherever they went: `PID COMMAND`.
pub(crate) fn processes_of(run: &str) -> Vec<String> {
    let mark = format!("RUN_ID={run}");
    let carries = |environment: &[u8]| {
        environment
            .split(|byte| *byte == 0)
            .any(|pair| pair == mark.as_bytes())
    };
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let name = entry.file_name();
        let is_process = name.as_encoded_bytes().iter().all(u8::is_ascii_digit);
        // A process that ends meanwhile, or is another user's, has nothing to read.
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        if is_process && carries(&environment) {
            let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let command = String::from_utf8_lossy(&command).replace('\0', " ");
            found.push(format!("{} {command}", name.display()));
        }
    }
    found
}

/// Waits until no process of the run's scripts is left.
#[track_caller]
pub(crate) fn nothing_left_of(run: &str) {
    let give_up = Instant::now() + SOON;
    loop {
        let left = processes_of(run);
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < give_up, "still there: {left:#?}");
        std::thread::sleep(POLL);
    }
}
