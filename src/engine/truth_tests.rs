//! The truth table of absence: whatever an engine and whoever stands between may do, only its own "there is no such
//! thing" is absence. Asked over the socket by ourselves, through the real clients, and through a fake that says what
//! they are known to say where no socket of ours can make them say it.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::thread;

use super::*;
use crate::engine::api::Api;
use crate::engine::fake;
use crate::host::environment;
use crate::host::process::{Bounded, Invocation};
use crate::model::EngineKind;

const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

const KINDS: [ResourceKind; 4] = [
    ResourceKind::Container,
    ResourceKind::Network,
    ResourceKind::Volume,
    ResourceKind::Image,
];

/// What a socket does.
#[derive(Debug, Clone, Copy)]
enum Behaviour {
    /// There is none.
    Missing,
    /// Nobody listens any more.
    Refuses,
    /// Takes the connection and closes it.
    Closes,
    /// Takes the connection, and that is all.
    Silent,
    /// Answers each request with this.
    Says(&'static str),
}

/// All that is not absence.
const TROUBLE: [Behaviour; 9] = [
    Behaviour::Missing,
    Behaviour::Refuses,
    Behaviour::Closes,
    Behaviour::Silent,
    Behaviour::Says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
    Behaviour::Says("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
    Behaviour::Says(
        "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 28\r\nConnection: close\r\n\r\n{\"message\":\"page not found\"}",
    ),
    Behaviour::Says(
        "HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\nContent-Length: 39\r\nConnection: close\r\n\r\n{\"message\":\"context deadline exceeded\"}",
    ),
    // Half of what would be absence.
    Behaviour::Says(
        "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 400\r\nConnection: close\r\n\r\n{\"message\":\"No such container: ",
    ),
];

/// Says so past the capture of output, which would keep it from everybody; fails where engines must be there.
#[track_caller]
fn skip(why: &str) {
    let set = |name: &str, value: &str| {
        let variables = environment::variables();
        variables
            .iter()
            .any(|(known, found)| known == name && found == value)
    };
    let required = set("CI", "true") || set("SHAKEDOWN_REQUIRE_ENGINES", "1");
    assert!(!required, "engines are required: {why}");
    writeln!(std::io::stderr(), "SKIP truth table: {why}").unwrap();
}

/// A socket that does this, for as long as the listener is kept; the thread that serves it ends with the tests.
fn socket(place: &Path, behaviour: Behaviour) -> (PathBuf, Option<UnixListener>) {
    let path = place.join("engine");
    if matches!(behaviour, Behaviour::Missing) {
        return (path, None);
    }
    let listener = UnixListener::bind(&path).unwrap();
    let answer = match behaviour {
        Behaviour::Missing | Behaviour::Refuses => return (path, None),
        Behaviour::Silent => return (path, Some(listener)),
        Behaviour::Closes => "",
        Behaviour::Says(answer) => answer,
    };
    let served = listener.try_clone().unwrap();
    thread::spawn(move || {
        for mut stream in served.incoming().flatten() {
            let mut asked = [0; 4096];
            if !answer.is_empty() && stream.read(&mut asked).is_ok() {
                // A client that has left does not want it.
                stream.write_all(answer.as_bytes()).ok();
            }
        }
    });
    (path, Some(listener))
}

fn limit(behaviour: Behaviour) -> Duration {
    if matches!(behaviour, Behaviour::Silent) {
        Duration::from_millis(500)
    } else {
        Duration::from_secs(20)
    }
}

/// A real client, as it is found in PATH, led to this socket; `None` without it.
fn real(kind: EngineKind, socket: &Path) -> Option<Client> {
    let variables = environment::variables();
    let path = variables.iter().find(|(name, _)| name == "PATH")?;
    let program = std::env::split_paths(&path.1)
        .map(|folder| folder.join(kind.command()))
        .find(|file| file.is_file())?;
    let address = format!("unix://{}", socket.display());
    let variable = match kind {
        EngineKind::Docker => "DOCKER_HOST",
        EngineKind::Podman => "CONTAINER_HOST",
    };
    Some(Client::named(kind, program, variables.clone()).with(variable, address.into()))
}

#[track_caller]
fn expect_unknown(who: &str, what: &dyn std::fmt::Debug, answers: &[Presence]) {
    assert!(!answers.is_empty());
    for answer in answers {
        let is_unknown = matches!(answer, Presence::Unknown { .. });
        assert!(is_unknown, "{who}, {what:?}: {answer:?}");
    }
}

#[test]
fn no_trouble_with_a_socket_is_absence() {
    for behaviour in TROUBLE {
        let place = tempfile::tempdir().unwrap();
        let (path, _kept) = socket(place.path(), behaviour);
        let limit = limit(behaviour);
        for kind in KINDS {
            let answer = api::presence(&mut Api::at(&path), kind, ID, limit);
            expect_unknown("over the socket", &(behaviour, kind), &[answer]);
        }
        for engine in EngineKind::ALL {
            let Some(client) = real(engine, &path) else {
                skip(&format!("there is no client `{engine}` here"));
                continue;
            };
            // Every start of a client costs; two kinds tell as much as all.
            for kind in [ResourceKind::Container, ResourceKind::Volume] {
                let answers = ask(&client, &mut Bounded, kind, &[ID.to_owned()], limit);
                expect_unknown(engine.command(), &(behaviour, kind), &answers);
            }
        }
    }
}

#[test]
fn no_words_but_those_of_absence_are_absence() {
    for (said, is_absent) in [
        ("Error: No such container: ID", true),
        ("context deadline exceeded", false),
        (
            "error during connect: Get \"http://x/containers/ID/json\": EOF",
            false,
        ),
        (
            "dial unix /run/docker.sock: connect: connection refused",
            false,
        ),
        ("dial tcp 10.0.0.1:2375: i/o timeout", false),
        ("", false),
        // The words of absence beside those of trouble.
        ("Error: No such container: ID: i/o timeout", false),
        ("Error: No such container: ID: unexpected EOF", false),
    ] {
        let place = tempfile::tempdir().unwrap();
        let said = said.replace("ID", ID);
        let program = fake::client(
            place.path(),
            "docker",
            &format!("echo '{said}' >&2; exit 1"),
        );
        let client = Client::named(EngineKind::Docker, program, Vec::new());
        let limit = Duration::from_secs(20);
        let kind = ResourceKind::Container;
        let answer = ask_one(&client, &mut Bounded, kind, ID, limit);
        assert_eq!(answer == Presence::Absent, is_absent, "{said}: {answer:?}");
    }
}

/// The real engines: Docker over its socket and by its client, rootless Podman by its client.
#[test]
fn a_real_engine_that_has_no_such_thing_says_absence() {
    let place = tempfile::tempdir().unwrap();
    let rootless = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/as-rootless");
    let body = format!("exec {} podman \"$@\"", rootless.display());
    let podman = fake::client(place.path(), "podman", &body);
    let variables = environment::variables();
    let docker = PathBuf::from("/var/run/docker.sock");
    let mut clients = vec![Client::named(EngineKind::Podman, podman, variables)];
    match real(EngineKind::Docker, &docker) {
        Some(client) => clients.push(client),
        None => skip("there is no client `docker` here"),
    }
    let limit = Duration::from_secs(60);
    for client in clients {
        let probe: Invocation = client.invocation(["images", "-q"]);
        let answers = Bounded.run(&probe, limit);
        if answers.ending != Ending::Exited(0) {
            let said = essence(&answers.stderr);
            skip(&format!(
                "{} does not answer here: {said}",
                client.command()
            ));
            continue;
        }
        for kind in KINDS {
            let answer = ask_one(&client, &mut Bounded, kind, ID, limit);
            assert_eq!(answer, Presence::Absent, "{} {kind}", client.command());
        }
        if client.kind() == EngineKind::Docker {
            for kind in KINDS {
                let answer = api::presence(&mut Api::at(&docker), kind, ID, limit);
                assert_eq!(answer, Presence::Absent, "over the socket: {kind}");
            }
        }
    }
}

/// What is there and what is not, told by one list; on Docker, where one of each kind can be made without an image.
#[test]
fn a_list_of_a_real_engine_tells_what_is_there_and_what_is_not() {
    let docker = PathBuf::from("/var/run/docker.sock");
    let Some(client) = real(EngineKind::Docker, &docker) else {
        return skip("there is no client `docker` here");
    };
    let limit = Duration::from_secs(60);
    let name = format!("sd-truth-{}", std::process::id());
    let call = |words: &[&str]| client.call(&mut Bounded, words, limit);
    let network = call(&["network", "create", &name]);
    if network.ending != Ending::Exited(0) {
        return skip(&essence(&network.stderr));
    }
    let volume = call(&["volume", "create", &name]);
    let id = String::from_utf8(network.stdout).unwrap().trim().to_owned();
    let mut api = Api::at(&docker);
    let mut ask = |kind, there: &str| {
        let ids = [ID.to_owned(), there.to_owned()];
        api::presences(&mut api, kind, &ids, limit)
    };
    let found = [
        ask(ResourceKind::Network, &id),
        ask(ResourceKind::Volume, &name),
    ];
    call(&["network", "rm", &id]);
    call(&["volume", "rm", &name]);
    assert_eq!(volume.ending, Ending::Exited(0));
    let expected = Some(vec![Presence::Absent, Presence::Present]);
    assert_eq!(found, [expected.clone(), expected]);
}
