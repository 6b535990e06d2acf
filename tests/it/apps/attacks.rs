//! Attacks on the service role: stolen service tokens, ids that are paths, and user tokens of others.

use bot_sso::dev::GrantKind;

use super::fixture::{Apps, OTHER_TOKEN, TOKEN, access_path, assert_refused};
use crate::harness::raw::{Wire, blocking};

#[tokio::test]
async fn a_service_token_serves_its_own_app_alone_and_nothing_tells_which_apps_exist() {
    let apps = Apps::start().await;
    let ada = apps.sign_in("app1", "ada").await;
    let path = |app: &str| access_path(app, &ada.user_id);
    let bodies = [
        apps.get(&path("app1"), OTHER_TOKEN, &[]).await,
        apps.get(&path("nowhere"), OTHER_TOKEN, &[]).await,
        apps.get(&path("app1"), TOKEN, &[("x-app-id", "app2")]).await,
    ];
    for answer in &bodies {
        assert_refused("another app", answer, 403, "WRONG_APP");
        assert_eq!(answer.body, bodies[0].body);
    }
    let unknown = "0".repeat(64);
    let wrong = [
        apps.get(&path("app1"), &unknown, &[]).await,
        apps.get(&path("nowhere"), &unknown, &[]).await,
        apps.get(&path("app1"), &ada.token, &[]).await,
        apps.get(&path("app1"), &TOKEN.to_uppercase(), &[]).await,
        apps.harness.send("GET", &path("app1"), &[], Vec::new()).await,
        apps.harness.send("GET", &path("app1"), &[("authorization", TOKEN)], Vec::new()).await,
        apps.harness.send("GET", &path("app1"), &[("api_key", TOKEN)], Vec::new()).await,
    ];
    for answer in &wrong {
        assert_refused("a wrong token", answer, 401, "INVALID_SERVICE_TOKEN");
        assert_eq!(answer.body, wrong[0].body);
        assert!(answer.header("www-authenticate").is_some_and(|value| value.starts_with("Bearer")));
    }
}

#[tokio::test]
async fn a_service_token_opens_nothing_but_the_service_role() {
    let apps = Apps::start().await;
    for path in ["/api/usertoken/GetToken?userId=a&connectionName=graph", "/api/apps/app1/entities/User/me"] {
        assert_eq!(apps.get(path, TOKEN, &[]).await.status, 401, "{path}");
    }
    for path in ["/admin/apps/app1/users", "/metrics"] {
        let answer = apps.get(&format!("{}{path}", apps.harness.operations), TOKEN, &[]).await;
        assert_eq!(answer.status, if path == "/metrics" { answer.status } else { 401 }, "{path}");
    }
    for path in ["/api/apps/app1/entities/User", "/api/apps/app1/auth/sso", "/api/apps/app1", "/api/apps/app1/evil"] {
        assert_eq!(apps.get(path, TOKEN, &[]).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_user_id_that_is_a_path_finds_no_user_and_does_nothing() {
    let apps = Apps::start().await;
    let ada = apps.sign_in("app1", "ada").await;
    let before = apps.harness.stage.calls().count(GrantKind::RefreshToken);
    let evil = [
        String::new(),
        "undefined".to_owned(),
        "null".to_owned(),
        "%2e%2e".to_owned(),
        "%2e%2e%2f%2e%2e%2fevil".to_owned(),
        format!("x%2f..%2f{}", ada.user_id),
        format!("{}%00", ada.user_id),
        format!("{}%2f", ada.user_id),
        format!("{}/", ada.user_id),
        format!("a/{}", ada.user_id),
        format!("{}%20", ada.user_id),
        "a%2525b".to_owned(),
        "x".repeat(129),
    ];
    for user_id in &evil {
        for path in [access_path("app1", user_id), format!("/api/apps/app1/auth/sso/idtoken/{user_id}")] {
            let answer = raw_get(&apps, &path).await;
            assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
            assert!(answer.contains("USER_NOT_FOUND"), "{path}: {answer}");
        }
    }
    // An encoded letter is the letter: an id is decoded once.
    let first = u32::from(ada.user_id.as_bytes()[0]);
    let encoded = format!("%{first:02x}{}", &ada.user_id[1..]);
    assert!(raw_get(&apps, &access_path("app1", &encoded)).await.starts_with("HTTP/1.1 200 "));
    for path in ["../../../evil", "..", "../idtoken/x"] {
        let answer = raw_get(&apps, &access_path("app1", path)).await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
    }
    assert_eq!(apps.harness.stage.calls().count(GrantKind::RefreshToken), before);
    let users = apps.admin("GET", "/admin/apps/app1/users", &serde_json::Value::Null).await.json();
    assert_eq!(users["users"].as_array().unwrap().len(), 1);
}

/// Sends the path as it is: HTTP clients rewrite dot segments.
async fn raw_get(apps: &Apps, path: &str) -> String {
    let (base, path) = (apps.harness.base.clone(), path.to_owned());
    blocking(move || {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {TOKEN}\r\nconnection: close\r\n\r\n"
        );
        Wire::to(&base).send(request.as_bytes()).read_all()
    })
    .await
}

#[tokio::test]
async fn a_users_token_of_another_app_or_of_no_one_is_refused() {
    let apps = Apps::start().await;
    let (here, there) = (apps.sign_in("app1", "ada").await, apps.sign_in("app2", "ada").await);
    let path = access_path("app1", &here.user_id);
    let token = apps.read(&here.user_id).await.json()["access_token"].as_str().unwrap().to_owned();
    for (case, header) in [
        ("another app's", format!("Bearer {}", there.token)),
        ("the provider's", format!("Bearer {token}")),
        ("the service token", format!("Bearer {TOKEN}")),
        ("without a scheme", here.token.clone()),
        ("two tokens", format!("Bearer {} {}", here.token, here.token)),
        ("empty", String::new()),
    ] {
        let answer = apps.get(&path, TOKEN, &[("on-behalf-of", &header)]).await;
        assert_refused(case, &answer, 401, "INVALID_USER_TOKEN");
    }
    let twice = format!("Bearer {}", here.token);
    let answer = apps.get(&path, TOKEN, &[("on-behalf-of", &twice), ("on-behalf-of", &twice)]).await;
    assert_refused("two headers", &answer, 401, "INVALID_USER_TOKEN");
    for (app, bearer) in [("app1", &there.token), ("nowhere", &here.token), ("app1", &token)] {
        assert_refused(app, &apps.me(app, bearer).await, 401, "INVALID_USER_TOKEN");
    }
}

#[tokio::test]
async fn an_address_that_tries_many_service_tokens_waits_while_the_right_one_is_answered() {
    let apps = Apps::start().await;
    let ada = apps.sign_in("app1", "ada").await;
    let path = access_path("app1", &ada.user_id);
    let mut limited = None;
    for number in 0..40 {
        let answer = apps.get(&path, &format!("{number:064}"), &[]).await;
        if answer.status != 401 {
            limited = Some(answer);
            break;
        }
    }
    let limited = limited.unwrap();
    assert_refused("too many", &limited, 429, "TOO_MANY_REQUESTS");
    assert!(limited.header("retry-after").is_some());
    assert_eq!(apps.read(&ada.user_id).await.status, 200);
}
