//! The page on which users sign in: what it says, and what it keeps to itself.

use std::path::Path;

use serde_json::{Value, json};

use super::browser::{Arrival, login_form};
use super::fixture::{ADA, BEN, Directories, MARKET, SHOP, Setup, TICKETS};
use crate::harness::Answer;
use crate::harness::peers::{Peer, Program};

/// The width of the narrowest window that pages fit, in pixels (WCAG 2.2, 1.4.10).
const WIDTH: u64 = 320;
/// The smallest contrast of text and background (WCAG 2.2, 1.4.3).
const LEAST_CONTRAST: f64 = 4.5;

/// The page without what is drawn for each answer, and without the name that the user has typed.
fn constant_part(page: &Answer, name: &str) -> String {
    let form = login_form(page);
    let policy = page.header("content-security-policy").unwrap();
    let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    page.text().replace(nonce, "").replace(form.value("form_token"), "").replace(name, "")
}

#[tokio::test]
async fn a_stranger_does_not_learn_from_the_page_whether_there_is_a_user() {
    let lockout = "[directories.market.passwords]\nlockout = { attempts = 2, seconds = 600 }\n";
    let directories = Directories::with(Setup { tables: lockout, ..Setup::default() }).await;
    directories.create_user(&MARKET, &ADA).await;
    let ben = directories.create_user(&MARKET, &BEN).await;
    let disabled = json!({ "emails": [{ "value": BEN.email, "primary": true }], "active": false });
    let path = format!("/cloud_directory/Users/{ben}");
    assert_eq!(directories.manage(&MARKET, "PUT", &path, &disabled).await.status, 200);
    let mut browser = directories.browser();
    let url = SHOP.authorization(&[]);
    let first = browser.get(&url).await;
    let mut pages = Vec::new();
    for (case, name, password) in [
        ("unknown", "eve@contoso.example", "a-password"),
        ("wrong", ADA.email, "a-password"),
        ("wrong, which locks", ADA.email, "a-password"),
        ("locked", ADA.email, ADA.password),
        ("not active", BEN.email, BEN.password),
        ("too long", BEN.email, &"p".repeat(1025)),
        ("no e-mail address", "<b>\"'", "a-password"),
    ] {
        let answer = browser.log_in(&url, &first, name, password).await;
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, None), "{case}");
        assert!(!answer.text().contains(password), "{case}: the password is in the page");
        assert_eq!(login_form(&answer).value("username"), name, "{case}");
        let escaped = name.replace('<', "&#60;").replace('>', "&#62;").replace('"', "&#34;").replace('\'', "&#39;");
        pages.push((case, constant_part(&answer, &escaped)));
    }
    for (case, page) in &pages {
        assert_eq!(page, &pages[0].1, "{case}");
    }
    for detail in ["unknown_user", "wrong_password", "locked", "not_active"] {
        directories.audited_refusal(detail, None).await;
    }
}

#[tokio::test]
async fn a_password_that_has_expired_is_told_to_the_user_who_knows_it() {
    let expiring = "[directories.market.passwords]\nexpires_after_days = 1\n";
    let directories = Directories::with(Setup { tables: expiring, ..Setup::default() }).await;
    let id = directories.create_user(&MARKET, &ADA).await;
    directories.pass(2 * 24 * 3600);
    let mut browser = directories.browser();
    let url = SHOP.authorization(&[("ui_locales", "de")]);
    let page = browser.get(&url).await;
    let wrong = browser.log_in(&url, &page, ADA.email, "a-password").await;
    assert!(!wrong.text().contains("abgelaufen"), "{}", wrong.text());
    let right = browser.log_in(&url, &page, ADA.email, ADA.password).await;
    assert_eq!((right.status, right.header("location")), (401, None));
    assert!(right.text().contains("Ihr Passwort ist abgelaufen"), "{}", right.text());
    directories.audited_refusal("password_expired", Some(&id)).await;
}

#[tokio::test]
async fn the_page_may_be_neither_framed_nor_kept() {
    let directories = Directories::start().await;
    let mut browser = directories.browser();
    for more in [&[][..], &[("response_mode", "web_message")], &[("redirect_uri", "https://attacker.example")]] {
        let page = browser.authorize(&SHOP, more).await;
        let policy = page.header("content-security-policy").unwrap();
        for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"] {
            assert!(policy.contains(part), "{part}: {policy}");
        }
        assert_eq!(page.header("cache-control"), Some("no-store"));
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
        assert!(!page.text().contains("<script"), "the page works without scripts");
    }
    let form = browser.cookie("bot-sso-form").unwrap();
    assert_eq!(form.path, MARKET.oauth(""));
}

#[tokio::test]
async fn the_page_is_in_the_language_that_the_app_or_the_browser_asks_for() {
    let directories = Directories::start().await;
    let mut browser = directories.browser();
    for (more, accepted, language, text) in [
        (&[][..], "", "en", "Password"),
        (&[], "fr, ja;q=0.4", "ja", "パスワード"),
        (&[("ui_locales", "fr de-AT ja")], "ja", "de", "Passwort"),
        (&[("language", "ja")], "de", "ja", "パスワード"),
        (&[("redirect_uri", "https://x.example"), ("ui_locales", "de")], "", "de", "nicht registriert"),
        (&[("client_id", "none")], "ja", "ja", "アプリが見つかりません"),
    ] {
        let url = SHOP.authorization(more);
        let page = browser.request("GET", &url, &[("accept-language", accepted)], None).await.text();
        assert!(page.contains(&format!("<html lang=\"{language}\">")), "{more:?} {accepted}: {page}");
        assert!(page.contains(text), "{more:?} {accepted}: {page}");
    }
}

#[tokio::test]
async fn a_login_hint_fills_the_name_in_and_is_only_text() {
    let directories = Directories::start().await;
    let mut browser = directories.browser();
    let hint = "\"><script>alert(1)</script>@x";
    let page = browser.authorize(&SHOP, &[("login_hint", hint)]).await;
    assert_eq!(login_form(&page).value("username"), hint);
    assert!(!page.text().contains("<script>"), "{}", page.text());
    let page = browser.authorize(&SHOP, &[("login_hint", &"x".repeat(400))]).await;
    assert_eq!(login_form(&page).value("username"), "", "a hint that is no name");
}

#[tokio::test]
async fn an_empty_field_or_an_odd_form_shows_the_page_again() {
    let directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    let mut browser = directories.browser();
    let url = SHOP.authorization(&[]);
    let page = browser.get(&url).await;
    let form = login_form(&page);
    let [name, password] = [("username", ADA.email), ("password", ADA.password)];
    for (case, typed, status) in [
        ("no password", &[name, ("password", "")][..], 400),
        ("no name", &[("username", "  "), password], 400),
        ("two names", &[name, password, ("username", BEN.email)], 400),
        ("two passwords", &[name, password, ("password", "x")], 400),
        ("two tokens", &[name, password, ("form_token", "x"), ("form_token", "y")], 403),
        ("a space behind the name", &[("username", "ada@contoso.example "), password], 303),
    ] {
        let answer = browser.send_form(&url, &form, typed).await;
        assert_eq!(answer.status, status, "{case}: {}", answer.text());
    }
    let huge = "p".repeat(40_000);
    assert_eq!(browser.send_form(&url, &form, &[name, ("password", &huge)]).await.status, 413);
}

#[tokio::test]
async fn the_address_of_a_refused_try_leads_to_a_new_page() {
    let directories = Directories::start().await;
    let mut browser = directories.browser();
    let page = browser.get(&SHOP.authorization(&[])).await;
    let action = login_form(&page).action;
    let again = browser.get(&action).await;
    assert_eq!(again.status, 302);
    let page = browser.get(again.location()).await;
    assert_eq!(login_form(&page).action, action);
}

#[tokio::test]
async fn a_form_of_before_a_restart_is_still_good() {
    let mut directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    let mut browser = directories.browser();
    let url = SHOP.authorization(&[]);
    let page = browser.get(&url).await;
    let action = login_form(&page).action;
    directories.restart().await;
    let mut after = directories.browser();
    after.cookies = browser.cookies;
    let answer = after.log_in(&action, &page, ADA.email, ADA.password).await;
    assert_ne!(Arrival::of(&answer, &SHOP).code, "");
    assert_ne!(after.sign_in_silently(&TICKETS).await.code, "");
}

/// A user with a real browser, by keyboard alone: a wrong password, then the right one.
async fn visit(directories: &Directories, label: &str, scheme: &str, locale: &str) -> Value {
    let home = directories.harness.directory.path().join(label);
    std::fs::create_dir_all(&home).unwrap();
    let screenshots = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-logs").join(label);
    let base = &directories.harness.base;
    let environment = [
        ("AUTHORIZATION", format!("{base}{}", MARKET.oauth("/authorization"))),
        ("APPLICATIONS", format!("{base}{}", MARKET.management("/applications"))),
        ("ADMINISTRATOR", MARKET.administrator("manager")),
        ("USERNAME", ADA.email.to_owned()),
        ("PASSWORD", ADA.password.to_owned()),
        ("LOCALE", locale.to_owned()),
        ("SCHEME", scheme.to_owned()),
        ("SCREENSHOTS", screenshots.display().to_string()),
        ("HOME", home.display().to_string()),
    ];
    let program = Program { peer: "browser", script: "directory_login.mjs" };
    Peer::start(&program, label, &environment).finish().await.pop().unwrap()
}

#[tokio::test]
async fn a_person_signs_in_by_keyboard_on_a_narrow_screen() {
    let directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    for (label, scheme, locale, title) in [
        ("directory-login-light", "light", "en", "Sign in"),
        ("directory-login-dark", "dark", "de", "Anmelden"),
        ("directory-login-japanese", "light", "ja", "サインイン"),
    ] {
        let seen = visit(&directories, label, scheme, locale).await;
        assert_eq!(seen["complaints"], json!([]), "{seen}");
        for page in seen["pages"].as_array().unwrap() {
            assert_eq!(page["title"], title, "{page}");
            assert_eq!(page["findings"], json!([]), "{page}");
            assert!(page["looks"]["width"].as_u64().unwrap() <= WIDTH, "{page}");
            assert!(page["looks"]["poorest"]["contrast"].as_f64().unwrap() >= LEAST_CONTRAST, "{page}");
        }
        let [first, again] = &seen["pages"].as_array().unwrap()[..] else { panic!("{seen}") };
        assert_eq!((&first["focused"], &again["focused"]), (&json!("username"), &json!("password")), "{seen}");
        assert_eq!(again["typed"], json!({ "username": ADA.email, "password": "" }), "{seen}");
        assert!(again["described"].as_str().is_some_and(|text| !text.is_empty()), "{seen}");
        // The app's own redirect to another origin is a part of the form's navigation, and must not be blocked.
        assert!(seen["arrived"].as_str().unwrap().starts_with("/callback?code="), "{seen}");
        assert_eq!(seen["second"], "silent", "another tab needs no password: {seen}");
    }
}
