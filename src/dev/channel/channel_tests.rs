#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use serde_json::json;

use crate::dev::test_client::{Fixture, decode_claims, decode_part};

#[tokio::test]
async fn discovery_names_the_same_issuer_on_both_listeners() {
    let fixture = Fixture::start().await;
    let (http, https) = (fixture.stage.http_base(), fixture.stage.https_base());
    for base in [&http, &https] {
        let own = fixture.get(&format!("{base}/{}/v2.0/.well-known/openid-configuration", fixture.tenant())).await;
        assert_eq!(own.text_member("issuer"), fixture.stage.v2_issuer(fixture.tenant()));
        assert!(own.text_member("token_endpoint").starts_with(base.as_str()));
        let common = fixture.get(&format!("{base}/common/v2.0/.well-known/openid-configuration")).await;
        assert_eq!(common.text_member("issuer"), format!("{https}/{{tenantid}}/v2.0"));
        let channel = fixture.get(&format!("{base}/channel/v1/.well-known/openidconfiguration")).await;
        assert_eq!(channel.text_member("issuer"), fixture.stage.channel_issuer());
        let keys = fixture.get(channel.text_member("jwks_uri")).await;
        assert_eq!(keys.json["keys"][0]["endorsements"], json!(["msteams", "webchat", "directline"]));
        assert_eq!(keys.json["keys"][1]["endorsements"], json!(["directline"]));
        assert!(keys.json["keys"][2]["endorsements"].is_null());
    }
    let rebound = fixture.call("GET", &format!("{http}/dev/calls"), &[], "").await;
    assert_eq!(rebound.status, 200);
    assert_eq!(
        fixture.get(&format!("{http}/elsewhere/v2.0/.well-known/openid-configuration")).await.aadsts_number(),
        90_002
    );
}

#[tokio::test]
async fn channel_tokens_carry_audience_and_service_url() {
    let fixture = Fixture::start().await;
    let token = fixture.channel_token(&[]).await;
    let claims = decode_claims(&token);
    assert_eq!(claims["aud"], fixture.stage.directory().bots[0].app_id);
    assert_eq!(claims["iss"], fixture.stage.channel_issuer());
    assert_eq!(claims["serviceurl"], fixture.stage.service_url());
    let other = fixture.channel_token(&[("kid", "unendorsed"), ("service_url", "http://127.0.0.1:9/")]).await;
    assert_ne!(decode_part(&other, 0)["kid"], decode_part(&token, 0)["kid"]);
    assert_eq!(decode_claims(&other)["serviceurl"], "http://127.0.0.1:9/");
}
