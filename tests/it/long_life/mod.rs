//! Tokens in use for more than an hour: refreshed without their user, rejected by a resource, ended by a sign-out.

mod background;
mod claims;
mod in_flight;
mod operations;
mod outages;
mod parallel;
mod persons;
mod refresh;
mod sign_out;
mod told_once;
mod unkept;
mod words;

use std::time::Duration;

use bot_sso::dev::{Fault, FaultRule, GrantKind};
use serde_json::Value;

use crate::harness::{Answer, Harness, Options, activities};

/// The query of the Token Service for Ada's token in Teams.
const ADA: [(&str, &str); 3] = [("userId", "29:ada"), ("connectionName", "graph"), ("channelId", "msteams")];
/// After this time a token of an hour is no longer returned.
const UNTIL_EXPIRED: Duration = Duration::from_mins(56);
/// After this time a token of an hour has expired.
const AFTER_END: Duration = Duration::from_mins(61);

fn refreshable() -> Options {
    Options { offline_access: true, operations: true, ..Options::default() }
}

/// `user` signs in silently in Teams.
async fn sign_in(harness: &Harness, user: &str, connection: &str, id: &str) -> Answer {
    let token = harness.user_token(user, connection).await;
    let mut activity = activities::exchange(harness, &harness.user(user), id, &token);
    activity["value"]["connectionName"] = connection.into();
    harness.post(&activity).await
}

/// A harness in which Ada has a token for `graph`.
async fn with_ada(options: Options) -> Harness {
    let harness = Harness::with(options).await;
    assert_eq!(sign_in(&harness, "Ada", "graph", "first").await.status, 200);
    harness
}

async fn get(harness: &Harness) -> Answer {
    harness.get_token_as("demo", &ADA).await
}

/// Ada's token.
async fn token(harness: &Harness) -> String {
    let answer = get(harness).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()["token"].as_str().unwrap().to_owned()
}

/// Asserts that the Token Service has no token: 404 without a body.
#[track_caller]
fn assert_nothing(answer: &Answer) {
    assert_eq!((answer.status, answer.body.len()), (404, 0), "{}", String::from_utf8_lossy(&answer.body));
}

fn refreshes(harness: &Harness) -> u64 {
    harness.stage.calls().count(GrantKind::RefreshToken)
}

/// The requests to the identity provider with a grant, oldest first.
fn requests_with(harness: &Harness, grant: GrantKind) -> Vec<Value> {
    let requests = harness.stage.calls().snapshot().requests;
    requests
        .iter()
        .filter(|request| request.grant == grant)
        .map(|request| serde_json::to_value(request).unwrap())
        .collect()
}

/// Lets every later refresh fail with `fault`.
fn fail_refreshes_with(harness: &Harness, fault: Fault) {
    harness.stage.faults().add(FaultRule::new(fault).for_grant(Some(GrantKind::RefreshToken)));
}

/// An answer of the identity provider that does not concern the refresh token and causes no immediate second try.
fn misconfigured() -> Fault {
    let body = r#"{"error":"invalid_client","error_codes":[7000222]}"#.to_owned();
    Fault::Answer { status: 401, content_type: "application/json".to_owned(), body }
}

/// Signs Ben out and in again. The application calls the identity provider and the store for this after the work that
/// was begun before, so that work has ended when this function returns.
async fn sign_ben_in_anew(harness: &Harness) {
    let exchanges = harness.exchanges();
    assert_eq!(harness.sign_out(&[("userId", "29:ben"), ("channelId", "msteams")]).await.status, 200);
    assert_eq!(sign_in(harness, "Ben", "graph", &format!("ben-{exchanges}")).await.status, 200);
    assert_eq!(harness.exchanges(), exchanges + 1);
}
