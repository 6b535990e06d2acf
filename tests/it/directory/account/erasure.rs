//! The operator exports and erases what is kept of a person.

use serde_json::{Value, json};

use super::setting::{ada_at_shop, key_of, operate, signed_in_to, started};
use crate::directory::fixture::{ADA, BEN, MARKET, SHOP, TICKETS};
use crate::directory::sessions::is_asked;
use crate::harness::{Answer, activities};

/// What an export says of a collection.
fn records<'e>(export: &'e Value, name: &str) -> &'e Vec<Value> {
    export["records"][name].as_array().unwrap_or_else(|| panic!("no {name}: {export}"))
}

fn answered(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.json()
}

#[tokio::test]
async fn an_export_has_everything_of_a_directorys_user_but_tokens_and_secrets() {
    let (directories, ada) = started().await;
    let (mut browser, tokens) = ada_at_shop(&directories).await;
    browser.sign_in_silently(&TICKETS).await;
    let exported = answered(&operate(&directories, "GET", &key_of(&ada), "export").await);
    assert_eq!(exported["userKey"], json!(key_of(&ada)));
    assert!(
        exported["exportedAt"].as_str().unwrap().ends_with('Z') && exported["linkedKeys"] == json!([]),
        "{exported}"
    );
    assert!(exported["auditRetention"].as_str().unwrap().contains("audit stream"), "{exported}");
    let user = &records(&exported, "directoryUsers")[0];
    assert_eq!(
        (&user["emails"][0]["value"], &user["names"]["displayName"]),
        (&json!(ADA.email), &Value::Null),
        "{user}"
    );
    assert_eq!((&user["names"]["display"], &user["hasPassword"]), (&json!(ADA.name), &json!(true)));
    assert_eq!(records(&exported, "sessions").len(), 1);
    let grant = &records(&exported, "grants")[0];
    assert_eq!((&grant["application"], &grant["signedInBy"]), (&json!(SHOP.client_id), &json!("cloud_directory")));
    assert_eq!(records(&exported, "directoryCodes").len(), 2, "one used, one not: {exported}");
    let text = exported.to_string();
    for secret in ["access_token", "refresh_token", "id_token"] {
        assert!(!text.contains(tokens[secret].as_str().unwrap()), "{secret}");
    }
    for secret in ["$argon2", ADA.password, &browser.cookie("bot-sso-session-").unwrap().value] {
        assert!(!text.contains(secret), "{secret}");
    }
    let line = directories.audited("person_exported", Some(&ada)).await;
    assert_eq!(line["count"], json!(5), "{line}");
    assert!(!is_asked(&mut browser, &SHOP).await, "an export ends nothing");
}

#[tokio::test]
async fn an_erasure_deletes_a_directorys_user_with_sessions_and_grants_and_no_other_user() {
    let (directories, ada) = started().await;
    let ben = directories.create_user(&MARKET, &BEN).await;
    let (mut browser, tokens) = ada_at_shop(&directories).await;
    let (mut of_ben, tokens_of_ben) = signed_in_to(&directories, &SHOP, &BEN).await;
    let erased = answered(&operate(&directories, "POST", &key_of(&ada), "erase").await);
    assert_eq!((&erased["ended"]["sessions"], &erased["ended"]["grants"]), (&json!(1), &json!(1)), "{erased}");
    assert_eq!(
        (&erased["removed"]["directoryUsers"], &erased["removed"]["directoryCodes"]),
        (&json!(1), &json!(1)),
        "{erased}"
    );
    assert!(is_asked(&mut browser, &SHOP).await);
    assert!(!directories.is_active(&SHOP, tokens["access_token"].as_str().unwrap()).await);
    assert_eq!(
        directories.manage(&MARKET, "GET", &format!("/cloud_directory/Users/{ada}"), &Value::Null).await.status,
        404
    );
    let exported = answered(&operate(&directories, "GET", &key_of(&ada), "export").await);
    for (name, left) in exported["records"].as_object().unwrap() {
        assert_eq!(left, &json!([]), "{name}");
    }
    let line = directories.audited("person_erased", Some(&ada)).await;
    assert_eq!(line["ended"]["directoryUsers"], json!(1), "{line}");
    // Once more, and of an unknown user: nothing is kept, and that is no error.
    for key in [key_of(&ada), key_of("nobody"), "someone@https://issuer.example".to_owned()] {
        let erased = answered(&operate(&directories, "POST", &key, "erase").await);
        assert_eq!((&erased["ended"], &erased["removed"]), (&json!({}), &json!({})), "{erased}");
    }
    assert!(!is_asked(&mut of_ben, &SHOP).await);
    assert!(directories.is_active(&SHOP, tokens_of_ben["access_token"].as_str().unwrap()).await);
    let of_ben = answered(&operate(&directories, "GET", &key_of(&ben), "export").await);
    assert_eq!(records(&of_ben, "directoryUsers").len(), 1);
    // The address is free for a new user.
    directories.create_user(&MARKET, &ADA).await;
}

#[tokio::test]
async fn the_tokens_and_pins_of_a_persons_bots_are_exported_by_account_and_erased() {
    let (directories, _) = started().await;
    let harness = &directories.harness;
    let user = harness.user("Ada");
    let token = harness.user_token("Ada", "graph").await;
    assert_eq!(harness.post(&activities::exchange(harness, &user, "erasure", &token)).await.status, 200);
    let key = format!("{}@{}", user.oid, user.tid);
    let exported = answered(&operate(&directories, "GET", &key, "export").await);
    let kept = &records(&exported, "tokens")[0];
    let account = json!({ "holder": "demo", "channel": "msteams", "parent": null, "subject": "29:ada" });
    assert_eq!((&kept["account"], &kept["connection"]), (&account, &json!("graph")), "{kept}");
    assert!(kept["signedInAt"].is_string() && !exported.to_string().contains(&token), "{exported}");
    assert_eq!(harness.get_token("msteams", "29:ada", "graph").await.status, 200);
    let erased = answered(&operate(&directories, "POST", &key, "erase").await);
    assert_eq!(erased["ended"]["tokens"], json!(1), "{erased}");
    assert_eq!(harness.get_token("msteams", "29:ada", "graph").await.status, 404);
    let exported = answered(&operate(&directories, "GET", &key, "export").await);
    for (name, left) in exported["records"].as_object().unwrap() {
        assert_eq!(left, &json!([]), "{name}");
    }
}

#[tokio::test]
async fn only_the_operator_may_ask_and_only_about_a_user_key() {
    let (directories, ada) = started().await;
    let base = &directories.harness.operations;
    for (method, act) in [("GET", "export"), ("POST", "erase")] {
        let path = format!("{base}/admin/users/{}/{act}", key_of(&ada).replace('/', "%2F"));
        let refused = directories.harness.send(method, &path, &[], Vec::new()).await;
        assert_eq!(refused.status, 401, "{}", refused.text());
        for key in ["ada", "cloud_directory:", "%2540"] {
            assert_eq!(operate(&directories, method, key, act).await.status, 400, "{key}");
        }
    }
    assert_eq!(
        directories.manage(&MARKET, "GET", &format!("/cloud_directory/Users/{ada}"), &Value::Null).await.status,
        200
    );
}
