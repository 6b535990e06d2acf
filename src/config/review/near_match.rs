use strsim::osa_distance;

/// The entry of `known` that `word` probably misspells.
pub(in crate::config) fn near_match<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let folded = |text: &str| text.to_lowercase().replace(['-', ' '], "_");
    let word = folded(word);
    let limit = (word.chars().count() / 3).clamp(1, 3);
    known
        .map(|candidate| (osa_distance(&word, &folded(candidate)), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::{near_match, osa_distance};

    #[test]
    fn distances_are_edits() {
        for (left, right, edits) in
            [("", "", 0), ("a", "", 1), ("", "ab", 2), ("kitten", "sitting", 3), ("ab", "ba", 1), ("dmeo", "demo", 1)]
        {
            assert_eq!(osa_distance(left, right), edits, "{left} {right}");
        }
    }

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let known = ["client_id", "client_secret", "scopes"];
        assert_eq!(near_match("client-secrt", known.into_iter()), Some("client_secret"));
        assert_eq!(near_match("Scope", known.into_iter()), Some("scopes"));
        assert_eq!(near_match("tenants", known.into_iter()), None);
    }
}
