//! Links that another person tries to make.

use super::fixture::{Federation, path};
use super::links::{begin, form_to};
use crate::directory::fixture::{ADA, BEN, MARKET, SHOP, TICKETS};

#[tokio::test]
async fn an_identity_of_another_user_is_not_linked() {
    let federation = Federation::start("directory-taken").await;
    federation.directories.create_user(&MARKET, &ADA).await;
    let owner = federation.claims_of("grace").await;
    let mut browser = federation.browser();
    browser.sign_in(&SHOP, &ADA).await;
    let refused = begin(&federation, &mut browser, "grace").await;
    assert_eq!(refused.status, 409, "{}", refused.text());
    assert_eq!(federation.claims_of("grace").await["sub"], owner["sub"]);
}

#[tokio::test]
async fn an_identity_that_another_user_gets_meanwhile_is_not_linked() {
    let federation = Federation::start("directory-taken-meanwhile").await;
    federation.directories.create_user(&MARKET, &ADA).await;
    let mut browser = federation.browser();
    browser.sign_in(&SHOP, &ADA).await;
    let asked = begin(&federation, &mut browser, "grace").await;
    let owner = federation.claims_of("grace").await;
    let refused = browser.send_form(&path("staff", "callback"), &form_to(&asked, "/confirm"), &[]).await;
    assert_eq!(refused.status, 409, "{}", refused.text());
    assert_eq!(federation.claims_of("grace").await["sub"], owner["sub"]);
}

#[tokio::test]
async fn a_link_begun_in_another_browser_or_session_is_not_made() {
    let federation = Federation::start("directory-link-other").await;
    let directories = &federation.directories;
    let ada = directories.create_user(&MARKET, &ADA).await;
    directories.create_user(&MARKET, &BEN).await;
    let (mut attacker, mut victim) = (federation.browser(), federation.browser());
    attacker.sign_in(&SHOP, &BEN).await;
    victim.sign_in(&SHOP, &ADA).await;
    // The attacker signs in at the provider, and lures the victim to the return.
    let page = attacker.get(&path("staff", "link")).await;
    let to_provider = attacker.send_form(&path("staff", "link"), &form_to(&page, "/link"), &[]).await;
    let back = federation.sign_in_at_staff(&mut attacker, to_provider, "grace").await;
    assert_eq!(victim.get(back.as_str()).await.status, 400);
    // The victim's browser posts the attacker's form.
    let asked = attacker.get(back.as_str()).await;
    let form = form_to(&asked, "/confirm");
    let refused = victim.send_form(&path("staff", "callback"), &form, &[]).await;
    assert_eq!(refused.status, 403, "{}", refused.text());
    // Another user signs in in the attacker's browser before the answer.
    let page = attacker.authorize(&TICKETS, &[("prompt", "login")]).await;
    attacker.log_in(&TICKETS.authorization(&[("prompt", "login")]), &page, ADA.email, ADA.password).await;
    let refused = attacker.send_form(&path("staff", "callback"), &form, &[]).await;
    assert_eq!(refused.status, 403, "{}", refused.text());
    assert_eq!(attacker.get(back.as_str()).await.status, 403);
    assert_ne!(federation.claims_of("grace").await["sub"], ada.as_str());
}

#[tokio::test]
async fn a_form_of_another_site_begins_no_link_and_makes_and_removes_none() {
    let federation = Federation::start("directory-link-forged").await;
    federation.directories.create_user(&MARKET, &ADA).await;
    let mut browser = federation.browser();
    browser.sign_in(&SHOP, &ADA).await;
    let begun = browser.post(&path("staff", "link"), &[("form_token", "forged")]).await;
    assert_eq!(begun.status, 200, "the page again: {}", begun.text());
    let handle = "0".repeat(64);
    for (page, fields) in [("link/confirm", vec![("handle", handle.as_str())]), ("unlink", Vec::new())] {
        let refused = browser.post(&path("staff", page), &fields).await;
        assert_eq!(refused.status, 403, "{page}: {}", refused.text());
    }
    // A return of a sign-in links nothing, and names no user whose account it could be linked to.
    let to_provider = {
        let address = path("staff", "login");
        let query = SHOP.authorization(&[]).split_once('?').unwrap().1.to_owned();
        browser.get(&format!("{address}?{query}")).await
    };
    let back = federation.sign_in_at_staff(&mut browser, to_provider, "grace").await;
    browser.get(back.as_str()).await;
    assert_ne!(federation.claims_of("grace").await["name"], ADA.name);
}
