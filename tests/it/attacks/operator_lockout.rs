//! Wrong bearers from the operator's own address, which must not lock the operator out (docs/security.md §The operator's
//! listener).

use std::time::Duration;

use super::operator::{client_at, sign_out};
use crate::harness::{ADMIN_TOKEN, Harness, Options, logs, write_private};

const METRICS_TOKEN: &str = "metrics-secret-of-the-local-stage";

/// A harness whose metrics have a bearer.
async fn with_both_bearers() -> (Harness, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("metrics.token");
    write_private(&file, METRICS_TOKEN);
    let key = "BOT_SSO_OPERATIONS__METRICS_TOKEN__FILE".to_owned();
    let environment = vec![(key, file.display().to_string())];
    let harness = Harness::with(Options { operations: true, environment, ..Options::default() }).await;
    (harness, directory)
}

async fn metrics(harness: &Harness, client: &reqwest::Client, bearer: &str) -> u16 {
    let url = format!("{}/metrics", harness.operations);
    client.get(url).bearer_auth(bearer).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn the_operator_is_let_in_from_the_address_of_a_program_that_presents_wrong_bearers() {
    let (harness, _directory) = with_both_bearers().await;
    let client = client_at("127.0.0.21");
    let status = async |bearer: &str| sign_out(&harness, &client, bearer).await.status().as_u16();
    for round in 0..3 {
        for number in 0..20 {
            let expected = if round == 0 && number < 10 { 401 } else { 429 };
            assert_eq!(status(&format!("guess-number-{number:08}")).await, expected, "{round} {number}");
        }
        assert_eq!(status(ADMIN_TOKEN).await, 200, "whatever the count of wrong ones is");
    }
    for wrong in [&ADMIN_TOKEN[1..], &format!("{ADMIN_TOKEN}x"), METRICS_TOKEN] {
        assert_eq!(status(wrong).await, 429, "what is nearly right is wrong");
    }
    let none = client.post(format!("{}/admin/users/x/sign-out", harness.operations)).send().await.unwrap();
    assert_eq!(none.status(), 401, "a call without a bearer is no guess");
}

#[tokio::test]
async fn a_monitoring_system_is_let_in_beside_one_with_an_old_token_on_the_same_machine() {
    let (harness, _directory) = with_both_bearers().await;
    let client = client_at("127.0.0.22");
    for number in 0..12 {
        let expected = if number < 10 { 401 } else { 429 };
        assert_eq!(metrics(&harness, &client, "an-old-token-of-16").await, expected, "{number}");
    }
    assert_eq!(metrics(&harness, &client, METRICS_TOKEN).await, 200);
    assert_eq!(metrics(&harness, &client, ADMIN_TOKEN).await, 429, "the other bearer is a wrong one here");
    assert_eq!(metrics(&harness, &client, "an-old-token-of-16").await, 429, "the right one does not reset the count");
    harness.clock.advance(Duration::from_mins(1));
    assert_eq!(metrics(&harness, &client, "an-old-token-of-16").await, 401);
}

#[tokio::test]
async fn the_lines_of_the_operators_calls_have_the_id_of_the_call() {
    let (harness, _directory) = with_both_bearers().await;
    let before = logs::length();
    let client = client_at("127.0.0.23");
    assert_eq!(sign_out(&harness, &client, "a-guess-of-16-letters").await.status(), 401);
    let lines = logs::since(before);
    let refused =
        lines.lines().find(|line| line.contains("operator's listener was refused") && line.contains("127.0.0.23"));
    let refused: serde_json::Value = serde_json::from_str(refused.unwrap()).unwrap();
    assert!(refused["correlation_id"].as_str().is_some_and(|id| id.len() == 36), "{refused}");
}
