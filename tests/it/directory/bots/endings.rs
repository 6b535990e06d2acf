//! What ends a bot's token, and what does not (docs/directory.md §Bots).

use serde_json::json;

use super::super::fixture::{ADA, MARKET, SHOP};
use super::super::forms::forms;
use super::{MarketBot, token_of};
use crate::harness::waiting::wait_until;

/// A chat that is signed in, and its token.
async fn signed_in() -> (MarketBot, String) {
    let bot = MarketBot::start().await;
    let mut browser = bot.directories.browser();
    browser.sign_in(&SHOP, &ADA).await;
    let token = bot.sign_in(&mut browser, "wc-1").await;
    (bot, token)
}

#[tokio::test]
async fn a_sign_out_of_the_bot_ends_the_grant_at_the_directory_and_no_session() {
    let bot = MarketBot::start().await;
    let mut browser = bot.directories.browser();
    browser.sign_in(&SHOP, &ADA).await;
    let token = bot.sign_in(&mut browser, "wc-1").await;
    let query = [("userId", "wc-1"), ("channelId", "webchat"), ("connectionName", "market")];
    bot.directories.harness.sign_out(&query).await;
    assert_eq!(bot.get_token("wc-1").await.status, 404);
    wait_until("the grant has ended", async || !bot.is_active(&token).await).await;
    assert_ne!(browser.sign_in_silently(&SHOP).await.code, "", "the session goes on");
    assert_ne!(bot.sign_in(&mut browser, "wc-1").await, token);
}

#[tokio::test]
async fn the_end_of_all_sessions_leaves_the_bot_its_token() {
    let (bot, token) = signed_in().await;
    let path = format!("/cloud_directory/Users/{}/sso/logout", bot.ada);
    let ended = bot.directories.manage(&MARKET, "POST", &path, &json!(null)).await;
    assert_eq!(ended.status, 204, "{}", ended.text());
    assert_eq!(token_of(&bot.get_token("wc-1").await), token);
    bot.directories.pass(3_601);
    assert_ne!(token_of(&bot.get_token("wc-1").await), token, "and it is refreshed");
}

#[tokio::test]
async fn a_password_that_an_administrator_sets_leaves_the_bot_its_token() {
    let (bot, token) = signed_in().await;
    let body = json!({ "uuid": bot.ada, "newPassword": "another-password-of-ada" });
    let set = bot.directories.manage(&MARKET, "POST", "/cloud_directory/change_password", &body).await;
    assert_eq!(set.status, 200, "{}", set.text());
    assert_eq!(token_of(&bot.get_token("wc-1").await), token);
    let mut browser = bot.directories.browser();
    let page = browser.visit(&bot.card("wc-2", "market").await).await;
    assert!(page.answer.text().contains("type=\"password\""), "no session is left: {}", page.answer.text());
}

#[tokio::test]
async fn revoked_refresh_tokens_end_the_bots_token_at_its_expiry_at_the_latest() {
    let (bot, token) = signed_in().await;
    let path = format!("/users/{}/revoke_refresh_token", bot.ada);
    let revoked = bot.directories.manage(&MARKET, "POST", &path, &json!(null)).await;
    assert_eq!(revoked.status, 204, "{}", revoked.text());
    assert!(!bot.is_active(&token).await, "introspection says so at once");
    bot.directories.pass(3_601);
    assert_eq!(bot.get_token("wc-1").await.status, 404);
}

#[tokio::test]
async fn a_disabled_user_gets_no_further_token() {
    let (bot, token) = signed_in().await;
    bot.change_ada(false).await;
    assert!(!bot.is_active(&token).await);
    assert_eq!(bot.directories.userinfo(&MARKET, &token).await.status, 401);
    bot.directories.pass(3_601);
    assert_eq!(bot.get_token("wc-1").await.status, 404);
    bot.change_ada(true).await;
    assert_eq!(bot.get_token("wc-1").await.status, 404, "what has ended does not come back");
}

#[tokio::test]
async fn a_sign_out_everywhere_ends_sessions_and_the_bots_token_together() {
    let bot = MarketBot::start().await;
    let mut browser = bot.directories.browser();
    browser.sign_in(&SHOP, &ADA).await;
    let token = bot.sign_in(&mut browser, "wc-1").await;
    let ended = bot.directories.harness.sign_out_everywhere(&bot.ada_key()).await;
    assert!((200..300).contains(&ended.status), "{}", ended.text());
    assert_eq!(bot.get_token("wc-1").await.status, 404);
    assert!(!bot.is_active(&token).await);
    let page = browser.visit(&bot.card("wc-1", "market").await).await;
    assert!(page.answer.text().contains("type=\"password\""), "{}", page.answer.text());
}

#[tokio::test]
async fn a_code_for_the_chat_is_worth_nothing_after_a_sign_out_everywhere() {
    let bot = MarketBot::start().await;
    let mut browser = bot.directories.browser();
    browser.sign_in(&SHOP, &ADA).await;
    let question = browser.visit(&bot.card("wc-1", "market").await).await;
    let code = super::confirm(&mut browser, question).await.code();
    bot.directories.harness.sign_out_everywhere(&bot.ada_key()).await;
    assert_ne!(bot.redeem("wc-1", &code).await.status, 200);
    assert_eq!(bot.get_token("wc-1").await.status, 404);
}

#[tokio::test]
async fn a_user_finds_the_bot_once_on_the_account_page_and_ends_its_token_there_at_once() {
    let bot = MarketBot::start().await;
    let mut browser = bot.directories.browser();
    browser.sign_in(&SHOP, &ADA).await;
    let token = bot.sign_in(&mut browser, "wc-1").await;
    let page = browser.visit(&MARKET.oauth("/account")).await;
    let text = page.answer.text();
    assert!(!text.contains("bot-sso."), "the application of the connection is no row of its own: {text}");
    let mut found = forms(&text).into_iter().filter(|form| form.fields.iter().any(|field| field.value == "demo"));
    let form = found.next().unwrap_or_else(|| panic!("the bot is not there: {text}"));
    assert!(found.next().is_none(), "{text}");
    let ended = browser.send_form(page.url.as_str(), &form, &[("holder", "demo")]).await;
    assert_eq!(ended.status, 303, "{}", ended.text());
    assert_eq!(bot.get_token("wc-1").await.status, 404);
    assert!(!bot.is_active(&token).await, "its grant has ended as well");
    assert_ne!(browser.sign_in_silently(&SHOP).await.code, "", "the session goes on");
}
