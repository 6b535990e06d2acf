//! A new signing key while strangers send tokens with made-up key names.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use serde_json::Value;

use super::{Fixture, assert_refused};
use crate::harness::tokens::part_of;
use crate::harness::{Answer, Harness, activities, logs, refusals};

const FLOOD: usize = 200;
const REFETCH_PAUSE: Duration = Duration::from_secs(10);

/// `token` with another name of its key.
fn with_key_name(token: &str, name: &str) -> String {
    let mut header = part_of(token, 0);
    header["kid"] = name.into();
    let (_, rest) = token.split_once('.').unwrap();
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()))
}

/// Sends the exchange with bearers that name keys that no issuer has.
async fn flood(fixture: &Fixture, bearer: &str, wave: usize) -> Vec<Answer> {
    let bearers: Vec<String> = (0..FLOOD).map(|n| with_key_name(bearer, &format!("made-up-{wave}-{n}"))).collect();
    join_all(bearers.iter().map(|bearer| fixture.harness.post_as("demo", bearer, &fixture.exchange))).await
}

async fn exchange_of(harness: &Harness, user: &str, id: &str) -> Value {
    let token = harness.user_token(user, "graph").await;
    activities::exchange(harness, &harness.user(user), id, &token)
}

#[tokio::test]
async fn a_user_with_a_new_key_is_in_within_ten_seconds_and_never_called_forged_under_a_flood_of_made_up_names() {
    let fixture = Fixture::start().await;
    let demo = fixture.harness.bot_app_id("demo");
    let app = fixture.harness.app_token(demo, &format!("api://{demo}/.default")).await;
    assert_eq!(fixture.harness.post(&fixture.exchange).await.status, 200, "the key set is fetched");
    let before = fixture.harness.stage.calls().snapshot().tenant_keys;
    for answer in flood(&fixture, &app, 0).await {
        match answer.status {
            401 => assert_refused("forged", &answer, 401, "InvalidToken"),
            _ => assert_refused("not known yet", &answer, 503, "KeysUnavailable"),
        }
    }
    assert_eq!(fixture.harness.stage.calls().snapshot().tenant_keys, before + 1, "one refetch for all names");

    fixture.harness.stage.rotate_keys().await.unwrap();
    let exchange = exchange_of(&fixture.harness, "Ben", "rotated").await;
    let early = fixture.harness.post(&exchange).await;
    refusals::assert_refused("within the pause", &early, 500, "temporarily_unavailable");
    let lines = logs::lines_of(&early.correlation_id());
    let is_told = |line: &Value| line["hint"].as_str().is_some_and(|hint| hint.contains("does not have yet"));
    assert!(lines.iter().any(is_told), "{lines:?}");

    fixture.harness.clock.advance(REFETCH_PAUSE);
    let (flooded, answer) = futures_util::future::join(flood(&fixture, &app, 1), fixture.harness.post(&exchange)).await;
    assert!(flooded.iter().all(|answer| matches!(answer.status, 401 | 503)));
    assert_eq!(answer.status, 200, "the refetch that the flood causes serves the user: {}", answer.detail());
    assert_eq!(fixture.harness.stage.calls().snapshot().tenant_keys, before + 2);
}

#[tokio::test]
async fn a_made_up_key_name_in_a_users_token_is_refused_as_forged_ten_seconds_later() {
    let fixture = Fixture::start().await;
    let token = fixture.exchange["value"]["token"].as_str().unwrap().to_owned();
    let exchange =
        fixture.exchange_with(|exchange| exchange["value"]["token"] = with_key_name(&token, "made-up").into());
    let first = fixture.harness.post(&exchange).await;
    refusals::assert_refused("at once", &first, 500, "temporarily_unavailable");
    fixture.harness.clock.advance(REFETCH_PAUSE);
    refusals::assert_refused("later", &fixture.harness.post(&exchange).await, 400, "assertion_rejected:signature");
    fixture.assert_no_effect();
}

#[tokio::test]
async fn a_bot_with_a_new_key_is_told_to_try_again_at_the_token_service() {
    let fixture = Fixture::start().await;
    let bot = fixture.harness.bot_token("demo").await;
    let ask = async |bearer: &str| {
        let authorization = format!("Bearer {bearer}");
        let path = "/api/usertoken/GetToken?userId=u&connectionName=graph&channelId=msteams";
        fixture.harness.send("GET", path, &[("authorization", &authorization)], Vec::new()).await
    };
    assert_eq!(ask(&with_key_name(&bot, "made-up")).await.status, 401);
    fixture.harness.stage.rotate_keys().await.unwrap();
    let rotated = fixture.harness.bot_token("demo").await;
    assert_refused("within the pause", &ask(&rotated).await, 503, "KeysUnavailable");
    fixture.harness.clock.advance(REFETCH_PAUSE);
    assert_eq!(ask(&rotated).await.status, 404, "the bot is known, and the user has no token");
}
