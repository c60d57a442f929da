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
    let words = match line.words.split_first() {
        Some((first, rest)) if first == b"exec" => rest,
        _ => line.words.as_slice(),
    };
    let Some((command, arguments)) = words.split_first() else {
        return false;
    };
    is_engine(command)
        || (SHELLS.contains(&base(command)) && shell_text(arguments).is_some_and(has_engine))
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
            "docker 'unterminated",
            "exec",
            "",
            "-- run.sh --\ndocker ps\n",
        ] {
            check(text, None);
        }
    }
}
