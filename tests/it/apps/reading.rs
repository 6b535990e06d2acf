use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bot_sso::dev::{Fault, FaultRule, GrantKind};
use serde_json::Value;

use super::fixture::{Apps, OTHER_TOKEN, TOKEN, access_path, assert_refused};

fn claims_of(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn a_function_reads_the_token_of_a_user_who_has_signed_in_with_and_without_that_users_token() {
    let apps = Apps::start().await;
    let ada = apps.sign_in("app1", "ada").await;
    assert!(ada.is_new && ada.user_id.len() == 24);
    for answer in [apps.read(&ada.user_id).await, apps.read_for(&ada.user_id, &ada.token).await] {
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let body = answer.json();
        assert_eq!(body["token_type"], "Bearer");
        assert!(
            body["expires_in"].as_u64().is_some_and(|left| (3000..=3600).contains(&left)),
            "{}",
            body["expires_in"]
        );
        assert!(body["expires_at"].as_str().is_some_and(|end| end.ends_with('Z')));
        let graph = format!("{}/graph/v1.0/me", apps.harness.stage.http_base());
        let me = apps.get(&graph, body["access_token"].as_str().unwrap(), &[]).await;
        assert_eq!((me.status, &me.json()["id"]), (200, &apps.harness.user("ada").oid.into()));
    }
    let again = apps.sign_in("app1", "ada").await;
    assert_eq!((again.user_id == ada.user_id, again.is_new), (true, false));
    let elsewhere = apps.sign_in("app2", "ada").await;
    assert!(elsewhere.is_new && elsewhere.user_id != ada.user_id);
}

#[tokio::test]
async fn a_function_reads_the_id_token_of_a_user_as_a_json_string() {
    let apps = Apps::start().await;
    let ada = apps.sign_in("app1", "ada").await;
    let answer = apps.read_id_token(&ada.user_id).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    let token: String = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(claims_of(&token)["oid"], apps.harness.user("ada").oid);
}

#[tokio::test]
async fn an_access_token_and_an_id_token_that_have_ended_are_renewed() {
    let apps = Apps::start().await;
    let ada = apps.sign_in("app1", "ada").await;
    let first = apps.read(&ada.user_id).await.json()["access_token"].clone();
    let first_id: String = serde_json::from_slice(&apps.read_id_token(&ada.user_id).await.body).unwrap();
    apps.harness.clock.advance(Duration::from_hours(2));
    let renewed_id: String = serde_json::from_slice(&apps.read_id_token(&ada.user_id).await.body).unwrap();
    assert_ne!(renewed_id, first_id);
    assert_eq!(claims_of(&renewed_id)["sub"], claims_of(&first_id)["sub"]);
    let renewed = apps.read(&ada.user_id).await;
    assert_eq!(renewed.status, 200, "{}", renewed.text());
    assert_ne!(renewed.json()["access_token"], first);
    assert_eq!(apps.harness.stage.calls().count(GrantKind::RefreshToken), 1, "both come of one refresh");
}

#[tokio::test]
async fn a_token_that_cannot_be_renewed_asks_for_the_user_again_and_again() {
    let apps = Apps::start().await;
    let ada = apps.sign_in("app1", "ada").await;
    apps.harness.stage.revoke_refresh_tokens(apps.harness.user("ada").oid);
    apps.harness.clock.advance(Duration::from_hours(2));
    for _ in 0..2 {
        assert_refused("access token", &apps.read(&ada.user_id).await, 409, "REAUTH_REQUIRED");
        assert_refused("ID token", &apps.read_id_token(&ada.user_id).await, 409, "REAUTH_REQUIRED");
    }
    assert_eq!(apps.harness.stage.calls().count(GrantKind::RefreshToken), 1);
    let again = apps.sign_in("app1", "ada").await;
    assert_eq!(again.user_id, ada.user_id);
    assert_eq!(apps.read(&ada.user_id).await.status, 200);
}

#[tokio::test]
async fn an_outage_of_the_identity_provider_is_503_and_no_sign_out() {
    let apps = Apps::start().await;
    let ada = apps.sign_in("app1", "ada").await;
    apps.harness.clock.advance(Duration::from_hours(2));
    let fault = FaultRule::new(Fault::Unavailable { retry_after: Some(20) });
    apps.harness.stage.faults().add(fault.for_grant(Some(GrantKind::RefreshToken)));
    for answer in [apps.read(&ada.user_id).await, apps.read_id_token(&ada.user_id).await] {
        assert_refused("outage", &answer, 503, "TEMPORARILY_UNAVAILABLE");
        assert!(answer.header("retry-after").is_some());
    }
    apps.harness.stage.faults().clear();
    apps.harness.clock.advance(Duration::from_mins(2));
    assert_eq!(apps.read(&ada.user_id).await.status, 200);
}

#[tokio::test]
async fn a_request_on_behalf_of_a_user_reads_the_token_of_that_user_alone() {
    let apps = Apps::start().await;
    let (ada, ben) = (apps.sign_in("app1", "ada").await, apps.sign_in("app1", "ben").await);
    for (case, user_id) in [("another user", &ben.user_id), ("no user", &"0".repeat(24))] {
        assert_refused(case, &apps.read_for(user_id, &ada.token).await, 403, "CROSS_USER_NOT_ALLOWED");
    }
    assert_eq!(apps.read(&ben.user_id).await.status, 200, "the service token alone may");
}

#[tokio::test]
async fn an_app_that_allows_cross_user_reads_the_tokens_of_others_on_behalf_of_a_user() {
    let apps = Apps::with("cross_user = \"allow\"").await;
    let (ada, ben) = (apps.sign_in("app1", "ada").await, apps.sign_in("app1", "ben").await);
    assert_eq!(apps.read_for(&ben.user_id, &ada.token).await.status, 200);
    assert_refused("nobody", &apps.read_for(&"0".repeat(24), &ada.token).await, 404, "USER_NOT_FOUND");
    assert_refused("a bad token", &apps.read_for(&ben.user_id, "bad").await, 401, "INVALID_USER_TOKEN");
}

#[tokio::test]
async fn an_app_without_service_only_needs_a_users_token() {
    let apps = Apps::with("service_only = \"deny\"").await;
    let ada = apps.sign_in("app1", "ada").await;
    assert_refused("access token", &apps.read(&ada.user_id).await, 403, "ON_BEHALF_OF_REQUIRED");
    assert_refused("ID token", &apps.read_id_token(&ada.user_id).await, 403, "ON_BEHALF_OF_REQUIRED");
    assert_eq!(apps.read_for(&ada.user_id, &ada.token).await.status, 200);
}

#[tokio::test]
async fn a_doubled_slash_at_the_beginning_is_tolerated_here_and_nowhere_else() {
    let apps = Apps::start().await;
    let ada = apps.sign_in("app1", "ada").await;
    let path = access_path("app1", &ada.user_id);
    assert_eq!(apps.get(&format!("/{path}"), TOKEN, &[("x-app-id", "app1")]).await.status, 200);
    assert_eq!(apps.get("//api/apps/app1/entities/User/me", &ada.token, &[]).await.status, 200);
    assert_eq!(apps.get(&format!("//{path}"), TOKEN, &[]).await.status, 404);
    assert_eq!(apps.get("//api/usertoken/GetToken", OTHER_TOKEN, &[]).await.status, 404);
}

#[tokio::test]
async fn tokens_and_links_are_kept_across_a_restart() {
    let mut apps = Apps::start().await;
    let ada = apps.sign_in("app1", "ada").await;
    apps.restart().await;
    assert_eq!(apps.read_for(&ada.user_id, &ada.token).await.status, 200);
    assert_eq!(apps.me("app1", &ada.token).await.json()["id"], ada.user_id.as_str());
}
