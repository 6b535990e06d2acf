//! Several replicas over one Redis behave like one process.

mod browsers;
mod continuations;
mod duplicates;
mod outages;
mod persons;
mod sign_outs;
mod tokens;

use serde_json::Value;

use crate::harness::replicas::Replicas;
use crate::harness::{Harness, activities};

/// A `signin/tokenExchange` invoke of a user of the stage, with a fresh token.
async fn exchange_of(harness: &Harness, user: &str, id: &str) -> Value {
    let token = harness.user_token(user, "graph").await;
    activities::exchange(harness, &harness.user(user), id, &token)
}

/// Signs Ada in at one replica.
async fn sign_ada_in(replicas: &Replicas, replica: usize) {
    let activity = exchange_of(&replicas.harness, "Ada", "x").await;
    let answer = replicas.post(replica, &activity).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
}
