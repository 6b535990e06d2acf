use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::bounded::read_bounded_json;

/// Bytes of a challenge that is accepted. Real challenges name policies by GUIDs and have a few hundred bytes.
const MAX_CHALLENGE_BYTES: usize = 8 * 1024;

/// The claims that a resource or an issuer requires of the next token: the JSON object of an `insufficient_claims`
/// challenge (`OpenID` Connect Core §5.5). `Debug` does not print it, because it reveals a tenant's policies.
#[derive(Clone, PartialEq, Eq)]
pub struct ClaimsChallenge(Arc<str>);

impl ClaimsChallenge {
    /// Parses `text`. Returns `None` unless it is a JSON object with at least one member, of at most 8 KiB.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_CHALLENGE_BYTES {
            return None;
        }
        let object: Map<String, Value> = read_bounded_json(text.as_bytes()).ok()?;
        (!object.is_empty()).then(|| Self(Arc::from(text)))
    }

    /// The text exactly as it was parsed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Merges this challenge into `base`, object by object. Where both have the same member, this challenge wins
    /// (docs/protocols/entra-obo.md §2).
    #[must_use]
    pub fn merged_over(&self, mut base: Map<String, Value>) -> Map<String, Value> {
        // This cannot fail: `parse` has parsed the same text.
        if let Ok(wanted) = serde_json::from_str(&self.0) {
            merge(&mut base, wanted);
        }
        base
    }

    /// Joins this challenge and `other` into one challenge; where both have the same member, `other` wins. Returns this
    /// challenge alone if the joined one is too long.
    #[must_use]
    pub fn joined(&self, other: &Self) -> Self {
        let both = Value::Object(other.merged_over(self.merged_over(Map::new())));
        Self::parse(&both.to_string()).unwrap_or_else(|| self.clone())
    }
}

// The recursion is bounded by the depth that the JSON parser accepts.
fn merge(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (name, value) in from {
        match (into.get_mut(&name), value) {
            (Some(Value::Object(present)), Value::Object(wanted)) => merge(present, wanted),
            (_, value) => {
                into.insert(name, value);
            }
        }
    }
}

impl fmt::Debug for ClaimsChallenge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ClaimsChallenge(..)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{ClaimsChallenge, MAX_CHALLENGE_BYTES};

    #[test]
    fn joined_merges_two_challenges_object_by_object() {
        let challenge = |text| ClaimsChallenge::parse(text).unwrap();
        let factor = challenge(r#"{"access_token":{"polids":{"values":["p"]},"x":1}}"#);
        let fresh = challenge(r#"{"access_token":{"nbf":{"value":"1"},"x":2},"id_token":{"acr":null}}"#);
        let both = r#"{"access_token":{"nbf":{"value":"1"},"polids":{"values":["p"]},"x":2},"id_token":{"acr":null}}"#;
        assert_eq!(factor.joined(&fresh).as_str(), both);
        let vast = challenge(&format!("{{\"b\":\"{}\"}}", "x".repeat(MAX_CHALLENGE_BYTES - 8)));
        assert_eq!(factor.joined(&vast), factor);
    }

    #[test]
    fn parse_accepts_only_a_nonempty_object_of_bounded_size() {
        let text = r#"{ "access_token": {"nbf": {"essential": true, "value": "1"}} }"#;
        let challenge = ClaimsChallenge::parse(text).unwrap();
        assert_eq!(challenge.as_str(), text, "the text is unchanged");
        assert!(!format!("{challenge:?}").contains("nbf"));
        let deep = format!("{}1{}", "{\"a\":".repeat(1000), "}".repeat(1000));
        for nothing in ["", "{}", "[]", "7", "null", "\"{}\"", "{\"a\":1} x", "{", &deep] {
            assert_eq!(ClaimsChallenge::parse(nothing), None, "{nothing}");
        }
        let sized = |length: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(length - 8));
        assert!(ClaimsChallenge::parse(&sized(MAX_CHALLENGE_BYTES)).is_some());
        assert_eq!(ClaimsChallenge::parse(&sized(MAX_CHALLENGE_BYTES + 1)), None);
    }
}
