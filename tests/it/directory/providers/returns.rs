//! The return of a browser from a provider: failures, repetitions, and other browsers.

use super::fixture::{Federation, path};
use crate::directory::browser::{Arrival, login_form};
use crate::directory::fixture::{ADA, MARKET, SHOP, SIGNED_OUT, TICKETS};
use crate::directory::sessions::is_asked;

#[tokio::test]
async fn a_user_who_cancels_comes_back_to_the_login_page_in_the_own_language_and_can_use_it() {
    let federation = Federation::start("directory-cancel").await;
    federation.directories.create_user(&MARKET, &ADA).await;
    let mut browser = federation.browser();
    let more = [("ui_locales", "de")];
    let to_provider = federation.press(&mut browser, &SHOP, "staff", &more).await;
    let Err(page) = federation.begin_at_staff(&mut browser, to_provider).await else { panic!("no page") };
    let abort = format!("{}/abort", page.url);
    let cancelled = browser.get(&abort).await;
    let at_provider = page.url.join(cancelled.location()).unwrap();
    let back = browser.get(at_provider.as_str()).await;
    let again = browser.get(back.location()).await;
    assert_eq!(again.status, 401, "{}", again.text());
    assert!(again.text().contains("Die Anmeldung dort wurde abgebrochen"), "{}", again.text());
    let form = login_form(&again);
    let typed = [(form.login_field(), ADA.email), (form.password_field(), ADA.password)];
    let answer = browser.send_form(&SHOP.authorization(&more), &form, &typed).await;
    assert_ne!(Arrival::of(&answer, &SHOP).code, "");
}

#[tokio::test]
async fn a_provider_that_does_not_answer_leads_back_to_the_login_page() {
    let federation = Federation::start("directory-gone").await;
    let mut browser = federation.browser();
    let answer = federation.press(&mut browser, &SHOP, "gone", &[]).await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.text().contains("not available right now"), "{}", answer.text());
    login_form(&answer);
    assert!(answer.header("retry-after").is_some());
}

#[tokio::test]
async fn a_code_that_the_provider_refuses_leads_back_to_the_login_page() {
    let federation = Federation::start("directory-refused").await;
    let mut browser = federation.browser();
    let to_provider = federation.press(&mut browser, &SHOP, "staff", &[]).await;
    let mut back = federation.sign_in_at_staff(&mut browser, to_provider, "ada").await;
    for (name, value) in [("code", "another"), ("iss", "https://elsewhere.example")] {
        let kept: Vec<_> = back.query_pairs().into_owned().filter(|(other, _)| other != name).collect();
        let genuine = back.clone();
        back.query_pairs_mut().clear().extend_pairs(kept).append_pair(name, value);
        let again = browser.get(back.as_str()).await;
        assert_eq!(again.status, 401, "{name}: {}", again.text());
        login_form(&again);
        assert!(browser.cookie("bot-sso-session").is_none());
        back = genuine;
    }
    assert_ne!(Arrival::of(&browser.get(back.as_str()).await, &SHOP).code, "", "the genuine return is good still");
}

#[tokio::test]
async fn a_return_counts_only_in_the_browser_that_began() {
    let federation = Federation::start("directory-other-browser").await;
    let (mut victim, mut attacker) = (federation.browser(), federation.browser());
    let to_provider = federation.press(&mut attacker, &SHOP, "staff", &[]).await;
    let back = federation.sign_in_at_staff(&mut attacker, to_provider, "grace").await;
    for with_own_step in [false, true] {
        if with_own_step {
            federation.press(&mut victim, &SHOP, "staff", &[]).await;
        }
        let refused = victim.get(back.as_str()).await;
        assert_eq!(refused.status, 400, "{}", refused.text());
        assert!(victim.cookie("bot-sso-session").is_none());
        assert!(is_asked(&mut victim, &SHOP).await);
    }
    assert_ne!(Arrival::of(&attacker.get(back.as_str()).await, &SHOP).code, "");
    // A made-up return, and one to another provider of the directory.
    for (name, state) in [
        ("staff", "0".repeat(64)),
        ("local", back.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned()),
    ] {
        let url = format!("{}?code=x&state={state}", path(name, "callback"));
        assert_eq!(victim.get(&url).await.status, 400, "{name}");
    }
}

#[tokio::test]
async fn a_repeated_return_is_answered_as_long_as_the_session_lives_and_asks_the_provider_once() {
    let federation = Federation::start("directory-repeated").await;
    let mut browser = federation.browser();
    let to_provider = federation.press(&mut browser, &SHOP, "staff", &[]).await;
    let back = federation.sign_in_at_staff(&mut browser, to_provider, "ada").await;
    let first = Arrival::of(&browser.get(back.as_str()).await, &SHOP);
    let second = Arrival::of(&browser.get(back.as_str()).await, &SHOP);
    assert!(first.code != second.code && !second.code.is_empty());
    federation.directories.redeem(&SHOP, &second.code).await;
    assert_eq!(federation.staff.grants(1).await.len(), 1);

    let logout = format!("/cloud_directory/sso/logout?client_id={}&redirect_uri={SIGNED_OUT}", SHOP.client_id);
    assert_eq!(browser.get(&MARKET.oauth(&logout.replace("?lang", "%3Flang"))).await.status, 302);
    let after = browser.get(back.as_str()).await;
    assert_eq!(after.status, 302, "{}", after.text());
    let page = browser.get(after.location()).await;
    login_form(&page);
    assert!(is_asked(&mut browser, &TICKETS).await, "the back button signs nobody in");
}

#[tokio::test]
async fn two_tabs_of_a_browser_sign_in_side_by_side() {
    let federation = Federation::start("directory-tabs").await;
    let mut browser = federation.browser();
    let first = federation.press(&mut browser, &SHOP, "staff", &[]).await;
    let second = federation.press(&mut browser, &TICKETS, "staff", &[]).await;
    let second = federation.sign_in_at_staff(&mut browser, second, "ada").await;
    assert_ne!(Arrival::of(&browser.get(second.as_str()).await, &TICKETS).code, "");
    let first = federation.sign_in_at_staff(&mut browser, first, "ada").await;
    assert_ne!(Arrival::of(&browser.get(first.as_str()).await, &SHOP).code, "");
}

#[tokio::test]
async fn a_sign_in_that_takes_longer_than_fifteen_minutes_is_over() {
    let federation = Federation::start("directory-slow").await;
    let mut browser = federation.browser();
    let to_provider = federation.press(&mut browser, &SHOP, "staff", &[]).await;
    let back = federation.sign_in_at_staff(&mut browser, to_provider, "ada").await;
    federation.directories.pass(15 * 60);
    let refused = browser.get(back.as_str()).await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    assert!(refused.text().contains("15 minutes"), "{}", refused.text());
}
