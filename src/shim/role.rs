//! The stand-in at work: writes down what is about to be made, then becomes the real client by exec, so that nothing
//! stands between the script and its engine. Does not know how it got its ticket.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::arguments::{journaled, read};
use super::environment::{
    Copies, Sources, Variables, for_engine, is_untouched, lead_to, leads_elsewhere,
};
use super::reading::{Archive, IdFile, Made, Question, Reading, Seat};
use super::{archive, credentials};
use crate::engine::client::Client;
use crate::engine::{images, inspect};
use crate::host::process::{self, Bounded, Invocation};
use crate::ledger::intents::{Entry, Ledger, LedgerError};
use crate::ledger::proof::before_file;
use crate::model::{AttemptId, EngineFacts, EngineKind, Intent, Presence, ResourceKind, RunId};

/// What the slot tells a stand-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// What to do when called as `docker`.
    pub docker: Answer,
    /// What to do when called as `podman`.
    pub podman: Answer,
    /// The run.
    pub run: RunId,
    /// The attempt that the script belongs to.
    pub attempt: AttemptId,
    /// The script's line that is running, as `file:line`.
    pub place: String,
    /// The run's ledger.
    pub ledger: PathBuf,
    /// The attempt's directory for id files, private to the user.
    pub id_files: PathBuf,
    /// The variable and the file by which Podman is led to the attempt's journal.
    pub journal: Option<(String, PathBuf)>,
    /// The attempt's directory for copies of credentials, private to the user.
    pub credentials: PathBuf,
    /// The harness's environment.
    pub harness: Variables,
    /// The script's environment before its first line.
    pub initial: Variables,
    /// What is known of the run's engine.
    pub facts: Option<EngineFacts>,
    /// Where the attempt's stand-in for the engine's socket listens.
    pub proxy: Option<OsString>,
}

/// What a stand-in does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It becomes this client.
    Become(PathBuf),
    /// It says this line and exits with 127.
    Refuse(String),
}

/// The line of an engine that this run does not use.
pub fn masked(called: EngineKind, selected: EngineKind) -> String {
    format!("{called}: masked by shakedown, this run uses {selected}")
}

/// Why the stand-in did not become the client. The text goes to stderr, the code is the exit code.
#[derive(Debug, thiserror::Error)]
pub enum ShimError {
    /// It was called by a name that stands for no engine.
    #[error("shakedown: expected to be called as `docker` or `podman`, found `{name}`")]
    Name {
        /// The name.
        name: String,
    },
    /// The engine is not for this run.
    #[error("{line}")]
    Refused {
        /// The line to say.
        line: String,
    },
    /// The intent is not written, so nothing may be created.
    #[error(
        "{engine}: shakedown cannot write down what is about to be made, so nothing was made: {source}"
    )]
    Ledger {
        /// The client.
        engine: EngineKind,
        /// Why.
        source: LedgerError,
    },
    /// The place for the engine's id files cannot be made, so nothing may be created.
    #[error(
        "{engine}: shakedown has no place for what is about to be made, so nothing was made: {source}"
    )]
    IdFiles {
        /// The client.
        engine: EngineKind,
        /// Why.
        source: io::Error,
    },
    /// Nobody opens the gate.
    #[error("{engine}: shakedown does not let it start: {why}")]
    Gate {
        /// The client.
        engine: EngineKind,
        /// Why.
        why: String,
    },
    /// The real client cannot be started.
    #[error("{engine}: cannot start `{}`: {source}", .program.display())]
    NotStarted {
        /// The client.
        engine: EngineKind,
        /// Its file.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl ShimError {
    /// What the script sees: 127 for a command that is not there, 126 for one that does not start, else the
    /// engines' own code for trouble of theirs.
    pub fn exit_code(&self) -> u8 {
        match self {
            ShimError::Name { .. } | ShimError::Refused { .. } => 127,
            ShimError::NotStarted { .. } => 126,
            ShimError::Ledger { .. } | ShimError::IdFiles { .. } | ShimError::Gate { .. } => 125,
        }
    }
}

/// A limit for each question before the client starts; without an answer the thing counts as somebody else's.
const QUESTION_LIMIT: Duration = Duration::from_secs(10);

/// Waits at the gate, if a client with these arguments has to. The error says why it may not start at all.
pub type AtGate<'a> = dyn FnMut(&[OsString]) -> Result<(), String> + 'a;

/// Becomes the real client. Returns only when it cannot. `argv` begins with the name it was called by.
pub fn run(
    ticket: &Ticket,
    argv: &[OsString],
    environment: &[(OsString, OsString)],
    cwd: &Path,
    at_gate: &mut AtGate<'_>,
) -> Result<Infallible, ShimError> {
    let (name, words) = argv
        .split_first()
        .map_or((OsString::new(), argv), |(name, words)| {
            (name.clone(), words)
        });
    let called = Path::new(&name)
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    let engine: EngineKind = called.parse().map_err(|_| ShimError::Name {
        name: called.into_owned(),
    })?;
    let program = match ticket.answer(engine) {
        Answer::Become(program) => program,
        Answer::Refuse(line) => return Err(ShimError::Refused { line: line.clone() }),
    };
    let sources = Sources {
        harness: &ticket.harness,
        initial: &ticket.initial,
        current: environment,
    };
    let mut variables = for_engine(&sources, &ticket.copies(engine, &sources));
    let mut client = Client::named(engine, program.clone(), variables.clone());
    if let Some(facts) = ticket.facts.as_ref().filter(|facts| facts.kind == engine) {
        client = client.with_socket(facts);
        if let Some(address) = &ticket.proxy {
            lead_to(&mut variables, &sources, engine, address);
        }
    }
    let arguments = ticket.write_down(&client, &sources, words, cwd)?;
    let variables = match ticket.journal_for(engine, &sources, words)? {
        Some((variable, file)) => with(variables, variable, file),
        None => variables,
    };
    at_gate(&arguments).map_err(|why| ShimError::Gate { engine, why })?;
    let invocation = Invocation {
        program: program.clone(),
        arguments,
        environment: variables,
        directory: None,
    };
    Err(ShimError::NotStarted {
        engine,
        program: program.clone(),
        source: process::command(&invocation).exec(),
    })
}

impl Ticket {
    fn answer(&self, engine: EngineKind) -> &Answer {
        match engine {
            EngineKind::Docker => &self.docker,
            EngineKind::Podman => &self.podman,
        }
    }

    /// Nothing is copied for a script that has credentials of its own.
    fn copies(&self, engine: EngineKind, sources: &Sources) -> Copies {
        let variable = match engine {
            EngineKind::Docker => "DOCKER_CONFIG",
            EngineKind::Podman => "REGISTRY_AUTH_FILE",
        };
        if is_untouched(sources, variable) {
            credentials::copies(&self.credentials, engine, &self.harness)
        } else {
            Copies::default()
        }
    }

    /// The journal that this call is to write to. A call that goes to the run's engine and yet cannot be seen there
    /// is written down: nothing may be concluded from what the journal does not show.
    fn journal_for(
        &self,
        engine: EngineKind,
        sources: &Sources,
        words: &[OsString],
    ) -> Result<Option<(&str, &Path)>, ShimError> {
        let Some((variable, file)) = &self.journal else {
            return Ok(None);
        };
        let rootless = process::user() != 0;
        if leads_elsewhere(sources, EngineKind::Podman, rootless).is_some() {
            return Ok(None);
        }
        let kept_out = if is_untouched(sources, variable) {
            journaled(words).err()
        } else {
            Some(variable.clone())
        };
        let Some(by) = kept_out else {
            return Ok(Some((variable, file)));
        };
        let unwatched = Entry::Unwatched {
            attempt: self.attempt,
            engine,
            command: typed(words),
            by,
        };
        let ledger = Ledger::at(self.ledger.clone());
        let written = ledger.append(&[unwatched]);
        written.map_err(|source| ShimError::Ledger { engine, source })?;
        Ok(None)
    }

    /// Gives the arguments for the real client, after the ledger has what they will make.
    fn write_down(
        &self,
        client: &Client,
        sources: &Sources,
        words: &[OsString],
        cwd: &Path,
    ) -> Result<Vec<OsString>, ShimError> {
        let engine = client.kind();
        let ledger_error = |source| ShimError::Ledger { engine, source };
        let ledger = Ledger::at(self.ledger.clone());
        let reading = read(engine, words);
        let rootless = process::user() != 0;
        let route =
            leads_elsewhere(sources, engine, rootless).filter(|_| reading.makes_something());
        if let Some(by) = reading.elsewhere.clone().or(route.map(str::to_owned)) {
            let away = Entry::Elsewhere {
                attempt: self.attempt,
                engine,
                command: typed(words),
                by,
            };
            ledger.append(&[away]).map_err(ledger_error)?;
        } else if reading.makes_something() {
            let directory = call_directory(&self.id_files)
                .map_err(|source| ShimError::IdFiles { engine, source })?;
            let seat = Seat {
                directory,
                cwd: cwd.to_owned(),
                run: self.run.clone(),
                attempt: self.attempt,
            };
            let attempt = self.attempt;
            let entry = |intent| Entry::Intent {
                attempt,
                engine,
                intent,
                place: self.place.clone(),
            };
            let entries: Vec<Entry> = intents(&reading, client, &seat)
                .into_iter()
                .map(entry)
                .collect();
            ledger.append(&entries).map_err(ledger_error)?;
            return Ok(reading.rewrite(words, &seat));
        }
        Ok(words.to_vec())
    }
}

fn typed(words: &[OsString]) -> String {
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

fn with(mut variables: Variables, name: &str, value: &Path) -> Variables {
    variables.retain(|(known, _)| known != name);
    variables.push((name.into(), value.into()));
    variables
}

/// A new directory for each call: the clients refuse an id file that is there already.
fn call_directory(parent: &Path) -> io::Result<PathBuf> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(parent)?;
    let directory = tempfile::Builder::new()
        .prefix("call-")
        .tempdir_in(parent)?;
    Ok(directory.keep())
}

/// The intents, with what was there before marked as such. Doubt counts as "was there".
fn intents(reading: &Reading, client: &Client, seat: &Seat) -> Vec<Intent> {
    let mut intents = reading.intents(seat);
    for (made, intent) in reading.made.iter().zip(&mut intents) {
        intent.existed = existed(made, intent, client);
    }
    let loaded = reading
        .archive
        .iter()
        .flat_map(|archive| loaded(archive, client, seat));
    intents.extend(loaded);
    intents
}

/// The images that an archive will bring. Of one that cannot be read beforehand nothing is known. Where the engine has a
/// socket, its stand-in sees what is loaded.
fn loaded(archive: &Archive, client: &Client, seat: &Seat) -> Vec<Intent> {
    if client.api().is_some() {
        return Vec::new();
    }
    let stdin = || io::stdin().as_fd().try_clone_to_owned();
    let file = match archive {
        Archive::File(path) => File::open(seat.cwd.join(path)).ok(),
        Archive::Stdin => stdin().ok().map(File::from),
    };
    let names = file.and_then(|file| archive::images(client.kind(), &file));
    let intent = |name: String| {
        let kind = ResourceKind::Image;
        let answer = inspect::ask_one(client, &mut Bounded, kind, &name, QUESTION_LIMIT);
        Intent {
            kind,
            name,
            id_file: String::new(),
            existed: answer != Presence::Absent,
        }
    };
    names.into_iter().flatten().map(intent).collect()
}

fn existed(made: &Made, intent: &Intent, client: &Client) -> bool {
    // An old file of the script's names an old thing if the call fails before it is overwritten.
    let stale = matches!(made.id, IdFile::Given(_))
        && made.name.is_empty()
        && Path::new(&intent.id_file).exists();
    stale
        || match made.question {
            Question::None => false,
            Question::Name => {
                let answer =
                    inspect::ask_one(client, &mut Bounded, made.kind, &made.name, QUESTION_LIMIT);
                answer != Presence::Absent
            }
            Question::Images => !write_images_before(made, intent, client),
        }
}

/// Lists the images there are beside our id file. Beside the script's own file nothing is written, so an untagged
/// build with one cannot be told from an old image.
fn write_images_before(made: &Made, intent: &Intent, client: &Client) -> bool {
    debug_assert_eq!(made.kind, ResourceKind::Image);
    let IdFile::Ours(_) = made.id else {
        return false;
    };
    let Ok(ids) = images::ids(client, &mut Bounded, QUESTION_LIMIT) else {
        return false;
    };
    let text: String = ids.into_iter().map(|id| id + "\n").collect();
    fs::write(before_file(&intent.id_file), text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fake;

    /// A ticket whose Docker is a fake client that is never reached: exec would replace the test.
    fn ticket(place: &Path) -> Ticket {
        Ticket {
            docker: Answer::Become(place.join("no-client")),
            podman: Answer::Refuse(masked(EngineKind::Podman, EngineKind::Docker)),
            run: "r1".parse().unwrap(),
            attempt: "3.1.1".parse().unwrap(),
            place: "a.txtar:3".to_owned(),
            ledger: place.join("ledger.jsonl"),
            id_files: place.join("ids"),
            journal: None,
            credentials: place.join("credentials"),
            harness: Vec::new(),
            initial: Vec::new(),
            facts: None,
            proxy: None,
        }
    }

    fn call(ticket: &Ticket, line: &str) -> ShimError {
        let argv: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        run(ticket, &argv, &[], Path::new("/"), &mut |_| Ok(())).unwrap_err()
    }

    #[track_caller]
    fn check(ticket: &Ticket, line: &str, code: u8, begins: &str) {
        let error = call(ticket, line);
        assert_eq!(error.exit_code(), code, "{error}");
        assert!(error.to_string().starts_with(begins), "{error}");
    }

    #[test]
    fn an_engine_that_is_not_for_this_run_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let masked = "podman: masked by shakedown, this run uses docker";
        check(&ticket(place.path()), "/shims/podman run img", 127, masked);
        check(
            &ticket(place.path()),
            "nerdctl run img",
            127,
            "shakedown: expected to be called as",
        );
    }

    #[test]
    fn an_intent_is_written_before_the_client_starts() {
        let place = tempfile::tempdir().unwrap();
        let ticket = ticket(place.path());
        check(&ticket, "docker ps", 126, "docker: cannot start");
        let ledger = Ledger::at(ticket.ledger.clone());
        assert_eq!(ledger.read().unwrap().entries, []);
        check(
            &ticket,
            "docker run --name x img",
            126,
            "docker: cannot start",
        );
        check(
            &ticket,
            "docker -H tcp://other run img",
            126,
            "docker: cannot start",
        );
        let contents = ledger.read().unwrap();
        let intents = contents.intents(ticket.attempt, EngineKind::Docker);
        let [intent] = &intents[..] else {
            panic!("{intents:?}");
        };
        assert_eq!(
            (intent.kind, intent.name.as_str()),
            (ResourceKind::Container, "x")
        );
        assert!(Path::new(&intent.id_file).parent().unwrap().is_dir());
        let away = [("docker -H tcp://other run img".to_owned(), "-H".to_owned())];
        assert_eq!(contents.elsewhere(ticket.attempt), away);
    }

    #[test]
    fn without_an_intent_nothing_is_made() {
        let place = tempfile::tempdir().unwrap();
        let mut ticket = ticket(place.path());
        ticket.ledger = "/proc/no-ledger".into();
        check(
            &ticket,
            "docker run img",
            125,
            "docker: shakedown cannot write down what is about to be made",
        );
        check(&ticket, "docker ps", 126, "docker: cannot start");
        ticket.id_files = "/proc/no-ids".into();
        check(
            &ticket,
            "docker run img",
            125,
            "docker: shakedown has no place",
        );
    }

    #[test]
    fn a_name_counts_as_new_only_on_proof() {
        let place = tempfile::tempdir().unwrap();
        for (body, existed) in [
            ("echo data", true),
            ("echo 'Error: get data: no such volume' >&2; exit 1", false),
            ("echo 'error during connect: EOF' >&2; exit 1", true),
            ("exit 1", true),
        ] {
            let program = fake::client(place.path(), "docker", body);
            let client = Client::named(EngineKind::Docker, program, Vec::new());
            let words: Vec<OsString> = ["volume", "create", "data"].map(OsString::from).to_vec();
            let seat = Seat {
                directory: place.path().to_owned(),
                cwd: "/".into(),
                run: "r1".parse().unwrap(),
                attempt: "1.1.1".parse().unwrap(),
            };
            let written = intents(&read(EngineKind::Docker, &words), &client, &seat);
            assert_eq!(written[0].existed, existed, "{body}");
        }
    }

    #[test]
    fn an_id_file_that_is_there_already_proves_nothing() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("old"), "0123").unwrap();
        let client = Client::named(EngineKind::Docker, "/no/client".into(), Vec::new());
        let seat = Seat {
            directory: place.path().join("ids"),
            cwd: place.path().to_owned(),
            run: "r1".parse().unwrap(),
            attempt: "1.1.1".parse().unwrap(),
        };
        for (line, existed) in [
            ("run --cidfile old img", true),
            ("run --cidfile new img", false),
            ("build --iidfile new .", true),
        ] {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let written = intents(&read(EngineKind::Docker, &words), &client, &seat);
            assert_eq!(written[0].existed, existed, "{line}");
        }
    }
}
