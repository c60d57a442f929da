//! What one process waits for, as a clause without its subject, up to the one who could give it.
//!
//! Says what was found and nothing more. What is not known is said with its reason.

use super::chain::Link;
use super::graph::Graph;
use super::want::{Want, What};
use super::words::{container_name, container_state, descriptor, filling, name};
use crate::model::{HangClass, LockKind, Movement, PipeFact, SocketFact};

/// Knows the scene that it speaks of.
#[derive(Debug)]
pub(super) struct Speaker<'g, 's> {
    pub(super) graph: &'g Graph<'s>,
    pub(super) movement: &'g Movement,
}

impl Speaker<'_, '_> {
    pub(super) fn clause(&self, link: &Link<'_>) -> String {
        let want = &link.want;
        match &want.what {
            What::End {
                pipe, child_gone, ..
            } => self.end(link, pipe, *child_gone),
            What::Output(pipe) => {
                let (pipe, child) = (&pipe.name, self.to(link));
                format!("waits for the output ({pipe}) of its child {child}")
            }
            What::Room(pipe) => self.room(link, pipe),
            What::Partner(path) => self.partner(want, path),
            What::Lock { kind, path } => self.lock(link, *kind, path),
            What::Answer(socket) => self.answer(link, socket),
            What::Connection("") => {
                format!("waits for a connection to be accepted{}", because(want))
            }
            What::Connection(path) => {
                let (peer, server) = (peer(path), self.server(link));
                format!("waits for {peer} to accept its connection{server}")
            }
            What::Child if link.to.is_none() => "waits for a child that was not seen".to_owned(),
            What::Child => format!("waits for its child {}", self.to(link)),
            What::Signal if link.to.is_none() => "waits for a signal".to_owned(),
            What::Signal => {
                let child = self.to(link);
                format!("waits for a signal, such as comes at the end of its child {child}")
            }
            What::Container { id, known, helper } => {
                let verb = if *helper {
                    "lives as long as"
                } else {
                    "waits for"
                };
                let state = container_state(*known);
                format!("{verb} {}{state}", container_name(id, *known))
            }
            What::Kernel { path, wchan } => in_kernel(path, wchan),
            What::Continuation => "is stopped and waits to be continued".to_owned(),
            What::Terminal("") => "waits for input from its terminal".to_owned(),
            What::Terminal(path) => format!("waits for input from the terminal {path}"),
            What::Processor => self.computes().to_owned(),
            What::Time => "sleeps".to_owned(),
            What::Event(text) => text.clone(),
            What::Unknown(why) => format!("waits for what cannot be told (unknown: {why})"),
        }
    }

    fn partner(&self, want: &Want<'_>, path: &str) -> String {
        if path.is_empty() {
            let why = because(want);
            return format!("waits for somebody to open the other end of a FIFO{why}");
        }
        let pipe = self.graph.pipe(path);
        let nobody = pipe.is_some_and(|pipe| pipe.ends.is_empty());
        let nobody = if nobody {
            ", which nobody has open"
        } else {
            ""
        };
        format!("waits for somebody to open the other end of the FIFO {path}{nobody}")
    }

    fn answer(&self, link: &Link<'_>, socket: &SocketFact) -> String {
        let unread = match socket.peer_unread {
            Some(0) => " (it has read everything sent)".to_owned(),
            Some(bytes) => format!(" (it has not read {bytes} bytes)"),
            None => String::new(),
        };
        let from = peer(&link.want.what.resource());
        let (doubt, server) = (which(&link.want), self.server(link));
        format!("waits for an answer from {from}{unread}{doubt}{server}")
    }

    fn computes(&self) -> &'static str {
        match self.movement {
            Movement::Moving => "computes",
            Movement::Still => "has work, and got no processor time between two looks",
            Movement::Unknown { .. } => "has work",
        }
    }

    /// `cat (12)`, or `itself`.
    fn to(&self, link: &Link<'_>) -> String {
        match link.to {
            Some(holder) if holder.pid == link.pid => "itself".to_owned(),
            Some(holder) => name(self.graph, holder.pid),
            None => "nobody who was seen".to_owned(),
        }
    }

    fn end(&self, link: &Link<'_>, pipe: &PipeFact, child_gone: bool) -> String {
        let what = if child_gone {
            format!(
                "end-of-file on the output ({}) of a child that has already exited",
                pipe.name
            )
        } else {
            format!("input or end-of-file on {}", pipe_name(&pipe.name))
        };
        let what = what + &which(&link.want);
        let Some(holder) = link.to else {
            return format!("waits for {what}; nobody was seen to have it open for writing");
        };
        let others: Vec<String> = link
            .want
            .holders
            .iter()
            .filter(|other| other.pid != holder.pid)
            .map(|other| format!("{}{}", name(self.graph, other.pid), descriptor(*other)))
            .collect();
        let others = match others.as_slice() {
            [] => String::new(),
            [other] => format!(" (and in {other})"),
            [other, rest @ ..] => format!(" (and in {other} and {} more)", rest.len()),
        };
        let own = link.to.is_some_and(|holder| holder.pid == link.pid);
        let only = if own { "only " } else { "" };
        format!(
            "waits for {what}; the pipe is still open for writing {only}in {}{}{others}",
            self.to(link),
            descriptor(holder)
        )
    }

    fn room(&self, link: &Link<'_>, pipe: &PipeFact) -> String {
        let filling = filling(pipe).map_or_else(String::new, |filling| format!(" ({filling})"));
        let pipe = pipe_name(&pipe.name) + &which(&link.want);
        match link.to {
            None => {
                format!("waits for room in {pipe}{filling}, which nobody else has open for reading")
            }
            Some(holder) if self.graph.slot() == Some(holder.pid) => {
                format!(
                    "waits for room in its output {pipe}{filling}, not read by {}",
                    self.to(link)
                )
            }
            Some(holder) => format!(
                "waits for room in {pipe}{filling}, not read by {}{}",
                self.to(link),
                descriptor(holder)
            ),
        }
    }

    fn lock(&self, link: &Link<'_>, kind: Option<LockKind>, path: &str) -> String {
        let libpod = link.want.what.class() == HangClass::LockLibpod;
        let kind = match kind {
            _ if libpod => "libpod's lock in",
            Some(LockKind::Flock) => "the lock (flock) on",
            Some(LockKind::Posix) => "the lock (fcntl) on",
            Some(LockKind::OpenFile) => "the lock (fcntl, of an open file) on",
            Some(LockKind::SharedMemory) => "the mutex in",
            None => "the lock on",
        };
        let path = if path.is_empty() {
            "an unknown file"
        } else {
            path
        };
        match link.to {
            Some(_) => format!("waits for {kind} {path}, held by {}", self.to(link)),
            None => format!(
                "waits for {kind} {path}, whose holder is unknown{}",
                because(&link.want)
            ),
        }
    }

    fn server(&self, link: &Link<'_>) -> String {
        match link.to {
            Some(_) => format!(", served by {}", self.to(link)),
            None => String::new(),
        }
    }
}

/// ` (unknown which: not permitted)`: it is one of several.
fn which(want: &Want<'_>) -> String {
    want.doubt
        .map_or_else(String::new, |why| format!(" (unknown which: {why})"))
}

fn in_kernel(path: &str, wchan: &str) -> String {
    let of = match path {
        "" => "a file system or device".to_owned(),
        path => format!("the file system or device of {path}"),
    };
    match wchan {
        "" => format!("waits in the kernel for {of}"),
        wchan => format!("waits in the kernel for {of} ({wchan})"),
    }
}

/// ` (unknown: not permitted)`.
fn because(want: &Want<'_>) -> String {
    want.doubt
        .map_or_else(String::new, |why| format!(" (unknown: {why})"))
}

/// The engines' own sockets are known by their paths.
fn peer(path: &str) -> String {
    let daemon = match path {
        "/run/docker.sock" | "/var/run/docker.sock" => "the Docker daemon at ",
        _ if path.ends_with("/podman/podman.sock") => "the Podman service at ",
        _ => "",
    };
    format!("{daemon}{path}")
}

/// A FIFO has a path, which does not say what it is.
fn pipe_name(name: &str) -> String {
    if name.starts_with('/') {
        format!("the FIFO {name}")
    } else {
        name.to_owned()
    }
}
