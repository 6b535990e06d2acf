//! Attacks on the sign-in: open redirects, forged cookies, guessed passwords, forms of other sites.

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::browser::{Arrival, Browser, Cookie, login_form};
use super::fixture::{ADA, BEN, CAMPUS, Directories, LIBRARY, MARKET, SHOP, TICKETS, encoded};
use super::forms::Form;
use crate::harness::waiting::wait_for;

const SESSION: &str = "bot-sso-session-";
const ELSEWHERE: &str = "https://attacker.example/callback";

#[tokio::test]
async fn no_parameter_sends_a_browser_to_an_address_that_is_not_registered() {
    let directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    let mut stranger = directories.browser();
    let mut signed_in = directories.browser();
    signed_in.sign_in(&SHOP, &ADA).await;
    let near = [
        ELSEWHERE.to_owned(),
        format!("{}/", TICKETS.redirect_uri),
        format!("{}?x=1", TICKETS.redirect_uri),
        format!("{}#x", TICKETS.redirect_uri),
        format!("{}/../other", TICKETS.redirect_uri),
        TICKETS.redirect_uri.to_uppercase(),
        TICKETS.redirect_uri.replace("https", "http"),
        TICKETS.redirect_uri.replace(".com", ".com@attacker.example"),
        TICKETS.redirect_uri.replace(".com", ".com.attacker.example"),
        TICKETS.redirect_uri.replace("https:", ""),
        format!("{} {ELSEWHERE}", TICKETS.redirect_uri),
        format!("\t{}", TICKETS.redirect_uri),
        SHOP.redirect_uri.to_owned(),
        "javascript:alert(1)".to_owned(),
        String::new(),
    ];
    for uri in &near {
        for more in
            [vec![], vec![("prompt", "none")], vec![("response_mode", "web_message")], vec![("response_type", "x")]]
        {
            let more = [vec![("redirect_uri", uri.as_str())], more].concat();
            for browser in [&mut stranger, &mut signed_in] {
                let answer = browser.authorize(&TICKETS, &more).await;
                assert_eq!((answer.status, answer.header("location")), (400, None), "{more:?}");
                assert!(!answer.text().contains("attacker.example"), "{}", answer.text());
            }
        }
    }
    for name in [
        "state",
        "scope",
        "nonce",
        "response_mode",
        "prompt",
        "max_age",
        "login_hint",
        "ui_locales",
        "language",
        "idp",
        "id_token_hint",
        "iss",
        "continue",
    ] {
        for browser in [&mut stranger, &mut signed_in] {
            let answer = browser.authorize(&TICKETS, &[(name, ELSEWHERE)]).await;
            let leads = answer.header("location").is_none_or(|location| location.starts_with(TICKETS.redirect_uri));
            assert!(leads, "{name} {:?}", answer.header("location"));
            assert!(!answer.text().contains(&format!("action=\"{ELSEWHERE}")), "{name}");
        }
    }
    let twice = [("redirect_uri", TICKETS.redirect_uri), ("redirect_uri", ELSEWHERE)];
    assert_eq!(stranger.authorize(&TICKETS, &twice).await.status, 400);
    let unknown = stranger.authorize(&TICKETS, &[("client_id", "someone-else")]).await;
    assert_eq!((unknown.status, unknown.header("location")), (400, None));
    let other_tenant = stranger.get(&SHOP.authorization(&[]).replace(MARKET.tenant, CAMPUS.tenant)).await;
    assert_eq!(other_tenant.status, 400, "an app of another directory");
    assert_eq!(stranger.get(&SHOP.authorization(&[]).replace(MARKET.tenant, "none")).await.status, 404);
}

#[tokio::test]
async fn the_login_form_is_bound_to_a_registered_address_too() {
    let directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    let mut browser = directories.browser();
    let page = browser.authorize(&TICKETS, &[]).await;
    let form = login_form(&page);
    let typed = [("username", ADA.email), ("password", ADA.password)];
    let changed = Form {
        action: form.action.replace(&encoded(&[("", TICKETS.redirect_uri)])[1..], "https%3A%2F%2Fattacker.example"),
        ..form.clone()
    };
    assert_ne!(changed.action, form.action);
    let answer = browser.send_form(&TICKETS.authorization(&[]), &changed, &typed).await;
    assert_eq!((answer.status, answer.header("location")), (400, None));
    assert_eq!(browser.cookie(SESSION), None);
}

#[tokio::test]
async fn a_form_of_another_site_or_browser_checks_no_password() {
    let directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    let (mut victim, mut attacker) = (directories.browser(), directories.browser());
    let url = TICKETS.authorization(&[]);
    let of_attacker = login_form(&attacker.get(&url).await);
    let of_victim = login_form(&victim.get(&url).await);
    let other_request = login_form(&victim.get(&TICKETS.authorization(&[("state", "another")])).await);
    let without = Form { fields: Vec::new(), ..of_victim.clone() };
    let moved = Form { action: other_request.action, ..of_victim.clone() };
    let typed = [("username", ADA.email), ("password", ADA.password)];
    for (case, form) in [("another browser's", &of_attacker), ("none", &without), ("another request's", &moved)] {
        let answer = victim.send_form(&url, form, &typed).await;
        assert_eq!((answer.status, answer.header("location")), (403, None), "{case}");
        assert!(answer.text().contains("Please try again"), "{case}: {}", answer.text());
        assert!(!answer.text().contains(ADA.password), "{case}");
    }
    let mut without_cookies = directories.browser();
    assert_eq!(without_cookies.send_form(&url, &of_victim, &typed).await.status, 403);
    assert_eq!(victim.cookie(SESSION), None);
    let lines = directories.audit_lines(None);
    assert!(lines.iter().all(|line| line["event"] != "directory_signed_in"), "{lines:?}");
    let answer = victim.send_form(&url, &of_victim, &typed).await;
    assert_ne!(Arrival::of(&answer, &TICKETS).code, "", "the victim's own form stays good");
}

/// A browser with this cookie of the directory's session.
fn with_session(directories: &Directories, cookie: &Cookie, value: &str) -> Browser {
    let mut browser = directories.browser();
    browser.cookies.push(Cookie { value: value.to_owned(), ..cookie.clone() });
    browser
}

#[tokio::test]
async fn a_forged_cookie_or_that_of_another_directory_signs_nobody_in() {
    let directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    directories.create_user(&CAMPUS, &BEN).await;
    let (mut at_market, mut at_campus) = (directories.browser(), directories.browser());
    at_market.sign_in(&SHOP, &ADA).await;
    at_campus.sign_in(&LIBRARY, &BEN).await;
    let cookie = at_market.cookie(SESSION).unwrap().clone();
    let parts: Vec<&str> = cookie.value.split('.').collect();
    let [sid, secret, mac] = parts[..] else { panic!("{} parts", parts.len()) };
    let other = &at_campus.cookie(SESSION).unwrap().value;
    let flipped = |text: &str| text.chars().rev().collect::<String>();
    for value in [
        other.clone(),
        String::new(),
        sid.to_owned(),
        format!("{sid}.{secret}"),
        format!("{sid}.{secret}.{}", flipped(mac)),
        format!("{sid}.{}.{mac}", flipped(secret)),
        format!("{}.{secret}.{mac}", flipped(sid)),
        format!("{}x", cookie.value),
        "a".repeat(5000),
        "..".to_owned(),
    ] {
        let mut browser = with_session(&directories, &cookie, &value);
        let answer = browser.authorize(&TICKETS, &[("prompt", "none")]).await;
        assert_eq!(Arrival::of(&answer, &TICKETS).error, "login_required", "{value}");
    }
    let mut browser = with_session(&directories, &cookie, &cookie.value);
    assert_ne!(browser.sign_in_silently(&TICKETS).await.code, "", "the genuine one does");
}

/// Sends the login page with this name and password; returns the status.
async fn try_password(browser: &mut Browser, login: &str, password: &str) -> u16 {
    let url = TICKETS.authorization(&[("prompt", "login")]);
    let page = browser.get(&url).await;
    let answer = browser.log_in(&url, &page, login, password).await;
    assert_eq!(answer.header("retry-after").is_some(), answer.status == 429, "{}", answer.status);
    answer.status
}

#[tokio::test]
async fn guessing_one_users_password_is_limited_and_ends_by_itself() {
    let directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    directories.create_user(&MARKET, &BEN).await;
    let mut browser = directories.browser();
    for guess in 0..11 {
        assert_eq!(try_password(&mut browser, ADA.email, &format!("guess-{guess}")).await, 401, "{guess}");
    }
    assert_eq!(try_password(&mut browser, ADA.email, "guess-11").await, 429);
    assert_eq!(try_password(&mut browser, &ADA.email.to_uppercase(), ADA.password).await, 429, "the right one, too");
    assert_eq!(try_password(&mut browser, BEN.email, BEN.password).await, 303, "another user is not affected");
    directories.pass(61);
    assert_eq!(try_password(&mut browser, ADA.email, ADA.password).await, 303);
    directories.audited("directory_sign_ins_limited", None).await;
}

#[tokio::test]
async fn guessing_one_password_of_many_users_is_limited_by_the_address() {
    let directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    let mut browser = directories.browser();
    for user in 0..30 {
        assert_eq!(
            try_password(&mut browser, &format!("user{user}@contoso.example"), "spring-2026").await,
            401,
            "{user}"
        );
    }
    assert_eq!(try_password(&mut browser, "user30@contoso.example", "spring-2026").await, 429);
    directories.pass(61);
    assert_eq!(try_password(&mut browser, ADA.email, ADA.password).await, 303);
}

/// Sends the login form with a wrong password, and closes the connection at once.
async fn hang_up(directories: &Directories, browser: &Browser, form: &Form, login: &str) {
    let address = directories.harness.base.strip_prefix("http://").unwrap();
    let typed = [("username", login), ("password", "a-guess-without-an-ear")];
    let body = encoded(&form.filled(&typed));
    let cookie = browser.cookie("bot-sso-form").unwrap();
    let request = format!(
        "POST {} HTTP/1.1\r\nHost: {address}\r\nCookie: {}={}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{body}",
        form.action,
        cookie.name,
        cookie.value,
        body.len(),
    );
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(request.as_bytes()).await.unwrap();
}

#[tokio::test]
async fn guesses_of_a_browser_that_hangs_up_count_like_others() {
    let directories = Directories::start().await;
    let ada = directories.create_user(&MARKET, &ADA).await;
    let mut browser = directories.browser();
    let form = login_form(&browser.authorize(&TICKETS, &[]).await);
    let count = || {
        let lines = directories.audit_lines(Some(&ada));
        lines.iter().filter(|line| line["event"] == "directory_sign_in_refused").count()
    };
    for guess in 1..=11 {
        // A request whose connection breaks before it is read is none: it is sent again.
        wait_for("the guess to be counted", async || {
            if count() < guess {
                hang_up(&directories, &browser, &form, ADA.email).await;
            }
            (count() >= guess).then_some(())
        })
        .await;
    }
    assert_eq!(try_password(&mut browser, ADA.email, ADA.password).await, 429);
}

#[tokio::test]
async fn a_script_in_one_users_browser_gets_120_codes_a_minute() {
    let directories = Directories::start().await;
    directories.create_user(&MARKET, &ADA).await;
    directories.create_user(&MARKET, &BEN).await;
    let (mut browser, mut other) = (directories.browser(), directories.browser());
    browser.sign_in(&SHOP, &ADA).await;
    other.sign_in(&SHOP, &BEN).await;
    let (mut codes, mut page, mut told) = (0, None, String::new());
    // The calls take time, in which the limit recovers a little.
    for _ in 0..1000 {
        let shown = browser.authorize(&TICKETS, &[]).await;
        let silent = Arrival::of(&browser.authorize(&SHOP, &[("prompt", "none")]).await, &SHOP);
        codes += usize::from(shown.status == 302) + usize::from(!silent.code.is_empty());
        page = page.or(Some(shown).filter(|shown| shown.status != 302));
        told = if told.is_empty() { silent.error } else { told };
        if page.is_some() && !told.is_empty() {
            break;
        }
    }
    let page = page.expect("the codes are limited");
    assert!(codes >= 120, "{codes}");
    assert_eq!((page.status, page.header("location")), (429, None));
    assert!(page.header("retry-after").is_some() && page.text().contains("too often"), "{}", page.text());
    assert_eq!(told, "temporarily_unavailable");
    assert_ne!(other.sign_in_silently(&TICKETS).await.code, "", "another user");
    directories.pass(60);
    assert_ne!(browser.sign_in_silently(&TICKETS).await.code, "");
}

#[tokio::test]
async fn the_address_of_the_form_leads_nowhere_but_to_a_directory() {
    let directories = Directories::start().await;
    let mut browser = directories.browser();
    for tenant in ["none", "..%2F", "..%2F..%2F..%2Fadmin", "%0a", "%0d%0aX-Evil:%201", "x%2Fy", "%5Cevil.example"] {
        let answer = browser.get(&format!("/oauth/v4/{tenant}/cloud_directory/login?client_id=x")).await;
        assert_eq!((answer.status, answer.header("location"), answer.header("x-evil")), (404, None, None), "{tenant}");
    }
    let again = browser.get(&MARKET.oauth("/cloud_directory/login?client_id=x")).await;
    assert_eq!(again.location(), MARKET.oauth("/authorization?client_id=x"));
}
