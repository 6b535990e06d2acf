//! App ID's SDK `ibmcloud-appid`, unmodified: what `WebAppStrategy` opens for users who help themselves.

use super::real_appid::RealApps;
use crate::directory::browser::{Browser, Page};
use crate::directory::fixture::{ADA, MARKET, Setup};
use crate::directory::self_service::mailbox::Mailbox;
use crate::directory::self_service::setting::{
    EVERYTHING, NEW_EMAIL, NEW_PASSWORD, fill_in_and_follow, form_of, link_of,
};

/// The apps of a directory in which users help themselves, under the settings `lines`.
async fn start(label: &str, lines: &str) -> (RealApps, Mailbox) {
    let mailbox = Mailbox::new();
    let tables = format!("[directories.market.self_service]\n{EVERYTHING}{lines}\n{}", mailbox.section());
    let tables: &'static str = String::leak(tables);
    (RealApps::start_with(label, Setup { tables, ..Setup::default() }).await, mailbox)
}

/// Opens a route of the shop, fills in the form that it leads to, and follows redirects.
async fn go_through(apps: &RealApps, browser: &mut Browser, route: &str, typed: &[(&str, &str)]) -> Page {
    let page = browser.visit(&format!("{}{route}", apps.shop)).await;
    assert_eq!(page.answer.status, 200, "{route}: {} {}", page.url, page.answer.text());
    let answer = browser.send_form(page.url.as_str(), &form_of(&page.answer), typed).await;
    browser.follow(Page { url: page.url, answer }).await
}

fn assert_home(apps: &RealApps, page: &Page, email: &str) {
    assert_eq!((page.url.as_str(), page.answer.status), (format!("{}/", apps.shop).as_str(), 200));
    assert!(page.answer.text().contains(email), "{}", page.answer.text());
}

#[tokio::test]
async fn a_sign_up_ends_at_the_app_with_the_new_user_signed_in() {
    let (apps, _mailbox) = start("appid-sign-up", "").await;
    let mut browser = apps.directories.browser();
    let typed = [("email", NEW_EMAIL), ("name", "Grace Hopper"), ("password", NEW_PASSWORD)];
    let page = go_through(&apps, &mut browser, "/sign-up", &typed).await;
    assert_home(&apps, &page, NEW_EMAIL);
    let me = apps.get(&mut browser, &format!("{}/me", apps.shop)).await;
    assert_eq!((&me["name"], &me["amr"]), (&"Grace Hopper".into(), &serde_json::json!(["cloud_directory"])));
}

#[tokio::test]
async fn a_sign_up_that_waits_for_the_mailbox_leads_back_by_the_flow_and_the_link_signs_nobody_in() {
    let (apps, mailbox) = start("appid-sign-up-confirmed", "confirmation = \"required\"").await;
    let mut browser = apps.directories.browser();
    let page = go_through(&apps, &mut browser, "/sign-up", &[("email", NEW_EMAIL), ("password", NEW_PASSWORD)]).await;
    let back = link_of(&page.answer, "application").unwrap();
    let page = browser.visit(&back).await;
    assert!(
        page.url.path().ends_with("/authorization"),
        "the SDK sends its user home, and then to sign in: {}",
        page.url
    );
    let confirmed = fill_in_and_follow(&mut browser, &mailbox.wait_for(NEW_EMAIL, 1).await.link(), &[]).await;
    assert_eq!(confirmed.answer.status, 200, "{}", confirmed.answer.text());
    let person = crate::directory::fixture::Person { email: NEW_EMAIL, password: NEW_PASSWORD, name: "" };
    let page = browser.log_in_at(page, &person).await;
    assert_home(&apps, &page, NEW_EMAIL);
}

#[tokio::test]
async fn a_forgotten_password_leads_back_by_the_flow() {
    let (apps, mailbox) = start("appid-forgot", "").await;
    let mut browser = apps.directories.browser();
    let page = go_through(&apps, &mut browser, "/forgot-password", &[("username", ADA.email)]).await;
    assert!(page.answer.text().contains("Look into your mailbox"), "{}", page.answer.text());
    let done =
        fill_in_and_follow(&mut browser, &mailbox.wait_for(ADA.email, 1).await.link(), &[("password", NEW_PASSWORD)])
            .await;
    let page = browser.visit(&link_of(&done.answer, "application").unwrap()).await;
    let person = crate::directory::fixture::Person { password: NEW_PASSWORD, ..ADA };
    let page = browser.log_in_at(page, &person).await;
    assert_home(&apps, &page, ADA.email);
}

#[tokio::test]
async fn a_changed_password_ends_at_the_app_with_new_tokens() {
    let (apps, _mailbox) = start("appid-change-password", "").await;
    let mut browser = apps.directories.browser();
    apps.sign_in(&mut browser).await;
    let before = apps.get(&mut browser, &format!("{}/me", apps.shop)).await;
    let typed = [("old_password", ADA.password), ("password", NEW_PASSWORD)];
    let page = go_through(&apps, &mut browser, "/change-password", &typed).await;
    assert_home(&apps, &page, ADA.email);
    let after = apps.get(&mut browser, &format!("{}/me", apps.shop)).await;
    assert_eq!(before["sub"], after["sub"]);
    assert_ne!(before["sid"], after["sid"], "a new session");
}

#[tokio::test]
async fn changed_details_are_in_the_new_tokens_of_the_app() {
    let (apps, _mailbox) = start("appid-change-details", "").await;
    let mut browser = apps.directories.browser();
    apps.sign_in(&mut browser).await;
    let page = go_through(&apps, &mut browser, "/change-details", &[("display_name", "Countess of Lovelace")]).await;
    assert_home(&apps, &page, ADA.email);
    let me = apps.get(&mut browser, &format!("{}/me", apps.shop)).await;
    assert_eq!(me["name"], "Countess of Lovelace");
    let users = apps.directories.manage(&MARKET, "GET", "/cloud_directory/Users", &serde_json::Value::Null).await;
    assert_eq!(users.json()["Resources"][0]["displayName"], "Countess of Lovelace");
}
