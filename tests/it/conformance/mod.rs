//! The numbered cases of reference/invoke-protocol §10, against the real listening server.

mod duplicates;
mod identity;
mod outcomes;
mod requests;
mod token_checks;
mod verify_state;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bot_sso::dev::Signer;
use serde_json::{Value, json};

use crate::harness::{Answer, Harness, activities};

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
