//! Whether a script looks as if it drives an engine. A guess from the text alone: variables are not
//! known, programs can call others. The shim knows better; this only picks the lane to start in.

use super::lex::{self, Stretch, Word};

/// The first line, from 1, that runs `docker`, `podman` or `$ENGINE`.
pub fn drives_engine(script: &[u8]) -> Option<u32> {
    script
        .split(|b| *b == b'\n')
        .zip(1..)
        .find(|(line, _)| mentions_engine(line) && line_drives(line))
        .map(|(_, number)| number)
}

/// A cheap look before the line is taken apart.
fn mentions_engine(line: &[u8]) -> bool {
    ["docker", "podman", "ENGINE"]
        .iter()
        .any(|name| line.windows(name.len()).any(|text| text == name.as_bytes()))
}

fn line_drives(line: &[u8]) -> bool {
    // A malformed line runs nothing.
    let words = lex::split(line).unwrap_or_default();
    let is_guard = |word: &&Word<'_>| {
        let text = word.literal();
        text.starts_with(b"[") && text.ends_with(b"]")
    };
    let guards = words.iter().take_while(is_guard).count();
    command_drives(&words[guards..])
}

/// Whether these words run an engine: bare or after `exec`, `!`, a command that takes a command, or a
/// program that does.
fn command_drives(words: &[Word<'_>]) -> bool {
    for (index, word) in words.iter().enumerate() {
        let text = word.literal();
        match text.as_slice() {
            b"!" | b"exec" | b"until" | b"defer" => {}
            _ if is_engine(word, &text) => return true,
            _ if is_shell(&text) => return shell_drives(&words[index + 1..]),
            wrapper if is_wrapper(wrapper) => {}
            // Options, assignments and durations belong to what came before.
            [b'-' | b'0'..=b'9', ..] if index > 0 => {}
            assignment if index > 0 && assignment.contains(&b'=') => {}
            _ => return false,
        }
    }
    false
}

fn is_engine(word: &Word<'_>, text: &[u8]) -> bool {
    let variable = matches!(
        word.stretches(),
        [Stretch::Plain(b"$ENGINE" | b"${ENGINE}")]
    );
    variable || names_engine(text)
}

/// `docker`, `podman`, or a path of one.
fn names_engine(program: &[u8]) -> bool {
    let name = program.rsplit(|b| *b == b'/').next();
    matches!(name, Some(b"docker" | b"podman"))
}

fn is_shell(program: &[u8]) -> bool {
    let name = program.rsplit(|b| *b == b'/').next();
    matches!(name, Some(b"sh" | b"bash" | b"dash" | b"zsh" | b"ksh"))
}

/// Programs that run the program in their words.
fn is_wrapper(program: &[u8]) -> bool {
    matches!(
        program,
        b"env"
            | b"sudo"
            | b"timeout"
            | b"nice"
            | b"nohup"
            | b"setsid"
            | b"time"
            | b"xargs"
            | b"command"
    )
}

/// Whether the text behind `-c` runs an engine.
fn shell_drives(words: &[Word<'_>]) -> bool {
    let is_option = |word: &&Word<'_>| word.literal().starts_with(b"-");
    let has_text = words
        .iter()
        .take_while(is_option)
        .any(|word| word.literal().ends_with(b"c"));
    let text = words.iter().find(|word| !is_option(word));
    has_text && text.is_some_and(|text| shell_text_drives(&text.literal()))
}

/// Looks at each simple command of a shell text. Quotes are dropped, which only makes more of it
/// look like commands.
fn shell_text_drives(text: &[u8]) -> bool {
    let separates = |b: &u8| matches!(b, b';' | b'|' | b'&' | b'(' | b')' | b'\n' | b'`');
    text.split(separates).any(|command| {
        let mut words = command
            .split(|b| matches!(b, b' ' | b'\t' | b'"' | b'\''))
            .filter(|word| !word.is_empty())
            .skip_while(|word| shell_keyword(word) || word.contains(&b'=') || is_wrapper(word));
        let first = words.next();
        first.is_some_and(|word| names_engine(word) || matches!(word, b"$ENGINE" | b"${ENGINE}"))
    })
}

fn shell_keyword(word: &[u8]) -> bool {
    matches!(
        word,
        b"exec" | b"!" | b"if" | b"then" | b"else" | b"elif" | b"while" | b"until" | b"do" | b"{"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: bool) {
        assert_eq!(drives_engine(line.as_bytes()).is_some(), expected, "{line}");
    }

    #[test]
    fn a_line_that_runs_a_client_drives_the_engine() {
        for line in [
            "docker ps",
            "exec docker ps",
            "! exec podman run x",
            "[linux] [!short] ! exec docker ps",
            "exec $ENGINE ps",
            "exec ${ENGINE} ps",
            "exec /usr/bin/podman ps &",
            "exec 'docker' ps",
            "until -timeout=5s exec docker ps",
            "defer exec docker rm x",
            "exec env A=b docker ps",
            "exec timeout 5 docker ps",
            "exec sudo -n podman ps",
        ] {
            check(line, true);
        }
    }

    #[test]
    fn a_shell_text_is_looked_into() {
        for line in [
            "exec sh -c 'docker ps'",
            "exec bash -ec 'cd x && docker ps | wc -l'",
            "exec sh -c 'x=$(podman ps -q); echo $x'",
            "exec sh -c 'exec \"$ENGINE\" ps'",
            "exec sh -c 'A=b ${ENGINE} ps'",
            "exec /bin/sh -c 'if ! docker ps; then exit 1; fi'",
        ] {
            check(line, true);
        }
        check("exec sh -c 'echo docker'", false);
        check("exec sh docker", false);
        check("exec sh -c", false);
    }

    #[test]
    fn a_mention_is_no_use() {
        for line in [
            "# docker",
            "exec echo docker",
            "stdout docker",
            "[exec:docker] exec true",
            "exec docker-compose up",
            "exec mydocker",
            "exec '$ENGINE' ps",
            "exec $ENGINES ps",
            "grep podman file",
            "exec docker 'unterminated",
            "cp docker podman",
            "",
        ] {
            check(line, false);
        }
    }

    #[test]
    fn the_first_such_line_is_told() {
        assert_eq!(
            drives_engine(b"exec true\n\nexec docker ps\ndocker ps\n"),
            Some(3)
        );
    }
}
