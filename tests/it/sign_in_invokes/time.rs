//! How much time an exchanged action has.

use bot_sso::dev::{Fault, FaultRule};

use super::{Action, BOTH, authentication, is_kept, outcome, start};
use crate::harness::{Behaviour, Harness, Options};

#[tokio::test]
async fn a_bot_that_exceeds_the_channels_time_is_504_and_the_token_stays() {
    let appended = "[outbound]\nbot_timeout_ms = 120000\n".to_owned();
    let harness = Harness::with(Options { bot: BOTH, appended, ..Options::default() }).await;
    harness.bot.behave(Behaviour::silent());
    let activity = Action::Query.of(&harness, "Ada", &authentication(&harness, "Ada").await);
    assert_eq!(harness.post(&activity).await.status, 504);
    assert!(is_kept(&harness, "Ada").await);
}

#[tokio::test]
async fn an_identity_provider_that_does_not_answer_is_a_500_and_the_bot_is_not_asked() {
    let harness = start().await;
    harness.stage.faults().add(FaultRule::new(Fault::Hang));
    let activity = Action::Card.of(&harness, "Ada", &authentication(&harness, "Ada").await);
    assert_eq!(outcome(Action::Card, &harness.post(&activity).await), 500);
    assert!(harness.bot.received().is_empty());
}

#[tokio::test]
async fn a_bot_that_cannot_be_reached_is_502_and_for_a_card_a_500_in_its_own_form() {
    let endpoint = Some(format!("http://{}/api/messages", crate::harness::NOWHERE));
    let harness = Harness::with(Options { bot: BOTH, endpoint, ..Options::default() }).await;
    let activity = Action::Card.of(&harness, "Ada", &authentication(&harness, "Ada").await);
    let answer = harness.post(&activity).await;
    assert_eq!((answer.status, outcome(Action::Card, &answer)), (200, 500));
    let activity = Action::Link.of(&harness, "Ada", &authentication(&harness, "Ada").await);
    assert_eq!(harness.post(&activity).await.status, 502);
    assert!(is_kept(&harness, "Ada").await);
}
