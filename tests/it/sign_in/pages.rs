//! The headers and the markup of every answer to a browser.

use super::{card, teams_card};
use crate::harness::{Answer, Harness, Options};

fn assert_protective_headers(case: &str, answer: &Answer) -> String {
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{case}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{case}");
    assert!(matches!(answer.header("referrer-policy"), Some("no-referrer" | "same-origin")), "{case}");
    let policy = answer.header("content-security-policy").unwrap_or_else(|| panic!("{case}: no policy")).to_owned();
    assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors "), "{case}: {policy}");
    assert!(!policy.contains("unsafe"), "{case}: {policy}");
    assert!(!policy.contains('*') || policy.contains("https://*.teams"), "{case}: {policy}");
    policy
}

fn assert_page(case: &str, answer: &Answer) -> String {
    let policy = assert_protective_headers(case, answer);
    let text = answer.text();
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"), "{case}");
    for needed in ["<html lang=\"en\">", "name=\"viewport\"", "content=\"light dark\"", "<title>", "<h1>"] {
        assert!(text.contains(needed), "{case}: {needed}: {text}");
    }
    for forbidden in [" onclick", " onload", "javascript:", " style=\"", "<link", "<img"] {
        assert!(!text.contains(forbidden), "{case}: {forbidden}");
    }
    let nonce = policy.split_once("'nonce-").unwrap().1.split('\'').next().unwrap();
    let tags = text.matches("<script").count() + text.matches("<style").count();
    assert_eq!(text.matches(&format!("nonce=\"{nonce}\"")).count(), tags, "{case}: {text}");
    for directive in ["base-uri 'none'", "form-action 'self'", "style-src 'nonce-", "script-src 'nonce-"] {
        assert!(policy.contains(directive), "{case}: {policy}");
    }
    nonce.to_owned()
}

#[tokio::test]
async fn every_answer_has_protective_headers_and_every_page_is_accessible() {
    let harness = Harness::start().await;
    let mut browser = harness.browser();
    let resource = card(&harness).await;
    let link = resource["signInLink"].as_str().unwrap();
    assert_protective_headers("begin", &browser.get(link).await);
    let authorize = browser.begin(&resource).await;
    let callback = browser.log_in(&authorize, "Ada").await;
    let sent_on = browser.get(&callback).await;
    assert_protective_headers("callback", &sent_on);
    let last = sent_on.location().to_owned();
    let mut nonces = vec![assert_page("confirm", &browser.get(&last).await)];
    nonces.push(assert_page("confirm", &browser.get(&last).await));
    let code = browser.post(&last, &[("decision", "continue")]).await;
    nonces.push(assert_page("code", &code));
    assert!(code.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
    nonces.push(assert_page("error", &browser.get("/api/oauth/signin?signin=x").await));
    assert_protective_headers("decided", &browser.submit(&last, &[("decision", "continue")]).await);
    let last = browser.arrive(&resource, "Ada").await;
    nonces.push(assert_page("cancelled", &browser.post(&last, &[("decision", "cancel")]).await));
    let drawn = nonces.len();
    nonces.sort();
    nonces.dedup();
    assert_eq!(nonces.len(), drawn, "a nonce is drawn for every page");
}

#[tokio::test]
async fn a_teams_page_allows_the_configured_frame_ancestors_and_loads_the_configured_library() {
    let appended = "[sign_in]\nteams_library_url = \"https://library.example/teams.js\"\n\
                    frame_ancestors = [\"https://teams.example\"]\n"
        .to_owned();
    let harness = Harness::with(Options { appended, ..Options::default() }).await;
    let mut browser = harness.browser();
    let last = browser.arrive(&teams_card(&harness, "Ada").await, "Ada").await;
    let page = browser.get(&last).await;
    assert_page("Teams", &page);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.ends_with("frame-ancestors https://teams.example"), "{policy}");
    assert!(policy.contains("connect-src https://res.cdn.office.net;"), "{policy}");
    assert!(page.text().contains("src=\"https://library.example/teams.js\""));
    let last = browser.arrive(&teams_card(&harness, "Ada").await, "Ben").await;
    let asked = browser.get(&last).await;
    assert!(
        asked.header("content-security-policy").unwrap().ends_with("frame-ancestors 'none'"),
        "no page to click on"
    );
}

#[tokio::test]
async fn one_random_cookie_identifies_a_browser_and_a_chosen_value_is_replaced() {
    let harness = Harness::start().await;
    let mut browser = harness.browser();
    let resource = card(&harness).await;
    let cookie = browser.get(resource["signInLink"].as_str().unwrap()).await.header("set-cookie").unwrap().to_owned();
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=3600"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Secure") && cookie.starts_with("bot-sso-browser="), "plain http: {cookie}");
    let first = browser.cookies.clone();
    browser.begin(&resource).await;
    assert_eq!(browser.cookies, first, "it stays the same");
    browser.cookies.values_mut().for_each(|value| *value = "chosen-by-somebody".to_owned());
    browser.begin(&resource).await;
    let drawn = browser.cookies.values().next().unwrap();
    assert!(drawn.len() == 64 && *drawn != *first.values().next().unwrap(), "{drawn}");
}

#[tokio::test]
async fn the_cookie_is_bound_to_its_host_and_secure_when_the_public_url_is_https() {
    let environment = vec![("BOT_SSO_SERVER__PUBLIC_URL".to_owned(), "https://sso.example.com".to_owned())];
    let harness = Harness::with(Options { environment, ..Options::default() }).await;
    let resource = card(&harness).await;
    let link = resource["signInLink"].as_str().unwrap();
    let path = link.strip_prefix("https://sso.example.com").unwrap();
    let answer = harness.browser().get(path).await;
    let cookie = answer.header("set-cookie").unwrap_or_else(|| panic!("{}", answer.text()));
    assert!(cookie.starts_with("__Host-bot-sso-browser="), "{cookie}");
    for attribute in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.split("; ").any(|part| part == attribute), "{attribute}: {cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    assert!(answer.location().contains("redirect_uri=https%3A%2F%2Fsso.example.com%2F.auth%2Fweb%2Fredirect"));
}

#[tokio::test]
async fn the_pages_refuse_other_methods_with_405() {
    let harness = Harness::start().await;
    for (method, path) in
        [("POST", "/api/oauth/signin"), ("POST", "/.auth/web/redirect"), ("DELETE", "/api/oauth/PostSignInCallback")]
    {
        let answer = harness.browser().request(method, path, &[], None).await;
        assert_eq!(answer.status, 405, "{method} {path}");
    }
}
