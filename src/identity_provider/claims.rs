use serde_json::{Value, json};

use crate::domain::{ClaimsChallenge, Connection};

/// Builds the `claims` parameter of a token request. If the connection supports continuous access evaluation, the
/// parameter states the client capability `cp1`, and the challenge is merged into it, object by object
/// (docs/protocols/entra-obo.md §2). If it does not, the challenge is sent verbatim.
pub(super) fn build_claims_parameter(connection: &Connection, challenge: Option<&ClaimsChallenge>) -> Option<String> {
    match (connection.continuous_access, challenge) {
        (false, None) => None,
        (false, Some(challenge)) => Some(challenge.as_str().to_owned()),
        (true, None) => Some(client_capability().to_string()),
        (true, Some(challenge)) => {
            let base = client_capability().as_object().cloned().unwrap_or_default();
            Some(Value::Object(challenge.merged_over(base)).to_string())
        }
    }
}

fn client_capability() -> Value {
    json!({"access_token": {"xms_cc": {"values": ["cp1"]}}})
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::client_capability;
    use crate::domain::ClaimsChallenge;

    #[allow(clippy::needless_pass_by_value, reason = "written in place by every caller")]
    fn merged(challenge: Value) -> Value {
        let challenge = ClaimsChallenge::parse(&challenge.to_string()).unwrap();
        Value::Object(challenge.merged_over(client_capability().as_object().unwrap().clone()))
    }

    #[test]
    fn challenge_is_merged_with_the_client_capability() {
        assert_eq!(
            merged(json!({"access_token": {"nbf": {"essential": true, "value": "1"}}, "id_token": {"acr": null}})),
            json!({
                "access_token": {"xms_cc": {"values": ["cp1"]}, "nbf": {"essential": true, "value": "1"}},
                "id_token": {"acr": null},
            })
        );
    }

    #[test]
    fn challenge_overrides_the_client_capability_where_both_set_a_value() {
        assert_eq!(merged(json!({"access_token": 7})), json!({"access_token": 7}));
        assert_eq!(
            merged(json!({"access_token": {"xms_cc": {"essential": true}}})),
            json!({"access_token": {"xms_cc": {"values": ["cp1"], "essential": true}}})
        );
    }
}
