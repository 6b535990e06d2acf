//! A user who knows the password changes it.

use super::setting::{EVERYTHING, NEW_PASSWORD, SelfService, fill_in, form_of, link_of};
use crate::directory::browser::Arrival;
use crate::directory::fixture::{ADA, CATALOGUE, MARKET, Person, SHOP, TICKETS, TestApp, claims};

const CHANGED: Person = Person { email: ADA.email, password: NEW_PASSWORD, name: ADA.name };
const TYPED: [(&str, &str); 2] = [("old_password", ADA.password), ("password", NEW_PASSWORD)];

fn page_of(app: &TestApp, user_id: &str) -> String {
    SelfService::page(app, "change_password", &[("user_id", user_id)])
}

#[tokio::test]
async fn a_user_changes_the_password_and_comes_back_with_a_code() {
    let service = SelfService::with(EVERYTHING).await;
    let id = service.directories.create_user(&MARKET, &ADA).await;
    let (mut browser, mut other) = (service.browser(), service.browser());
    browser.sign_in(&SHOP, &ADA).await;
    other.sign_in(&SHOP, &ADA).await;
    let answer = fill_in(&mut browser, &page_of(&SHOP, &id), &TYPED).await;
    let arrival = Arrival::of(&answer, &SHOP);
    assert_eq!(arrival.parameter("state"), None, "the app had none");
    let tokens = service.directories.redeem(&SHOP, &arrival.code).await;
    assert_eq!(claims(tokens["id_token"].as_str().unwrap())["sub"], id);
    assert_ne!(browser.sign_in_silently(&TICKETS).await.code, "", "this browser has a new session");
    assert_eq!(other.authorize(&TICKETS, &[]).await.status, 200, "that of the other browser has ended");
    assert_ne!(service.browser().sign_in(&TICKETS, &CHANGED).await.code, "");
    service.mailbox.wait_for(ADA.email, 1).await;
    service.directories.audited("directory_password_changed", Some(&id)).await;
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_are_refused_alike_and_counted() {
    let service = SelfService::with(EVERYTHING).await;
    let id = service.directories.create_user(&MARKET, &ADA).await;
    let mut pages = Vec::new();
    for user in [id.as_str(), "7f2c0000-0000-4000-8000-000000000001", "<b>"] {
        let url = page_of(&SHOP, user);
        let answer =
            fill_in(&mut service.browser(), &url, &[("old_password", "a-wrong-one"), ("password", NEW_PASSWORD)]).await;
        assert_eq!((answer.status, answer.header("location")), (401, None), "{}", answer.text());
        let form = form_of(&answer);
        let policy = answer.header("content-security-policy").unwrap().to_owned();
        let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
        let shown = answer.text().replace(nonce, "").replace(form.value("form_token"), "");
        let (before, rest) = shown.split_once("user_id=").unwrap();
        pages.push(format!("{before}{}", rest.split_once('"').unwrap().1));
    }
    assert_eq!(pages[0], pages[1]);
    assert_eq!(pages[0], pages[2]);
    let url = page_of(&SHOP, &id);
    let mut statuses = Vec::new();
    for _ in 0..12 {
        let typed = [("old_password", "a-wrong-one"), ("password", NEW_PASSWORD)];
        statuses.push(fill_in(&mut service.browser(), &url, &typed).await.status);
    }
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
    assert_eq!(fill_in(&mut service.browser(), &url, &TYPED).await.status, 429, "the right one, too");
    service.directories.audited_refusal("wrong_password", Some(&id)).await;
}

#[tokio::test]
async fn a_password_that_has_expired_is_changed_on_the_way_to_the_app() {
    let expiring = "[directories.market.passwords]\nexpires_after_days = 1\n";
    let service = SelfService::with_tables(EVERYTHING, expiring).await;
    service.directories.create_user(&MARKET, &ADA).await;
    service.directories.pass(2 * 24 * 3600);
    let mut browser = service.browser();
    let url = SHOP.authorization(&[("nonce", "n-1")]);
    let page = browser.get(&url).await;
    let expired = browser.log_in(&url, &page, ADA.email, ADA.password).await;
    assert_eq!(expired.status, 401);
    let url = link_of(&expired, "change-password").unwrap();
    let answer = fill_in(&mut browser, &url, &TYPED).await;
    let arrival = Arrival::of(&answer, &SHOP);
    assert_eq!(arrival.parameter("state").as_deref(), Some("the-state-of-the-app"));
    let tokens = service.directories.redeem(&SHOP, &arrival.code).await;
    assert_eq!(claims(tokens["id_token"].as_str().unwrap())["nonce"], "n-1");
}

#[tokio::test]
async fn a_double_click_changes_the_password_once_and_both_answers_are_good() {
    let service = SelfService::with(EVERYTHING).await;
    let id = service.directories.create_user(&MARKET, &ADA).await;
    let mut browser = service.browser();
    let url = page_of(&SHOP, &id);
    let form = form_of(&browser.get(&url).await);
    let (mut one, mut other) = (browser.clone(), browser.clone());
    let (first, second) = tokio::join!(one.send_form(&url, &form, &TYPED), other.send_form(&url, &form, &TYPED));
    for answer in [first, second] {
        service.directories.redeem(&SHOP, &Arrival::of(&answer, &SHOP).code).await;
    }
}

#[tokio::test]
async fn a_form_that_is_sent_again_and_again_fills_no_store() {
    let service = SelfService::with(EVERYTHING).await;
    let id = service.directories.create_user(&MARKET, &ADA).await;
    let mut browser = service.browser();
    let url = page_of(&SHOP, &id);
    let form = form_of(&browser.get(&url).await);
    let mut answer = browser.send_form(&url, &form, &TYPED).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    // The limit recovers slowly while the form is sent.
    for _ in 0..300 {
        if answer.status != 303 {
            break;
        }
        answer = browser.send_form(&url, &form, &TYPED).await;
    }
    assert_eq!((answer.status, answer.header("location")), (429, None), "{}", answer.text());
    assert!(answer.header("retry-after").is_some());
}

#[tokio::test]
async fn an_app_that_could_redeem_no_code_is_told_by_the_flow() {
    let service = SelfService::with(EVERYTHING).await;
    let id = service.directories.create_user(&MARKET, &ADA).await;
    let mut browser = service.browser();
    let answer = fill_in(&mut browser, &page_of(&CATALOGUE, &id), &TYPED).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert!(answer.location().starts_with(CATALOGUE.redirect_uri), "{}", answer.location());
    assert!(answer.location().ends_with("?flow=change_password"), "{}", answer.location());
    assert_ne!(browser.sign_in_silently(&SHOP).await.code, "", "the user is signed in all the same");
}

#[tokio::test]
async fn the_rules_for_passwords_are_told_in_the_users_language() {
    let rules = "[directories.market.passwords]\nreuse = 3\nmin_hours_between_changes = 1\n";
    let service = SelfService::with_tables(EVERYTHING, rules).await;
    let id = service.directories.create_user(&MARKET, &ADA).await;
    let url = format!("{}&language=ja", page_of(&SHOP, &id));
    let mut browser = service.browser();
    for (new, text) in [("short", "8~128 文字"), (ADA.password, "以前に使用した")] {
        let answer = fill_in(&mut browser, &url, &[("old_password", ADA.password), ("password", new)]).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert!(answer.text().contains(text), "{text}: {}", answer.text());
    }
    assert_eq!(fill_in(&mut browser, &url, &TYPED).await.status, 303);
    let again = [("old_password", NEW_PASSWORD), ("password", "yet-another-password")];
    let answer = fill_in(&mut browser, &url, &again).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(answer.text().contains("変更されたばかり"), "{}", answer.text());
}

#[tokio::test]
async fn the_links_of_the_sign_in_page_are_there_where_the_directory_offers_their_pages() {
    let service = SelfService::with("reset_password = true").await;
    let page = service.browser().get(&SHOP.authorization(&[])).await;
    assert!(link_of(&page, "forgot-password").is_some());
    assert_eq!(link_of(&page, "sign-up"), None);
    for (name, more) in [("sign_up", &[][..]), ("change_password", &[("user_id", "x")]), ("change_details", &[])] {
        let answer = service.browser().get(&SelfService::page(&SHOP, name, more)).await;
        assert_eq!(answer.status, 404, "{name}");
        assert!(answer.text().contains("This page is not in use"), "{name}: {}", answer.text());
    }
    let sign_up = service.browser().visit(&SHOP.authorization(&[("response_type", "sign_up")])).await;
    assert_eq!(sign_up.answer.status, 404);
}
