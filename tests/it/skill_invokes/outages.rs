//! Skills and identity providers that do not answer.

use bot_sso::dev::{Fault, FaultRule, GrantKind};
use serde_json::Value;

use super::{CONNECTION, PARENT, SkilledBot, action, exchange, text_of};
use crate::harness::{Behaviour, Gate, NOWHERE, Options, activities, logs};

/// The invokes, by their names.
const NAMES: [&str; 3] = ["signin/tokenExchange", "adaptiveCard/action", "composeExtension/query"];

impl SkilledBot {
    /// The invoke `name` of Ada.
    fn invoke(&self, name: &str) -> Value {
        match name {
            "signin/tokenExchange" => exchange(&self.harness, "Ada", CONNECTION),
            _ => action(&self.harness, "Ada", name, CONNECTION),
        }
    }
}

#[tokio::test]
async fn a_skill_that_cannot_be_reached_is_502() {
    let mut bot = SkilledBot::start().await;
    bot.converse("Ada").await;
    bot.move_skill(&format!("http://{NOWHERE}/api/messages")).await;
    for name in NAMES {
        let length = logs::length();
        let answer = bot.harness.post(&bot.invoke(name)).await;
        assert_eq!((answer.status, answer.json()["error"]["code"].as_str()), (502, Some("BotUnavailable")), "{name}");
        let complaints = logs::complaints_of(&bot.harness.tag, length);
        assert!(complaints.iter().any(|line| line["skill"] == "weather"), "{name}: {complaints:?}");
    }
    assert!(bot.harness.bot.received().is_empty(), "the parent is not asked instead");
}

#[tokio::test]
async fn a_skill_that_does_not_answer_in_time_is_504() {
    let appended = "[outbound]\nbot_timeout_ms = 1000\n".to_owned();
    let bot = SkilledBot::with(Options { bot: PARENT, appended, ..Options::default() }).await;
    bot.converse("Ada").await;
    bot.skill.behave(Behaviour::silent());
    for name in NAMES {
        let answer = bot.harness.post(&bot.invoke(name)).await;
        assert_eq!((answer.status, answer.json()["error"]["code"].as_str()), (504, Some("BotTimeout")), "{name}");
    }
    assert!(bot.harness.bot.received().is_empty(), "the parent is not asked instead");
}

#[tokio::test]
async fn a_skill_has_the_time_of_a_token_exchange_although_bots_have_more() {
    let appended = "[outbound]\nbot_timeout_ms = 120000\n".to_owned();
    let bot = SkilledBot::with(Options { bot: PARENT, appended, ..Options::default() }).await;
    bot.converse("Ada").await;
    bot.skill.behave(Behaviour::silent());
    assert_eq!(bot.harness.post(&bot.invoke(NAMES[0])).await.status, 504);
}

#[tokio::test]
async fn without_an_app_token_of_the_parent_the_skill_is_not_asked_and_the_user_is_told_of_an_outage() {
    let bot = SkilledBot::start().await;
    bot.converse("Ada").await;
    let channels = bot.harness.channel_token("demo").await;
    let rule = FaultRule::new(Fault::Unavailable { retry_after: None });
    bot.harness.stage.faults().add(rule.for_grant(Some(GrantKind::ClientCredentials)));
    for (name, status) in NAMES.into_iter().zip([500, 200, 500]) {
        let answer = bot.harness.post_as("demo", &channels, &bot.invoke(name)).await;
        assert_eq!(answer.status, status, "{name}: {}", text_of(&answer));
        match name {
            "signin/tokenExchange" => {
                assert_eq!(answer.json()["connectionName"], CONNECTION);
                let detail = answer.json()["failureDetail"].as_str().unwrap().to_owned();
                assert!(detail.starts_with("temporarily_unavailable: "), "{detail}");
            }
            "adaptiveCard/action" => assert_eq!(answer.json()["statusCode"], 500),
            _ => assert_eq!(answer.json()["error"]["code"], "temporarily_unavailable"),
        }
    }
    assert!(bot.skill_invokes().is_empty() && bot.harness.bot.received().is_empty());
}

#[tokio::test]
async fn a_token_exchange_waits_until_the_turn_that_has_sent_the_card_has_ended() {
    let bot = SkilledBot::start().await;
    bot.converse("Ada").await;
    bot.converse("Ben").await;
    let channels = bot.harness.channel_token("demo").await;
    let gate = Gate::default();
    bot.harness.bot.behave(Behaviour::default().behind(&gate));
    let message = activities::message(&bot.harness, &bot.harness.user("Ada"), "what is the weather?");
    let of = |user| exchange(&bot.harness, user, CONNECTION);
    let (adas, bens) = (of("Ada"), of("Ben"));
    let turn = bot.harness.post_as("demo", &channels, &message);
    let exchanges = async {
        bot.harness.bot_received(1).await;
        let bens_ends_the_turn = async {
            // Ben has no running turn, so his exchange arrives while Ada's waits.
            assert_eq!(bot.harness.post_as("demo", &channels, &bens).await.status, 200);
            let senders: Vec<_> = bot.skill_invokes().iter().map(|it| it.json()["from"]["id"].clone()).collect();
            gate.open();
            senders
        };
        tokio::join!(bot.harness.post_as("demo", &channels, &adas), bens_ends_the_turn)
    };
    let (turn, (adas, senders)) = tokio::join!(turn, exchanges);
    assert_eq!((turn.status, adas.status), (200, 200));
    assert_eq!(senders, [bot.harness.user("Ben").name].map(|name| format!("29:{name}")));
    assert_eq!(bot.skill_invokes().len(), 2);
}
