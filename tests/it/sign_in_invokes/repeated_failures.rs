//! The refusal of an action answers its duplicates for three seconds, and nobody else's action.

use serde_json::{Value, json};

use super::{Action, outcome, start, text_of};
use crate::harness::{Harness, activities};

/// The action with `token` and the `id` that a card gives all its users, in a channel.
fn with_token(harness: &Harness, user: &str, token: &str) -> Value {
    let authentication = json!({ "authentication": { "id": "shared", "connectionName": "graph", "token": token } });
    activities::in_channel(Action::Card.of(harness, user, &authentication))
}

#[tokio::test]
async fn one_users_failure_is_never_the_answer_to_another_user_of_the_same_card() {
    let harness = start().await;
    let (cleos, adas) = (harness.user_token("Cleo", "graph").await, harness.user_token("Ada", "graph").await);
    let refused = harness.post(&with_token(&harness, "Cleo", &cleos)).await;
    assert_eq!(outcome(Action::Card, &refused), 412, "{}", text_of(&refused));
    let answer = harness.post(&with_token(&harness, "Ada", &adas)).await;
    assert_eq!(answer.status, 200, "{}", text_of(&answer));
    assert_eq!(harness.bot.received().len(), 1, "Ada's action");
    let refused = harness.post(&with_token(&harness, "Cleo", &cleos)).await;
    assert_eq!(outcome(Action::Card, &refused), 412, "Ada's success is not Cleo's");
}

#[tokio::test]
async fn the_failure_of_one_token_is_never_the_answer_to_another_token_of_the_same_user() {
    let harness = start().await;
    let first = harness.user_token("Cleo", "graph").await;
    let refused = harness.post(&with_token(&harness, "Cleo", &first)).await;
    assert_eq!(outcome(Action::Card, &refused), 412, "{}", text_of(&refused));
    harness.stage.consent("Cleo", harness.bot_app_id("demo")).unwrap();
    let second = harness.user_token("Cleo", "graph").await;
    assert_ne!(first, second);
    let answer = harness.post(&with_token(&harness, "Cleo", &second)).await;
    assert_eq!(answer.status, 200, "{}", text_of(&answer));
    assert_eq!(harness.bot.received().len(), 1);
}
