//! Sign-ins at other providers, and what applications learn of them.

use serde_json::json;
use url::Url;

use super::fixture::{Federation, path};
use crate::directory::browser::{Arrival, login_form};
use crate::directory::fixture::{ADA, CATALOGUE, MARKET, SHOP, Setup, TICKETS, claims};
use crate::directory::sessions::is_asked;

#[tokio::test]
async fn a_user_signs_in_by_the_button_of_a_provider_and_then_silently_to_the_other_app() {
    let federation = Federation::start("directory-sign-in").await;
    let directories = &federation.directories;
    let mut browser = federation.browser();
    let page = browser.authorize(&SHOP, &[]).await;
    assert!(page.text().contains("Sign in with Contoso &#38; Staff"), "{}", page.text());
    let arrival = federation.sign_in(&mut browser, &SHOP, "ada").await;
    assert_eq!(arrival.parameter("state").as_deref(), Some("the-state-of-the-app"));
    let tokens = directories.redeem(&SHOP, &arrival.code).await;
    let first = claims(tokens["id_token"].as_str().unwrap());
    assert_eq!(first["amr"], json!(["staff"]));
    assert_eq!(first["identities"], json!([{ "provider": "staff", "id": "ada" }]));
    assert_eq!(first["name"], "Ada of Elsewhere");
    assert_eq!((&first["email"], &first["preferred_username"]), (&json!(null), &json!(null)));
    let access_token = tokens["access_token"].as_str().unwrap();
    let user_info = directories.userinfo(&MARKET, access_token).await.json();
    assert_eq!((&user_info["identities"], &user_info["sub"]), (&first["identities"], &first["sub"]));
    assert!(directories.is_active(&TICKETS, access_token).await);

    let silent = browser.sign_in_silently(&TICKETS).await;
    let second = claims(directories.redeem(&TICKETS, &silent.code).await["id_token"].as_str().unwrap());
    assert_eq!((&second["sub"], &second["sid"], &second["amr"]), (&first["sub"], &first["sid"], &first["amr"]));
    assert_eq!(federation.claims_of("ada").await["sub"], first["sub"], "another browser");
    assert_ne!(federation.claims_of("grace").await["sub"], first["sub"]);

    let id = first["sub"].as_str().unwrap();
    assert_eq!(directories.audited("directory_user_created", Some(id)).await["detail"], "provider");
    assert_eq!(directories.audited("directory_signed_in_by_provider", Some(id)).await["detail"], "staff");
    let refreshed = directories.refresh(&SHOP, tokens["refresh_token"].as_str().unwrap()).await.json();
    assert_eq!(claims(refreshed["id_token"].as_str().unwrap())["amr"], json!(["staff"]));
}

#[tokio::test]
async fn a_user_of_the_local_tenant_signs_in_and_is_known_by_the_object_id() {
    let federation = Federation::start("directory-entra").await;
    let directories = &federation.directories;
    let mut browser = federation.browser();
    let to_provider = federation.press(&mut browser, &SHOP, "local", &[]).await;
    assert_eq!(to_provider.status, 303, "{}", to_provider.text());
    let authorize = Url::parse(to_provider.location()).unwrap();
    let back = directories.harness.browser().log_in(&authorize, "Ada").await;
    let arrival = Arrival::of(&browser.get(&back).await, &SHOP);
    let claims = claims(directories.redeem(&SHOP, &arrival.code).await["id_token"].as_str().unwrap());
    assert_eq!(claims["amr"], json!(["local"]));
    assert_eq!(claims["identities"][0]["id"], directories.harness.user("Ada").oid);
    assert_eq!(browser.sign_in_silently(&TICKETS).await.error, "");
}

#[tokio::test]
async fn a_user_without_a_password_cannot_sign_in_with_an_empty_or_any_password() {
    let federation = Federation::start("directory-no-password").await;
    federation.claims_of("edith@elsewhere.example").await;
    let mut browser = federation.browser();
    let page = browser.authorize(&SHOP, &[]).await;
    let again = browser.log_in(&SHOP.authorization(&[]), &page, "edith@elsewhere.example", "any").await;
    assert_eq!(again.status, 401, "{}", again.text());
}

#[tokio::test]
async fn the_documented_setting_shows_the_page_to_each_request() {
    let setup = Setup { market: "prompts_with_other_providers = true", ..Setup::default() };
    let federation = Federation::with("directory-documented", setup).await;
    federation.directories.create_user(&MARKET, &ADA).await;
    let mut browser = federation.browser();
    federation.sign_in(&mut browser, &SHOP, "ada").await;
    assert!(is_asked(&mut browser, &TICKETS).await);
    let none = Arrival::of(&browser.authorize(&TICKETS, &[("prompt", "none")]).await, &TICKETS);
    assert_eq!(none.error, "login_required");
    assert_ne!(browser.sign_in(&TICKETS, &ADA).await.code, "", "the password serves all the same");
}

#[tokio::test]
async fn an_application_that_wants_a_new_sign_in_gets_one_at_the_provider() {
    let federation = Federation::start("directory-anew").await;
    let mut browser = federation.browser();
    federation.sign_in(&mut browser, &SHOP, "ada").await;
    for more in [("prompt", "login"), ("max_age", "0")] {
        let to_provider = federation.press(&mut browser, &SHOP, "staff", &[more]).await;
        let asked = Url::parse(to_provider.location()).unwrap();
        let asked: std::collections::HashMap<_, _> = asked.query_pairs().into_owned().collect();
        assert_eq!((asked["prompt"].as_str(), asked["max_age"].as_str()), ("login", "0"), "{asked:?}");
        let Err(page) = federation.begin_at_staff(&mut browser, to_provider).await else {
            panic!("the provider did not ask: {more:?}");
        };
        assert!(page.answer.text().contains("type=\"password\""), "{}", page.answer.text());
    }
    // Without that the provider answers by its own session.
    let mut other = federation.browser();
    federation.sign_in(&mut other, &SHOP, "ada").await;
    other.cookies.retain(|cookie| !cookie.name.starts_with("bot-sso-session"));
    let to_provider = federation.press(&mut other, &SHOP, "staff", &[]).await;
    let back = federation.begin_at_staff(&mut other, to_provider).await;
    assert!(back.is_ok(), "the provider asked again");
}

#[tokio::test]
async fn an_application_that_names_a_provider_leads_there_at_once() {
    let federation = Federation::start("directory-idp").await;
    let mut browser = federation.browser();
    let begun = browser.authorize(&SHOP, &[("idp", "staff")]).await;
    assert_eq!(begun.status, 302, "{}", begun.text());
    let to_provider = browser.get(begun.location()).await;
    let back = federation.sign_in_at_staff(&mut browser, to_provider, "grace").await;
    assert_ne!(Arrival::of(&browser.get(back.as_str()).await, &SHOP).code, "");
    assert_ne!(
        Arrival::of(&browser.authorize(&TICKETS, &[("idp", "staff")]).await, &TICKETS).code,
        "",
        "by the session"
    );
    let other = Arrival::of(&browser.authorize(&SHOP, &[("idp", "other")]).await, &SHOP);
    assert_eq!(other.error, "invalid_request");
    let none = federation.browser().authorize(&SHOP, &[("idp", "staff"), ("prompt", "none")]).await;
    assert_eq!(Arrival::of(&none, &SHOP).error, "login_required");
}

#[tokio::test]
async fn an_inactive_user_is_refused_with_a_page() {
    let federation = Federation::start("directory-inactive").await;
    let directories = &federation.directories;
    let id = federation.claims_of("lin").await["sub"].as_str().unwrap().to_owned();
    let user = format!("/cloud_directory/Users/{id}");
    let mut body = directories.manage(&MARKET, "GET", &user, &json!(null)).await.json();
    assert_eq!(body["emails"], json!([]), "an address would be a login here: {body}");
    body["active"] = json!(false);
    body["userName"] = json!("lin");
    body["emails"] = json!([{ "value": "lin@contoso.example", "primary": true }]);
    let changed = directories.manage(&MARKET, "PUT", &user, &body).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    let mut browser = federation.browser();
    let to_provider = federation.press(&mut browser, &SHOP, "staff", &[]).await;
    let back = federation.sign_in_at_staff(&mut browser, to_provider, "lin").await;
    let refused = browser.get(back.as_str()).await;
    assert_eq!(refused.status, 403, "{}", refused.text());
    assert!(refused.text().contains("may not sign in here"), "{}", refused.text());
    login_form(&refused);
    assert!(browser.cookie("bot-sso-session").is_none());
    directories.audited_refusal("not_active", Some(&id)).await;
}

#[tokio::test]
async fn a_page_without_a_server_gets_its_code_by_a_message_and_needs_its_challenge() {
    let federation = Federation::start("directory-page").await;
    let mut browser = federation.browser();
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let more = [("code_challenge", challenge), ("code_challenge_method", "S256"), ("response_mode", "web_message")];
    let to_provider = federation.press(&mut browser, &CATALOGUE, "staff", &more).await;
    let back = federation.sign_in_at_staff(&mut browser, to_provider, "ada").await;
    let page = browser.get(back.as_str()).await;
    assert_eq!(page.status, 200, "{}", page.text());
    assert!(page.text().contains("authorization_response"), "{}", page.text());
    let without = browser.get(&format!("{}?{}", path("staff", "login"), "client_id=x")).await;
    assert_eq!(without.status, 400, "{}", without.text());
}
