//! Cases 10 and 20 to 30: which tokens the gateway exchanges.

use serde_json::{Value, json};

use super::{Scenario, assert_refused, success};
use crate::harness::{Harness, Options, activities};

type Change = fn(&mut Value);

const STRANGER: &str = "99999999-9999-4999-8999-999999999999";

/// A case's name, its change of the claims of T, and the expected refusal.
const WRONG_CLAIMS: [(&str, Change, u16, &str); 21] = [
    ("23", |claims| claims["aud"] = STRANGER.into(), 400, "assertion_rejected:aud"),
    (
        "aud by substring",
        |claims| claims["aud"] = format!("{}x", claims["aud"].as_str().unwrap()).into(),
        400,
        "assertion_rejected:aud",
    ),
    ("aud an array", |claims| claims["aud"] = json!([claims["aud"]]), 400, "assertion_rejected:aud"),
    ("Graph's", |claims| claims["aud"] = "https://graph.microsoft.com".into(), 400, "assertion_rejected:aud"),
    ("25", |claims| claims["exp"] = (claims["iat"].as_i64().unwrap() - 900).into(), 412, "assertion_expired"),
    ("no exp", |claims| drop(claims.as_object_mut().unwrap().remove("exp")), 400, "assertion_rejected:time"),
    ("not begun", |claims| claims["nbf"] = (claims["iat"].as_i64().unwrap() + 900).into(), 412, "assertion_expired"),
    ("27", |claims| claims["tid"] = STRANGER.into(), 400, "assertion_rejected:tid"),
    ("no tid", |claims| drop(claims.as_object_mut().unwrap().remove("tid")), 400, "assertion_rejected:tid"),
    ("other issuer", |claims| claims["iss"] = "https://evil.example/v2.0".into(), 400, "assertion_rejected:iss"),
    (
        "issuer with a slash",
        |claims| claims["iss"] = format!("{}/", claims["iss"].as_str().unwrap()).into(),
        400,
        "assertion_rejected:iss",
    ),
    ("29", |claims| claims["scp"] = "other".into(), 400, "assertion_rejected:scp"),
    ("scp by substring", |claims| claims["scp"] = "access_as_user_not".into(), 400, "assertion_rejected:scp"),
    ("28, idtyp app", |claims| claims["idtyp"] = "app".into(), 400, "assertion_rejected:app_only"),
    (
        "28, no scp but roles",
        |claims| {
            claims.as_object_mut().unwrap().remove("scp");
            claims["roles"] = json!(["Task.Run"]);
        },
        400,
        "assertion_rejected:app_only",
    ),
    ("no scp at all", |claims| drop(claims.as_object_mut().unwrap().remove("scp")), 400, "assertion_rejected:"),
    ("no oid", |claims| drop(claims.as_object_mut().unwrap().remove("oid")), 400, "assertion_rejected:oid"),
    ("ver 3.0", |claims| claims["ver"] = "3.0".into(), 400, "assertion_rejected:ver"),
    ("ver absent", |claims| drop(claims.as_object_mut().unwrap().remove("ver")), 400, "assertion_rejected:ver"),
    (
        "20, v1 where it is not allowed",
        |claims| {
            claims["ver"] = "1.0".into();
            claims["iss"] = claims["iss"].as_str().unwrap().replace("/v2.0", "/").into();
        },
        400,
        "assertion_rejected:",
    ),
    ("exp in milliseconds' text", |claims| claims["exp"] = "soon".into(), 400, "assertion_rejected:time"),
];

#[tokio::test]
async fn a_token_not_meant_for_the_bot_is_refused_by_the_failed_check_without_a_call_to_entra() {
    let scenario = Scenario::start().await;
    for (case, change, status, reason) in WRONG_CLAIMS {
        let mut activity = scenario.exchange();
        activity["value"]["token"] = scenario.token_with(change).into();
        let answer = scenario.harness.post(&activity).await;
        assert_refused(case, &answer, status, reason.trim_end_matches(':'));
    }
    assert_eq!(scenario.harness.exchanges(), 0);
    assert!(scenario.harness.bot.received().is_empty());
}

#[tokio::test]
async fn cases_10_and_26_a_value_that_is_not_a_signed_token_is_refused() {
    let scenario = Scenario::start().await;
    let parts: Vec<&str> = scenario.token.split('.').collect();
    let other = scenario.token_with(|claims| claims["name"] = "Somebody Else".into());
    let forged = format!("{}.{}.{}", parts[0], parts[1], other.split('.').nth(2).unwrap());
    let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.", parts[1]);
    let tokens = [
        ("10", "not a token".to_owned(), "assertion_rejected:form"),
        ("10, two parts", format!("{}.{}", parts[0], parts[1]), "assertion_rejected:form"),
        ("10, five parts", format!("{}.a.b", scenario.token), "assertion_rejected:form"),
        ("26, other signature", forged, "assertion_rejected:signature"),
        ("unsigned", unsigned, "assertion_rejected:"),
    ];
    for (case, token, reason) in tokens {
        let mut activity = scenario.exchange();
        activity["value"]["token"] = token.into();
        let answer = scenario.harness.post(&activity).await;
        assert_eq!(answer.status, 400, "case {case}");
        assert!(answer.detail().starts_with(reason), "case {case}: {}", answer.detail());
    }
    assert_eq!(scenario.harness.exchanges(), 0);
}

#[tokio::test]
async fn case_26_an_unknown_key_causes_one_key_fetch_and_that_fetch_finds_a_rotated_key() {
    let scenario = Scenario::start().await;
    assert_eq!(scenario.harness.post(&scenario.exchange()).await.status, 200);
    scenario.harness.stage.rotate_keys().await.unwrap();
    let before = scenario.harness.stage.calls().snapshot().tenant_keys;
    let fresh = scenario.harness.user_token("Ben", "graph").await;
    let activity = activities::exchange(&scenario.harness, &scenario.harness.user("Ben"), "y", &fresh);
    assert_eq!(scenario.harness.post(&activity).await.status, 200);
    assert_eq!(scenario.harness.stage.calls().snapshot().tenant_keys, before + 1);
}

#[tokio::test]
async fn case_21_a_token_for_the_bare_client_id_passes_the_audience_check_in_any_letter_case() {
    let scenario = Scenario::start().await;
    let uri = &scenario.harness.stage.directory().connections[0].token_exchange_uri;
    assert!(uri.starts_with("api://"), "{uri}");
    let upper = scenario.token_with(|claims| claims["aud"] = claims["aud"].as_str().unwrap().to_uppercase().into());
    let mut activity = scenario.exchange();
    activity["value"]["token"] = upper.into();
    let answer = scenario.harness.post(&activity).await;
    // The stage decides about the exchange itself, as Entra does. The gateway compares the audience as a GUID.
    assert!(!answer.detail().contains("aud"), "{}", answer.detail());
}

#[tokio::test]
async fn case_20_a_v1_token_is_exchanged_where_the_connection_allows_it() {
    let scenario = Scenario::start().await;
    let token = scenario.harness.user_token("Ada", "legacy").await;
    let mut activity = activities::exchange(&scenario.harness, &scenario.harness.user("Ada"), "x", &token);
    activity["value"]["connectionName"] = "legacy".into();
    let answer = scenario.harness.post(&activity).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
}

#[tokio::test]
async fn case_30_a_token_that_an_unauthorised_client_obtained_is_refused() {
    let teams_desktop = "authorized_clients = [\"1fec8e78-bce4-4aaf-ab1b-5451cc387264\"]";
    let options = Options { connection: teams_desktop.into(), ..Options::default() };
    let scenario = Scenario::with(Harness::with(options).await).await;
    let answer = scenario.harness.post(&scenario.exchange()).await;
    assert_refused("30", &answer, 400, "assertion_rejected:azp");
    let mut activity = scenario.exchange();
    let desktop = scenario.token_with(|claims| claims["azp"] = "1FEC8E78-bce4-4aaf-ab1b-5451cc387264".into());
    activity["value"]["token"] = desktop.into();
    let answer = scenario.harness.post(&activity).await;
    assert_eq!((answer.status, answer.json()), (200, success()));
}

#[tokio::test]
async fn a_token_signed_by_an_unknown_key_is_not_accepted_while_the_keys_cannot_be_fetched() {
    let scenario = Scenario::start().await;
    let caller = scenario.harness.channel_token("demo").await;
    scenario
        .harness
        .post_as("demo", &caller, &activities::message(&scenario.harness, &scenario.harness.user("Ada"), "hi"))
        .await;
    scenario.harness.stage.rotate_keys().await.unwrap();
    let fresh = scenario.harness.user_token("Ada", "graph").await;
    scenario.harness.stage.faults().set_keys_unavailable(true);
    let mut activity = scenario.exchange();
    activity["value"]["token"] = fresh.into();
    let answer = scenario.harness.post_as("demo", &caller, &activity).await;
    // The old keys stay usable, so the new key is unknown or cannot be fetched: the gateway neither accepts the token
    // nor answers 412.
    assert!(matches!(answer.status, 400 | 500), "{}", answer.status);
    assert_eq!(scenario.harness.exchanges(), 0);
}
