//! How much time a bot has for what is only passed on.

use bot_sso::dev::{Fault, FaultRule};
use serde_json::json;

use crate::harness::{Behaviour, Gate, Harness, Options, activities};

#[tokio::test]
async fn a_bot_that_takes_longer_than_our_own_budgets_is_waited_for() {
    let appended = String::from("[outbound]\nbot_timeout_ms = 120000\n");
    let harness = Harness::with(Options { appended, ..Options::default() }).await;
    let (token, ada) = (harness.channel_token("demo").await, harness.user("Ada"));
    let user_token = harness.user_token("Ada", "graph").await;
    let gate = Gate::default();
    harness.bot.behave(Behaviour::answering(200, r#"{"statusCode":200}"#).behind(&gate));
    harness.stage.faults().add(FaultRule::new(Fault::Hang));
    let value = json!({ "action": { "type": "Action.Execute", "verb": "v", "data": {} } });
    let action = activities::invoke(&harness, &ada, "adaptiveCard/action", value);
    let other = activities::invoke(&harness, &ada, "signin/verifyState", json!({ "state": "the bot's own" }));
    // Two exchanges that one after the other use up our budget for a sign-in invoke: 15 seconds in all.
    let two_budgets = async {
        for id in ["x", "y"] {
            let exchange = activities::exchange(&harness, &ada, id, &user_token);
            assert_eq!(harness.post_as("demo", &token, &exchange).await.status, 500);
        }
        gate.open();
    };
    let (action, other, ()) =
        tokio::join!(harness.post_as("demo", &token, &action), harness.post_as("demo", &token, &other), two_budgets);
    for answer in [action, other] {
        assert_eq!((answer.status, answer.json()), (200, json!({ "statusCode": 200 })));
    }
}

#[tokio::test]
async fn a_bot_that_exceeds_the_operators_limit_for_an_invoke_is_504() {
    let appended = String::from("[outbound]\nbot_timeout_ms = 1000\n");
    let harness = Harness::with(Options { appended, ..Options::default() }).await;
    harness.bot.behave(Behaviour::silent());
    let invoke = activities::invoke(&harness, &harness.user("Ada"), "composeExtension/query", json!({}));
    assert_eq!(harness.post(&invoke).await.status, 504);
}
