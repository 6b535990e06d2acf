//! RFC 7009: what a revocation ends, and what it leaves.

use serde_json::json;

use super::fixture::{BackEnds, assert_error};

const REVOKE: &str = "/oauth2/revoke";

#[tokio::test]
async fn a_revocation_by_either_token_drops_what_is_kept_for_the_user() {
    let back_ends = BackEnds::start().await;
    for (number, by_given) in [true, false].into_iter().enumerate() {
        let (subject, token) = (back_ends.subject("Ada").await, back_ends.exchanged("Ada").await);
        let of_ben = back_ends.exchanged("Ben").await;
        let made = back_ends.harness.exchanges();
        let presented = if by_given { &token } else { &subject };
        let form = [("token", presented.as_str()), ("token_type_hint", "refresh_token")];
        let answer = back_ends.post_as_orders(REVOKE, &form).await;
        assert_eq!((answer.status, answer.body.len()), (200, 0), "{number}: {}", answer.text());
        assert_eq!(back_ends.introspect(&token).await, json!({"active": false}), "{number}");
        assert_eq!(back_ends.introspect(&of_ben).await["active"], true, "{number}");
        assert_ne!(back_ends.exchanged("Ada").await, token, "{number}");
        assert_eq!(back_ends.harness.exchanges(), made + 1, "{number}");
    }
}

#[tokio::test]
async fn a_token_that_is_unknown_or_of_another_back_end_is_200_and_changes_nothing() {
    let back_ends = BackEnds::start().await;
    let token = back_ends.exchanged("Ada").await;
    for unknown in ["x", "x.y.z", &format!("{token}x")] {
        assert_eq!(back_ends.post_as_orders(REVOKE, &[("token", unknown)]).await.status, 200, "{unknown}");
    }
    assert_eq!(back_ends.post_as_billing(REVOKE, &[("token", &token)]).await.status, 200);
    let subject = back_ends.subject("Ada").await;
    assert_eq!(back_ends.post_as_billing(REVOKE, &[("token", &subject)]).await.status, 200);
    assert_eq!(back_ends.introspect(&token).await["active"], true, "it is kept for another back end");
    assert_error(&back_ends.post_as_orders(REVOKE, &[("token_type_hint", "x")]).await, 400, "invalid_request");
    assert_error(&back_ends.post(REVOKE, None, &[("token", &token)]).await, 401, "invalid_client");
    assert_eq!(back_ends.introspect(&token).await["active"], true);
}
