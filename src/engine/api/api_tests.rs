//! Questions over a socket to engines that answer whole, half and not at all.

use std::os::unix::net::UnixListener;
use std::thread::JoinHandle;

use super::*;
use crate::model::{Presence, ResourceKind};

/// An engine that gives each connection one of these answers, as it is, and closes it.
fn engine(place: &Path, answers: &[&str]) -> (PathBuf, JoinHandle<()>) {
    let socket = place.join("engine");
    let listener = UnixListener::bind(&socket).unwrap();
    let answers: Vec<String> = answers
        .iter()
        .map(|text| text.replace('|', "\r\n"))
        .collect();
    let thread = std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = Vec::new();
            let mut byte = [0];
            while !asked.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
                asked.extend(byte);
            }
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    (socket, thread)
}

const LIMIT: Duration = Duration::from_secs(20);

#[track_caller]
fn check(answer: &str, expected: &str) {
    let place = tempfile::tempdir().unwrap();
    let (socket, thread) = engine(place.path(), &[answer]);
    let found = match Api::at(&socket).get("/x", LIMIT) {
        Ok(answer) => format!(
            "{} {}",
            answer.status,
            String::from_utf8(answer.body).unwrap()
        ),
        Err(error) => error.to_string(),
    };
    assert_eq!(found, expected);
    thread.join().unwrap();
}

#[test]
fn only_a_whole_answer_is_one() {
    check("HTTP/1.1 200 OK|Content-Length: 2||hi", "200 hi");
    check(
        "HTTP/1.1 404 Not Found|Transfer-Encoding: chunked||1|h|1|i|0||",
        "404 hi",
    );
    check("HTTP/1.1 200 OK||hi", "200 hi");
    let broken = |why: &str| format!("the engine's answer to `/x` broke off: {why}");
    check("", &broken("unexpected end of file"));
    check("HTTP/1.1 200", &broken("unexpected end of file"));
    check(
        "HTTP/1.1 200 OK|Content-Length: 3||hi",
        &broken("unexpected end of file"),
    );
    check(
        "HTTP/1.1 200 OK|Transfer-Encoding: chunked||2|hi|",
        &broken("unexpected end of file"),
    );
    check("hello||", &broken("no response of HTTP/1.1"));
}

#[test]
fn a_connection_that_was_closed_meanwhile_is_made_anew() {
    let place = tempfile::tempdir().unwrap();
    let answer = "HTTP/1.1 200 OK|Content-Length: 1||1";
    let (socket, thread) = engine(place.path(), &[answer, answer]);
    let mut api = Api::at(&socket);
    for _ in 0..2 {
        assert_eq!(api.get("/x", LIMIT).unwrap().body, b"1");
    }
    thread.join().unwrap();
}

#[test]
fn an_engine_that_is_silent_or_gone_proves_nothing() {
    let place = tempfile::tempdir().unwrap();
    let socket = place.path().join("silent");
    let listener = UnixListener::bind(&socket).unwrap();
    let mut api = Api::at(&socket);
    let limit = Duration::from_millis(30);
    let ask = |api: &mut Api| presence(api, ResourceKind::Container, "abc", limit);
    let Presence::Unknown { why } = ask(&mut api) else {
        panic!("it has not said anything");
    };
    assert_eq!(why, "no answer to `/containers/abc/json` within 30.0ms");
    drop(listener);
    let Presence::Unknown { why } = ask(&mut api) else {
        panic!("it is not there");
    };
    assert!(why.starts_with("cannot connect to `"), "{why}");
}

#[test]
fn many_are_asked_for_in_one_question_and_a_list_that_is_not_clear_proves_nothing() {
    let ids: Vec<String> = (0..20).map(|number| format!("{number:064x}")).collect();
    let check = |answer: &str, expected: Option<usize>| {
        let place = tempfile::tempdir().unwrap();
        // One connection, and one answer on it.
        let (socket, thread) = engine(place.path(), &[answer]);
        let mut api = Api::at(&socket);
        let found = presences(&mut api, ResourceKind::Container, &ids, LIMIT);
        let present = |all: Vec<Presence>| {
            assert_eq!(all.len(), ids.len());
            let present = all.iter().filter(|it| **it == Presence::Present).count();
            let absent = all.iter().filter(|it| **it == Presence::Absent).count();
            assert_eq!(present + absent, ids.len());
            present
        };
        assert_eq!(found.map(present), expected, "{answer}");
        thread.join().unwrap();
    };
    let list = |body: &str| format!("HTTP/1.1 200 OK|Content-Length: {}||{body}", body.len());
    check(&list("[]"), Some(0));
    check(&list(&format!(r#"[{{"Id":"{}"}}]"#, ids[7])), Some(1));
    check(&list(r#"{"message":"busy"}"#), None);
    check("HTTP/1.1 200 OK|Content-Length: 9||[", None);
    check("HTTP/1.1 500 X|Content-Length: 2||[]", None);
    check("", None);
    let short = ["abc".to_owned(), "abd".to_owned()];
    let nobody = &mut Api::at(Path::new("/nonexistent"));
    for (kind, ids) in [
        (ResourceKind::Container, &short[..]),
        (ResourceKind::Image, &ids[..]),
        (ResourceKind::Container, &ids[..1]),
    ] {
        assert_eq!(presences(nobody, kind, ids, LIMIT), None);
    }
}

#[test]
fn absence_needs_a_404_that_says_so() {
    let place = tempfile::tempdir().unwrap();
    let said = |status: u16, text: &str| {
        let body = format!("{{\"message\":\"{text}\"}}");
        format!("HTTP/1.1 {status} X|Content-Length: {}||{body}", body.len())
    };
    let answers = [
        said(404, "No such container: abc"),
        said(500, "No such container: abc"),
        said(404, "page not found"),
        "HTTP/1.1 200 OK|Content-Length: 12||{\"Id\":\"abc\"}".to_owned(),
        "HTTP/1.1 200 OK|Content-Length: 0||".to_owned(),
    ];
    let answers: Vec<&str> = answers.iter().map(String::as_str).collect();
    let (socket, thread) = engine(place.path(), &answers);
    let found = answers.iter().map(|_| {
        match presence(&mut Api::at(&socket), ResourceKind::Container, "abc", LIMIT) {
            Presence::Present => "present",
            Presence::Absent => "absent",
            Presence::Unknown { .. } => "unknown",
        }
    });
    let found: Vec<&str> = found.collect();
    assert_eq!(
        found,
        ["absent", "unknown", "unknown", "present", "unknown"]
    );
    thread.join().unwrap();
}

#[test]
fn a_nameless_image_tells_from_which_container_it_was_committed() {
    let place = tempfile::tempdir().unwrap();
    let whole = |body: &str| {
        let length = body.len();
        format!("HTTP/1.1 200 OK|Content-Length: {length}|Connection: close||{body}")
    };
    let list = whole(r#"[{"Id":"sha256:a","RepoTags":["<none>:<none>"]}]"#);
    let image = whole(r#"{"Id":"sha256:a","Container":"c","RepoTags":[]}"#);
    let (socket, thread) = engine(place.path(), &[&list, &image]);
    let mut api = Api::at(&socket);
    assert_eq!(dangling(&mut api, LIMIT).unwrap(), ["sha256:a"]);
    let image = thing(&mut api, ResourceKind::Image, "sha256:a", LIMIT).unwrap();
    assert_eq!(image.committed_from, "c");
    thread.join().unwrap();
}
