//! "Did you mean": names that are one slip of the finger away. Knows names, not what they stand for.

/// The candidates within one insertion, deletion, substitution or swap of neighbours; sorted, each
/// once.
pub fn near<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut near: Vec<&str> = candidates.filter(|name| one_slip(word, name)).collect();
    near.sort_unstable();
    near.dedup();
    near
}

/// Whether the Damerau-Levenshtein distance is at most one.
fn one_slip(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let start = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    match (&a[start..], &b[start..]) {
        ([], rest) | (rest, []) => rest.len() <= 1,
        ([_, a @ ..], [_, b @ ..]) if a == b => true,
        (a, [_, b @ ..]) if a == b => true,
        ([_, a @ ..], b) if a == b => true,
        ([a0, a1, a @ ..], [b0, b1, b @ ..]) => a0 == b1 && a1 == b0 && a == b,
        _ => false,
    }
}

/// The nearest of some names by any distance, when it is near enough to be a misspelling.
pub fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    candidates
        .iter()
        .map(|name| (strsim::damerau_levenshtein(word, name), *name))
        .filter(|(distance, name)| *distance <= 2 && *distance < name.len())
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(word: &str, expected: &[&str]) {
        let names = ["cp", "cd", "cmp", "exec", "grep", "stdout", "stdin", "cp"];
        assert_eq!(near(word, names.into_iter()), expected);
    }

    #[test]
    fn one_slip_is_near() {
        check("exce", &["exec"]);
        check("exe", &["exec"]);
        check("execc", &["exec"]);
        check("exek", &["exec"]);
        check("sdtin", &["stdin"]);
        check("c", &["cd", "cp"]);
        check("cmd", &["cd", "cmp"]);
        check("exces", &[]);
        check("", &[]);
    }

    #[test]
    fn the_nearest_name_must_be_near() {
        assert_eq!(
            nearest("deadlin", &["serial", "deadline"]),
            Some("deadline")
        );
        assert_eq!(
            nearest("daedlien", &["serial", "deadline"]),
            Some("deadline")
        );
        assert_eq!(nearest("timeout", &["serial", "deadline"]), None);
    }

    proptest! {
        #[test]
        fn one_slip_agrees_with_the_distance(a in "[ab]{0,5}", b in "[ab]{0,5}") {
            prop_assert_eq!(one_slip(&a, &b), strsim::damerau_levenshtein(&a, &b) <= 1);
        }
    }
}
