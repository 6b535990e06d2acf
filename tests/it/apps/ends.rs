//! What ends the token of an app's user.

use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::fixture::{Apps, assert_refused, parameter};

const CODE_APP_TOKEN: &str = "service-token-of-code-app-secret-of-the-local-stage";

#[tokio::test]
async fn a_sign_out_everywhere_ends_the_tokens_of_every_app() {
    let mut apps = Apps::start().await;
    let (ada, there, ben) =
        (apps.sign_in("app1", "ada").await, apps.sign_in("app2", "ada").await, apps.sign_in("app1", "ben").await);
    let signed_out = apps.harness.sign_out_everywhere(&apps.key("ada").to_string()).await;
    assert_eq!((signed_out.status, &signed_out.json()["tokensRemoved"]), (200, &2.into()));
    apps.restart().await;
    assert_refused("service token alone", &apps.read(&ada.user_id).await, 404, "SSO_NOT_LINKED");
    assert_refused("ID token", &apps.read_id_token(&ada.user_id).await, 404, "SSO_NOT_LINKED");
    assert_refused("on behalf of", &apps.read_for(&ada.user_id, &ada.token).await, 401, "INVALID_USER_TOKEN");
    assert_refused("me", &apps.me("app1", &ada.token).await, 401, "INVALID_USER_TOKEN");
    assert_refused("me elsewhere", &apps.me("app2", &there.token).await, 401, "INVALID_USER_TOKEN");
    assert_eq!(apps.read_for(&ben.user_id, &ben.token).await.status, 200);
    let again = apps.sign_in("app1", "ada").await;
    assert_eq!(again.user_id, ada.user_id, "the link stays");
    assert_refused("the old token", &apps.me("app1", &ada.token).await, 401, "INVALID_USER_TOKEN");
    assert_eq!(apps.read_for(&ada.user_id, &again.token).await.status, 200);
}

#[tokio::test]
async fn unlinking_ends_the_tokens_at_that_app_alone() {
    let apps = Apps::start().await;
    let (ada, there) = (apps.sign_in("app1", "ada").await, apps.sign_in("app2", "ada").await);
    assert_eq!(apps.unlink("app1", &ada.user_id).await.status, 204);
    assert_refused("service token alone", &apps.read(&ada.user_id).await, 404, "USER_NOT_FOUND");
    assert_refused("on behalf of", &apps.read_for(&ada.user_id, &ada.token).await, 401, "INVALID_USER_TOKEN");
    assert_refused("me", &apps.me("app1", &ada.token).await, 401, "INVALID_USER_TOKEN");
    assert_eq!(apps.me("app2", &there.token).await.status, 200);
    let again = apps.sign_in("app1", "ada").await;
    assert!(again.is_new && again.user_id != ada.user_id);
    assert_refused("the old token", &apps.me("app1", &ada.token).await, 401, "INVALID_USER_TOKEN");
}

#[tokio::test]
async fn a_return_that_is_repeated_after_the_user_was_unlinked_gives_no_token() {
    let apps = Apps::start().await;
    let mut browser = apps.harness.browser();
    let login = "/api/apps/app1/auth/sso/login?from_url=https%3A%2F%2Fapp.example.com%2Fback";
    let begun = browser.get(login).await;
    let callback = browser.log_in(&Url::parse(begun.location()).unwrap(), "ada").await;
    let back = Url::parse(browser.get(&callback).await.location()).unwrap();
    let me = apps.me("app1", &parameter(&back, "access_token")).await.json();
    assert_eq!(apps.unlink("app1", me["id"].as_str().unwrap()).await.status, 204);
    let again = apps.sign_in("app1", "ada").await;
    assert_eq!(browser.get(&callback).await.status, 410, "the sign-in of before");
    assert_eq!(apps.me("app1", &again.token).await.status, 200, "the sign-in of afterwards");
}

#[tokio::test]
async fn an_apps_user_token_is_valid_for_an_hour() {
    let apps = Apps::start().await;
    let ada = apps.sign_in("app1", "ada").await;
    apps.harness.clock.advance(Duration::from_hours(1));
    assert_refused("me", &apps.me("app1", &ada.token).await, 401, "INVALID_USER_TOKEN");
    assert_refused("on behalf of", &apps.read_for(&ada.user_id, &ada.token).await, 401, "INVALID_USER_TOKEN");
}

#[tokio::test]
async fn a_code_gives_the_apps_user_token_once_and_to_its_own_app_alone() {
    let apps = Apps::start().await;
    let back = apps.sign_in_at("code-app", "ada").await;
    let code = parameter(&back, "code");
    let redeem = async |app: &str, token: &str, body: Value| {
        let authorization = format!("Bearer {token}");
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let path = format!("/api/apps/{app}/auth/sso/token");
        apps.harness.send("POST", &path, &headers, body.to_string().into_bytes()).await
    };
    let refused = redeem("code-app", super::fixture::TOKEN, json!({ "code": code })).await;
    assert_refused("another app's token", &refused, 403, "WRONG_APP");
    let refused = redeem("app1", super::fixture::TOKEN, json!({ "code": code })).await;
    assert_refused("another app", &refused, 400, "INVALID_CODE");
    for body in [json!({}), json!({ "code": "" }), json!({ "code": "0".repeat(64) }), json!([])] {
        assert_refused("no code", &redeem("code-app", CODE_APP_TOKEN, body).await, 400, "INVALID_CODE");
    }
    let redeemed = redeem("code-app", CODE_APP_TOKEN, json!({ "code": code })).await;
    assert_eq!((redeemed.status, redeemed.header("cache-control")), (200, Some("no-store")), "{}", redeemed.text());
    let body = redeemed.json();
    assert_eq!((&body["token_type"], &body["is_new_user"]), (&"Bearer".into(), &true.into()));
    let me = apps.me("code-app", body["access_token"].as_str().unwrap()).await;
    assert_eq!((me.status, &me.json()["id"]), (200, &body["user_id"]));
    let again = redeem("code-app", CODE_APP_TOKEN, json!({ "code": code })).await;
    assert_refused("once more", &again, 400, "INVALID_CODE");
    let late = parameter(&apps.sign_in_at("code-app", "ada").await, "code");
    apps.harness.clock.advance(Duration::from_mins(2));
    assert_refused("late", &redeem("code-app", CODE_APP_TOKEN, json!({ "code": late })).await, 400, "INVALID_CODE");
}

#[tokio::test]
async fn a_browser_that_repeats_its_return_after_a_sign_out_gets_no_token_that_works() {
    let apps = Apps::start().await;
    let mut browser = apps.harness.browser();
    let begun = browser.get("/api/apps/app1/auth/sso/login?from_url=https%3A%2F%2Fapp.example.com%2F").await;
    let callback = browser.log_in(&Url::parse(begun.location()).unwrap(), "ada").await;
    let first = parameter(&Url::parse(browser.get(&callback).await.location()).unwrap(), "access_token");
    assert_eq!(apps.me("app1", &first).await.status, 200);
    apps.harness.sign_out_everywhere(&apps.key("ada").to_string()).await;
    let again = browser.get(&callback).await;
    if let Some(location) = again.header("location") {
        let token = parameter(&Url::parse(location).unwrap(), "access_token");
        assert_refused("the repeated return", &apps.me("app1", &token).await, 401, "INVALID_USER_TOKEN");
    }
    assert_refused("the first return", &apps.me("app1", &first).await, 401, "INVALID_USER_TOKEN");
}
