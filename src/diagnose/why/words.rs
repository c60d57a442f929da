//! A chain as one sentence with subject and object.
//!
//! Says what was found and nothing more. What is not known is said with its reason.

use std::time::Duration;

use super::chain::{Chain, Link};
use super::client;
use super::graph::Graph;
use super::want::{Holder, Want, What, short_id};
use crate::model::{ContainerFact, LockKind, Movement, PipeFact};

/// Longer names are cut.
const LONGEST_NAME: usize = 40;

/// The whole sentence, without a full stop.
pub(super) fn sentence(graph: &Graph<'_>, chain: &Chain<'_>, movement: &Movement) -> String {
    let speaker = Speaker { graph, movement };
    let Some(first) = chain.links.first() else {
        return String::new();
    };
    let round = chain
        .circle
        .is_some_and(|start| chain.links.len() - start > 1);
    let mut text = if round {
        "deadlock: ".to_owned()
    } else {
        String::new()
    };
    text += &name(graph, first.pid);
    for (place, link) in chain.links.iter().enumerate() {
        let is_last = place + 1 == chain.links.len();
        // Of a holder of whom nothing is known there is nothing to say.
        if place > 0 && matches!(link.want.what, What::Unknown(_)) {
            break;
        }
        text += if place == 0 { " " } else { ", which " };
        text += &speaker.clause(link, is_last);
    }
    one_line(&text)
}

/// `invowk (4711)`; for a client of an engine with its sub-command: `podman run (4720)`.
pub(super) fn name(graph: &Graph<'_>, pid: i32) -> String {
    if graph.slot() == Some(pid) {
        return format!("this script's slot ({pid})");
    }
    let Some(process) = graph.process(pid) else {
        return format!("process {pid}");
    };
    format!("{} ({pid})", short_name(&process.command))
}

/// The program's name without its folder.
pub(super) fn short_name(command: &str) -> String {
    if let Some((program, asked)) = client::subcommand(command) {
        let asked: String = asked.chars().take(LONGEST_NAME).collect();
        return format!("{program} {asked}");
    }
    let program = if command.starts_with('[') {
        command
    } else {
        command.split_whitespace().next().unwrap_or_default()
    };
    let program = program.rsplit('/').next().unwrap_or_default();
    let program = program.trim_start_matches('-');
    if program.is_empty() {
        return "a process without a name".to_owned();
    }
    program.chars().take(LONGEST_NAME).collect()
}

/// `container c0ffee12 ("lk")`.
pub(super) fn container_name(id: &str, known: Option<&ContainerFact>) -> String {
    let short = short_id(id);
    match known.filter(|container| !container.name.is_empty()) {
        Some(container) => format!("container {short} (\"{}\")", container.name),
        None => format!("container {short}"),
    }
}

/// `image debian, running`, in brackets; nothing when nothing is known.
pub(super) fn container_state(known: Option<&ContainerFact>) -> String {
    let Some(container) = known else {
        return String::new();
    };
    let mut parts = Vec::new();
    if !container.image.is_empty() {
        parts.push(format!("image {}", container.image));
    }
    if !container.state.is_empty() {
        let since = container
            .since
            .map(|since| format!(" for {}", seconds(since)));
        parts.push(
            match container.exit_code.filter(|_| container.state != "running") {
                Some(code) => format!("{} with status {code}", container.state),
                None => format!("{}{}", container.state, since.unwrap_or_default()),
            },
        );
    }
    if parts.is_empty() {
        String::new()
    } else {
        format!(" [{}]", parts.join(", "))
    }
}

/// No control characters, no line ends.
pub(super) fn one_line(text: &str) -> String {
    text.chars()
        .map(|letter| {
            if letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}') {
                ' '
            } else {
                letter
            }
        })
        .collect()
}

pub(super) fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

/// `, fd 9`, when it is known.
pub(super) fn descriptor(holder: Holder) -> String {
    holder
        .fd
        .map_or_else(String::new, |fd| format!(", fd {fd}"))
}

/// `empty`, `full (65536 of 65536 bytes)`, `1200 of 65536 bytes`; nothing when it could not be asked.
pub(super) fn filling(pipe: &PipeFact) -> Option<String> {
    match (pipe.waiting?, pipe.capacity) {
        (0, _) => Some("empty".to_owned()),
        (waiting, Some(capacity)) => Some(format!("{waiting} of {capacity} bytes")),
        (waiting, None) => Some(format!("{waiting} bytes")),
    }
}

#[derive(Debug)]
struct Speaker<'g, 's> {
    graph: &'g Graph<'s>,
    movement: &'g Movement,
}

impl Speaker<'_, '_> {
    /// What a process waits for, up to the one who could give it.
    fn clause(&self, link: &Link<'_>, is_last: bool) -> String {
        let want = &link.want;
        let doubt = |text: String| match want.doubt {
            Some(why) => format!("{text} (unknown which: {why})"),
            None => text,
        };
        match &want.what {
            What::End {
                pipe,
                child_gone,
                own,
            } => self.end(link, pipe, *child_gone, *own),
            What::Output(pipe) => doubt(format!(
                "waits for the output ({}) of its child {}",
                pipe.name,
                self.to(link)
            )),
            What::Room(pipe) => doubt(self.room(link, pipe)),
            What::Partner("") => format!(
                "waits for a partner at a FIFO whose path is unknown{}",
                because(want)
            ),
            What::Partner(path) => {
                format!(
                    "waits for a partner at the FIFO {path}, which nobody has open at the other end"
                )
            }
            What::Lock { kind, path } => self.lock(link, *kind, path),
            What::Answer(socket) => {
                let unread = match socket.peer_unread {
                    Some(0) => " (it has read everything sent)".to_owned(),
                    Some(bytes) => format!(" (it has not read {bytes} bytes)"),
                    None => String::new(),
                };
                let from = peer(&want.what.resource());
                doubt(format!(
                    "waits for an answer from {from}{unread}{}",
                    self.server(link)
                ))
            }
            What::Connection("") => {
                format!("waits for a connection to be accepted{}", because(want))
            }
            What::Connection(path) => format!(
                "waits for {} to accept its connection{}",
                peer(path),
                self.server(link)
            ),
            What::Child if link.to.is_none() => "waits for a child that was not seen".to_owned(),
            What::Child => format!("waits for its child {}", self.to(link)),
            What::Container { id, known, helper } => {
                let verb = if *helper {
                    "lives as long as"
                } else {
                    "waits for"
                };
                let state = container_state(*known);
                format!("{verb} {}{state}", container_name(id, *known))
            }
            What::Continuation => "is stopped and waits to be continued".to_owned(),
            What::Kernel {
                path: "",
                wchan: "",
            } => "waits in the kernel for a file system or device".to_owned(),
            What::Kernel { path: "", wchan } => {
                format!("waits in the kernel for a file system or device ({wchan})")
            }
            What::Kernel { path, wchan } => {
                format!("waits in the kernel for the file system or device of {path} ({wchan})")
            }
            What::Terminal("") => "waits for input from its terminal".to_owned(),
            What::Terminal(path) => format!("waits for input from the terminal {path}"),
            What::Processor => self.computes().to_owned(),
            What::Time => "sleeps".to_owned(),
            What::Event(text) => text.clone(),
            What::Unknown(why) => {
                let nobody = if is_last {
                    "waits for what cannot be told"
                } else {
                    "waits"
                };
                format!("{nobody} (unknown: {why})")
            }
        }
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

    fn end(&self, link: &Link<'_>, pipe: &PipeFact, child_gone: bool, own: bool) -> String {
        let what = if child_gone {
            format!(
                "end-of-file on the output ({}) of a child that has already exited",
                pipe.name
            )
        } else {
            format!("input or end-of-file on {}", pipe_name(&pipe.name))
        };
        let what = match link.want.doubt {
            Some(why) => format!("{what} (unknown which: {why})"),
            None => what,
        };
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
        let only = if own { "only " } else { "" };
        format!(
            "waits for {what}; the pipe is still open for writing {only}in {}{}{others}",
            self.to(link),
            descriptor(holder)
        )
    }

    fn room(&self, link: &Link<'_>, pipe: &PipeFact) -> String {
        let filling = filling(pipe).map_or_else(String::new, |filling| format!(" ({filling})"));
        let pipe = pipe_name(&pipe.name);
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
        let libpod = link.want.what.class() == crate::model::HangClass::LockLibpod;
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

/// ` (not permitted)`.
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
