//! The links of messages.

use super::setting::{EVERYTHING, NEW_EMAIL, NEW_PASSWORD, SelfService, fill_in, fill_in_and_follow, form_of};
use crate::directory::fixture::{ADA, CAMPUS, MARKET, SHOP};

const TYPED: [(&str, &str); 1] = [("password", NEW_PASSWORD)];

/// The link that a user gets who has forgotten the password.
async fn forgotten(service: &SelfService, count: usize) -> String {
    let url = SelfService::page(&SHOP, "forgot_password", &[]);
    let sent = fill_in(&mut service.browser(), &url, &[("username", ADA.email)]).await;
    assert_eq!(sent.status, 303, "{}", sent.text());
    service.mailbox.wait_for(ADA.email, count).await.link()
}

#[tokio::test]
async fn a_program_that_opens_links_uses_none_of_them_up() {
    let service = SelfService::with(EVERYTHING).await;
    service.directories.create_user(&MARKET, &ADA).await;
    let link = forgotten(&service, 1).await;
    assert!(link.starts_with(&service.directories.issuer(&MARKET)), "{link}");
    for method in ["GET", "HEAD", "GET"] {
        let answer = service.browser().request(method, &link, &[], None).await;
        assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{method}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    }
    let done = fill_in_and_follow(&mut service.browser(), &link, &TYPED).await;
    assert!(done.answer.text().contains("Your password is changed"), "{}", done.answer.text());
}

#[tokio::test]
async fn a_link_is_good_once_and_says_that_it_has_done_its_work() {
    let service = SelfService::with(EVERYTHING).await;
    service.directories.create_user(&MARKET, &ADA).await;
    let link = forgotten(&service, 1).await;
    let (mut browser, mut thief) = (service.browser(), service.browser());
    let (form, of_thief) = (form_of(&browser.get(&link).await), form_of(&thief.get(&link).await));
    let first = browser.send_form(&link, &form, &TYPED).await;
    assert_eq!(first.status, 303, "{}", first.text());
    let again = browser.send_form(&link, &form, &TYPED).await;
    assert_eq!((again.status, again.location()), (303, first.location()), "a double click");
    let stolen = thief.send_form(&link, &of_thief, &[("password", "a-password-of-a-thief")]).await;
    assert_eq!(stolen.status, 410, "{}", stolen.text());
    service.directories.audited("directory_link_refused", None).await;
    let reopened = browser.get(&link).await;
    assert_eq!(reopened.status, 200);
    assert!(reopened.text().contains("Your password is changed"), "{}", reopened.text());
    let changed = crate::directory::fixture::Person { email: ADA.email, password: NEW_PASSWORD, name: ADA.name };
    assert_ne!(service.browser().sign_in(&SHOP, &changed).await.code, "", "the thief's password does not count");
}

#[tokio::test]
async fn two_browsers_that_use_one_link_at_once_set_one_password() {
    let service = SelfService::with(EVERYTHING).await;
    service.directories.create_user(&MARKET, &ADA).await;
    let link = forgotten(&service, 1).await;
    let (mut one, mut other) = (service.browser(), service.browser());
    let (first, second) = (form_of(&one.get(&link).await), form_of(&other.get(&link).await));
    let (first, second) = tokio::join!(
        one.send_form(&link, &first, &[("password", "the-password-of-one")]),
        other.send_form(&link, &second, &[("password", "the-password-of-the-other")]),
    );
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 410]);
}

#[tokio::test]
async fn a_link_ends_after_an_hour_and_with_a_new_password() {
    let service = SelfService::with(EVERYTHING).await;
    service.directories.create_user(&MARKET, &ADA).await;
    let (old, new) = (forgotten(&service, 1).await, forgotten(&service, 2).await);
    let mut browser = service.browser();
    let of_old = form_of(&browser.get(&old).await);
    assert_eq!(fill_in(&mut browser, &new, &TYPED).await.status, 303);
    let dead = browser.send_form(&old, &of_old, &[("password", "another-password")]).await;
    assert_eq!(dead.status, 410, "{}", dead.text());
    assert!(dead.text().contains("Forgot your password?"), "it says how to get another: {}", dead.text());
    service.directories.pass(3601);
    let third = forgotten(&service, 4).await;
    let form = form_of(&browser.get(&third).await);
    service.directories.pass(3601);
    assert_eq!(browser.get(&third).await.status, 410);
    assert_eq!(browser.send_form(&third, &form, &[("password", "another-password")]).await.status, 410);
}

#[tokio::test]
async fn a_link_is_good_for_its_purpose_in_its_directory_only() {
    let service = SelfService::with(EVERYTHING).await;
    service.directories.create_user(&MARKET, &ADA).await;
    service.directories.create_user(&CAMPUS, &ADA).await;
    let link = forgotten(&service, 1).await;
    for (case, other, status) in [
        ("another directory", link.replace(MARKET.tenant, CAMPUS.tenant), 404),
        ("another purpose", link.replace("/link/reset", "/link/confirm"), 410),
        ("a purpose without a page", link.replace("/link/reset", "/link/details"), 404),
        ("an unknown purpose", link.replace("/link/reset", "/link/erase"), 404),
        ("another secret", link.replace("token=", "token=0"), 410),
        ("no secret", link.split('?').next().unwrap().to_owned(), 410),
        ("two secrets", format!("{link}&token=x"), 410),
    ] {
        let answer = service.browser().get(&other).await;
        assert_eq!((answer.status, answer.header("location")), (status, None), "{case}: {}", answer.text());
    }
    assert_eq!(fill_in(&mut service.browser(), &link, &TYPED).await.status, 303, "the link is still good");
}

#[tokio::test]
async fn after_an_address_was_confirmed_the_operators_page_gets_a_context() {
    let lines = format!(
        "{EVERYTHING}confirmation = \"required\"\nactions = {{ user_verified = \"https://shop.example.com/welcome\" }}\n"
    );
    let service = SelfService::with(&lines).await;
    let url = SelfService::page(&SHOP, "sign_up", &[]);
    fill_in(&mut service.browser(), &url, &[("email", NEW_EMAIL), ("password", NEW_PASSWORD)]).await;
    let link = service.mailbox.wait_for(NEW_EMAIL, 1).await.link();
    let mut browser = service.browser();
    let answer = fill_in(&mut browser, &link, &[]).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    let (address, query) = answer.location().split_once("?context=").unwrap();
    assert_eq!(address, "https://shop.example.com/welcome");
    let context = query.split('&').next().unwrap();
    let body = serde_json::json!({ "context": context });
    let told = service.directories.manage(&MARKET, "POST", "/cloud_directory/sign_up/confirmation_result", &body).await;
    assert_eq!((told.status, &told.json()["success"]), (200, &true.into()), "{}", told.text());
    assert!(browser.get(&link).await.text().contains("is confirmed"), "the link says so when it is opened again");
}
