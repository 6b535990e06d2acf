//! A magic code that is said again (docs/architecture.md §The same browser gets the same answer).

use serde_json::json;

use super::{WEB_CHAT_USER, card, redeem, token_owner, web_chat};
use crate::harness::{Harness, Options, activities};

/// A code that is not this one.
fn other_than(code: &str, number: u32) -> String {
    (100_000 + (code.parse::<u32>().unwrap() - 100_000 + number) % 900_000).to_string()
}

#[tokio::test]
async fn a_redeemed_code_gives_the_same_token_again_also_after_a_restart() {
    let mut harness = Harness::start().await;
    let code = harness.browser().finish(&card(&harness).await, "Ada").await.code();
    let first = redeem(&harness, "webchat", WEB_CHAT_USER, &code).await;
    assert_eq!(token_owner(&first), harness.user("Ada").oid);
    assert_eq!(redeem(&harness, "webchat", WEB_CHAT_USER, &code).await.json(), first.json());
    harness.restart(&Options::default()).await;
    assert_eq!(redeem(&harness, "webchat", WEB_CHAT_USER, &code).await.json(), first.json());
    let state = activities::state_of(&web_chat(&harness, WEB_CHAT_USER), "graph");
    let pairs = [
        ("userId", WEB_CHAT_USER),
        ("connectionName", "graph"),
        ("channelId", "webchat"),
        ("state", &state),
        ("code", &code),
    ];
    let query: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let either = harness.token_service("demo", &format!("/api/usertoken/GetTokenOrSignInResource?{query}")).await;
    assert_eq!(either.json()["tokenResponse"]["token"], first.json()["token"], "{}", either.text());
}

#[tokio::test]
async fn a_redeemed_code_is_refused_for_another_user_channel_connection_or_bot() {
    let harness = Harness::start().await;
    let code = harness.browser().finish(&card(&harness).await, "Ada").await.code();
    assert_eq!(redeem(&harness, "webchat", WEB_CHAT_USER, &code).await.status, 200);
    for (channel, user) in [("webchat", "wc-2"), ("directline", WEB_CHAT_USER), ("msteams", WEB_CHAT_USER)] {
        assert_eq!(redeem(&harness, channel, user, &code).await.status, 404, "{channel} {user}");
    }
    let query =
        [("userId", WEB_CHAT_USER), ("connectionName", "mail"), ("channelId", "webchat"), ("code", code.as_str())];
    assert_eq!(harness.get_token_as("demo", &query).await.status, 404, "another connection");
    let query =
        [("userId", WEB_CHAT_USER), ("connectionName", "graph"), ("channelId", "webchat"), ("code", code.as_str())];
    assert_eq!(harness.get_token_as("demo-none", &query).await.status, 404, "another bot");
}

#[tokio::test]
async fn a_redeemed_code_ends_with_the_token_that_it_made() {
    let harness = Harness::start().await;
    let out = [("userId", WEB_CHAT_USER), ("channelId", "webchat"), ("connectionName", "graph")];
    let first = harness.browser().finish(&card(&harness).await, "Ada").await.code();
    assert_eq!(redeem(&harness, "webchat", WEB_CHAT_USER, &first).await.status, 200);
    harness.sign_out(&out).await;
    assert_eq!(redeem(&harness, "webchat", WEB_CHAT_USER, &first).await.status, 404, "signed out");

    let second = harness.browser().finish(&card(&harness).await, "Ada").await.code();
    assert_eq!(redeem(&harness, "webchat", WEB_CHAT_USER, &second).await.status, 200);
    assert_eq!(redeem(&harness, "webchat", WEB_CHAT_USER, &first).await.status, 404, "another code made this token");
    let third = harness.browser().finish(&card(&harness).await, "Ben").await.code();
    assert_eq!(
        token_owner(&redeem(&harness, "webchat", WEB_CHAT_USER, &second).await),
        harness.user("Ada").oid,
        "until it is used"
    );
    assert_eq!(token_owner(&redeem(&harness, "webchat", WEB_CHAT_USER, &third).await), harness.user("Ben").oid);
    assert_eq!(redeem(&harness, "webchat", WEB_CHAT_USER, &second).await.status, 404, "a newer sign-in took its place");
}

#[tokio::test]
async fn a_silent_sign_in_ends_the_code_that_made_the_token_before() {
    let mut harness = Harness::start().await;
    let ada = harness.user("Ada");
    harness.sign_in_resource(&activities::teams(&harness, &ada), "graph").await;
    let code = harness.issue_code(&Options::default(), &ada, "graph", "behind-a-code").await;
    let verify = activities::invoke(&harness, &ada, "signin/verifyState", json!({ "state": code }));
    for _ in 0..2 {
        assert_eq!(harness.post(&verify).await.status, 200);
    }
    assert_eq!(harness.received_once_settled().await.len(), 1, "told once");
    let mut ben = activities::in_group(verify.clone());
    ben["from"] = activities::teams(&harness, &harness.user("Ben"))["from"].clone();
    harness.post(&ben).await;
    assert_eq!(harness.received_once_settled().await.len(), 2, "of another user in the group: the bot is asked");
    assert_eq!(harness.post(&activities::in_group(verify.clone())).await.status, 200, "of the card's user");
    assert_eq!(harness.received_once_settled().await.len(), 2);

    harness.sign_out(&[("userId", "29:ada"), ("channelId", "msteams")]).await;
    let silent = activities::exchange(&harness, &ada, "card-1", &harness.user_token("Ada", "graph").await);
    assert_eq!(harness.post(&silent).await.status, 200);
    let told = harness.received_once_settled().await.len();
    harness.post(&verify).await;
    let received = harness.received_once_settled().await;
    assert_eq!(received.len(), told + 1);
    assert_eq!(received[told].json()["name"], "signin/verifyState", "it is the bot's affair");
}

#[tokio::test]
async fn a_redeemed_code_is_accepted_again_after_its_token_was_refreshed() {
    let harness = Harness::with(Options { offline_access: true, ..Options::default() }).await;
    let code = harness.browser().finish(&card(&harness).await, "Ada").await.code();
    let first = redeem(&harness, "webchat", WEB_CHAT_USER, &code).await;
    harness.clock.advance(std::time::Duration::from_mins(62));
    let refreshed = harness.get_token("webchat", WEB_CHAT_USER, "graph").await;
    assert_eq!(token_owner(&refreshed), harness.user("Ada").oid);
    assert_ne!(refreshed.json()["token"], first.json()["token"]);
    assert_eq!(redeem(&harness, "webchat", WEB_CHAT_USER, &code).await.json(), refreshed.json());
}

#[tokio::test]
async fn a_repeated_code_uses_up_no_tries_and_wrong_ones_go_on_counting() {
    let harness = Harness::start().await;
    let old = harness.browser().finish(&card(&harness).await, "Ada").await.code();
    assert_eq!(redeem(&harness, "webchat", WEB_CHAT_USER, &old).await.status, 200);
    let new = harness.browser().finish(&card(&harness).await, "Ada").await.code();
    for number in 1..=5 {
        assert_eq!(redeem(&harness, "webchat", WEB_CHAT_USER, &old).await.status, 200, "repeated");
        let wrong = [number, number + 10].map(|number| other_than(&new, number));
        let wrong = wrong.iter().find(|wrong| **wrong != old).unwrap();
        assert_eq!(redeem(&harness, "webchat", WEB_CHAT_USER, wrong).await.status, 404);
    }
    assert_eq!(redeem(&harness, "webchat", WEB_CHAT_USER, &new).await.status, 404, "no try is left");
    assert_eq!(redeem(&harness, "webchat", WEB_CHAT_USER, &old).await.status, 200, "what the account has, it has");
}

#[tokio::test]
async fn a_code_stays_the_same_when_it_is_read_as_a_number() {
    let harness = Harness::start().await;
    for _ in 0..4 {
        let code = harness.browser().finish(&card(&harness).await, "Ada").await.code();
        assert_eq!(code.parse::<u32>().unwrap().to_string(), code);
        assert!((100_000..=999_999).contains(&code.parse::<u32>().unwrap()));
    }
}
