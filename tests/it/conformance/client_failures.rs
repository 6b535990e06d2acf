//! `signin/failure`: a client says that it cannot sign in silently, so the next card is one that it shows
//! (docs/architecture.md §Life of a silent sign-in).

use std::time::Duration;

use serde_json::{Value, json};

use super::exchange_of;
use crate::harness::{Behaviour, Harness, Options, Received, activities};

fn of_ada(harness: &Harness) -> Value {
    activities::teams(harness, &harness.user("Ada"))
}

/// A report of Ada's client in the conversation of `activity`.
fn failure(harness: &Harness, activity: &Value) -> Value {
    let value = json!({ "code": "oauthcardnotvalid", "message": "m" });
    let mut failure = activities::invoke(harness, &harness.user("Ada"), "signin/failure", value);
    failure["conversation"] = activity["conversation"].clone();
    failure
}

async fn report(harness: &Harness, activity: &Value) {
    let answer = harness.post(&failure(harness, activity)).await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b""[..]));
}

async fn offers_silence(harness: &Harness, activity: &Value, connection: &str) -> bool {
    harness.sign_in_resource(activity, connection).await.get("tokenExchangeResource").is_some()
}

#[tokio::test]
async fn after_a_failure_no_road_offers_silence_for_fifteen_minutes() {
    let harness = Harness::start().await;
    let ada = of_ada(&harness);
    assert!(offers_silence(&harness, &ada, "graph").await);
    report(&harness, &ada).await;
    let state: String = url::form_urlencoded::byte_serialize(activities::state_of(&ada, "graph").as_bytes()).collect();
    let who = "userId=29:ada&connectionName=graph&channelId=msteams";
    let roads = [
        (format!("/api/botsignin/GetSignInResource?state={state}"), "/tokenExchangeResource"),
        (
            format!("/api/usertoken/GetTokenOrSignInResource?{who}&state={state}"),
            "/signInResource/tokenExchangeResource",
        ),
        (format!("/api/botsignin/GetOAuthCard?state={state}"), "/content/tokenExchangeResource"),
    ];
    for (minutes, is_offered) in [(0, false), (14, false), (1, true)] {
        harness.clock.advance(Duration::from_mins(minutes));
        for (path, pointer) in &roads {
            let answer = harness.token_service("demo", path).await;
            assert_eq!(answer.status, 200, "{path}");
            assert_eq!(answer.json().pointer(pointer).is_some(), is_offered, "{path} {}", answer.json());
            assert!(String::from_utf8_lossy(&answer.body).contains("/api/oauth/signin?signin="), "the link stays");
        }
    }
}

#[tokio::test]
async fn a_failure_counts_in_its_own_conversation_and_against_the_newest_silent_offer_there() {
    let harness = Harness::start().await;
    let (personal, group) = (of_ada(&harness), activities::in_group(of_ada(&harness)));
    assert!(offers_silence(&harness, &personal, "graph").await);
    assert!(offers_silence(&harness, &group, "mail").await);
    // The newest offer is in the group, and a link alone offers no silence.
    let state: String =
        url::form_urlencoded::byte_serialize(activities::state_of(&personal, "mail").as_bytes()).collect();
    assert_eq!(harness.token_service("demo", &format!("/api/botsignin/GetSignInUrl?state={state}")).await.status, 200);
    report(&harness, &personal).await;
    for (activity, connection, is_offered) in
        [(&personal, "graph", false), (&personal, "mail", true), (&group, "graph", true), (&group, "mail", true)]
    {
        assert_eq!(offers_silence(&harness, activity, connection).await, is_offered, "{connection} {activity}");
    }
    let ben = activities::teams(&harness, &harness.user("Ben"));
    assert!(offers_silence(&harness, &ben, "graph").await, "another user's client has reported nothing");
    let mut elsewhere = personal.clone();
    elsewhere["conversation"]["id"] = "a:nothing-was-offered-here".into();
    report(&harness, &elsewhere).await;
    assert!(offers_silence(&harness, &elsewhere, "graph").await);
}

#[tokio::test]
async fn a_failure_counts_after_a_restart() {
    let mut harness = Harness::start().await;
    let ada = of_ada(&harness);
    harness.sign_in_resource(&ada, "graph").await;
    report(&harness, &ada).await;
    harness.restart(&Options::default()).await;
    assert!(!offers_silence(&harness, &ada, "graph").await);
}

#[tokio::test]
async fn a_silent_success_ends_a_failure() {
    for after_exchange in ["notify", "forward", "none"] {
        let harness = Harness::with(Options { after_exchange, ..Options::default() }).await;
        let mut exchange = exchange_of(&harness, "Ada", "").await;
        exchange["value"]["id"] = harness.card(&exchange, "graph").await.into();
        report(&harness, &exchange).await;
        assert!(!offers_silence(&harness, &exchange, "graph").await, "{after_exchange}");
        let answer = harness.post(&exchange).await;
        assert_eq!(answer.status, 200, "{after_exchange}");
        assert!(offers_silence(&harness, &exchange, "graph").await, "{after_exchange}");
    }
}

#[tokio::test]
async fn a_sign_in_by_the_card_ends_a_failure_and_a_cancelled_one_does_not() {
    let mut harness = Harness::start().await;
    let ada = of_ada(&harness);
    harness.sign_in_resource(&ada, "graph").await;
    report(&harness, &ada).await;
    let state = |harness: &Harness, state: &str| {
        activities::invoke(harness, &harness.user("Ada"), "signin/verifyState", json!({ "state": state }))
    };
    assert_eq!(harness.post(&state(&harness, "CancelledByUser")).await.status, 200);
    assert!(!offers_silence(&harness, &ada, "graph").await, "cancelled");
    let user = harness.user("Ada");
    let code = harness.issue_code(&Options::default(), &user, "graph", "behind-a-code").await;
    assert_eq!(harness.post(&state(&harness, &code)).await.status, 200);
    assert!(offers_silence(&harness, &ada, "graph").await, "signed in");
}

#[tokio::test]
async fn the_bot_is_told_of_a_failure_once_in_every_mode_whatever_it_answers() {
    for after_exchange in ["notify", "forward", "none"] {
        let harness = Harness::with(Options { after_exchange, ..Options::default() }).await;
        harness.bot.behave(Behaviour::answering(503, "not mine"));
        let ada = of_ada(&harness);
        harness.sign_in_resource(&ada, "graph").await;
        let failure = failure(&harness, &ada);
        for _ in 0..3 {
            assert_eq!(harness.post(&failure).await.status, 200, "{after_exchange}");
        }
        let mut of_another_client = failure.clone();
        of_another_client["id"] = "f:of-another-client".into();
        assert_eq!(harness.post(&of_another_client).await.status, 200, "{after_exchange}");
        // The fence: it is told after the others.
        harness.bot.behave(Behaviour::default());
        let fence = activities::message(&harness, &harness.user("Ada"), "fence");
        harness.bot_received(2).await;
        assert_eq!(harness.post(&fence).await.status, 200);
        let mut told: Vec<Value> = harness.bot.received().iter().map(Received::json).collect();
        told.sort_by_key(|told| told["id"].as_str().map(str::to_owned));
        assert_eq!(told.len(), 3, "{after_exchange}: {told:#?}");
        for expected in [failure, of_another_client, fence] {
            assert!(told.contains(&expected), "{after_exchange}: {told:#?}");
        }
    }
}
