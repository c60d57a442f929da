//! The guess which scripts need an engine, made from their lines before they run.
//!
//! A guess only: programs may call an engine without any line saying so, which the harness notices
//! when it happens. Must not know the environment: only `$ENGINE` is recognised.

use super::{Line, Script, lex};

const ENGINES: [&[u8]; 2] = [b"docker", b"podman"];
const SHELLS: [&[u8]; 5] = [b"sh", b"bash", b"dash", b"ash", b"zsh"];

/// The first line, from 1, that runs an engine's client.
pub fn drives_engine(script: &Script) -> Option<u32> {
    let lines = script.archive.comment.split(|byte| *byte == b'\n');
    lines
        .zip(1_u32..)
        .find(|(line, _)| runs_engine(line))
        .map(|(_, number)| number)
}

fn runs_engine(line: &[u8]) -> bool {
    // Any engine's name does for the value of the variable.
    let lookup = |name: &[u8]| (name == b"ENGINE").then(|| b"docker".to_vec());
    // A line that cannot be split may never be reached, and fails without an engine.
    let Ok(words) = lex::words(line, &lookup) else {
        return false;
    };
    let mut line = Line { words };
    while let Ok(Some(_)) = line.next_condition() {}
    if line.negation().is_err() {
        return false;
    }
    let words = behind_prefixes(&line.words);
    let Some((command, arguments)) = words.split_first() else {
        return false;
    };
    is_engine(command)
        || (SHELLS.contains(&base(command)) && shell_text(arguments).is_some_and(has_engine))
}

/// The words from the command that does the work: behind `exec`, our commands that take a command, and
/// programs that run another.
fn behind_prefixes(mut words: &[Vec<u8>]) -> &[Vec<u8>] {
    while let Some((first, rest)) = words.split_first() {
        let takes_value = match base(first) {
            b"exec" | b"!" => {
                words = rest;
                continue;
            }
            b"until" | b"defer" | b"nohup" | b"time" | b"setsid" => "",
            b"env" => "uC",
            b"sudo" => "ugpCDRThrtU",
            b"timeout" => "sk",
            b"nice" => "n",
            _ => return words,
        };
        words = behind_options(rest, takes_value);
    }
    words
}

/// Leaves out flags, with the words that belong to them, assignments and durations.
fn behind_options<'a>(mut words: &'a [Vec<u8>], takes_value: &str) -> &'a [Vec<u8>] {
    while let Some((first, rest)) = words.split_first() {
        words = match first.as_slice() {
            [b'-', flag] if takes_value.as_bytes().contains(flag) => rest.get(1..).unwrap_or(rest),
            [b'-' | b'0'..=b'9', ..] => rest,
            word if word.contains(&b'=') => rest,
            _ => return words,
        };
    }
    words
}

/// The text after `-c`, also in a bundle such as `-ec`.
fn shell_text(arguments: &[Vec<u8>]) -> Option<&[u8]> {
    let is_flag =
        |word: &Vec<u8>| word.starts_with(b"-") && !word.starts_with(b"--") && word.contains(&b'c');
    let flag = arguments.iter().position(is_flag)?;
    arguments.get(flag + 1).map(Vec::as_slice)
}

/// Whether one of the words of a shell's text is an engine. No shell grammar: this is a guess.
fn has_engine(text: &[u8]) -> bool {
    let separates = |byte: &u8| b" \t\r;|&()<>`\"'".contains(byte);
    text.split(separates).any(|word| {
        // `{` and `}` cannot separate, since they hold the variable's name.
        matches!(word, b"$ENGINE" | b"${ENGINE}") || is_engine(word)
    })
}

fn is_engine(word: &[u8]) -> bool {
    ENGINES.contains(&base(word))
}

/// The last part of a path.
fn base(word: &[u8]) -> &[u8] {
    word.rsplit(|byte| *byte == b'/').next().unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::Dialect;

    #[track_caller]
    fn check(text: &str, wanted: Option<u32>) {
        let (script, _) = Script::parse("a.txtar", text.as_bytes(), Dialect::Shakedown);
        assert_eq!(drives_engine(&script), wanted, "{text}");
    }

    #[test]
    fn an_engine_as_command_word_counts() {
        for line in [
            "docker ps",
            "exec docker ps",
            "exec podman ps &",
            "$ENGINE ps",
            "exec ${ENGINE} ps",
            "! exec /usr/bin/podman ps",
            "[linux] [!short] ! exec $ENGINE ps",
            "'docker' ps",
        ] {
            check(line, Some(1));
            check(&format!("# phase\n\nexec true\n{line}\n"), Some(4));
        }
    }

    #[test]
    fn an_engine_behind_what_runs_it_counts() {
        for line in [
            "until exec $ENGINE ps",
            "until -timeout=5s -every=1s ! exec $ENGINE ps",
            "defer $ENGINE rm x",
            "defer ! exec docker rm x",
            "until exec sh -c '$ENGINE ps | grep x'",
            "timeout 5 docker ps",
            "exec timeout -k 2 -s KILL 1.5m podman ps",
            "exec env -i A=b docker ps",
            "env A=b docker ps",
            "sudo docker ps",
            "exec sudo -E -u root /usr/bin/docker ps",
            "exec nice -n 5 nohup setsid docker ps",
            "exec sudo env A=b timeout 5 docker ps",
        ] {
            check(line, Some(1));
        }
    }

    #[test]
    fn an_engine_in_a_shells_text_counts() {
        for line in [
            "exec sh -c 'docker ps'",
            "exec bash -ec 'set -x; $ENGINE ps | wc -l'",
            "exec sh -e -c 'id=$(${ENGINE} create x)'",
            "exec /bin/sh -c 'true&&podman ps'",
        ] {
            check(line, Some(1));
        }
    }

    #[test]
    fn an_engine_elsewhere_does_not_count() {
        for text in [
            "exec echo docker",
            "exec dockerd",
            "stdout docker",
            "[exec:docker] exec true",
            "[docker]",
            "!",
            "# docker ps",
            "#: container = true\n",
            "env ENGINE=podman",
            "exec sh -c 'docker-compose up'",
            "exec sh docker",
            "exec timeout 5 echo docker",
            "exec sudo -u docker ls",
            "defer rm docker",
            "until",
            "until stdout docker",
            "sudo",
            "docker 'unterminated",
            "exec",
            "",
            "-- run.sh --\ndocker ps\n",
        ] {
            check(text, None);
        }
    }
}
