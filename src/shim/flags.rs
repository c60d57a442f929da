//! How the clients read flags (Go's pflag), and which of their flags take no value. Pure; knows no command's meaning.
//!
//! A flag that is in no table is taken to have a value, as most have. The tables are those of Docker 28 and Podman 5.

use std::ffi::{OsStr, OsString};
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;

/// One piece of a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// A flag by its name without dashes, with its value if it has one.
    Flag {
        name: String,
        value: Option<&'a OsStr>,
    },
    /// A word that is no flag, by its index.
    Word(usize),
}

/// What follows the first word that is no flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// Belongs to somebody else: the container's command, the subcommand.
    Foreign,
    /// May hold flags again.
    Mixed,
}

/// Splits `words[range]` into pieces. `switches` are the flags without a value, with blanks between.
pub(super) fn split<'a>(
    words: &'a [OsString],
    range: Range<usize>,
    switches: &str,
    rest: Rest,
) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    let mut at = range.start;
    let mut only_words = false;
    while at < range.end {
        let word = words[at].as_bytes();
        if only_words || word == b"-" || !word.starts_with(b"-") {
            pieces.push(Piece::Word(at));
            if rest == Rest::Foreign {
                return pieces;
            }
        } else if word == b"--" {
            only_words = true;
        } else {
            let next = words.get(at + 1).map(OsString::as_os_str);
            let took_next = match word.strip_prefix(b"--") {
                Some(long) => long_flag(long, next, switches, &mut pieces),
                None => short_flags(&word[1..], next, switches, &mut pieces),
            };
            at += usize::from(took_next);
        }
        at += 1;
    }
    pieces
}

fn is_switch(switches: &str, name: &str) -> bool {
    switches.split(' ').any(|switch| switch == name)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Tells whether the flag took the next word for its value.
fn long_flag<'a>(
    flag: &'a [u8],
    next: Option<&'a OsStr>,
    switches: &str,
    pieces: &mut Vec<Piece<'a>>,
) -> bool {
    if let Some(equals) = flag.iter().position(|byte| *byte == b'=') {
        let value = Some(OsStr::from_bytes(&flag[equals + 1..]));
        let name = text(&flag[..equals]);
        pieces.push(Piece::Flag { name, value });
        return false;
    }
    let name = text(flag);
    let value = if is_switch(switches, &name) {
        None
    } else {
        next
    };
    pieces.push(Piece::Flag { name, value });
    value.is_some()
}

/// `-itv name:/x`, `-p80:80`, `-d=false`. Tells whether the last flag took the next word for its value.
fn short_flags<'a>(
    cluster: &'a [u8],
    next: Option<&'a OsStr>,
    switches: &str,
    pieces: &mut Vec<Piece<'a>>,
) -> bool {
    for (at, letter) in cluster.iter().enumerate() {
        let name = text(&[*letter]);
        let after = &cluster[at + 1..];
        if let Some(value) = after.strip_prefix(b"=") {
            let value = Some(OsStr::from_bytes(value));
            pieces.push(Piece::Flag { name, value });
            return false;
        }
        if is_switch(switches, &name) {
            pieces.push(Piece::Flag { name, value: None });
            continue;
        }
        let value = if after.is_empty() {
            next
        } else {
            Some(OsStr::from_bytes(after))
        };
        pieces.push(Piece::Flag { name, value });
        return after.is_empty() && value.is_some();
    }
    false
}

/// Before the subcommand.
pub(super) const GLOBAL: &str = "\
    D debug h help noout r remote syslog tls tlsverify trace transient-store v version";

/// `run` and `create`.
pub(super) const RUN: &str = "\
    P d detach disable-content-trust env-host help http-proxy i init interactive no-healthcheck \
    no-hostname no-hosts noout oom-kill-disable passwd privileged publish-all q quiet read-only read-only-tmpfs \
    remote replace rm rmi rootfs sig-proxy syslog t tls-verify trace transient-store tty unsetenv-all \
    use-api-socket";

/// `build`. Podman's `--pull` takes a value only after `=`.
pub(super) const BUILD: &str = "\
    D all-platforms check compress created-annotation debug disable-compression disable-content-trust force-rm help http-proxy \
    identity-label inherit-annotations inherit-labels layers load logsplit no-cache no-hostname no-hosts noout omit-history \
    pull pull-always pull-never push q quiet remote rewrite-timestamp rm save-stages skip-unused-stages squash \
    squash-all stdin stream syslog tls-verify trace transient-store";

/// `volume create`, `network create`, `pod create`, `tag`, `import`.
pub(super) const CREATE: &str = "\
    attachable config-only disable-dns force help ignore infra ingress internal ipv4 ipv6 no-hostname no-hosts \
    noout q quiet remote replace share-parent syslog trace transient-store";

/// `commit`.
/// Of `start`, where what is not known matters less than which words are containers.
pub(super) const START: &str = "a all attach i interactive l latest sig-proxy";
pub(super) const COMMIT: &str = "\
    help include-volumes no-pause noout p pause q quiet remote s squash syslog trace transient-store";

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, rest: Rest, expected: &str) {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        let pieces = split(&words, 0..words.len(), RUN, rest);
        let show = |piece: &Piece| match piece {
            Piece::Flag { name, value: None } => name.clone(),
            Piece::Flag {
                name,
                value: Some(value),
            } => format!("{name}={}", value.display()),
            Piece::Word(at) => format!("<{}>", words[*at].display()),
        };
        let text: Vec<String> = pieces.iter().map(show).collect();
        assert_eq!(text.join(" "), expected);
    }

    #[test]
    fn flags_are_read_as_the_clients_read_them() {
        check(
            "-it --rm -e A=b img -e C",
            Rest::Foreign,
            "i t rm e=A=b <img>",
        );
        check(
            "-itv name:/x -p80:80 img",
            Rest::Foreign,
            "i t v=name:/x p=80:80 <img>",
        );
        check(
            "--name=x --name y --detach=false -d=false -v=a:/b img",
            Rest::Foreign,
            "name=x name=y detach=false d=false v=a:/b <img>",
        );
        check(
            "--unknown value img cmd",
            Rest::Foreign,
            "unknown=value <img>",
        );
        check("--rm -- -img cmd", Rest::Foreign, "rm <-img>");
        check("--label a --name", Rest::Foreign, "label=a name");
        check(
            "-q . --name=x - -- -y",
            Rest::Mixed,
            "q <.> name=x <-> <-y>",
        );
        check("-v", Rest::Foreign, "v");
        check("", Rest::Foreign, "");
    }

    #[test]
    fn words_that_are_no_text_pass() {
        let words = [
            OsStr::from_bytes(b"--name=\xff").to_owned(),
            OsStr::from_bytes(b"-\xff").to_owned(),
        ];
        let pieces = split(&words, 0..2, RUN, Rest::Foreign);
        assert_eq!(pieces.len(), 2);
    }
}
