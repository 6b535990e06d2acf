//! Refresh tokens: rotation, and everything that ends them.

use serde_json::{Value, json};

use super::fixture::{ADA, Directories, MARKET, Person, SHOP, Setup, TICKETS, claims};
use super::token::{assert_error, text, tokens_of};

#[tokio::test]
async fn a_refresh_token_is_replaced_at_each_use_and_the_id_token_has_what_is_new_of_the_user() {
    let directories = Directories::start().await;
    let ada = directories.create_user(&MARKET, &ADA).await;
    let first = tokens_of(&directories, &SHOP, &ADA).await;
    let renamed =
        json!({ "emails": [{ "value": ADA.email, "primary": true }], "displayName": "Ada King", "active": true });
    let path = format!("/cloud_directory/Users/{ada}");
    assert_eq!(directories.manage(&MARKET, "PUT", &path, &renamed).await.status, 200);
    let mut token = text(&first, "refresh_token").to_owned();
    for _ in 0..3 {
        let answer = directories.refresh(&SHOP, &token).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let tokens = answer.json();
        assert_ne!(text(&tokens, "refresh_token"), token);
        let id = claims(text(&tokens, "id_token"));
        assert_eq!((&id["name"], &id["sub"]), (&"Ada King".into(), &ada.as_str().into()));
        assert_eq!(id["auth_time"], claims(text(&first, "id_token"))["auth_time"], "nobody has signed in since");
        assert_eq!(claims(text(&tokens, "access_token"))["grant"], claims(text(&first, "access_token"))["grant"]);
        token = text(&tokens, "refresh_token").to_owned();
    }
}

#[tokio::test]
async fn a_replaced_refresh_token_ends_the_grant_and_its_access_tokens() {
    let directories = Directories::start().await;
    let ada = directories.create_user(&MARKET, &ADA).await;
    let first = tokens_of(&directories, &SHOP, &ADA).await;
    let second = directories.refresh(&SHOP, text(&first, "refresh_token")).await.json();
    let other = tokens_of(&directories, &SHOP, &ADA).await;
    assert_error(&directories.refresh(&SHOP, text(&first, "refresh_token")).await, 400, "invalid_grant");
    assert_error(&directories.refresh(&SHOP, text(&second, "refresh_token")).await, 400, "invalid_grant");
    for tokens in [&first, &second] {
        let access = text(tokens, "access_token");
        assert!(!directories.is_active(&SHOP, access).await);
        assert_eq!(directories.userinfo(&MARKET, access).await.status, 401);
    }
    assert!(directories.is_active(&SHOP, text(&other, "access_token")).await, "another grant goes on");
    let line = directories.audited("directory_refresh_token_reused", Some(&ada)).await;
    assert_eq!((&line["security"], &line["application"]), (&true.into(), &SHOP.client_id.into()));
}

#[tokio::test]
async fn a_refresh_token_of_another_application_is_unknown_and_stays_good_for_its_own() {
    let directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    let tokens = tokens_of(&directories, &SHOP, &ADA).await;
    let token = text(&tokens, "refresh_token");
    assert_error(&directories.refresh(&TICKETS, token).await, 400, "invalid_grant");
    for nonsense in ["x", &token[1..], &format!("{token}x")] {
        assert_error(&directories.refresh(&SHOP, nonsense).await, 400, "invalid_grant");
    }
    assert_eq!(directories.refresh(&SHOP, token).await.status, 200);
}

#[tokio::test]
async fn a_refresh_narrows_the_scope_for_one_access_token_and_never_widens_it() {
    let directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    let tokens = tokens_of(&directories, &SHOP, &ADA).await;
    let refresh = async |token: &str, scope: &str| {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope)];
        directories.token(&SHOP, &fields).await
    };
    let wider = refresh(text(&tokens, "refresh_token"), "openid email").await;
    assert_error(&wider, 400, "invalid_scope");
    let narrow = refresh(text(&tokens, "refresh_token"), "appid_default").await.json();
    assert_eq!(narrow["scope"], "appid_default");
    assert_eq!(claims(text(&narrow, "access_token"))["scope"], "appid_default");
    assert_eq!(directories.userinfo(&MARKET, text(&narrow, "access_token")).await.status, 403);
    let whole = refresh(text(&narrow, "refresh_token"), "").await.json();
    assert_eq!(whole["scope"], tokens["scope"], "the grant has its scope still");
}

#[tokio::test]
async fn a_refresh_token_ends_with_its_life_which_each_use_begins_anew() {
    let directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    let tokens = tokens_of(&directories, &SHOP, &ADA).await;
    directories.pass(2_592_000 - 60);
    let tokens = directories.refresh(&SHOP, text(&tokens, "refresh_token")).await.json();
    directories.pass(2_592_000 - 60);
    let tokens = directories.refresh(&SHOP, text(&tokens, "refresh_token")).await.json();
    directories.pass(2_592_000 + 60);
    assert_error(&directories.refresh(&SHOP, text(&tokens, "refresh_token")).await, 400, "invalid_grant");
}

#[tokio::test]
async fn refresh_tokens_survive_a_restart_and_end_where_they_are_switched_off() {
    let mut directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    let tokens = tokens_of(&directories, &SHOP, &ADA).await;
    directories.restart().await;
    let tokens = directories.refresh(&SHOP, text(&tokens, "refresh_token")).await.json();
    let off = json!({ "access": { "expires_in": 3600 }, "refresh": { "enabled": false } });
    assert_eq!(directories.manage(&MARKET, "PUT", "/config/tokens", &off).await.status, 200);
    assert_error(&directories.refresh(&SHOP, text(&tokens, "refresh_token")).await, 400, "invalid_grant");
    assert_eq!(tokens_of(&directories, &SHOP, &ADA).await["refresh_token"], Value::Null);
}

#[tokio::test]
async fn revoked_disabled_and_deleted_users_have_no_refresh_tokens_and_no_active_access_tokens() {
    let directories = Directories::start().await;
    let disable = json!({ "emails": [{ "value": "cleo@contoso.example", "primary": true }], "active": false });
    let cases = [
        ("POST", "/users/{id}/revoke_refresh_token", Value::Null),
        ("DELETE", "/cloud_directory/Users/{id}", Value::Null),
        ("PUT", "/cloud_directory/Users/{id}", disable),
    ];
    let people = ["ana@contoso.example", "bob@contoso.example", "cleo@contoso.example"];
    for ((method, path, body), email) in cases.iter().zip(people) {
        let person = Person { email, ..ADA };
        let id = directories.create_user(&MARKET, &person).await;
        let tokens = tokens_of(&directories, &SHOP, &person).await;
        assert!(directories.is_active(&SHOP, text(&tokens, "access_token")).await);
        let changed = directories.manage(&MARKET, method, &path.replace("{id}", &id), body).await;
        assert!((200..300).contains(&changed.status), "{path}: {} {}", changed.status, changed.text());
        assert!(!directories.is_active(&SHOP, text(&tokens, "access_token")).await, "{path}");
        assert!(!directories.is_active(&SHOP, text(&tokens, "refresh_token")).await, "{path}");
        assert_eq!(directories.userinfo(&MARKET, text(&tokens, "access_token")).await.status, 401, "{path}");
        assert_error(&directories.refresh(&SHOP, text(&tokens, "refresh_token")).await, 400, "invalid_grant");
    }
}

#[tokio::test]
async fn the_lives_of_tokens_are_those_of_the_settings() {
    let tables = "[directories.market.tokens]\naccess_seconds = 300\nrefresh_enabled = true\nrefresh_seconds = 86400\n";
    let directories = Directories::with(Setup { tables, ..Setup::default() }).await;
    directories.create_user(&MARKET, &ADA).await;
    let tokens = tokens_of(&directories, &SHOP, &ADA).await;
    assert_eq!(tokens["expires_in"], 300);
    directories.pass(301);
    assert!(!directories.is_active(&SHOP, text(&tokens, "access_token")).await);
    let tokens = directories.refresh(&SHOP, text(&tokens, "refresh_token")).await.json();
    directories.pass(86_401);
    assert_error(&directories.refresh(&SHOP, text(&tokens, "refresh_token")).await, 400, "invalid_grant");
}
