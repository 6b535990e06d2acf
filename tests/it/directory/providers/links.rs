//! Users who link the account at a provider to their own.

use serde_json::json;

use super::fixture::{Federation, path};
use crate::directory::browser::{Browser, Page};
use crate::directory::fixture::{ADA, MARKET, SHOP};
use crate::directory::forms::{Form, forms};
use crate::harness::Answer;

/// The form of `page` that goes to the page `end` of the provider.
pub fn form_to(page: &Answer, end: &str) -> Form {
    let found = forms(&page.text()).into_iter().find(|form| form.action.ends_with(end));
    found.unwrap_or_else(|| panic!("no form to {end}: {} {}", page.status, page.text()))
}

/// Begins to link the account of `login` at the provider `staff` to that of the browser's user; returns the page that asks.
pub async fn begin(federation: &Federation, browser: &mut Browser, login: &str) -> Answer {
    let page = browser.get(&path("staff", "link")).await;
    assert_eq!(page.status, 200, "{}", page.text());
    let to_provider = browser.send_form(&path("staff", "link"), &form_to(&page, "/link"), &[]).await;
    let back = federation.sign_in_at_staff(browser, to_provider, login).await;
    browser.get(back.as_str()).await
}

#[tokio::test]
async fn a_user_links_the_account_at_a_provider_and_signs_in_by_both_from_then_on() {
    let federation = Federation::start("directory-link").await;
    let directories = &federation.directories;
    let id = directories.create_user(&MARKET, &ADA).await;
    let mut browser = federation.browser();
    browser.sign_in(&SHOP, &ADA).await;
    let asked = begin(&federation, &mut browser, "grace").await;
    assert_eq!(asked.status, 200, "{}", asked.text());
    for shown in ["Ada Lovelace", "grace", "Contoso &#38; Staff"] {
        assert!(asked.text().contains(shown), "{shown}: {}", asked.text());
    }
    let user = format!("/cloud_directory/Users/{id}");
    let linked = browser.send_form(&path("staff", "callback"), &form_to(&asked, "/confirm"), &[]).await;
    assert_eq!((linked.status, linked.location()), (303, MARKET.oauth("/account").as_str()), "{}", linked.text());

    let claims = federation.claims_of("grace").await;
    assert_eq!(claims["sub"], id.as_str());
    let identities = json!([{ "provider": "staff", "id": "grace" }, { "provider": "cloud_directory", "id": id }]);
    assert_eq!((&claims["identities"], &claims["amr"]), (&identities, &json!(["staff"])));
    assert_eq!(directories.audited("directory_identity_linked", Some(&id)).await["detail"], "staff");
    let again = browser.send_form(&path("staff", "callback"), &form_to(&asked, "/confirm"), &[]).await;
    assert_eq!(again.status, 400, "the sign-in has served: {}", again.text());

    let page = browser.get(&path("staff", "link")).await;
    let unlinked = browser.send_form(&path("staff", "link"), &form_to(&page, "/unlink"), &[]).await;
    assert_eq!(unlinked.status, 303, "{}", unlinked.text());
    assert_eq!(directories.audited("directory_identity_unlinked", Some(&id)).await["detail"], "staff");
    assert_ne!(federation.claims_of("grace").await["sub"], id.as_str());
    assert_eq!(directories.manage(&MARKET, "GET", &user, &json!(null)).await.status, 200);
}

#[tokio::test]
async fn a_user_keeps_the_only_way_to_sign_in() {
    let federation = Federation::start("directory-last").await;
    let mut browser = federation.browser();
    federation.sign_in(&mut browser, &SHOP, "ada").await;
    let page = browser.get(&path("staff", "link")).await;
    let kept = browser.send_form(&path("staff", "link"), &form_to(&page, "/unlink"), &[]).await;
    assert_eq!(kept.status, 409, "{}", kept.text());
    federation.sign_in(&mut federation.browser(), &SHOP, "ada").await;
}

#[tokio::test]
async fn a_browser_without_a_session_is_led_to_the_page_of_the_account() {
    let federation = Federation::start("directory-link-session").await;
    let mut browser = federation.browser();
    let answer = browser.get(&path("staff", "link")).await;
    assert_eq!((answer.status, answer.location()), (303, MARKET.oauth("/account").as_str()));
    let page = Page { url: url::Url::parse(&federation.directories.harness.base).unwrap(), answer };
    assert!(browser.follow(page).await.answer.text().contains("type=\"password\""));
}
