//! "Did you mean" for an unknown command: names one slip of the finger away.
//!
//! Must not know which commands there are.

/// The known names that `word` was probably meant to be, sorted.
pub fn suggest<'a>(word: &[u8], known: impl Iterator<Item = &'a str>) -> Vec<String> {
    let word = String::from_utf8_lossy(word);
    let mut near = Vec::new();
    for name in known {
        if word.strip_prefix('!') == Some(name) {
            // Only the blank is missing: nothing else can be meant.
            return vec![format!("! {name}")];
        }
        if strsim::damerau_levenshtein(&word, name) == 1 {
            near.push(name.to_owned());
        }
    }
    near.sort();
    near.dedup();
    near
}

/// What the message about an unknown command ends with: empty, or ` (did you mean …)`.
/// More than four names are no help.
pub fn did_you_mean(suggestions: &[String]) -> String {
    match suggestions {
        [one] => format!(" (did you mean \"{one}\"?)"),
        [_, _, ..] if suggestions.len() <= 4 => {
            format!(
                " (did you mean one of [\"{}\"]?)",
                suggestions.join("\" \"")
            )
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(word: &str, known: &[&str], wanted: &str) {
        let found = suggest(word.as_bytes(), known.iter().copied());
        assert_eq!(did_you_mean(&found), wanted, "{word}");
    }

    #[test]
    fn one_slip_is_forgiven() {
        for word in ["exe", "execc", "exex", "exce", "xec"] {
            check(word, &["exec", "stdout"], " (did you mean \"exec\"?)");
        }
        for word in ["ex", "cexe", "EXEC", ""] {
            check(word, &["exec", "stdout"], "");
        }
    }

    #[test]
    fn several_names_are_sorted_and_too_many_are_not_told() {
        check(
            "cq",
            &["cp", "cd"],
            " (did you mean one of [\"cd\" \"cp\"]?)",
        );
        check(
            "x",
            &["e", "d", "c", "b"],
            " (did you mean one of [\"b\" \"c\" \"d\" \"e\"]?)",
        );
        check("x", &["e", "d", "c", "b", "a"], "");
    }

    #[test]
    fn a_negation_without_its_blank_is_recognised() {
        check("!exec", &["exec", "exed"], " (did you mean \"! exec\"?)");
        check("!exe", &["exec"], "");
    }

    #[test]
    fn bytes_that_are_no_text_are_answered_too() {
        assert_eq!(suggest(b"ex\xffc", ["exec"].into_iter()), ["exec"]);
    }
}
