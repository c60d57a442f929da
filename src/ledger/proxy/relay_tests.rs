//! One connection from both of its ends: who closes what, and who notices.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::sync::mpsc::{self, Receiver, Sender};

use super::*;
use crate::engine::http::RequestHead;
use crate::ledger::proxy::conversation::{Interest, Judgement};

/// Takes every POST for something that makes, and tells what it hears.
struct Told(Sender<String>);

impl Witness for Told {
    fn interest(&mut self, head: &RequestHead) -> Interest {
        match head.method.as_str() {
            "POST" => Interest::Whole,
            _ => Interest::None,
        }
    }

    fn judge(&mut self, head: &RequestHead, _: Option<&[u8]>) -> Judgement {
        match head.target.as_str() {
            "/refuse" => Judgement::Refuse("no".to_owned()),
            "/watch" => Judgement::PassAndWatch,
            _ => Judgement::PassAndHear,
        }
    }

    fn hear(&mut self, status: u16, body: Option<&[u8]>) {
        let body = body.map(String::from_utf8_lossy);
        self.0.send(format!("{status} {body:?}")).unwrap();
    }

    fn watch(&mut self, _: u16, data: &[u8]) {
        self.0
            .send(String::from_utf8_lossy(data).into_owned())
            .unwrap();
    }

    fn watched(&mut self) {
        self.0.send("watched".to_owned()).unwrap();
    }

    fn lost(&mut self, why: &'static str) {
        self.0.send(why.to_owned()).unwrap();
    }
}

struct Place {
    client: UnixStream,
    engine: UnixStream,
    stopper: UnixStream,
    told: Receiver<String>,
    thread: std::thread::JoinHandle<io::Result<()>>,
}

fn place() -> Place {
    let (client, near) = UnixStream::pair().unwrap();
    let (far, engine) = UnixStream::pair().unwrap();
    let (stopper, stop) = UnixStream::pair().unwrap();
    let (sender, told) = mpsc::channel();
    for socket in [&client, &engine] {
        socket
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
    }
    let thread = std::thread::spawn(move || relay(near, far, Told(sender), &stop));
    Place {
        client,
        engine,
        stopper,
        told,
        thread,
    }
}

fn read(mut socket: &UnixStream, length: usize) -> String {
    let mut bytes = vec![0; length];
    socket.read_exact(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn rest(mut socket: &UnixStream) -> String {
    let mut text = String::new();
    socket.read_to_string(&mut text).unwrap();
    text
}

const MAKE: &str = "POST /x HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}";
const WATCH: &str = "POST /watch HTTP/1.1\r\nContent-Length: 0\r\n\r\n";
const MADE: &str = "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}";
const ATTACH: &str = "GET /attach HTTP/1.1\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n\r\n";
const ATTACHED: &str = "HTTP/1.1 101 UPGRADED\r\n\r\n";

impl Place {
    /// Client and engine talk another protocol from now on.
    fn attach(&self) {
        (&self.client).write_all(ATTACH.as_bytes()).unwrap();
        assert_eq!(read(&self.engine, ATTACH.len()), ATTACH);
        (&self.engine).write_all(ATTACHED.as_bytes()).unwrap();
        assert_eq!(read(&self.client, ATTACHED.len()), ATTACHED);
    }

    fn finish(self) -> Vec<String> {
        self.thread.join().unwrap().unwrap();
        self.told.into_iter().collect()
    }
}

#[test]
fn each_direction_ends_by_itself() {
    let place = place();
    place.attach();
    (&place.client).write_all(b"input").unwrap();
    place.client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&place.engine), "input");
    (&place.engine).write_all(b"output").unwrap();
    place.engine.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&place.client), "output");
    assert_eq!(place.finish(), [""; 0]);
    // The other way round: a container that closes its output may still read.
    let place = self::place();
    place.attach();
    place.engine.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&place.client), "");
    (&place.client).write_all(b"input").unwrap();
    place.client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&place.engine), "input");
    assert_eq!(place.finish(), [""; 0]);
}

#[test]
fn a_side_that_closes_takes_the_other_along() {
    let place = place();
    place.attach();
    (&place.client).write_all(b"last words").unwrap();
    let Place {
        client,
        engine,
        thread,
        stopper: _stopper,
        ..
    } = place;
    drop(client);
    assert_eq!(rest(&engine), "last words");
    thread.join().unwrap().unwrap();
    let place = self::place();
    place.attach();
    let Place {
        client,
        engine,
        thread,
        stopper: _stopper,
        ..
    } = place;
    (&engine).write_all(b"last words").unwrap();
    drop(engine);
    assert_eq!(rest(&client), "last words");
    thread.join().unwrap().unwrap();
}

#[test]
fn what_the_engine_makes_for_a_client_that_is_gone_is_heard() {
    let Place {
        client,
        engine,
        told,
        thread,
        stopper: _stopper,
    } = place();
    (&client).write_all(MAKE.as_bytes()).unwrap();
    assert_eq!(read(&engine, MAKE.len()), MAKE);
    drop(client);
    // It does not notice: that would be its end to read.
    engine.set_nonblocking(true).unwrap();
    let error = (&engine).read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    (&engine).write_all(MADE.as_bytes()).unwrap();
    assert_eq!(told.recv().unwrap(), "201 Some(\"{}\")");
    thread.join().unwrap().unwrap();
}

#[test]
fn an_engine_that_streams_notices_that_its_client_is_gone_and_is_heard_out() {
    let Place {
        client,
        engine,
        told,
        thread,
        stopper: _stopper,
    } = place();
    (&client).write_all(WATCH.as_bytes()).unwrap();
    assert_eq!(read(&engine, WATCH.len()), WATCH);
    (&engine)
        .write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nstep\r\n")
        .unwrap();
    assert_eq!(told.recv().unwrap(), "step");
    drop(client);
    assert_eq!(rest(&engine), "");
    (&engine).write_all(b"3\r\nend\r\n0\r\n\r\n").unwrap();
    assert_eq!(told.recv().unwrap(), "end");
    assert_eq!(told.recv().unwrap(), "watched");
    thread.join().unwrap().unwrap();
}

#[test]
fn the_end_of_the_attempt_ends_what_is_open() {
    let place = place();
    place.attach();
    let Place {
        client,
        engine,
        thread,
        stopper,
        ..
    } = place;
    drop(stopper);
    thread.join().unwrap().unwrap();
    assert_eq!(rest(&client), "");
    assert_eq!(rest(&engine), "");
}

#[test]
fn who_is_refused_hears_why_even_while_it_is_talking() {
    let place = place();
    let long = 3 << 20;
    let head = format!("POST /refuse HTTP/1.1\r\nContent-Length: {long}\r\n\r\n");
    let mut client = place.client.try_clone().unwrap();
    let talker = std::thread::spawn(move || {
        client.write_all(head.as_bytes()).unwrap();
        client.write_all(&vec![b' '; long + 100_000]).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
    });
    assert!(rest(&place.client).starts_with("HTTP/1.1 500 "));
    talker.join().unwrap();
    assert_eq!(rest(&place.engine), "");
    assert_eq!(place.finish(), [""; 0]);
}

#[test]
fn much_passes_both_ways_at_once() {
    let place = place();
    place.attach();
    let bytes: Vec<u8> = (0..8_000_000_u32)
        .map(|number| number.to_le_bytes()[0])
        .collect();
    let sender = |socket: &UnixStream| {
        let (mut socket, bytes) = (socket.try_clone().unwrap(), bytes.clone());
        std::thread::spawn(move || {
            socket.write_all(&bytes).unwrap();
            socket.shutdown(Shutdown::Write).unwrap();
        })
    };
    let receiver = |socket: &UnixStream| {
        let (mut socket, bytes) = (socket.try_clone().unwrap(), bytes.clone());
        std::thread::spawn(move || {
            let mut received = Vec::new();
            socket.read_to_end(&mut received).unwrap();
            assert!(received == bytes);
        })
    };
    for thread in [
        sender(&place.client),
        sender(&place.engine),
        receiver(&place.client),
        receiver(&place.engine),
    ] {
        thread.join().unwrap();
    }
    assert_eq!(place.finish(), [""; 0]);
}
