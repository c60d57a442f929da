//! A chain as one sentence with subject and object, and the names of its processes and containers.

use std::time::Duration;

use super::chain::Chain;
use super::clause::Speaker;
use super::client;
use super::graph::Graph;
use super::want::{Holder, What, short_id};
use crate::model::{ContainerFact, Movement, PipeFact};

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
        // Of a holder of whom nothing is known there is nothing to say.
        if place > 0 && matches!(link.want.what, What::Unknown(_)) {
            break;
        }
        text += if place == 0 { " " } else { ", which " };
        text += &speaker.clause(link);
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
