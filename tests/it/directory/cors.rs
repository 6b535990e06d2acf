//! Which pages may call the OAuth endpoints: those of the origins of the redirect URIs.

use serde_json::Value;

use super::fixture::{ADA, BodyForm, CATALOGUE, Directories, MAP, MARKET, SHOP, Setup, encoded};
use super::token::{text, tokens_of};
use crate::harness::Answer;

const ALLOWED: &str = "access-control-allow-origin";

/// The paths that pages call, with their methods.
const PATHS: [(&str, &str); 5] = [
    ("POST", "/token"),
    ("GET", "/userinfo"),
    ("GET", "/publickeys"),
    ("GET", "/.well-known/openid-configuration"),
    ("POST", "/revoke"),
];

async fn ask(directories: &Directories, path: &str, method: &str, origin: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", method),
        ("access-control-request-headers", "authorization,content-type,x-filter-type"),
    ];
    directories.harness.send("OPTIONS", &MARKET.oauth(path), &headers, Vec::new()).await
}

/// Asserts that `answer` lets no page read it.
fn assert_nothing_permitted(answer: &Answer) {
    for (name, value) in &answer.headers {
        assert!(!name.starts_with("access-control-"), "{name}: {value}");
    }
    assert!(answer.header("vary").is_some_and(|vary| vary.contains("Origin")));
}

#[tokio::test]
async fn pages_of_a_registered_origin_may_call() {
    let directories = Directories::start().await;
    for (method, path) in PATHS {
        for origin in [CATALOGUE.redirect_uri, "https://shop.example.com"] {
            let asked = ask(&directories, path, method, origin).await;
            assert_eq!((asked.status, asked.header(ALLOWED)), (204, Some(origin)), "{path}");
            assert!(asked.header("access-control-allow-methods").unwrap().contains(method), "{path}");
            let permitted = asked.header("access-control-allow-headers").unwrap();
            assert!(["authorization", "content-type", "x-filter-type"].iter().all(|name| permitted.contains(name)));
            let answer = directories.harness.send(method, &MARKET.oauth(path), &[("origin", origin)], Vec::new()).await;
            assert_eq!(answer.header(ALLOWED), Some(origin), "{path}: also if it is refused");
            assert_eq!(answer.header("vary"), Some("Origin"));
            for answer in [&asked, &answer] {
                assert_eq!(answer.header("access-control-allow-credentials"), None, "no cookie counts here");
            }
        }
    }
}

#[tokio::test]
async fn pages_of_other_origins_get_no_permission() {
    let directories = Directories::start().await;
    let of_other_directory = MAP.redirect_uri;
    for (method, path) in PATHS {
        for origin in [
            "https://evil.example.com",
            "https://catalogue.example.com.evil.example",
            "http://catalogue.example.com",
            "https://catalogue.example.com:8443",
            "https://CATALOGUE.example.com",
            "https://catalogue.example.com/",
            "null",
            "*",
            of_other_directory,
        ] {
            let asked = ask(&directories, path, method, origin).await;
            assert_eq!(asked.status, 204);
            assert_nothing_permitted(&asked);
            let headers = [("origin", origin)];
            assert_nothing_permitted(
                &directories.harness.send(method, &MARKET.oauth(path), &headers, Vec::new()).await,
            );
        }
        let twice = [("origin", CATALOGUE.redirect_uri), ("origin", CATALOGUE.redirect_uri)];
        assert_nothing_permitted(&directories.harness.send(method, &MARKET.oauth(path), &twice, Vec::new()).await);
        assert_nothing_permitted(&directories.harness.send(method, &MARKET.oauth(path), &[], Vec::new()).await);
    }
}

#[tokio::test]
async fn the_origins_of_the_directorys_own_list_count_and_so_does_a_change_at_once() {
    let market = "redirect_uris = [\"https://shared.example.com/callback\"]";
    let directories = Directories::with(Setup { market, ..Setup::default() }).await;
    let origin = "https://shared.example.com";
    assert_eq!(ask(&directories, "/token", "POST", origin).await.header(ALLOWED), Some(origin));
    let none: Value = serde_json::json!({ "redirectUris": [] });
    let changed = directories.manage(&MARKET, "PUT", "/config/redirect_uris", &none).await;
    assert!((200..300).contains(&changed.status), "{}", changed.text());
    assert_nothing_permitted(&ask(&directories, "/token", "POST", origin).await);
}

#[tokio::test]
async fn a_page_reads_tokens_and_the_user() {
    let directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    let tokens = tokens_of(&directories, &SHOP, &ADA).await;
    let bearer = format!("Bearer {}", text(&tokens, "access_token"));
    let headers = [("origin", CATALOGUE.redirect_uri), ("authorization", bearer.as_str())];
    let user = directories.harness.send("GET", &MARKET.oauth("/userinfo"), &headers, Vec::new()).await;
    assert_eq!((user.status, user.header(ALLOWED)), (200, Some(CATALOGUE.redirect_uri)));
    let (content_type, _) = BodyForm::UrlEncoded.write(&[]);
    let body = encoded(&[("grant_type", "refresh_token"), ("client_id", CATALOGUE.client_id), ("refresh_token", "x")]);
    let headers = [("origin", CATALOGUE.redirect_uri), ("content-type", content_type.as_str())];
    let refused = directories.harness.send("POST", &MARKET.oauth("/token"), &headers, body.into()).await;
    assert_eq!((refused.status, refused.header(ALLOWED)), (400, Some(CATALOGUE.redirect_uri)));
}
