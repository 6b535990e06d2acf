use std::collections::VecDeque;
use std::sync::Mutex;

use serde_json::Value;

use crate::dev::jwt::{text_member, unverified_token_id};
use crate::dev::lock::lock_ignoring_poison;

/// How many tokens, and how many presented tokens, are remembered; the oldest go first.
const MAX_REMEMBERED: usize = 500;

/// The tenants' record of the users' tokens that they have issued: the claims by the token's id (`uti`), never the token. And
/// where such a token was presented, so that the playground can show the claims of an exchange.
#[derive(Default)]
pub(in crate::dev) struct IssuedClaims(Mutex<Records>);

#[derive(Default)]
struct Records {
    issued: VecDeque<Value>,
    presented: VecDeque<PresentedToken>,
}

struct PresentedToken {
    place: String,
    token_id: String,
}

impl IssuedClaims {
    /// Records the claims of a token that was issued.
    pub(in crate::dev) fn record(&self, claims: &Value) {
        push(&mut lock_ignoring_poison(&self.0).issued, claims.clone());
    }

    /// Records that `token` was presented at `place`: a request or an activity.
    pub(in crate::dev) fn note_presented(&self, place: String, token: &str) {
        if let Some(token_id) = unverified_token_id(token) {
            push(&mut lock_ignoring_poison(&self.0).presented, PresentedToken { place, token_id });
        }
    }

    /// The claims of `token`, if a tenant has issued it. The signature is not checked: who has the id has seen the token.
    pub(in crate::dev) fn find(&self, token: &str) -> Option<Value> {
        find_issued(&lock_ignoring_poison(&self.0), &unverified_token_id(token)?)
    }

    /// The claims of the token that was presented last at `place`.
    pub(in crate::dev) fn find_presented(&self, place: &str) -> Option<Value> {
        let records = lock_ignoring_poison(&self.0);
        let presented = records.presented.iter().rev().find(|presented| presented.place == place)?;
        find_issued(&records, &presented.token_id)
    }
}

fn find_issued(records: &Records, token_id: &str) -> Option<Value> {
    records.issued.iter().rev().find(|claims| text_member(claims, "uti") == Some(token_id)).cloned()
}

fn push<T>(records: &mut VecDeque<T>, record: T) {
    if records.len() == MAX_REMEMBERED {
        records.pop_front();
    }
    records.push_back(record);
}

/// The place of an exchange at the token endpoint: the id of the request that it serves.
pub(in crate::dev) fn place_of_request(correlation_id: &str) -> String {
    format!("request {correlation_id}")
}

/// The place of an activity that carries a token.
pub(in crate::dev) fn place_of_activity(conversation: &str, activity_id: &str) -> String {
    format!("activity {activity_id} of {conversation}")
}
