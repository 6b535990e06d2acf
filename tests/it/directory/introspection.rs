//! What is said of tokens, how they are revoked, and what a user's token says of the user.

use serde_json::json;

use super::fixture::{ADA, BodyForm, CAMPUS, CATALOGUE, Directories, LIBRARY, MARKET, SHOP, TICKETS};
use super::token::{assert_error, text, tokens_of};
use crate::harness::waiting::wait_for;

#[tokio::test]
async fn any_application_with_a_secret_may_ask_about_an_access_token_and_only_its_own_about_a_refresh_token() {
    let directories = Directories::start().await;
    let ada = directories.create_user(&MARKET, &ADA).await;
    let tokens = tokens_of(&directories, &SHOP, &ADA).await;
    for form in BodyForm::ALL {
        let fields = [("token", text(&tokens, "access_token")), ("token_type_hint", "access_token")];
        let answer = directories.oauth_call(&TICKETS, "/introspect", form, &fields).await;
        assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{}", answer.text());
        let found = answer.json();
        assert_eq!((&found["active"], &found["client_id"]), (&true.into(), &SHOP.client_id.into()));
        assert_eq!((&found["sub"], &found["username"]), (&ada.as_str().into(), &ADA.email.into()));
        assert_eq!((&found["scope"], &found["token_type"]), (&tokens["scope"], &"Bearer".into()));
        assert_eq!(found["iss"], directories.issuer(&MARKET).as_str());
        assert_eq!(found["exp"].as_i64().unwrap() - found["iat"].as_i64().unwrap(), 3600);
    }
    let refresh = text(&tokens, "refresh_token");
    assert!(directories.is_active(&SHOP, refresh).await && !directories.is_active(&TICKETS, refresh).await);
    assert!(!directories.is_active(&LIBRARY, text(&tokens, "access_token")).await, "another tenant knows nothing");
    assert!(!directories.is_active(&SHOP, text(&tokens, "id_token")).await, "an ID token is no access token");
}

#[tokio::test]
async fn of_what_is_no_good_token_only_that_is_said() {
    let directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    let tokens = tokens_of(&directories, &SHOP, &ADA).await;
    let access = text(&tokens, "access_token").to_owned();
    directories.pass(3601);
    for token in [access.as_str(), "x", "a.b.c"] {
        let answer = directories.oauth_call(&SHOP, "/introspect", BodyForm::UrlEncoded, &[("token", token)]).await;
        assert_eq!((answer.status, answer.json()), (200, json!({ "active": false })));
    }
    assert_error(
        &directories.oauth_call(&SHOP, "/introspect", BodyForm::UrlEncoded, &[]).await,
        400,
        "invalid_request",
    );
    let public = directories.oauth_call(&CATALOGUE, "/introspect", BodyForm::UrlEncoded, &[("token", "x")]).await;
    assert_error(&public, 401, "invalid_client");
}

#[tokio::test]
async fn a_revoked_token_of_either_kind_ends_the_grant() {
    let directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    for kind in ["access_token", "refresh_token"] {
        let (tokens, other) = (tokens_of(&directories, &SHOP, &ADA).await, tokens_of(&directories, &SHOP, &ADA).await);
        let revoke = async |app, token: &str| {
            directories.oauth_call(app, "/revoke", BodyForm::UrlEncoded, &[("token", token)]).await
        };
        let foreign = revoke(&TICKETS, text(&tokens, kind)).await;
        assert_eq!((foreign.status, foreign.body.len()), (200, 0));
        assert!(directories.is_active(&SHOP, text(&tokens, "access_token")).await, "another's token stays");
        let revoked = revoke(&SHOP, text(&tokens, kind)).await;
        assert_eq!((revoked.status, revoked.body.len()), (200, 0), "{}", revoked.text());
        assert!(!directories.is_active(&SHOP, text(&tokens, "access_token")).await, "{kind}");
        assert_eq!(directories.userinfo(&MARKET, text(&tokens, "access_token")).await.status, 401, "{kind}");
        assert_error(&directories.refresh(&SHOP, text(&tokens, "refresh_token")).await, 400, "invalid_grant");
        assert_eq!(revoke(&SHOP, text(&tokens, kind)).await.status, 200, "a second time is no error");
        assert!(directories.is_active(&SHOP, text(&other, "access_token")).await, "another grant goes on");
        assert_eq!(revoke(&SHOP, "nonsense").await.status, 200);
    }
    let own = directories.token(&SHOP, &[("grant_type", "client_credentials")]).await.json();
    let fields = [("token", text(&own, "access_token"))];
    let answer = directories.oauth_call(&SHOP, "/revoke", BodyForm::UrlEncoded, &fields).await;
    assert_error(&answer, 400, "unsupported_token_type");
}

#[tokio::test]
async fn a_refresh_token_that_was_replaced_revokes_its_grant_too_and_the_audit_stream_has_it() {
    let directories = Directories::start().await;
    let ada = directories.create_user(&MARKET, &ADA).await;
    let tokens = tokens_of(&directories, &SHOP, &ADA).await;
    let newer = directories.refresh(&SHOP, text(&tokens, "refresh_token")).await.json();
    let fields = [("token", text(&tokens, "refresh_token"))];
    let revoke = async |app| directories.oauth_call(app, "/revoke", BodyForm::UrlEncoded, &fields).await.status;
    assert_eq!(revoke(&TICKETS).await, 200);
    assert!(directories.is_active(&SHOP, text(&newer, "access_token")).await, "another application ends nothing");
    assert_eq!((revoke(&SHOP).await, revoke(&SHOP).await), (200, 200));
    assert!(!directories.is_active(&SHOP, text(&newer, "access_token")).await);
    assert_error(&directories.refresh(&SHOP, text(&newer, "refresh_token")).await, 400, "invalid_grant");
    let line = directories.audited("directory_grants_revoked", Some(&ada)).await;
    assert_eq!((&line["application"], &line["detail"]), (&SHOP.client_id.into(), &"application".into()));
    let lines = directories.audit_lines(Some(&ada));
    assert_eq!(lines.iter().filter(|line| line["event"] == "directory_grants_revoked").count(), 1, "{lines:?}");
}

#[tokio::test]
async fn the_tokens_of_a_deleted_application_are_not_active() {
    let directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    let tokens = tokens_of(&directories, &TICKETS, &ADA).await;
    let access = text(&tokens, "access_token");
    assert!(directories.is_active(&SHOP, access).await);
    let path = format!("/applications/{}", TICKETS.client_id);
    assert_eq!(directories.manage(&MARKET, "DELETE", &path, &serde_json::Value::Null).await.status, 204);
    assert!(!directories.is_active(&SHOP, access).await);
    assert_eq!(directories.userinfo(&MARKET, access).await.status, 401);
    assert_error(&directories.refresh(&TICKETS, text(&tokens, "refresh_token")).await, 401, "invalid_client");
}

#[tokio::test]
async fn the_user_of_a_token_is_said_by_get_and_post_and_a_bad_bearer_gets_a_challenge() {
    let directories = Directories::start().await;
    let ada = directories.create_user(&MARKET, &ADA).await;
    let tokens = tokens_of(&directories, &SHOP, &ADA).await;
    let send = async |method: &str, directory: &super::fixture::TestDirectory, bearer: Option<&str>| {
        let headers: Vec<_> = bearer.iter().map(|bearer| ("authorization", *bearer)).collect();
        directories.harness.send(method, &directory.oauth("/userinfo"), &headers, Vec::new()).await
    };
    let good = format!("Bearer {}", text(&tokens, "access_token"));
    for method in ["GET", "POST"] {
        let answer = send(method, &MARKET, Some(&good)).await;
        assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
        let user = answer.json();
        assert_eq!(
            (&user["sub"], &user["email"], &user["name"]),
            (&ada.as_str().into(), &ADA.email.into(), &ADA.name.into())
        );
        assert_eq!(user["identities"][0]["provider"], "cloud_directory");
        let without = send(method, &MARKET, None).await;
        assert_eq!((without.status, without.header("www-authenticate")), (401, Some("Bearer")));
        let id_token = format!("Bearer {}", text(&tokens, "id_token"));
        for bearer in ["Bearer x", "Basic x", "Bearer", &id_token] {
            let answer = send(method, &MARKET, Some(bearer)).await;
            assert_error(&answer, 401, "invalid_token");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
        }
        assert_error(&send(method, &CAMPUS, Some(&good)).await, 401, "invalid_token");
    }
}

#[tokio::test]
async fn a_logout_that_an_application_tells_of_is_in_the_audit_stream() {
    let directories = Directories::start().await;
    let ada = directories.create_user(&MARKET, &ADA).await;
    let tokens = tokens_of(&directories, &SHOP, &ADA).await;
    let bearer = format!("Bearer {}", text(&tokens, "access_token"));
    let send = async |bearer: &str, body: &str| {
        let headers = [("authorization", bearer), ("content-type", "application/json")];
        directories.harness.send("POST", &MARKET.oauth("/activity_logging"), &headers, body.into()).await
    };
    let event = json!({ "eventName": "logout", "id_token": text(&tokens, "id_token") }).to_string();
    assert_error(&send("Bearer x", &event).await, 401, "invalid_token");
    assert_error(&send(&bearer, "[]").await, 400, "invalid_request");
    assert_eq!(send(&bearer, &event).await.status, 204);
    let line = directories.audited("directory_signed_out", Some(&ada)).await;
    assert_eq!((&line["detail"], &line["application"]), (&"application".into(), &SHOP.client_id.into()));
    assert!(directories.is_active(&SHOP, text(&tokens, "access_token")).await, "nothing has ended");
    assert_eq!([send(&bearer, &event).await.status, send(&bearer, &event).await.status], [204, 204]);
    directories.pass(60);
    assert_eq!(send(&bearer, &event).await.status, 204);
    let lines = wait_for("the line of the next minute", async || {
        let lines = directories.audit_lines(Some(&ada)).into_iter();
        let lines: Vec<_> = lines.filter(|line| line["event"] == "directory_signed_out").collect();
        (lines.len() > 1).then_some(lines)
    });
    assert_eq!(lines.await.len(), 2, "one line a minute");
}
