//! Sign-in cards that skills post: which are answered with the user's sign-in at the parent, and which go on
//! (cases 67 to 70 of docs/protocols/invoke-protocol.md §10; attack cases 55 to 60 of
//! docs/protocols/bot-auth-and-skills.md §9).

use bot_sso::dev::{Fault, FaultRule, GrantKind};
use serde_json::{Value, json};

use super::fixture::{
    CONTOSO, Fixture, MAIL_URI, PARENT, SKILL_CONNECTION, Setting, WEATHER, WEATHER_URI, oauth_card, service_url,
    text_of,
};
use crate::harness::tokens::claims_of;
use crate::harness::{Answer, Behaviour, Received, activities, logs};

impl Fixture {
    /// Asserts that the card `card` goes on to the parent unchanged, and why.
    async fn assert_goes_on(&self, case: &str, id: &str, card: &Value, reason: &str) {
        let (logged, before) = (logs::length(), self.parent.received().len());
        let answer = self.send(id, card).await;
        assert_eq!((answer.status, answer.json()["id"].as_str()), (200, Some("parents-1")), "{case}");
        let received = self.parent.received();
        assert_eq!(received.len(), before + 1, "{case}");
        assert_eq!(received[before].json()["attachments"], card["attachments"], "{case}: unchanged");
        assert_eq!(self.card_reasons(logged), [reason], "{case}");
    }

    async fn signed_in() -> (Self, String) {
        let fixture = Self::start().await;
        fixture.sign_in().await;
        let id = fixture.open().await;
        (fixture, id)
    }

    fn redemptions(&self) -> u64 {
        self.harness.stage.calls().count(GrantKind::RefreshToken) + self.harness.exchanges()
    }
}

/// The id that a skill gets for a card that ended here.
fn swallowed_id(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", text_of(answer));
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    assert_ne!(id, "parents-1", "the card went on");
    id
}

fn bearer_of(request: &Received) -> Value {
    claims_of(request.header("authorization").unwrap().trim_start_matches("Bearer "))
}

// Case 67.
#[tokio::test]
async fn a_skills_card_is_answered_with_the_sign_in_of_the_parents_user() {
    let (fixture, id) = Fixture::signed_in().await;
    let logged = logs::length();
    let given = swallowed_id(&fixture.send(&id, &fixture.card(&id, "card-1")).await);
    assert_eq!(fixture.lines(logged, "a skill's card was answered with the user's sign-in").len(), 1);
    assert!(fixture.parent.received().is_empty(), "the user does not see the card");
    let [request] = fixture.invokes().try_into().unwrap();
    let invoke = request.json();
    assert_eq!((&invoke["type"], &invoke["name"]), (&"invoke".into(), &"signin/tokenExchange".into()));
    assert_eq!(invoke["value"]["id"], "card-1");
    assert_eq!(invoke["value"]["connectionName"], SKILL_CONNECTION);
    assert_eq!(invoke["conversation"]["id"], id.as_str());
    assert_eq!(invoke["serviceUrl"], format!("{}/api/skills/weather/", fixture.harness.base));
    assert_eq!(invoke["from"], fixture.message()["from"]);
    assert_eq!(invoke["recipient"]["role"], "skill");
    assert_eq!(invoke["relatesTo"], fixture.message()["relatesTo"]);
    assert_eq!(invoke["replyToId"], "skills-activity");
    assert!(invoke["deliveryMode"].is_null() && !invoke["id"].as_str().unwrap().is_empty());
    let token = claims_of(invoke["value"]["token"].as_str().unwrap());
    assert_eq!((&token["aud"], &token["oid"]), (&WEATHER.into(), &fixture.harness.user("Ada").oid.into()));
    let bearer = bearer_of(&request);
    assert_eq!((&bearer["aud"], &bearer["azp"], &bearer["tid"]), (&WEATHER.into(), &PARENT.into(), &CONTOSO.into()));
    assert_eq!(request.header("x-ms-conversation-id"), Some(id.as_str()));
    assert_eq!((fixture.counted("swallowed").await, fixture.counted("not_signed_in").await), (1, 0));
    // The id of the card is the skill's, and nothing of it reaches the parent.
    let path = format!("{id}/activities/{given}");
    let mut edit = fixture.reply(&id);
    edit["id"] = given.as_str().into();
    let updated = fixture.as_skill("PUT", &path, &edit).await;
    assert_eq!((updated.status, updated.json()["id"].as_str()), (200, Some(given.as_str())));
    assert_eq!(fixture.as_skill("DELETE", &path, &Value::Null).await.status, 200);
    assert!(fixture.parent.received().is_empty());
}

#[tokio::test]
async fn a_card_in_pascal_case_is_answered_as_well() {
    let (fixture, id) = Fixture::signed_in().await;
    let mut card = fixture.reply(&id);
    card["attachments"] = json!([{
        "ContentType": "application/vnd.microsoft.card.oauth",
        "Content": {
            "ConnectionName": SKILL_CONNECTION,
            "TokenExchangeResource": { "Id": "card-1", "Uri": WEATHER_URI, "ProviderId": null },
        },
    }]);
    swallowed_id(&fixture.send(&id, &card).await);
    assert_eq!(fixture.invokes()[0].json()["value"]["id"], "card-1");
}

#[tokio::test]
async fn a_card_is_tried_once_and_a_repeated_one_gets_the_same_answer() {
    let (fixture, id) = Fixture::signed_in().await;
    let first = swallowed_id(&fixture.send(&id, &fixture.card(&id, "card-1")).await);
    let again = swallowed_id(&fixture.send(&id, &fixture.card(&id, "card-1")).await);
    assert_eq!(first, again);
    assert_eq!(fixture.invokes().len(), 1);
    let redemptions = fixture.redemptions();
    swallowed_id(&fixture.send(&id, &fixture.card(&id, "card-2")).await);
    assert_eq!((fixture.invokes().len(), fixture.redemptions()), (2, redemptions), "the token is in memory");
    fixture.skill.behave(Behaviour::answering(412, ""));
    fixture.assert_goes_on("refused", &id, &fixture.card(&id, "card-3"), "skill_refused").await;
    fixture.skill.behave(Behaviour::default());
    fixture.assert_goes_on("again", &id, &fixture.card(&id, "card-3"), "attempted_before").await;
    assert_eq!(fixture.invokes().len(), 3);
}

// Cases 68 and 60: every answer of the skill but a whole one with 2xx.
#[tokio::test]
async fn a_card_goes_on_unchanged_if_the_skill_does_not_take_the_token() {
    let (fixture, id) = Fixture::signed_in().await;
    let redirect = vec![("location", "https://evil.example/")];
    let cases = [
        (Behaviour::answering(412, r#"{"failureDetail":"x"}"#), "skill_refused"),
        (Behaviour::answering(501, ""), "skill_refused"),
        (Behaviour::answering(400, ""), "skill_refused"),
        (Behaviour { headers: redirect, ..Behaviour::answering(302, "") }, "skill_refused"),
        (Behaviour { body: vec![b' '; 3 << 20], ..Behaviour::default() }, "answer_too_large"),
    ];
    for (number, (behaviour, reason)) in cases.into_iter().enumerate() {
        fixture.skill.behave(behaviour.clone());
        let card = fixture.card(&id, &format!("card-{number}"));
        fixture.assert_goes_on(&format!("{}", behaviour.status), &id, &card, reason).await;
    }
    assert_eq!(fixture.invokes().len(), 5, "one invoke for each");
    assert_eq!(fixture.redemptions(), 2, "one exchange at the sign-in, and one token for the skill");
}

#[tokio::test]
async fn a_card_goes_on_when_the_skill_answers_after_the_time() {
    let (fixture, id) = Fixture::signed_in().await;
    fixture.skill.behave(Behaviour::silent());
    fixture.assert_goes_on("silent", &id, &fixture.card(&id, "card-1"), "too_late").await;
}

// Case 69 (the caller is no skill) is in `callers`; case 70 and attack case 56 are here.
#[tokio::test]
async fn a_card_goes_on_where_the_skill_may_not_have_a_token_or_no_user_can_be_told() {
    let (fixture, id) = Fixture::signed_in().await;
    let redemptions = fixture.redemptions();
    let logged = logs::length();
    for uri in [MAIL_URI, "https://graph.microsoft.com", "api://the-api-of-news", &WEATHER_URI.to_uppercase()] {
        let mut card = fixture.reply(&id);
        card["attachments"] = json!([oauth_card("card-1", uri)]);
        fixture.assert_goes_on(uri, &id, &card, "uri_not_listed").await;
    }
    assert_eq!(fixture.oversteps(logged), vec!["uri"; 4], "one security event for each try");
    let logged = logs::length();
    let mut two = fixture.card(&id, "card-2");
    two["attachments"] = json!([oauth_card("card-2", WEATHER_URI), oauth_card("card-3", WEATHER_URI)]);
    let mut without_id = fixture.card(&id, "");
    without_id["attachments"][0]["content"]["tokenExchangeResource"]["id"] = Value::Null;
    let long = fixture.card(&id, &"x".repeat(257));
    let mut without_resource = fixture.card(&id, "x");
    without_resource["attachments"][0]["content"]["tokenExchangeResource"] = Value::Null;
    for card in [two, without_id, long, without_resource] {
        let before = fixture.parent.received().len();
        assert_eq!(fixture.send(&id, &card).await.json()["id"], "parents-1");
        assert_eq!(fixture.parent.received()[before].json()["attachments"], card["attachments"]);
    }
    assert!(fixture.oversteps(logged).is_empty(), "an ambiguous card is no event");
    assert_eq!(fixture.card_reasons(logged), vec!["not_answerable"; 4]);
    assert!(fixture.invokes().is_empty());
    assert_eq!(fixture.redemptions(), redemptions, "nothing was exchanged");
}

#[tokio::test]
async fn a_card_goes_on_while_the_user_is_not_signed_in_at_the_parent() {
    let fixture = Fixture::start().await;
    let id = fixture.open().await;
    fixture.assert_goes_on("not yet", &id, &fixture.card(&id, "card-1"), "not_signed_in").await;
    fixture.sign_in().await;
    swallowed_id(&fixture.send(&id, &fixture.card(&id, "card-2")).await);
    let query = [("userId", "29:ada"), ("channelId", "msteams")];
    assert_eq!(fixture.harness.sign_out(&query).await.status, 200);
    fixture.assert_goes_on("no longer", &id, &fixture.card(&id, "card-3"), "not_signed_in").await;
    assert_eq!(fixture.invokes().len(), 1);
}

#[tokio::test]
async fn a_card_goes_on_if_consent_to_the_skill_is_missing() {
    let (fixture, id) = Fixture::signed_in().await;
    let body = r#"{"error":"invalid_grant","error_description":"AADSTS65001: consent","error_codes":[65001],"suberror":"consent_required"}"#;
    let fault = Fault::Answer { status: 400, content_type: "application/json".to_owned(), body: body.to_owned() };
    fixture.harness.stage.faults().add(FaultRule::new(fault).for_grant(Some(GrantKind::RefreshToken)));
    fixture.assert_goes_on("consent", &id, &fixture.card(&id, "card-1"), "exchange_refused").await;
    assert!(fixture.invokes().is_empty());
}

#[tokio::test]
async fn a_card_goes_on_if_the_parent_has_no_credentials_or_no_connection_for_it() {
    let fixture = Fixture::with(Setting { without_credentials: true, ..Setting::default() }).await;
    fixture.sign_in().await;
    let id = fixture.open().await;
    fixture.assert_goes_on("no credentials", &id, &fixture.card(&id, "card-1"), "no_credentials").await;
    assert!(fixture.invokes().is_empty());
}

// Case 55.
#[tokio::test]
async fn a_card_for_another_user_gets_the_token_of_the_conversations_user() {
    let (fixture, id) = Fixture::signed_in().await;
    let logged = logs::length();
    let mut card = fixture.card(&id, "card-1");
    card["recipient"]["id"] = "29:ben".into();
    swallowed_id(&fixture.send(&id, &card).await);
    assert_eq!(fixture.oversteps(logged), ["user"]);
    let invoke = fixture.invokes()[0].json();
    let token = claims_of(invoke["value"]["token"].as_str().unwrap());
    assert_eq!((&token["oid"], &invoke["from"]["id"]), (&fixture.harness.user("Ada").oid.into(), &"29:ada".into()));
}

#[tokio::test]
async fn nothing_is_exchanged_where_several_users_speak() {
    let (fixture, id) = Fixture::signed_in().await;
    let mut of_ben = fixture.message();
    of_ben["from"]["id"] = "29:ben".into();
    assert_eq!(fixture.open_with(&of_ben).await, id);
    fixture.assert_goes_on("shared", &id, &fixture.card(&id, "card-1"), "several_users").await;
    fixture.open().await;
    fixture.assert_goes_on("for good", &id, &fixture.card(&id, "card-2"), "several_users").await;
    assert!(fixture.invokes().is_empty());
}

#[tokio::test]
async fn the_first_user_counts_where_the_parent_opens_with_a_conversation_update() {
    let fixture = Fixture::start().await;
    fixture.sign_in().await;
    let mut update = fixture.message();
    update["type"] = "conversationUpdate".into();
    update["from"] = json!({ "id": format!("28:{PARENT}"), "role": "agent" });
    update["membersAdded"] = json!([{ "id": format!("28:{PARENT}") }, { "id": format!("28:{WEATHER}") }]);
    update.as_object_mut().unwrap().remove("relatesTo");
    let id = fixture.open_with(&update).await;
    fixture.assert_goes_on("before a user spoke", &id, &fixture.card(&id, "card-1"), "no_user").await;
    let mut message = fixture.message();
    message.as_object_mut().unwrap().remove("relatesTo");
    assert_eq!(fixture.open_with(&message).await, id);
    assert_eq!(fixture.open_with(&update).await, id, "a later update changes nothing");
    swallowed_id(&fixture.send(&id, &fixture.card(&id, "card-2")).await);
    let invoke = fixture.invokes()[0].json();
    assert_eq!(invoke["from"]["id"], "29:ada");
    assert!(invoke["relatesTo"].is_null());
}

#[tokio::test]
async fn an_absent_or_foreign_reference_to_the_users_conversation_does_no_harm() {
    let (fixture, _) = Fixture::signed_in().await;
    let references = [
        Value::Null,
        json!({ "serviceUrl": "https://evil.example/", "conversation": { "id": "a:ben" }, "user": { "id": "29:ben" } }),
        json!({ "serviceUrl": service_url(&fixture.parent), "channelId": "directline" }),
    ];
    for (number, relates_to) in references.into_iter().enumerate() {
        let mut message = fixture.message();
        message["conversation"]["id"] = format!("conversation-{number}").into();
        message["relatesTo"] = relates_to.clone();
        let id = fixture.open_with(&message).await;
        assert_eq!(fixture.skill.received().last().unwrap().json()["relatesTo"], relates_to, "passed on as it is");
        swallowed_id(&fixture.send(&id, &fixture.card(&id, "card")).await);
        let token = fixture.invokes().last().unwrap().json()["value"]["token"].as_str().unwrap().to_owned();
        assert_eq!(claims_of(&token)["oid"], fixture.harness.user("Ada").oid);
    }
}

// Case 59.
#[tokio::test]
async fn of_a_hundred_cards_those_beyond_the_limit_get_429_and_each_is_tried_once_at_most() {
    let (fixture, id) = Fixture::signed_in().await;
    let redemptions = fixture.redemptions();
    let token = fixture.token(WEATHER, PARENT).await;
    let path = format!("/api/skills/weather/v3/conversations/{id}/activities");
    let send = |number: usize| {
        let card = fixture.card(&id, &format!("card-{}", number % 10)).to_string().into_bytes();
        fixture.call("POST", &path, &token, card)
    };
    let answers = futures_util::future::join_all((0..100).map(send)).await;
    let limited: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert!((70..=80).contains(&limited.len()), "{}", limited.len());
    assert!(limited.iter().all(|answer| answer.header("retry-after").is_some()));
    let mut tried: Vec<String> =
        fixture.invokes().iter().map(|invoke| invoke.json()["value"]["id"].to_string()).collect();
    tried.sort_unstable();
    let count = tried.len();
    tried.dedup();
    assert_eq!(tried.len(), count, "at most one invoke for each card");
    assert_eq!(fixture.redemptions(), redemptions + 1);
    let mut message = fixture.message();
    message["conversation"]["id"] = "another".into();
    let other = fixture.open_with(&message).await;
    swallowed_id(&fixture.send(&other, &fixture.card(&other, "card")).await);
}

#[tokio::test]
async fn another_users_message_to_the_parent_does_not_change_whose_token_the_skill_gets() {
    let (fixture, id) = Fixture::signed_in().await;
    // Ben speaks to the parent, but not in Ada's conversation with the skill.
    let of_ben = activities::message(&fixture.harness, &fixture.harness.user("Ben"), "hello");
    assert_eq!(fixture.harness.post(&of_ben).await.status, 200);
    swallowed_id(&fixture.send(&id, &fixture.card(&id, "card-1")).await);
    let token = fixture.invokes()[0].json()["value"]["token"].as_str().unwrap().to_owned();
    assert_eq!(claims_of(&token)["oid"], fixture.harness.user("Ada").oid);
}

#[tokio::test]
async fn a_tokens_response_event_of_a_skill_is_dropped() {
    let (fixture, id) = Fixture::signed_in().await;
    let events = [("event", "tokens/response"), ("Event", "Tokens/Response"), ("EVENT", "TOKENS/RESPONSE")];
    for (kind, name) in events {
        let logged = logs::length();
        let mut event = fixture.reply(&id);
        event["type"] = kind.into();
        event["name"] = name.into();
        event["value"] = json!({ "connectionName": "graph", "token": "forged" });
        let answer = fixture.send(&id, &event).await;
        assert!(answer.status == 200 && answer.json()["id"].is_string(), "{name}");
        let lines =
            fixture.lines(logged, "a tokens/response event from a skill was dropped: only the gateway sends them");
        assert_eq!((lines.len(), &lines[0]["security"]), (1, &true.into()), "{name}");
    }
    assert!(fixture.parent.received().is_empty());
}
