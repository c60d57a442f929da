//! What passes and what is told, however the bytes are cut.

use proptest::prelude::*;

use super::*;

/// Judges by the target, and keeps a log of what it was told.
#[derive(Debug, Default)]
struct Log(Vec<String>);

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace("\r\n", "|")
}

impl Witness for Log {
    fn interest(&mut self, head: &RequestHead) -> Interest {
        match head.target.as_str() {
            "/whole" | "/refuse" => Interest::Whole,
            "/head" | "/watch" => Interest::Head,
            _ => Interest::None,
        }
    }

    fn judge(&mut self, head: &RequestHead, body: Option<&[u8]>) -> Judgement {
        let body = body.map_or("no body".to_owned(), text);
        self.0.push(format!("judge {} {body}", head.target));
        match head.target.as_str() {
            "/watch" => Judgement::PassAndWatch,
            "/refuse" => Judgement::Refuse("no".to_owned()),
            _ => Judgement::PassAndHear,
        }
    }

    fn hear(&mut self, status: u16, body: Option<&[u8]>) {
        let body = body.map_or("no body".to_owned(), text);
        self.0.push(format!("hear {status} {body}"));
    }

    fn watch(&mut self, status: u16, data: &[u8]) {
        // Pieces that follow each other are one, for how they were cut is nobody's business.
        let piece = text(data);
        match self.0.last_mut() {
            Some(last) if last.starts_with("watch") => last.push_str(&piece),
            _ => self.0.push(format!("watch {status} {piece}")),
        }
    }

    fn watched(&mut self) {
        self.0.push("watched".to_owned());
    }

    fn lost(&mut self, why: &'static str) {
        self.0.push(format!("lost: {why}"));
    }
}

fn bytes(text: &str) -> Vec<u8> {
    text.replace('|', "\r\n").into_bytes()
}

/// The client says all, in pieces of this size; then the engine answers. What reached each side, and the log.
fn talk(client: &[u8], engine: &[u8], piece: usize) -> (Vec<u8>, Vec<u8>, Vec<String>) {
    let mut conversation = Conversation::new(Log::default());
    for piece in client.chunks(piece) {
        conversation.client_said(piece);
    }
    for piece in engine.chunks(piece) {
        conversation.engine_said(piece);
    }
    (
        std::mem::take(&mut conversation.to_engine),
        std::mem::take(&mut conversation.to_client),
        conversation.witness.0,
    )
}

/// Everything passes unchanged, and the log is this, however the bytes are cut.
#[track_caller]
fn check(client: &str, engine: &str, log: &[&str]) {
    let (client, engine) = (bytes(client), bytes(engine));
    for piece in 1..=client.len().max(engine.len()) {
        let (to_engine, to_client, seen) = talk(&client, &engine, piece);
        assert_eq!(text(&to_engine), text(&client), "in pieces of {piece}");
        assert_eq!(text(&to_client), text(&engine), "in pieces of {piece}");
        assert_eq!(seen, log, "in pieces of {piece}");
    }
}

const PING: &str = "HEAD /_ping HTTP/1.1|Host: d||";
const PONG: &str = "HTTP/1.1 200 OK|Content-Length: 2||";
const MAKE: &str = "POST /whole HTTP/1.1|Content-Length: 4||{\"\"}";
const MADE: &str = "HTTP/1.1 201 Created|Content-Length: 4||{id}";

#[test]
fn what_makes_nothing_passes_unread() {
    check(PING, PONG, &[]);
    check(
        "POST /x HTTP/1.1|Transfer-Encoding: chunked||3|abc|0||",
        "HTTP/1.1 200 OK|Transfer-Encoding: chunked||3|abc|0|Trailer: x||",
        &[],
    );
    check(
        "GET /a HTTP/1.1||",
        "HTTP/1.1 304 Not Modified|Content-Length: 7||",
        &[],
    );
}

#[test]
fn what_makes_something_is_judged_with_its_body_and_heard_with_its_answer() {
    let log = ["judge /whole {\"\"}", "hear 201 {id}"];
    check(MAKE, MADE, &log);
    check(
        "POST /whole HTTP/1.1|Transfer-Encoding: chunked||4|{\"\"}|0||",
        "HTTP/1.1 201 Created|Transfer-Encoding: chunked||1|{|3|id}|0||",
        &log,
    );
    check(
        "POST /head HTTP/1.1|Content-Length: 3||abc",
        "HTTP/1.1 204 No Content||",
        &["judge /head no body", "hear 204 "],
    );
}

#[test]
fn exchanges_on_one_connection_are_told_apart_even_when_all_are_sent_at_once() {
    check(
        &[PING, MAKE, PING, MAKE].concat(),
        &[PONG, MADE, PONG, MADE].concat(),
        &[
            "judge /whole {\"\"}",
            "hear 201 {id}",
            "judge /whole {\"\"}",
            "hear 201 {id}",
        ],
    );
}

#[test]
fn the_next_request_waits_for_the_answer_to_the_one_before() {
    let mut conversation = Conversation::new(Log::default());
    conversation.client_said(&bytes(&[PING, MAKE].concat()));
    assert_eq!(text(&conversation.to_engine), PING);
    assert_eq!(conversation.awaits(), None);
    conversation.engine_said(&bytes(PONG));
    assert_eq!(text(&conversation.to_engine), [PING, MAKE].concat());
    assert_eq!(conversation.awaits(), Some(Awaited::Answer));
    conversation.engine_said(&bytes(MADE));
    assert_eq!(conversation.awaits(), None);
}

#[test]
fn nothing_of_an_answer_reaches_the_client_before_it_was_heard() {
    let mut conversation = Conversation::new(Log::default());
    conversation.client_said(&bytes(MAKE));
    let (most, last) = MADE.split_at(MADE.len() - 1);
    conversation.engine_said(&bytes(most));
    assert_eq!(text(&conversation.to_client), "");
    conversation.engine_said(&bytes(last));
    assert_eq!(text(&conversation.to_client), MADE);
}

#[test]
fn a_stream_is_told_piece_by_piece_as_it_passes() {
    let request = "POST /watch HTTP/1.1|Transfer-Encoding: chunked||5|hello|0||";
    let log = ["judge /watch no body", "watch 200 step one", "watched"];
    check(
        request,
        "HTTP/1.1 200 OK|Transfer-Encoding: chunked||5|step |3|one|0||",
        &log,
    );
    check(request, "HTTP/1.1 200 OK|Content-Length: 8||step one", &log);
    let mut conversation = Conversation::new(Log::default());
    conversation.client_said(&bytes(request));
    conversation.engine_said(&bytes("HTTP/1.1 200 OK||step one"));
    assert_eq!(conversation.awaits(), Some(Awaited::Stream));
    conversation.engine_ended();
    assert_eq!(conversation.witness.0, log);
}

#[test]
fn an_answer_may_come_before_its_request_is_over() {
    let mut conversation = Conversation::new(Log::default());
    conversation.client_said(&bytes("POST /x HTTP/1.1|Content-Length: 6||abc"));
    conversation.engine_said(&bytes(
        "HTTP/1.1 413 Too Large|Content-Length: 0|Connection: close||",
    ));
    conversation.client_said(b"def");
    conversation.client_said(&bytes(PING));
    assert!(text(&conversation.to_engine).ends_with(&format!("abcdef{PING}")));
    assert_eq!(conversation.witness.0, [""; 0]);
}

#[test]
fn after_an_upgrade_everything_passes() {
    let attach = "POST /attach HTTP/1.1|Connection: Upgrade|Upgrade: tcp||";
    for answer in [
        "HTTP/1.1 101 UPGRADED|Connection: Upgrade|Upgrade: tcp||",
        "HTTP/1.1 200 OK|Content-Type: application/vnd.docker.raw-stream||",
    ] {
        // What follows would be requests that make something, were it still HTTP.
        check(
            &[attach, MAKE, MAKE].concat(),
            &[answer, "any|bytes||", MADE].concat(),
            &[],
        );
    }
}

#[test]
fn who_waits_to_go_on_is_told_so_once() {
    let mut conversation = Conversation::new(Log::default());
    let head = "POST /whole HTTP/1.1|Expect: 100-continue|Content-Length: 4||";
    conversation.client_said(&bytes(head));
    assert_eq!(text(&conversation.to_engine), "");
    let go_on = "HTTP/1.1 100 Continue||";
    assert_eq!(text(&conversation.to_client), go_on);
    conversation.client_said(b"{\"\"}");
    assert_eq!(text(&conversation.to_engine), format!("{head}{{\"\"}}"));
    conversation.engine_said(&bytes(&[go_on, MADE].concat()));
    assert_eq!(text(&conversation.to_client), [go_on, MADE].concat());
    assert_eq!(
        conversation.witness.0,
        ["judge /whole {\"\"}", "hear 201 {id}"]
    );
    check(
        "POST /x HTTP/1.1|Expect: 100-continue|Content-Length: 2||ab",
        &[go_on, PONG, "ok"].concat(),
        &[],
    );
}

#[test]
fn a_refused_request_never_reaches_the_engine() {
    let (to_engine, to_client, log) = talk(
        &bytes(&[PING, "POST /refuse HTTP/1.1|Content-Length: 2||{}", MAKE].concat()),
        &bytes(PONG),
        7,
    );
    assert_eq!(text(&to_engine), PING);
    let answer = text(&to_client);
    assert!(
        answer.starts_with(&format!("{PONG}HTTP/1.1 500 ")),
        "{answer}"
    );
    assert!(answer.contains("\"message\":\"no\""), "{answer}");
    assert_eq!(log, ["judge /refuse {}"]);
}

#[test]
fn what_is_not_understood_passes_and_is_told() {
    check(
        "\u{16}\u{3}\u{1}|||",
        "\u{15}|",
        &["lost: no request of HTTP/1.1"],
    );
    check(
        "POST /whole HTTP/1.1|Content-Length: 1|Content-Length: 2||ab",
        MADE,
        &["lost: two lengths"],
    );
    check(
        "POST /whole HTTP/1.1|Transfer-Encoding: chunked||x|",
        MADE,
        &["lost: a chunk without a size"],
    );
    check(PING, "hello|", &["lost: no response of HTTP/1.1"]);
    check("", PONG, &["lost: an answer before its request"]);
    check(
        PING,
        &[PONG, PONG].concat(),
        &["lost: an answer before its request"],
    );
    check(
        MAKE,
        "HTTP/1.1 201 Created|Transfer-Encoding: chunked||x",
        &["judge /whole {\"\"}", "lost: a chunk without a size"],
    );
}

#[test]
fn an_engine_that_breaks_off_leaves_no_false_end() {
    for (client, engine, log) in [
        (MAKE, "", "hear 0 no body"),
        (MAKE, "HTTP/1.1 201 Cre", "hear 0 no body"),
        (
            MAKE,
            "HTTP/1.1 201 Created|Content-Length: 4||{i",
            "hear 201 no body",
        ),
        (MAKE, "HTTP/1.1 201 Created||{id}", "hear 201 {id}"),
    ] {
        let mut conversation = Conversation::new(Log::default());
        conversation.client_said(&bytes(client));
        conversation.engine_said(&bytes(engine));
        conversation.engine_ended();
        // The client sees what it would have seen.
        assert_eq!(text(&conversation.to_client), engine);
        let told = conversation.witness.0;
        assert_eq!(told, ["judge /whole {\"\"}", log], "{engine}");
    }
    let mut conversation = Conversation::new(Log::default());
    conversation.client_said(&bytes(PING));
    conversation.engine_ended();
    assert_eq!(conversation.witness.0, [""; 0]);
}

#[test]
fn a_client_that_ends_is_heard_out() {
    let mut conversation = Conversation::new(Log::default());
    conversation.client_said(&bytes(&[PING, MAKE].concat()));
    conversation.client_ended();
    conversation.to_engine.clear();
    assert!(
        !conversation.is_all_sent(),
        "the second request still waits"
    );
    conversation.engine_said(&bytes(PONG));
    assert_eq!(text(&conversation.to_engine), MAKE);
    conversation.to_engine.clear();
    assert!(conversation.is_all_sent());
    // Half a request goes on as it is, unjudged.
    for half in [
        "POST /whole HT",
        "POST /whole HTTP/1.1|Content-Length: 4||{",
    ] {
        let mut conversation = Conversation::new(Log::default());
        conversation.client_said(&bytes(half));
        conversation.client_ended();
        assert_eq!(text(&conversation.to_engine), half);
        assert_eq!(conversation.witness.0, [""; 0]);
    }
}

#[test]
fn a_body_too_long_to_be_held_is_judged_without_it() {
    let long = "x".repeat(5 << 20);
    let request = format!(
        "POST /whole HTTP/1.1|Content-Length: {}||{long}",
        long.len()
    );
    let answer = format!(
        "HTTP/1.1 201 Created|Content-Length: {}||{long}",
        long.len()
    );
    let (request, answer) = (bytes(&request), bytes(&answer));
    let (to_engine, to_client, log) = talk(&request, &answer, 1 << 16);
    assert!(to_engine == request && to_client == answer);
    assert_eq!(log, ["judge /whole no body", "hear 201 no body"]);
}

proptest! {
    /// Whatever two sides say to each other, every byte arrives, in order.
    #[test]
    fn no_byte_is_lost_or_added(
        said in prop::collection::vec((any::<bool>(), "[ -~\r\n]{0,40}|POST /(x|whole|watch) HTTP/1.1\r\n(Content-Length: [0-3]\r\n)?\r\n|HTTP/1.1 (100|101|200|204) O\r\n(Content-Length: [0-3]\r\n|Transfer-Encoding: chunked\r\n)?\r\n|2\r\nab\r\n|0\r\n\r\n"), 0..12),
    ) {
        let mut conversation = Conversation::new(Log::default());
        let (mut client, mut engine) = (Vec::new(), Vec::new());
        for (of_client, text) in &said {
            if *of_client {
                client.extend_from_slice(text.as_bytes());
                conversation.client_said(text.as_bytes());
            } else {
                engine.extend_from_slice(text.as_bytes());
                conversation.engine_said(text.as_bytes());
            }
        }
        conversation.client_ended();
        conversation.engine_ended();
        prop_assert_eq!(text(&conversation.to_engine), text(&client));
        prop_assert_eq!(text(&conversation.to_client), text(&engine));
    }
}
