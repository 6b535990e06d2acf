//! What users do by themselves: its settings, and the calls of applications that have pages of their own for it.

use serde_json::{Value, json};

use crate::directory::fixture::{ADA, BEN, CAMPUS, Directories, MARKET, SHOP};
use crate::directory::mailed::{EVERYTHING, MailedDirectories, context_of, press};
use crate::harness::Answer;
use crate::harness::waiting::wait_for;

const IDP: &str = "/config/idps/cloud_directory";
const SIGN_UP: &str = "/cloud_directory/sign_up";
const FORGOTTEN: &str = "/cloud_directory/forgot_password";
const RESULTS: [&str; 2] =
    ["/cloud_directory/sign_up/confirmation_result", "/cloud_directory/forgot_password/confirmation_result"];
const ACTIONS: [&str; 2] =
    ["/config/cloud_directory/action_url/on_user_verified", "/config/cloud_directory/action_url/on_reset_password"];

async fn post(service: &MailedDirectories, path: &str, body: &Value) -> Answer {
    service.directories.manage(&MARKET, "POST", path, body).await
}

fn new_user(email: &str) -> Value {
    json!({ "emails": [{ "value": email }], "password": "a-password-of-the-directory", "displayName": "Grace" })
}

/// Sets flags of `market`, and those of `interactions`.
async fn set_flags(directories: &Directories, flags: &Value, interactions: &Value) -> Answer {
    let mut config = flags.clone();
    config["interactions"] = interactions.clone();
    directories.manage(&MARKET, "PUT", IDP, &json!({ "isActive": true, "config": config })).await
}

#[tokio::test]
async fn an_administrator_sets_what_users_do_by_themselves_and_it_is_kept_across_a_restart() {
    let mut service = MailedDirectories::with("").await;
    let flags = json!({ "selfServiceEnabled": true, "signupEnabled": true });
    let interactions = json!({
        "identityConfirmation": { "accessMode": "RESTRICTIVE", "methods": ["email"] },
        "welcomeEnabled": true, "resetPasswordEnabled": true, "resetPasswordNotificationEnable": true,
    });
    let set = set_flags(&service.directories, &flags, &interactions).await;
    assert_eq!(set.status, 200, "{}", set.text());
    let expected = json!({ "isActive": true, "config": {
        "selfServiceEnabled": true, "signupEnabled": true, "interactions": interactions, "identityField": "email",
    } });
    assert_eq!(set.json(), expected);
    service.directories.restart().await;
    assert_eq!(service.directories.manage(&MARKET, "GET", IDP, &Value::Null).await.json(), expected);
    let one = set_flags(&service.directories, &json!({}), &json!({ "welcomeEnabled": false })).await.json();
    assert_eq!(one["config"]["interactions"]["welcomeEnabled"], false);
    assert_eq!(one["config"]["signupEnabled"], true, "what is left out stays: {one}");
    let line = service.directories.audited("directory_settings_updated", None).await;
    assert_eq!(line["detail"], "idps_cloud_directory");
}

#[tokio::test]
async fn a_flag_that_needs_mail_is_refused_where_no_mail_is_sent() {
    let directories = Directories::start().await;
    for interactions in [
        json!({ "welcomeEnabled": true }),
        json!({ "resetPasswordEnabled": true }),
        json!({ "resetPasswordNotificationEnable": true }),
        json!({ "identityConfirmation": { "accessMode": "FULL" } }),
    ] {
        let refused = set_flags(&directories, &json!({ "signupEnabled": true }), &interactions).await;
        assert_eq!(refused.status, 400, "{}", refused.text());
        assert!(refused.json()["detail"].as_str().unwrap().contains("[mail]"), "{}", refused.text());
    }
    let read = directories.manage(&MARKET, "GET", IDP, &Value::Null).await.json();
    assert_eq!(read["config"]["signupEnabled"], false, "a refused change changes nothing: {read}");
    let set = set_flags(&directories, &json!({ "signupEnabled": true, "selfServiceEnabled": true }), &json!({})).await;
    assert_eq!((set.status, &set.json()["config"]["signupEnabled"]), (200, &json!(true)), "{}", set.text());
}

#[tokio::test]
async fn the_pages_behind_links_are_set_read_and_removed_one_by_one() {
    let directories = Directories::start().await;
    for path in ACTIONS {
        let none = directories.manage(&MARKET, "GET", path, &Value::Null).await;
        assert_eq!((none.status, none.json()), (200, json!({})), "{path}");
    }
    let [verified, reset] = ACTIONS;
    let address = json!({ "actionUrl": "https://shop.example.com/verified?lang=en" });
    let set = directories.manage(&MARKET, "PUT", verified, &address).await;
    assert_eq!((set.status, set.json()), (200, address.clone()), "{}", set.text());
    assert_eq!(directories.manage(&MARKET, "GET", verified, &Value::Null).await.json(), address);
    assert_eq!(directories.manage(&MARKET, "GET", reset, &Value::Null).await.json(), json!({}));
    for bad in
        ["javascript:alert(1)", "//evil.example", "https://a.example/#x", "https://a@b.example/", "https://*/", ""]
    {
        let refused = directories.manage(&MARKET, "PUT", verified, &json!({ "actionUrl": bad })).await;
        assert_eq!(refused.status, 400, "{bad}: {}", refused.text());
    }
    for unknown in ["on_sign_up", "On_user_verified", "..%2F..%2Fsso", "on_user_verified%00"] {
        let path = format!("/config/cloud_directory/action_url/{unknown}");
        for (method, body) in [("GET", Value::Null), ("PUT", address.clone()), ("DELETE", Value::Null)] {
            let answer = directories.manage(&MARKET, method, &path, &body).await;
            assert_eq!(answer.status, 404, "{method} {unknown}: {}", answer.text());
        }
    }
    assert_eq!(directories.manage(&MARKET, "DELETE", verified, &Value::Null).await.status, 204);
    assert_eq!(directories.manage(&MARKET, "GET", verified, &Value::Null).await.json(), json!({}));
    let line = directories.audited("directory_settings_updated", None).await;
    assert_eq!(line["detail"], "action_url");
}

#[tokio::test]
async fn only_a_writer_of_the_directory_signs_users_up_and_lets_messages_be_sent() {
    let service = MailedDirectories::with(EVERYTHING).await;
    let id = service.directories.create_user(&MARKET, &ADA).await;
    let resend = "/cloud_directory/resend/RESET_PASSWORD";
    let context = json!({ "context": "0".repeat(64) });
    let calls = [
        ("POST", SIGN_UP, new_user("grace@contoso.example")),
        ("POST", FORGOTTEN, json!({ "user": ADA.email })),
        ("POST", resend, json!({ "uuid": id })),
        ("POST", RESULTS[0], context.clone()),
        ("POST", RESULTS[1], context),
        ("PUT", ACTIONS[0], json!({ "actionUrl": "https://shop.example.com/" })),
        ("DELETE", ACTIONS[0], Value::Null),
    ];
    for (method, path, body) in &calls {
        let reader = service.directories.manage_as(MARKET.caller("reader"), method, path, body).await;
        assert_eq!(reader.status, 403, "{method} {path}: {}", reader.text());
        let bearer = format!("Bearer {}", CAMPUS.administrator("manager"));
        for headers in [&[("authorization", bearer.as_str())][..], &[]] {
            let bytes = body.to_string().into_bytes();
            let other = service.directories.harness.send(method, &MARKET.management(path), headers, bytes).await;
            assert_eq!(other.status, 401, "{method} {path}: {}", other.text());
        }
    }
    // What a writer lets be sent comes after what was refused, and is the first message.
    let sent =
        service.directories.manage_as(MARKET.caller("writer"), "POST", FORGOTTEN, &json!({ "user": ADA.email })).await;
    assert_eq!((sent.status, &sent.json()["id"]), (200, &json!(id)), "{}", sent.text());
    let line = service.directories.audited("directory_password_reset_asked", Some(&id)).await;
    assert_eq!(line["administrator"], "writer-of-market", "{line}");
    service.wait_for(ADA.email, 1).await;
    assert_eq!((service.count(ADA.email), service.count("grace@contoso.example")), (1, 0));
}

#[tokio::test]
async fn a_context_is_one_of_its_directory_and_ends_after_an_hour() {
    let service = MailedDirectories::with(EVERYTHING).await;
    let id = service.directories.create_user(&MARKET, &ADA).await;
    let set = json!({ "actionUrl": "https://shop.example.com/reset" });
    assert_eq!(service.directories.manage(&MARKET, "PUT", ACTIONS[1], &set).await.status, 200);
    let draw = async |count: usize| {
        assert_eq!(post(&service, FORGOTTEN, &json!({ "user": ADA.email })).await.status, 200);
        let link = service.wait_for_link(ADA.email, count).await;
        let answer = press(&mut service.directories.browser(), &link).await;
        json!({ "context": context_of(&answer) })
    };
    let context = draw(1).await;
    let elsewhere = service.directories.manage(&CAMPUS, "POST", RESULTS[1], &context).await;
    assert_eq!(elsewhere.status, 404, "{}", elsewhere.text());
    let known = post(&service, RESULTS[1], &context).await;
    assert_eq!((known.status, known.json()), (200, json!({ "success": true, "uuid": id })), "{}", known.text());
    assert_eq!(known.header("cache-control"), Some("no-store"));
    let context = draw(2).await;
    service.directories.pass(3601);
    assert_eq!(post(&service, RESULTS[1], &context).await.status, 404);
}

#[tokio::test]
async fn what_the_directory_does_not_do_is_refused_with_its_reason() {
    let service = MailedDirectories::with("").await;
    let id = service.directories.create_user(&MARKET, &ADA).await;
    let refusals = [
        (FORGOTTEN.to_owned(), json!({ "user": ADA.email }), 409, "resetPasswordEnabled"),
        ("/cloud_directory/resend/RESET_PASSWORD".to_owned(), json!({ "uuid": id }), 409, "resetPasswordEnabled"),
        (FORGOTTEN.to_owned(), json!({}), 400, "user"),
        (FORGOTTEN.to_owned(), json!({ "user": ADA.email, "email": ADA.email }), 400, "user"),
        ("/cloud_directory/resend/NEWSLETTER".to_owned(), json!({ "uuid": id }), 404, "WELCOME"),
        ("/cloud_directory/resend/ADDRESS_TAKEN".to_owned(), json!({ "uuid": id }), 404, "WELCOME"),
        ("/cloud_directory/resend/%2e%2e".to_owned(), json!({ "uuid": id }), 404, ""),
    ];
    for (path, body, status, what) in refusals {
        let refused = post(&service, &path, &body).await;
        assert_eq!(refused.status, status, "{path}: {}", refused.text());
        assert!(refused.text().contains(what), "{path}: {}", refused.text());
    }
    let without_mail = Directories::start().await;
    let id = without_mail.create_user(&MARKET, &ADA).await;
    let path = "/cloud_directory/resend/WELCOME";
    let refused = without_mail.manage(&MARKET, "POST", path, &json!({ "uuid": id })).await;
    assert_eq!(refused.status, 409, "{}", refused.text());
    assert!(refused.text().contains("[mail]"), "{}", refused.text());
}

#[tokio::test]
async fn every_kind_of_message_can_be_sent_again_in_the_language_that_is_asked_for() {
    let service = MailedDirectories::with(EVERYTHING).await;
    let user = json!({ "emails": [{ "value": ADA.email }], "password": ADA.password });
    let id = service.directories.manage(&MARKET, "POST", "/cloud_directory/Users", &user).await.json()["id"].clone();
    let mut subjects = Vec::new();
    for (count, template) in ["USER_VERIFICATION", "RESET_PASSWORD", "PASSWORD_CHANGED"].into_iter().enumerate() {
        let path = format!("/cloud_directory/resend/{template}?language=de");
        let sent = post(&service, &path, &json!({ "uuid": id })).await;
        assert_eq!(sent.status, 202, "{template}: {}", sent.text());
        assert!(sent.json()["message"].is_string(), "{}", sent.text());
        subjects.push(service.wait_for(ADA.email, count + 1).await.subject);
    }
    subjects.dedup();
    assert_eq!(subjects.len(), 3, "{subjects:?}");
    let line = service.directories.audited("directory_message_sent", id.as_str()).await;
    assert_eq!((&line["detail"], &line["administrator"]), (&json!("USER_VERIFICATION"), &json!("manager-of-market")));
    assert_eq!(post(&service, "/cloud_directory/resend/WELCOME", &json!({ "uuid": id })).await.status, 202);
    assert_eq!(post(&service, "/cloud_directory/resend/WELCOME", &json!({ "uuid": "nobody" })).await.status, 404);
}

#[tokio::test]
async fn a_user_of_a_sign_up_is_noted_and_a_taken_address_is_a_conflict() {
    let service = MailedDirectories::with(EVERYTHING).await;
    let made = post(&service, &format!("{SIGN_UP}?shouldCreateProfile=true&language=en"), &new_user(BEN.email)).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    assert_eq!((&made["status"], &made["profileId"]), (&json!("PENDING"), &made["id"]));
    let id = made["id"].as_str().unwrap();
    let line = service.directories.audited("directory_signed_up", Some(id)).await;
    assert_eq!(line["administrator"], "manager-of-market");
    let taken = post(&service, SIGN_UP, &new_user(&BEN.email.to_uppercase())).await;
    assert_eq!((taken.status, &taken.json()["scimType"]), (409, &json!("uniqueness")), "{}", taken.text());
    let line = service.directories.audited("directory_sign_up_refused", Some(id)).await;
    assert_eq!((&line["detail"], &line["administrator"]), (&json!("address"), &json!("manager-of-market")));
}

#[tokio::test]
async fn a_password_that_an_administrator_sets_ends_sessions_and_is_told_to_the_user() {
    let service = MailedDirectories::with(EVERYTHING).await;
    let id = service.directories.create_user(&MARKET, &ADA).await;
    let mut browser = service.directories.browser();
    browser.sign_in(&SHOP, &ADA).await;
    let body = json!({ "uuid": id, "newPassword": "another-password-of-the-directory" });
    let set = post(&service, "/cloud_directory/change_password?language=ja", &body).await;
    assert_eq!(set.status, 200, "{}", set.text());
    assert_eq!(browser.authorize(&SHOP, &[]).await.status, 200);
    let notice = service.wait_for(ADA.email, 1).await;
    assert!(!notice.text.contains("another-password") && !notice.text.contains("/link/"), "{}", notice.text);
    let subjects = |notice: &str| !notice.is_ascii();
    assert!(subjects(&notice.text), "the message is in Japanese: {}", notice.text);
    wait_for("the audit line", async || {
        let lines = service.directories.audit_lines(Some(&id));
        lines.into_iter().find(|line| line["event"] == "directory_password_set")
    })
    .await;
}
