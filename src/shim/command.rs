//! Which command a command line is, in one word or two. Pure; knows nothing of what it makes.

use std::ffi::OsString;

use super::flags::{self, Piece, Rest, split};

/// Where the subcommand stands, and it with the word behind it, either of them perhaps empty.
pub(super) fn subcommand(words: &[OsString]) -> Option<(usize, [&str; 2])> {
    let first_word = |from: usize| {
        let pieces = split(words, from..words.len(), flags::GLOBAL, Rest::Foreign);
        match pieces.last() {
            Some(Piece::Word(at)) => Some(*at),
            Some(Piece::Flag { .. }) | None => None,
        }
    };
    let text = |at: usize| words[at].to_str().unwrap_or_default();
    let at = first_word(0)?;
    Some((at, [text(at), first_word(at + 1).map_or("", text)]))
}

/// What a command line is to do, in its shortest form: `run` for `container run`, `rmi` for `image rm`. Empty when no
/// word says it.
pub fn command(words: &[OsString]) -> String {
    let (_, found) = subcommand(words).unwrap_or_default();
    match found {
        ["image", "rm" | "remove"] => "rmi".to_owned(),
        ["image" | "builder" | "buildx", "build" | "b"] => "build".to_owned(),
        ["container", "remove"] => "rm".to_owned(),
        ["container" | "image", command] if !command.is_empty() => command.to_owned(),
        [group @ ("volume" | "network" | "pod"), "remove"] => format!("{group} rm"),
        [group, command] if GROUPS.contains(&group) => format!("{group} {command}"),
        [command, _] => command.to_owned(),
    }
}

/// Commands that have commands of their own.
const GROUPS: [&str; 10] = [
    "builder", "buildx", "compose", "machine", "manifest", "network", "pod", "secret", "system",
    "volume",
];
