//! The applications of bot-sso itself: nothing outside of the process can act as one, or send their users elsewhere.

use serde_json::json;
use url::Url;

use super::super::browser::Browser;
use super::super::fixture::{ADA, BodyForm, CATALOGUE, MARKET, SHOP, TestApp, basic, encoded};
use super::{CLIENT_ID, MarketBot, confirm, token_of};

/// The ids of the directory's own applications.
const OWN_IDS: [&str; 3] = [CLIENT_ID, "bot-sso.demo.asking", "bot-sso.account"];

/// Follows a card's link in a browser with a session up to the redirect that brings the code; returns that address.
async fn stolen_callback(bot: &MarketBot, browser: &mut Browser) -> Url {
    let begun = browser.get(&bot.card("wc-1", "market").await).await;
    let brought = browser.get(begun.location()).await;
    Url::parse(brought.location()).unwrap()
}

fn parameter(url: &Url, name: &str) -> String {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

#[tokio::test]
async fn a_stolen_code_of_a_connection_is_worth_nothing_at_the_token_endpoint_and_stays_good() {
    let bot = MarketBot::start().await;
    let mut browser = bot.directories.browser();
    browser.sign_in(&SHOP, &ADA).await;
    let callback = stolen_callback(&bot, &mut browser).await;
    let (code, redirect_uri) =
        (parameter(&callback, "code"), format!("{}/.auth/web/redirect", bot.directories.harness.base));
    assert_ne!(code, "");
    let fields = |client_id: &'static str| {
        let all = [("grant_type", "authorization_code"), ("client_id", client_id)]
            .map(|(name, value)| (name, value.to_owned()));
        let mut all = all.to_vec();
        all.extend([("code", code.clone()), ("redirect_uri", redirect_uri.clone()), ("code_verifier", "v".repeat(43))]);
        all
    };
    let harness = &bot.directories.harness;
    for secret in [None, Some(""), Some("bot-sso"), Some(CLIENT_ID)] {
        let all = fields(CLIENT_ID);
        let mut pairs: Vec<_> = all.iter().map(|(name, value)| (*name, value.as_str())).collect();
        pairs.extend(secret.map(|secret| ("client_secret", secret)));
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let answer = harness.send("POST", &MARKET.oauth("/token"), &headers, encoded(&pairs).into_bytes()).await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (401, Some("invalid_client")), "{secret:?}");
    }
    // Another application, which authenticates, cannot redeem it either.
    for app in [&SHOP, &CATALOGUE] {
        let pairs =
            [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", redirect_uri.as_str())];
        let answer = bot.directories.token(app, &pairs).await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (400, Some("invalid_grant")), "{}", app.name);
    }
    // Nor does the code help in another browser, whoever's session that has.
    let mut other = bot.directories.browser();
    let refused = other.get(callback.as_str()).await;
    assert!(refused.status >= 400, "{} {}", refused.status, refused.text());
    let question = browser.visit(callback.as_str()).await;
    let code = confirm(&mut browser, question).await.code();
    token_of(&bot.redeem("wc-1", &code).await);
}

#[tokio::test]
async fn a_code_of_the_attackers_own_session_does_not_fit_the_sign_in_of_another_browser() {
    let bot = MarketBot::start().await;
    let (mut attacker, mut victim) = (bot.directories.browser(), bot.directories.browser());
    attacker.sign_in(&SHOP, &ADA).await;
    let injected = parameter(&stolen_callback(&bot, &mut attacker).await, "code");
    victim.sign_in(&SHOP, &ADA).await;
    let mut callback = stolen_callback(&bot, &mut victim).await;
    let pairs: Vec<_> = callback.query_pairs().into_owned().collect();
    callback.query_pairs_mut().clear().extend_pairs(
        pairs.iter().map(|(name, value)| (name.as_str(), if name == "code" { injected.as_str() } else { value })),
    );
    let refused = victim.get(callback.as_str()).await;
    assert!(refused.status >= 400, "PKCE binds the code to its browser: {} {}", refused.status, refused.text());
}

#[tokio::test]
async fn no_caller_authenticates_as_an_application_of_bot_sso_itself() {
    let bot = MarketBot::start().await;
    let mut browser = bot.directories.browser();
    browser.sign_in(&SHOP, &ADA).await;
    let token = bot.sign_in(&mut browser, "wc-1").await;
    let harness = &bot.directories.harness;
    for id in OWN_IDS {
        for path in ["/token", "/introspect", "/revoke"] {
            let body = encoded(&[("grant_type", "client_credentials"), ("token", &token)]).into_bytes();
            for secret in ["", "secret"] {
                let basic = basic(id, secret);
                let headers =
                    [("content-type", "application/x-www-form-urlencoded"), ("authorization", basic.as_str())];
                let answer = harness.send("POST", &MARKET.oauth(path), &headers, body.clone()).await;
                assert_eq!(answer.status, 401, "{id} {path} {secret:?}: {}", answer.text());
            }
        }
    }
    // A revocation by another application has no effect either (RFC 7009 §2.1).
    let revoked = bot.directories.oauth_call(&SHOP, "/revoke", BodyForm::UrlEncoded, &[("token", &token)]).await;
    assert_eq!(revoked.status, 200);
    assert!(bot.is_active(&token).await);
}

#[tokio::test]
async fn the_management_api_neither_shows_nor_changes_nor_makes_an_application_of_bot_sso_itself() {
    let bot = MarketBot::start().await;
    let listed = bot.directories.manage(&MARKET, "GET", "/applications", &json!(null)).await;
    assert!(!listed.text().contains("bot-sso."), "{}", listed.text());
    for id in OWN_IDS {
        let path = format!("/applications/{id}");
        let body = json!({ "name": "mine", "type": "regularwebapp", "redirectUris": ["https://evil.example.com/"] });
        for (method, body) in [("GET", json!(null)), ("PUT", body), ("DELETE", json!(null))] {
            let answer = bot.directories.manage(&MARKET, method, &path, &body).await;
            assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text());
        }
    }
    let mut browser = bot.directories.browser();
    browser.sign_in(&SHOP, &ADA).await;
    bot.sign_in(&mut browser, "wc-1").await;
}

#[tokio::test]
async fn a_code_of_a_connection_goes_to_the_callback_of_cards_alone() {
    let bot = MarketBot::start().await;
    // The directory's own list counts for the applications of the settings, and for none of bot-sso itself.
    let listed = json!({ "redirectUris": ["https://listed.example.com/callback"] });
    let changed = bot.directories.manage(&MARKET, "PUT", "/config/redirect_uris", &listed).await;
    assert!((200..300).contains(&changed.status), "{}", changed.text());
    let mut browser = bot.directories.browser();
    browser.sign_in(&SHOP, &ADA).await;
    let callback = format!("{}/.auth/web/redirect", bot.directories.harness.base);
    let bent = [
        "https://listed.example.com/callback".to_owned(),
        SHOP.redirect_uri.to_owned(),
        "https://evil.example.com/.auth/web/redirect".to_owned(),
        format!("{callback}?next=https://evil.example.com"),
        format!("{callback}/"),
        format!("{callback}/../../evil"),
        callback.replace("http://", "HTTP://"),
        String::new(),
    ];
    for id in OWN_IDS {
        for redirect_uri in &bent {
            let query = encoded(&[
                ("client_id", id),
                ("response_type", "code"),
                ("redirect_uri", redirect_uri),
                ("state", "s"),
            ]);
            let answer = browser.get(&format!("{}?{query}", MARKET.oauth("/authorization"))).await;
            assert_eq!(answer.status, 400, "{id} {redirect_uri}");
            assert!(answer.header("location").is_none(), "{id} {redirect_uri}");
        }
    }
}

#[tokio::test]
async fn another_application_is_not_sent_to_the_callback_of_cards() {
    let bot = MarketBot::start().await;
    let mut browser = bot.directories.browser();
    browser.sign_in(&SHOP, &ADA).await;
    let callback = format!("{}/.auth/web/redirect", bot.directories.harness.base);
    let app: &TestApp = &SHOP;
    let answer = browser.authorize(app, &[("redirect_uri", &callback)]).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
}
