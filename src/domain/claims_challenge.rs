use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

/// Longest challenge taken, in bytes: they name policies by GUIDs, so real ones are a few hundred.
const LONGEST: usize = 8 * 1024;

/// What a resource or an issuer wants of the next token: the JSON object of an `insufficient_claims` challenge
/// (`OpenID` Connect Core §5.5). Never printed: it says what a tenant's policies are.
#[derive(Clone, PartialEq, Eq)]
pub struct ClaimsChallenge(Arc<str>);

impl ClaimsChallenge {
    /// A challenge of this text, if it is a JSON object that asks for something, in at most 8 KiB.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let object: Map<String, Value> = serde_json::from_str(text).ok()?;
        (!object.is_empty()).then(|| Self(Arc::from(text)))
    }

    /// The text as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What this challenge wants, merged over `base` object by object: where both say something it wins (entra-obo §2).
    #[must_use]
    pub fn merged_over(&self, mut base: Map<String, Value>) -> Map<String, Value> {
        // Parsed when it was made.
        if let Ok(wanted) = serde_json::from_str(&self.0) {
            merge(&mut base, wanted);
        }
        base
    }

    /// What both want; where they say different things, `other`. Itself if both together are too long.
    #[must_use]
    pub fn joined(&self, other: &Self) -> Self {
        let both = Value::Object(other.merged_over(self.merged_over(Map::new())));
        Self::parse(&both.to_string()).unwrap_or_else(|| self.clone())
    }
}

/// As deep as the parser let a challenge be.
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
    use super::{ClaimsChallenge, LONGEST};

    #[test]
    fn two_challenges_are_joined_object_by_object() {
        let challenge = |text| ClaimsChallenge::parse(text).unwrap();
        let factor = challenge(r#"{"access_token":{"polids":{"values":["p"]},"x":1}}"#);
        let fresh = challenge(r#"{"access_token":{"nbf":{"value":"1"},"x":2},"id_token":{"acr":null}}"#);
        let both = r#"{"access_token":{"nbf":{"value":"1"},"polids":{"values":["p"]},"x":2},"id_token":{"acr":null}}"#;
        assert_eq!(factor.joined(&fresh).as_str(), both);
        let vast = challenge(&format!("{{\"b\":\"{}\"}}", "x".repeat(LONGEST - 8)));
        assert_eq!(factor.joined(&vast), factor);
    }

    #[test]
    fn a_challenge_is_an_object_that_asks_for_something() {
        let text = r#"{ "access_token": {"nbf": {"essential": true, "value": "1"}} }"#;
        let challenge = ClaimsChallenge::parse(text).unwrap();
        assert_eq!(challenge.as_str(), text, "verbatim");
        assert!(!format!("{challenge:?}").contains("nbf"));
        let deep = format!("{}1{}", "{\"a\":".repeat(1000), "}".repeat(1000));
        for nothing in ["", "{}", "[]", "7", "null", "\"{}\"", "{\"a\":1} x", "{", &deep] {
            assert_eq!(ClaimsChallenge::parse(nothing), None, "{nothing}");
        }
        let sized = |length: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(length - 8));
        assert!(ClaimsChallenge::parse(&sized(LONGEST)).is_some());
        assert_eq!(ClaimsChallenge::parse(&sized(LONGEST + 1)), None);
    }
}
