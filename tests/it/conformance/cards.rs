//! Cases 73 to 75: the sign-in resource that a bot gets for its card, and an invoke that follows the card at once.

use serde_json::{Value, json};

use super::{Scenario, exchange_of, success};
use crate::harness::{Behaviour, Gate, Harness, Options, activities};

/// Adds a connection to `demo` that has no exchange URI, so no client can sign in silently.
pub fn connection_without_exchange_uri(scenario: &Harness) -> Options {
    let appended = format!(
        "[connections.plain]\nbot = \"demo\"\nclient_secret = {{ file = \"{}\" }}\n\
         scopes = [\"https://graph.microsoft.com/User.Read\"]\ntenants = [\"{}\"]\n",
        scenario.directory.path().join("demo-graph.secret").display(),
        scenario.stage.directory().main_tenant_id(),
    );
    Options { appended, ..Options::default() }
}

#[tokio::test]
async fn case_73_a_card_of_a_connection_without_an_exchange_uri_offers_no_exchange() {
    let mut scenario = Scenario::start().await;
    let options = connection_without_exchange_uri(&scenario.harness);
    scenario.harness.restart(&options).await;
    let resource = scenario.harness.sign_in_resource(&scenario.exchange(), "plain").await;
    assert!(resource["signInLink"].is_string());
    assert!(resource.get("tokenExchangeResource").is_none(), "left out, never null: {resource}");
}

#[tokio::test]
async fn case_74_a_card_in_a_teams_channel_offers_no_exchange_and_in_other_conversations_it_does() {
    let harness = Harness::start().await;
    let ada = activities::teams(&harness, &harness.user("Ada"));
    let group = activities::in_group(ada.clone());
    let mut channel = group.clone();
    channel["conversation"]["conversationType"] = "channel".into();
    let uri = format!("api://botid-{}", harness.bot_app_id("demo"));
    for (case, activity, offered) in [("personal", ada, true), ("group", group, true), ("channel", channel, false)] {
        let resource = harness.sign_in_resource(&activity, "graph").await;
        assert!(resource["signInLink"].as_str().is_some_and(|link| link.starts_with("http")), "{case}");
        assert_eq!(resource.get("tokenExchangeResource").is_some(), offered, "{case}: {resource}");
        if offered {
            assert_eq!(resource["tokenExchangeResource"]["uri"], uri, "{case}");
        }
    }
}

#[tokio::test]
async fn every_card_has_an_id_of_its_own_and_an_older_card_still_works() {
    let harness = Harness::start().await;
    let mut activity = activities::in_group(exchange_of(&harness, "Ada", "").await);
    let (first, second) = (harness.card(&activity, "graph").await, harness.card(&activity, "graph").await);
    assert_ne!(first, second);
    activity["value"]["id"] = first.into();
    assert_eq!(harness.post(&activity).await.status, 200);
}

#[tokio::test]
async fn case_75_an_invoke_immediately_after_the_card_finds_the_pending_sign_in() {
    let harness = Harness::start().await;
    let caller = harness.channel_token("demo").await;
    for user in ["Ada", "Ben", "Gus"] {
        let mut activity = activities::in_group(exchange_of(&harness, user, "").await);
        activity["value"]["id"] = harness.card(&activity, "graph").await.into();
        let answer = harness.post_as("demo", &caller, &activity).await;
        assert_eq!(answer.status, 200, "{user}: {}", answer.detail());
    }
}

#[tokio::test]
async fn case_75_the_bot_is_notified_only_after_the_turn_that_sent_the_card_has_ended() {
    let scenario = Scenario::start().await;
    let harness = &scenario.harness;
    let caller = harness.channel_token("demo").await;
    let gate = Gate::default();
    harness.bot.behave_in_turn(vec![Behaviour::default().behind(&gate), Behaviour::default()]);
    let message = activities::message(harness, &harness.user("Ada"), "sign me in");
    let (exchange, of_ben) = (scenario.exchange(), exchange_of(harness, "Ben", "y").await);
    let fast_client = async {
        harness.bot_received(1).await;
        let answer = harness.post_as("demo", &caller, &exchange).await;
        assert_eq!((answer.status, answer.json()), (200, success()));
        // Ben's sign-in begins after Ada's, so an event for Ada would have reached the bot before Ben's event.
        assert_eq!(harness.post_as("demo", &caller, &of_ben).await.status, 200);
        let told = &harness.bot_received(2).await[1].json();
        assert_eq!(told["from"]["id"], "29:ben", "the bot has not saved Ada's dialog yet");
        gate.open();
    };
    let (answer, ()) = tokio::join!(harness.post_as("demo", &caller, &message), fast_client);
    assert_eq!(answer.status, 200);
    let event: Value = harness.bot_received(3).await[2].json();
    assert_eq!(event["from"]["id"], "29:ada");
    assert_eq!((event["type"].clone(), event["name"].clone()), (json!("event"), json!("tokens/response")));
}
