#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use serde_json::json;

use crate::dev::test_client::{Fixture, decode_claims};

#[tokio::test]
async fn the_connector_accepts_a_managed_identity_token() {
    let fixture = Fixture::start().await;
    let bot = &fixture.stage.directory().bots[1];
    let url = format!(
        "{}/msi/token?api-version=2019-08-01&resource=https://api.botframework.com&client_id={}",
        fixture.stage.http_base(),
        bot.app_id
    );
    assert_eq!(fixture.get(&url).await.status, 401);
    let answer = fixture.call("GET", &url, &[("X-IDENTITY-HEADER", "any")], "").await;
    assert!(answer.text_member("expires_on").parse::<i64>().is_ok());
    let token = answer.text_member("access_token");
    let claims = decode_claims(token);
    assert_eq!(
        (claims["aud"].as_str(), claims["appid"].as_str()),
        (Some("https://api.botframework.com"), Some(bot.app_id))
    );
    assert_eq!(claims["iss"], fixture.stage.v1_issuer(fixture.tenant()));

    let url = format!("{}/connector//v3/conversations/c1/activities/a1", fixture.stage.http_base());
    let body = json!({"type": "message", "text": format!("my token is {token}")});
    assert_eq!(fixture.post_json_as(&url, "nonsense", &body).await.status, 401);
    assert_eq!(fixture.post_json_as(&url, token, &body).await.status, 201);
    let sent = fixture.stage.connector_calls(Some("c1"));
    assert_eq!((sent[0]["activity_id"].as_str(), sent[0]["activity"]["text"].as_str()), (Some("a1"), Some("(token)")));
    let members =
        fixture.get_as(&format!("{}/connector/v3/conversations/c1/members", fixture.stage.http_base()), token).await;
    assert_eq!(members.json.as_array().unwrap().len(), fixture.stage.directory().users.len());
}
