//! From the card to the token: through a session, through the page of the directory, and again.

use serde_json::json;

use super::super::fixture::{ADA, BEN, CAMPUS, LIBRARY, MARKET, SHOP, claims};
use super::{CLIENT_ID, MarketBot, confirm, token_of};
use crate::harness::{activities, refusals};

#[tokio::test]
async fn a_browser_with_a_session_signs_a_chat_in_without_a_page_of_the_directory() {
    let bot = MarketBot::start().await;
    let mut browser = bot.directories.browser();
    browser.sign_in(&SHOP, &ADA).await;
    let question = browser.visit(&bot.card("wc-1", "market").await).await;
    assert_eq!(question.url.path(), "/api/oauth/PostSignInCallback", "the directory has shown no page");
    for said in ["demo", ADA.email, "Web Chat"] {
        assert!(question.answer.text().contains(said), "{said}: {}", question.answer.text());
    }
    assert_eq!(bot.get_token("wc-1").await.status, 404, "not without the code");
    let code = confirm(&mut browser, question).await.code();
    let token = token_of(&bot.redeem("wc-1", &code).await);
    let said = claims(&token);
    assert_eq!(
        (said["sub"].as_str(), said["iss"].as_str()),
        (Some(&*bot.ada), Some(&*bot.directories.issuer(&MARKET)))
    );
    assert_eq!(said["aud"], json!([CLIENT_ID]));
    assert!(said["scope"].as_str().unwrap().split(' ').any(|scope| scope == "email"), "{said}");
    assert_eq!(token_of(&bot.get_token("wc-1").await), token, "kept");
    let known = bot.directories.userinfo(&MARKET, &token).await;
    assert_eq!((known.status, known.json()["sub"].as_str()), (200, Some(&*bot.ada)));
    assert!(bot.is_active(&token).await);
}

#[tokio::test]
async fn a_browser_without_a_session_gets_the_page_and_the_session_then_serves_web_apps() {
    let bot = MarketBot::start().await;
    let mut browser = bot.directories.browser();
    let page = browser.visit(&bot.card("wc-1", "market").await).await;
    assert!(page.answer.text().contains("demo"), "the page names the bot: {}", page.answer.text());
    let question = browser.log_in_at(page, &ADA).await;
    let code = confirm(&mut browser, question).await.code();
    token_of(&bot.redeem("wc-1", &code).await);
    assert_ne!(browser.sign_in_silently(&SHOP).await.code, "");
    assert_ne!(bot.sign_in(&mut browser, "wc-2").await, "", "a second chat needs no page either");
}

#[tokio::test]
async fn a_connection_with_a_prompt_shows_the_page_in_spite_of_the_session() {
    let bot = MarketBot::start().await;
    let mut browser = bot.directories.browser();
    browser.sign_in(&SHOP, &ADA).await;
    let page = browser.visit(&bot.card("wc-1", "asking").await).await;
    let question = browser.log_in_at(page, &ADA).await;
    assert_eq!(question.url.path(), "/api/oauth/PostSignInCallback");
}

#[tokio::test]
async fn a_user_who_means_another_account_gets_the_page_and_signs_in_as_that_one() {
    let bot = MarketBot::start().await;
    let ben = bot.directories.create_user(&MARKET, &BEN).await;
    let mut browser = bot.directories.browser();
    browser.sign_in(&SHOP, &ADA).await;
    let question = browser.visit(&bot.card("wc-1", "market").await).await;
    let cancelled = browser.post(question.url.as_str(), &[("decision", "cancel")]).await;
    assert!(matches!(cancelled.status, 200 | 303), "{}", cancelled.text());
    let page = browser.visit(&bot.card("wc-1", "market").await).await;
    let question = browser.log_in_at(page, &BEN).await;
    let code = confirm(&mut browser, question).await.code();
    assert_eq!(claims(&token_of(&bot.redeem("wc-1", &code).await))["sub"], ben);
}

#[tokio::test]
async fn a_session_of_one_directory_is_none_of_another() {
    let bot = MarketBot::start().await;
    bot.directories.create_user(&CAMPUS, &ADA).await;
    let mut browser = bot.directories.browser();
    browser.sign_in(&SHOP, &ADA).await;
    let page = browser.visit(&bot.card("wc-1", "campus").await).await;
    let question = browser.log_in_at(page, &ADA).await;
    assert_eq!(question.url.path(), "/api/oauth/PostSignInCallback");
    assert_ne!(browser.sign_in_silently(&LIBRARY).await.code, "");
}

#[tokio::test]
async fn a_chat_on_teams_needs_the_code_too_because_teams_names_no_user_of_a_directory() {
    let bot = MarketBot::start().await;
    let harness = &bot.directories.harness;
    let mut browser = bot.directories.browser();
    browser.sign_in(&SHOP, &ADA).await;
    let resource = harness.sign_in_resource(&activities::teams(harness, &harness.user("Ada")), "market").await;
    let question = browser.visit(resource["signInLink"].as_str().unwrap()).await;
    assert_eq!(harness.get_token("msteams", "29:ada", "market").await.status, 404);
    let code = confirm(&mut browser, question).await.code();
    assert_eq!(harness.get_token("msteams", "29:ada", "market").await.status, 404, "the page alone signs nobody in");
    let query = [("userId", "29:ada"), ("connectionName", "market"), ("channelId", "msteams"), ("code", code.as_str())];
    token_of(&harness.get_token_as("demo", &query).await);
}

#[tokio::test]
async fn a_client_that_tries_the_silent_exchange_is_refused() {
    let bot = MarketBot::start().await;
    let harness = &bot.directories.harness;
    let ada = harness.user("Ada");
    let token = harness.user_token("Ada", "graph").await;
    let value = json!({ "id": "card-1", "connectionName": "market", "token": token });
    let answer = harness.post(&activities::invoke(harness, &ada, "signin/tokenExchange", value)).await;
    refusals::assert_refused("silent exchange", &answer, 400, "misconfigured");
    assert_eq!(harness.get_token("msteams", "29:ada", "market").await.status, 404);
}

#[tokio::test]
async fn an_expired_token_is_refreshed_without_the_user_also_after_a_restart() {
    let mut bot = MarketBot::start().await;
    let mut browser = bot.directories.browser();
    browser.sign_in(&SHOP, &ADA).await;
    let first = bot.sign_in(&mut browser, "wc-1").await;
    bot.directories.pass(3_601);
    let second = token_of(&bot.get_token("wc-1").await);
    assert_ne!(claims(&first)["jti"], claims(&second)["jti"]);
    assert_eq!(claims(&first)["grant"], claims(&second)["grant"]);
    bot.directories.restart().await;
    assert_eq!(token_of(&bot.get_token("wc-1").await), second, "kept across a restart");
    bot.directories.pass(3_601);
    let third = token_of(&bot.get_token("wc-1").await);
    assert!(bot.is_active(&third).await);
}
