//! Attacks on the pages: forms of other sites, open redirects, frames, forged hosts.

use super::setting::{EVERYTHING, NEW_EMAIL, NEW_PASSWORD, SelfService, fill_in, form_of};
use crate::directory::fixture::{ADA, CAMPUS, MARKET, SHOP, TICKETS, TestApp};
use crate::directory::forms::Form;

const ELSEWHERE: &str = "https://attacker.example/callback";

/// The address of every page that an application asks for.
fn pages(app: &TestApp, user_id: &str) -> Vec<String> {
    let page = |name, more: &[(&str, &str)]| SelfService::page(app, name, more);
    vec![
        page("sign_up", &[]),
        page("forgot_password", &[]),
        page("change_password", &[("user_id", user_id)]),
        page("change_details", &[]),
        page("mail_sent", &[("flow", "sign_up")]),
    ]
}

#[tokio::test]
async fn no_page_leads_to_an_address_that_is_not_registered() {
    let service = SelfService::with(EVERYTHING).await;
    let id = service.directories.create_user(&MARKET, &ADA).await;
    let mut browser = service.browser();
    browser.sign_in(&SHOP, &ADA).await;
    let registered: String = url::form_urlencoded::byte_serialize(SHOP.redirect_uri.as_bytes()).collect();
    for page in pages(&SHOP, &id) {
        for uri in [ELSEWHERE, TICKETS.redirect_uri, "//attacker.example", "javascript:alert(1)", ""] {
            let other: String = url::form_urlencoded::byte_serialize(uri.as_bytes()).collect();
            let answer = browser.get(&page.replace(&registered, &other)).await;
            assert_eq!((answer.status, answer.header("location")), (400, None), "{page} {uri}");
            assert!(!answer.text().contains("attacker.example"), "{}", answer.text());
        }
        for more in
            [format!("redirect_uri={ELSEWHERE}"), "client_id=x".to_owned(), format!("client_id={}", TICKETS.client_id)]
        {
            let answer = browser.get(&format!("{page}&{more}")).await;
            assert_eq!((answer.status, answer.header("location")), (400, None), "{page} {more}");
        }
        for name in ["flow", "context", "continue", "return_to", "login_hint", "state", "code", "user_id", "language"] {
            let answer = browser.get(&format!("{page}&{name}={ELSEWHERE}")).await;
            let leads = answer.header("location").is_none_or(|location| location.starts_with(SHOP.redirect_uri));
            assert!(leads, "{page} {name}");
            let text = answer.text();
            assert!(!text.contains(&format!("href=\"{ELSEWHERE}")), "{page} {name}: {text}");
            assert!(!text.contains(&format!("action=\"{ELSEWHERE}")), "{page} {name}: {text}");
        }
        let unknown = browser.get(&page.replace(SHOP.client_id, "someone-else")).await;
        assert_eq!((unknown.status, unknown.header("location")), (400, None));
        assert_eq!(browser.get(&page.replace(MARKET.tenant, "none")).await.status, 404);
        let other = browser.get(&page.replace(MARKET.tenant, CAMPUS.tenant)).await;
        assert!(matches!(other.status, 400 | 404), "{page}: an app of another directory: {}", other.status);
    }
}

#[tokio::test]
async fn a_form_of_another_site_browser_or_page_does_nothing() {
    let service = SelfService::with(EVERYTHING).await;
    let id = service.directories.create_user(&MARKET, &ADA).await;
    let (mut victim, mut attacker) = (service.browser(), service.browser());
    victim.sign_in(&SHOP, &ADA).await;
    attacker.sign_in(&SHOP, &ADA).await;
    let forgotten = SelfService::page(&SHOP, "forgot_password", &[]);
    fill_in(&mut service.browser(), &forgotten, &[("username", ADA.email)]).await;
    let link = service.mailbox.wait_for(ADA.email, 1).await.link();
    let typed: [(&str, &[(&str, &str)]); 5] = [
        (&SelfService::page(&SHOP, "sign_up", &[]), &[("email", NEW_EMAIL), ("password", NEW_PASSWORD)]),
        (&forgotten, &[("username", ADA.email)]),
        (
            &SelfService::page(&SHOP, "change_password", &[("user_id", &id)]),
            &[("old_password", ADA.password), ("password", NEW_PASSWORD)],
        ),
        (&SelfService::page(&SHOP, "change_details", &[]), &[("display_name", "Mallory")]),
        (&link, &[("password", NEW_PASSWORD)]),
    ];
    for (url, typed) in typed {
        let of_attacker = form_of(&attacker.get(url).await);
        let of_victim = form_of(&victim.get(url).await);
        let without = Form { fields: Vec::new(), ..of_victim.clone() };
        let of_another_page = form_of(&victim.get(&SelfService::page(&TICKETS, "forgot_password", &[])).await);
        let moved = Form { action: of_victim.action.clone(), ..of_another_page };
        for (case, form) in [("another browser's", &of_attacker), ("none", &without), ("another page's", &moved)] {
            let answer = victim.send_form(url, form, typed).await;
            assert_eq!((answer.status, answer.header("location")), (403, None), "{url} {case}");
            assert!(answer.text().contains("Please try again"), "{url} {case}: {}", answer.text());
            assert!(!answer.text().contains(NEW_PASSWORD), "{url} {case}");
        }
    }
    assert_ne!(service.browser().sign_in(&SHOP, &ADA).await.code, "", "the password stays");
    assert!(service.mailbox.list(NEW_EMAIL).is_empty());
}

#[tokio::test]
async fn no_page_may_be_framed_or_kept_or_tell_its_address_and_none_needs_a_script() {
    let service = SelfService::with(EVERYTHING).await;
    let id = service.directories.create_user(&MARKET, &ADA).await;
    let mut browser = service.browser();
    browser.sign_in(&SHOP, &ADA).await;
    fill_in(&mut service.browser(), &SelfService::page(&SHOP, "forgot_password", &[]), &[("username", ADA.email)])
        .await;
    let link = service.mailbox.wait_for(ADA.email, 1).await.link();
    for url in pages(&SHOP, &id).into_iter().chain([link]) {
        for url in [url.clone(), format!("{url}&language=ja"), format!("{url}&language=de")] {
            let page = browser.get(&url).await;
            assert_eq!(page.status, 200, "{url} {}", page.text());
            let policy = page.header("content-security-policy").unwrap();
            for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"] {
                assert!(policy.contains(part), "{url} {part}: {policy}");
            }
            assert_eq!(page.header("cache-control"), Some("no-store"), "{url}");
            assert_eq!(page.header("referrer-policy"), Some("no-referrer"), "{url}");
            assert!(!page.text().contains("<script"), "{url}");
            assert_eq!(page.text().matches("<h1>").count(), 1, "{url}");
        }
    }
}

#[tokio::test]
async fn a_forged_host_is_in_no_link() {
    let service = SelfService::with(EVERYTHING).await;
    service.directories.create_user(&MARKET, &ADA).await;
    let url = SelfService::page(&SHOP, "forgot_password", &[]);
    let mut browser = service.browser();
    let form = form_of(&browser.get(&url).await);
    let forged = [
        ("host", "attacker.example"),
        ("x-forwarded-host", "attacker.example"),
        ("forwarded", "host=attacker.example"),
    ];
    let sent = browser.request("POST", &form.action, &forged, Some(&form.filled(&[("username", ADA.email)]))).await;
    assert_eq!(sent.status, 303, "{}", sent.text());
    assert!(!sent.location().contains("attacker.example"), "{}", sent.location());
    let message = service.mailbox.wait_for(ADA.email, 1).await;
    assert!(!message.text.contains("attacker.example"), "{}", message.text);
    assert!(message.link().starts_with(&service.directories.issuer(&MARKET)), "{}", message.link());
}

#[tokio::test]
async fn what_is_typed_is_text_on_every_page_and_in_every_message() {
    let service = SelfService::with(EVERYTHING).await;
    let mut browser = service.browser();
    let url = SelfService::page(&SHOP, "sign_up", &[]);
    let name = "\"><script>alert(1)</script>";
    let answer = fill_in(&mut browser, &url, &[("email", name), ("name", name), ("password", NEW_PASSWORD)]).await;
    assert_eq!(answer.status, 400);
    assert!(!answer.text().contains("<script"), "{}", answer.text());
    assert_eq!(form_of(&answer).value("name"), name);
    let huge = "p".repeat(40_000);
    let form = form_of(&browser.get(&url).await);
    assert_eq!(browser.send_form(&url, &form, &[("password", &huge)]).await.status, 413);
}
