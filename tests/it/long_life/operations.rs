//! The operator's listener: which callers it accepts, and its answers.

use serde_json::json;

use super::{assert_nothing, get, refreshable, sign_in, with_ada};
use crate::harness::{ADMIN_TOKEN, Harness, Options, logs};

/// The user key of a user, `oid@tid`.
pub(super) fn key_of(harness: &Harness, user: &str) -> String {
    let user = harness.user(user);
    format!("{}@{}", user.oid, user.tid)
}

#[tokio::test]
async fn the_operator_signs_one_user_out_everywhere_and_no_other_user() {
    let harness = with_ada(refreshable()).await;
    assert_eq!(sign_in(&harness, "Ada", "mail", "mail").await.status, 200);
    assert_eq!(sign_in(&harness, "Ben", "graph", "ben").await.status, 200);
    let before = logs::length();
    let key = key_of(&harness, "Ada");
    let answer = harness.sign_out_everywhere(&key.to_ascii_uppercase()).await;
    let said = answer.json();
    assert_eq!((answer.status, &said["userKey"], &said["tokensRemoved"]), (200, &json!(key), &json!(2)));
    assert_eq!(said["ended"]["tokens"], 2, "{said}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_nothing(&get(&harness).await);
    assert_nothing(&harness.get_token("msteams", "29:ada", "mail").await);
    assert_eq!(harness.get_token("msteams", "29:ben", "graph").await.status, 200);
    assert_eq!(harness.sign_out_everywhere(&key).await.json()["tokensRemoved"], 0, "again is no error");
    let lines = logs::since(before);
    // All tests write the same log, and others sign other users out.
    let of_ada = |line: &&str| line.contains("a user was signed out everywhere") && line.contains(&key);
    let line = lines.lines().find(of_ada).unwrap();
    assert!(line.contains("\"tokens_removed\":2") && line.contains("\"security\":true"), "{line}");
    assert_eq!(sign_in(&harness, "Ada", "graph", "again").await.status, 200);
}

#[tokio::test]
async fn the_operators_listener_accepts_only_the_admin_token() {
    let harness = with_ada(refreshable()).await;
    let url = format!("{}/admin/users/{}/sign-out", harness.operations, key_of(&harness, "Ada"));
    let bearer = |token: &str| format!("Bearer {token}");
    let bot = bearer(&harness.bot_token("demo").await);
    let (wrong, longer) = (bearer("something-else-of-16"), bearer(&format!("{ADMIN_TOKEN}x")));
    let shorter = bearer(&ADMIN_TOKEN[1..]);
    let basic = format!("Basic {ADMIN_TOKEN}");
    let right = bearer(ADMIN_TOKEN);
    for (headers, code) in [
        (vec![], "MissingAuthorization"),
        (vec![("authorization", wrong.as_str())], "InvalidToken"),
        (vec![("authorization", longer.as_str())], "InvalidToken"),
        (vec![("authorization", shorter.as_str())], "InvalidToken"),
        (vec![("authorization", bot.as_str())], "InvalidToken"),
        (vec![("authorization", basic.as_str())], "InvalidAuthorization"),
        (vec![("authorization", "Bearer ")], "InvalidAuthorization"),
        (vec![("authorization", right.as_str()), ("authorization", right.as_str())], "InvalidAuthorization"),
    ] {
        let answer = harness.send("POST", &url, &headers, Vec::new()).await;
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (401, &json!(code)));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer"));
    }
    assert_eq!(get(&harness).await.status, 200, "nobody was signed out");
    assert!(!logs::text().contains(ADMIN_TOKEN));
}

#[tokio::test]
async fn a_user_key_names_a_user_or_is_refused_with_its_form() {
    let harness = with_ada(refreshable()).await;
    let ada = harness.user("Ada");
    for (key, known_as) in [
        (format!("{}%40{}", ada.oid, ada.tid), key_of(&harness, "Ada")),
        (
            "00000000-0000-4000-8000-000000000009@00000000-0000-4000-8000-000000000008".to_owned(),
            "00000000-0000-4000-8000-000000000009@00000000-0000-4000-8000-000000000008".to_owned(),
        ),
        (
            "a%20b%2Fc%2540%40https%3A%2F%2Fissuer.example%2Frealm".to_owned(),
            "a b/c%40@https://issuer.example/realm".to_owned(),
        ),
    ] {
        let answer = harness.sign_out_everywhere(&key).await;
        assert_eq!((answer.status, &answer.json()["userKey"]), (200, &json!(known_as)));
    }
    assert_nothing(&get(&harness).await);
    for key in [
        "Ada",
        "29:ada",
        ada.oid,
        &format!("{}@contoso.com", ada.oid),
        "%zz%40https%3A%2F%2Fissuer.example",
        "@",
        "a%00b%40https%3A%2F%2Fx",
    ] {
        let answer = harness.sign_out_everywhere(key).await;
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (400, &json!("BadArgument")), "{key}");
        assert!(answer.json()["error"]["message"].as_str().unwrap().contains("<object id>@<tenant id>"), "{key}");
    }
}

#[tokio::test]
async fn the_operators_and_the_public_listener_share_no_path() {
    let harness = with_ada(refreshable()).await;
    let path = format!("/admin/users/{}/sign-out", key_of(&harness, "Ada"));
    let right = format!("Bearer {ADMIN_TOKEN}");
    let headers = [("authorization", right.as_str())];
    assert_eq!(harness.send("POST", &path, &headers, Vec::new()).await.status, 404, "not on the public listener");
    assert_eq!(harness.send("GET", "/healthz", &[], Vec::new()).await.status, 404);
    let of_operations = |path: &str| format!("{}{path}", harness.operations);
    let alive = harness.send("GET", &of_operations("/healthz"), &[], Vec::new()).await;
    assert_eq!((alive.status, alive.body.as_slice()), (200, b"ok".as_slice()));
    for path in ["/api/messages", "/api/usertoken/GetToken", "/admin", "/admin/users/", "/"] {
        assert_eq!(harness.send("POST", &of_operations(path), &headers, Vec::new()).await.status, 404, "{path}");
    }
    let read = harness.send("GET", &of_operations(&path), &headers, Vec::new()).await;
    assert_eq!((read.status, read.header("allow")), (405, Some("POST")));
    let posted = harness.send("POST", &of_operations("/healthz"), &[], Vec::new()).await;
    assert_eq!((posted.status, posted.header("allow")), (405, Some("GET, HEAD")));
    assert_eq!(get(&harness).await.status, 200);
}

#[tokio::test]
async fn without_the_operations_section_there_is_no_operators_listener() {
    let harness = Harness::with(Options::default()).await;
    assert_eq!(harness.operations, "");
}
