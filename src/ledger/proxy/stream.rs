//! What an engine tells while it builds or loads: containers and layers on the way, the image, names. Pure.
//!
//! The output of a build's own commands comes in the same stream and may say anything, so what is seen here is a hint:
//! it counts only when the engine, asked for it, knows it and made it after the build began.

use serde_json::Value;

/// Something that was told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    /// A step runs in this container.
    Container(String),
    /// The container of a step was removed.
    ContainerGone(String),
    /// An image: a step's or the last.
    Image(String),
    /// An image of this name was loaded.
    Name(String),
}

/// A line that is longer says nothing of this.
const LONGEST: usize = 64 * 1024;

/// A stream of JSON objects, one a line.
#[derive(Debug, Default)]
pub(super) struct Stream {
    line: Vec<u8>,
    /// Text for people, up to the end of its line.
    text: String,
    /// What the step yields was there before: the image it begins with, or one of an earlier build.
    old: bool,
}

impl Stream {
    /// Takes a piece, and tells what it completes.
    pub(super) fn take(&mut self, data: &[u8]) -> Vec<Seen> {
        let mut seen = Vec::new();
        for piece in data.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                self.object(&line, &mut seen);
            } else if self.line.len() > LONGEST {
                self.line.clear();
            }
        }
        seen
    }

    fn object(&mut self, line: &[u8], seen: &mut Vec<Seen>) {
        let Ok(object) = serde_json::from_slice::<Value>(line) else {
            return;
        };
        let aux = object.get("aux").and_then(|aux| aux.get("ID")?.as_str());
        if let Some(id) = aux.filter(|id| is_id(id)) {
            seen.push(Seen::Image(id.to_owned()));
        }
        let Some(text) = object.get("stream").and_then(Value::as_str) else {
            return;
        };
        for piece in text.split_inclusive('\n') {
            self.text.push_str(piece);
            if piece.ends_with('\n') {
                let line = std::mem::take(&mut self.text);
                seen.extend(self.line(line.trim()));
            } else if self.text.len() > LONGEST {
                self.text.clear();
            }
        }
    }

    /// The words of Docker's builder, of Podman's, and of both when they load.
    fn line(&mut self, line: &str) -> Option<Seen> {
        let id = |text: &str| Some(text.to_owned()).filter(|text| is_id(text));
        if line.starts_with("Step ") {
            self.old = line.contains(" : FROM ");
            return None;
        }
        if line == "---> Using cache" {
            self.old = true;
            return None;
        }
        if let Some(container) = line.strip_prefix("---> Running in ") {
            return id(container).map(Seen::Container);
        }
        if let Some(container) = line.strip_prefix("Removing intermediate container ") {
            return id(container).map(Seen::ContainerGone);
        }
        if let Some(name) = line.strip_prefix("Loaded image: ") {
            return Some(Seen::Name(name.to_owned()));
        }
        if let Some(image) = line.strip_prefix("Loaded image ID: ") {
            return id(image).map(Seen::Image);
        }
        let image = line
            .strip_prefix("---> ")
            .or_else(|| line.strip_prefix("--> "));
        let image = image.filter(|_| !self.old).unwrap_or(line);
        // Alone on its line it is what a quiet build says at its end.
        let is_whole = image.starts_with("sha256:") || image.len() < line.len();
        id(image).filter(|_| is_whole).map(Seen::Image)
    }
}

/// An id as engines show it: at least its first 12 digits.
fn is_id(text: &str) -> bool {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    (11..=64).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(stream: &str, piece: usize) -> String {
        let mut reader = Stream::default();
        let seen = stream
            .as_bytes()
            .chunks(piece)
            .flat_map(|piece| reader.take(piece));
        let words: Vec<String> = seen
            .map(|seen| match seen {
                Seen::Container(id) => format!("+{id}"),
                Seen::ContainerGone(id) => format!("-{id}"),
                Seen::Image(id) => format!("={id}"),
                Seen::Name(name) => name,
            })
            .collect();
        words.join(" ")
    }

    #[track_caller]
    fn check(stream: &str, expected: &str) {
        for piece in 1..stream.len() {
            assert_eq!(shown(stream, piece), expected, "in pieces of {piece}");
        }
    }

    #[test]
    fn a_build_tells_its_containers_and_what_is_new_of_its_images() {
        check(
            concat!(
                "{\"stream\":\"Step 1/4 : FROM base\"}\r\n{\"stream\":\"\\n\"}\r\n",
                "{\"stream\":\" ---\\u003e 4fb6da34e89f\\n\"}\r\n",
                "{\"stream\":\"Step 2/4 : ENV A=1\\n\"}\r\n{\"stream\":\" ---\\u003e Using cache\\n\"}\r\n",
                "{\"stream\":\" ---\\u003e ba4796f240d2\\n\"}\r\n",
                "{\"stream\":\"Step 3/4 : RUN x\"}\r\n{\"stream\":\"\\n\"}\r\n",
                "{\"stream\":\" ---\\u003e Running in 0aea70f2df2e\\n\"}\r\n",
                "{\"stream\":\"Removing intermediate container 0aea70f2df2e\\n\"}\r\n",
                "{\"stream\":\" ---\\u003e b34e079d59d2\\n\"}\r\n",
                "{\"aux\":{\"ID\":\"sha256:2f0813ff75365d078e12ecf1f6d52ac0a623a8b5118549ea96aaa0f74f1acb19\"}}\r\n",
                "{\"stream\":\"Successfully built 2f0813ff7536\\n\"}\r\n",
            ),
            "+0aea70f2df2e -0aea70f2df2e =b34e079d59d2 \
             =sha256:2f0813ff75365d078e12ecf1f6d52ac0a623a8b5118549ea96aaa0f74f1acb19",
        );
    }

    #[test]
    fn quiet_builds_and_loads_tell_little() {
        check(
            "{\"stream\":\"sha256:2f0813ff75365d078e12ecf1f6d52ac0a623a8b5118549ea96aaa0f74f1acb19\\n\"}\n",
            "=sha256:2f0813ff75365d078e12ecf1f6d52ac0a623a8b5118549ea96aaa0f74f1acb19",
        );
        check(
            "{\"stream\":\"Loaded image: a/b:1\\n\"}\n{\"stream\":\"Loaded image ID: sha256:0aea70f2df2e\\n\"}\n",
            "a/b:1 =sha256:0aea70f2df2e",
        );
    }

    #[test]
    fn what_is_no_such_line_tells_nothing() {
        check(
            "no json\n{\"stream\":5}\n{\"stream\":\"0aea70f2df2e\\n\"}\n{}\n",
            "",
        );
        check("{\"stream\":\" ---\\u003e not-an-id\\n\"}\n", "");
        let long = format!(
            "{}\n{{\"stream\":\"Loaded image: a:1\\n\"}}\n",
            "x".repeat(LONGEST * 2)
        );
        assert_eq!(shown(&long, 1000), "a:1");
    }
}
