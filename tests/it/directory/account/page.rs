//! What the page shows, and what its buttons end.

use serde_json::json;

use super::setting::{account, ada_at_shop, buttons, page, page_form, press, signed_in_to, started, started_with};
use crate::directory::browser::login_form;
use crate::directory::fixture::{ADA, BEN, MARKET, SHOP, Setup, TICKETS};
use crate::directory::sessions::is_asked;

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0";

#[tokio::test]
async fn a_browser_without_a_session_signs_in_first_and_comes_back_to_the_page_without_a_code() {
    let (directories, _) = started().await;
    let mut browser = directories.browser();
    let sent = browser.get(&account()).await;
    assert_eq!((sent.status, sent.header("cache-control")), (302, Some("no-store")));
    let issuer = directories.issuer(&MARKET);
    assert!(
        sent.location().starts_with(&format!("{issuer}/authorization?client_id=bot-sso.account&")),
        "{}",
        sent.location()
    );
    let login = browser.visit(&account()).await;
    assert!(login.answer.text().contains("<strong>Account</strong>"), "{}", login.answer.text());
    login_form(&login.answer);
    let arrived = browser.log_in_at(login, &ADA).await;
    assert_eq!(arrived.answer.status, 200, "{}", arrived.answer.text());
    assert_eq!((arrived.url.path(), arrived.url.query()), (account().as_str(), Some("language=en")));
    let text = arrived.answer.text();
    for part in [ADA.name, "this browser", "No app has access.", "No bot and no service has access."] {
        assert!(text.contains(part), "{part} in {text}");
    }
    for (header, value) in
        [("cache-control", "no-store"), ("referrer-policy", "no-referrer"), ("x-content-type-options", "nosniff")]
    {
        assert_eq!(arrived.answer.header(header), Some(value));
    }
    let policy = arrived.answer.header("content-security-policy").unwrap();
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self'"), "{policy}");
}

#[tokio::test]
async fn the_page_lists_browsers_and_applications_with_their_times() {
    let (directories, _) = started().await;
    let mut first = directories.browser();
    let login = first.request("GET", &SHOP.authorization(&[]), &[("user-agent", FIREFOX)], None).await;
    let form = login_form(&login);
    let typed = [(form.login_field(), ADA.email), (form.password_field(), ADA.password)];
    let fields = form.filled(&typed);
    first.request("POST", &form.action, &[("user-agent", FIREFOX)], Some(&fields)).await;
    directories.pass(120);
    let (mut second, _) = signed_in_to(&directories, &SHOP, &ADA).await;
    let arrival = second.sign_in_silently(&TICKETS).await;
    directories.redeem(&TICKETS, &arrival.code).await;
    let shown = page(&mut second).await;
    let text = shown.text();
    assert_eq!(buttons(&shown, "session").len(), 2, "{text}");
    assert!(text.contains("Firefox, Linux") && text.contains("Unknown browser</strong> (this browser)"), "{text}");
    let mut applications = buttons(&shown, "application");
    applications.sort();
    assert_eq!(applications, [SHOP.client_id, TICKETS.client_id]);
    assert!(text.contains("<strong>shop</strong>") && text.contains("<strong>tickets</strong>"), "{text}");
    assert!(text.contains("<time datetime=\"") && text.contains(" UTC</time>"), "{text}");
}

#[tokio::test]
async fn a_button_ends_the_session_of_another_browser_and_that_of_this_one() {
    let (directories, ada) = started().await;
    let (mut browser, _) = ada_at_shop(&directories).await;
    let (mut other, _) = ada_at_shop(&directories).await;
    let shown = page(&mut browser).await;
    let sessions = buttons(&shown, "session");
    let ended = press(&mut browser, &shown, "session", &sessions[1]).await;
    assert_eq!((ended.status, ended.location()), (303, format!("{}?language=en&done=1", account()).as_str()));
    assert!(is_asked(&mut other, &SHOP).await && !is_asked(&mut browser, &SHOP).await);
    let line = directories.audited("directory_signed_out", Some(&ada)).await;
    assert_eq!(line["detail"], "account_page", "{line}");
    let done = browser.get(ended.location()).await;
    assert!(done.text().contains("Done.") && buttons(&done, "session").len() == 1, "{}", done.text());
    // What has ended already is no error.
    assert_eq!(press(&mut browser, &shown, "session", &sessions[1]).await.status, 303);
    let ended = press(&mut browser, &shown, "session", &sessions[0]).await;
    assert_eq!((ended.status, ended.location()), (303, format!("{}/signed-out?language=en", account()).as_str()));
    assert_eq!(browser.cookie("bot-sso-session-"), None);
    let notice = browser.get(ended.location()).await;
    assert!(notice.status == 200 && notice.text().contains("You are signed out"), "{}", notice.text());
    assert!(is_asked(&mut browser, &SHOP).await);
}

#[tokio::test]
async fn a_button_ends_the_access_of_one_application_and_leaves_the_other() {
    let (directories, ada) = started().await;
    let (mut browser, of_shop) = ada_at_shop(&directories).await;
    let arrival = browser.sign_in_silently(&TICKETS).await;
    let of_tickets = directories.redeem(&TICKETS, &arrival.code).await;
    let token = |tokens: &serde_json::Value, name: &str| tokens[name].as_str().unwrap().to_owned();
    let shown = page(&mut browser).await;
    assert_eq!(press(&mut browser, &shown, "application", SHOP.client_id).await.status, 303);
    assert!(!directories.is_active(&SHOP, &token(&of_shop, "access_token")).await);
    let refused = directories.refresh(&SHOP, &token(&of_shop, "refresh_token")).await;
    assert_eq!((refused.status, &refused.json()["error"]), (400, &json!("invalid_grant")));
    assert!(directories.is_active(&TICKETS, &token(&of_tickets, "access_token")).await);
    assert_eq!(directories.refresh(&TICKETS, &token(&of_tickets, "refresh_token")).await.status, 200);
    let line = directories.audited("directory_grants_revoked", Some(&ada)).await;
    let expected = (&json!("account_page"), &json!(SHOP.client_id), &json!(1));
    assert_eq!((&line["detail"], &line["application"], &line["count"]), expected, "{line}");
    assert_eq!(buttons(&page(&mut browser).await, "application"), [TICKETS.client_id]);
    // Once more, and of an application that has nothing: nothing is there to end.
    for client_id in [SHOP.client_id, "nowhere"] {
        assert_eq!(press(&mut browser, &shown, "application", client_id).await.status, 303);
    }
}

#[tokio::test]
async fn one_act_ends_everything_after_a_page_has_asked() {
    let (directories, ada) = started().await;
    let (mut browser, of_shop) = ada_at_shop(&directories).await;
    let (mut other, of_tickets) = signed_in_to(&directories, &TICKETS, &ADA).await;
    directories.create_user(&MARKET, &BEN).await;
    let (mut of_ben, tokens_of_ben) = signed_in_to(&directories, &SHOP, &BEN).await;
    let address = format!("{}/sign-out", account());
    assert!(page(&mut browser).await.text().contains(&format!("href=\"{address}?language=en\"")));
    let asked = browser.get(&address).await;
    assert_eq!(asked.status, 200, "{}", asked.text());
    assert!(!is_asked(&mut other, &SHOP).await, "the question alone ends nothing");
    let form = page_form(&asked);
    let ended = browser.send_form(&address, &form, &[]).await;
    let signed_out = format!("{}/signed-out?language=en&everywhere=1", account());
    assert_eq!((ended.status, ended.location()), (303, signed_out.as_str()));
    assert!(browser.get(&signed_out).await.text().contains("You are signed out everywhere"));
    assert!(is_asked(&mut browser, &SHOP).await && is_asked(&mut other, &SHOP).await);
    for (app, tokens) in [(&SHOP, &of_shop), (&TICKETS, &of_tickets)] {
        assert!(!directories.is_active(app, tokens["access_token"].as_str().unwrap()).await);
        assert_eq!(directories.refresh(app, tokens["refresh_token"].as_str().unwrap()).await.status, 400);
    }
    assert!(!is_asked(&mut of_ben, &SHOP).await);
    assert!(directories.is_active(&SHOP, tokens_of_ben["access_token"].as_str().unwrap()).await);
    let line = directories.audited("signed_out_everywhere", Some(&ada)).await;
    assert_eq!((&line["ended"]["sessions"], &line["ended"]["grants"]), (&json!(2), &json!(2)), "{line}");
    // A browser that repeats the form has no session any more, and is sent to sign in.
    assert_eq!(browser.send_form(&address, &form, &[]).await.status, 303);
}

#[tokio::test]
async fn the_pages_are_in_the_language_that_the_user_asks_for() {
    let (directories, _) = started().await;
    let (mut browser, _) = ada_at_shop(&directories).await;
    for (language, title, question) in [
        ("de", "Wo Sie angemeldet sind", "Überall abmelden?"),
        ("ja", "サインイン中の場所", "すべての場所からサインアウトしますか?"),
        ("en", "Where you are signed in", "Sign out everywhere?"),
    ] {
        let shown = browser.get(&format!("{}?language={language}", account())).await.text();
        assert!(shown.contains(&format!("<html lang=\"{language}\">")) && shown.contains(title), "{shown}");
        assert!(shown.contains(&format!("/account/sign-out?language={language}")), "{shown}");
        let asked = browser.get(&format!("{}/sign-out?ui_locales={language}", account())).await.text();
        assert!(asked.contains(question), "{asked}");
    }
}

#[tokio::test]
async fn without_single_sign_on_or_cookies_a_page_says_why_there_is_nothing_to_see() {
    let (directories, _) = started_with(Setup { sso: Some("is_active = false"), ..Setup::default() }).await;
    let shown = directories.browser().get(&account()).await;
    assert!(shown.status == 200 && shown.text().contains("There is nothing to show"), "{}", shown.text());
    let (directories, _) = started().await;
    for query in ["?code=0123", "?error=temporarily_unavailable"] {
        let shown = directories.browser().get(&format!("{}{query}", account())).await;
        assert!(shown.status == 400 && shown.text().contains("Allow cookies"), "{}", shown.text());
    }
    let unknown = directories.browser().get("/oauth/v4/nowhere/account").await;
    assert_eq!(unknown.status, 404, "{}", unknown.text());
}
