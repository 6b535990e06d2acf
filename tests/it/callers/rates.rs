//! Rate limits of callers and of users.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Fixture, Refusal, assert_refused};
use crate::harness::{Answer, Harness, activities, logs, refusals};

const PARENT: &str = "2c8a4d63-9b1f-4e72-8d3c-6f5a7b8c9d02";
const OTHER: &str = "3d9b5e74-ac20-4f83-9e4d-7a6b8c9dae03";
const CONTOSO: &str = "8c1e0f2a-5b3d-4c6e-9f7a-0b1c2d3e4f50";
const URL: &str = "https://parent.example/api";

async fn with_limits(limits: &str) -> Fixture {
    let caller = |app_id: &str| {
        format!(
            "[[bots.demo.callers]]\napp_id = \"{app_id}\"\ntenant = \"{CONTOSO}\"\nservice_urls = [\"{URL}\"]\n\
             channels = [\"msteams\"]\n"
        )
    };
    Fixture::with_appended(format!("{}{}[limits]\n{limits}\n", caller(PARENT), caller(OTHER))).await
}

const fn too_many(check: &'static str) -> Refusal {
    Refusal { status: 429, code: "TooManyRequests", check }
}

fn message(harness: &Harness) -> Value {
    activities::message(harness, &harness.user("Ada"), "hello")
}

#[tokio::test]
async fn a_parent_that_calls_too_often_gets_429_and_other_callers_do_not() {
    let fixture = with_limits("parent_requests_per_second = 1").await;
    let token = |client| fixture.harness.app_token(client, "api://1b7f3c52-8a0e-4d61-9c2b-5e4f6a7b8c01/.default");
    let (parent, other) = (token(PARENT).await, token(OTHER).await);
    let mut activity = message(&fixture.harness);
    activity["serviceUrl"] = URL.into();
    for number in 0..2 {
        fixture.assert_admits(&format!("request {number}"), &parent, &activity).await;
    }
    let logged = logs::length();
    let refused = refused_of(&crowd(|| fixture.harness.post_as("demo", &parent, &activity)).await);
    assert!(refused > 1, "{refused}");
    let lines = logs::complaints_of(&fixture.harness.tag, logged);
    assert_eq!(lines.len(), 1, "one line a minute: {lines:#?}");
    assert_eq!(lines[0]["check"], "parent_rate");
    assert_eq!(fixture.harness.bot.received().len(), 2 + CROWD - refused, "what is refused is not forwarded");
    fixture.assert_admits("another parent", &other, &activity).await;
    fixture.harness.clock.advance(Duration::from_mins(2));
    fixture.assert_admits("later", &parent, &activity).await;
    fixture.assert_admits("later, the burst", &parent, &activity).await;
    let logged = logs::length();
    assert!(refused_of(&crowd(|| fixture.harness.post_as("demo", &parent, &activity)).await) > 1);
    assert_eq!(logs::complaints_of(&fixture.harness.tag, logged).len(), 1, "told again");
}

/// More requests than a limit of one a second admits, even on a slow machine.
const CROWD: usize = 40;

/// Sends all requests at once, because the real clock advances between requests sent one after the other.
async fn crowd<F: Future<Output = Answer>>(ask: impl Fn() -> F) -> Vec<Answer> {
    futures_util::future::join_all((0..CROWD).map(|_| ask())).await
}

fn refused_of(answers: &[Answer]) -> usize {
    let refused = answers.iter().filter(|answer| answer.status == 429);
    refused
        .map(|answer| {
            assert_refused("too often", answer, 429, "TooManyRequests");
            assert_eq!(answer.header("retry-after"), Some("1"));
        })
        .count()
}

#[tokio::test]
async fn channels_and_bots_are_limited_only_when_the_operator_configures_it() {
    let fixture = with_limits("channel_requests_per_second = 1\ntoken_service_requests_per_second = 1").await;
    let channel = fixture.harness.channel_token("demo").await;
    let bot = format!("Bearer {}", fixture.harness.bot_token("demo").await);
    let headers = [("authorization", bot.as_str())];
    let path = "/api/usertoken/GetToken?userId=u&connectionName=graph&channelId=msteams";
    let activity = message(&fixture.harness);
    let sent = crowd(|| fixture.harness.post_as("demo", &channel, &activity)).await;
    let asked = crowd(|| fixture.harness.send("GET", path, &headers, Vec::new())).await;
    assert!(sent.iter().filter(|answer| answer.status == 200).count() >= 2, "a burst passes");
    assert!(asked.iter().filter(|answer| answer.status == 404).count() >= 2, "a burst passes");
    assert!(refused_of(&sent) > 1 && refused_of(&asked) > 1);
    let unlimited = Fixture::start().await;
    let (token, activity) = (unlimited.harness.channel_token("demo").await, message(&unlimited.harness));
    let sent = crowd(|| unlimited.harness.post_as("demo", &token, &activity)).await;
    assert!(sent.iter().all(|answer| answer.status == 200), "{sent:?}");
}

/// Ada's exchange for `connection`.
async fn exchange(fixture: &Fixture, connection: &str, id: &str) -> Answer {
    let token = fixture.harness.user_token("Ada", connection).await;
    let mut activity = activities::exchange(&fixture.harness, &fixture.harness.user("Ada"), id, &token);
    activity["value"]["connectionName"] = connection.into();
    fixture.harness.post(&activity).await
}

fn assert_limited(case: &str, answer: &Answer, status: u16) {
    refusals::assert_refused(case, answer, status, "too_many_requests");
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "case {case}: {seconds}");
}

#[tokio::test]
async fn a_users_limit_counts_only_requests_that_call_the_identity_provider() {
    let fixture = with_limits("user_exchanges_per_minute = 1").await;
    assert_eq!(exchange(&fixture, "graph", "a").await.status, 200);
    let logged = logs::length();
    assert_limited("another redemption", &exchange(&fixture, "mail", "b").await, 429);
    assert_limited("again", &exchange(&fixture, "mail", "c").await, 429);
    assert_eq!(fixture.harness.exchanges(), 1, "what is refused does not reach the identity provider");
    let lines = logs::complaints_of(&fixture.harness.tag, logged);
    assert_eq!(lines.len(), 1, "one line a minute: {lines:#?}");
    assert_eq!(lines[0]["check"], "user_rate");
    for number in 0..30 {
        let answer = exchange(&fixture, "graph", &format!("card-{number}")).await;
        assert_eq!(answer.status, 200, "the vault's answers are free");
        assert_eq!(exchange(&fixture, "graph", "a").await.status, 200, "and so are duplicates");
    }
    let ben = fixture.harness.user_token("Gus", "graph").await;
    let other = activities::exchange(&fixture.harness, &fixture.harness.user("Gus"), "a", &ben);
    assert_eq!(fixture.harness.post(&other).await.status, 200, "other users have their own limit");
    fixture.harness.clock.advance(Duration::from_secs(61));
    assert_eq!(exchange(&fixture, "mail", "d").await.status, 200);
    assert_eq!(fixture.harness.exchanges(), 3);
}

#[tokio::test]
async fn refused_exchanges_and_wrong_codes_count_against_the_users_limit() {
    let statuses = "user_exchanges_per_minute = 2\n[statuses.msteams]\ntoo_many_requests = 503";
    let fixture = with_limits(statuses).await;
    let foreign = fixture.exchange_with(|activity| activity["from"]["aadObjectId"] = "somebody-else".into());
    for _ in 0..2 {
        refusals::assert_mismatch("a guess", &fixture.harness.post(&foreign).await, "oid");
    }
    assert_limited("a third guess, in the channel's own number", &fixture.harness.post(&foreign).await, 503);
    let graph = activities::teams(&fixture.harness, &fixture.harness.user("Gus"));
    fixture.harness.card(&graph, "graph").await;
    let code = activities::invoke(
        &fixture.harness,
        &fixture.harness.user("Gus"),
        "signin/verifyState",
        json!({ "state": "123456" }),
    );
    for _ in 0..2 {
        assert_eq!(fixture.harness.post(&code).await.status, 404);
    }
    let channel = fixture.harness.channel_token("demo").await;
    fixture.assert_refuses("a third code", &channel, &code, too_many("user_rate")).await;
    let query = [("userId", "29:gus"), ("connectionName", "graph"), ("channelId", "msteams"), ("code", "123456")];
    let answer = fixture.harness.get_token_as("demo", &query).await;
    assert_refused("at the Token Service, too", &answer, 429, "TooManyRequests");
    assert_eq!(
        fixture.harness.get_token_as("demo", &query[..3]).await.status,
        404,
        "without a code nothing is guessed"
    );
    fixture.assert_no_effect();
}
