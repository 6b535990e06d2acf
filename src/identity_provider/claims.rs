use serde_json::{Map, Value, json};

use crate::domain::{ClaimsChallenge, Connection};

/// The `claims` parameter of a token request: what the client can do (`cp1`: handle continuous access evaluation), with
/// the challenge merged over it, object by object (entra-obo §2). A challenge alone goes as it came.
pub(super) fn claims_of(connection: &Connection, challenge: Option<&ClaimsChallenge>) -> Option<String> {
    match (connection.continuous_access, challenge) {
        (false, None) => None,
        (false, Some(challenge)) => Some(challenge.as_str().to_owned()),
        (true, None) => Some(capability().to_string()),
        (true, Some(challenge)) => {
            let mut claims = capability();
            if let (Value::Object(members), Ok(wanted)) = (&mut claims, serde_json::from_str(challenge.as_str())) {
                merge(members, wanted);
            }
            Some(claims.to_string())
        }
    }
}

fn capability() -> Value {
    json!({"access_token": {"xms_cc": {"values": ["cp1"]}}})
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Map, Value, json};

    use super::{capability, merge};

    fn merged(challenge: Value) -> Value {
        let (Value::Object(mut claims), Value::Object(wanted)) = (capability(), challenge) else { return json!(null) };
        merge(&mut claims, wanted);
        Value::Object(claims)
    }

    #[test]
    fn a_challenge_is_merged_with_what_the_client_can_do() {
        assert_eq!(
            merged(json!({"access_token": {"nbf": {"essential": true, "value": "1"}}, "id_token": {"acr": null}})),
            json!({
                "access_token": {"xms_cc": {"values": ["cp1"]}, "nbf": {"essential": true, "value": "1"}},
                "id_token": {"acr": null},
            })
        );
    }

    #[test]
    fn where_both_say_something_the_challenge_wins() {
        assert_eq!(merged(json!({"access_token": 7})), json!({"access_token": 7}));
        assert_eq!(
            merged(json!({"access_token": {"xms_cc": {"essential": true}}})),
            json!({"access_token": {"xms_cc": {"values": ["cp1"], "essential": true}}})
        );
        let mut empty = Map::new();
        merge(&mut empty, Map::new());
        assert!(empty.is_empty());
    }
}
