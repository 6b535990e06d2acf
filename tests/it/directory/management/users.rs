//! The users of a directory, as its administrators see and change them.

use serde_json::{Value, json};

use crate::directory::fixture::{ADA, BEN, CAMPUS, Directories, MARKET, SHOP};
use crate::harness::waiting::wait_for;

fn user(email: &str) -> Value {
    json!({ "emails": [{ "value": email, "primary": true }], "password": "a-password-of-the-directory" })
}

#[tokio::test]
async fn an_administrator_creates_reads_changes_and_deletes_a_user() {
    let directories = Directories::start().await;
    let id = directories.create_user(&MARKET, &ADA).await;
    let path = format!("/cloud_directory/Users/{id}");
    let read = directories.manage(&MARKET, "GET", &path, &Value::Null).await;
    assert_eq!(read.status, 200, "{}", read.text());
    let read = read.json();
    assert_eq!(read["schemas"], json!(["urn:ietf:params:scim:schemas:core:2.0:User"]));
    assert_eq!((&read["id"], &read["displayName"]), (&json!(id), &json!("Ada Lovelace")));
    assert_eq!((&read["active"], &read["status"]), (&json!(true), &json!("CONFIRMED")));
    assert_eq!(read["emails"], json!([{ "value": ADA.email, "primary": true }]));
    assert!(read.get("password").is_none() && read["meta"]["created"].is_string(), "{read}");

    let changed = json!({
        "emails": [{ "value": "countess@contoso.example" }],
        "name": { "givenName": "Augusta", "familyName": "King" },
        "locale": "en", "phoneNumbers": [{ "value": "1" }],
    });
    let written = directories.manage(&MARKET, "PUT", &path, &changed).await;
    assert_eq!(written.status, 200, "{}", written.text());
    let written = written.json();
    assert_eq!(written["emails"], json!([{ "value": "countess@contoso.example", "primary": true }]));
    assert_eq!(written["name"], json!({ "givenName": "Augusta", "familyName": "King" }));
    assert!(written.get("displayName").is_none(), "what is left out is gone: {written}");
    assert_eq!(written["status"], "CONFIRMED", "the status stays: {written}");

    assert_eq!(directories.manage(&MARKET, "DELETE", &path, &Value::Null).await.status, 204);
    for method in ["GET", "DELETE"] {
        let gone = directories.manage(&MARKET, method, &path, &Value::Null).await;
        assert_eq!((gone.status, gone.json()["status"].as_str()), (404, Some("404")), "{method}");
    }
    for event in ["directory_user_created", "directory_user_updated", "directory_user_deleted"] {
        let line = directories.audited(event, Some(&id)).await;
        assert_eq!(
            (&line["administrator"], &line["tenant"]),
            (&json!("manager-of-market"), &json!(MARKET.tenant)),
            "{line}"
        );
    }
}

#[tokio::test]
async fn users_are_listed_a_page_at_a_time_and_found_by_a_part_of_their_address() {
    let directories = Directories::start().await;
    for number in 1..=5 {
        let body = user(&format!("u{number}@a.example"));
        assert_eq!(directories.manage(&MARKET, "POST", "/cloud_directory/Users", &body).await.status, 201);
    }
    let list = async |query: &str| {
        let answer = directories.manage(&MARKET, "GET", &format!("/cloud_directory/Users{query}"), &Value::Null).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    };
    let ids =
        |page: &Value| page["Resources"].as_array().unwrap().iter().map(|user| user["id"].clone()).collect::<Vec<_>>();
    let all = list("").await;
    assert_eq!((&all["totalResults"], &all["itemsPerPage"], &all["startIndex"]), (&json!(5), &json!(5), &json!(1)));
    let mut paged = ids(&list("?startIndex=1&count=2").await);
    paged.extend(ids(&list("?startIndex=3&count=2").await));
    paged.extend(ids(&list("?startIndex=5&count=2").await));
    assert_eq!(paged, ids(&all));
    assert_eq!(ids(&list("?startIndex=0&count=2").await), paged[..2], "0 is the same as 1");
    assert_eq!(list("?count=0").await["totalResults"], 5);
    let found = list("?query=U3%40A").await;
    assert_eq!(
        (&found["totalResults"], found["Resources"][0]["emails"][0]["value"].as_str()),
        (&json!(1), Some("u3@a.example"))
    );
    for bad in ["?count=-1", "?startIndex=x", "?count=1&count=2"] {
        let refused = directories.manage(&MARKET, "GET", &format!("/cloud_directory/Users{bad}"), &Value::Null).await;
        assert_eq!(refused.status, 400, "{bad}");
    }
    let other = directories.manage(&CAMPUS, "GET", "/cloud_directory/Users", &Value::Null).await;
    assert_eq!(other.json()["totalResults"], 0, "users belong to one directory");
}

#[tokio::test]
async fn a_user_who_exists_is_409_and_a_body_of_another_form_is_400() {
    let directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    let create = async |body: &str| {
        let bearer = format!("Bearer {}", MARKET.administrator("writer"));
        let headers = [("authorization", bearer.as_str())];
        let path = MARKET.management("/cloud_directory/Users");
        directories.harness.send("POST", &path, &headers, body.as_bytes().to_vec()).await
    };
    let taken = create(&user(&ADA.email.to_uppercase()).to_string()).await;
    assert_eq!((taken.status, taken.json()["scimType"].as_str()), (409, Some("uniqueness")), "{}", taken.text());
    let secret = "pass-secret-of-the-local-stage";
    for body in [
        String::new(),
        "[]".to_owned(),
        "{".to_owned(),
        r#"{"emails":[{"value":"x@a.example"}]}"#.to_owned(),
        format!(r#"{{"emails":"x@a.example","password":"{secret}"}}"#),
        format!(r#"{{"emails":[{{"value":"x@a.example"}}],"password":["{secret}"]}}"#),
        format!(r#"{{"emails":[{{"value":"x@a.example"}}],"password":"{secret}","password":"{secret}"}}"#),
        format!(r#"{{"emails":[{{"value":"x@a.example"}}],"password":"{secret}","active":"true"}}"#),
        format!(r#"{{"emails":[{{"value":"x@a.example"}}],"password":"{secret}","status":"{secret}"}}"#),
        format!(
            r#"{{"emails":[{{"value":"x@a.example","primary":true}},{{"value":"y@a.example","primary":true}}],"password":"{secret}"}}"#
        ),
        format!(r#"{{"emails":[],"password":"{secret}"}}"#),
        r#"{"emails":[{"value":"x@a.example"}],"password":"short"}"#.to_owned(),
    ] {
        let refused = create(&body).await;
        assert_eq!(refused.status, 400, "{body}: {}", refused.text());
        assert!(refused.json()["detail"].is_string() && !refused.text().contains(secret), "{}", refused.text());
    }
    let listed = directories.manage(&MARKET, "GET", "/cloud_directory/Users", &Value::Null).await;
    assert_eq!(listed.json()["totalResults"], 1);
}

#[tokio::test]
async fn a_changed_password_ends_the_sessions_and_signs_in() {
    let directories = Directories::start().await;
    let id = directories.create_user(&MARKET, &ADA).await;
    let mut browser = directories.browser();
    browser.sign_in(&SHOP, &ADA).await;
    let body =
        json!({ "uuid": id, "newPassword": "another-password-of-the-directory", "changedIpAddress": "192.0.2.1" });
    let changed = directories.manage(&MARKET, "POST", "/cloud_directory/change_password?language=en", &body).await;
    assert_eq!((changed.status, &changed.json()["id"]), (200, &json!(id)), "{}", changed.text());
    assert_eq!(browser.authorize(&SHOP, &[]).await.status, 200, "the login page is shown again");
    directories.audited("directory_password_set", Some(&id)).await;
    assert_eq!(directories.audited("directory_sessions_ended", Some(&id)).await["detail"], "password_set");
    let page = browser.authorize(&SHOP, &[]).await;
    let old = browser.log_in(&SHOP.authorization(&[]), &page, ADA.email, ADA.password).await;
    assert_eq!(old.status, 401);
    let page = browser.authorize(&SHOP, &[]).await;
    let new = browser.log_in(&SHOP.authorization(&[]), &page, ADA.email, "another-password-of-the-directory").await;
    assert!(matches!(new.status, 302 | 303), "{}", new.text());
    let unknown = json!({ "uuid": "nobody", "newPassword": "another-password-of-the-directory" });
    let unknown = directories.manage(&MARKET, "POST", "/cloud_directory/change_password", &unknown).await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn an_administrator_ends_the_sessions_of_one_user_only() {
    let directories = Directories::start().await;
    let id = directories.create_user(&MARKET, &ADA).await;
    directories.create_user(&MARKET, &BEN).await;
    let (mut ada, mut ben) = (directories.browser(), directories.browser());
    ada.sign_in(&SHOP, &ADA).await;
    ben.sign_in(&SHOP, &BEN).await;
    let path = format!("/cloud_directory/Users/{id}/sso/logout");
    assert_eq!(directories.manage(&MARKET, "POST", &path, &Value::Null).await.status, 204);
    assert_eq!(ada.authorize(&SHOP, &[]).await.status, 200);
    assert!(!ben.sign_in_silently(&SHOP).await.code.is_empty());
    assert_eq!(directories.audited("directory_sessions_ended", Some(&id)).await["detail"], "administrator");
    // App ID's older guides send the token without `Bearer`.
    let token = MARKET.administrator("writer");
    let headers = [("authorization", token.as_str())];
    let bare = directories.harness.send("POST", &MARKET.management(&path), &headers, Vec::new()).await;
    assert_eq!(bare.status, 204);
    let unknown = directories.manage(&MARKET, "POST", "/cloud_directory/Users/nobody/sso/logout", &Value::Null).await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn a_user_who_is_made_inactive_has_no_session_and_stays_inactive_when_the_name_changes() {
    let directories = Directories::start().await;
    let id = directories.create_user(&MARKET, &ADA).await;
    let mut browser = directories.browser();
    browser.sign_in(&SHOP, &ADA).await;
    let path = format!("/cloud_directory/Users/{id}");
    let profile = json!({ "emails": [{ "value": ADA.email }] });
    let mut locked = profile.clone();
    locked["active"] = json!(false);
    assert_eq!(directories.manage(&MARKET, "PUT", &path, &locked).await.json()["active"], false);
    assert_eq!(browser.authorize(&SHOP, &[]).await.status, 200);
    directories.audited("directory_user_disabled", Some(&id)).await;
    let renamed = directories.manage(&MARKET, "PUT", &path, &profile).await;
    assert_eq!(renamed.json()["active"], false, "{}", renamed.text());
    let mut unlocked = profile;
    unlocked["active"] = json!(true);
    assert_eq!(directories.manage(&MARKET, "PUT", &path, &unlocked).await.json()["active"], true);
    assert_eq!(browser.authorize(&SHOP, &[]).await.status, 200, "the session of before does not live again");
}

#[tokio::test]
async fn a_user_is_made_inactive_once_in_the_audit_stream() {
    let directories = Directories::start().await;
    let id = directories.create_user(&MARKET, &ADA).await;
    let path = format!("/cloud_directory/Users/{id}");
    let profile = |active: bool| json!({ "emails": [{ "value": ADA.email }], "active": active });
    for active in [false, false, true] {
        let changed = directories.manage(&MARKET, "PUT", &path, &profile(active)).await;
        assert_eq!(changed.json()["active"], active, "{}", changed.text());
    }
    let count = |event: &str| directories.audit_lines(Some(&id)).iter().filter(|line| line["event"] == event).count();
    wait_for("all changes", async || (count("directory_user_updated") == 3).then_some(())).await;
    assert_eq!(count("directory_user_disabled"), 1);
}

#[tokio::test]
async fn revoked_refresh_tokens_are_refused() {
    let directories = Directories::start().await;
    let id = directories.create_user(&MARKET, &ADA).await;
    let code = directories.browser().sign_in(&SHOP, &ADA).await.code;
    let tokens = directories.redeem(&SHOP, &code).await;
    let path = format!("/users/{id}/revoke_refresh_token");
    assert_eq!(directories.manage(&MARKET, "POST", &path, &Value::Null).await.status, 204);
    assert_eq!(directories.refresh(&SHOP, tokens["refresh_token"].as_str().unwrap()).await.status, 400);
    directories.audited("directory_grants_revoked", Some(&id)).await;
    let unknown = directories.manage(&MARKET, "POST", "/users/nobody/revoke_refresh_token", &Value::Null).await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn several_users_are_deleted_in_one_call() {
    let directories = Directories::start().await;
    let (ada, ben) = (directories.create_user(&MARKET, &ADA).await, directories.create_user(&MARKET, &BEN).await);
    let ids = json!({ "ids": [ada, "nobody"] });
    let removed = directories.manage(&MARKET, "POST", "/cloud_directory/bulk_remove", &ids).await;
    assert_eq!((removed.status, removed.json()), (200, json!({ "success": [ada], "notFound": ["nobody"] })));
    let too_many = json!({ "ids": vec![ben.as_str(); 101] });
    assert_eq!(directories.manage(&MARKET, "POST", "/cloud_directory/bulk_remove", &too_many).await.status, 400);
    let path = format!("/cloud_directory/remove/{ben}");
    assert_eq!(directories.manage(&MARKET, "DELETE", &path, &Value::Null).await.status, 204);
    let listed = directories.manage(&MARKET, "GET", "/cloud_directory/Users", &Value::Null).await;
    assert_eq!(listed.json()["totalResults"], 0);
}
