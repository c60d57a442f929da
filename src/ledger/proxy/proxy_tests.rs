//! A whole proxy between clients and an engine that is a few lines long.

use std::io::Read;

use super::*;
use crate::ledger::intents::{Contents, Entry};
use crate::model::{Resource, ResourceKind};

/// An engine that knows some things and answers every creation with an id of its own.
struct Engine {
    place: tempfile::TempDir,
}

/// One step of a build; the container's id is not whole.
const BUILD: &str = concat!(
    "{\"stream\":\" ---\\u003e Running in 0aea70f2df2e\\n\"}\n",
    "{\"stream\":\"Removing intermediate container abababababab\\n\"}\n",
    "{\"stream\":\" ---\\u003e b34e079d59d2\\n\"}\n",
);

/// What it answers to a request: its head line and body.
fn answer(request: &str) -> (u16, String) {
    let id = "ab".repeat(32);
    let line = request.lines().next().unwrap_or_default();
    let (path, _) = line.rsplit_once(' ').unwrap_or_default();
    let missing = |what: &str| (404, format!("{{\"message\":\"{what}\"}}"));
    match path {
        "GET /volumes/old" => (200, "{\"Name\":\"old\"}".to_owned()),
        "GET /volumes/new" if !request.contains("later") => missing("get new: no such volume"),
        "GET /volumes/doubtful" => (500, "{\"message\":\"database is locked\"}".to_owned()),
        "POST /volumes/create" => (201, "{\"Name\":\"x\"}".to_owned()),
        "POST /containers/create?name=refused" => (409, "{\"message\":\"Conflict\"}".to_owned()),
        "POST /containers/create?name=torn" => (0, String::new()),
        "DELETE /containers/c" => (204, String::new()),
        "POST /build" => (200, BUILD.to_owned()),
        "GET /containers/0aea70f2df2e/json" | "GET /images/b34e079d59d2/json" => (
            200,
            format!("{{\"Id\":\"{id}\",\"Created\":\"2999-01-01T00:00:00Z\"}}"),
        ),
        path if path.starts_with("POST /containers/create") => {
            (201, format!("{{\"Id\":\"{id}\",\"Warnings\":[]}}"))
        }
        "POST /networks/create" => (201, format!("{{\"Id\":\"{id}\"}}")),
        _ => missing("page not found"),
    }
}

impl Engine {
    fn start() -> Self {
        let place = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(place.path().join("engine")).unwrap();
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                std::thread::spawn(move || converse(stream));
            }
        });
        Engine { place }
    }

    fn facts(&self) -> EngineFacts {
        let socket = self.place.path().join("engine");
        serde_json::from_value(serde_json::json!({
            "kind": "docker", "client": "/usr/bin/docker", "client_version": "", "version": "",
            "server": "docker", "remote": true, "rootless": false, "storage_driver": "",
            "oci_runtime": {"name": "", "version": "", "path": ""},
            "network_helper": {"name": "", "version": "", "path": ""},
            "endpoint": format!("unix://{}", socket.display()), "identity": "docker:1", "reason": "",
        }))
        .unwrap()
    }

    fn ledger(&self) -> Ledger {
        Ledger::at(self.place.path().join("ledger.jsonl"))
    }

    fn proxy(&self, ledger: Ledger) -> Proxy {
        let seat = Seat {
            run: &"r1".parse().unwrap(),
            attempt: attempt(),
            ledger,
            account: self.place.path(),
            directory: self.place.path(),
        };
        Proxy::open(seat, &self.facts()).unwrap().unwrap()
    }

    fn contents(&self) -> Contents {
        self.ledger().read().unwrap()
    }

    fn acquired(&self) -> Vec<(ResourceKind, String)> {
        let of = |resource: Resource| (resource.kind, resource.name);
        let acquired = self.contents().acquired(attempt(), EngineKind::Docker);
        acquired.into_iter().map(of).collect()
    }
}

fn attempt() -> AttemptId {
    "3.1.1".parse().unwrap()
}

/// One request a line of the log: a volume that was asked for twice is there the second time.
fn converse(mut stream: UnixStream) {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut chunk) {
        bytes.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: "))
            .map_or(0, |length| length.parse().unwrap());
        if body.len() < length {
            continue;
        }
        bytes.clear();
        let (status, body) = answer(head);
        if status == 0 {
            stream
                .write_all(b"HTTP/1.1 201 Created\r\nContent-Le")
                .unwrap();
            return;
        }
        let length = match status {
            204 => String::new(),
            _ => format!("Content-Length: {}\r\n", body.len()),
        };
        let answer = format!("HTTP/1.1 {status} X\r\n{length}\r\n{body}");
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// What a client of the proxy hears.
fn say(proxy: &Proxy, request: &str, body: &str) -> String {
    say_at(proxy.address(), request, body)
}

fn say_at(address: &str, request: &str, body: &str) -> String {
    let path = address.strip_prefix("unix://").unwrap();
    let mut stream = UnixStream::connect(path).unwrap();
    let text = format!(
        "{request} HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut heard = String::new();
    stream.read_to_string(&mut heard).unwrap();
    heard
}

const LIMIT: Duration = Duration::from_secs(20);

#[test]
fn what_the_engine_made_is_written_down_with_its_intent() {
    let engine = Engine::start();
    let proxy = engine.proxy(engine.ledger());
    proxy.at("a.txtar:7".to_owned());
    assert_eq!(proxy.visits(), 0);
    let body = r#"{"HostConfig":{"Binds":["old:/x","doubtful:/y"]}}"#;
    let heard = say(&proxy, "POST /containers/create?name=c", body);
    assert!(heard.starts_with("HTTP/1.1 201 "), "{heard}");
    assert_eq!(proxy.visits(), 1);
    say(&proxy, "POST /networks/create", r#"{"Name":"n"}"#);
    say(&proxy, "POST /containers/create?name=refused", "{}");
    assert_eq!(
        engine.acquired(),
        [
            (ResourceKind::Container, "c".to_owned()),
            (ResourceKind::Network, "n".to_owned())
        ]
    );
    let intents = engine.contents().intents(attempt(), EngineKind::Docker);
    let shown: Vec<String> = intents
        .iter()
        .map(|intent| format!("{} {} {}", intent.kind, intent.name, intent.existed))
        .collect();
    assert_eq!(
        shown,
        [
            "container c false",
            "volume old true",
            "volume doubtful true",
            "network n false",
            "container refused false"
        ]
    );
    say(&proxy, "DELETE /containers/c", "");
    assert_eq!(engine.acquired(), [(ResourceKind::Network, "n".to_owned())]);
    assert_eq!(proxy.close(LIMIT), None);
    assert_eq!(engine.contents().unseen(attempt()), []);
}

#[test]
fn a_builds_container_leads_to_its_image_until_that_is_written_down() {
    let engine = Engine::start();
    let proxy = engine.proxy(engine.ledger());
    say(&proxy, "POST /build", "");
    assert_eq!(proxy.close(LIMIT), None);
    let entries = engine.contents().entries.into_iter();
    let told = entries.filter_map(|entry| {
        if let Entry::Acquired { resource, .. } = entry {
            Some(format!("+{}", resource.kind))
        } else if let Entry::Released { resource, .. } = entry {
            Some(format!("-{}", resource.kind))
        } else {
            None
        }
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        ["+container", "+image", "-container"]
    );
}

#[test]
fn a_volume_that_was_there_is_not_made_though_docker_says_so() {
    let engine = Engine::start();
    let proxy = engine.proxy(engine.ledger());
    for name in ["old", "doubtful", "new"] {
        let body = format!("{{\"Name\":\"{name}\"}}");
        let heard = say(&proxy, "POST /volumes/create", &body);
        assert!(heard.starts_with("HTTP/1.1 201 "), "{heard}");
    }
    // This engine forgets the new one at once, so that is not taken for made either.
    assert_eq!(engine.acquired(), []);
    // One without a name gets one that nobody else has.
    say(&proxy, "POST /volumes/create", "{}");
    assert_eq!(engine.acquired(), [(ResourceKind::Volume, "x".to_owned())]);
}

#[test]
fn without_an_intent_nothing_is_made() {
    let engine = Engine::start();
    let proxy = engine.proxy(Ledger::at("/proc/no-ledger".into()));
    let heard = say(&proxy, "POST /containers/create?name=c", "{}");
    assert!(heard.starts_with("HTTP/1.1 500 "), "{heard}");
    assert!(heard.contains("shakedown cannot write down"), "{heard}");
    assert!(say(&proxy, "GET /volumes/old", "").contains("200"));
    let fault = proxy.close(LIMIT).unwrap();
    assert!(fault.contains("nothing was made"), "{fault}");
}

#[test]
fn what_the_engine_did_not_answer_is_not_taken_for_made_and_not_for_clean() {
    let engine = Engine::start();
    let proxy = engine.proxy(engine.ledger());
    say(&proxy, "POST /containers/create?name=torn", "{}");
    // With our labels it is found by them, whatever the answer was.
    let labels = r#"{"Labels":{"dev.shakedown.run":"r1","dev.shakedown.attempt":"3.1.1"}}"#;
    say(&proxy, "POST /containers/create?name=torn", labels);
    assert_eq!(proxy.close(LIMIT), None);
    assert_eq!(engine.acquired(), []);
    let unseen = engine.contents().unseen(attempt());
    let [(what, why)] = &unseen[..] else {
        panic!("{unseen:?}");
    };
    assert_eq!(what, "container torn");
    assert!(why.contains("broke off"), "{why}");
}

#[test]
fn an_engine_that_is_not_there_is_told_as_its_own_client_would() {
    let engine = Engine::start();
    let mut facts = engine.facts();
    facts.endpoint = format!("unix://{}/gone", engine.place.path().display());
    let seat = Seat {
        run: &"r1".parse().unwrap(),
        attempt: attempt(),
        ledger: engine.ledger(),
        account: engine.place.path(),
        directory: engine.place.path(),
    };
    let proxy = Proxy::open(seat, &facts).unwrap().unwrap();
    let heard = say(&proxy, "GET /_ping", "");
    assert!(heard.starts_with("HTTP/1.1 503 "), "{heard}");
    assert!(heard.contains("Cannot connect to the Docker daemon at unix://"));
    assert_eq!(engine.contents().entries, []);
}

#[test]
fn only_a_unix_socket_is_stood_in_for() {
    let engine = Engine::start();
    for (endpoint, remote) in [
        ("tcp://localhost:2375", true),
        ("ssh://host", true),
        ("", false),
        ("unix://relative", true),
    ] {
        let mut facts = engine.facts();
        facts.endpoint = endpoint.to_owned();
        facts.remote = remote;
        let seat = Seat {
            run: &"r1".parse().unwrap(),
            attempt: attempt(),
            ledger: engine.ledger(),
            account: engine.place.path(),
            directory: engine.place.path(),
        };
        assert!(Proxy::open(seat, &facts).unwrap().is_none(), "{endpoint}");
    }
}

#[test]
fn the_address_is_short_however_deep_its_directory_is() {
    let engine = Engine::start();
    let deep = engine.place.path().join("x".repeat(150));
    fs::create_dir(&deep).unwrap();
    let seat = Seat {
        run: &"r1".parse().unwrap(),
        attempt: attempt(),
        ledger: engine.ledger(),
        account: engine.place.path(),
        directory: &deep,
    };
    let proxy = Proxy::open(seat, &engine.facts()).unwrap().unwrap();
    assert!(proxy.address().len() < LONGEST, "{}", proxy.address());
    assert!(say(&proxy, "GET /volumes/old", "").contains("200"));
    assert_eq!(proxy.close(LIMIT), None);
    assert_eq!(fs::read_dir(&deep).unwrap().count(), 0);
}

/// A service that answers a creation only when it has told the test of it, and was told to.
fn slow_service(path: &Path) -> (Receiver<()>, mpsc::Sender<()>) {
    let listener = UnixListener::bind(path).unwrap();
    let ((came, comes), (answers, may_answer)) = (mpsc::channel(), mpsc::channel::<()>());
    let may_answer = Arc::new(Mutex::new(may_answer));
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let (came, may_answer) = (came.clone(), may_answer.clone());
            std::thread::spawn(move || {
                let mut chunk = [0; 4096];
                if !matches!(stream.read(&mut chunk), Ok(1..)) {
                    return;
                }
                came.send(()).unwrap();
                lock(&may_answer).recv().unwrap();
                let answer = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
                stream.write_all(answer.as_bytes()).unwrap();
            });
        }
    });
    (comes, answers)
}

#[test]
fn two_attempts_create_one_after_the_other_on_podmans_service_and_at_once_on_dockers() {
    for (server, at_once) in [("podman", false), ("docker", true)] {
        let engine = Engine::start();
        let socket = engine.place.path().join("slow");
        let (comes, answers) = slow_service(&socket);
        let mut facts = engine.facts();
        facts.server = server.parse().unwrap();
        facts.endpoint = format!("unix://{}", socket.display());
        let proxies = ["3.1.1", "4.1.1"].map(|attempt| {
            let seat = Seat {
                run: &"r1".parse().unwrap(),
                attempt: attempt.parse().unwrap(),
                ledger: engine.ledger(),
                account: engine.place.path(),
                directory: engine.place.path(),
            };
            Proxy::open(seat, &facts).unwrap().unwrap()
        });
        std::thread::scope(|scope| {
            for address in proxies.each_ref().map(Proxy::address) {
                scope.spawn(move || {
                    let heard = say_at(address, "POST /libpod/containers/create", "{}");
                    assert!(heard.starts_with("HTTP/1.1 201 "), "{heard}");
                });
            }
            comes.recv_timeout(LIMIT).unwrap();
            // The second has long been there when nobody keeps it; whoever is kept comes after the first answer.
            let second = if at_once {
                LIMIT
            } else {
                Duration::from_millis(300)
            };
            assert_eq!(comes.recv_timeout(second).is_ok(), at_once, "{server}");
            answers.send(()).unwrap();
            if !at_once {
                comes.recv_timeout(LIMIT).unwrap();
            }
            answers.send(()).unwrap();
        });
        assert!(proxies.iter().all(|proxy| proxy.trouble().is_none()));
    }
}
