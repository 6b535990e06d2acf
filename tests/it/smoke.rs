//! The gateway's main task once from end to end: exchange a token, store it, send it to the bot.

use crate::harness::{Harness, activities};

#[tokio::test]
async fn a_users_token_is_exchanged_and_stored_and_sent_to_the_bot() {
    let harness = Harness::start().await;
    let ada = harness.user("Ada");
    let token = harness.user_token("Ada", "graph").await;
    let answer = harness.post(&activities::exchange(&harness, &ada, "x", &token)).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    assert_eq!(answer.json(), serde_json::json!({ "id": "x", "connectionName": "graph" }));
    let event = harness.bot_received(1).await[0].json();
    assert_eq!(event["name"], "tokens/response");
    assert_eq!(event["value"]["connectionName"], "graph");
    let stored = harness.get_token("msteams", "29:ada", "graph").await;
    assert_eq!(stored.status, 200);
    assert_eq!(stored.json()["token"], event["value"]["token"]);
    assert_eq!(harness.exchanges(), 1);
}
