//! Turns an error message of the deserializer into a message for an operator, and suggests a key for a mistyped one.

use crate::config::review::near_match;

/// Phrases of serde, each with the operator's word for it.
const WORDS: &[(&str, &str)] = &[
    ("expected u64", "expected a whole number"),
    ("expected u16", "expected a whole number"),
    ("expected f64", "expected a number"),
    ("expected a sequence", "expected a list: [\"…\"]"),
    ("expected a map", "expected a table"),
    ("expected a boolean", "expected true or false"),
    ("expected path string", "expected a path: \"…\""),
    ("expected a string", "expected a text: \"…\""),
];

/// Words that operators know from other programs, each with the word that means the same here. One that is not among the
/// words of its key suggests nothing.
const SYNONYMS: &[(&str, &str)] = &[
    ("agentsdotnet", "agents"),
    ("agentsnet", "agents"),
    ("agentspy", "agents"),
    ("agentspython", "agents"),
    ("botbuilderdotnet", "botbuilder"),
    ("botbuilderjs", "botbuilder"),
    ("botbuildernet", "botbuilder"),
    ("teamsjs", "teams"),
    ("teamsnet", "teams"),
    ("teamspy", "teams"),
    ("teamspython", "teams"),
    ("teamsts", "teams"),
    ("warning", "warn"),
    ("fatal", "error"),
    ("critical", "error"),
    ("information", "info"),
    ("verbose", "debug"),
    ("plain", "text"),
    ("azure", "public"),
    ("azurepublic", "public"),
    ("azurecloud", "public"),
    ("commercial", "public"),
    ("global", "public"),
    ("worldwide", "public"),
    ("gcc", "public"),
    ("azureusgovernment", "us_gov"),
    ("azureusgov", "us_gov"),
    ("usgovernment", "us_gov"),
    ("government", "us_gov"),
    ("gcch", "us_gov"),
    ("gcchigh", "us_gov"),
    ("dod", "us_gov"),
    ("azurechina", "china"),
    ("azurechinacloud", "china"),
    ("21vianet", "china"),
    ("mooncake", "china"),
    ("openid", "oidc"),
    ("openidconnect", "oidc"),
    ("azuread", "entra"),
    ("entraid", "entra"),
    ("aad", "entra"),
    ("microsoft", "entra"),
    ("basic", "client_secret_basic"),
    ("post", "client_secret_post"),
    ("botframework", "botbuilder"),
];

/// Rewrites serde's error message `complaint` in the operator's words. For an unknown key or word, adds the known ones
/// and suggests the nearest.
#[must_use]
pub fn explain(complaint: &str) -> String {
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
    let folded = wrong.to_lowercase().replace(['-', '_', ' '], "");
    let synonym = SYNONYMS.iter().find(|(word, right)| *word == folded && known.contains(right));
    match synonym.map(|(_, right)| *right).or_else(|| near_match(wrong, known.iter().copied())) {
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
