#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use serde_json::json;

use crate::dev::test_client::{Fixture, Reply, decode_claims};

const OFFLINE_SCOPE: (&str, &str) = ("scope", "https://graph.microsoft.com/User.Read offline_access");
const CONTINUOUS_ACCESS_CLAIMS: &str =
    r#"{"access_token":{"xms_cc":{"values":["cp1"]},"nbf":{"essential":true,"value":"1"}}}"#;

async fn refresh(fixture: &Fixture, token: &str, more: &[(&str, &str)]) -> Reply {
    let bot = &fixture.stage.directory().bots[0];
    let mut fields = vec![
        ("grant_type", "refresh_token"),
        ("client_id", bot.app_id),
        ("client_secret", bot.app_secret),
        ("refresh_token", token),
    ];
    fields.extend_from_slice(more);
    fixture.form(&fixture.token_url(fixture.tenant()), &fields).await
}

async fn get_refresh_token(fixture: &Fixture, user: &str) -> String {
    let answer = fixture.exchange(&fixture.get_exchangeable_token(user, "graph").await, &[OFFLINE_SCOPE]).await;
    answer.text_member("refresh_token").to_owned()
}

async fn send_command(fixture: &Fixture, command: &serde_json::Value) -> u16 {
    let url = format!("{}/dev/sessions", fixture.stage.http_base());
    fixture.call("POST", &url, &[("content-type", "application/json")], &command.to_string()).await.status
}

#[tokio::test]
async fn a_client_that_handles_continuous_access_gets_a_long_token_and_a_new_one_for_a_challenge() {
    let fixture = Fixture::start().await;
    let assertion = fixture.get_exchangeable_token("ada", "graph").await;
    let plain = fixture.exchange(&assertion, &[]).await;
    assert_eq!((&plain.json["expires_in"], plain.json.get("refresh_in")), (&json!(3599), None));
    let long = fixture.exchange(&assertion, &[("claims", CONTINUOUS_ACCESS_CLAIMS)]).await;
    assert_eq!((&long.json["expires_in"], &long.json["refresh_in"]), (&json!(93_599), &json!(46_800)));
    assert_eq!(decode_claims(long.text_member("access_token"))["xms_cc"], json!(["cp1"]));
    let again = fixture.exchange(&assertion, &[("claims", CONTINUOUS_ACCESS_CLAIMS)]).await;
    assert_ne!(again.text_member("access_token"), long.text_member("access_token"));
    assert_eq!(fixture.exchange(&assertion, &[("claims", "[]")]).await.aadsts_number(), 90_014);
}

#[tokio::test]
async fn a_refresh_token_works_once_when_single_use_is_switched_on() {
    let fixture = Fixture::start().await;
    let first = get_refresh_token(&fixture, "ada").await;
    assert_eq!(refresh(&fixture, &first, &[]).await.status, 200);
    assert_eq!(send_command(&fixture, &json!({"single_use": true, "refresh_in": 1800})).await, 204);
    let rotated = refresh(&fixture, &first, &[]).await;
    assert_eq!(rotated.json["refresh_in"], 1800);
    let second = rotated.text_member("refresh_token");
    assert_eq!(refresh(&fixture, &first, &[]).await.aadsts_number(), 700_082);
    assert_eq!(refresh(&fixture, second, &[]).await.status, 200);
}

#[tokio::test]
async fn a_command_revokes_a_users_sessions_or_makes_refreshes_demand_mfa() {
    let fixture = Fixture::start().await;
    let (ada, ben) = (get_refresh_token(&fixture, "ada").await, get_refresh_token(&fixture, "ben").await);
    assert_eq!(send_command(&fixture, &json!({"demand_mfa": "ada"})).await, 204);
    let refused = refresh(&fixture, &ada, &[]).await;
    assert_eq!(refused.aadsts_number(), 50_076);
    assert!(refused.text_member("claims").contains("capolids"));
    assert_eq!(send_command(&fixture, &json!({"relent": "ada"})).await, 204);
    assert_eq!(refresh(&fixture, &ada, &[]).await.status, 200);
    assert_eq!(send_command(&fixture, &json!({"revoke": "ada"})).await, 204);
    let revoked = refresh(&fixture, &ada, &[]).await;
    assert_eq!((revoked.aadsts_number(), revoked.text_member("suberror")), (50_173, "bad_token"));
    assert_eq!(refresh(&fixture, &ben, &[]).await.status, 200);
    assert_eq!(send_command(&fixture, &json!({"revoke": "nobody"})).await, 400);
}
