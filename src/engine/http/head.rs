//! Heads of requests and responses: what is asked, what was answered, and how the body that follows is delimited.

use httparse::{EMPTY_HEADER, Header, Status};

use super::{Ambiguous, Framing};

/// The longest head that is waited for, in bytes; engines and clients stay far below.
const LONGEST: usize = 128 * 1024;
/// The most header lines.
const LINES: usize = 128;

/// The head of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHead {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path with its query, as sent.
    pub target: String,
    /// How its body is delimited.
    pub framing: Framing,
    /// The client waits for `100 Continue` before it sends the body.
    pub expects_continue: bool,
}

/// The head of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseHead {
    /// The status code.
    pub status: u16,
    /// How its body is delimited.
    pub framing: Framing,
    /// Both sides talk another protocol from here on.
    pub upgrades: bool,
    /// The connection may carry another exchange.
    pub stays_open: bool,
}

/// Reads a request's head from the beginning of `bytes`; with its length, or `None` while it is not whole.
pub fn request(bytes: &[u8]) -> Result<Option<(RequestHead, usize)>, Ambiguous> {
    let mut lines = [EMPTY_HEADER; LINES];
    let mut parsed = httparse::Request::new(&mut lines);
    let Some(length) = whole(parsed.parse(bytes), bytes, "no request of HTTP/1.1")? else {
        return Ok(None);
    };
    let method = parsed.method.unwrap_or_default().to_owned();
    if method == "CONNECT" {
        return Err(Ambiguous("a tunnel"));
    }
    let framing = framing(parsed.headers)?.unwrap_or(Framing::Length(0));
    let head = RequestHead {
        target: parsed.path.unwrap_or_default().to_owned(),
        framing,
        expects_continue: has_token(parsed.headers, "expect", "100-continue"),
        method,
    };
    Ok(Some((head, length)))
}

/// Reads the head of the answer to a request of this method; with its length, or `None` while it is not whole.
pub fn response(bytes: &[u8], method: &str) -> Result<Option<(ResponseHead, usize)>, Ambiguous> {
    let mut lines = [EMPTY_HEADER; LINES];
    let mut parsed = httparse::Response::new(&mut lines);
    let Some(length) = whole(parsed.parse(bytes), bytes, "no response of HTTP/1.1")? else {
        return Ok(None);
    };
    let status = parsed.code.unwrap_or_default();
    let bodiless = method == "HEAD" || matches!(status, 100..=199 | 204 | 304);
    let framing = if bodiless {
        Framing::Length(0)
    } else {
        framing(parsed.headers)?.unwrap_or(Framing::Close)
    };
    let old = parsed.version == Some(0);
    let head = ResponseHead {
        status,
        framing,
        upgrades: status == 101,
        stays_open: !old && !has_token(parsed.headers, "connection", "close"),
    };
    Ok(Some((head, length)))
}

fn whole(
    parsed: httparse::Result<usize>,
    bytes: &[u8],
    otherwise: &'static str,
) -> Result<Option<usize>, Ambiguous> {
    match parsed {
        Ok(Status::Complete(length)) => Ok(Some(length)),
        Ok(Status::Partial) if bytes.len() > LONGEST => Err(Ambiguous("a head without an end")),
        Ok(Status::Partial) => Ok(None),
        Err(_) => Err(Ambiguous(otherwise)),
    }
}

/// How the headers delimit the body; `None` when they say nothing.
fn framing(headers: &[Header]) -> Result<Option<Framing>, Ambiguous> {
    let values = |name: &'static str| {
        let of = headers
            .iter()
            .filter(move |header| header.name.eq_ignore_ascii_case(name));
        of.map(|header| header.value.trim_ascii())
    };
    let coded: Vec<&[u8]> = values("transfer-encoding").collect();
    let mut lengths = values("content-length");
    match (&coded[..], lengths.next()) {
        ([], None) => Ok(None),
        ([], Some(first)) => {
            if lengths.any(|other| other != first) {
                return Err(Ambiguous("two lengths"));
            }
            let digits = str::from_utf8(first).ok();
            let digits = digits.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
            let length = digits.and_then(|text| text.parse().ok());
            let length = length.ok_or(Ambiguous("a length that is no number"))?;
            Ok(Some(Framing::Length(length)))
        }
        (_, Some(_)) => Err(Ambiguous("a length and a transfer coding")),
        ([coding], None) if coding.eq_ignore_ascii_case(b"chunked") => Ok(Some(Framing::Chunked)),
        (_, None) => Err(Ambiguous("a transfer coding other than chunks")),
    }
}

fn has_token(headers: &[Header], name: &str, token: &str) -> bool {
    let named = headers
        .iter()
        .filter(|header| header.name.eq_ignore_ascii_case(name));
    named
        .flat_map(|header| header.value.split(|byte| *byte == b','))
        .any(|value| value.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `|` stands for the end of a line.
    fn bytes(text: &str) -> Vec<u8> {
        text.replace('|', "\r\n").into_bytes()
    }

    #[track_caller]
    fn check_request(text: &str, expected: &str) {
        let bytes = bytes(text);
        let shown = match request(&bytes) {
            Err(why) => why.to_string(),
            Ok(None) => "partial".to_owned(),
            Ok(Some((head, length))) => {
                assert_eq!(length, bytes.len());
                let expects = if head.expects_continue { " waits" } else { "" };
                format!(
                    "{} {} {:?}{expects}",
                    head.method, head.target, head.framing
                )
            }
        };
        assert_eq!(shown, expected);
    }

    #[track_caller]
    fn check_response(method: &str, text: &str, expected: &str) {
        let bytes = bytes(text);
        let shown = match response(&bytes, method) {
            Err(why) => why.to_string(),
            Ok(None) => "partial".to_owned(),
            Ok(Some((head, _))) => {
                let upgrades = if head.upgrades { " upgrades" } else { "" };
                let closes = if head.stays_open { "" } else { " closes" };
                format!("{} {:?}{upgrades}{closes}", head.status, head.framing)
            }
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn requests_say_how_their_bodies_end() {
        check_request("GET /_ping HTTP/1.1|Host: d||", "GET /_ping Length(0)");
        check_request(
            "POST /a?b=c HTTP/1.1|content-length: 12||",
            "POST /a?b=c Length(12)",
        );
        check_request(
            "POST /build HTTP/1.1|Transfer-Encoding: Chunked||",
            "POST /build Chunked",
        );
        check_request(
            "POST /x HTTP/1.1|Expect: 100-Continue|Content-Length: 1||",
            "POST /x Length(1) waits",
        );
        check_request("POST /x HTTP/1.1|Content-Length: 3", "partial");
        check_request("", "partial");
    }

    #[test]
    fn a_request_with_two_meanings_is_none() {
        for (headers, why) in [
            ("Content-Length: 1|Content-Length: 2", "two lengths"),
            ("Content-Length: +1", "a length that is no number"),
            ("Content-Length: 1, 1", "a length that is no number"),
            (
                "Content-Length: 1|Transfer-Encoding: chunked",
                "a length and a transfer coding",
            ),
            (
                "Transfer-Encoding: gzip, chunked",
                "a transfer coding other than chunks",
            ),
        ] {
            check_request(&format!("POST / HTTP/1.1|{headers}||"), why);
        }
        check_request("CONNECT d:1 HTTP/1.1||", "a tunnel");
        check_request("\x16\x03\x01", "no request of HTTP/1.1");
        let endless = format!("GET / HTTP/1.1|A: {}", "x".repeat(LONGEST));
        check_request(&endless, "a head without an end");
    }

    #[test]
    fn responses_say_how_their_bodies_end() {
        check_response(
            "GET",
            "HTTP/1.1 200 OK|Content-Length: 5||",
            "200 Length(5)",
        );
        check_response(
            "HEAD",
            "HTTP/1.1 200 OK|Content-Length: 5||",
            "200 Length(0)",
        );
        check_response("POST", "HTTP/1.1 204 No Content||", "204 Length(0)");
        check_response(
            "GET",
            "HTTP/1.1 304 Not Modified|Content-Length: 9||",
            "304 Length(0)",
        );
        check_response("POST", "HTTP/1.1 100 Continue||", "100 Length(0)");
        check_response(
            "POST",
            "HTTP/1.1 101 UPGRADED|Connection: Upgrade|Upgrade: tcp||",
            "101 Length(0) upgrades",
        );
        check_response(
            "POST",
            "HTTP/1.1 200 OK|Content-Type: application/vnd.docker.raw-stream||",
            "200 Close",
        );
        check_response(
            "GET",
            "HTTP/1.1 500 Oops|Transfer-Encoding: chunked|Connection: keep, Close||",
            "500 Chunked closes",
        );
        check_response("GET", "HTTP/1.0 200 OK||", "200 Close closes");
        check_response("GET", "HTTP/1.1 200", "partial");
        check_response("GET", "hello", "no response of HTTP/1.1");
    }
}
