//! What changes while a card is on its way: the user signs out, or another user speaks.

use bot_sso::dev::{Fault, FaultRule, GrantKind};
use serde_json::json;

use super::fixture::{Fixture, PARENT, WEATHER, text_of};
use crate::harness::waiting::wait_until;
use crate::harness::{Behaviour, Gate, logs};

#[tokio::test]
async fn a_user_who_signs_out_while_the_parents_token_is_awaited_gives_the_skill_none() {
    let fixture = Fixture::start().await;
    fixture.sign_in().await;
    let id = fixture.open().await;
    let (card, bearer) = (fixture.card(&id, "card-1"), fixture.token(WEATHER, PARENT).await);
    let path = format!("/api/skills/weather/v3/conversations/{id}/activities");
    let slow = FaultRule::new(Fault::Slow { millis: 2000 }).for_grant(Some(GrantKind::ClientCredentials)).times(1);
    fixture.harness.stage.faults().add(slow);
    let granted = || fixture.harness.stage.calls().count(GrantKind::ClientCredentials);
    let (before, logged) = (granted(), logs::length());
    let (answer, ()) = tokio::join!(fixture.call("POST", &path, &bearer, card.to_string().into_bytes()), async {
        wait_until("the request for the parent's token", async || granted() > before).await;
        let query = [("userId", "29:ada"), ("channelId", "msteams")];
        assert_eq!(fixture.harness.sign_out(&query).await.status, 200);
    });
    assert_eq!((answer.status, answer.json()["id"].as_str()), (200, Some("parents-1")), "{}", text_of(&answer));
    assert_eq!(fixture.card_reasons(logged), ["not_signed_in"]);
    assert!(fixture.invokes().is_empty(), "the skill gets no token of a user who has signed out");
}

#[tokio::test]
async fn a_card_in_a_turn_that_is_open_goes_on_if_another_user_has_spoken_since_the_turn_began() {
    for (mode, content_type) in [("expectReplies", "application/json"), ("stream", "text/event-stream")] {
        let fixture = Fixture::start().await;
        fixture.sign_in().await;
        let id = fixture.open().await;
        let card = fixture.card(&id, "card-1");
        let body = match mode {
            "stream" => format!("data: {card}\n\n"),
            _ => json!({ "activities": [card] }).to_string(),
        };
        let gate = Gate::default();
        let with_card = Behaviour { content_type, ..Behaviour::answering(200, &body) };
        fixture.skill.behave_in_turn(vec![with_card.behind(&gate), Behaviour::default()]);
        let (mut of_ada, mut of_ben) = (fixture.message(), fixture.message());
        of_ada["deliveryMode"] = mode.into();
        of_ben["from"]["id"] = "29:ben".into();
        let (logged, before) = (logs::length(), fixture.skill.received().len());
        let (answer, ()) = tokio::join!(fixture.post(&of_ada), async {
            fixture.skill.wait_for(before + 1).await;
            assert_eq!(fixture.open_with(&of_ben).await, id);
            gate.open();
        });
        assert!(text_of(&answer).contains("card-1"), "{mode}: the card goes on");
        assert_eq!(fixture.card_reasons(logged), ["several_users"], "{mode}");
        assert!(fixture.invokes().is_empty(), "{mode}: Ada's token goes nowhere");
    }
}
