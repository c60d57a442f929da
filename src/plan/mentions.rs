//! Which of some images a script speaks of, by its text alone: enough to spare it a start that cannot succeed.

use std::collections::BTreeMap;

/// The images that the script names, as they are or by a variable that holds one.
pub(super) fn mentioned(
    script: &[u8],
    images: &[String],
    variables: &BTreeMap<String, String>,
) -> Vec<String> {
    let script = String::from_utf8_lossy(script);
    let speaks_of = |image: &&String| {
        let held = |(name, value): (&String, &String)| {
            value == *image
                && (contains(&script, &format!("${name}"))
                    || script.contains(&format!("${{{name}}}")))
        };
        contains(&script, image) || variables.iter().any(held)
    };
    images.iter().filter(speaks_of).cloned().collect()
}

/// As a whole word: `debian:12` is not in `debian:12-slim`, nor in `my/debian:12`.
fn contains(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || "._-/:@".contains(c);
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (text.get(..at), text.get(at + word.len()..));
        let free = |c: Option<char>| c.is_none_or(|c| !part(c));
        free(before.and_then(|text| text.chars().next_back()))
            && free(after.and_then(|text| text.chars().next()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(script: &str, expected: &[&str]) {
        let images = [
            "debian:12",
            "registry.example:5000/tool",
            "localhost/base:1",
        ]
        .map(str::to_owned);
        let variables: BTreeMap<String, String> = [("BASE", "localhost/base:1"), ("LANG", "C")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        assert_eq!(
            mentioned(script.as_bytes(), &images, &variables),
            expected,
            "{script}"
        );
    }

    #[test]
    fn an_image_is_named_as_it_is_or_by_a_variable() {
        check("exec docker run --rm debian:12 true\n", &["debian:12"]);
        check(
            "exec docker run registry.example:5000/tool\n",
            &["registry.example:5000/tool"],
        );
        check("exec $ENGINE run $BASE true\n", &["localhost/base:1"]);
        check(
            "exec sh -c '$ENGINE run \"${BASE}\"'\n",
            &["localhost/base:1"],
        );
        check("-- Dockerfile --\nFROM debian:12\n", &["debian:12"]);
    }

    #[test]
    fn a_part_of_another_name_is_not_it() {
        check("exec docker run debian:12-slim\n", &[]);
        check("exec docker run my/debian:12\n", &[]);
        check("exec docker run debian:123\n", &[]);
        check("exec $ENGINE run $BASELESS $LANG\n", &[]);
    }
}
