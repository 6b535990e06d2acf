//! A sign-out ends the account's running sign-ins and its codes that wait for their user.

use super::{WEB_CHAT_USER, assert_notice, card, redeem, teams_card, token_owner};
use crate::harness::{Answer, Harness, Options};

async fn sign_out(harness: &Harness, connection: Option<&str>) -> Answer {
    let mut query = vec![("userId", WEB_CHAT_USER), ("channelId", "webchat")];
    query.extend(connection.map(|name| ("connectionName", name)));
    harness.sign_out(&query).await
}

#[tokio::test]
async fn a_sign_out_before_any_step_ends_the_sign_in() {
    let harness = Harness::start().await;
    for connection in [Some("graph"), None] {
        let resource = card(&harness).await;
        let link = resource["signInLink"].as_str().unwrap();
        let mut browser = harness.browser();
        assert_eq!(sign_out(&harness, connection).await.status, 200);
        assert_notice("before it begins", &browser.get(link).await, 410, "LinkUnknown");

        let authorize = browser.begin(&card(&harness).await).await;
        let callback = browser.log_in(&authorize, "Ada").await;
        sign_out(&harness, connection).await;
        assert_notice("at the provider", &browser.get(&callback).await, 410, "LinkUnknown");

        let last = browser.arrive(&card(&harness).await, "Ada").await;
        sign_out(&harness, connection).await;
        assert_notice("before it is reviewed", &browser.get(&last).await, 410, "LinkUnknown");

        let last = browser.arrive(&card(&harness).await, "Ada").await;
        assert_eq!(browser.get(&last).await.status, 200);
        sign_out(&harness, connection).await;
        let late = browser.post(&last, &[("decision", "continue")]).await;
        assert_notice("before it is confirmed", &late, 410, "LinkUnknown");

        let code = browser.finish(&card(&harness).await, "Ada").await.code();
        sign_out(&harness, connection).await;
        assert_eq!(redeem(&harness, "webchat", WEB_CHAT_USER, &code).await.status, 404, "before the code is typed");
        assert_eq!(harness.get_token("webchat", WEB_CHAT_USER, "graph").await.status, 404);
    }
}

#[tokio::test]
async fn a_sign_out_of_another_connection_or_account_does_not_end_the_sign_in() {
    let harness = Harness::start().await;
    let mut browser = harness.browser();
    let last = browser.arrive(&card(&harness).await, "Ada").await;
    sign_out(&harness, Some("mail")).await;
    harness.sign_out(&[("userId", "wc-2"), ("channelId", "webchat")]).await;
    harness.sign_out(&[("userId", WEB_CHAT_USER), ("channelId", "directline")]).await;
    let code = browser.post(&last, &[("decision", "continue")]).await.code();
    sign_out(&harness, Some("mail")).await;
    assert_eq!(token_owner(&redeem(&harness, "webchat", WEB_CHAT_USER, &code).await), harness.user("Ada").oid);
}

#[tokio::test]
async fn a_sign_out_everywhere_ends_proven_sign_ins_even_across_a_restart() {
    let options = Options { operations: true, ..Options::default() };
    let mut harness = Harness::with(Options { operations: true, ..Options::default() }).await;
    let ada = harness.user("Ada");
    let key = format!("{}@{}", ada.oid, ada.tid);
    let code = harness.browser().finish(&card(&harness).await, "Ada").await.code();
    let mut browser = harness.browser();
    let mail = harness.sign_in_resource(&super::web_chat(&harness, WEB_CHAT_USER), "mail").await;
    let unconfirmed = browser.arrive(&mail, "Ada").await;
    let cookies = browser.cookies;
    assert_eq!(harness.sign_out_everywhere(&key).await.status, 200);
    harness.restart(&options).await;
    assert_eq!(redeem(&harness, "webchat", WEB_CHAT_USER, &code).await.status, 404);
    let mut browser = harness.browser();
    browser.cookies = cookies;
    let late = browser.post(&unconfirmed, &[("decision", "continue")]).await;
    assert_notice("confirmed after it", &late, 410, "LinkUnknown");
    let code = harness.browser().finish(&card(&harness).await, "Ada").await.code();
    assert_eq!(token_owner(&redeem(&harness, "webchat", WEB_CHAT_USER, &code).await), ada.oid, "and she may come back");
}

#[tokio::test]
async fn no_token_is_left_when_a_sign_out_races_with_the_last_step() {
    let harness = Harness::start().await;
    for round in 0..12 {
        let mut browser = harness.browser();
        let resource = if round % 2 == 0 { card(&harness).await } else { teams_card(&harness, "Ada").await };
        let (channel, user) = if round % 2 == 0 { ("webchat", WEB_CHAT_USER) } else { ("msteams", "29:ada") };
        let last = browser.arrive(&resource, "Ada").await;
        let out = [("userId", user), ("channelId", channel), ("connectionName", "graph")];
        let confirm = async {
            let answer = match channel {
                "webchat" => browser.post(&last, &[("decision", "continue")]).await,
                _ => browser.get(&last).await,
            };
            if answer.status == 200 {
                redeem(&harness, channel, user, &answer.code()).await;
            }
            answer
        };
        let (answer, out) = tokio::join!(confirm, harness.sign_out(&out));
        assert_eq!(out.status, 200);
        // A code redeemed after the sign-out would have to be issued after it, and no card of the account allows that
        // any more.
        let kept = harness.get_token(channel, user, "graph").await;
        assert_eq!(kept.status, 404, "round {round}: {} {}", answer.status, answer.text());
        if answer.status == 200 {
            assert_eq!(redeem(&harness, channel, user, &answer.code()).await.status, 404, "round {round}");
        }
    }
}
