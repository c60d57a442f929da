//! What an engine tells of as it happens: the things that come into being in it, whoever makes them. One connection,
//! on which the engine speaks and nothing is asked again. Docker's interface.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::presence::escaped;
use crate::engine::http::{self, Body};
use crate::host::{socket, unix_sockets};
use crate::model::{Resource, ResourceKind};

/// Something was made in the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Creation {
    /// What. A volume's id is its name.
    pub resource: Resource,
    /// The keys of its labels, among other words of the engine's; of containers only.
    pub keys: Vec<String>,
}

/// The engine's account of what is made in it.
#[derive(Debug)]
pub struct Creations {
    stream: UnixStream,
    body: Option<Body>,
    /// Bytes of the answer that were not read yet.
    bytes: Vec<u8>,
    /// What was said, without the lines that were handed on.
    said: Vec<u8>,
}

impl Creations {
    /// Asks for what is made from this time on, given since 1970; containers, networks and volumes.
    pub fn since(engine: &Path, since: Duration, limit: Duration) -> io::Result<Creations> {
        let mut stream = socket::connect_within(engine, limit)?;
        stream.set_write_timeout(Some(limit))?;
        let filters = serde_json::json!({
            "event": ["create"],
            "type": ["container", "network", "volume"],
        });
        let (filters, from) = (escaped(&filters.to_string()), since.as_secs());
        let nanos = since.subsec_nanos();
        let target = format!("/events?since={from}.{nanos:09}&filters={filters}");
        stream.write_all(format!("GET {target} HTTP/1.1\r\nHost: engine\r\n\r\n").as_bytes())?;
        Ok(Creations {
            stream,
            body: None,
            bytes: Vec::new(),
            said: Vec::new(),
        })
    }

    /// The sockets, by their inodes, that are connected to the same engine on this machine.
    pub fn fellows(&self) -> io::Result<BTreeSet<u64>> {
        unix_sockets::fellows(&self.stream)
    }

    /// What ends it from another thread.
    pub fn stopper(&self) -> io::Result<Stopper> {
        self.stream.try_clone().map(Stopper)
    }

    /// Waits for the next; `None` when the engine says no more, or was stopped.
    pub fn await_next(&mut self) -> Option<Creation> {
        let mut chunk = [0; 16 * 1024];
        loop {
            if let Some(end) = self.said.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.said.drain(..=end).collect();
                match creation(&line) {
                    Some(creation) => return Some(creation),
                    None => continue,
                }
            }
            let count = match self.stream.read(&mut chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Ok(count) if count > 0 => count,
                Ok(_) | Err(_) => return None,
            };
            self.bytes.extend_from_slice(chunk.get(..count)?);
            self.take()?;
        }
    }

    /// Reads what has come; `None` when no more can be made of it.
    fn take(&mut self) -> Option<()> {
        if self.body.is_none()
            && let Some((head, length)) = http::response(&self.bytes, "GET").ok()?
        {
            self.bytes.drain(..length);
            self.body = (head.status == 200).then(|| Body::new(head.framing));
            self.body.as_ref()?;
        }
        if let Some(body) = &mut self.body {
            let said = &mut self.said;
            let mut take = |piece: &[u8]| said.extend_from_slice(piece);
            let taken = body.take(&self.bytes, &mut take).ok()?;
            self.bytes.drain(..taken);
        }
        Some(())
    }
}

/// Ends an account that another thread reads.
#[derive(Debug)]
pub struct Stopper(UnixStream);

impl Drop for Stopper {
    fn drop(&mut self) {
        // One that has ended already needs no telling.
        drop(self.0.shutdown(Shutdown::Both));
    }
}

fn creation(line: &[u8]) -> Option<Creation> {
    let event: Value = serde_json::from_slice(line).ok()?;
    let kind = match event.get("Type")?.as_str()? {
        "container" => ResourceKind::Container,
        "network" => ResourceKind::Network,
        "volume" => ResourceKind::Volume,
        _ => return None,
    };
    if event.get("Action")?.as_str()? != "create" {
        return None;
    }
    let actor = event.get("Actor")?;
    let id = actor.get("ID")?.as_str().filter(|id| !id.is_empty())?;
    let attributes = actor.get("Attributes").and_then(Value::as_object);
    let name = attributes.and_then(|all| all.get("name")?.as_str());
    Some(Creation {
        resource: Resource {
            kind,
            id: id.to_owned(),
            name: name.unwrap_or_default().to_owned(),
        },
        keys: attributes
            .into_iter()
            .flatten()
            .map(|(key, _)| key.clone())
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    /// As Docker 20.10 writes them, cut where they were of no use.
    const CONTAINER: &str = r#"{"status":"create","id":"e1","from":"base:1","Type":"container","Action":"create","Actor":{"ID":"e1","Attributes":{"dev.shakedown.run":"r1","image":"base:1","name":"web"}},"scope":"local","time":1763746057,"timeNano":1763746057123456789}"#;
    const VOLUME: &str = r#"{"Type":"volume","Action":"create","Actor":{"ID":"data","Attributes":{"driver":"local"}},"scope":"local","time":1763746057}"#;

    #[test]
    fn what_is_made_is_read_from_each_line() {
        let read = |line: &str| creation(line.as_bytes()).map(|made| (made.resource, made.keys));
        let (container, keys) = read(CONTAINER).unwrap();
        assert_eq!(
            (
                container.kind,
                container.id.as_str(),
                container.name.as_str()
            ),
            (ResourceKind::Container, "e1", "web")
        );
        assert!(keys.contains(&"dev.shakedown.run".to_owned()), "{keys:?}");
        let (volume, _) = read(VOLUME).unwrap();
        assert_eq!(
            (volume.kind, volume.id.as_str()),
            (ResourceKind::Volume, "data")
        );
        for nothing in [
            "{}",
            "",
            "null",
            &CONTAINER.replace("\"Action\":\"create\"", "\"Action\":\"start\""),
            &CONTAINER.replace("\"Type\":\"container\"", "\"Type\":\"image\""),
            &VOLUME.replace("\"data\"", "\"\""),
        ] {
            assert_eq!(read(nothing), None, "{nothing}");
        }
    }

    /// Serves one connection with these pieces, and keeps it open until it is closed from the other side.
    fn serve(pieces: &[&str]) -> Vec<String> {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("engine");
        let listener = UnixListener::bind(&path).unwrap();
        let (sender, asked) = std::sync::mpsc::channel();
        let pieces: Vec<String> = pieces.iter().map(|piece| (*piece).to_owned()).collect();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let count = stream.read(&mut request).unwrap();
            sender.send(request[..count].to_vec()).unwrap();
            for piece in &pieces {
                stream.write_all(piece.as_bytes()).unwrap();
            }
            stream.shutdown(Shutdown::Write).unwrap();
            while stream.read(&mut request).is_ok_and(|count| count > 0) {}
        });
        let since = Duration::new(1_763_746_057, 5_000_000);
        let mut account = Creations::since(&path, since, Duration::from_secs(5)).unwrap();
        let mut found = Vec::new();
        while let Some(creation) = account.await_next() {
            found.push(creation.resource.id);
        }
        drop(account);
        server.join().unwrap();
        let asked = String::from_utf8(asked.recv().unwrap()).unwrap();
        assert!(
            asked.starts_with("GET /events?since=1763746057.005000000&filters=%7B"),
            "{asked}"
        );
        found
    }

    #[test]
    fn an_account_is_read_however_it_is_cut() {
        let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let (one, two) = (format!("{CONTAINER}\n"), format!("{VOLUME}\n"));
        let (left, right) = two.split_at(40);
        assert_eq!(
            serve(&[head, &chunk(&one), &chunk(left), &chunk(right)]),
            ["e1", "data"]
        );
        assert_eq!(
            serve(&[&format!("{head}{}", chunk(&format!("{one}{two}")))]),
            ["e1", "data"]
        );
        let refusal = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(serve(&[refusal]), [""; 0]);
        assert_eq!(serve(&[]), [""; 0]);
    }

    #[test]
    fn a_silent_account_ends_when_it_is_stopped() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("engine");
        let listener = UnixListener::bind(&path).unwrap();
        let mut account = Creations::since(&path, Duration::ZERO, Duration::from_secs(5)).unwrap();
        let kept = listener.accept().unwrap();
        let stopper = account.stopper().unwrap();
        let reader = std::thread::spawn(move || account.await_next());
        drop(stopper);
        assert_eq!(reader.join().unwrap(), None);
        drop(kept);
    }
}
