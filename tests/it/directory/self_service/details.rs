//! A user changes names.

use serde_json::json;

use super::setting::{EVERYTHING, SelfService, assert_leads_with_flow, fill_in, form_of};
use crate::directory::browser::Arrival;
use crate::directory::fixture::{ADA, BEN, CAMPUS, Directories, LIBRARY, MARKET, SHOP, TICKETS, claims};
use crate::harness::Answer;

const TYPED: [(&str, &str); 3] = [("display_name", "Countess"), ("given_name", "Ada"), ("family_name", "King")];

/// `generate_code` with these tokens.
async fn generate(directories: &Directories, tokens: &[&str]) -> Answer {
    let bearer = format!("Bearer {}", tokens.join(" "));
    let path = MARKET.oauth("/cloud_directory/generate_code");
    directories.harness.send("GET", &path, &[("authorization", &bearer)], Vec::new()).await
}

/// Signs `ADA` in to the shop; returns access and ID token.
async fn tokens_of_ada(service: &SelfService) -> [String; 2] {
    let arrival = service.browser().sign_in(&SHOP, &ADA).await;
    let tokens = service.directories.redeem(&SHOP, &arrival.code).await;
    ["access_token", "id_token"].map(|name| tokens[name].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_user_changes_names_by_the_code_that_the_app_has_drawn() {
    let service = SelfService::with(EVERYTHING).await;
    let id = service.directories.create_user(&MARKET, &ADA).await;
    let [access, id_token] = tokens_of_ada(&service).await;
    let code = generate(&service.directories, &[&access, &id_token]).await;
    assert_eq!(code.status, 200, "{}", code.text());
    assert!(code.header("content-type").unwrap().starts_with("text/plain"));
    assert_eq!(code.header("cache-control"), Some("no-store"));
    let code = code.text();
    let url = SelfService::page(&SHOP, "change_details", &[("code", &code)]);
    // A browser without a session: the code alone says whose names they are.
    let mut browser = service.browser();
    let page = browser.get(&url).await;
    assert!(page.text().contains(ADA.email), "{}", page.text());
    assert_eq!(form_of(&page).value("display_name"), ADA.name);
    let refused = browser.send_form(&url, &form_of(&page), &[("display_name", &"x".repeat(300))]).await;
    assert_eq!(refused.status, 400, "the code is not used up by that: {}", refused.text());
    let answer = browser.send_form(&url, &form_of(&page), &TYPED).await;
    let arrival = Arrival::of(&answer, &SHOP);
    let tokens = service.directories.redeem(&SHOP, &arrival.code).await;
    let claims = claims(tokens["id_token"].as_str().unwrap());
    assert_eq!(
        (&claims["sub"], &claims["name"], &claims["family_name"]),
        (&json!(id), &json!("Countess"), &json!("King"))
    );
    assert_eq!(browser.get(&url).await.status, 410, "the code is used up");
    assert_eq!(fill_in_used(&service, &url).await, 410, "in another browser, too");
    service.directories.audited("directory_details_changed", Some(&id)).await;
}

async fn fill_in_used(service: &SelfService, url: &str) -> u16 {
    service.browser().get(url).await.status
}

#[tokio::test]
async fn without_a_code_the_page_is_that_of_the_user_who_is_signed_in() {
    let service = SelfService::with(EVERYTHING).await;
    service.directories.create_user(&MARKET, &ADA).await;
    let url = SelfService::page(&SHOP, "change_details", &[]);
    let mut browser = service.browser();
    assert_eq!(browser.get(&url).await.status, 410, "nobody is signed in");
    browser.sign_in(&SHOP, &ADA).await;
    let answer = fill_in(&mut browser, &url, &TYPED).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    // No password was entered, so an app that wants one entered (`prompt=login`, `max_age`) gets no code past that.
    assert_leads_with_flow(answer.location(), &SHOP, "change_details");
    let more = [("response_type", "code"), ("scope", "openid"), ("prompt", "login")];
    let answer = fill_in(&mut browser, &SelfService::page(&SHOP, "change_details", &more), &TYPED).await;
    assert_leads_with_flow(answer.location(), &SHOP, "change_details");
}

#[tokio::test]
async fn a_code_that_one_app_has_drawn_is_worth_nothing_for_another_app_of_the_directory() {
    let service = SelfService::with(EVERYTHING).await;
    let id = service.directories.create_user(&MARKET, &ADA).await;
    let [access, id_token] = tokens_of_ada(&service).await;
    let code = generate(&service.directories, &[&access, &id_token]).await.text();
    let own = SelfService::page(&SHOP, "change_details", &[("code", &code)]);
    let other = SelfService::page(&TICKETS, "change_details", &[("code", &code)]);
    // In a browser without a session, and in that of the user.
    let mut signed_in = service.browser();
    signed_in.sign_in(&TICKETS, &ADA).await;
    let session_page = signed_in.get(&SelfService::page(&TICKETS, "change_details", &[])).await;
    for mut browser in [service.browser(), signed_in] {
        assert_eq!(browser.get(&other).await.status, 410);
    }
    let mut browser = service.browser();
    let form = form_of(&browser.get(&own).await);
    let answer = browser.post(&other, &form.filled(&TYPED)).await;
    assert!(answer.status >= 400 && answer.header("location").is_none(), "{} {}", answer.status, answer.text());
    assert_eq!(form_of(&session_page).value("display_name"), ADA.name, "nothing has changed");
    let answer = browser.send_form(&own, &form, &TYPED).await;
    let tokens = service.directories.redeem(&SHOP, &Arrival::of(&answer, &SHOP).code).await;
    assert_eq!(claims(tokens["id_token"].as_str().unwrap())["sub"], json!(id), "the code was not used up");
}

#[tokio::test]
async fn a_code_is_drawn_only_for_both_tokens_of_one_user_and_app() {
    let service = SelfService::with(EVERYTHING).await;
    service.directories.create_user(&MARKET, &ADA).await;
    service.directories.create_user(&MARKET, &BEN).await;
    service.directories.create_user(&CAMPUS, &ADA).await;
    let [access, id_token] = tokens_of_ada(&service).await;
    let arrival = service.browser().sign_in(&SHOP, &BEN).await;
    let of_ben = service.directories.redeem(&SHOP, &arrival.code).await;
    let arrival = service.browser().sign_in(&LIBRARY, &ADA).await;
    let of_campus = service.directories.redeem(&LIBRARY, &arrival.code).await;
    let ben = of_ben["id_token"].as_str().unwrap();
    let spoilt = format!("{}AAAA", &id_token[..id_token.len() - 4]);
    for tokens in [
        vec![access.as_str()],
        vec![&access, ben],
        vec![&access, &access],
        vec![&id_token, &access],
        vec![&access, &spoilt],
        vec![&access, &id_token, "x"],
        vec![of_campus["access_token"].as_str().unwrap(), of_campus["id_token"].as_str().unwrap()],
    ] {
        let answer = generate(&service.directories, &tokens).await;
        assert_eq!(answer.status, 401, "{}", answer.text());
    }
    let path = MARKET.oauth("/cloud_directory/generate_code");
    assert_eq!(service.directories.harness.send("GET", &path, &[], Vec::new()).await.status, 401);
    let mut statuses = Vec::new();
    // The limit recovers slowly meanwhile.
    while statuses.len() < 100 && statuses.last() != Some(&429) {
        statuses.push(generate(&service.directories, &[&access, &id_token]).await.status);
    }
    assert_eq!((statuses[0], statuses.last()), (200, Some(&429)), "{statuses:?}");
}

#[tokio::test]
async fn a_code_ends_with_the_grant_of_the_app_and_is_none_of_another_directory() {
    let service = SelfService::with(EVERYTHING).await;
    let id = service.directories.create_user(&MARKET, &ADA).await;
    let [access, id_token] = tokens_of_ada(&service).await;
    let code = generate(&service.directories, &[&access, &id_token]).await.text();
    let url = SelfService::page(&SHOP, "change_details", &[("code", &code)]);
    let elsewhere = url.replace(MARKET.tenant, CAMPUS.tenant);
    assert_eq!(service.browser().get(&elsewhere).await.status, 404, "self-service is off there");
    let mut browser = service.browser();
    let page = browser.get(&url).await;
    assert_eq!(page.status, 200);
    let path = format!("/users/{id}/revoke_refresh_token");
    assert_eq!(service.directories.manage(&MARKET, "POST", &path, &serde_json::Value::Null).await.status, 204);
    assert_eq!(browser.get(&url).await.status, 410);
    assert_eq!(browser.send_form(&url, &form_of(&page), &TYPED).await.status, 410);
}

#[tokio::test]
async fn where_self_service_is_off_no_code_is_drawn() {
    let service = SelfService::with("reset_password = true").await;
    service.directories.create_user(&MARKET, &ADA).await;
    let [access, id_token] = tokens_of_ada(&service).await;
    assert_eq!(generate(&service.directories, &[&access, &id_token]).await.status, 403);
}
