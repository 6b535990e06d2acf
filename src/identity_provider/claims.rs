use serde_json::{Value, json};

use crate::domain::{ClaimsChallenge, Connection};

/// The `claims` parameter of a token request: what the client can do (`cp1`: handle continuous access evaluation), with
/// the challenge merged over it, object by object (entra-obo §2). A challenge alone goes as it came.
pub(super) fn claims_of(connection: &Connection, challenge: Option<&ClaimsChallenge>) -> Option<String> {
    match (connection.continuous_access, challenge) {
        (false, None) => None,
        (false, Some(challenge)) => Some(challenge.as_str().to_owned()),
        (true, None) => Some(capability().to_string()),
        (true, Some(challenge)) => {
            let base = capability().as_object().cloned().unwrap_or_default();
            Some(Value::Object(challenge.merged_over(base)).to_string())
        }
    }
}

fn capability() -> Value {
    json!({"access_token": {"xms_cc": {"values": ["cp1"]}}})
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::capability;
    use crate::domain::ClaimsChallenge;

    #[allow(clippy::needless_pass_by_value, reason = "written in place by every caller")]
    fn merged(challenge: Value) -> Value {
        let challenge = ClaimsChallenge::parse(&challenge.to_string()).unwrap();
        Value::Object(challenge.merged_over(capability().as_object().unwrap().clone()))
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
    }
}
