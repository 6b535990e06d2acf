//! The code that a window shows, as `state` of the repeated action.

use serde_json::{Value, json};

use super::{Action, BOTH, authentication, cut, is_kept, outcome, text_of};
use crate::harness::{Harness, Options, activities};

fn options() -> Options {
    Options { bot: BOTH, ..Options::default() }
}

/// A gateway with a code of Ada's, for the card that the bot requested in answer to an action.
async fn start_with_code(action: Action) -> (Harness, String) {
    let mut harness = Harness::with(options()).await;
    harness.sign_in_resource(&activities::in_channel(action.of(&harness, "Ada", &json!({}))), "graph").await;
    let ada = harness.user("Ada");
    let code = harness.issue_code(&options(), &ada, "graph", "the token behind the code").await;
    (harness, code)
}

fn with_code(harness: &Harness, action: Action, code: &str) -> Value {
    activities::in_channel(action.of(harness, "Ada", &json!({ "state": code })))
}

fn other_than(code: &str) -> String {
    (100_000 + (code.parse::<u32>().unwrap() - 99_999) % 900_000).to_string()
}

#[tokio::test]
async fn a_code_as_state_is_redeemed_and_taken_out() {
    for action in [Action::Card, Action::Query, Action::Link] {
        let (harness, code) = start_with_code(action).await;
        let activity = with_code(&harness, action, &code);
        // The user repeats the action, and Teams repeats its state.
        for _ in 0..2 {
            let answer = harness.post(&activity).await;
            assert_eq!(answer.status, 200, "{}", text_of(&answer));
        }
        let received: Vec<_> = harness.received_once_settled().await.into_iter().map(|it| it.body).collect();
        assert_eq!(received, [cut(&activity, "state"), cut(&activity, "state")], "and no event");
        let token = harness.get_token("msteams", "29:ada", "graph").await.json();
        assert_eq!(token["token"], "the token behind the code");
        assert_eq!(harness.exchanges(), 0);
    }
}

#[tokio::test]
async fn a_wrong_code_is_refused_and_the_right_one_stays_good() {
    for action in [Action::Card, Action::Query] {
        let (harness, code) = start_with_code(action).await;
        let answer = harness.post(&with_code(&harness, action, &other_than(&code))).await;
        if action == Action::Card {
            assert_eq!(outcome(action, &answer), 401);
            assert_eq!(
                answer.json(),
                json!({ "statusCode": 401, "type": "application/vnd.microsoft.error.invalidAuthCode" })
            );
        } else {
            assert_eq!((answer.status, answer.body.len()), (412, 0));
        }
        assert!(harness.received_once_settled().await.is_empty());
        assert_eq!(harness.post(&with_code(&harness, action, &code)).await.status, 200);
        assert!(is_kept(&harness, "Ada").await);
    }
}

#[tokio::test]
async fn a_code_of_another_user_signs_nobody_in() {
    let (harness, code) = start_with_code(Action::Card).await;
    let ben = harness.user("Ben");
    harness.sign_in_resource(&activities::message(&harness, &ben, "hello"), "graph").await;
    let activity = Action::Card.of(&harness, "Ben", &json!({ "state": code }));
    assert_eq!(outcome(Action::Card, &harness.post(&activity).await), 401);
    assert!(!is_kept(&harness, "Ben").await && harness.bot.received().is_empty());
}

#[tokio::test]
async fn a_state_of_the_bots_own_is_passed_on() {
    let harness = Harness::with(options()).await;
    for state in
        [json!("123456"), json!("12345"), json!(123_456), json!("{\"mine\":1}"), json!("CancelledByUser"), json!(null)]
    {
        let activity = Action::Card.of(&harness, "Ada", &json!({ "state": state }));
        assert_eq!(harness.post(&activity).await.status, 200, "{state}");
        let received = harness.bot.received().pop().unwrap().body;
        assert_eq!(String::from_utf8(received).unwrap(), activity.to_string(), "{state}");
    }
}

#[tokio::test]
async fn a_good_token_makes_a_wrong_code_unimportant_and_a_right_code_makes_a_missing_consent_unimportant() {
    let (harness, code) = start_with_code(Action::Card).await;
    let mut more = authentication(&harness, "Ada").await;
    more["state"] = other_than(&code).into();
    let activity = Action::Card.of(&harness, "Ada", &more);
    assert_eq!(harness.post(&activity).await.status, 200);
    assert_eq!(harness.bot.received()[0].body, cut(&activity, "authentication"), "the state is not ours");

    let mut harness = Harness::with(options()).await;
    let cleo = harness.user("Cleo");
    harness.sign_in_resource(&activities::message(&harness, &cleo, "hello"), "graph").await;
    let code = harness.issue_code(&options(), &cleo, "graph", "by the window").await;
    let mut more = authentication(&harness, "Cleo").await;
    more["state"] = code.into();
    let activity = Action::Card.of(&harness, "Cleo", &more);
    let answer = harness.post(&activity).await;
    assert_eq!(answer.status, 200, "{}", text_of(&answer));
    let received = harness.bot.received()[0].json();
    assert!(
        received["value"].get("authentication").is_none() && received["value"].get("state").is_none(),
        "{received}"
    );
    assert!(is_kept(&harness, "Cleo").await);
}

#[tokio::test]
async fn guesses_by_actions_count_as_guesses() {
    let (harness, code) = start_with_code(Action::Query).await;
    for _ in 0..5 {
        assert_eq!(harness.post(&with_code(&harness, Action::Query, &other_than(&code))).await.status, 412);
    }
    assert_eq!(harness.post(&with_code(&harness, Action::Query, &code)).await.status, 412, "no tries are left");
    assert!(!is_kept(&harness, "Ada").await);
}
