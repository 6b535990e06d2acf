//! The numbered cases of reference/invoke-protocol §10, against the real listening server.

mod after_exchange;
mod cards;
mod channel_accounts;
mod duplicates;
mod group_conversations;
mod identity;
mod logging;
mod outcomes;
mod parents;
mod requests;
mod token_checks;
mod tokens_response;
mod verify_state;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bot_sso::dev::Signer;
use serde_json::{Value, json};

use crate::harness::{Answer, Harness, Received, activities, logs};

/// How a case differs from case 1.
pub type Change = fn(&mut Value);

/// What the cases start from: connection `graph`, user Ada, her valid token T, card id `x`.
pub struct Scene {
    pub harness: Harness,
    pub token: String,
}

impl Scene {
    pub async fn set() -> Self {
        Self::on(Harness::start().await).await
    }

    pub async fn on(harness: Harness) -> Self {
        let token = harness.user_token("Ada", "graph").await;
        Self { harness, token }
    }

    /// Case 1's activity.
    pub fn exchange(&self) -> Value {
        activities::exchange(&self.harness, &self.harness.user("Ada"), "x", &self.token)
    }

    /// T with other claims, signed by the tenant's real key.
    pub fn token_with(&self, change: impl FnOnce(&mut Value)) -> String {
        let payload = self.token.split('.').nth(1).unwrap();
        let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
        change(&mut claims);
        self.harness.stage.sign(Signer::Tenant, &claims).unwrap()
    }
}

/// Asserts a refusal: status, reason code in `failureDetail`, no exchange, nothing told to the bot.
pub fn assert_refused(case: &str, answer: &Answer, status: u16, reason: &str) {
    let body = String::from_utf8_lossy(&answer.body);
    assert_eq!(answer.status, status, "case {case}: {body}");
    let detail = answer.detail();
    assert!(detail.starts_with(&format!("{reason}:")), "case {case}: {body}");
    for forbidden in ["AADSTS", "eyJ", "secret"] {
        assert!(!body.contains(forbidden), "case {case} leaks {forbidden}: {body}");
    }
}

/// Case 1's body.
pub fn success() -> Value {
    json!({ "id": "x", "connectionName": "graph" })
}

/// `user`'s exchange for the connection `graph`, in a personal Teams conversation.
pub async fn exchange_of(harness: &Harness, user: &str, id: &str) -> Value {
    let token = harness.user_token(user, "graph").await;
    activities::exchange(harness, &harness.user(user), id, &token)
}

/// Whether the vault has a token for the user of `activity`, as the bot sees it.
pub async fn is_kept(harness: &Harness, activity: &Value, connection: &str) -> bool {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let answer = harness.get_token(&text(&activity["channelId"]), &text(&activity["from"]["id"]), connection).await;
    assert!(matches!(answer.status, 200 | 404), "{}", answer.status);
    answer.status == 200
}

/// What the bot has received once nothing more is to be expected.
pub async fn received_in_the_end(harness: &Harness) -> Vec<Received> {
    tokio::time::sleep(Duration::from_millis(400)).await;
    harness.bot.received()
}

/// Asserts that a token of somebody else was refused and the operator told as of an attack, by the check that failed.
pub fn assert_mismatch(case: &str, answer: &Answer, check: &str) {
    assert_refused(case, answer, 400, "identity_mismatch");
    let lines = logs::lines_of(&answer.correlation_id());
    assert!(
        lines.iter().any(|line| line["security"] == true && line["check"] == check),
        "case {case} should have failed by {check}: {lines:?}"
    );
}
