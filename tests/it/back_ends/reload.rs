//! SIGHUP while a back end is being served: another secret and another key, and its end.

use serde_json::json;

use super::fixture::{ASSERTION_TYPE, AssertionKey, basic, hash};
use crate::harness::Answer;
use crate::process::setting::Setting;

async fn introspect(setting: &Setting, authorization: Option<&str>, form: &[(&str, &str)]) -> Answer {
    let form = [&[("token", "x")], form].concat();
    let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
    headers.extend(authorization.map(|value| ("authorization", value)));
    setting.harness.send("POST", "/oauth2/introspect", &headers, body.into_bytes()).await
}

/// An assertion of `ledger` by `key`.
fn sign(setting: &Setting, key: &AssertionKey, token_id: &str) -> String {
    let now = setting.harness.now();
    key.sign(
        &json!({"iss": "ledger", "sub": "ledger", "aud": "http://127.0.0.1:3978", "exp": now + 60, "jti": token_id}),
    )
}

#[tokio::test]
async fn after_sighup_the_old_secret_and_the_old_key_are_refused_and_the_new_ones_accepted() {
    let mut setting = Setting::new().await;
    let (old, new) = (AssertionKey::new(), AssertionKey::new());
    let keys = setting.path("ledger.jwks");
    std::fs::write(&keys, old.jwks()).unwrap();
    let exchange: toml::Table = "connection = \"demo-graph\"".parse().unwrap();
    setting.set("back_ends.orders.client_id", "orders");
    setting.set("back_ends.orders.secret_sha256", vec![hash("the-old-secret-of-orders")]);
    setting.set("back_ends.orders.exchange", exchange.clone());
    setting.set("back_ends.ledger.client_id", "ledger");
    setting.set("back_ends.ledger.jwks_file", keys.to_str().unwrap());
    setting.set("back_ends.ledger.exchange", exchange);
    let mut service = setting.serve().await;
    let (old_secret, new_secret) =
        (basic("orders", "the-old-secret-of-orders"), basic("orders", "the-new-secret-of-orders"));
    let by = async |setting: &Setting, key: &AssertionKey, token_id: &str| {
        let assertion = sign(setting, key, token_id);
        let form = [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion.as_str())];
        introspect(setting, None, &form).await.status
    };
    assert_eq!(introspect(&setting, Some(&old_secret), &[]).await.status, 200);
    assert_eq!(introspect(&setting, Some(&new_secret), &[]).await.status, 401);
    assert_eq!((by(&setting, &old, "1").await, by(&setting, &new, "2").await), (200, 401));

    setting.set("back_ends.orders.secret_sha256", vec![hash("the-new-secret-of-orders")]);
    std::fs::write(&keys, new.jwks()).unwrap();
    setting.write();
    service.signal("HUP");
    service.wait_for_line("were read again").await;
    let line = "the hashes of callers' secrets and the keys of back ends were read again";
    service.wait_for_line(line).await;
    assert_eq!(introspect(&setting, Some(&old_secret), &[]).await.status, 401);
    assert_eq!(introspect(&setting, Some(&new_secret), &[]).await.status, 200);
    assert_eq!((by(&setting, &old, "3").await, by(&setting, &new, "4").await), (401, 200));
    service.stop().await;
}

#[tokio::test]
async fn a_back_end_that_is_removed_is_refused_from_the_next_request_on() {
    let mut setting = Setting::new().await;
    let secret = hash("the-secret-of-both-back-ends");
    setting.set("back_ends.orders.client_id", "orders");
    setting.set("back_ends.orders.secret_sha256", vec![secret.clone()]);
    setting.set("back_ends.orders.exchange.connection", "demo-graph");
    setting.set("back_ends.billing.client_id", "billing");
    setting.set("back_ends.billing.secret_sha256", vec![secret]);
    setting.set("back_ends.billing.exchange.connection", "demo-graph");
    let mut service = setting.serve().await;
    let status_of = async |setting: &Setting, client: &str| {
        introspect(setting, Some(&basic(client, "the-secret-of-both-back-ends")), &[]).await.status
    };
    assert_eq!((status_of(&setting, "orders").await, status_of(&setting, "billing").await), (200, 200));
    setting.remove("back_ends.orders");
    setting.reload(&mut service, "the configuration was reloaded").await;
    assert_eq!((status_of(&setting, "orders").await, status_of(&setting, "billing").await), (401, 200));
    setting.remove_section("back_ends");
    setting.reload(&mut service, "the configuration was reloaded").await;
    assert_eq!(status_of(&setting, "billing").await, 404);
    service.stop().await;
}
