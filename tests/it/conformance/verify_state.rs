//! Cases 55 to 62: magic codes, and the failures that clients report when they could not sign in silently.

use serde_json::{Value, json};

use super::cards::connection_without_exchange_uri;
use super::is_kept;
use crate::harness::{Answer, Behaviour, Harness, Options, activities, logs};

fn verify(harness: &Harness, value: Value) -> Value {
    activities::invoke(harness, &harness.user("Ada"), "signin/verifyState", value)
}

/// Issues a card for Ada.
async fn begin(harness: &Harness, connection: &str) {
    harness.sign_in_resource(&activities::teams(harness, &harness.user("Ada")), connection).await;
}

fn assert_empty(case: &str, answer: &Answer, status: u16) {
    assert_eq!((answer.status, answer.body.as_slice()), (status, &b""[..]), "case {case}");
}

#[tokio::test]
async fn case_55_a_valid_code_is_200_and_its_token_is_stored_and_sent_to_the_bot_once() {
    let mut harness = Harness::start().await;
    begin(&harness, "graph").await;
    let code = harness.issue_code(&Options::default(), &harness.user("Ada"), "graph", "behind-a-code").await;
    let activity = verify(&harness, json!({ "state": code }));
    assert_empty("55", &harness.post(&activity).await, 200);
    let kept = harness.get_token("msteams", "29:ada", "graph").await;
    assert_eq!((kept.status, kept.json()["token"].clone()), (200, json!("behind-a-code")));
    let received = harness.received_once_settled().await;
    assert_eq!(received.len(), 1);
    let event = received[0].json();
    assert_eq!((event["type"].clone(), event["name"].clone()), (json!("event"), json!("tokens/response")));
    assert_eq!(event["value"]["connectionName"], "graph");
    assert_eq!(event["value"]["token"], "behind-a-code");
    assert_eq!(harness.exchanges(), 0);
}

#[tokio::test]
async fn case_55_a_code_is_redeemed_in_other_spellings_and_mode_none_sends_no_event() {
    let none = || Options { after_exchange: "none", ..Options::default() };
    let mut harness = Harness::with(none()).await;
    begin(&harness, "graph").await;
    let code = harness.issue_code(&none(), &harness.user("Ada"), "graph", "behind-a-code").await;
    let mut activity = verify(&harness, json!({ "State": code }));
    activity["type"] = "Invoke".into();
    activity["name"] = "signin/VerifyState".into();
    assert_empty("55, none", &harness.post(&activity).await, 200);
    assert!(is_kept(&harness, &activity, "graph").await);
    assert!(harness.received_once_settled().await.is_empty());
}

#[tokio::test]
async fn case_56_an_unknown_code_is_404_and_the_valid_code_still_works() {
    let mut harness = Harness::start().await;
    begin(&harness, "graph").await;
    let code = harness.issue_code(&Options::default(), &harness.user("Ada"), "graph", "behind-a-code").await;
    let wrong = format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000);
    assert_empty("56", &harness.post(&verify(&harness, json!({ "state": wrong }))).await, 404);
    assert!(!is_kept(&harness, &verify(&harness, json!({})), "graph").await);
    let mut ben = activities::invoke(&harness, &harness.user("Ben"), "signin/verifyState", json!({ "state": code }));
    harness.sign_in_resource(&ben, "graph").await;
    assert_empty("56, another user", &harness.post(&ben).await, 404);
    ben["from"]["aadObjectId"] = harness.user("Ada").oid.into();
    assert_empty("56, another account", &harness.post(&ben).await, 404);
    assert_empty("56, right", &harness.post(&verify(&harness, json!({ "state": code }))).await, 200);
    let received = harness.received_once_settled().await;
    assert_eq!(received.len(), 1, "nothing of this was forwarded");
}

#[tokio::test]
async fn case_56_a_failing_store_is_500() {
    let harness = Harness::start().await;
    begin(&harness, "graph").await;
    let spoiled = rusqlite::Connection::open(harness.store_path()).unwrap();
    assert!(spoiled.execute("UPDATE records SET value = zeroblob(100)", []).unwrap() > 0);
    for state in ["123456", "CancelledByUser"] {
        assert_empty("56, store", &harness.post(&verify(&harness, json!({ "state": state }))).await, 500);
    }
    let failure = activities::invoke(&harness, &harness.user("Ada"), "signin/failure", json!({}));
    assert_empty("62, store", &harness.post(&failure).await, 200);
    assert_eq!(harness.bot_received(1).await[0].json(), failure);
}

#[tokio::test]
async fn an_account_has_five_tries_at_a_code_in_ten_minutes() {
    let mut harness = Harness::start().await;
    begin(&harness, "graph").await;
    let code = harness.issue_code(&Options::default(), &harness.user("Ada"), "graph", "behind-a-code").await;
    let right: u32 = code.parse().unwrap();
    for wrong in 1..=5 {
        let state = format!("{:06}", (right + wrong) % 1_000_000);
        assert_empty("wrong", &harness.post(&verify(&harness, json!({ "state": state }))).await, 404);
    }
    assert_empty("even the right one", &harness.post(&verify(&harness, json!({ "state": code }))).await, 404);
    assert!(!is_kept(&harness, &verify(&harness, json!({})), "graph").await);
}

#[tokio::test]
async fn case_57_a_state_that_no_page_of_ours_sends_is_the_bots_even_after_an_offer() {
    let harness = Harness::start().await;
    begin(&harness, "graph").await;
    harness.bot.behave(Behaviour::answering(202, r#"{"own":1}"#));
    let mut activities: Vec<Value> = [
        Value::Null,
        json!({}),
        json!({ "state": null }),
        json!({ "state": 123_456 }),
        json!({ "state": "" }),
        json!({ "state": "not a code" }),
        json!({ "state": "{\"own\":1}" }),
        json!({ "state": "12345" }),
        json!({ "state": "1234567" }),
        json!({ "state": " 123456" }),
        json!({ "state": "１２３４５６" }),
        json!({ "state": ["123456"] }),
        json!("123456"),
        json!([]),
    ]
    .into_iter()
    .map(|value| verify(&harness, value))
    .collect();
    let mut without = verify(&harness, Value::Null);
    without.as_object_mut().unwrap().remove("value");
    activities.push(without);
    for (number, activity) in activities.iter().enumerate() {
        let answer = harness.post(activity).await;
        assert_eq!((answer.status, answer.json()), (202, json!({ "own": 1 })), "57 {activity}");
        assert_eq!(harness.bot.received()[number].json(), *activity, "57");
    }
}

#[tokio::test]
async fn a_code_that_two_readers_may_read_differently_is_400() {
    let harness = Harness::start().await;
    begin(&harness, "graph").await;
    let token = harness.channel_token("demo").await;
    let text = verify(&harness, json!({ "state": "123456" })).to_string();
    for (from, to) in [
        ("\"state\"", "\"state\":\"own\",\"state\""),
        ("\"state\"", "\"State\":\"own\",\"state\""),
        ("\"value\"", "\"Value\":{\"state\":\"own\"},\"value\""),
        ("\"name\":\"signin", "\"name\":\"own\",\"name\":\"signin"),
        ("\"from\"", "\"From\""),
    ] {
        let body = text.replacen(from, to, 1).into_bytes();
        assert_eq!(harness.post_bytes("demo", &token, body).await.status, 400, "{from} {to}");
    }
    assert!(harness.bot.received().is_empty());
}

#[tokio::test]
async fn case_58_a_cancelled_sign_in_is_200_in_any_letter_case_and_no_longer_pending() {
    let mut harness = Harness::start().await;
    for state in ["CancelledByUser", "cancelledbyuser", "CANCELLEDBYUSER"] {
        begin(&harness, "graph").await;
        begin(&harness, "mail").await;
        let before = harness.bot.received().len();
        let cancelled = verify(&harness, json!({ "state": state }));
        assert_empty(state, &harness.post(&cancelled).await, 200);
        assert_eq!(harness.bot.received().len(), before, "{state}");
        // Without a pending sign-in the gateway forwards the invoke to the bot.
        harness.post(&cancelled).await;
        assert_eq!(harness.bot.received()[before].json(), cancelled, "{state}");
    }
    let code = harness.issue_code(&Options::default(), &harness.user("Ada"), "graph", "behind-a-code").await;
    harness.post(&verify(&harness, json!({ "state": code }))).await;
    assert!(!is_kept(&harness, &verify(&harness, json!({})), "graph").await, "a cancelled sign-in stays cancelled");
}

#[tokio::test]
async fn case_58_a_cancelled_sign_in_in_a_group_needs_a_new_card() {
    let harness = Harness::start().await;
    let mut activity = activities::in_group(super::exchange_of(&harness, "Ada", "").await);
    activity["value"]["id"] = harness.card(&activity, "graph").await.into();
    let cancelled = activities::in_group(verify(&harness, json!({ "state": "CancelledByUser" })));
    assert_empty("58", &harness.post(&cancelled).await, 200);
    super::assert_mismatch("58", &harness.post(&activity).await, "no_pending_sign_in");
}

#[tokio::test]
async fn case_59_a_code_completes_only_its_own_sign_in_among_several_pending_ones() {
    for signed_in in ["graph", "mail"] {
        let mut harness = Harness::start().await;
        begin(&harness, "graph").await;
        harness.clock.advance(std::time::Duration::from_secs(5));
        begin(&harness, "mail").await;
        let other = if signed_in == "graph" { "mail" } else { "graph" };
        let code = harness.issue_code(&Options::default(), &harness.user("Ada"), signed_in, "behind-a-code").await;
        let activity = verify(&harness, json!({ "state": code }));
        assert_empty(&format!("59, {signed_in}"), &harness.post(&activity).await, 200);
        assert!(is_kept(&harness, &activity, signed_in).await);
        assert!(!is_kept(&harness, &activity, other).await, "success stops");
        let received = harness.received_once_settled().await;
        assert_eq!(received.len(), 1);
        assert_eq!(received[0].json()["value"]["connectionName"], signed_in);
        assert_empty("59, repeated", &harness.post(&activity).await, 200);
        assert_eq!(harness.received_once_settled().await.len(), 1, "told once");
        let second = harness.issue_code(&Options::default(), &harness.user("Ada"), other, "behind-a-code").await;
        assert_empty("59, the other", &harness.post(&verify(&harness, json!({ "state": second }))).await, 200);
        assert!(is_kept(&harness, &activity, other).await);
    }
}

#[tokio::test]
async fn case_59_a_code_is_tried_on_the_newest_card_first_and_the_older_cards_code_still_works() {
    let mut harness = Harness::start().await;
    begin(&harness, "graph").await;
    harness.clock.advance(std::time::Duration::from_secs(5));
    begin(&harness, "mail").await;
    let user = harness.user("Ada");
    let older = harness.issue_code(&Options::default(), &user, "graph", "of-graph").await;
    let newer = harness.issue_code(&Options::default(), &user, "mail", "of-mail").await;
    // Two wrong codes on two connections use up four of the five tries. If the gateway tried the newer card's code on
    // the older card first, no try would be left for the newer card.
    let right: Vec<u32> = [&older, &newer].iter().map(|code| code.parse().unwrap()).collect();
    for wrong in (0..1_000_000).filter(|code| !right.contains(code)).take(2) {
        let state = format!("{wrong:06}");
        assert_empty("59, wrong", &harness.post(&verify(&harness, json!({ "state": state }))).await, 404);
    }
    assert_empty("59, newer", &harness.post(&verify(&harness, json!({ "state": newer }))).await, 200);
    harness.bot_received(1).await;
    assert_empty("59, older", &harness.post(&verify(&harness, json!({ "state": older }))).await, 200);
    let told: Vec<Value> =
        harness.received_once_settled().await.iter().map(|event| event.json()["value"]["token"].clone()).collect();
    assert_eq!(told, ["of-mail", "of-graph"]);
}

#[tokio::test]
async fn a_code_is_forwarded_to_the_bot_when_no_sign_in_is_pending() {
    let harness = Harness::start().await;
    harness.bot.behave(Behaviour::answering(404, ""));
    let activity = verify(&harness, json!({ "state": "123456" }));
    assert_eq!(harness.post(&activity).await.status, 404);
    assert_eq!(harness.bot.received()[0].json(), activity);
    harness.bot.behave(Behaviour::answering(200, r#"{"own":"answer"}"#));
    assert_eq!(harness.post(&activity).await.json(), json!({ "own": "answer" }));
}

#[tokio::test]
async fn case_61_a_failure_is_logged_for_the_pending_sign_in_that_offered_an_exchange() {
    let mut harness = Harness::start().await;
    let options = connection_without_exchange_uri(&harness);
    harness.restart(&options).await;
    begin(&harness, "graph").await;
    harness.clock.advance(std::time::Duration::from_secs(5));
    begin(&harness, "plain").await;
    let ada = harness.user("Ada");
    let failure = activities::invoke(
        &harness,
        &ada,
        "signin/failure",
        json!({ "code": "resourcematchfailed", "message": "Resource match failed eyJhbGciOi.eyJzdWIiOi.c2ln" }),
    );
    assert_empty("61", &harness.post(&failure).await, 200);
    let mut lines = logs::complaints_of(&harness.tag, 0);
    lines.retain(|line| line["code"] == "resourcematchfailed");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!((lines[0]["connection"].clone(), lines[0]["bot"].clone()), (json!("graph"), json!("demo")));
    assert!(lines[0]["hint"].as_str().unwrap().contains("token_exchange_uri"), "the operator learns what to change");
    assert_eq!(harness.bot_received(1).await[0].json(), failure);
    let code = harness.issue_code(&options, &ada, "graph", "behind-a-code").await;
    let answer = harness.post(&verify(&harness, json!({ "state": code }))).await;
    assert_empty("61, the sign-in is still pending", &answer, 200);
}

#[tokio::test]
async fn case_62_a_sign_in_failure_is_200_whatever_its_value_is() {
    let harness = Harness::start().await;
    let ada = harness.user("Ada");
    let mut sent = 0;
    for pending in [false, true] {
        if pending {
            begin(&harness, "graph").await;
        }
        let mut without = activities::invoke(&harness, &ada, "signin/Failure", Value::Null);
        without.as_object_mut().unwrap().remove("value");
        let values = [Value::Null, json!("text"), json!({}), json!({ "code": 7 }), json!({ "code": "x".repeat(9000) })];
        let failures = values.into_iter().map(|value| activities::invoke(&harness, &ada, "signin/failure", value));
        for mut failure in failures.chain([without]) {
            failure["id"] = format!("f:{sent}").into();
            assert_empty("62", &harness.post(&failure).await, 200);
            sent += 1;
            assert_eq!(harness.bot_received(sent).await[sent - 1].json(), failure, "62");
        }
    }
}
