//! What the operator reads about refused calls of functions.

use std::collections::HashSet;

use super::fixture::{Apps, OTHER_TOKEN, TOKEN, access_path};
use crate::harness::logs;

#[tokio::test]
async fn each_refusal_has_a_line_of_its_own_with_a_hint_and_without_a_token() {
    let apps = Apps::with("service_only = \"deny\"").await;
    let (ada, ben) = (apps.sign_in("app1", "ada").await, apps.sign_in("app1", "ben").await);
    let path = access_path("app1", &ada.user_id);
    let begun = logs::length();
    apps.get(&path, "wrong-service-token", &[]).await;
    apps.get(&path, OTHER_TOKEN, &[]).await;
    apps.get(&path, TOKEN, &[("x-app-id", "app2")]).await;
    apps.get(&path, TOKEN, &[]).await;
    apps.get(&path, TOKEN, &[("on-behalf-of", "wrong-user-token")]).await;
    apps.get(&path, TOKEN, &[("on-behalf-of", "Bearer wrong-user-token")]).await;
    apps.read_for(&ada.user_id, &ben.token).await;
    apps.me("app1", "wrong-user-token").await;
    let lines = logs::complaints_of(&apps.harness.tag, begun);
    let checks: Vec<_> = lines.iter().map(|line| line["check"].as_str().unwrap_or("")).collect();
    let expected = [
        "service_token",
        "service_token_app",
        "service_app_header",
        "on_behalf_of_required",
        "on_behalf_of_form",
        "on_behalf_of",
        "cross_user",
        "app_user_token",
    ];
    assert_eq!(checks, expected);
    let hints: HashSet<_> = lines.iter().map(|line| line["hint"].as_str().unwrap()).collect();
    assert_eq!(hints.len(), expected.len());
    assert_eq!(lines[1]["security"], true, "a token of another app may be stolen");
    let text = logs::since(begun);
    for secret in ["wrong-service-token", "wrong-user-token", &ada.token, &ben.token] {
        assert!(!text.contains(secret));
    }
}
