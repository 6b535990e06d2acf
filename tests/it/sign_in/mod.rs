//! The sign-in behind a card, as browsers see it (docs/architecture.md §Security rules, rule 8,
//! docs/protocols/token-service-api.md §4).

mod accounts;
mod begin_again;
mod codes;
mod doubtful_identity;
mod heads;
mod journeys;
mod meanings;
mod needs;
mod other_accounts;
mod outages;
mod pages;
mod proxies;
mod refusals;
mod repeats;
mod retries;
mod sign_out;
mod transport;

use serde_json::Value;

use crate::harness::{Answer, Harness, Options, activities, tokens};

/// The id of a Web Chat user, which does not prove who the user is.
const WEB_CHAT_USER: &str = "wc-1";

/// An activity of a Web Chat user.
fn web_chat(harness: &Harness, user_id: &str) -> Value {
    activities::on_channel(activities::teams(harness, &harness.user("Ada")), "webchat", user_id)
}

/// Options for a connection `graph` that takes other accounts than the one of a Teams chat.
fn allowing_other_accounts() -> Options {
    let key = "BOT_SSO_CONNECTIONS__DEMO_GRAPH__ALLOW_OTHER_ACCOUNTS";
    Options { environment: vec![(key.to_owned(), "true".to_owned())], ..Options::default() }
}

/// A card for a Web Chat user.
async fn card(harness: &Harness) -> Value {
    harness.sign_in_resource(&web_chat(harness, WEB_CHAT_USER), "graph").await
}

/// A card for a Teams user in a personal conversation.
async fn teams_card(harness: &Harness, user: &str) -> Value {
    harness.sign_in_resource(&activities::teams(harness, &harness.user(user)), "graph").await
}

async fn redeem(harness: &Harness, channel: &str, user_id: &str, code: &str) -> Answer {
    let query = [("userId", user_id), ("connectionName", "graph"), ("channelId", channel), ("code", code)];
    harness.get_token_as("demo", &query).await
}

/// The object id of the user in the token of `answer`.
fn token_owner(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    tokens::claims_of(answer.json()["token"].as_str().unwrap())["oid"].as_str().unwrap().to_owned()
}

/// Asserts a page with a message and a reference; the log line with that reference names `reason`.
fn assert_notice(case: &str, answer: &Answer, status: u16, reason: &str) {
    let text = answer.text();
    assert_eq!(answer.status, status, "{case}: {text}");
    assert!(text.contains("<h1>") && text.contains("Reference: "), "{case}: {text}");
    let reference = text.split_once("Reference: ").unwrap().1.split('<').next().unwrap().to_owned();
    let lines = crate::harness::logs::lines_of(&reference);
    assert!(lines.iter().any(|line| line.to_string().contains(&format!("\"{reason}\""))), "{case}: {lines:?}");
}
