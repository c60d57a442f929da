//! "Did you mean": the known word nearest to a misspelt one.

/// The known word that `word` was probably meant to be, or nothing when none is near.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let near = (word.chars().count() / 3).min(3);
    known
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(&lower, known), known))
        .filter(|(distance, known)| {
            // A beginning counts as near: `--deadl` for `--deadline`.
            let begins = lower.len() >= 4 && known.starts_with(&lower);
            *distance <= near || begins
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_word_finds_its_neighbour_and_a_foreign_one_finds_none() {
        let known = ["deadline", "grace", "leak", "leak-grace"];
        assert_eq!(nearest("deadlin", known), Some("deadline"));
        assert_eq!(nearest("dedaline", known), Some("deadline"));
        assert_eq!(nearest("Leak", known), Some("leak"));
        assert_eq!(nearest("leakgrace", known), Some("leak-grace"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("", known), None);
    }
}
