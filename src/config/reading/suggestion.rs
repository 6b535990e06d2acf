//! Turns an error message of the deserializer into a message for an operator, and suggests a key for a mistyped one.

use crate::config::review::near_match;

/// Phrases of serde, each with the operator's word for it.
const WORDS: &[(&str, &str)] = &[
    ("expected u64", "expected a whole number"),
    ("expected a sequence", "expected a list: [\"…\"]"),
    ("expected a map", "expected a table"),
    ("expected a boolean", "expected true or false"),
    ("expected path string", "expected a path: \"…\""),
    ("expected a string", "expected a text: \"…\""),
];

/// Rewrites serde's error message `complaint` in the operator's words. For an unknown key or word, adds the known ones
/// and suggests the nearest.
pub(super) fn explain(complaint: &str) -> String {
    let complaint = complaint.trim();
    if let Some(rest) = complaint.strip_prefix("unknown field ") {
        return unknown("unknown key", "known keys", rest);
    }
    if let Some(rest) = complaint.strip_prefix("unknown variant ") {
        return unknown("unknown word", "write one of", rest);
    }
    WORDS.iter().fold(complaint.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// `rest` is serde's "`wrong`, expected one of `a`, `b`": after a split at backticks, every second piece is a name.
fn unknown(what: &str, label: &str, rest: &str) -> String {
    let mut names = rest.split('`').skip(1).step_by(2);
    let wrong = names.next().unwrap_or_default();
    let known: Vec<&str> = names.collect();
    let list = known.join(", ");
    match near_match(wrong, known.iter().copied()) {
        Some(near) => format!("{what} {wrong:?}: did you mean {near}? ({label}: {list})"),
        None => format!("{what} {wrong:?} ({label}: {list})"),
    }
}

#[cfg(test)]
mod tests {
    use super::explain;

    #[test]
    fn an_unknown_key_comes_with_the_near_match_and_the_known_keys() {
        assert_eq!(
            explain("unknown field `scope`, expected one of `scopes`, `tenants`\n"),
            "unknown key \"scope\": did you mean scopes? (known keys: scopes, tenants)"
        );
        assert_eq!(explain("unknown field `x`, expected `file`"), "unknown key \"x\" (known keys: file)");
    }

    #[test]
    fn types_are_named_in_the_operators_words() {
        assert_eq!(
            explain("invalid type: string \"x\", expected u64"),
            "invalid type: string \"x\", expected a whole number"
        );
    }
}
